"""The same treatment for both classes, so that a file's history cannot pass for its origin."""

from __future__ import annotations

import io
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)
_RESIZED, _BLURRED, _SHARPENED = 0.8, 0.12, 0.12
_JPEG, _WEBP = 0.85, 0.11
_HALF_CHROMA = 0.6
_SMALLEST_SIDE = 16


class Condition(StrEnum):
    """How pictures are treated before they are scored."""

    NATIVE = "native"
    """A: pixels as the file has them, whole. Shows what the files' own history adds."""
    MATCHED = "matched"
    """B: crop, random resize, blur, sharpening, JPEG or WebP: one distribution for both."""
    SHRUNK = "shrunk"
    """C: crop, resize by .75, JPEG of quality 75."""


def reencode(
    rgb: NDArray[np.uint8], condition: Condition, *, rng: np.random.Generator, crop: int
) -> NDArray[np.uint8]:
    """Treat one picture as a condition says.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    rng : Generator
        Decides every choice; both halves of a pair are given equal ones.
    crop : int
        Longest side of the part that is kept, at native scale. Classes of different sizes would
        otherwise be told apart by size.
    """
    if condition is Condition.NATIVE:
        return rgb
    picture = Image.fromarray(_cropped(rgb, crop, rng))
    if condition is Condition.SHRUNK:
        return _through(_resized(picture, 0.75, Image.Resampling.BICUBIC), "JPEG", quality=75)
    return _encoded(_filtered(picture, rng), rng)


def worn(rgb: NDArray[np.uint8], seed: int, *, resized: float = 1.0) -> NDArray[np.uint8]:
    """Crop up to 15 pixels, resize by a factor, and save as PNG, JPEG or WebP, as a seed says.

    What commonly happens to a generated picture before somebody looks at it.
    """
    rng = np.random.default_rng([seed, len(Condition)])
    top, left = (int(each) for each in rng.integers(0, 16, 2))
    picture = Image.fromarray(np.ascontiguousarray(rgb[top:, left:]))
    if resized != 1:
        picture = _resized(picture, resized, Image.Resampling.BICUBIC)
    format_draw, quality = rng.random(2)
    if format_draw < 0.25:
        return np.asarray(picture)
    if format_draw < 0.35:
        return _through(picture, "WEBP", quality=int(70 + 26 * quality))
    return _through(picture, "JPEG", quality=int(70 + 29 * quality))


def _cropped(rgb: NDArray[np.uint8], crop: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    height, width = min(crop, rgb.shape[0]), min(crop, rgb.shape[1])
    places = rng.random(2)
    top = int(places[0] * (rgb.shape[0] - height + 1))
    left = int(places[1] * (rgb.shape[1] - width + 1))
    return np.ascontiguousarray(rgb[top : top + height, left : left + width])


def _filtered(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    # Every draw is made whether or not it is used: one choice never shifts the next one.
    resized, blurred, sharpened, factor, radius, amount = rng.random(6)
    kernel = _KERNELS[int(rng.integers(len(_KERNELS)))]
    if resized < _RESIZED:
        picture = _resized(picture, 0.6 + 0.4 * factor, kernel)
    if blurred < _BLURRED:
        picture = picture.filter(ImageFilter.GaussianBlur(float(0.4 + 0.8 * radius)))
    if sharpened < _SHARPENED:
        picture = picture.filter(ImageFilter.UnsharpMask(1.5, int(40 + 80 * amount), 0))
    return picture


def _encoded(picture: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    format_draw, chroma, quality = rng.random(3)
    if format_draw < _JPEG:
        subsampling = 2 if chroma < _HALF_CHROMA else 0
        return _through(picture, "JPEG", quality=int(60 + 39 * quality), subsampling=subsampling)
    if format_draw < _JPEG + _WEBP:
        return _through(picture, "WEBP", quality=int(60 + 36 * quality))
    return np.asarray(picture)


def _resized(picture: Image.Image, factor: float, kernel: Image.Resampling) -> Image.Image:
    size = tuple(max(_SMALLEST_SIDE, round(side * factor)) for side in picture.size)
    return picture.resize((size[0], size[1]), kernel)


def _through(picture: Image.Image, format: str, **options: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    buffer.seek(0)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))
