"""What may not enter a set: junk and poison. A reason is a code, for reject files and reports."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import MatchError
from lightkeeper.matching._columns import EntryColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from lightkeeper.matching._entry import Entry
    from lightkeeper.matching._ports import HourlyCount
    from lightkeeper.matching._set import HashSet

HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "pdq": 64}
"""Kinds whose values are hexadecimal, and how many digits they have."""

RESERVED_NAMES = frozenset({"all", "any", "none"})
"""Words that a filter by sets understands, or that a person may take for such a word."""

_MOST_OPAQUE = 100_000
"""Characters; the longest opaque kind in use, a video's TMK+PDQF, travels by reference."""


class Objection(StrEnum):
    """Why an entry may not enter a set."""

    EMPTY_VALUE = "empty-value"
    TOO_LONG = "too-long"
    WRONG_LENGTH = "wrong-length"
    NOT_HEXADECIMAL = "not-hexadecimal"
    NOT_128_ONES = "not-128-ones"
    REGULAR = "regular-pattern"
    LOW_QUALITY = "low-quality"
    FAMOUS_JUNK = "famous-junk"
    COLLIDES = "collides-with-benign"


def check_set(hash_set: HashSet) -> None:
    """Check what is said of a set before it is stored.

    Raises
    ------
    MatchError
        The name cannot be written in a policy or means something there, or a number is out of
        its range.
    """
    if not _is_set_name(hash_set.name):
        raise MatchError(
            "a set's name has 1-64 lower-case letters, digits and hyphens and begins with a letter"
        )
    if hash_set.name in RESERVED_NAMES:
        raise MatchError(
            f"no set may be named '{hash_set.name}': as an answer to which sets, the word means "
            "something else",
            hint="name it for what it holds",
        )
    bounds = {
        "radius_bits": (hash_set.radius_bits, 0, 127),
        "minimum_quality": (hash_set.minimum_quality, 0, 100),
        "expires_after_days": (hash_set.expires_after_days, 1, 36_500),
        "quota_per_source": (hash_set.quota_per_source, 0, 10**12),
    }
    for name, (value, least, most) in bounds.items():
        if value is not None and not least <= value <= most:
            raise MatchError(f"the set {hash_set.name}: {name} is {value}, not {least}-{most}")


_is_set_name = re.compile("[a-z][a-z0-9-]{0,63}").fullmatch


ONES_OFF = 1
"""Ones that a PDQ hash may have more or fewer than 128.

Bits are set above the median of 256 numbers, so that a picture with structure has exactly 128:
all 451 pictures of quality 50 or more that were measured had, in two implementations and turned
in eight ways, and so have the first 1,001 hashes of a public list of 1,350. One more or fewer
comes of another choice between the two numbers in the middle. Hashes that are further off were
altered after they were made, like 266 of the other 349 of that list (112-142 ones: more than 128
no median gives), or are no hashes of pictures: of random bits, 85 % are refused.
"""


def check_entry(entry: Entry, hash_set: HashSet) -> str | None:
    """Reason code why an entry may not enter a set, or ``None``.

    A PDQ hash has 128 ones or nearly, unless its picture is degenerate, and no period; its
    quality, where the source states it, reaches the set's minimum. Digests of empty and constant
    files and of other contents that every machine holds are junk, except in a negative set, which
    may want them.
    """
    return check_batch([entry], hash_set)[0]


def check_batch(
    entries: Sequence[Entry], hash_set: HashSet, *, ones_off: int = ONES_OFF
) -> list[str | None]:
    """:func:`check_entry` for many entries, much faster than one by one."""
    columns = EntryColumns.of(entries)
    values = columns.values
    reasons = _check_forms(columns)
    least = hash_set.minimum_quality
    pictures = []
    rows = zip(columns.kinds, columns.qualities, reasons, strict=True)
    for i, (kind, quality, reason) in enumerate(rows):
        if reason is not None:
            continue
        if kind == "pdq":
            if quality is not None and quality < least:
                reasons[i] = Objection.LOW_QUALITY
            pictures.append(i)
        elif kind in HEX_DIGITS and not hash_set.negative:
            reasons[i] = _check_digest(values[i])
    if pictures:
        words = native_words(values[i] for i in pictures)
        for i, reason in _check_bits(words, ones_off):
            reasons[pictures[i]] = reason
    return reasons


def native_words(values: Iterable[str]) -> NDArray[np.uint64]:
    """Hashes in hex as rows of four words, whose bytes are in the order of the hex."""
    return np.frombuffer(bytes.fromhex("".join(values)), np.uint64).reshape(-1, 4)


def is_lower_hex(text: str) -> bool:
    """Whether there is nothing but hexadecimal digits, none of them upper-case."""
    # Some ten times as fast as a regular expression.
    return text.isascii() and not text.encode().translate(None, b"0123456789abcdef")


def _check_forms(columns: EntryColumns) -> list[str | None]:
    # Most batches are of one kind and sound: then one look at all of them is enough.
    kinds, values = {*columns.kinds}, columns.values
    digits = HEX_DIGITS.get(kinds.pop()) if len(kinds) == 1 else None
    if digits and {*map(len, values)} == {digits} and is_lower_hex("".join(values)):
        return [None] * len(values)
    return list(map(_check_form, columns.kinds, values))


def _check_form(kind: str, value: str) -> str | None:
    digits = HEX_DIGITS.get(kind)
    if digits is None:
        if not value or value.isspace():
            return Objection.EMPTY_VALUE
        return Objection.TOO_LONG if len(value) > _MOST_OPAQUE else None
    if not value:
        return Objection.EMPTY_VALUE
    if len(value) != digits:
        return Objection.WRONG_LENGTH
    return None if is_lower_hex(value) else Objection.NOT_HEXADECIMAL


def _check_bits(words: NDArray[np.uint64], ones_off: int) -> list[tuple[int, str]]:
    """Rows that no picture with structure gives."""
    ones = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    # Periods of 1-64 bits, and runs, make two of the four words equal; pictures never do.
    first, second, third, fourth = words.T
    regular = (first == second) | (second == third) | (third == fourth)
    regular |= (first == third) | (second == fourth) | (first == fourth)
    unbalanced = np.abs(ones - 128) > ones_off
    found = [(int(i), str(Objection.REGULAR)) for i in np.flatnonzero(regular)]
    return found + [(int(i), str(Objection.NOT_128_ONES)) for i in np.flatnonzero(unbalanced)]


def _check_digest(value: str) -> str | None:
    half = len(value) // 2
    if value[:half] == value[half:]:
        return Objection.REGULAR
    return Objection.FAMOUS_JUNK if value in _junk_digests() else None


@cache
def _junk_digests() -> frozenset[str]:
    """Digests of contents that say nothing: empty, constant, or in every cache."""
    pixel_gif = (
        b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0"
        b"\x02\x02D\x01\0;"
    )
    texts = (b"", b" ", b"\n", b"\r\n", b"0", b"1", b"a", b"{}", b"[]", b"null", b"None", b"test")
    contents = [*texts, b"undefined", b"hello", b"hello world", b"password", pixel_gif]
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, *(1024 << shift for shift in range(11))]
    contents += [byte * size for size in sizes for byte in (b"\0", b"\xff")]
    kinds = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    return frozenset(
        kind(content, usedforsecurity=False).hexdigest() for content in contents for kind in kinds
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodGuard:
    """Finds a set of which suddenly far more matches than used to.

    The rate of the newest hour, different entries per look-up, is held against the median of the
    hours before it. Without enough of those nothing is said: a set that floods from its first hour
    is for the guards of the import to find.
    """

    factor: float = 10.0
    """How many times its usual rate a set may match."""
    least_matches: int = 100
    """Entries met in the newest hour below which nothing is a flood."""
    least_lookups: int = 100
    """Look-ups below which an hour is too quiet to be counted."""
    least_hours: int = 6
    """Hours before the newest that there must be."""

    def flood(self, history: Sequence[HourlyCount], *, now: datetime) -> str | None:
        """Why a set is suspect, or ``None``; hours with no look-up may be absent."""
        counted = [hour for hour in history if hour.lookups >= self.least_lookups]
        newest = next((h for h in counted[::-1] if h.hour <= now < h.hour + _TWO_HOURS), None)
        if newest is None or newest.matches < self.least_matches:
            return None
        earlier = [hour for hour in counted if hour.hour < newest.hour]
        if len(earlier) < self.least_hours:
            return None
        # A set that never matched has no rate to multiply: take one match in all those look-ups.
        floor = 1 / sum(hour.lookups for hour in earlier)
        usual = max(median(hour.matches / hour.lookups for hour in earlier), floor)
        rate = newest.matches / newest.lookups
        if rate <= self.factor * usual:
            return None
        return (
            f"{newest.matches} of its entries matched in an hour of {newest.lookups} look-ups, "
            f"{rate / usual:.0f} times its usual rate"
        )


_TWO_HOURS = timedelta(hours=2)
"""The hour that runs and the one that is just complete."""
