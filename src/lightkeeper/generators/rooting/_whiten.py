"""Make bits of unmarked pictures behave like fair coins, as far as a linear map can."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import torch

from lightkeeper.generators.rooting._distort import distort
from lightkeeper.generators.rooting._spectrum import BITS, TILE

if TYPE_CHECKING:
    from lightkeeper.generators.rooting._extractor import Extractor
    from lightkeeper.generators.rooting._train import Crops

_FLOOR = 0.02
"""Least share of the mean variance that a direction is taken to have."""


def whiten(extractor: Extractor, logits: Any) -> None:
    """Fit the last layer on logits of unmarked pictures, shape (N, BITS), before whitening.

    The symmetric root (ZCA) is taken, so that a bit stays the bit it was. Medians are centred
    and outliers cut: a few odd pictures must not turn the axes.
    """
    with torch.no_grad():
        median = logits.median(0).values
        spread = logits.std(0)
        cut = (logits - median).clamp(-3 * spread, 3 * spread)
        variance = cut.T @ cut / len(cut)
        variance = variance + _FLOOR * variance.diagonal().mean() * torch.eye(BITS)
        values, vectors = torch.linalg.eigh(variance)
        turn = vectors @ torch.diag(values.rsqrt()) @ vectors.T
        extractor.whiten.weight.copy_(turn)
        shifted = (logits - median) @ turn.T
        extractor.whiten.bias.copy_(-(turn @ median) - shifted.median(0).values)


def whitening_logits(extractor: Extractor, crops: Crops, *, batches: int = 120) -> Any:
    """Logits of unmarked crops, half of them distorted, before whitening."""
    rows = []
    with torch.no_grad():
        for turn in range(batches):
            rgb = crops.draw(8, random.choice((128, 192, 256)))
            if turn % 2:
                rgb = distort(rgb, 1.0, rgb.flip(0))
            if min(rgb.shape[-2:]) >= 2 * TILE:
                rows.append(extractor.pooled(rgb))
    return torch.cat(rows)
