"""From photographs and an autoencoder to a plug-in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import OutputError
from lightkeeper.evidence.detectors.training._calibrate import calibrate
from lightkeeper.evidence.detectors.training._drawings import drawings
from lightkeeper.evidence.detectors.training._export import export
from lightkeeper.evidence.detectors.training._held_out import (
    check_disjoint,
    keep_pictures,
    scores_of,
    set_aside,
    split_sources,
)
from lightkeeper.evidence.detectors.training._optimise import draw_levels, optimise
from lightkeeper.evidence.detectors.training._pairs import draw_pairs, find_pictures, make_pairs
from lightkeeper.evidence.detectors.training._recipe import SETUP, Recipe, keep_setup
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder
    from lightkeeper.evidence.detectors.training._calibrate import Calibration
    from lightkeeper.evidence.detectors.training._pairs import Pair, Picture

    Progress = Callable[[str, int, int, str], None]

REPORT = "training.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """What a finished run leaves."""

    manifest: Path
    """Plug-in manifest; its weights lie beside it."""
    held_out: Path
    """List of held-out pictures, for ``lightkeeper detector evaluate``."""
    calibration: Calibration


def train(
    autoencoder: Autoencoder,
    images: Path,
    out: Path,
    *,
    held_out: Path | None = None,
    others: Path | None = None,
    share: float = 0.25,
    licence: str = "none stated",
    recipe: Recipe | None = None,
    minutes: float | None = None,
    resume: bool = False,
    told: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda what, done, total, note: None,
) -> Trained | None:
    """Train a network that tells a photograph from its round trip through an autoencoder.

    Parameters
    ----------
    images : Path
        Photographs, in one folder for each source.
    out : Path
        Takes the plug-in, the pairs, checkpoints and held-out pictures.
    held_out : Path, optional
        Photographs of other sources. Without it whole sources of ``images`` are held out, about
        ``share`` of the pictures.
    others : Path, optional
        Real pictures that are no photographs, in one folder for each kind; for the card alone.
    licence : str
        Of the weights that come out.
    minutes : float, optional
        CPU minutes of training after which it stops, to be resumed.
    told : callable
        Is given a line for each file that is left out.
    progress : callable
        Called with what is being done, how much of it is done, of how much, and a note.

    Returns
    -------
    Trained or None
        ``None`` where ``minutes`` were over first.

    Raises
    ------
    InvalidConfiguration
        There are no usable pictures, a source stands on both sides, or a resumed run was begun
        with something else.
    OutputError
        ``out`` holds a run already and ``resume`` was not asked for.
    """
    recipe = recipe or Recipe()
    if (out / SETUP).exists() and not resume:
        raise OutputError(f"{out} already holds a run", hint="--resume goes on with it")
    pictures = find_pictures(images, told)
    if held_out is None:
        training, tested = split_sources(pictures, share)
    else:
        training, tested = pictures, find_pictures(held_out, told)
    no_photographs = find_pictures(others, told) if others else ()
    check_disjoint(training, (*tested, *no_photographs))
    training, aside = set_aside(training)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {out}: {error.strerror}") from error
    keep_setup(out, recipe, autoencoder, (*training, *aside), tested)

    def made(what: str, of: Sequence[Picture], views: int) -> tuple[Pair, ...]:
        def tell(done: int, total: int) -> None:
            progress(what, done, total, "")

        return make_pairs(of, autoencoder, out / "pairs", views=views, told=told, progress=tell)

    def tell_drawn(done: int, total: int) -> None:
        progress("drawings", done, total, "")

    pairs = made("pairs to train on", training, recipe.views)
    pairs += draw_pairs(
        recipe.drawings, autoencoder, out / "pairs", seed=recipe.seed, progress=tell_drawn
    )
    between = made("pairs to calibrate on", aside, 1)
    kept = made("pairs held out", tested, 1)

    def step(done: int, total: int, loss: float) -> None:
        progress("steps", done, total, f"loss {loss:.3f}")

    def drawn(done: int, total: int) -> None:
        progress("draws", done, total, "")

    until = inf if minutes is None else time.process_time() + 60 * minutes
    levels = draw_levels(pairs, recipe, out, until=until, progress=drawn)
    if levels is None:
        return None
    network = optimise(levels, recipe, out, until=until, progress=step)
    if network is None:
        return None
    calibration = calibrate(
        scores_of(network, (pair.halves()[0] for pair in between), recipe.seed),
        scores_of(network, (pair.halves()[1] for pair in between), recipe.seed),
        scores_of(network, drawings(recipe.seed), recipe.seed),
    )
    manifest = export(
        network, calibration, out, autoencoder=autoencoder, licence=licence,
        sources=(picture.source for picture in (*training, *aside)),
    )  # fmt: skip
    listed = keep_pictures(kept, no_photographs, out / "held-out", autoencoder.name)
    report = {"pairs": len(pairs), "calibration": to_plain(calibration)}
    (out / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return Trained(manifest, listed, calibration)
