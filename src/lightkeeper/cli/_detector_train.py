"""``lightkeeper detector train``: train, and let the protocol measure what came out."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._detector_measure import measure_and_keep
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightkeeper.evidence.detectors.training import Trained

_EVERY_SECONDS = 5.0
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("train")
def train_detector(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="ENTRY", help="A registry entry.")
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="FOLDER", help="Photographs, a folder a source.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Plug-in, card, pairs.")],
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
    draws: Annotated[int, typer.Option(min=1, help="Treatments of each pair.")] = 24,
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
    """
    from lightkeeper.evidence.detectors.evaluation import Setup

    trained = _trained(
        autoencoder, images, out, held_out=held_out, others=others, share=share,
        licence=licence, seed=seed, draws=draws, steps=steps, minutes=minutes, resume=resume,
    )  # fmt: skip
    if trained is None:
        sys.stderr.write(f"the time is over: --resume goes on with {printable(str(out))}\n")
        raise typer.Exit(Exit.PARTIAL)
    setup = Setup(seed=seed, drawn_per_kind=drawn)
    measure_and_keep(trained.manifest, trained.held_out, out / "card", setup)
    raise typer.Exit(Exit.OK)


def _trained(
    autoencoder: Path,
    images: Path,
    out: Path,
    *,
    held_out: Path | None,
    others: Path | None,
    share: float,
    licence: str,
    seed: int,
    draws: int,
    steps: int,
    minutes: float | None,
    resume: bool,
) -> Trained | None:
    """Train, with the progress on standard error; ``None`` where the time was over first.

    Raises
    ------
    MissingExtra
        Torch is not installed.
    """
    try:
        from lightkeeper.evidence.detectors.training import Recipe, train
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx"):
            raise
        raise MissingExtra("training a detector", extra="train") from error
    from lightkeeper.evidence.detectors.reconstruction import read_autoencoder

    return train(
        read_autoencoder(autoencoder).autoencoder,
        images,
        out,
        held_out=held_out,
        others=others,
        share=share,
        licence=licence,
        recipe=Recipe(seed=seed, draws=draws, steps=steps),
        minutes=minutes,
        resume=resume,
        told=_say,
        progress=_progress(),
    )


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
