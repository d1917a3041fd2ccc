"""A rooting that was stopped goes on where it was."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn


@dataclass(slots=True)
class State:
    """What a rooting knows beside its parameters."""

    psnr: float
    step: int = 0
    spent: float = 0.0
    weight: float = 1.0


def keep(path: Path, decoder: nn.Module, optimizer: Any, signs: Any, state: State) -> None:
    """Write in one step, for the owner alone: it holds the key."""
    draft = path.with_name(path.name + ".draft")
    content = {
        "decoder": decoder.state_dict(), "optimizer": optimizer.state_dict(), "signs": signs,
        "state": asdict(state),
    }  # fmt: skip
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        torch.save(content, stream)
    draft.replace(path)


def resume(path: Path, decoder: nn.Module, optimizer: Any, signs: Any) -> State:
    """Load what :func:`keep` wrote.

    Raises
    ------
    InvalidConfiguration
        It is of another key or decoder, or damaged.
    """
    try:
        held = torch.load(path, weights_only=True)
        if not torch.equal(held["signs"], signs):
            raise ValueError
        decoder.load_state_dict(held["decoder"])
        optimizer.load_state_dict(held["optimizer"])
        return State(**held["state"])
    except Exception:
        # Without its cause: torch's message may repeat what the file holds.
        raise InvalidConfiguration(
            f"{path} is not a checkpoint of this key and decoder", hint="Remove it to begin anew."
        ) from None
