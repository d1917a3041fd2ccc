"""Hashes that a command line names, as keys of entries."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lightkeeper.errors import MatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Hashes = Annotated[
    list[str],
    typer.Argument(metavar="HASH...", help="HASH or KIND:HASH; '-' reads them, one per line."),
]

_KINDS: Final = {32: ("md5",), 40: ("sha1",), 64: ("pdq", "sha256")}
"""64 digits may be either; a set that holds both under one value holds a forgery."""


def keys_of(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Keys of ``HASH`` or ``KIND:HASH``; ``-`` reads them from standard input, one per line.

    Raises
    ------
    MatchError
        A text is neither; it is told by its place, never printed.
    """
    keys: list[tuple[str, str]] = []
    for place, text in enumerate(_all(texts), start=1):
        keys += _keys(text.strip(), place)
    return keys


def _all(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if text == "-":
            yield from (line for line in sys.stdin if line.strip())
        else:
            yield text


def _keys(text: str, place: int) -> list[tuple[str, str]]:
    kind, colon, value = text.partition(":")
    if colon and kind and value:
        kind = kind.lower()
        hexadecimal = any(kind in kinds for kinds in _KINDS.values())
        return [(kind, value.lower() if hexadecimal else value)]
    kinds = _KINDS.get(len(text), ())
    lower = text.lower()
    if not kinds or lower.strip("0123456789abcdef"):
        raise MatchError(
            f"the hash in place {place} is not of a known kind",
            hint="write KIND:HASH for opaque kinds, such as photodna:…",
        )
    return [(kind, lower) for kind in kinds]
