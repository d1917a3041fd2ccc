"""Attacks on weights and on sets of pictures, as anyone who holds them could try."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lightkeeper.generators.rooting._autoencoder import reconstruction_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.generators.rooting._root import Generator
    from lightkeeper.generators.rooting._train import Crops

STRENGTH = 7.0
"""Deviation, in grey levels, at which a pattern is put on or taken off: about that of a mark."""
_CELL = 32


def constants_back(rooted: Any, original: Any) -> Any:
    """Set every constant (bias) back to the original's."""
    changed = copy.deepcopy(rooted)
    held = dict(original.named_parameters())
    for name, parameter in changed.named_parameters():
        if parameter.ndim == 1:
            parameter.data.copy_(held[name].data)
    return changed


def constants_zero(rooted: Any) -> Any:
    """Set every constant (bias) to zero."""
    changed = copy.deepcopy(rooted)
    for name, parameter in changed.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
    return changed


def quantised(rooted: Any, bits: int) -> Any:
    """Round each tensor to so many bits."""
    changed = copy.deepcopy(rooted)
    for parameter in changed.parameters():
        unit = parameter.data.abs().amax().clamp(min=1e-12) / (2 ** (bits - 1) - 1)
        parameter.data.copy_((parameter.data / unit).round() * unit)
    return changed


def merged(rooted: Any, original: Any, kept: float) -> Any:
    """A weighted mean with the original weights."""
    changed = copy.deepcopy(rooted)
    for own, other in zip(changed.parameters(), original.parameters(), strict=True):
        own.data.lerp_(other.data, 1 - kept)
    return changed


def fine_tuned(
    rooted: Any, generator: Generator, crops: Crops, stops: Sequence[int]
) -> Iterator[Any]:
    """Train on clean pictures alone; the decoder after so many steps each."""
    tuned = copy.deepcopy(rooted).train().requires_grad_(True)
    optimizer = torch.optim.AdamW(tuned.parameters(), 3e-4)
    step = 0
    for stop in stops:
        while step < stop:
            rgb = crops.draw(4, 128)
            with torch.no_grad():
                latent = generator.encode(rgb)
            optimizer.zero_grad()
            reconstruction_loss(generator.decode(latent, tuned), rgb).backward()
            optimizer.step()
            step += 1
        yield tuned


def pattern(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """What pictures of one size have in common beside their coarse content, shape as they.

    It is as strong as a mark is, whatever is left of one in the mean.
    """
    total = np.zeros(pictures[0].shape)
    for rgb in pictures:
        total += rgb - _coarse(rgb.astype(np.float64))
    return total * (STRENGTH / max(float(total.std()), 1e-9))


def laid(rgb: NDArray[np.uint8], found: NDArray[np.float64], sign: int) -> NDArray[np.float64]:
    """A picture with a pattern added or taken off, repeated to its size."""
    height, width = rgb.shape[:2]
    times = (-(-height // found.shape[0]), -(-width // found.shape[1]), 1)
    return rgb + sign * np.tile(found, times)[:height, :width]


def _coarse(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of cells, at their place."""
    down, over = (length // _CELL for length in rgb.shape[:2])
    means = rgb[: down * _CELL, : over * _CELL].reshape(down, _CELL, over, _CELL, 3).mean((1, 3))
    return np.kron(means, np.ones((_CELL, _CELL, 1)))
