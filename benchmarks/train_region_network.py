"""Train a small U-Net that points at filled regions, and export it.

    python benchmarks/train_region_network.py --out build/regions --cpu-minutes 13

It sees drawn textures and the photographs of scikit-image only, so that its weights may ship if
they earn it (``bench_region_fills.py`` decides). Fills: blurred, resampled, layer by layer,
membrane, and round trips through the two tiny autoencoders under ``tests/data``. A run that is
stopped continues from its last checkpoint.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
from lightkeeper.testing import photo_like
from region_fills import TRAINED, compressed, random_fill, random_mask
from train_autoencoders import coloured_noise, dead_leaves, halve, photographs

SIDE, BATCH = 128, 12
AUTOENCODERS = Path(__file__).parents[1] / "tests" / "data" / "autoencoders"
WIDTHS = (24, 40, 64, 80)


class Residuals(nn.Module):
    """What is left of a picture after a 2x2 mean and after a second difference."""

    def __init__(self) -> None:
        super().__init__()
        kernel = torch.tensor([[-1.0, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
        self.register_buffer("kernel", kernel.repeat(3, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        coarse = functional.interpolate(functional.avg_pool2d(x, 2), scale_factor=2.0)
        second = functional.conv2d(x, self.kernel, padding=1, groups=3)
        return torch.cat([x - coarse, second], 1).clamp(-0.1, 0.1) * 10


def convolution(before: int, after: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class RegionNetwork(nn.Module):
    """RGB in 0..1, sides multiples of 16, to logits at a quarter of the sides."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.residuals = Residuals()
        self.first = convolution(6, a, 5, 2)
        self.second = nn.Sequential(convolution(a, b, 3, 2), convolution(b, b, 3, 1))
        self.third = nn.Sequential(convolution(b, c, 3, 2), convolution(c, c, 3, 1))
        self.fourth = nn.Sequential(convolution(c, d, 3, 2), convolution(d, d, 3, 1))
        self.up_third = convolution(d + c, c, 3, 1)
        self.up_second = convolution(c + b, b, 3, 1)
        self.out = nn.Conv2d(b, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        second = self.second(self.first(self.residuals(x)))
        third = self.third(second)
        fourth = self.fourth(third)
        up = self.up_third(torch.cat([functional.interpolate(fourth, scale_factor=2.0), third], 1))
        up = self.up_second(torch.cat([functional.interpolate(up, scale_factor=2.0), second], 1))
        return self.out(up)


class Pictures:
    """Crops, filled and encoded, with their masks."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        drawn = [draw(rng, 256) for draw in (dead_leaves, coloured_noise) for _ in range(20)]
        drawn += [photo_like(seed, width=320, height=320) for seed in range(40)]
        self.pictures = (photographs(), drawn)
        names = ("nearest8", "transposed8")
        self.decoders = [read_autoencoder(AUTOENCODERS / name).autoencoder for name in names]

    def sample(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        source = self.pictures[int(rng.random() < 0.4)]
        rgb = self._crop(source[int(rng.integers(len(source)))], rng)
        mask = random_mask(rng, SIDE)
        if rng.random() < 0.2:
            filled, mask = rgb, np.zeros_like(mask)
        else:
            kind = TRAINED[int(rng.integers(len(TRAINED)))]
            decoder = self.decoders[int(rng.integers(len(self.decoders)))]
            filled = random_fill(kind, rgb, mask, rng, reconstruct=decoder.reconstruct)
        if rng.random() < 0.6:
            filled = compressed(filled, int(rng.integers(60, 99)), int(rng.choice([0, 2])))
        return filled, mask

    def _crop(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        # Photographs come in every sharpness: blur alone must not be what is learnt.
        extent = int(SIDE * rng.choice([1.0, 1.0, 1.3, 1.7]))
        extent = min(extent, *picture.shape[:2])
        y, x = (int(rng.integers(side - extent + 1)) for side in picture.shape[:2])
        crop = np.rot90(picture[y : y + extent, x : x + extent], int(rng.integers(4)))
        if extent != SIDE:
            from PIL import Image

            resized = Image.fromarray(np.ascontiguousarray(crop)).resize((SIDE, SIDE))
            crop = np.asarray(resized)
        if rng.random() < 0.3:
            crop = compressed(np.ascontiguousarray(crop), int(rng.integers(80, 99)))
        noise = rng.normal(0, rng.choice([0.0, 0.0, 1.5, 3.0]), crop.shape)
        return np.ascontiguousarray((crop + noise).round().clip(0, 255).astype(np.uint8))


def loss_of(logits: Tensor, mask: Tensor) -> Tensor:
    chance = torch.sigmoid(logits)
    overlap = 2 * (chance * mask).sum((1, 2, 3)) + 10
    dice = overlap / (chance.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 10)
    weight = torch.tensor(2.0)
    cross = functional.binary_cross_entropy_with_logits(logits, mask, pos_weight=weight)
    return cross + 0.5 * (1 - dice.mean())


def train(folder: Path, cpu_seconds: float) -> RegionNetwork:
    torch.manual_seed(3)
    torch.set_num_threads(1)
    pictures, rng = Pictures(), np.random.default_rng(3)
    network = RegionNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-2)
    pool: list[tuple[np.ndarray, np.ndarray]] = []
    path, step, before, losses = folder / "network.pt", 0, 0.0, []
    if path.exists():
        state = torch.load(path, weights_only=True)
        network.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, before = int(state["step"]), float(state["spent"])
        rng = np.random.default_rng(step)
    start = time.process_time() - before
    while (spent := time.process_time() - start) < cpu_seconds:
        # Fills cost nearly as much as steps: each crop is seen about three times.
        pool += [pictures.sample(rng) for _ in range(4 if pool else 60)]
        pool = pool[-3000:]
        chosen = [pool[int(k)] for k in rng.integers(len(pool), size=BATCH)]
        x, y = (np.stack(each) for each in zip(*chosen, strict=True))
        if rng.random() < 0.5:
            x, y = x[:, :, ::-1], y[:, :, ::-1]
        batch = torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2).float() / 255
        target = torch.from_numpy(np.ascontiguousarray(y))[:, None].float()
        rate = 0.01 + 0.495 * (1 + math.cos(math.pi * spent / cpu_seconds))
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * rate * min(1.0, (step + 1) / 40)
        batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(batch)
        loss = loss_of(logits.float(), functional.avg_pool2d(target, 4))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        step += 1
        if step % 50 == 0:
            print(f"step {step} {spent:.0f} s loss {np.mean(losses[-50:]):.3f}", flush=True)
            keep(path, network, optimiser, step, spent)
    keep(path, network, optimiser, step, spent)
    return network.eval()


def keep(
    path: Path, network: RegionNetwork, optimiser: torch.optim.Optimizer, step: int, spent: float
) -> None:
    state = {"model": network.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state | {"step": step, "spent": spent}, path)


def export(network: RegionNetwork, path: Path) -> None:
    axes = {0: "n", 2: "h", 3: "w"}
    torch.onnx.export(
        network.to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
        (torch.zeros(1, 3, 64, 64),), str(path), dynamo=False, opset_version=17,
        input_names=["rgb"], output_names=["logits"], dynamic_axes={"rgb": axes, "logits": axes},
    )  # fmt: skip
    halve(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cpu-minutes", type=float, default=13.0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    network = train(arguments.out, arguments.cpu_minutes * 60)
    export(network, arguments.out / "regions.onnx")


if __name__ == "__main__":
    main()
