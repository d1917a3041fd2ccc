"""Pictures that no camera took, to be trained on as pairs: so "not a photograph" tells nothing.

They are not those that the protocol draws for a card, nor drawn by its code: a card's control
would say little about a detector that had been trained on the control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Layer = Callable[[Image.Image, np.random.Generator], None]

_SIDE = 328
_CALIBRATING, _APART = 200, 1_000_000
_LETTERS = "abcdefghiklmnoprstuvwy"


def draw(seed: int, number: int) -> NDArray[np.uint8]:
    """One to four layers on a ground; equal arguments give equal pictures.

    Returns
    -------
    uint8, shape (328, 328, 3)
    """
    rng = np.random.default_rng([seed, number])
    picture = Image.fromarray(_ground(rng))
    for index in rng.integers(len(_LAYERS), size=int(rng.integers(1, 5))):
        _LAYERS[index](picture, rng)
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.5))))
    pixels = np.asarray(picture)
    if rng.random() < 0.3:
        noisy = pixels + rng.normal(0, rng.uniform(0.5, 6), (*pixels.shape[:2], 1))
        pixels = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return pixels


def drawings(seed: int) -> Iterator[NDArray[np.uint8]]:
    """Drawings to calibrate on, none of which is trained on."""
    return (draw(seed, _APART + number) for number in range(_CALIBRATING))


def _ground(rng: np.random.Generator) -> NDArray[np.uint8]:
    first, second = (np.array(_colour(rng), np.float32) for _ in range(2))
    if rng.random() < 0.5:
        return np.broadcast_to(first, (_SIDE, _SIDE, 3)).astype(np.uint8)
    slope = np.linspace(0, 1, _SIDE, dtype=np.float32)[:, None, None]
    plane = np.broadcast_to(first + slope * (second - first), (_SIDE, _SIDE, 3))
    return (plane if rng.random() < 0.5 else plane.swapaxes(0, 1)).astype(np.uint8)


def _lines_of_text(picture: Image.Image, rng: np.random.Generator) -> None:
    pen, ink = ImageDraw.Draw(picture), _colour(rng)
    size = int(rng.integers(8, 26))
    font = ImageFont.load_default(size)
    left, top, right, bottom = _box(rng, 0.5)
    pitch = size * rng.uniform(1.05, 2.2)
    for y in np.arange(top, bottom - size, pitch):
        count = int(rng.uniform(0.4, 1) * (right - left) / (0.5 * size))
        letters = [_LETTERS[int(i)] for i in rng.integers(len(_LETTERS), size=max(1, count))]
        spaced = "".join(" " if rng.random() < 0.17 else letter for letter in letters)
        pen.text((left, float(y)), spaced, fill=ink, font=font)


def _stripes(picture: Image.Image, rng: np.random.Generator) -> None:
    """Rules, tables and hatching: one direction or both, any period."""
    pen, ink = ImageDraw.Draw(picture), _colour(rng)
    left, top, right, bottom = _box(rng, 0.4)
    width = int(rng.integers(1, 4))
    ways = int(rng.integers(1, 4))
    across, down = (rng.uniform(width + 2, 60) for _ in range(2))
    if ways & 1:
        for y in np.arange(top, bottom, across):
            pen.line([(left, float(y)), (right, float(y))], fill=ink, width=width)
    if ways & 2:
        for x in np.arange(left, right, down):
            pen.line([(float(x), top), (float(x), bottom)], fill=ink, width=width)


def _tiles(picture: Image.Image, rng: np.random.Generator) -> None:
    """Icons, buttons, cells and bars in rows."""
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = _box(rng, 0.4)
    wide, high = rng.uniform(6, 70, 2)
    gap = float(rng.uniform(1, 14))
    colours = [_colour(rng) for _ in range(int(rng.integers(1, 5)))]
    round_ones = rng.random() < 0.4
    for y in np.arange(top, bottom - high, high + gap):
        for x in np.arange(left, right - wide, wide + gap):
            place = [float(x), float(y), float(x + wide), float(y + high * rng.uniform(0.6, 1))]
            colour = colours[int(rng.integers(len(colours)))]
            (pen.ellipse if round_ones else pen.rectangle)(place, fill=colour)


def _shapes(picture: Image.Image, rng: np.random.Generator) -> None:
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 30))):
        points = [(float(x), float(y)) for x, y in rng.random((int(rng.integers(2, 6)), 2)) * _SIDE]
        if len(points) > 2 and rng.random() < 0.5:
            pen.polygon(points, fill=_colour(rng))
        else:
            pen.line(points, fill=_colour(rng), width=int(rng.integers(1, 20)))


def _waves(picture: Image.Image, rng: np.random.Generator) -> None:
    """A smooth field through a palette, over a part."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE
    field = np.zeros_like(x)
    for _ in range(int(rng.integers(2, 7))):
        along, across, phase = rng.uniform(-30, 30), rng.uniform(-30, 30), rng.uniform(0, 6)
        field += np.sin(along * x + across * y + phase + rng.uniform(0, 4) * x * y)
    tint = 127.5 + 127.5 * np.cos(rng.uniform(0.4, 3) * field[..., None] + rng.uniform(0, 6, 3))
    box = tuple(map(int, _box(rng, 0.5)))
    part = Image.fromarray(tint.astype(np.uint8)).crop((box[0], box[1], box[2], box[3]))
    picture.paste(part, (box[0], box[1]))


def _box(rng: np.random.Generator, least: float) -> tuple[float, float, float, float]:
    wide, high = rng.uniform(least, 1, 2) * _SIDE
    left, top = rng.random(2) * (_SIDE - wide, _SIDE - high)
    return float(left), float(top), float(left + wide), float(top + high)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """Any colour, half of the time near black or white as in print and on screens."""
    if rng.random() < 0.5:
        grey = int(rng.integers(0, 50) if rng.random() < 0.5 else rng.integers(205, 256))
        return grey, grey, grey
    red, green, blue = (int(c) for c in rng.integers(0, 256, 3))
    return red, green, blue


_LAYERS: tuple[Layer, ...] = (_lines_of_text, _lines_of_text, _stripes, _tiles, _shapes, _waves)
