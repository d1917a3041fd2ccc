"""How a plug-in can fail, in words that a program can tell apart."""

from __future__ import annotations

from enum import StrEnum

from lightkeeper.errors import EvidenceError


class FailureKind(StrEnum):
    """What happened to a plug-in."""

    UNAVAILABLE = "unavailable"
    """Its weights, or the framework that runs them, are not there."""
    REFUSED = "refused"
    """A file is not the one that the manifest pins, or does not fit the manifest."""
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out-of-memory"
    BAD_ANSWER = "bad-answer"
    """Not a finite number, too long, or no answer at all."""
    ERROR = "error"
    """It said itself that it could not score this picture."""
    GIVEN_UP = "given-up"
    """It failed on several pictures in a row and is not started again."""


class PluginFailure(EvidenceError):
    """A plug-in could not score a picture; the scan goes on without it."""

    def __init__(self, kind: FailureKind, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind

    @property
    def code(self) -> str:
        """``plugin-`` and the kind."""
        return f"plugin-{self.kind}"
