"""Tiny autoencoders of the TAESD family, whose layers are numbered in a row.

References
----------
.. [1] madebyollin/taesd, "Tiny AutoEncoder for Stable Diffusion", 2023.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction.layouts._build import Tensors, joined

_POOL_GROUPS = 4


class _Block(nn.Module):
    def __init__(self, tensors: Tensors, key: str) -> None:
        super().__init__()
        self.first, self.second, self.third = (tensors.conv(f"{key}.conv.{k}") for k in (0, 2, 4))
        self.skip = tensors.conv(f"{key}.skip") if tensors.has(f"{key}.skip.weight") else None
        self.pool: nn.Module | None = None
        if tensors.has(f"{key}.pool.0.weight"):
            self.pool = nn.Sequential(
                tensors.conv(f"{key}.pool.0"),
                tensors.norm(f"{key}.pool.1", _POOL_GROUPS, 1e-5),
                nn.ReLU(),
                tensors.conv(f"{key}.pool.3"),
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.pool is not None:
            x = x + self.pool(x)
        inner = self.third(functional.relu(self.second(functional.relu(self.first(x)))))
        return functional.relu(inner + (x if self.skip is None else self.skip(x)))


class _Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def _highest(tensors: Tensors, what: str) -> int:
    numbers = [name.split(".", 1)[0] for name in tensors.names()]
    if not numbers or not all(number.isdigit() for number in numbers):
        raise InvalidConfiguration(f"{what} is not of the TAESD layout: its layers have no numbers")
    return max(int(number) for number in numbers)


def tiny_encoder(tensors: Tensors) -> nn.Sequential:
    """The encoder; a convolution without bias halves the sides."""
    layers: list[nn.Module] = []
    for k in range(_highest(tensors, "the encoder") + 1):
        if tensors.has(f"{k}.conv.0.weight"):
            layers.append(_Block(tensors, str(k)))
        else:
            stride = 1 if tensors.has(f"{k}.bias") else 2
            layers.append(tensors.conv(str(k), stride=stride))
    tensors.finish()
    return joined(layers, torch.zeros(1, 3, 64, 64), what="the encoder")


def tiny_decoder(tensors: Tensors, channels: int) -> nn.Sequential:
    """The decoder; numbers without tensors are the clamp, the ReLU and the enlargements."""
    layers: list[nn.Module] = [_Clamp()]
    for k in range(1, _highest(tensors, "the decoder") + 1):
        if tensors.has(f"{k}.conv.0.weight"):
            layers.append(_Block(tensors, str(k)))
        elif tensors.has(f"{k}.weight"):
            layers.append(tensors.conv(str(k)))
        elif k == 2:
            layers.append(nn.ReLU())
        else:
            layers.append(nn.Upsample(scale_factor=2))
    tensors.finish()
    return joined(layers, torch.zeros(1, channels, 8, 8), what="the decoder")
