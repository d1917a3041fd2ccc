"""What happens to pictures on their way, differentiable."""

from __future__ import annotations

import math
import random
from typing import Any

import torch
from torch.nn import functional

_LUMA_STEPS = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA_STEPS = (17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 99, 47, 66, 99, 99)
_LUMA = (0.299, 0.587, 0.114)


def _transform() -> Any:
    place = torch.arange(8.0)
    waves = torch.cos((2 * place[None] + 1) * place[:, None] * math.pi / 16) / 2
    waves[0] *= 2**-0.5
    return waves


def _quantise(plane: Any, steps: Any) -> Any:
    count, height, width = plane.shape
    blocks = plane.view(count, height // 8, 8, width // 8, 8).permute(0, 1, 3, 2, 4)
    waves = _transform()
    numbers = waves @ blocks @ waves.T / steps
    numbers = numbers + (numbers.round() - numbers).detach()
    blocks = waves.T @ (numbers * steps) @ waves
    return blocks.permute(0, 1, 3, 2, 4).reshape(count, height, width)


def jpeg(rgb: Any, quality: float, *, halved: bool = True) -> Any:
    """Quantise as JPEG does; gradients pass straight through the rounding.

    Parameters
    ----------
    rgb : float tensor, shape (N, 3, H, W), in [0, 1]
    quality : float
        Of the usual tables, 1 to 100.
    halved : bool
        Halve the colour planes (4:2:0).
    """
    height, width = rgb.shape[-2:]
    unit = 16 if halved else 8
    padded = functional.pad(rgb, (0, -width % unit, 0, -height % unit), mode="replicate") * 255
    red, green, blue = padded.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue - 128
    cb = -0.168736 * red - 0.331264 * green + 0.5 * blue
    cr = 0.5 * red - 0.418688 * green - 0.081312 * blue
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    luma_steps = torch.tensor(_LUMA_STEPS, dtype=torch.float32).view(8, 8)
    chroma_steps = torch.full((8, 8), 99.0)
    chroma_steps[:4, :4] = torch.tensor(_CHROMA_STEPS, dtype=torch.float32).view(4, 4)
    luma_steps, chroma_steps = (
        ((steps * scale + 50) / 100).floor().clamp(1, 255) for steps in (luma_steps, chroma_steps)
    )
    if halved:
        cb, cr = (functional.avg_pool2d(plane[:, None], 2)[:, 0] for plane in (cb, cr))
    luma = _quantise(luma, luma_steps) + 128
    cb, cr = _quantise(cb, chroma_steps), _quantise(cr, chroma_steps)
    if halved:
        cb, cr = (
            functional.interpolate(plane[:, None], scale_factor=2, mode="bilinear")[:, 0]
            for plane in (cb, cr)
        )
    out = torch.stack(
        [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb], 1
    )
    return (out[..., :height, :width] / 255).clamp(0, 1)


def resize(rgb: Any, height: int, width: int) -> Any:
    """Resize with a filter that fits the new size."""
    return functional.interpolate(
        rgb, (height, width), mode="bilinear", antialias=True, align_corners=False
    )


def blur(rgb: Any, sigma: float) -> Any:
    """Blur with a Gaussian of this standard deviation in pixels."""
    reach = int(3 * sigma + 1)
    line = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma * sigma))
    line = (line / line.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    padded = functional.pad(rgb, (reach,) * 4, mode="reflect")
    return functional.conv2d(
        functional.conv2d(padded, line, groups=3), line.transpose(2, 3), groups=3
    )


def turn(rgb: Any, degrees: float, stretch: float = 1.0) -> Any:
    """Turn about the middle and stretch; what was outside is mirrored."""
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = torch.tensor([[cosine * stretch, -sine, 0], [sine, cosine / stretch, 0]])
    where = functional.affine_grid(
        matrix[None].expand(len(rgb), -1, -1), list(rgb.shape), align_corners=False
    )
    return functional.grid_sample(rgb, where, align_corners=False, padding_mode="reflection")


def brighten(rgb: Any, factor: Any) -> Any:
    """Multiply all values; what leaves the range is cut."""
    return (rgb * factor).clamp(0, 1)


def contrast(rgb: Any, factor: Any) -> Any:
    """Stretch values about the mean luma of each picture."""
    mean = _grey(rgb).mean((2, 3), keepdim=True)
    return (mean + (rgb - mean) * factor).clamp(0, 1)


def saturate(rgb: Any, factor: Any) -> Any:
    """Stretch colours about grey."""
    grey = _grey(rgb)
    return (grey + (rgb - grey) * factor).clamp(0, 1)


def distort(rgb: Any, severity: float, other: Any) -> Any:
    """Apply one random chain to all pictures of a batch.

    Parameters
    ----------
    rgb : float tensor, shape (N, 3, H, W), in [0, 1]
    severity : float
        0 changes nothing but the position; 1 is all that a mark should survive.
    other : float tensor, shape as ``rgb``
        Unmarked pictures that replace part of the marked ones.
    """
    height, width = rgb.shape[-2:]
    if random.random() < 0.15 * severity:
        keep = torch.ones(1, 1, height, width)
        share = round(width * random.uniform(0.3, 0.6))
        if random.random() < 0.5:
            keep[..., :share] = 0
        else:
            keep[..., height // 6 : -height // 6, width // 6 : -width // 6] = 0
        rgb = rgb * keep + other * (1 - keep)
    draw = random.random()
    if draw < 0.35 * severity:
        # Down, and up again to the scale at which the search of scales would look.
        factor = math.exp(random.uniform(math.log(1 - 0.72 * severity), 0.0))
        small = resize(rgb, max(24, round(height * factor)), max(24, round(width * factor)))
        if random.random() < 0.4:
            small = _recompress(small, severity)
        slip = 1 + 0.05 * severity * random.uniform(-1, 1)
        rgb = resize(small, round(height * slip), round(width * slip)).clamp(0, 1)
    elif draw < 0.5 * severity:
        stretch = math.exp(0.04 * severity * random.uniform(-1, 1))
        rgb = turn(rgb, severity * random.uniform(-5, 5), stretch)
    if random.random() < 0.6:
        rgb = _crop(rgb, severity)
    if random.random() < 0.4 * severity:
        rgb = _recolour(rgb)
    if random.random() < 0.12 * severity:
        rgb = blur(rgb, random.uniform(0.4, 2.0))
    if random.random() < 0.5 * severity:
        rgb = _recompress(rgb, severity)
    elif random.random() < 0.1 * severity:
        rgb = (rgb + torch.randn_like(rgb) * random.uniform(0, 0.04)).clamp(0, 1)
    return rgb


def _grey(rgb: Any) -> Any:
    return (rgb * torch.tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _recompress(rgb: Any, severity: float) -> Any:
    return jpeg(rgb, random.uniform(95 - 50 * severity, 95), halved=random.random() < 0.75)


def _crop(rgb: Any, severity: float) -> Any:
    height, width = rgb.shape[-2:]
    least = 1 - 0.65 * severity
    down = max(80, round(height * random.uniform(least, 1)))
    over = max(80, round(width * random.uniform(least, 1)))
    down, over = min(down, height), min(over, width)
    top, left = random.randint(0, height - down), random.randint(0, width - over)
    return rgb[..., top : top + down, left : left + over]


def _recolour(rgb: Any) -> Any:
    def factors(low: float, high: float) -> Any:
        return torch.exp(torch.empty(len(rgb), 1, 1, 1).uniform_(math.log(low), math.log(high)))

    draw = random.random()
    if draw < 0.4:
        return brighten(rgb, factors(0.5, 2.0))
    if draw < 0.75:
        return contrast(rgb, factors(0.5, 2.0))
    if draw < 0.9:
        return saturate(rgb, factors(0.3, 2.0))
    return rgb.clamp(1e-3, 1) ** factors(0.6, 1.6)
