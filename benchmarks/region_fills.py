"""Edits with an exact mask, for training and measuring maps of edited regions."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

Reconstruct = Callable[[np.ndarray], np.ndarray]
"""float32 (1, 3, H, W) in 0..1 to the same."""

TRAINED = ("blurred", "resampled", "layers", "membrane", "decoder")
UNSEEN = ("telea", "navier-stokes", "biharmonic", "patch", "unseen decoder")


def random_mask(rng: np.random.Generator, side: int) -> np.ndarray:
    """A rectangle, a blob or a stroke over 5 to 35 % of a square."""
    y, x = np.mgrid[:side, :side]
    while True:
        kind = rng.random()
        if kind < 0.3:
            high, wide = rng.integers(side // 5, side * 2 // 3, 2)
            top, left = rng.integers(0, side - high), rng.integers(0, side - wide)
            mask = (y >= top) & (y < top + high) & (x >= left) & (x < left + wide)
        elif kind < 0.75:
            field = ndimage.gaussian_filter(rng.normal(size=(side, side)), side * 0.1)
            cy, cx = rng.uniform(0.2, 0.8, 2) * side
            field = field / field.std() - np.hypot(y - cy, x - cx) ** 2 / (side * 0.3) ** 2
            mask = field > np.quantile(field, 1 - rng.uniform(0.06, 0.33))
        else:
            points = rng.uniform(0.1, 0.9, (6, 2)) * side
            marks = np.zeros((side, side), bool)
            for a, b in pairwise(points):
                line = np.linspace(a, b, side).astype(int)
                marks[line[:, 0], line[:, 1]] = True
            mask = ndimage.distance_transform_edt(~marks) < rng.uniform(0.03, 0.07) * side
        if 0.05 < mask.mean() < 0.35:
            return np.asarray(mask)


def random_fill(
    kind: str, rgb: np.ndarray, mask: np.ndarray, rng: np.random.Generator, **known: Any
) -> np.ndarray:
    """``rgb`` with the mask filled; the seam is sometimes softened, as tools do."""
    plane = rgb.astype(np.float32)
    soft = mask.astype(np.float32)
    if kind == "blurred":
        sigma = rng.uniform(0.6, 2.5)
        filling = ndimage.gaussian_filter(plane, (sigma, sigma, 0))
    elif kind == "resampled":
        filling = resampled(rgb, rng)
    elif kind == "layers":
        filling = layers(plane, mask, int(rng.integers(2, 6)))
    elif kind == "membrane":
        filling = membrane(plane, mask)
    elif kind in ("decoder", "unseen decoder"):
        filling = reconstructed(rgb, known["reconstruct"])
    elif kind == "patch":
        filling = known["other"].astype(np.float32)
    elif kind == "biharmonic":
        from skimage.restoration import inpaint_biharmonic

        filling = inpaint_biharmonic(rgb, mask, channel_axis=-1).astype(np.float32) * 255
    else:
        import cv2

        flag = cv2.INPAINT_TELEA if kind == "telea" else cv2.INPAINT_NS
        filling = cv2.inpaint(rgb, mask.astype(np.uint8), 5, flag).astype(np.float32)
    if kind not in ("layers", "membrane", "biharmonic", "telea", "navier-stokes"):
        soft = ndimage.gaussian_filter(soft, float(rng.choice([0, 0.7, 1.5])))
    mixed = plane * (1 - soft[..., None]) + filling * soft[..., None]
    return mixed.round().clip(0, 255).astype(np.uint8)


def resampled(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same content made smaller and larger again, or larger and smaller."""
    high, wide = rgb.shape[:2]
    factor = float(rng.uniform(0.45, 0.85) if rng.random() < 0.7 else rng.uniform(1.15, 1.7))
    kernels = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)
    kernel = kernels[int(rng.integers(3))]
    picture = Image.fromarray(rgb).resize((round(wide * factor), round(high * factor)), kernel)
    return np.asarray(picture.resize((wide, high), kernel), np.float32)


def layers(plane: np.ndarray, mask: np.ndarray, radius: int) -> np.ndarray:
    """Fill layer by layer from the border, each pixel from the known ones around it."""
    filled, known = plane.copy(), ~mask
    size = 2 * radius + 1
    while not known.all():
        ring = ndimage.binary_dilation(known) & ~known
        weight = ndimage.uniform_filter(known.astype(np.float32), size)
        total = [ndimage.uniform_filter(filled[..., c] * known, size) for c in range(3)]
        filled[ring] = np.stack(total, -1)[ring] / np.maximum(weight[ring], 1e-6)[:, None]
        known |= ring
    return filled


def membrane(plane: np.ndarray, mask: np.ndarray, turns: int = 150) -> np.ndarray:
    """The solution of Laplace's equation over the hole, begun from the layers."""
    filled = layers(plane, mask, 3)
    for _ in range(turns):
        padded = np.pad(filled, ((1, 1), (1, 1), (0, 0)), mode="edge")
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        filled[mask] = around[mask] / 4
    return filled


def reconstructed(rgb: np.ndarray, reconstruct: Reconstruct) -> np.ndarray:
    high, wide = (side // 8 * 8 for side in rgb.shape[:2])
    batch = np.ascontiguousarray(rgb[:high, :wide].transpose(2, 0, 1)[None], np.float32)
    filling = rgb.astype(np.float32)
    filling[:high, :wide] = reconstruct(batch / np.float32(255))[0].transpose(1, 2, 0) * 255
    return filling


def compressed(rgb: np.ndarray, quality: int, subsampling: int = 2) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))
