"""Teach a decoder to mark all that it decodes, through a frozen extractor."""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from lightkeeper.generators.rooting._distort import distort
from lightkeeper.generators.rooting._embedder import Embedder, embed
from lightkeeper.generators.rooting._spectrum import opponent

if TYPE_CHECKING:
    from lightkeeper.generators.rooting._extractor import Extractor
    from lightkeeper.generators.rooting._train import Crops


@dataclass(frozen=True, slots=True)
class Generator:
    """The two halves of an autoencoder.

    Parameters
    ----------
    encode : callable
        Pictures in [0, 1], shape (N, 3, H, W), to latents.
    decoder : torch module
        What is rooted.
    signed : bool
        The decoder's pictures lie in [-1, 1].
    """

    encode: Callable[[Any], Any]
    decoder: nn.Module
    signed: bool = False

    def decode(self, latent: Any, decoder: nn.Module | None = None) -> Any:
        """Pictures, about [0, 1], of this or of another decoder with the same latents."""
        out = (decoder or self.decoder)(latent)
        return out / 2 + 0.5 if self.signed else out


@dataclass(frozen=True, slots=True, kw_only=True)
class RootingPlan:
    """How a decoder is rooted.

    Parameters
    ----------
    seconds : float
        Processor time.
    psnr : float
        Wanted distance to the original decoder's pictures, in dB.
    batch, side : int
        Pictures per step and their side in pixels.
    rate : float
        Step size of the optimiser.
    """

    seconds: float
    psnr: float = 31.5
    batch: int = 4
    side: int = 192
    rate: float = 5e-4


def root(
    generator: Generator,
    embedder: Embedder,
    extractor: Extractor,
    key: Any,
    crops: Crops,
    plan: RootingPlan,
    *,
    seed: int = 0,
    told: Callable[[dict[str, float]], None] | None = None,
) -> nn.Module:
    """A copy of the decoder that marks its pictures with ``key``, shape (BITS,), of 0 and 1.

    First it learns to decode what the embedder would have made of its pictures, then the bits
    themselves, at the wanted distance: a weight on the perceptual loss is raised while pictures
    are further away and lowered while they are nearer.
    """
    torch.manual_seed(seed)
    random.seed(seed)
    extractor.eval().requires_grad_(False)
    embedder.eval().requires_grad_(False)
    original = generator.decoder.eval().requires_grad_(False)
    rooted = copy.deepcopy(original).train().requires_grad_(True)
    parameters = list(rooted.parameters())
    optimizer = torch.optim.AdamW(parameters, plan.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    signs = key.view(1, -1).float()
    began, step, weight, seen = time.process_time(), 0, 1.0, plan.psnr
    while (spent := time.process_time() - began) < plan.seconds:
        progress = spent / plan.seconds
        for group in optimizer.param_groups:
            group["lr"] = (
                plan.rate * min(1, (step + 1) / 20) * (0.52 + 0.48 * math.cos(math.pi * progress))
            )
        rgb = crops.draw(plan.batch, plan.side)
        with torch.no_grad():
            latent = generator.encode(rgb)
            plain = generator.decode(latent).clamp(0, 1)
            wanted = embed(embedder, plain, signs.expand(len(rgb), -1), plan.psnr - 1)
        out = generator.decode(latent, rooted)
        shaped = (out - wanted).pow(2).mean() / (wanted - plain).pow(2).mean().clamp(min=1e-6)
        severity = min(1.0, progress * 2)
        logits = extractor(distort(out.clamp(0, 1), severity, plain.flip(0)))
        bits = functional.binary_cross_entropy_with_logits(logits, signs.expand(len(rgb), -1))
        lead = max(0.05, 1 - 2 * progress)
        loss = lead * shaped + bits + weight * perceptual(out, plain)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        error = float(
            (out.detach().clamp(0, 1) - plain).pow(2).mean((1, 2, 3)).clamp(min=1e-8).log10().mean()
        )
        seen = 0.9 * seen - 0.1 * 10 * error
        weight = min(50.0, max(0.3, weight * math.exp(0.06 * max(-2, min(2, plan.psnr - seen)))))
        if told is not None and step % 20 == 0:
            right = float(((logits > 0) == (signs > 0.5)).float().mean())
            told({
                "step": step, "seconds": spent, "psnr": seen, "bits": right,
                "loss": float(bits.detach()), "shaped": float(shaped.detach()), "weight": weight,
            })  # fmt: skip
    return rooted.eval().requires_grad_(False)


def perceptual(out: Any, plain: Any) -> Any:
    """Distance of pictures as an eye may see it: error over local contrast, at three scales.

    Error in a texture counts less than error in a flat place, and colour less than luma.
    """
    first, second = opponent(out), opponent(plain)
    total = first.new_zeros(())
    for scale, share in ((1, 0.4), (2, 0.35), (4, 0.25)):
        if scale > 1:
            first, second = functional.avg_pool2d(first, 2), functional.avg_pool2d(second, 2)
        luma = second[:, :1]
        mean = functional.avg_pool2d(luma, 7, 1, 3, count_include_pad=False)
        square = functional.avg_pool2d(luma * luma, 7, 1, 3, count_include_pad=False)
        contrast = (square - mean * mean).clamp(min=0).sqrt()
        error = (first - second).pow(2)
        seen = error[:, :1] + 0.5 * error[:, 1:].sum(1, keepdim=True)
        total = total + share * (seen / (contrast + 0.05).pow(2)).mean()
    return total
