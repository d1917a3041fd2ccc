"""Exit codes of every command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status means."""

    OK = 0
    """Done."""
    MATCHED = 1
    """Done, and the condition of ``--fail-on`` was met."""
    USAGE = 2
    """The call was wrong; nothing was done."""
    PARTIAL = 3
    """Done, but some files could not be examined; their rows carry ``error``."""
    FAILED = 4
    """Could not run: configuration, a missing extra, an output that cannot be written."""
    ALTERED = 5
    """Done, and what should never change was altered, or is missing."""
    PERSON_NEEDED = 6
    """Done, and something stands still until a person acts."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; what was finished is kept."""
