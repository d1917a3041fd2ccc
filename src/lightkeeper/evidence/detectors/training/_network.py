"""The network: residuals, and the periods that a decoder leaves in them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_TAPS = 96
"""Pixels over which a period is followed: twelve of eight pixels."""
_BINS = 96
_LOWEST, _HIGHEST = 0.1, 0.5
"""Cycles per pixel. A grid of eight pixels lies at .125, and at .208 once reduced by .6."""
_STEP = 16


class Residuals(nn.Module):
    """High-pass filters, some fixed and some learned, which see no constant and no mean colour."""

    def __init__(self, learned: int) -> None:
        super().__init__()
        self.register_buffer("fixed", _fixed_filters())
        self.learned = nn.Parameter(torch.randn(learned, 3, 3, 3) * 0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Residuals of pixels in 0..1, limited: edges say nothing here."""
        free = self.learned - self.learned.mean((2, 3), keepdim=True)
        kernels = torch.cat([self.fixed, free])  # type: ignore[list-item]
        return functional.conv2d(x, kernels).clamp(-0.1, 0.1) * 10


def _fixed_filters() -> Tensor:
    around = torch.tensor([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 4.0
    across = torch.tensor([[0, 0, 0], [0, 1, -1], [0, 0, 0.0]])
    aslant = torch.tensor([[0, 0, 0], [0, 1, -1], [0, -1, 1.0]]) / 2
    single = [functional.one_hot(torch.tensor(c), 3)[:, None, None] * around for c in range(3)]
    joint = [(k / 3).expand(3, 3, 3) for k in (across, across.T, aslant)]
    return torch.stack(single + joint)


class Periods(nn.Module):
    """Power of row and column means by period: what repeats adds up, the picture does not.

    Unlike a fold by eight pixels it knows no phase, takes any size, and follows a grid through a
    resize.
    """

    def __init__(self) -> None:
        super().__init__()
        steps = torch.arange(_BINS) / (_BINS - 1)
        frequency = _LOWEST * (_HIGHEST / _LOWEST) ** steps
        place = torch.arange(_TAPS) - (_TAPS - 1) / 2
        window = torch.hann_window(_TAPS + 2, periodic=False)[1:-1]
        angle = 2 * math.pi * frequency[:, None] * place[None]
        waves = torch.cat([angle.cos(), angle.sin()]) * window / window.sum()
        self.register_buffer("waves", waves[:, None])

    def forward(self, maps: Tensor) -> Tensor:
        """Log power, shape (n, 2 · maps, bins): the mean of both directions, and the lesser."""
        down, along = self._power(maps.mean(3)), self._power(maps.mean(2))
        return torch.cat([(down + along) / 2, torch.minimum(down, along)], 1)

    def _power(self, profile: Tensor) -> Tensor:
        count, channels, length = profile.shape
        flat = profile.reshape(count * channels, 1, length)
        flat = flat - functional.avg_pool1d(
            functional.pad(flat, (8, 8), mode="replicate"), 17, 1
        )
        waves = functional.conv1d(flat, self.waves, stride=_STEP, padding=_TAPS // 2)  # type: ignore[arg-type]
        power = (waves[:, :_BINS] ** 2 + waves[:, _BINS:] ** 2).mean(2)
        level = (power + 1e-9).log().reshape(count, channels, _BINS)
        around = functional.avg_pool1d(
            functional.pad(level, (12, 12), mode="replicate"), 25, 1
        )
        return level - around


class Network(nn.Module):
    """A log-odds for each picture of a batch; larger speaks for the autoencoder."""

    def __init__(self, branch: str = "both", width: int = 16) -> None:
        super().__init__()
        self.branch = branch
        self.residuals = Residuals(width - 6)
        self.mix = nn.Conv2d(2 * width, width, 1)
        self.norm = nn.BatchNorm2d(width)
        self.periods = Periods()
        self.place = nn.Parameter(torch.zeros(1, 8, _BINS))
        self.first = nn.Conv1d(2 * width + 8, 48, 5, padding=2)
        self.second = nn.Conv1d(48, 48, 9, padding=20, dilation=5)
        self.texture = nn.Sequential(
            nn.Conv2d(width, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 48, 3, 2, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
            nn.Conv2d(48, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        )  # fmt: skip
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear({"periods": 96, "texture": 128, "both": 224}[branch], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Pixels in 0..1, shape (n, 3, H, W), to log-odds of shape (n, 1)."""
        r = self.residuals(x)
        maps = functional.relu(self.norm(self.mix(torch.cat([r, r.abs()], 1))))
        features = []
        if self.branch != "texture":
            level = self.periods(maps)
            y = torch.cat([level, self.place.expand(level.shape[0], -1, -1)], 1)
            y = functional.relu(self.second(functional.relu(self.first(y))))
            features += [y.mean(2), y.amax(2)]
        if self.branch != "periods":
            t = self.texture(maps)
            m = t.mean((2, 3))
            features += [m, ((t * t).mean((2, 3)) - m * m).clamp(min=0).add(1e-4).sqrt()]
        return self.head(self.drop(torch.cat(features, 1)))
