"""From photographs and an autoencoder to a plug-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import OutputError
from lightkeeper.evidence.detectors.training._calibrate import calibrate
from lightkeeper.evidence.detectors.training._drawings import drawings
from lightkeeper.evidence.detectors.training._held_out import keep_pictures, scores_of
from lightkeeper.evidence.detectors.training._pairs import draw_pairs, make_pairs
from lightkeeper.evidence.detectors.training._recipe import SETUP, Recipe, keep_setup
from lightkeeper.evidence.detectors.training._sides import divide
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder
    from lightkeeper.evidence.detectors.training._calibrate import Calibration
    from lightkeeper.evidence.detectors.training._network import Network
    from lightkeeper.evidence.detectors.training._pairs import Pair, Picture


REPORT = "training.json"
Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True, slots=True)
class Left:
    """What was measured with one autoencoder left out of the fit."""

    autoencoder: str
    auc: float | None
    """Of held-out photographs against their own round trips through it."""
    pairs: int


@dataclass(frozen=True, slots=True)
class Trained:
    """What a finished run leaves."""

    manifest: Path
    """Plug-in manifest; its weights lie beside it."""
    held_out: Path
    """List of held-out pictures, for ``lightkeeper detector evaluate``."""
    calibration: Calibration
    left_out: tuple[Left, ...] = ()
    """Each autoencoder left out once, where features were fitted on several."""


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
    # Torch, which no other way of training needs.
    from lightkeeper.evidence.detectors.training._export import export

    recipe = recipe or Recipe()
    if (out / SETUP).exists() and not resume:
        raise OutputError(f"{out} already holds a run", hint="--resume goes on with it")
    sides = divide(images, held_out, others, share=share, told=told)
    seen = (*sides.training, *sides.aside)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {out}: {error.strerror}") from error
    settings = {"recipe": to_plain(recipe), "autoencoder": autoencoder.fingerprint}
    keep_setup(out, settings, seen, sides.held_out)

    def made(what: str, of: Sequence[Picture], views: int = 1) -> tuple[Pair, ...]:
        tell = telling(progress, what)
        return make_pairs(of, autoencoder, out / "pairs", views=views, told=told, progress=tell)

    pairs = made("pairs to train on", sides.training, recipe.views)
    pairs += draw_pairs(
        recipe.drawings, autoencoder, out / "pairs", seed=recipe.seed,
        progress=telling(progress, "drawings"),
    )  # fmt: skip
    between = made("pairs to calibrate on", sides.aside)
    kept = made("pairs held out", sides.held_out)
    until = inf if minutes is None else time.process_time() + 60 * minutes
    network = _network(pairs, recipe, out, until, progress)
    if network is None:
        return None
    calibration = _calibrated(network, between, recipe.seed)
    manifest = export(
        network, calibration, out, autoencoder=autoencoder, licence=licence,
        sources=(picture.source for picture in seen),
    )  # fmt: skip
    listed = keep_pictures(
        [(pair, autoencoder.name) for pair in kept], sides.others, out / "held-out"
    )
    report = {"pairs": len(pairs), "calibration": to_plain(calibration)}
    (out / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return Trained(manifest, listed, calibration)


def telling(progress: Progress, what: str) -> Callable[[int, int], None]:
    """Progress of one thing that is done."""
    return lambda done, total: progress(what, done, total, "")


def _network(
    pairs: Sequence[Pair], recipe: Recipe, out: Path, until: float, progress: Progress
) -> Network | None:
    from lightkeeper.evidence.detectors.training._optimise import draw_levels, optimise

    levels = draw_levels(pairs, recipe, out, until=until, progress=telling(progress, "draws"))
    if levels is None:
        return None

    def step(done: int, total: int, loss: float) -> None:
        progress("steps", done, total, f"loss {loss:.3f}")

    return optimise(levels, recipe, out, until=until, progress=step)


def _calibrated(network: Network, between: Sequence[Pair], seed: int) -> Calibration:
    import torch

    from lightkeeper.evidence.detectors.training._optimise import as_batch

    def score(rgb: NDArray[np.uint8]) -> float:
        with torch.no_grad():
            return float(network(as_batch(rgb[None]))[0, 0])

    network.eval()
    real, made = (
        scores_of(score, (pair.halves()[side] for pair in between), seed) for side in (0, 1)
    )
    return calibrate(real, made, scores_of(score, drawings(seed), seed))
