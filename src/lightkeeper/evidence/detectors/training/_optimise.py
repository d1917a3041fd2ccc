"""The training loop: each draw and each step follows from the seed and its own number alone.

The front of the network is not learned, so its values are kept: one file for each draw of
treatments over all pairs. What is learned then takes a minute.
"""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lightkeeper.evidence.detectors.training._network import Front, Head, Network
from lightkeeper.evidence.detectors.training._treat import treated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.training._pairs import Pair
    from lightkeeper.evidence.detectors.training._recipe import Recipe

CHECKPOINT, CURVE, LEVELS = "checkpoint.pt", "curve.jsonl", "levels"
_RATE, _DECAY = 2e-3, 1e-2
_WARM_UP = 40
_EVERY_SECONDS = 30.0
_EVERY_STEPS = 50


def draw_levels(
    pairs: Sequence[Pair],
    recipe: Recipe,
    out: Path,
    *,
    until: float,
    progress: Callable[[int, int], None],
) -> NDArray[np.float32] | None:
    """What the front sees of every pair under every draw of treatments; kept draws are not redone.

    Parameters
    ----------
    until : float
        Process time, in seconds, after which it stops between two draws.

    Returns
    -------
    float32, shape (draws · pairs, 2, channels, bins), or None
        ``None`` where the time was over before the last draw.
    """
    folder = out / LEVELS
    folder.mkdir(exist_ok=True)
    front = Front()
    drawn = []
    for draw in range(recipe.draws):
        kept = folder / f"{draw:03d}.npy"
        if not kept.exists():
            if time.process_time() >= until:
                return None
            part = kept.with_suffix(".part")
            with part.open("wb") as stream:
                np.save(stream, _levels(front, pairs, [recipe.seed, draw]), allow_pickle=False)
            part.replace(kept)
        drawn.append(np.load(kept, allow_pickle=False))
        progress(draw + 1, recipe.draws)
    return np.concatenate(drawn).astype(np.float32)


def _levels(front: Front, pairs: Sequence[Pair], seed: list[int]) -> NDArray[np.float16]:
    found = []
    with torch.no_grad():
        for number, pair in enumerate(pairs):
            halves = treated(pair.halves(), np.random.default_rng([*seed, number]))
            found.append(front(as_batch(halves)).numpy().astype(np.float16))
    return np.stack(found)


def optimise(
    levels: NDArray[np.float32],
    recipe: Recipe,
    out: Path,
    *,
    until: float,
    progress: Callable[[int, int, float], None],
) -> Network | None:
    """Train from the last checkpoint on, or from the start.

    Parameters
    ----------
    levels : float32, shape (n, 2, channels, bins)
        Photograph and round trip of each drawn pair.
    until : float
        Process time, in seconds, after which it stops with a checkpoint.
    progress : callable
        Called with steps done, steps in all and the mean loss of the last steps.

    Returns
    -------
    Network or None
        ``None`` where the time was over before the last step.
    """
    torch.manual_seed(recipe.seed)
    head = Head()
    optimiser = torch.optim.AdamW(head.parameters(), _RATE, weight_decay=_DECAY)
    step = _restore(out / CHECKPOINT, head, optimiser)
    _forget_after(out / CURVE, step)
    saved = time.process_time()
    losses: list[float] = []
    while step < recipe.steps:
        now = time.process_time()
        if now >= until:
            _save(out / CHECKPOINT, head, optimiser, step)
            return None
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, recipe.steps)
        losses.append(_step(head, optimiser, levels, recipe, step))
        step += 1
        if step % _EVERY_STEPS == 0 or step == recipe.steps:
            _note(out / CURVE, step, losses)
            progress(step, recipe.steps, float(np.mean(losses)))
            losses.clear()
            if now - saved >= _EVERY_SECONDS or step == recipe.steps:
                _save(out / CHECKPOINT, head, optimiser, step)
                saved = now
    network = Network(head)
    network.eval()
    return network


def _step(
    head: Head,
    optimiser: torch.optim.Optimizer,
    levels: NDArray[np.float32],
    recipe: Recipe,
    step: int,
) -> float:
    rng = np.random.default_rng([recipe.seed, step])
    torch.manual_seed(recipe.seed * 1_000_003 + step)
    chosen = levels[rng.integers(len(levels), size=recipe.batch)]
    made = torch.tensor([0.0, 1.0]).repeat(recipe.batch)
    head.train()
    odds = head(torch.from_numpy(chosen).flatten(0, 1))[:, 0]
    loss = functional.binary_cross_entropy_with_logits(odds, made)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def as_batch(pixels: NDArray[np.uint8]) -> Tensor:
    """Pixels of shape (n, H, W, 3) as the network takes them."""
    batch = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2)
    return batch.float().div(255).contiguous(memory_format=torch.channels_last)


def _rate(step: int, steps: int) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return _RATE * (0.01 + 0.99 * cosine) * min(1.0, (step + 1) / _WARM_UP)


def _restore(path: Path, head: Head, optimiser: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    head.load_state_dict(state["head"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def _save(path: Path, head: Head, optimiser: torch.optim.Optimizer, step: int) -> None:
    part = path.with_suffix(".part")
    state = {"head": head.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    torch.save(state, part)
    part.replace(path)


def _note(path: Path, step: int, losses: list[float]) -> None:
    line = {"step": step, "loss": round(float(np.mean(losses)), 6)}
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that a kill has undone; they come again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
