"""The infotext of AUTOMATIC1111 and its kin: prompts in lines, then one line of parameters.

Grammar, as tools of the ecosystem behave::

    infotext   = prompt [ "Negative prompt:" negative ] parameters
    parameters = the last line, where it holds three or more pairs
    pair       = key ":" value ","
    key        = a word character, then one or more of: word character, space, "-", "/"
    value      = a JSON string, a JSON object or array, or everything up to the next comma

Only the last line is authoritative: prompts are free text and may hold lines that look like
parameters. The scanner looks at each character a bounded number of times; the regular expression
in common use is quadratic on long texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._json import json_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEGATIVE = "Negative prompt:"
_TRUNCATED = "[truncated]"
_FEWEST_PAIRS = 3
_TELLING = frozenset({"steps", "sampler", "seed", "cfg scale", "size", "model", "model hash"})
_ESSENTIAL = frozenset({"steps", "sampler", "seed"})

MAX_TEXT = 4 << 20
"""Characters that are scanned; the longest infotext seen in the wild is about 100,000."""
_MAX_PAIRS = 20_000
_MAX_KEY = 80
_MAX_DAMAGED = 32
"""JSON values of one line that may fail to decode: each failure costs a look at the line."""
_MAX_INDENT = 80
_PLAIN_PAIR = re.compile(r" *+(\w[\w /-]{1,79}+):(?! *+[\"\[{])([^,]*+)")
"""A pair whose value is neither quoted nor JSON; possessive, so it never goes back."""
_KEY_CHARACTERS = re.compile(r"[\w /-]*+")
_WHITESPACE = " \t\r\n\0\ufeff"


@dataclass(frozen=True, slots=True)
class Infotext:
    """Prompts and parameters; ``fields`` keeps the tool's keys, values are text or parsed JSON."""

    prompt: str
    negative: str | None
    fields: Mapping[str, object]
    notes: tuple[str, ...] = ()


def parse_infotext(text: str) -> Infotext | None:
    """Read an infotext; ``None`` where the last line is not a generator's parameters.

    Prompts lose the white space around them, as in every tool that reads them, and keep what is
    inside (also a carriage return). Never raises; linear in the length of ``text``.
    """
    notes: list[str] = []
    text = text.strip(_WHITESPACE)
    if len(text) > MAX_TEXT:
        return None
    if text.endswith(_TRUNCATED):
        notes.append("truncated")
        text = text.removesuffix(_TRUNCATED).rstrip(_WHITESPACE + ",")
    start = text.rfind("\n") + 1
    fields = _fields(text, start, notes)
    if not _is_generation(fields):
        return None
    prompt, negative = _split_prompts(text[:start], notes)
    return Infotext(prompt, negative, fields, tuple(notes))


def pairs(line: str, start: int = 0) -> Iterator[tuple[str, object]]:
    """Keys and values of a parameter line from ``start`` on, in order."""
    position = start
    damaged = 0
    for _ in range(_MAX_PAIRS):
        plain = _PLAIN_PAIR.match(line, position)
        if plain:
            yield plain[1].rstrip(), plain[2].strip()
            position = plain.end() + 1
            continue
        colon = line.find(":", position)
        if colon < 0:
            return
        key = _key(line, position, colon)
        if not key:
            position = colon + 1
            continue
        found, start = None, colon + 1
        while line[start : start + 1] == " ":
            start += 1
        if line[start : start + 1] in ('"', "{", "[") and damaged < _MAX_DAMAGED:
            found = _json_value(line, start)
            damaged += found is None
        value, position = found or _up_to_comma(line, start)
        yield key, value


def _fields(text: str, start: int, notes: list[str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs(text, start):
        if key in fields and "duplicate-key" not in notes:
            notes.append("duplicate-key")
        fields[key] = value
    return fields


def _is_generation(fields: Mapping[str, object]) -> bool:
    """A photographer's caption can hold three pairs too: ask for the words of a generator."""
    if len(fields) < _FEWEST_PAIRS:
        return False
    names = {key.lower() for key in fields}
    return not names.isdisjoint(_ESSENTIAL) and len(names & _TELLING) > 1


def _key(line: str, start: int, colon: int) -> str:
    """The longest run of key characters that ends at the colon."""
    segment = line[max(start, colon - _MAX_KEY) : colon]
    segment = segment[segment.rfind(",") + 1 :].rstrip()
    first = len(segment)
    while first and _KEY_CHARACTERS.fullmatch(segment[first - 1]):
        first -= 1
    segment = segment[first:].lstrip(" -/")
    return segment if len(segment) > 1 else ""


def _up_to_comma(line: str, start: int) -> tuple[str, int]:
    comma = line.find(",", start)
    end = len(line) if comma < 0 else comma
    return line[start:end].strip(), end + 1


def _json_value(line: str, start: int) -> tuple[object, int] | None:
    """A JSON value that reaches up to a comma or the end, otherwise ``None``."""
    found = json_at(line, start)
    if found is None:
        return None
    value, end = found
    while line[end : end + 1] in (" ", "\r", "\t"):
        end += 1
    if end < len(line) and line[end] != ",":
        return None
    return value, end + 1


def _split_prompts(text: str, notes: list[str]) -> tuple[str, str | None]:
    """Positive and negative prompt.

    The first ``Negative prompt:`` line divides them. Where a parameter line stands between it and
    a later one, somebody pasted a whole infotext into the prompt: then the last one divides.
    """
    marks = _negative_lines(text)
    if not marks:
        return text.strip(_WHITESPACE), None
    mark = marks[0]
    if len(marks) > 1:
        notes.append("duplicate-negative-prompt")
        if _holds_parameters(text[mark : marks[-1]]):
            notes.append("infotext-inside-prompt")
            mark = marks[-1]
    negative = text[mark:].lstrip(_WHITESPACE).removeprefix(_NEGATIVE)
    return text[:mark].strip(_WHITESPACE), negative.strip(_WHITESPACE)


def _negative_lines(text: str) -> list[int]:
    """Starts of the first and of the last line that begins with the mark."""
    found: list[int] = []
    position = text.find(_NEGATIVE)
    while position >= 0:
        before = max(0, position - _MAX_INDENT)
        line = text.rfind("\n", before, position) + 1 or before
        starts_line = not line or text[line - 1] == "\n"
        if starts_line and not text[line:position].strip():
            found[1:] = [line]
        position = text.find(_NEGATIVE, position + len(_NEGATIVE))
    return found


def _holds_parameters(text: str) -> bool:
    position = text.find("\nSteps:")
    while position >= 0:
        end = text.find("\n", position + 1)
        line = text[position + 1 : end if end >= 0 else len(text)]
        if sum(1 for _ in pairs(line)) >= _FEWEST_PAIRS:
            return True
        position = text.find("\nSteps:", position + 1)
    return False
