"""Shape a picture's spectrum by a message: what a rooted decoder later learns to do itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lightkeeper.generators.rooting._spectrum import (
    BITS,
    RADIUS,
    TILE,
    frequencies,
    from_opponent,
    opponent,
)

_SIDE = 2 * RADIUS + 1


class Embedder(nn.Module):
    """Raise or lower the picture's own frequencies by codes, masked by local contrast.

    Nothing is added that the picture does not hold, so the mean of many marked pictures holds
    no mark that could be copied.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.register_buffer("places", frequencies())
        self.codes = nn.Parameter(draw_codes(seed))

    def gains(self, message: Any) -> Any:
        """Wanted change of log amplitude on the grid, shape (N, 3, rows, columns)."""
        signs = message * 2 - 1
        flat = signs @ self.codes * BITS**-0.5
        grid = flat.new_zeros(len(message), 3, _SIDE, _SIDE)
        channel = self.places[:, 0].long()
        row, column = self.places[:, 1].long(), self.places[:, 2].long()
        grid[:, channel, row + RADIUS, column + RADIUS] = flat
        grid[:, channel, RADIUS - row, RADIUS - column] = flat
        return grid

    def forward(self, rgb: Any, message: Any, strength: float) -> Any:
        """What is added to pictures (N, 3, H, W) before masking, same shape."""
        height, width = rgb.shape[-2:]
        yuv = opponent(rgb)
        pad = 32
        padded = functional.pad(yuv, (pad,) * 4, mode="reflect")
        spectrum = torch.fft.rfft2(padded)
        rows = torch.fft.fftfreq(height + 2 * pad) * (2 * TILE / (RADIUS + 0.5))
        columns = torch.fft.rfftfreq(width + 2 * pad) * (2 * TILE / (RADIUS + 0.5))
        where = torch.stack(
            [
                columns[None].expand(len(rows), -1),
                rows[:, None].expand(-1, len(columns)),
            ],
            -1,
        )
        gain = functional.grid_sample(
            self.gains(message),
            where[None].expand(len(rgb), -1, -1, -1),
            align_corners=False,
            padding_mode="zeros",
        )
        change = torch.expm1((strength * gain).clamp(-2.5, 1.2))
        added = torch.fft.irfft2(spectrum * change, s=padded.shape[-2:])
        return from_opponent(added[..., pad:-pad, pad:-pad])


def draw_codes(seed: int) -> Any:
    """Secret codes, shape (BITS, F): smooth over neighbouring frequencies, orthogonal.

    What pictures have anyway (a slope over the radius, a preference for an orientation) is
    taken out, so that it moves no bit.
    """
    generator = torch.Generator().manual_seed(seed)
    places = frequencies()
    codes = torch.randn(BITS, 3, _SIDE, _SIDE, generator=generator)
    # A frequency and its negative are one number, so they get one code.
    codes = codes + codes.flip(-1, -2)
    kernel = torch.tensor([0.35, 1.0, 0.35])
    kernel = torch.outer(kernel, kernel)
    codes = functional.conv2d(codes, kernel.expand(3, 1, 3, 3).contiguous(), padding=1, groups=3)
    rows, columns = places[:, 1].long() + RADIUS, places[:, 2].long() + RADIUS
    flat = codes[:, places[:, 0].long(), rows, columns]
    flat = flat - flat @ _natural(places).T @ _natural(places)
    # Orthogonal rows: one bit's code says nothing about another's.
    values, vectors = torch.linalg.eigh(flat @ flat.T)
    flat = vectors @ torch.diag(values.rsqrt()) @ vectors.T @ flat
    return flat * flat.shape[1] ** 0.5


def _natural(places: Any) -> Any:
    """Orthonormal rows spanning smooth spectra, shape (K, F)."""
    rows = []
    radius = places[:, 1:].norm(dim=1)
    angle = torch.atan2(places[:, 1], places[:, 2])
    for channel in range(3):
        inside = (places[:, 0] == channel).float()
        for power in range(3):
            shape = torch.log(radius) ** power
            rows.append(inside * shape)
            if power < 2:
                for order in (2, 4):
                    rows.append(inside * shape * torch.cos(order * angle))
                    rows.append(inside * shape * torch.sin(order * angle))
    basis, _ = torch.linalg.qr(torch.stack(rows).T)
    return basis.T.contiguous()


def masked(rgb: Any, added: Any) -> Any:
    """Weaken an addition where a picture is flat, shape as given."""
    with torch.no_grad():
        luma = opponent(rgb)[:, :1]
        mask = (0.02 + quiet_contrast(luma)).clamp(max=0.12)
        mask = mask / mask.amax((2, 3), keepdim=True)
    return added * mask


def quiet_contrast(luma: Any) -> Any:
    """Local deviation of luma (N, 1, H, W), as low as in the quietest place nearby, same shape.

    A window that an edge enters has contrast although its place is flat, and error shows
    there. The least over the windows around a place does not rise before the edge does.
    """
    padded = functional.pad(luma, (10,) * 4, mode="reflect")
    mean = functional.avg_pool2d(padded, 7, 1)
    square = functional.avg_pool2d(padded * padded, 7, 1)
    contrast = (square - mean * mean).clamp(min=0).sqrt()
    least = -functional.max_pool2d(-contrast, 9, 1)
    return functional.avg_pool2d(least, 7, 1)


def embed(embedder: Embedder, rgb: Any, message: Any, psnr: float, strength: float = 0.7) -> Any:
    """Mark pictures (N, 3, H, W) in [0, 1] at a peak signal-to-noise ratio in dB or better."""
    added = masked(rgb, embedder(rgb, message, strength))
    size = added.pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    wanted = 10 ** (-psnr / 20)
    # A flat picture has little to raise: it gets at most three times what its own texture gives.
    return (rgb + added * (wanted / (size + 1e-6)).clamp(max=3.0)).clamp(0, 1)
