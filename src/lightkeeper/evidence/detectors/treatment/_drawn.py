"""Pictures that no model made and that the protocol makes itself.

A detector that has learned "not a photograph" fires on the drawn ones, and one that has learned
"smooth" on smoothed photographs; nothing in a test of photographs against generated pictures
would show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# fmt: off
_WORDS = (
    "harbour", "umbrella", "bicycle", "ledger", "window", "garden", "signal", "timetable", "kettle",
    "orchard", "bridge", "lantern", "market", "violin", "paper", "river", "station", "cloud",
    "pencil", "atlas",
)
# fmt: on
_SIDES = (320, 400, 512)
_Colour = tuple[int, int, int]


def draw_non_photo(kind: str, seed: int) -> NDArray[np.uint8]:
    """Draw one picture of a kind of :data:`DRAWN_KINDS`; equal arguments give equal pictures.

    Returns
    -------
    uint8, shape (H, W, 3), sides from 320 to 512
    """
    rng = np.random.default_rng([seed, list(DRAWN_KINDS).index(kind)])
    width, height = (int(_SIDES[i]) for i in rng.integers(len(_SIDES), size=2))
    return DRAWN_KINDS[kind](rng, width, height)


def smooth(rgb: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Take a photograph's fine detail away, in one of three ways.

    Decoders often lose it too: one that is trained on squared error keeps 8 to 45 % of the energy
    in high frequencies.
    """
    rng = np.random.default_rng([seed, len(DRAWN_KINDS)])
    picture = Image.fromarray(rgb)
    way = int(rng.integers(3))
    if way == 0:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.7, 1.6))))
    elif way == 1:
        picture = picture.filter(ImageFilter.MedianFilter(3 if rng.random() < 0.5 else 5))
    else:
        size = picture.size
        small = (max(1, int(size[0] * 0.6)), max(1, int(size[1] * 0.6)))
        picture = picture.resize(small, Image.Resampling.BICUBIC)
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _procedural(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Sums of waves and folded noise through a random palette."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(width, height)
    field = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(3, 8))):
        fx, fy, phase, warp = rng.uniform(-18, 18), rng.uniform(-18, 18), *rng.uniform(0, 6, 2)
        field += np.sin(fx * x + fy * y + phase + warp * np.sin(5 * x * y + phase))
    palette = rng.uniform(0, 2 * np.pi, 3)
    turns = rng.uniform(0.6, 2.4)
    picture = 127.5 + 127.5 * np.cos(turns * field[..., None] + palette)
    return picture.astype(np.uint8)


def _artwork(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Flat shapes and brush strokes on a tinted ground, partly softened."""
    picture = Image.new("RGB", (width, height), _colour(rng))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(20, 70))):
        points = [(float(a), float(b)) for a, b in rng.random((4, 2)) * (width, height)]
        if rng.random() < 0.45:
            pen.polygon(points, fill=_colour(rng))
        else:
            pen.line(points, fill=_colour(rng), width=int(rng.integers(3, 28)), joint="curve")
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.5))))
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.ModeFilter(5))
    return np.asarray(picture)


def _plot(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Axes with curves or bars."""
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = 44, 24, width - 14, height - 34
    for step in range(1, 6):
        y = bottom - step * (bottom - top) / 6
        pen.line([(left, y), (right, y)], fill=(222, 222, 222))
        pen.text((8, y - 6), f"{step * int(rng.integers(2, 9))}", fill=(60, 60, 60))
    count = int(rng.integers(12, 40))
    for _ in range(int(rng.integers(1, 4))):
        values = np.cumsum(rng.normal(size=count))
        values = (values - values.min()) / (np.ptp(values) + 1e-6)
        xs = np.linspace(left, right, count)
        ys = bottom - values * (bottom - top)
        colour = _colour(rng)
        if rng.random() < 0.6:
            pen.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=colour, width=2)
        else:
            wide = (right - left) / count * 0.4
            for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
                pen.rectangle([x - wide, y, x + wide, bottom], fill=colour)
    pen.rectangle([left, top, right, bottom], outline=(40, 40, 40))
    pen.text((left, 6), _sentence(rng, 4), fill=(20, 20, 20))
    return np.asarray(picture)


def _screenshot(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A window: bars, buttons, a list with text."""
    dark = rng.random() < 0.4
    paper, ink = ((36, 38, 44), (224, 224, 224)) if dark else ((246, 246, 248), (34, 34, 34))
    accent = _colour(rng)
    picture = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle([0, 0, width, 30], fill=accent)
    pen.text((12, 9), _sentence(rng, 3), fill=(255, 255, 255))
    side = int(rng.integers(70, 130))
    pen.rectangle([0, 30, side, height], fill=tuple(int(c * 0.92) for c in paper))
    for row, y in enumerate(range(42, height - 20, 24)):
        pen.text((10, y), _WORDS[int(rng.integers(len(_WORDS)))], fill=ink)
        if row % 3 == 2:
            pen.rounded_rectangle([side + 12, y - 3, side + 84, y + 15], 4, fill=accent)
        pen.text((side + 96, y), _sentence(rng, 5), fill=ink)
    return np.asarray(picture)


def _document(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A page of text, sometimes with a table or a scan's tone."""
    tone = int(rng.integers(232, 256))
    picture = Image.new("RGB", (width, height), (tone, tone, int(tone * rng.uniform(0.94, 1))))
    pen = ImageDraw.Draw(picture)
    size = int(rng.integers(10, 16))
    font = ImageFont.load_default(size)
    pen.text(
        (28, 20), _sentence(rng, 3).title(), fill=(20, 20, 20), font=ImageFont.load_default(20)
    )
    for y in range(56, height - 24, int(size * 1.5)):
        if rng.random() < 0.06:
            pen.line([(28, y + size // 2), (width - 28, y + size // 2)], fill=(90, 90, 90))
        else:
            pen.text((28, y), _sentence(rng, width // (size * 4)), fill=(30, 30, 34), font=font)
    page = np.asarray(picture).astype(np.float32)
    if rng.random() < 0.5:
        page += rng.normal(0, rng.uniform(1, 5), (height, width, 1))
    return np.clip(page, 0, 255).astype(np.uint8)


def _sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(_WORDS[int(i)] for i in rng.integers(len(_WORDS), size=max(1, words)))


def _colour(rng: np.random.Generator) -> _Colour:
    red, green, blue = (int(c) for c in rng.integers(0, 256, 3))
    return red, green, blue


DRAWN_KINDS: dict[str, Callable[[np.random.Generator, int, int], NDArray[np.uint8]]] = {
    "procedural": _procedural,
    "artwork": _artwork,
    "plot": _plot,
    "screenshot": _screenshot,
    "document": _document,
}
"""Kinds that every evaluation draws, whatever the collection holds."""

SMOOTHED = "smoothed"
"""Kind of photographs whose fine detail the protocol has taken away."""
CONTROL_KINDS = (*DRAWN_KINDS, SMOOTHED)
