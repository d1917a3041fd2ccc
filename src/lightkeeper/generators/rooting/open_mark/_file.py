"""A decoder's file with the mark beside its tensors."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction.layouts._weights import read_weights
from lightkeeper.generators.rooting._load import LoadedGenerator, load_generator, write_safetensors
from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._train import Crops
from lightkeeper.generators.rooting.open_mark._outlet import outlet_of, with_outlet
from lightkeeper.generators.rooting.open_mark._root import root_open

_PREFIX = "open_mark."
_DRAWN = 60


def root_open_file(
    source: Path,
    target: Path,
    payload: int,
    *,
    seconds: float,
    psnr: float,
    told: Callable[[dict[str, float]], None],
) -> float:
    """Root the open mark in the decoder of a folder and write it; its PSNR at the end, in dB."""
    loaded = load_generator(source)
    crops = Crops(training_pictures(_DRAWN, seed=20_000))
    last = [math.nan]

    def keep(row: dict[str, float]) -> None:
        last[0] = row["psnr"]
        told(row)

    rooted = root_open(loaded.generator, payload, crops, seconds=seconds, psnr=psnr, told=keep)
    write_open(loaded, rooted, target)
    return last[0]


def write_open(loaded: LoadedGenerator, rooted: nn.Module, target: Path) -> None:
    """Write a decoder's file again, with the constants and the strength beside its tensors.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    tensors: dict[str, Any] = dict(read_weights(loaded.source))
    for name, value in outlet_of(rooted).state_dict().items():
        if not name.startswith("outlet."):
            tensors[_PREFIX + name] = value.numpy()
    write_safetensors(target, tensors)


def read_open(loaded: LoadedGenerator, path: Path) -> nn.Module:
    """The decoder of :func:`write_open`, over the original one.

    Raises
    ------
    InvalidConfiguration
        It carries no open mark, or that of another layout.
    """
    rooted = copy.deepcopy(loaded.generator.decoder)
    outlet = with_outlet(rooted, 0)
    held = read_weights(path)
    state = {
        name.removeprefix(_PREFIX): torch.from_numpy(np.array(value))
        for name, value in held.items()
        if name.startswith(_PREFIX)
    }
    try:
        outlet.load_state_dict({**state, **outlet.outlet.state_dict(prefix="outlet.")})
    except RuntimeError as error:
        raise InvalidConfiguration(f"{path.name} holds no open mark for this decoder") from error
    return rooted.eval().requires_grad_(False)
