"""The mark beside a decoder's last convolution: its tile as constants, its strength learned.

Whoever has the weights can take it out: without the constants the decoder is the original one.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, tile

_WIDTH = 24
_CELL = 8
_UNIT = 0.01


class OpenOutlet(nn.Module):
    """The last convolution of a decoder, and the tile beside it.

    The amplitude of each place comes from the features that the convolution reads; ``factor`` is
    the number of pixels for each of them along a side.
    """

    def __init__(self, outlet: nn.Conv2d, payload: int) -> None:
        super().__init__()
        self.factor = math.isqrt(outlet.out_channels // 3)
        if 3 * self.factor**2 != outlet.out_channels or _CELL % self.factor:
            raise InvalidConfiguration("the decoder's last convolution does not give a picture")
        self.outlet = outlet
        self.constants = nn.Parameter(torch.from_numpy(tile(payload)), requires_grad=False)
        self.inlet = nn.Conv2d(outlet.in_channels, _WIDTH, 1)
        self.between = nn.Conv2d(_WIDTH, _WIDTH, 3, 1, 1)
        self.amplitude = nn.Conv2d(_WIDTH, 1, 3, 1, 1)

    def forward(self, features: Any) -> Any:
        """What the convolution gives, and the mark; (N, out channels, H, W)."""
        out = self.outlet(features)
        cells = functional.avg_pool2d(
            functional.silu(self.inlet(features)), _CELL // self.factor, ceil_mode=True
        )
        strength = self.amplitude(functional.silu(self.between(cells)))
        strength = functional.interpolate(
            _UNIT * functional.softplus(strength), scale_factor=_CELL, mode="bilinear"
        )
        height, width = (side * self.factor for side in features.shape[2:])
        times = (-(-height // PERIOD), -(-width // PERIOD))
        wave = self.constants.repeat(times)[:height, :width]
        mark = (strength[..., :height, :width] * wave).expand(-1, 3, -1, -1)
        return out + functional.pixel_unshuffle(mark, self.factor)


def with_outlet(decoder: nn.Module, payload: int) -> OpenOutlet:
    """Put the mark beside the last convolution, in place."""
    found = [(name, m) for name, m in decoder.named_modules() if isinstance(m, nn.Conv2d)]
    if not found:
        raise InvalidConfiguration("the decoder has no convolution to root a mark beside")
    name, last = found[-1]
    outlet = OpenOutlet(last, payload)
    parent, _, own = name.rpartition(".")
    setattr(decoder.get_submodule(parent), own, outlet)
    return outlet


def outlet_of(decoder: nn.Module) -> OpenOutlet:
    """The one that :func:`with_outlet` put there."""
    return next(m for m in decoder.modules() if isinstance(m, OpenOutlet))
