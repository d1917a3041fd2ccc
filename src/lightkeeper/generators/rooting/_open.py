"""Root the open mark in a decoder: its tile as constants, its strength from the last features.

Whoever has the weights can take it out: without the constants the decoder is the original one.
"""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction.layouts._safetensors import read_safetensors
from lightkeeper.evidence.watermark.lattice import DEFAULT_PSNR, embed
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, tile
from lightkeeper.generators.rooting._load import LoadedGenerator, load_generator, write_safetensors
from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._train import Crops

if TYPE_CHECKING:
    from lightkeeper.generators.rooting._root import Generator

_PREFIX = "open_mark."
_WIDTH = 24
_CELL = 8
_UNIT = 0.01
_RATE = 3e-3
_DRAWN = 60


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


def root_open(
    generator: Generator,
    payload: int,
    crops: Crops,
    *,
    seconds: float,
    psnr: float = DEFAULT_PSNR,
    batch: int = 4,
    side: int = 192,
    seed: int = 0,
    told: Callable[[dict[str, float]], None] | None = None,
) -> nn.Module:
    """A copy of the decoder whose pictures carry the open mark.

    The amplitude is learned by regression to what :func:`~.lattice.embed` does to the decoder's
    own pictures; nothing of the original decoder changes.

    Parameters
    ----------
    generator : Generator
    payload : int
        48 bits.
    crops : Crops
        Pictures to learn from, of at least 128 pixels.
    seconds : float
        Processor time.
    psnr : float
        As for ``embed``.
    batch, side : int
        Pictures per step and their side in pixels.
    """
    torch.manual_seed(seed)
    random.seed(seed)
    original = generator.decoder.eval().requires_grad_(False)
    rooted = copy.deepcopy(original)
    outlet = _with_outlet(rooted, payload)
    learned = [p for p in outlet.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learned, _RATE)
    began, step, error = time.process_time(), 0, 1.0
    while (spent := time.process_time() - began) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (0.51 + 0.49 * math.cos(math.pi * spent / seconds))
        with torch.no_grad():
            latent = generator.encode(crops.draw(batch, side))
            plain = generator.decode(latent).clamp(0, 1)
        wanted = _wanted(plain, payload, psnr)
        change = generator.decode(latent, rooted) - plain
        near = functional.avg_pool2d(wanted.pow(2).mean(1, keepdim=True), 9, 1, 4).sqrt()
        loss = ((change - wanted) / (near + 0.3 * near.mean())).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        error = 0.95 * error + 0.05 * float(loss.detach())
        if told is not None and step % 10 == 0:
            decibels = -10 * math.log10(float(change.detach().pow(2).mean()))
            told({"step": step, "seconds": spent, "error": error, "psnr": decibels})
    return rooted.eval().requires_grad_(False)


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
    tensors: dict[str, Any] = dict(read_safetensors(loaded.source))
    for name, value in _outlet_of(rooted).state_dict().items():
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
    outlet = _with_outlet(rooted, 0)
    held = read_safetensors(path)
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


def _wanted(plain: Any, payload: int, psnr: float) -> Any:
    """What the mark adds to each picture, in units of the whole range; (N, 3, H, W)."""
    whole = (plain * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    marked = [
        embed(np.ascontiguousarray(rgb), payload, psnr=psnr).astype(int) - rgb for rgb in whole
    ]
    return torch.from_numpy(np.stack(marked)).permute(0, 3, 1, 2).float() / 255


def _with_outlet(decoder: nn.Module, payload: int) -> OpenOutlet:
    """Put the mark beside the last convolution, in place."""
    found = [(name, m) for name, m in decoder.named_modules() if isinstance(m, nn.Conv2d)]
    if not found:
        raise InvalidConfiguration("the decoder has no convolution to root a mark beside")
    name, last = found[-1]
    outlet = OpenOutlet(last, payload)
    parent, _, own = name.rpartition(".")
    setattr(decoder.get_submodule(parent), own, outlet)
    return outlet


def _outlet_of(decoder: nn.Module) -> OpenOutlet:
    return next(m for m in decoder.modules() if isinstance(m, OpenOutlet))
