"""Pictures to train on that anyone may have: drawn textures and scikit-image's photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHOTOGRAPHS = (
    "brick", "cell", "chelsea", "clock_motion", "coffee", "coins", "grass", "gravel",
    "hubble_deep_field", "moon", "motorcycle_left", "motorcycle_right", "retina", "rocket",
)  # fmt: skip
"""Of scikit-image's own folder; none shows a person."""


def draw_texture(seed: int, side: int = 320) -> NDArray[np.uint8]:
    """Draw a picture with the statistics of photographs; equal seeds give equal pictures.

    Dead leaves (shapes that hide each other, with sizes of a power law), each filled with noise
    of a random spectrum and light from one side, seen a little out of focus.

    Returns
    -------
    uint8, shape (side, side, 3)
    """
    rng = np.random.default_rng([seed, 48])
    kind = rng.random()
    if kind < 0.2:
        return _noise(rng, side, 3, float(rng.uniform(0.7, 1.6)))
    ground = Image.fromarray(_noise(rng, side, 3, float(rng.uniform(0.9, 1.6))))
    smallest, largest = float(rng.uniform(4, 24)), side * float(rng.uniform(0.2, 0.6))
    for _ in range(int(rng.integers(15, 140))):
        size = (smallest**-2 + rng.random() * (largest**-2 - smallest**-2)) ** -0.5
        _leaf(rng, ground, float(size))
    if rng.random() < 0.7:
        ground = ground.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.8))))
    picture = np.asarray(ground, np.float32)
    picture += rng.normal(size=picture.shape).astype(np.float32) * float(rng.uniform(0, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def photographs() -> list[NDArray[np.uint8]]:
    """The photographs that come with scikit-image, in colour, whole and at half size."""
    from pathlib import Path

    import skimage.data

    folder = Path(skimage.data.__file__).parent
    found = []
    for name in PHOTOGRAPHS:
        path = next(p for p in sorted(folder.glob(f"{name}.*")) if p.suffix in {".png", ".jpg"})
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        while min(picture.size) >= 256:
            found.append(np.asarray(picture))
            picture = picture.resize(
                (picture.width * 5 // 8, picture.height * 5 // 8), Image.Resampling.LANCZOS
            )
    return found


def training_pictures(drawn: int, *, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Photographs and drawn textures, all with sides of at least 256 pixels."""
    return photographs() + [draw_texture(seed + k) for k in range(drawn)]


def _noise(rng: np.random.Generator, side: int, channels: int, slope: float) -> NDArray[np.uint8]:
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    amplitude = np.maximum(frequency, 1 / side) ** -slope
    stretch = float(rng.uniform(0.3, 3.0)) if rng.random() < 0.4 else 1.0
    if stretch != 1.0:
        angle = float(rng.uniform(0, np.pi))
        y, x = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        amplitude = np.maximum(np.hypot(along * stretch, across / stretch), 1 / side) ** -slope
    colour = rng.dirichlet(np.ones(3) * 4) * 3
    planes = []
    shared = None
    for channel in range(channels):
        spectrum = amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape))
        plane = np.fft.irfft2(spectrum, s=(side, side))
        plane /= plane.std() + 1e-9
        if shared is None:
            shared = plane
        mixed = 0.9 * shared * colour[channel] + 0.25 * plane
        planes.append(float(rng.uniform(60, 190)) + float(rng.uniform(10, 45)) * mixed)
    noise: NDArray[np.uint8] = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    return noise


def _leaf(rng: np.random.Generator, ground: Image.Image, size: float) -> None:
    side = max(4, int(2 * size))
    mask = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(mask)
    if rng.random() < 0.5:
        squeeze = float(rng.uniform(0.4, 1.0))
        pen.ellipse([0, size * (1 - squeeze), side - 1, size * (1 + squeeze)], fill=255)
    else:
        turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
        pen.polygon(
            [(size + size * float(np.cos(t)), size + size * float(np.sin(t))) for t in turn],
            fill=255,
        )
    mask = mask.rotate(float(rng.uniform(0, 360)))
    fill = _noise(rng, side, 3, float(rng.uniform(0.6, 1.8)))
    left, top = (int(v) for v in rng.uniform(-size, ground.width - size, 2))
    ground.paste(Image.fromarray(fill), (left, top), mask)
