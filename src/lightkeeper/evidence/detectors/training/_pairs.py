"""Content-matched pairs: a photograph, and the same one sent through an autoencoder and back.

Made once and kept: a pair costs a hundred times what a training step makes of it. Both halves
have the same pixels but for what the autoencoder did, so content, camera and lens say nothing.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightkeeper.errors import InvalidConfiguration, MediaError
from lightkeeper.evidence.detectors.training._drawings import draw
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder

DRAWINGS = "(drawings)"
"""Source of the drawings; no folder has this name."""
SMALLEST_SIDE = 96
"""A shorter picture has too few periods of the grid, and holds no crop."""
_LARGEST_SIDE = 384
"""A treatment cuts 320 of it; a larger part costs time and teaches little more."""
_REDUCED = (0.5, 0.9)
_KERNELS = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)


@dataclass(frozen=True, slots=True)
class Picture:
    """A photograph, or a drawing, that pairs are made of."""

    path: Path
    source: str
    """Folder that it came from, below the one that was named."""
    digest: str
    """SHA-256 of its content."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A photograph and its round trip, kept in one file."""

    file: Path
    picture: Picture
    view: int
    """0 is the photograph at its own scale; others are reduced first, which wipes out the traces
    of how its file was compressed."""

    def halves(self) -> NDArray[np.uint8]:
        """Photograph and round trip, uint8, shape (2, H, W, 3); read from disk on demand."""
        stack: NDArray[np.uint8] = np.load(self.file, mmap_mode="r", allow_pickle=False)
        return stack


def find_pictures(folder: Path, told: Callable[[str], None]) -> tuple[Picture, ...]:
    """Photographs below a folder, each content once, by the folder that they lie in.

    Parameters
    ----------
    told : callable
        Is given one line for each file that is left out, with the reason.

    Raises
    ------
    InvalidConfiguration
        There is no usable picture.
    """
    found: dict[str, Picture] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            media = open_media(path)
            size = min(media.header.width, media.header.height)
        except (MediaError, OSError) as error:
            told(f"{path}: {error}")
            continue
        if size < SMALLEST_SIDE:
            told(f"{path}: {size} pixels on its shorter side; {SMALLEST_SIDE} are needed")
            continue
        digest = hashlib.sha256(media.content).hexdigest()
        source = path.parent.relative_to(folder).as_posix()
        found.setdefault(digest, Picture(path, folder.name if source == "." else source, digest))
    if not found:
        raise InvalidConfiguration(
            f"{folder} holds no picture that can be used",
            hint=f"photographs of at least {SMALLEST_SIDE} pixels, in one folder for each source",
        )
    return tuple(found.values())


def make_pairs(
    pictures: Sequence[Picture],
    autoencoder: Autoencoder,
    kept: Path,
    *,
    views: int,
    told: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> tuple[Pair, ...]:
    """Pairs of all pictures; those that are already kept are not made again.

    Parameters
    ----------
    kept : Path
        Folder for pairs. They are named by the content of the picture and by the autoencoder.
    views : int
        Pairs of each picture: one at its own scale, the others reduced.

    Raises
    ------
    EvidenceError
        The autoencoder fails.
    InvalidConfiguration
        No picture could be decoded.
    """
    folder = kept / autoencoder.fingerprint[:16]
    folder.mkdir(parents=True, exist_ok=True)
    pairs: list[Pair] = []
    for index, picture in enumerate(pictures):
        for view in range(views):
            pair = Pair(folder / f"{picture.digest[:32]}-{view}.npy", picture, view)
            try:
                usable = pair.file.exists() or _make(
                    pair, autoencoder, open_media(picture.path).rgb()
                )
            except (MediaError, OSError) as error:
                told(f"{picture.path}: {error}")
                break
            if usable:
                pairs.append(pair)
        progress(index + 1, len(pictures))
    if not pairs:
        raise InvalidConfiguration("no picture could be decoded, so there is no pair")
    return tuple(pairs)


def draw_pairs(
    count: int,
    autoencoder: Autoencoder,
    kept: Path,
    *,
    seed: int,
    progress: Callable[[int, int], None],
) -> tuple[Pair, ...]:
    """Pairs of drawings; those that are already kept are not made again.

    Raises
    ------
    EvidenceError
        The autoencoder fails.
    """
    folder = kept / autoencoder.fingerprint[:16]
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number in range(count):
        name = f"drawing-{seed}-{number}"
        digest = hashlib.sha256(name.encode()).hexdigest()
        pair = Pair(folder / f"{name}.npy", Picture(folder, DRAWINGS, digest), 0)
        if not pair.file.exists():
            _make(pair, autoencoder, draw(seed, number))
        pairs.append(pair)
        progress(number + 1, count)
    return tuple(pairs)


def _make(pair: Pair, autoencoder: Autoencoder, photo: NDArray[np.uint8]) -> bool:
    rng = np.random.default_rng([int(pair.picture.digest[:12], 16), pair.view])
    if pair.view:
        photo = _reduced(photo, rng)
    photo = _on_grid(photo, autoencoder.grid, rng)
    if min(photo.shape[:2]) < SMALLEST_SIDE:
        return False
    batch = np.ascontiguousarray(photo.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    made = autoencoder.reconstruct(batch)[0].transpose(1, 2, 0)
    stack = np.stack([photo, np.rint(made * 255).astype(np.uint8)])
    part = pair.file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        np.save(stream, stack, allow_pickle=False)
    part.replace(pair.file)
    return True


def _reduced(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    factor = rng.uniform(*_REDUCED)
    kernel = _KERNELS[int(rng.integers(len(_KERNELS)))]
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), kernel))


def _on_grid(rgb: NDArray[np.uint8], grid: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A part whose sides are whole cells; it starts anywhere, so that no file's grid fits."""
    sides = [min(side, _LARGEST_SIDE) // grid * grid for side in rgb.shape[:2]]
    if min(sides) < SMALLEST_SIDE:
        return rgb[: sides[0], : sides[1]]
    top, left = (int(rng.integers(rgb.shape[i] - sides[i] + 1)) for i in range(2))
    return rgb[top : top + sides[0], left : left + sides[1]]
