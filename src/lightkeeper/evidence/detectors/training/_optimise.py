"""The training loop: each step follows from the seed and its own number alone."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lightkeeper.evidence.detectors.training._network import Network
from lightkeeper.evidence.detectors.training._treat import treated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightkeeper.evidence.detectors.training._pairs import Pair
    from lightkeeper.evidence.detectors.training._recipe import Recipe

CHECKPOINT, CURVE = "checkpoint.pt", "curve.jsonl"
_RATE, _DECAY = 2e-3, 1e-2
_WARM_UP = 40
_EVERY_SECONDS = 30.0
_EVERY_STEPS = 50


def optimise(
    pairs: Sequence[Pair],
    recipe: Recipe,
    out: Path,
    *,
    minutes: float | None,
    progress: Callable[[int, int, float], None],
) -> Network | None:
    """Train from the last checkpoint on, or from the start.

    Parameters
    ----------
    minutes : float, optional
        CPU minutes after which it stops with a checkpoint.
    progress : callable
        Called with steps done, steps in all and the mean loss of the last steps.

    Returns
    -------
    Network or None
        ``None`` where the time was over before the last step.
    """
    torch.manual_seed(recipe.seed)
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    step = _restore(out / CHECKPOINT, network, optimiser)
    _forget_after(out / CURVE, step)
    started = saved = time.process_time()
    losses: list[float] = []
    while step < recipe.steps:
        now = time.process_time()
        if minutes is not None and now - started >= minutes * 60:
            _save(out / CHECKPOINT, network, optimiser, step)
            return None
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, recipe.steps)
        losses.append(_step(network, optimiser, pairs, recipe, step))
        step += 1
        if step % _EVERY_STEPS == 0 or step == recipe.steps:
            _note(out / CURVE, step, losses)
            progress(step, recipe.steps, float(np.mean(losses)))
            losses.clear()
            if now - saved >= _EVERY_SECONDS or step == recipe.steps:
                _save(out / CHECKPOINT, network, optimiser, step)
                saved = now
    return network.eval()


def _step(
    network: Network,
    optimiser: torch.optim.Optimizer,
    pairs: Sequence[Pair],
    recipe: Recipe,
    step: int,
) -> float:
    rng = np.random.default_rng([recipe.seed, step])
    torch.manual_seed(recipe.seed * 1_000_003 + step)
    chosen = rng.integers(len(pairs), size=recipe.batch)
    pixels = np.concatenate([treated(pairs[int(k)].halves(), rng) for k in chosen])
    made = torch.tensor([0.0, 1.0] * recipe.batch)
    network.train()
    odds = network(as_batch(pixels))[:, 0]
    loss = functional.binary_cross_entropy_with_logits(odds, made)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def as_batch(pixels: np.ndarray) -> Tensor:
    """Pixels of shape (n, H, W, 3) as the network takes them."""
    batch = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
    return batch.float().div(255).contiguous(memory_format=torch.channels_last)


def _rate(step: int, steps: int) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return _RATE * (0.01 + 0.99 * cosine) * min(1.0, (step + 1) / _WARM_UP)


def _restore(path: Path, network: Network, optimiser: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def _save(path: Path, network: Network, optimiser: torch.optim.Optimizer, step: int) -> None:
    part = path.with_suffix(".part")
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
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
