"""A small KL autoencoder of our own, to root marks in without anyone else's weights."""

from __future__ import annotations

import json
import math
import random
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._train import Crops

CHANNELS = 16
GRID = 8


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, 1, 1)
        self.second = nn.Conv2d(width, width, 3, 1, 1)
        with torch.no_grad():
            self.second.weight.mul_(0.3)
            self.second.bias.zero_()

    def forward(self, x: Any) -> Any:
        return x + self.second(functional.silu(self.first(functional.silu(x))))


class SmallEncoder(nn.Module):
    """Picture in [0, 1] to mean and log variance of its latent, each (N, 16, H/8, W/8)."""

    def __init__(self, width: int = 56) -> None:
        super().__init__()
        self.linear = nn.Conv2d(3, CHANNELS, GRID, GRID)
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, width, 3, 1, 1),
            nn.SiLU(),
            nn.Conv2d(width, width, 4, 2, 1),
            _Residual(width),
            _Residual(width),
            nn.SiLU(),
        )
        self.mean = nn.Conv2d(width, CHANNELS, 3, 1, 1)
        self.variance = nn.Conv2d(width, CHANNELS, 1)
        with torch.no_grad():
            for layer in (self.mean, self.variance):
                layer.weight.zero_()
                layer.bias.zero_()
            self.variance.bias.fill_(-6.0)

    def forward(self, rgb: Any) -> tuple[Any, Any]:
        signed = rgb * 2 - 1
        body = self.body(signed)
        return self.linear(signed) + self.mean(body), self.variance(body).clamp(-12, 2)


class SmallDecoder(nn.Module):
    """Latent to picture, about [0, 1]."""

    def __init__(self, width: int = 64, upper: int = 40, deep: int = 3, shallow: int = 2) -> None:
        super().__init__()
        self.linear = nn.ConvTranspose2d(CHANNELS, 3, GRID, GRID)
        self.inlet = nn.Conv2d(CHANNELS, width, 3, 1, 1)
        self.deep = nn.Sequential(*[_Residual(width) for _ in range(deep)])
        self.up = nn.Conv2d(width, upper * 4, 3, 1, 1)
        self.shallow = nn.Sequential(*[_Residual(upper) for _ in range(shallow)])
        self.outlet = nn.Conv2d(upper, 48, 3, 1, 1)
        with torch.no_grad():
            self.outlet.weight.zero_()
            self.outlet.bias.zero_()

    def forward(self, latent: Any) -> Any:
        hidden = self.deep(self.inlet(latent))
        hidden = self.shallow(functional.pixel_shuffle(self.up(hidden), 2))
        detail = functional.pixel_shuffle(self.outlet(functional.silu(hidden)), 4)
        return (self.linear(latent) + detail) * 0.5 + 0.5


def train_autoencoder(
    folder: Path,
    *,
    seconds: float,
    seed: int = 0,
    drawn: int = 160,
    batch: int = 6,
    side: int = 128,
) -> tuple[SmallEncoder, SmallDecoder]:
    """Train both halves for so many seconds of processor time.

    They start from the principal components of 8 × 8 patches, which no training has to find.
    ``folder`` gets ``autoencoder.pt`` and ``autoencoder.jsonl``.
    """
    torch.manual_seed(seed)
    random.seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    crops = Crops(training_pictures(drawn, seed=10_000))
    encoder, decoder = SmallEncoder(), SmallDecoder()
    _begin(encoder, decoder, crops)
    both = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.AdamW(both, 1e-3, betas=(0.9, 0.98), weight_decay=1e-3)
    began, step, psnr = time.process_time(), 0, 25.0
    with (folder / "autoencoder.jsonl").open("a", encoding="utf-8") as log:
        while (spent := time.process_time() - began) < seconds:
            progress = spent / seconds
            for group in optimizer.param_groups:
                group["lr"] = (
                    1.2e-3 * min(1, (step + 1) / 50) * (0.51 + 0.49 * math.cos(math.pi * progress))
                )
            rgb = crops.draw(batch, side)
            mean, log_variance = encoder(rgb)
            out = decoder(mean + torch.randn_like(mean) * (log_variance / 2).exp())
            kl = 0.5 * (mean * mean + log_variance.exp() - 1 - log_variance).mean()
            loss = reconstruction_loss(out, rgb) + 1e-5 * kl
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(both, 1.0)
            optimizer.step()
            step += 1
            error = float(
                (out.detach() - rgb).pow(2).mean((1, 2, 3)).clamp(min=1e-8).log10().mean()
            )
            psnr = 0.98 * psnr - 0.02 * 10 * error
            if step % 25 == 0:
                log.write(
                    json.dumps({"step": step, "seconds": round(spent, 1), "psnr": round(psnr, 2)})
                )
                log.write("\n")
                log.flush()
                torch.save(
                    {"encoder": encoder.state_dict(), "decoder": decoder.state_dict()},
                    folder / "autoencoder.pt",
                )
    return encoder, decoder


def reconstruction_loss(out: Any, rgb: Any) -> Any:
    """Absolute and squared error, at two scales, and of gradients."""
    error = out - rgb
    loss = error.abs().mean() + 4 * error.pow(2).mean()
    loss = loss + 0.5 * functional.avg_pool2d(error, 4).abs().mean()
    for axis in (-1, -2):
        loss = loss + 0.2 * error.diff(dim=axis).abs().mean()
    return loss


def _begin(encoder: SmallEncoder, decoder: SmallDecoder, crops: Crops) -> None:
    signed = crops.draw(192, 64) * 2 - 1
    patches = functional.unfold(signed, GRID, stride=GRID).transpose(1, 2).reshape(-1, 3 * GRID**2)
    mean = patches.mean(0)
    _, values, vectors = torch.linalg.svd(patches - mean, full_matrices=False)
    shape = (CHANNELS, 3, GRID, GRID)
    basis = vectors[:CHANNELS]
    spread = (values[:CHANNELS] / math.sqrt(len(patches)))[:, None]
    with torch.no_grad():
        encoder.linear.weight.copy_((basis / spread).reshape(shape))
        encoder.linear.bias.copy_(-(basis / spread) @ mean)
        decoder.linear.weight.copy_((basis * spread).reshape(shape))
        # The mean patch is close to one constant per colour.
        decoder.linear.bias.copy_(mean.reshape(3, -1).mean(1))
