"""What no step has seen: scored to calibrate, and kept as labelled pictures for the protocol."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightkeeper.evidence.detectors.treatment import Condition, reencode
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.training._pairs import Pair, Picture

    Scores = NDArray[np.float64]

_LIST = "pictures.csv"
_CROP = 512


def keep_pictures(
    pairs: Sequence[tuple[Pair, str]], others: Sequence[Picture], folder: Path
) -> Path:
    """Both halves of each pair, and what is no photograph, as PNG with the list of them.

    Parameters
    ----------
    pairs : sequence of (Pair, str)
        Each with the name of its autoencoder.
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
    for number, (pair, generator) in enumerate(pairs):
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


def scores_of(
    score: Callable[[NDArray[np.uint8]], float | None],
    pictures: Iterable[NDArray[np.uint8]],
    seed: int,
) -> Scores:
    """Raw scores of pictures of shape (H, W, 3), each re-encoded by draws of its place.

    NaN where it abstains.
    """
    found = []
    for number, rgb in enumerate(pictures):
        rng = np.random.default_rng([seed, number])
        value = score(reencode(np.asarray(rgb), Condition.MATCHED, rng=rng, crop=_CROP))
        found.append(np.nan if value is None else value)
    return np.array(found, dtype=np.float64)
