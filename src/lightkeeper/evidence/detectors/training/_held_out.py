"""What no step has seen: whole sources, kept as labelled pictures for the protocol."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.evaluation import Condition
from lightkeeper.evidence.detectors.evaluation._reencode import reencode
from lightkeeper.evidence.detectors.training._optimise import as_batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.training._network import Network
    from lightkeeper.evidence.detectors.training._pairs import Pair, Picture

_LIST = "pictures.csv"
_CROP = 512


def split_sources(
    pictures: Sequence[Picture], share: float
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Hold out whole sources, the smallest that come nearest to a share of all pictures.

    Raises
    ------
    InvalidConfiguration
        There is one source only.
    """
    size = Counter(picture.source for picture in pictures)
    sources = sorted(size, key=lambda source: (size[source], source))
    if len(sources) == 1:
        raise InvalidConfiguration(
            f"all pictures are of one source, {sources[0]}: a share of it proves nothing",
            hint="one folder for each source, or --held-out with pictures of another one",
        )
    chosen: set[str] = set()
    for source in sources[:-1]:
        held = sum(size[s] for s in chosen)
        if not chosen or held + size[source] <= share * len(pictures):
            chosen.add(source)
    held_out = tuple(p for p in pictures if p.source in chosen)
    return tuple(p for p in pictures if p.source not in chosen), held_out


def check_disjoint(training: Sequence[Picture], held_out: Sequence[Picture]) -> None:
    """Refuse a source or a picture that stands on both sides.

    Raises
    ------
    InvalidConfiguration
    """
    for what in ("source", "digest"):
        both = {getattr(p, what) for p in training} & {getattr(p, what) for p in held_out}
        if both:
            words = f"the source {min(both)}" if what == "source" else f"{len(both):,} pictures"
            raise InvalidConfiguration(
                f"{words} would be trained on and held out",
                hint="name the folders of different collections differently, and keep them apart",
            )


def keep_pictures(pairs: Sequence[Pair], folder: Path, generator: str) -> Path:
    """Both halves of each pair as PNG, with the list that ``detector evaluate`` reads.

    Returns
    -------
    Path
        The list.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("path", "label", "source", "generator", "pair"))
    for number, pair in enumerate(pairs):
        for half, label in zip(pair.halves(), ("real", "generated"), strict=True):
            name = f"{number:05d}-{label}.png"
            Image.fromarray(np.asarray(half)).save(folder / name, compress_level=1)
            made = generator if label == "generated" else ""
            rows.writerow((name, label, pair.picture.source, made, number))
    listed = folder / _LIST
    listed.write_text(text.getvalue(), encoding="utf-8")
    return listed


def scores_of(
    network: Network, pairs: Sequence[Pair], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Raw scores of photographs and of round trips, re-encoded alike; both of shape (n,)."""
    found = np.empty((2, len(pairs)))
    network.eval()
    with torch.no_grad():
        for number, pair in enumerate(pairs):
            for side, half in enumerate(pair.halves()):
                rng = np.random.default_rng([seed, number])
                pixels = reencode(np.asarray(half), Condition.MATCHED, rng=rng, crop=_CROP)
                found[side, number] = float(network(as_batch(pixels[None]))[0, 0])
    return found[0], found[1]
