"""Learn how strong the mark must be, from what the embedder does to a decoder's pictures."""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lightkeeper.evidence.watermark.lattice import DEFAULT_PSNR, embed
from lightkeeper.generators.rooting.open_mark._outlet import with_outlet

if TYPE_CHECKING:
    from lightkeeper.generators.rooting._root import Generator
    from lightkeeper.generators.rooting._train import Crops

_RATE = 3e-3


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
    outlet = with_outlet(rooted, payload)
    learned = [p for p in outlet.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learned, _RATE)
    embed(np.zeros((side, side, 3), np.uint8), payload, psnr=psnr)  # compiles, outside the clock
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


def _wanted(plain: Any, payload: int, psnr: float) -> Any:
    """What the mark adds to each picture, in units of the whole range; (N, 3, H, W)."""
    whole = (plain * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    marked = [
        embed(np.ascontiguousarray(rgb), payload, psnr=psnr).astype(int) - rgb for rgb in whole
    ]
    return torch.from_numpy(np.stack(marked)).permute(0, 3, 1, 2).float() / 255
