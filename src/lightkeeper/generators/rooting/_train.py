"""Train an embedder and an extractor together, on one core, within a budget of time."""

from __future__ import annotations

import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from lightkeeper.generators.rooting._distort import distort
from lightkeeper.generators.rooting._embedder import Embedder, embed
from lightkeeper.generators.rooting._extractor import Extractor
from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._spectrum import BITS

_RATE = 1.5e-3
_SAVE_EVERY = 180.0
_LOG_EVERY = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How an extractor is trained.

    Parameters
    ----------
    seconds : float
        Processor time in all, over every continuation.
    seed : int
        Draws the secret codes. Whoever knows it knows where the mark lives.
    drawn : int
        Drawn textures beside the photographs.
    batch, side : int
        Pictures per step, and their side in pixels.
    psnr : tuple of float
        Strength of the mark at the start and from three fifths on, in dB.
    """

    seconds: float
    seed: int
    drawn: int = 240
    batch: int = 12
    side: int = 256
    psnr: tuple[float, float] = (29.0, 32.5)


class Crops:
    """Random square crops of pictures, half of them mirrored."""

    def __init__(self, pictures: list[Any]) -> None:
        self._pictures = pictures

    def draw(self, count: int, side: int) -> Any:
        """Float tensor, shape (count, 3, side, side), in [0, 1]."""
        chosen = []
        for _ in range(count):
            picture = random.choice(self._pictures)
            top = random.randint(0, picture.shape[0] - side)
            left = random.randint(0, picture.shape[1] - side)
            cut = picture[top : top + side, left : left + side]
            chosen.append(cut[:, ::-1] if random.random() < 0.5 else cut)
        return torch.from_numpy(np.stack(chosen)).permute(0, 3, 1, 2).float() / 255


def begin(plan: TrainingPlan, crops: Crops, *, width: int = 96) -> tuple[Embedder, Extractor]:
    """Both nets as linear algebra gives them: above .9 of bits before any training.

    The extractor starts as the best linear reader of the embedder's codes, given how the log
    power of unmarked tiles varies.
    """
    torch.manual_seed(plan.seed)
    random.seed(plan.seed)
    embedder, extractor = Embedder(plan.seed), Extractor(width)
    with torch.no_grad():
        rows = []
        for _ in range(40):
            tiles, _, _ = extractor.tiles(crops.draw(8, plan.side))
            rows.append(extractor.power(tiles)[0])
        power = torch.cat(rows)
        extractor.centre.copy_(power.mean(0))
        extractor.spread.copy_(power.std(0))
        normal = ((power - extractor.centre) / extractor.spread).clamp(-4, 4)
        variance = normal.T @ normal / len(normal) + 0.1 * torch.eye(normal.shape[1])
        reader = torch.linalg.solve(variance, (embedder.codes / extractor.spread).T).T
        extractor.readout.weight.copy_(reader / reader.norm(dim=1, keepdim=True) * 2)
    return embedder, extractor


def train(plan: TrainingPlan, folder: Path) -> tuple[Embedder, Extractor]:
    """Train, or go on from the last checkpoint in ``folder``.

    The folder holds ``training.jsonl`` (the curve) and ``checkpoint.pt``; both are secret with
    the extractor.
    """
    folder.mkdir(parents=True, exist_ok=True)
    crops = Crops(training_pictures(plan.drawn))
    embedder, extractor = begin(plan, crops)
    learnt = [p for p in (*extractor.parameters(), *embedder.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, _RATE, betas=(0.9, 0.98), weight_decay=1e-4)
    checkpoint = folder / "checkpoint.pt"
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        embedder.load_state_dict(state["embedder"])
        extractor.load_state_dict(state["extractor"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
        random.seed(plan.seed + step)
        torch.manual_seed(plan.seed + step)
    began = time.process_time() - spent
    saved = spent
    running: dict[str, float] = {}
    with (folder / "training.jsonl").open("a", encoding="utf-8") as log:
        while True:
            spent = time.process_time() - began
            progress = min(1.0, spent / plan.seconds)
            if progress >= 1 or spent - saved > _SAVE_EVERY:
                _save(checkpoint, embedder, extractor, optimizer, step, spent)
                saved = spent
            if progress >= 1:
                return embedder, extractor
            seen = _step(plan, progress, step, crops, embedder, extractor, optimizer)
            step += 1
            for name, value in seen.items():
                running[name] = 0.95 * running.get(name, value) + 0.05 * value
            if step % _LOG_EVERY == 0:
                row = {"step": step, "seconds": round(spent, 1)}
                log.write(json.dumps(row | {k: round(v, 4) for k, v in running.items()}) + "\n")
                log.flush()


def _step(
    plan: TrainingPlan,
    progress: float,
    step: int,
    crops: Crops,
    embedder: Embedder,
    extractor: Extractor,
    optimizer: Any,
) -> dict[str, float]:
    severity = min(1.0, 0.25 + progress / 0.2)
    low, high = plan.psnr
    psnr = low + (high - low) * min(1.0, progress / 0.6) + random.uniform(-1.5, 1.5)
    for group in optimizer.param_groups:
        warm = min(1.0, (step + 1) / 50)
        group["lr"] = _RATE * warm * (0.51 + 0.49 * math.cos(math.pi * progress))
    rgb = crops.draw(plan.batch, plan.side)
    message = torch.randint(0, 2, (plan.batch, BITS)).float()
    marked = embed(embedder, rgb, message, psnr)
    loss = rgb.new_zeros(())
    right = 0.0
    halves = 2
    each = plan.batch // halves
    for half in range(halves):
        part = slice(half * each, (half + 1) * each)
        seen = distort(marked[part], severity, rgb[part].flip(0))
        logits = extractor.pooled(seen)
        loss = loss + functional.binary_cross_entropy_with_logits(logits, message[part]) / halves
        right += float(((logits > 0) == (message[part] > 0.5)).float().mean()) / halves
    # Unmarked pictures should say nothing: large logits there are what a false mark is made of.
    quiet = extractor.pooled(rgb[: max(2, plan.batch // 4)])
    total = loss + 0.02 * quiet.pow(2).mean()
    optimizer.zero_grad()
    total.backward()
    torch.nn.utils.clip_grad_norm_([*extractor.parameters(), *embedder.parameters()], 1.0)
    optimizer.step()
    return {
        "loss": float(loss.detach()),
        "bits": right,
        "severity": severity,
        "psnr": psnr,
        "quiet": float(quiet.detach().pow(2).mean()),
    }


def _save(
    path: Path, embedder: Embedder, extractor: Extractor, optimizer: Any, step: int, spent: float
) -> None:
    state = {
        "embedder": embedder.state_dict(),
        "extractor": extractor.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "spent": spent,
    }
    draft = path.with_suffix(".part")
    torch.save(state, draft)
    draft.replace(path)
