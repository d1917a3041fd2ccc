"""Run examiners over one medium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lightkeeper.errors import LightkeeperError
from lightkeeper.evidence._finding import NotExamined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence._finding import Examiner, Finding, Tier
    from lightkeeper.media import Media


@runtime_checkable
class Searches(Protocol):
    """An examiner that goes on where a cheaper one of the same thing stopped.

    Where it does not look, a row must say what was left: else that one's silence reads as "none".
    """

    @property
    def looks_for(self) -> str:
        """What only it finds, in words that follow "It looks for"; empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An examiner that looked and could not finish; ``code`` is that of the error."""

    examiner: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was seen in one medium, and all that was not."""

    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    not_examined: tuple[NotExamined, ...]


def examine(media: Media, examiners: Iterable[Examiner], *, tier: Tier) -> Examination:
    """Let each examiner of at most this tier look at one medium, cheapest first.

    The medium keeps what it has decoded, so all examiners share one decode. An examiner that
    fails is recorded and stops no other; one that cannot run here, is above the tier, or gives up
    on this medium with a reason, is listed as not examined.
    """
    findings: list[Finding] = []
    failures: list[Failure] = []
    skipped: list[NotExamined] = []
    for examiner in sorted(examiners, key=lambda e: e.tier):
        reason = _reason_to_skip(examiner, tier)
        if reason:
            skipped.append(NotExamined(examiner.name, reason))
            continue
        try:
            seen = tuple(examiner.examine(media))
        except Exception as error:
            failures.append(_failure(examiner, error))
            continue
        for each in seen:
            if isinstance(each, NotExamined):
                skipped.append(each)
            else:
                findings.append(each)
    return Examination(tuple(findings), tuple(failures), tuple(skipped))


def _reason_to_skip(examiner: Examiner, tier: Tier) -> str | None:
    if examiner.tier > tier:
        needed, reached = examiner.tier.name.lower(), tier.name.lower()
        if isinstance(examiner, Searches) and examiner.looks_for:
            return (
                f"It looks for {examiner.looks_for}; it belongs to the tier {needed}, and the scan "
                f"stopped at {reached}."
            )
        return f"It belongs to the tier {needed}; the scan stopped at {reached}."
    return examiner.unavailable()


def _failure(examiner: Examiner, error: Exception) -> Failure:
    if isinstance(error, LightkeeperError):
        return Failure(examiner.name, error.code, str(error))
    if isinstance(error, MemoryError):
        return Failure(examiner.name, "out-of-memory", "The memory limit of the worker was met.")
    return Failure(examiner.name, "internal-error", f"{type(error).__name__}: {error}")
