"""The network: the periods that a decoder leaves in residuals, and what is learned of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

BINS = 96
_TAPS, _STEP = 128, 24
"""Pixels over which a period is followed, and after which the next stretch begins."""
_LOWEST, _HIGHEST = 0.1, 0.5
"""Cycles per pixel. A grid of eight pixels lies at .125, and at .208 once reduced by .6."""
_WEAK, _FLOOR = 0.02, 0.004
"""Residuals are limited at five grey levels; one grey level is the floor of their logarithm."""


class Front(nn.Module):
    """What is not learned: residuals, and the power of their row and column means by period.

    The mean over a row adds up what repeats and averages out what the picture shows. It knows no
    phase, takes any size, and follows a grid through a resize: on the logarithmic axis of
    frequencies a resize is a shift.
    """

    channels = 32

    def __init__(self) -> None:
        super().__init__()
        steps = torch.arange(BINS) / (BINS - 1)
        frequency = _LOWEST * (_HIGHEST / _LOWEST) ** steps
        window = torch.hann_window(_TAPS + 2, periodic=False)[1:-1]
        angle = 2 * math.pi * frequency[:, None] * (torch.arange(_TAPS) - (_TAPS - 1) / 2)
        waves = torch.cat([angle.cos(), angle.sin()]) * window / window.sum()
        self.register_buffer("waves", waves[:, None])
        self.register_buffer("filters", _filters())

    def forward(self, x: Tensor) -> Tensor:
        """Pixels in 0..1, shape (n, 3, H, W), to log power, shape (n, channels, BINS)."""
        r = functional.conv2d(x, self.filters)
        maps = torch.cat([r.clamp(-_WEAK, _WEAK) / _WEAK, (r.abs() + _FLOOR).log()], 1)
        down, along = self._level(maps.mean(3)), self._level(maps.mean(2))
        return torch.cat([(down + along) / 2, torch.minimum(down, along)], 1)

    def _level(self, profile: Tensor) -> Tensor:
        """Log power over its surroundings: what stands out, whatever the picture's contrast."""
        count, channels, length = profile.shape
        flat = profile.reshape(count * channels, 1, length)
        flat = flat - _around(flat, 8)
        waves = functional.conv1d(flat, self.waves, stride=_STEP, padding=_TAPS // 2)
        power = (waves[:, :BINS] ** 2 + waves[:, BINS:] ** 2).mean(2)
        level = (power + 1e-9).log().reshape(count, channels, BINS)
        return level - _around(level, 12)


def _around(x: Tensor, reach: int) -> Tensor:
    padded = functional.pad(x, (reach, reach), mode="replicate")
    return functional.avg_pool1d(padded, 2 * reach + 1, 1)


def _filters() -> Tensor:
    """High-pass filters without response to constant colour: three of colours, five of mixtures."""
    around = torch.tensor([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 4.0
    across = torch.tensor([[0, 0, 0], [0, 1, -1], [0, 0, 0.0]])
    aslant = torch.tensor([[0, 0, 0], [0, 1, -1], [0, -1, 1.0]]) / 2
    mixtures = (
        *((colour, around) for colour in torch.eye(3)),
        *((torch.full((3,), 1 / 3), kernel) for kernel in (across, across.T, aslant)),
        (torch.tensor([-0.169, -0.331, 0.5]), around),
        (torch.tensor([0.5, -0.419, -0.081]), around),
    )
    return torch.stack([weights[:, None, None] * kernel for weights, kernel in mixtures])


class Head(nn.Module):
    """What is learned: which periods, together, speak for the autoencoder."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1, 8, BINS))
        """Frequencies that mean the same at every scale, such as JPEG's own."""
        self.norm = nn.BatchNorm1d(Front.channels)
        self.first = nn.Conv1d(Front.channels + 8, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 9, padding=20, dilation=5)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(2 * width, 1)

    def forward(self, level: Tensor) -> Tensor:
        """Log power of shape (n, channels, BINS) to log-odds of shape (n, 1)."""
        level = self.norm(level)
        y = torch.cat([level, self.place.expand(level.shape[0], -1, -1)], 1)
        y = functional.relu(self.first(y))
        y = functional.relu(self.second(self.drop(y)))
        return self.last(self.drop(torch.cat([y.mean(2), y.amax(2)], 1)))


class Network(nn.Module):
    """A log-odds for each picture of a batch; larger speaks for the autoencoder."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.front, self.head = Front(), head

    def forward(self, x: Tensor) -> Tensor:
        """Pixels in 0..1, shape (n, 3, H, W), to log-odds of shape (n, 1)."""
        return self.head(self.front(x))
