"""Text of strangers within our own: quoted, so that it can pass for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LONGEST_QUOTE: Final = 20_000
_LONGEST_FACT: Final = 1000


def quoted(text: str, *, longest: int = LONGEST_QUOTE) -> str:
    """Each line behind ``> ``; cut where it is long, with its full length.

    No line of it can begin as a block of evidence does, whatever somebody wrote.
    """
    lines = [f"> {line}" for line in text[:longest].splitlines() or [""]]
    if len(text) > longest:
        lines.append(f"[cut here: the text has {len(text):,} characters]")
    return "\n".join(lines)


def facts_said(facts: Mapping[str, str]) -> str | None:
    """Facts that have no field of their own."""
    if not facts:
        return None
    lines = [f"{key}: {value}" for key, value in sorted(facts.items())]
    return "The source says:\n" + "\n".join(quoted(line, longest=_LONGEST_FACT) for line in lines)
