"""``lightkeeper detector export`` and ``calibrate``: an autoencoder's entry and its null."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import MediaError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._null import Nulls

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_ALPHA = 0.01
"""Chance per picture that the examiner of grids works with."""
_FEW_DECIBELS = 15.0
_LATTICE_P = 1e-3
"""Above it, an autoencoder's own pictures are not recognised within themselves."""


@app.command("export")
def export_autoencoder(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="PATH", help="Folder, or file of weights.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Its registry entry.")],
    name: Annotated[str, typer.Option("--name", help="What findings call it.")],
    licence: Annotated[str, typer.Option("--licence", help="As its owner states it.")],
) -> None:
    """Turn a generator's autoencoder into ONNX, so that a scan can look for its grid.

    Reads folders of any diffusers autoencoder of pictures, single SD-type files and TAESD pairs.
    Nothing is written unless it does what the original does.
    """
    try:
        from lightkeeper.evidence.detectors.reconstruction.layouts import export
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("exporting an autoencoder", extra="detect-torch") from error
    try:
        done = export(autoencoder, out, name=name, licence=licence)
    except ModuleNotFoundError as error:
        if error.name not in ("onnx", "onnxruntime"):
            raise
        raise MissingExtra("exporting an autoencoder", extra="detect-torch") from error
    words = (
        f"{done.kind}, grid {done.grid}: at most {done.difference:.1g} from the original, of "
        f"values from 0 to 1; a drawn picture comes back at {done.psnr:.0f} dB"
    )
    if done.psnr < _FEW_DECIBELS:
        words += ", far less than a trained autoencoder gives: are these the right weights?"
    sys.stderr.write(printable(words) + "\n")
    write_text(str(done.manifest))
    raise typer.Exit(Exit.OK)


@app.command("calibrate")
def calibrate_autoencoder(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="FOLDER", help="A registry entry.")
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="FOLDER", help="Photographs and artwork.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Nulls, for its entry.")],
    edited: Annotated[
        bool, typer.Option("--map", help="For the map of edited regions, as `map_null`.")
    ] = False,
) -> None:
    """Measure what pictures that never met an autoencoder show under it, in both forms.

    Name the file as `null` in the entry: findings of the tiers model and deep are then bounded
    by it.
    """
    import msgspec

    from lightkeeper.evidence.detectors.reconstruction import calibrate, read_autoencoder
    from lightkeeper.evidence.detectors.regions import calibrate_map

    registered = read_autoencoder(autoencoder)
    if edited:
        null = calibrate_map(registered.autoencoder, _pictures(images))
        write_whole(out, msgspec.json.encode(null))
        write_text(f"{null.size:,} pictures; no p-value below {1 / (1 + null.size):.2g}")
        _warn_few(null.size)
    else:
        nulls = calibrate(registered.autoencoder, _pictures(images))
        write_whole(out, msgspec.json.encode(nulls))
        _tell(nulls)
    raise typer.Exit(Exit.OK)


def _tell(nulls: Nulls) -> None:
    for null in nulls.nulls:
        write_text(
            f"{null.form}: {null.size:,} pictures, no p-value below {1 / (1 + null.size):.2g}; "
            f"{null.seconds:.2g} CPU seconds for a picture, at most {null.most_seconds:.2g}"
        )
    if nulls.nulls[-1].own_p > _LATTICE_P:
        words = (
            "most pictures that came through it agree on no phase: try lattice = false in its "
            "entry, for a decoder that does not enlarge in steps of two"
        )
        sys.stderr.write(printable(words) + "\n")
    _warn_few(min(null.size for null in nulls.nulls))


def _warn_few(pictures: int) -> None:
    from lightkeeper.evidence.detectors.reconstruction._null import least_size

    if pictures < least_size(_ALPHA, 2):
        words = (
            f"{pictures:,} pictures are few: at a chance of {_ALPHA:g}, a scan gives no finding "
            f"with fewer than {least_size(_ALPHA)}, or {least_size(_ALPHA, 2)} where two "
            "autoencoders are registered"
        )
        sys.stderr.write(printable(words) + "\n")


def _pictures(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    from lightkeeper.media import open_media

    # In an order of their own: the first ones are also passed through the decoder, and a folder
    # of drawings alone would say little about photographs.
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(
        paths, key=lambda p: hashlib.sha256(str(p.relative_to(folder)).encode()).digest()
    ):
        try:
            yield path.parent.relative_to(folder).as_posix(), open_media(path).rgb()
        except MediaError as error:
            sys.stderr.write(printable(f"{path}: {error}") + "\n")
