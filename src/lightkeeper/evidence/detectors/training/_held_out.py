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
from lightkeeper.evidence.detectors.training._optimise import as_batch
from lightkeeper.evidence.detectors.treatment import Condition, reencode
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.training._network import Network
    from lightkeeper.evidence.detectors.training._pairs import Pair, Picture

    Scores = NDArray[np.float64]

_LIST = "pictures.csv"
_CROP = 512
_ASIDE = 5


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


def set_aside(pictures: Sequence[Picture]) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """One picture of five for calibrating, the others to train on.

    Not those that are held out: a threshold that was set on the pictures of the card would make
    the card praise itself.

    Raises
    ------
    InvalidConfiguration
        There is one picture only.
    """
    ordered = sorted(pictures, key=lambda picture: picture.digest)
    if len(ordered) == 1:
        raise InvalidConfiguration(
            "there is one picture to train on", hint="hundreds are needed for a useful detector"
        )
    aside = set(ordered[::_ASIDE])
    return tuple(p for p in pictures if p not in aside), tuple(p for p in pictures if p in aside)


def keep_pictures(
    pairs: Sequence[Pair], others: Sequence[Picture], folder: Path, generator: str
) -> Path:
    """Both halves of each pair, and what is no photograph, as PNG with the list of them.

    Parameters
    ----------
    others : sequence of Picture
        Real pictures that are no photographs; their source is their kind.

    Returns
    -------
    Path
        The list.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("path", "label", "source", "generator", "pair", "kind"))
    for number, pair in enumerate(pairs):
        for half, label in zip(pair.halves(), ("real", "generated"), strict=True):
            name = f"{number:05d}-{label}.png"
            Image.fromarray(np.asarray(half)).save(folder / name, compress_level=1)
            made = generator if label == "generated" else ""
            rows.writerow((name, label, pair.picture.source, made, number, "photo"))
    for number, other in enumerate(others):
        name = f"other-{number:05d}.png"
        pixels = open_media(other.path).rgb()
        Image.fromarray(pixels).save(folder / name, compress_level=1)
        rows.writerow((name, "real", other.source, "", "", other.source))
    listed = folder / _LIST
    listed.write_text(text.getvalue(), encoding="utf-8")
    return listed


def scores_of(network: Network, pictures: Iterable[NDArray[np.uint8]], seed: int) -> Scores:
    """Raw scores of pictures of shape (H, W, 3), each re-encoded by draws of its place."""
    network.eval()
    found = []
    with torch.no_grad():
        for number, rgb in enumerate(pictures):
            rng = np.random.default_rng([seed, number])
            pixels = reencode(np.asarray(rgb), Condition.MATCHED, rng=rng, crop=_CROP)
            found.append(float(network(as_batch(pixels[None]))[0, 0]))
    return np.array(found, dtype=np.float64)
