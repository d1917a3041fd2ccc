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

from lightkeeper.generators.rooting._checkpoint import State, keep, resume
from lightkeeper.generators.rooting._distort import distort
from lightkeeper.generators.rooting._embedder import Embedder, embed, quiet_contrast
from lightkeeper.generators.rooting._spectrum import opponent

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.generators.rooting._extractor import Extractor
    from lightkeeper.generators.rooting._train import Crops

_SAVE_EVERY = 40.0
_LEAST_HELD, _MOST_HELD = 8, 64
_FRESH = 0.15
_CAPABLE: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
_FAST_HALVES = bool(_CAPABLE.get("avx512_bf16") or _CAPABLE.get("amx_bf16"))
"""Without such instructions half precision is slower than single precision."""


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
    trained : frozenset of str, optional
        Names of the decoder's parameters that rooting may change; all by default.
    rate : float
        Step size that this decoder can be trained at.
    """

    encode: Callable[[Any], Any]
    decoder: nn.Module
    signed: bool = False
    trained: frozenset[str] | None = None
    rate: float = 5e-4

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
        Processor time, over every continuation.
    psnr : float
        Wanted distance to the original decoder's pictures, in dB.
    batch, side : int
        Pictures per step and their side in pixels.
    """

    seconds: float
    psnr: float = 31.5
    batch: int = 4
    side: int = 192


def root(
    generator: Generator,
    embedder: Embedder,
    extractor: Extractor,
    key: Any,
    crops: Crops,
    plan: RootingPlan,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    keep_last: bool = False,
    told: Callable[[dict[str, float]], None] | None = None,
) -> nn.Module:
    """A copy of the decoder that marks its pictures with ``key``, shape (BITS,), of 0 and 1.

    First it learns to decode what the embedder would have made of its pictures, then the bits
    themselves, at the wanted distance: a weight on the perceptual loss is raised while pictures
    are further away and lowered while they are nearer. ``checkpoint`` is a file that a stopped
    rooting goes on from; it is as secret as the decoder. ``keep_last`` writes it
    at the end, too.

    Raises
    ------
    InvalidConfiguration
        The checkpoint is of another key or decoder.
    """
    torch.manual_seed(seed)
    random.seed(seed)
    extractor.eval().requires_grad_(False)
    embedder.eval().requires_grad_(False)
    original = generator.decoder.eval().requires_grad_(False)
    rooted = copy.deepcopy(original).train().to(memory_format=torch.channels_last)
    parameters = _thawed(rooted, generator.trained)
    optimizer = torch.optim.AdamW(parameters, generator.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    signs = key.view(1, -1).float()
    state = State(psnr=plan.psnr)
    if checkpoint is not None and checkpoint.exists():
        state = resume(checkpoint, rooted, optimizer, signs)
        torch.manual_seed(seed + state.step)
        random.seed(seed + state.step)
    batches = _Batches(generator, crops, plan)
    began = time.process_time() - state.spent
    saved = state.spent
    while (spent := time.process_time() - began) < plan.seconds:
        progress = spent / plan.seconds
        for group in optimizer.param_groups:
            warm = min(1, (state.step + 1) / 20)
            group["lr"] = generator.rate * warm * (0.52 + 0.48 * math.cos(math.pi * progress))
        latent, plain = batches.draw()
        wanted = embed(embedder, plain, signs.expand(len(plain), -1), plan.psnr - 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=_FAST_HALVES):
            out = generator.decode(latent, rooted)
        out = out.float()
        shaped = (out - wanted).pow(2).mean() / (wanted - plain).pow(2).mean().clamp(min=1e-6)
        severity = min(1.0, progress * 2)
        logits = extractor(distort(out.clamp(0, 1), severity, plain.flip(0)))
        bits = functional.binary_cross_entropy_with_logits(logits, signs.expand(len(plain), -1))
        lead = max(0.05, 1 - 2 * progress)
        loss = lead * shaped + bits + state.weight * perceptual(out, plain)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        state.step += 1
        error = float(
            (out.detach().clamp(0, 1) - plain).pow(2).mean((1, 2, 3)).clamp(min=1e-8).log10().mean()
        )
        state.psnr = 0.9 * state.psnr - 0.1 * 10 * error
        push = max(-2.0, min(2.0, plan.psnr - state.psnr))
        state.weight = min(50.0, max(0.3, state.weight * math.exp(0.06 * push)))
        if told is not None and state.step % 20 == 0:
            right = float(((logits > 0) == (signs > 0.5)).float().mean())
            told({
                "step": state.step, "seconds": spent, "psnr": state.psnr, "bits": right,
                "loss": float(bits.detach()), "shaped": float(shaped.detach()),
                "weight": state.weight,
            })  # fmt: skip
        if checkpoint is not None and spent - saved > _SAVE_EVERY:
            state.spent = saved = spent
            keep(checkpoint, rooted, optimizer, signs, state)
    if checkpoint is not None and keep_last:
        state.spent = time.process_time() - began
        keep(checkpoint, rooted, optimizer, signs, state)
    return rooted.eval().requires_grad_(False)


def _thawed(decoder: nn.Module, trained: frozenset[str] | None) -> list[nn.Parameter]:
    chosen = []
    for name, parameter in decoder.named_parameters():
        parameter.requires_grad_(trained is None or name in trained)
        if parameter.requires_grad:
            chosen.append(parameter)
    return chosen


class _Batches:
    """Latents and pictures of the original decoder; most are used several times.

    Encoding a batch and decoding it once more costs as much as a step of learning.
    """

    def __init__(self, generator: Generator, crops: Crops, plan: RootingPlan) -> None:
        self._generator = generator
        self._crops = crops
        self._plan = plan
        self._held: list[tuple[Any, Any]] = []

    def draw(self) -> tuple[Any, Any]:
        if len(self._held) >= _LEAST_HELD and random.random() > _FRESH:
            return random.choice(self._held)
        rgb = self._crops.draw(self._plan.batch, self._plan.side)
        with torch.no_grad():
            latent = self._generator.encode(rgb)
            plain = self._generator.decode(latent).clamp(0, 1)
        self._held = [*self._held[-_MOST_HELD + 1 :], (latent, plain)]
        return latent, plain


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
        contrast = quiet_contrast(luma)
        error = (first - second).pow(2)
        seen = error[:, :1] + 0.5 * error[:, 1:].sum(1, keepdim=True)
        total = total + share * (seen / (contrast + 0.05).pow(2)).mean()
    return total
