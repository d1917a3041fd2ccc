"""Pictures drawn by numpy alone: leaves, shading and noise; gradients, discs and bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAVES = 220
_SMALLEST_LEAF, _LARGEST_LEAF = 0.01, 0.22


def photo_like(seed: int, *, width: int = 512, height: int = 512) -> NDArray[np.uint8]:
    """Draw a picture with the statistics of a photograph.

    Occluding discs whose radii follow a power law ("dead leaves"), 1/f texture, soft shading and
    a sensor's noise. The same arguments always give the same picture; a seed keeps its leaves at
    every size.

    Returns
    -------
    uint8, shape (height, width, 3)

    References
    ----------
    .. [1] Lee, Mumford & Huang, "Occlusion models for natural images", IJCV 41, 2001.
    """
    rng = np.random.default_rng(seed)
    picture = _leaves(rng, width, height)
    light = _shading(rng, width, height)
    texture = _pink_noise(rng, width, height)
    picture *= (light * (1 + np.float32(0.16) * texture))[..., None]
    grain = rng.standard_normal((height, width), dtype=np.float32)
    picture += (grain * np.sqrt(np.clip(picture[..., 1], 4, 255)) * np.float32(0.25))[..., None]
    return _to_bytes(picture)


def synthetic_like(seed: int, *, width: int = 512, height: int = 512) -> NDArray[np.uint8]:
    """Draw a smooth picture without noise: a gradient, bands and soft discs.

    Returns
    -------
    uint8, shape (height, width, 3)
    """
    rng = np.random.default_rng(seed)
    y, x = _axes(width, height)
    ends = rng.uniform(40, 220, (2, 3)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.clip(0.5 + 0.5 * (x * np.cos(angle) + y * np.sin(angle)), 0, 1).astype(np.float32)
    picture = ends[0] + ramp[..., None] * (ends[1] - ends[0])
    turns = rng.uniform(3, 8)
    bands = np.sin(turns * (x * np.sin(angle) + y * np.cos(angle)) + rng.uniform(0, 6))
    picture += (np.float32(18) * bands.astype(np.float32))[..., None]
    unit = max(width, height)
    for _ in range(9):
        colour = rng.uniform(10, 245, 3).astype(np.float32)
        centre_x, centre_y, radius = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0.08, 0.4)
        distance = np.hypot(x - centre_x, y - centre_y)
        cover = np.clip((radius - distance) * unit / 4, 0, 1).astype(np.float32)[..., None]
        picture += cover * (colour - picture)
    return _to_bytes(picture)


def _axes(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return y, x


def _to_bytes(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.clip(picture, 0, 255) + np.float32(0.5)).astype(np.uint8)


def _leaves(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    unit = max(width, height)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = rng.uniform(60, 190, 3)
    # Radii with density ~ r^-3 between the two ends, by inversion.
    low, high = _SMALLEST_LEAF**-2, _LARGEST_LEAF**-2
    radii = (high + rng.random(_LEAVES) * (low - high)) ** -0.5
    radii[: _LEAVES // 5] *= 3
    tones = rng.uniform(20, 235, (_LEAVES, 1)) * rng.uniform(0.75, 1.25, (_LEAVES, 3))
    for radius, tone, place in zip(radii, tones, rng.random((_LEAVES, 2)), strict=True):
        centre_y, centre_x, reach = place[0] * height, place[1] * width, radius * unit
        top, left = max(0, int(centre_y - reach)), max(0, int(centre_x - reach))
        bottom, right = int(centre_y + reach) + 1, int(centre_x + reach) + 1
        region = picture[top:bottom, left:right]
        y = np.arange(top, top + region.shape[0])[:, None] - centre_y
        x = np.arange(left, left + region.shape[1])[None, :] - centre_x
        region[y * y + x * x < reach * reach] = tone
    return picture


def _shading(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    y, x = _axes(width, height)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.float32(0.25) * (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)))
    return (np.float32(0.95) + slope - np.float32(0.12) * (x * x + y * y)).astype(np.float32)


def _pink_noise(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Noise with an amplitude spectrum of 1/f, mean 0 and deviation 1."""
    rows = np.fft.fftfreq(height).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(width).astype(np.float32)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    shape = (*frequency.shape, 2)
    spectrum = rng.standard_normal(shape, dtype=np.float32).view(np.complex64)[..., 0]
    noise = np.fft.irfft2(spectrum / frequency, s=(height, width)).astype(np.float32)
    deviation = float(noise.std())
    return noise / np.float32(deviation) if deviation else noise
