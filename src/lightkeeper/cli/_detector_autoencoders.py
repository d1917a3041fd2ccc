"""``lightkeeper detector export`` and ``calibrate``: an autoencoder's entry and its null."""

from __future__ import annotations

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

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("export")
def export_autoencoder(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="PATH", help="Folder or safetensors file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Its registry entry.")],
    name: Annotated[str, typer.Option("--name", help="What findings call it.")],
    licence: Annotated[str, typer.Option("--licence", help="As its owner states it.")],
) -> None:
    """Turn a generator's autoencoder into ONNX, so that a scan can look for its grid.

    Reads diffusers AutoencoderKL folders, single SD-type files and TAESD pairs; safetensors only.
    """
    try:
        from lightkeeper.evidence.detectors.reconstruction.layouts import export
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("exporting an autoencoder", extra="detect-torch") from error
    write_text(str(export(autoencoder, out, name=name, licence=licence)))
    raise typer.Exit(Exit.OK)


@app.command("calibrate")
def calibrate_autoencoder(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="FOLDER", help="A registry entry.")
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="FOLDER", help="Photographs and artwork.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The null, for its entry.")],
    deep: Annotated[bool, typer.Option("--deep", help="For the tier deep.")] = False,
) -> None:
    """Measure what pictures that never met an autoencoder show under it.

    Name the file as `null` in the entry: findings are then bounded by it.
    """
    import msgspec

    from lightkeeper.evidence.detectors.reconstruction import (
        FULL,
        QUICK,
        calibrate,
        read_autoencoder,
    )

    registered = read_autoencoder(autoencoder)
    null = calibrate(registered.autoencoder, _pictures(images), FULL if deep else QUICK)
    write_whole(out, msgspec.json.encode(null))
    write_text(f"{null.size:,} pictures; no p-value below {1 / (1 + null.size):.2g}")
    raise typer.Exit(Exit.OK)


def _pictures(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    from lightkeeper.media import open_media

    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield path.parent.relative_to(folder).as_posix(), open_media(path).rgb()
        except MediaError as error:
            sys.stderr.write(printable(f"{path}: {error}") + "\n")
