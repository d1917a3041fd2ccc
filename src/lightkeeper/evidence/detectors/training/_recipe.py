"""What decides a training run, and the proof that a resumed one is the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lightkeeper.evidence.detectors.training._pairs import Picture

SETUP = "setup.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and on what a network is trained; equal recipes and pictures give equal weights.

    That holds for one machine, one version of torch and one number of threads.
    """

    seed: int = 0
    draws: int = 24
    """Treatments of each pair: re-encoding, resizing, spectrum."""
    steps: int = 2000
    batch: int = 48
    """Pairs in a step."""
    views: int = 2
    """Pairs made of each training picture: one at its own scale, the others reduced."""
    drawings: int = 120
    """Pairs made of drawn pictures, so that what no camera took tells nothing."""


def keep_setup(
    out: Path,
    settings: Mapping[str, object],
    training: Iterable[Picture],
    held_out: Iterable[Picture],
) -> None:
    """Write down what is being trained, or check that it is what a resumed run began with.

    Parameters
    ----------
    settings : mapping
        What decides the run beside its pictures, by name, as JSON takes it.

    Raises
    ------
    InvalidConfiguration
        The run was begun with something else; the message names it.
    """
    setup = {**settings, "training": _digest(training), "held_out": _digest(held_out)}
    file = out / SETUP
    if not file.exists():
        file.write_bytes(msgspec.json.format(msgspec.json.encode(setup)))
        return
    try:
        begun = msgspec.json.decode(file.read_bytes(), type=dict[str, object])
    except msgspec.DecodeError as error:
        raise InvalidConfiguration(
            f"{file} is not what a run has left: {error}", hint="train into another folder"
        ) from error
    changed = [key for key, value in setup.items() if begun.get(key) != value]
    if changed:
        raise InvalidConfiguration(
            f"{out} was begun with another {' and another '.join(changed)}",
            hint="resume with what it was begun with, or train into another folder",
        )


def _digest(pictures: Iterable[Picture]) -> str:
    lines = sorted(f"{picture.digest} {picture.source}\n" for picture in pictures)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
