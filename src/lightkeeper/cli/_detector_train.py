"""``lightkeeper detector train``: train, and let the protocol measure what came out."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._detector_measure import measure_and_keep
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.errors import InvalidConfiguration, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightkeeper.evidence.detectors.training import Trained

_EVERY_SECONDS = 5.0
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("train")
def train_detector(
    autoencoder: Annotated[
        list[Path],
        typer.Option("--autoencoder", metavar="ENTRY", help="A registry entry; again for others."),
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="FOLDER", help="Photographs, a folder a source.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Plug-in, card, pairs.")],
    features: Annotated[
        Path | None,
        typer.Option("--features", metavar="ONNX", help="A backbone; fits a regression on it."),
    ] = None,
    layout: Annotated[
        str, typer.Option("--layout", metavar="NAME", help="How that backbone takes pixels.")
    ] = "dinov2",
    output: Annotated[
        str,
        typer.Option("--output", metavar="TENSOR", help="A tensor inside that backbone."),
    ] = "",
    unseen: Annotated[
        list[Path] | None,
        typer.Option("--unseen", metavar="ENTRY", help="For the card alone; with --features."),
    ] = None,
    held_out: Annotated[
        Path | None, typer.Option("--held-out", metavar="FOLDER", help="Of other sources.")
    ] = None,
    others: Annotated[
        Path | None, typer.Option("--others", metavar="FOLDER", help="No photographs; a kind each.")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0, max=0.9, help="To hold out, in whole sources, without it.")
    ] = 0.25,
    licence: Annotated[
        str, typer.Option("--licence", help="Of the weights that come out.")
    ] = "none stated",
    draws: Annotated[
        int | None, typer.Option(min=1, help="Treatments of each pair; 24, or 2 with --features.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 2000,
    drawn: Annotated[
        int, typer.Option(min=0, help="Drawn pictures of each kind in the card.")
    ] = 60,
    minutes: Annotated[
        float | None, typer.Option(min=0, metavar="N", help="CPU minutes, then stop; --resume.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides every random choice.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
) -> None:
    """Train a detector for one generator's autoencoder, and write its card.

    Pairs a photograph with its own round trip. Writes a plug-in whose card says what it may say.
    With --features it fits a regression on a backbone of yours, which needs no torch.
    """
    from lightkeeper.evidence.detectors.evaluation import Setup

    pictures = _Pictures(images, held_out, others, share, licence, seed, resume)
    trained: Trained | None
    if features is not None:
        trained = _on_features(
            features, layout, output, autoencoder, unseen or [], out, pictures, draws or 2
        )
    elif len(autoencoder) > 1 or unseen:
        raise InvalidConfiguration(
            "a network is trained for one autoencoder",
            hint="several, and --unseen, need --features",
        )
    else:
        trained = _trained(autoencoder[0], out, pictures, draws or 24, steps, minutes)
    if trained is None:
        sys.stderr.write(f"the time is over: --resume goes on with {printable(str(out))}\n")
        raise typer.Exit(Exit.PARTIAL)
    setup = Setup(seed=seed, drawn_per_kind=drawn)
    measure_and_keep(trained.manifest, trained.held_out, out / "card", setup)
    raise typer.Exit(Exit.OK)


@dataclass(frozen=True, slots=True)
class _Pictures:
    images: Path
    held_out: Path | None
    others: Path | None
    share: float
    licence: str
    seed: int
    resume: bool


def _on_features(
    backbone: Path,
    layout: str,
    output: str,
    autoencoders: list[Path],
    unseen: list[Path],
    out: Path,
    pictures: _Pictures,
    draws: int,
) -> Trained:
    """Fit on a backbone's features.

    Raises
    ------
    MissingExtra
        ONNX Runtime is not installed.
    """
    from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
    from lightkeeper.evidence.detectors.training import Backbone, train_on_features

    try:
        opened = Backbone(backbone, output=output, layout=layout)
    except ModuleNotFoundError as error:
        raise MissingExtra("training on features", extra="detect") from error
    trained = train_on_features(
        opened,
        [read_autoencoder(path).autoencoder for path in autoencoders],
        pictures.images,
        out,
        unseen=[read_autoencoder(path).autoencoder for path in unseen],
        held_out=pictures.held_out,
        others=pictures.others,
        share=pictures.share,
        licence=pictures.licence,
        seed=pictures.seed,
        draws=draws,
        resume=pictures.resume,
        told=_say,
        progress=_progress(),
    )
    for left in trained.left_out:
        area = "not measurable" if left.auc is None else f"AUC {left.auc:.3f}"
        _say(
            f"without {left.autoencoder}: {area} on its round trips of {left.pairs:,} held-out "
            "photographs, re-encoded alike"
        )
    return trained


def _trained(
    autoencoder: Path,
    out: Path,
    pictures: _Pictures,
    draws: int,
    steps: int,
    minutes: float | None,
) -> Trained | None:
    """Train, with the progress on standard error; ``None`` where the time was over first.

    Raises
    ------
    MissingExtra
        Torch is not installed.
    """
    from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
    from lightkeeper.evidence.detectors.training import Recipe, train

    try:
        return train(
            read_autoencoder(autoencoder).autoencoder,
            pictures.images,
            out,
            held_out=pictures.held_out,
            others=pictures.others,
            share=pictures.share,
            licence=pictures.licence,
            recipe=Recipe(seed=pictures.seed, draws=draws, steps=steps),
            minutes=minutes,
            resume=pictures.resume,
            told=_say,
            progress=_progress(),
        )
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx"):
            raise
        raise MissingExtra("training a detector", extra="train") from error


def _say(line: str) -> None:
    sys.stderr.write(printable(line) + "\n")


def _progress() -> Callable[[str, int, int, str], None]:
    """One line for each thing that is done, written over on a terminal and else now and then."""
    terminal = sys.stderr.isatty()
    last = time.monotonic()

    def tell(what: str, done: int, total: int, note: str) -> None:
        nonlocal last
        now = time.monotonic()
        if done < total and now - last < (0.2 if terminal else _EVERY_SECONDS):
            return
        last = now
        words = f"{done:,} of {total:,} {what}{f', {note}' if note else ''}"
        ends = "\n" if done == total or not terminal else ""
        sys.stderr.write(f"{chr(13) if terminal else ''}{words}{ends}")
        sys.stderr.flush()

    return tell
