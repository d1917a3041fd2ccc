"""A projection that keeps what a decoder with a grid can say, and pictures with texture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lightkeeper.evidence.detectors.reconstruction import CallableAutoencoder
from lightkeeper.evidence.detectors.reconstruction._content import Stratum
from lightkeeper.evidence.detectors.reconstruction._null import STATISTIC, Null, Own, ScaleNull

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._form import Form

    Pixels = NDArray[np.uint8]


def haar(side: int) -> NDArray[np.float64]:
    rows, width = [np.ones(side)], side
    while width > 1:
        for start in range(0, side, width):
            row = np.zeros(side)
            row[start : start + width // 2] = 1
            row[start + width // 2 : start + width] = -1
            rows.append(row)
        width //= 2
    return np.stack([row / np.linalg.norm(row) for row in rows])


def projection(grid: int, name: str = "haar") -> CallableAutoencoder:
    """Drops the diagonal detail of every level: enlarging in steps of two, as decoders do."""
    transform = haar(grid)
    level = np.floor(np.log2(np.maximum(np.arange(grid), 0.5)))
    kept = (level[:, None] != level[None]) | (level[:, None] < 0)

    def reconstruct(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        n, c, h, w = batch.shape
        blocks = batch.reshape(n, c, h // grid, grid, w // grid, grid).transpose(0, 1, 2, 4, 3, 5)
        known = (transform @ blocks @ transform.T) * kept
        back = (transform.T @ known @ transform).transpose(0, 1, 2, 4, 3, 5)
        return back.reshape(n, c, h, w).astype(np.float32)

    return CallableAutoencoder(name, reconstruct, "0" * 64, "Apache-2.0", grid)


def textured(seed: int, side: int = 400) -> Pixels:
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    amplitude = 1 / np.maximum(np.hypot(fy, fx), 1 / side)
    planes = []
    for _ in range(3):
        noise = rng.normal(size=amplitude.shape) + 1j * rng.normal(size=amplitude.shape)
        plane = np.fft.irfft2(amplitude * noise, s=(side, side))
        planes.append(128 + 40 * plane / plane.std())
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def decoded(autoencoder: CallableAutoencoder, rgb: Pixels) -> Pixels:
    batch = rgb.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
    return (autoencoder.reconstruct(batch)[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)


OWN = Own(pictures=40, level=0.5, slope=0.1, most_excess=3.0, first_drop=0.2)


def null_of(form: Form, size: int = 9999, *, own: Own = OWN, fingerprint: str = "0" * 64) -> Null:
    """A null of continuous pictures that show nothing."""
    return Null(
        fingerprint=fingerprint,
        statistic=STATISTIC,
        form=form.name,
        scales=tuple(
            ScaleNull(scale, own, {Stratum.CONTINUOUS: (0.01,) * size}) for scale in form.scales
        ),
    )


@pytest.fixture
def make_textured() -> Callable[[int], Pixels]:
    return textured


@pytest.fixture(params=[4, 8, 16])
def autoencoder(request: pytest.FixtureRequest) -> CallableAutoencoder:
    return projection(request.param)


@pytest.fixture
def through() -> Callable[[CallableAutoencoder, Pixels], Pixels]:
    return decoded
