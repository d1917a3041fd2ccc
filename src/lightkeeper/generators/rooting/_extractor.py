"""Read 48 bits from the envelope of a picture's spectrum."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lightkeeper.generators.rooting._spectrum import (
    BITS,
    RADIUS,
    STEP,
    TILE,
    frequencies,
    halve,
    opponent,
)


class Extractor(nn.Module):
    """Quadrature stem over whole tiles, modulus, readout per tile, weighted mean, whitening.

    A bit is a pattern of "more here, less there" in the log power of 64-px tiles. Phases do not
    matter, so neither shifts nor crops do, and a mark may follow the picture's own texture.
    """

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        places = frequencies()
        count = len(places)
        turn = 2 * math.pi * torch.arange(TILE) / TILE
        window = torch.hann_window(TILE)
        rows = torch.arange(-RADIUS, RADIUS + 1)[:, None] * turn
        columns = torch.arange(RADIUS + 1)[:, None] * turn
        scale = 1 / window.sum()
        self.register_buffer("row_waves", torch.stack([rows.cos(), rows.sin()]) * window * scale)
        self.register_buffer(
            "column_waves", torch.stack([columns.cos(), columns.sin()]) * window * scale
        )
        self.register_buffer("taken", _where(places, 1))
        self.register_buffer("taken_mirrored", _where(places, -1), persistent=False)
        share = functional.one_hot(places[:, 0].long(), 3).float()
        self.register_buffer("to_mean", share / share.sum(0))
        self.register_buffer("from_mean", share.T.contiguous())
        self.sharpen = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
        with torch.no_grad():
            self.sharpen.weight.zero_()
            self.sharpen.weight[:, 0, 1, 1] = 1.0
        self.floor = nn.Parameter(torch.full((3,), math.log(2e-7)))
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.inward = nn.Linear(count, width)
        self.outward = nn.Linear(width, count)
        self.weigh = nn.Linear(width + 6, 1)
        self.readout = nn.Linear(count, BITS)
        self.whiten = nn.Linear(BITS, BITS)
        with torch.no_grad():
            self.outward.weight.mul_(0.1)
            self.outward.bias.zero_()
            self.weigh.weight.zero_()
            self.weigh.bias.zero_()
            self.readout.bias.zero_()
            self.whiten.weight.copy_(torch.eye(BITS))
            self.whiten.bias.zero_()
        self.whiten.requires_grad_(False)

    def kernel(self) -> Any:
        """What sharpens, alike to the left and right: a mirrored picture has mirrored power."""
        weight = self.sharpen.weight
        return (weight + weight.flip(-1)) / 2

    def power(self, tiles: Any) -> Any:
        """Log power of tiles (M, 3, TILE, TILE): shape (M, F), and its means (M, 3)."""
        return self.logarithms(self.grid(tiles))

    def grid(self, tiles: Any) -> Any:
        """Power of tiles on the grid of frequencies, flat, shape (M, 3 × rows × columns)."""
        across = tiles @ self.column_waves.flatten(0, 1).T
        both = self.row_waves.flatten(0, 1) @ across
        rows, columns = self.row_waves.shape[1], self.column_waves.shape[1]
        real = both[..., :rows, :columns] - both[..., rows:, columns:]
        imaginary = both[..., :rows, columns:] + both[..., rows:, :columns]
        power = real * real + imaginary * imaginary + self.floor.exp().view(1, 3, 1, 1)
        return power.flatten(1)

    def logarithms(self, grid: Any, *, mirrored: bool = False) -> Any:
        """Features of a grid, shape (M, F), and their means (M, 3); or those of its mirror."""
        features = torch.log(grid[:, self.taken_mirrored if mirrored else self.taken])
        means = features @ self.to_mean
        return features - means @ self.from_mean, means

    def tiles(self, rgb: Any) -> tuple[Any, int, int]:
        """Overlapping tiles of pictures (N, 3, H, W) in [0, 1], N, and how many each has."""
        inside = functional.conv2d(opponent(halve(rgb)), self.kernel(), padding=1, groups=3)
        cut = inside.unfold(2, TILE, STEP).unfold(3, TILE, STEP)
        count, _, down, over = cut.shape[:4]
        return cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, TILE, TILE), count, down * over

    def per_tile(self, tiles: Any) -> tuple[Any, Any]:
        """Weights (M, 1) and logits (M, BITS) of tiles."""
        return self.judged(*self.power(tiles))

    def judged(self, features: Any, means: Any) -> tuple[Any, Any]:
        """Weights (M, 1) and logits (M, BITS) of features and their means."""
        normal = ((features - self.centre) / self.spread).clamp(-4, 4)
        hidden = functional.gelu(self.inward(normal))
        unrest = features.abs().mean(1, keepdim=True).expand(-1, 3)
        level = torch.cat([hidden, means / 4 + 2, unrest], 1)
        weight = functional.softplus(self.weigh(level)) + 1e-3
        return weight, self.readout(normal + self.outward(hidden))

    def pooled(self, rgb: Any) -> Any:
        """Logits before whitening, shape (N, BITS)."""
        tiles, count, each = self.tiles(rgb)
        weight, logits = self.per_tile(tiles)
        weight = weight.view(count, each, 1)
        logits = logits.view(count, each, BITS)
        return (weight * logits).sum(1) / weight.sum(1)

    def forward(self, rgb: Any) -> Any:
        """Whitened logits, shape (N, BITS)."""
        return self.whiten(self.pooled(rgb))


def _where(places: Any, side: int) -> Any:
    """Places of features on the flat grid; of the mirrored picture's with ``side`` -1."""
    rows = places[:, 1] * side + RADIUS
    flat = (places[:, 0] * (2 * RADIUS + 1) + rows) * (RADIUS + 1) + places[:, 2]
    return flat.long()
