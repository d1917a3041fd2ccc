"""Train five tiny autoencoders that differ in how their decoder enlarges, and export each.

They stand in for the autoencoders of latent diffusion models wherever a test or a benchmark needs
one that may be shipped: they have seen drawn textures and the photographs of scikit-image only.

    python benchmarks/train_autoencoders.py --out build/autoencoders --cpu-minutes 6

Resumable: a run that is stopped continues from its last checkpoint. Needs torch and
scikit-image; nothing of Lightkeeper imports this file.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

KINDS: dict[str, tuple[str, int, int, int]] = {
    # How the decoder enlarges, pixels per latent cell, channels of the latent, width divided by.
    "nearest8": ("nearest", 8, 48, 1),
    "transposed8": ("transposed", 8, 48, 1),
    "bilinear8": ("bilinear", 8, 48, 2),
    "nearest4": ("nearest", 4, 12, 2),
    "shuffle8": ("shuffle", 8, 48, 2),
}
PHOTOGRAPHS = (
    "astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "camera", "brick", "grass",
    "gravel", "coins", "moon", "cat", "immunohistochemistry",
)  # fmt: skip
CROP = 64
BATCH = 12
CHECKPOINT_EVERY_SECONDS = 45.0


class Up(nn.Module):
    def __init__(self, kind: str, before: int, after: int) -> None:
        super().__init__()
        self.kind = kind
        self.layer: nn.Module = nn.Conv2d(before, after, 3, 1, 1)
        if kind == "transposed":
            self.layer = nn.ConvTranspose2d(before, after, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "nearest":
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
        elif self.kind == "bilinear":
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return self.layer(x)


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class Encoder(nn.Module):
    def __init__(self, grid: int, latent: int, thin: int) -> None:
        super().__init__()
        few, some, many = 24 // thin, 48 // thin, 64 // thin
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, few, 3, 1, 1), nn.ReLU()]
        layers += [nn.Conv2d(few, some, 4, 2, 1), Residual(some)]
        if grid == 8:
            layers += [nn.ReLU(), nn.Conv2d(some, many, 4, 2, 1), nn.ReLU()]
            layers += [nn.Conv2d(many, many, 3, 1, 1)]
        layers += [nn.ReLU(), nn.Conv2d(many if grid == 8 else some, latent, 3, 1, 1)]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.body(x - 0.5) / 3) * 3


class Decoder(nn.Module):
    def __init__(self, kind: str, grid: int, latent: int, thin: int) -> None:
        super().__init__()
        few, some, many = 24 // thin, 48 // thin, 64 // thin
        width = many if grid == 8 else some
        layers: list[nn.Module] = [nn.Conv2d(latent, width, 3, 1, 1), Residual(width), nn.ReLU()]
        if kind == "shuffle":  # in one step, from the latent's cells to pixels
            layers += [Residual(width), nn.ReLU(), nn.Conv2d(width, few // 3 * grid**2, 1)]
            layers += [nn.PixelShuffle(grid), nn.ReLU(), nn.Conv2d(few // 3, 3, 3, 1, 1)]
        else:
            if grid == 8:
                layers += [Up(kind, many, some), Residual(some), nn.ReLU()]
            layers += [Up(kind, some, few), nn.ReLU(), Up(kind, few, 12), nn.ReLU()]
            layers += [nn.Conv2d(12, 3, 3, 1, 1)]
        self.body = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z) + 0.5


class Autoencoder(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        kind, grid, latent, thin = KINDS[name]
        self.encoder = Encoder(grid, latent, thin)
        self.decoder = Decoder(kind, grid, latent, thin)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def coloured_noise(rng: np.random.Generator, side: int) -> np.ndarray:
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    amplitude = 1 / np.maximum(np.hypot(fy, fx), 1 / side) ** rng.uniform(0.6, 1.8)
    planes = []
    for _ in range(3):
        phase = rng.normal(size=amplitude.shape) + 1j * rng.normal(size=amplitude.shape)
        plane = np.fft.irfft2(amplitude * phase, s=(side, side))
        planes.append(plane / plane.std())
    mix = rng.normal(size=(3, 3)) * 0.4 + np.eye(3)
    picture = np.tensordot(np.stack(planes, -1), mix, 1) * rng.uniform(8, 45)
    return np.clip(picture + rng.uniform(60, 190, 3), 0, 255).astype(np.uint8)


def dead_leaves(rng: np.random.Generator, side: int) -> np.ndarray:
    picture = coloured_noise(rng, side)
    yy, xx = np.mgrid[:side, :side]
    for _ in range(220):
        radius = min(side / 3, 3 / rng.uniform(0.02, 1) ** 0.9)
        y, x = rng.uniform(0, side, 2)
        angle = rng.uniform(0, np.pi)
        u = (xx - x) * np.cos(angle) + (yy - y) * np.sin(angle)
        v = (yy - y) * np.cos(angle) - (xx - x) * np.sin(angle)
        squash = rng.uniform(0.3, 1)
        inside = u**2 + (v / squash) ** 2 < radius**2
        if rng.random() < 0.4:
            inside = np.maximum(abs(u), abs(v) / squash) < radius
        colour = rng.uniform(0, 255, 3)
        grain = rng.normal(0, rng.uniform(0, 14), (int(inside.sum()), 1))
        stripes = rng.uniform(0, 25) * np.sin(u[inside] * rng.uniform(0.2, 2.5))[:, None]
        picture[inside] = np.clip(colour + grain + stripes, 0, 255)
    return picture


def photographs() -> list[np.ndarray]:
    from skimage import data

    found = []
    for name in PHOTOGRAPHS:
        try:
            picture = np.asarray(getattr(data, name)())
        except Exception as reason:  # not every file comes with the package
            print("without", name, type(reason).__name__)
            continue
        found.append(np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture[..., :3])
    return found


def corpus(path: Path) -> list[np.ndarray]:
    if not path.exists():
        rng = np.random.default_rng(7)
        drawn = [draw(rng, 256) for draw in (dead_leaves, coloured_noise) for _ in range(40)]
        np.savez_compressed(path, *drawn)
    with np.load(path) as stored:
        drawn = [stored[name] for name in stored.files]
    photos = photographs()
    return drawn + photos * max(1, len(drawn) // max(1, len(photos)))


def batch(rng: np.random.Generator, pictures: list[np.ndarray]) -> Tensor:
    crops = []
    for k in rng.integers(len(pictures), size=BATCH):
        height, width = pictures[k].shape[:2]
        y, x = rng.integers(height - CROP + 1), rng.integers(width - CROP + 1)
        crop = pictures[k][y : y + CROP, x : x + CROP]
        crop = np.rot90(crop, rng.integers(4))
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    return torch.from_numpy(np.stack(crops).astype(np.float32) / 255).permute(0, 3, 1, 2)


def local_energy(x: Tensor) -> Tensor:
    fine = x - functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return (functional.avg_pool2d(fine.pow(2), 8) + 1e-5).sqrt()


def gradients(x: Tensor) -> Tensor:
    return torch.cat(
        [(x[..., 1:] - x[..., :-1]).flatten(), (x[..., 1:, :] - x[..., :-1, :]).flatten()]
    )


def loss_of(x: Tensor, y: Tensor, progress: float) -> Tensor:
    # Squared or absolute error alone gives decoders too smooth to stand in for real ones.
    energy = functional.l1_loss(local_energy(y), local_energy(x))
    return (
        4 * functional.mse_loss(y, x)
        + functional.l1_loss(y, x)
        + functional.l1_loss(gradients(y), gradients(x))
        + min(1.0, progress * 2) * 6 * energy
    )


def train(name: str, folder: Path, cpu_seconds: float) -> Autoencoder:
    torch.manual_seed(sum(map(ord, name)))
    rng = np.random.default_rng(1)
    pictures = corpus(folder / "drawn.npz")
    model = Autoencoder(name).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    path = folder / f"{name}.checkpoint.pt"
    spent, step = 0.0, 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        spent, step = float(state["spent"]), int(state["step"])
        rng = np.random.default_rng(step)
    start = saved = time.process_time() - spent
    while (spent := time.process_time() - start) < cpu_seconds:
        progress = spent / cpu_seconds
        for group in optimiser.param_groups:
            warm = min(1.0, (step + 1) / 40)
            group["lr"] = 3e-3 * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        x = batch(rng, pictures).contiguous(memory_format=torch.channels_last)
        loss = loss_of(x, model(x), progress)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if time.process_time() - saved > CHECKPOINT_EVERY_SECONDS:
            saved = time.process_time()
            torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(),
                        "spent": spent, "step": step}, path)  # fmt: skip
            print(f"{name} step {step} {spent:.0f} s loss {loss.item():.4f}", flush=True)
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(),
                "spent": spent, "step": step}, path)  # fmt: skip
    return model.eval()


def measure(model: Autoencoder, pictures: list[np.ndarray]) -> dict[str, float]:
    rng = np.random.default_rng(99)
    with torch.no_grad():
        x = batch(rng, pictures)
        y = model(x).clamp(0, 1)
    fine = lambda u: (u - functional.avg_pool2d(u, 3, 1, 1)).pow(2).mean((1, 2, 3))  # noqa: E731
    return {
        "psnr": float(-10 * torch.log10(functional.mse_loss(y, x))),
        "fine_energy": float((fine(y) / fine(x)).median()),
    }


def export(name: str, model: Autoencoder, folder: Path) -> None:
    target = folder / name
    target.mkdir(exist_ok=True)
    kind, grid, latent, _ = KINDS[name]
    x = torch.zeros(2, 3, 64, 64)
    z = torch.zeros(2, latent, 64 // grid, 64 // grid)
    axes = {0: "n", 2: "h", 3: "w"}
    for part, example in (("encoder", x), ("decoder", z)):
        torch.onnx.export(
            getattr(model, part), (example,), str(target / f"{part}.onnx"), dynamo=False,
            input_names=["input"], output_names=["output"], opset_version=17,
            dynamic_axes={"input": axes, "output": axes},
        )  # fmt: skip
        halve(target / f"{part}.onnx")
    (target / "autoencoder.toml").write_text(
        f'name = "{name}"\nlicence = "Apache-2.0"\ngrid = {grid}\n'
        'encoder = "encoder.onnx"\ndecoder = "decoder.onnx"\nrange = "0..1"\n'
        # These two leave no lattice of phases modulo four.
        + ("lattice = false\n" if kind in ("bilinear", "shuffle") else "")
    )


def halve(path: Path) -> None:
    """Keep the weights as float16 and compute in float32: half the size, no other runtime."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        name, array = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for place, node in enumerate(casts):
        model.graph.node.insert(place, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cpu-minutes", type=float, default=6.0)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.kinds:
        model = train(name, arguments.out, arguments.cpu_minutes * 60).to(
            memory_format=torch.contiguous_format  # type: ignore[call-overload]
        )
        report = measure(model, corpus(arguments.out / "drawn.npz"))
        print(name, json.dumps(report), flush=True)
        export(name, model, arguments.out)


if __name__ == "__main__":
    main()
