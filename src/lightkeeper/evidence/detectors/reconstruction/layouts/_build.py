"""Makes torch layers out of the tensors of a state dict, and complains in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


class Tensors:
    """A state dict that knows which of its tensors have been used."""

    def __init__(self, tensors: Mapping[str, NDArray[np.float32]], *, what: str) -> None:
        self._tensors = tensors
        self._what = what
        self._used: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether it holds this tensor."""
        return key in self._tensors

    def names(self) -> tuple[str, ...]:
        """Names of all its tensors."""
        return tuple(self._tensors)

    def take(self, key: str, dimensions: int) -> torch.Tensor:
        """One tensor.

        Raises
        ------
        InvalidConfiguration
            It is missing or has another number of dimensions.
        """
        if key not in self._tensors:
            raise InvalidConfiguration(f"{self._what} lacks the tensor {key}")
        array = self._tensors[key]
        if array.ndim != dimensions:
            raise InvalidConfiguration(
                f"{self._what}: {key} has the shape {array.shape}, not {dimensions} dimensions"
            )
        self._used.add(key)
        return torch.from_numpy(array.copy())

    def take_matrix(self, key: str) -> torch.Tensor:
        """A matrix, also where it is kept as a convolution of one pixel."""
        convolution = self.has(key) and self._tensors[key].ndim == 4
        return self.take(key, 4).flatten(1) if convolution else self.take(key, 2)

    def conv(self, key: str, *, stride: int = 1, padding: int | None = None) -> nn.Conv2d:
        """A convolution with the shape of its weight."""
        weight = self.take(f"{key}.weight", 4)
        out, into, high, wide = weight.shape
        layer = nn.Conv2d(
            into, out, (high, wide), stride, high // 2 if padding is None else padding,
            bias=self.has(f"{key}.bias"),
        )  # fmt: skip
        self._fill(layer, key, weight)
        return layer

    def norm(self, key: str, groups: int, epsilon: float) -> nn.GroupNorm:
        """A group normalisation with the width of its weight."""
        weight = self.take(f"{key}.weight", 1)
        if len(weight) % groups:
            raise InvalidConfiguration(
                f"{self._what}: {key} has {len(weight)} channels, not a multiple of {groups}"
            )
        layer = nn.GroupNorm(groups, len(weight), epsilon)
        self._fill(layer, key, weight)
        return layer

    def finish(self, ignored: tuple[str, ...] = ()) -> None:
        """Complain about tensors that nothing has used.

        Raises
        ------
        InvalidConfiguration
        """
        left = [k for k in self._tensors if k not in self._used and not k.startswith(ignored)]
        if left:
            raise InvalidConfiguration(
                f"{self._what} has tensors that this layout does not know, such as {left[0]}"
            )

    def _fill(self, layer: nn.Conv2d | nn.GroupNorm, key: str, weight: torch.Tensor) -> None:
        layer.weight = nn.Parameter(weight, requires_grad=False)
        if layer.bias is not None:
            bias = self.take(f"{key}.bias", 1)
            if len(bias) != len(weight):
                raise InvalidConfiguration(
                    f"{self._what}: {key}.bias has {len(bias)} values, its weight {len(weight)}"
                )
            layer.bias = nn.Parameter(bias, requires_grad=False)


def joined(layers: list[nn.Module], example: torch.Tensor, *, what: str) -> nn.Sequential:
    """Layers in a row, after a trial run.

    Raises
    ------
    InvalidConfiguration
        The shapes of two neighbours do not fit.
    """
    whole = nn.Sequential(*layers).eval()
    try:
        with torch.no_grad():
            whole(example)
    except RuntimeError as error:
        raise InvalidConfiguration(f"{what}: shapes do not fit: {error}") from error
    return whole
