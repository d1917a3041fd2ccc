"""Run examiners over one medium."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotExamined:
    """An examiner that did not look, and why (one sentence)."""

    examiner: str
    reason: str
