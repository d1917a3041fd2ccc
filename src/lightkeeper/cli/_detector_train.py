"""What ``lightkeeper detector train`` does before the protocol measures what came out."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from lightkeeper.cli._printable import printable
from lightkeeper.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lightkeeper.evidence.detectors.training import Trained

_EVERY_SECONDS = 5.0


def train_plugin(
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
