"""Which stages an item goes through, and what they may cost: a file that an operator writes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]


class Trigger(StrEnum):
    """Why an item deserves a costlier look. None of them ever speaks against one."""

    ALWAYS = "always"
    KNOWN_MATERIAL = "known-material"
    USER_REPORT = "user-report"
    CONFLICT = "conflict"
    """What the file says about itself contradicts itself."""
    ROUTING_SIGNAL = "routing-signal"
    SAMPLED = "sampled"
    """Drawn at random, so that what no trigger finds is not missed for ever."""


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of the cascade: an examiner, what it costs and when it runs."""

    name: str
    seconds: _Positive
    """Expected time for one item, until it has been measured."""
    on: tuple[Trigger, ...] = (Trigger.ALWAYS,)
    after: str = ""
    """An earlier stage whose score decides, beside the triggers."""
    at_least: float = 0.0
    """Score of that stage from which this one runs."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds of computing; what does not fit is left out, and said so."""

    seconds_per_item: _Positive = 60.0


class CascadePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stages of a deployment, cheapest first."""

    stage: tuple[Stage, ...]
    budget: Budget = Budget()
    sampling_rate: _Share = 0.0
    routing_at: float = 0.5
    """Score of a routing signal from which it triggers."""

    @classmethod
    def from_toml(cls, path: Path) -> CascadePolicy:
        """Read and check a policy.

        Raises
        ------
        InvalidConfiguration
            It cannot be read, has an unknown key or a wrong value, or names a stage that does
            not come earlier.
        """
        where = f"cascade policy {path}"
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidConfiguration(f"{where}: {error}") from error
        return cls.from_table(document, where=where)

    @classmethod
    def from_table(cls, table: object, *, where: str) -> CascadePolicy:
        """Check a table of a TOML file; ``where`` begins every complaint.

        Raises
        ------
        InvalidConfiguration
        """
        try:
            policy = msgspec.convert(table, cls)
        except msgspec.ValidationError as error:
            raise InvalidConfiguration(f"{where}: {error}") from error
        if wrong := _wrong(policy):
            raise InvalidConfiguration(f"{where}: {wrong}")
        return policy


def _wrong(policy: CascadePolicy) -> str | None:
    if not policy.stage:
        return "it has no stage"
    names: set[str] = set()
    for stage in policy.stage:
        if stage.name in names:
            return f"the stage {stage.name} stands there twice"
        if stage.after and stage.after not in names:
            return f"{stage.name} waits for {stage.after}, which does not come before it"
        names.add(stage.name)
    return None


@dataclass(frozen=True, slots=True)
class Omission:
    """A stage that does not run, and why (one sentence)."""

    stage: str
    reason: str
    for_the_hour: bool = False
    """Only because the hour's budget is spent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes next for one item."""

    next: Stage | None
    because: tuple[str, ...]
    """Triggers, and ``score of`` an earlier stage."""
    omitted: tuple[Omission, ...]
