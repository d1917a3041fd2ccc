"""Entries of NCMEC's hash sharing API v2, from a file that holds its XML.

``queryResult`` holds ``images`` and ``videos``; these hold ``image``, ``video`` and, for what a
member took back, ``deletedImage`` and ``deletedVideo``, which carry an id and no hashes. One file
is one page or one range of a list, never the whole of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from lightkeeper.matching.formats._fields import entry_of
from lightkeeper.matching.formats._row import RejectedRowError, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from xml.etree.ElementTree import Element

NAMESPACE: Final = "https://hashsharing.ncmec.org/hashsharing/v2"
KINDS: Final = {"md5": "md5", "sha1": "sha1", "pdq": "pdq", "pdna": "photodna"}
"""Fingerprint to kind; any other keeps its own name and is matched by equality."""

_CLASSES: Final = frozenset({"A1", "A2", "B1", "B2"})
_LIVE: Final = frozenset({"image", "video"})
_DELETED: Final = frozenset({"deletedImage", "deletedVideo"})
_ENTRY_BYTES: Final = 1 << 20


class _Endless(Exception):
    """One entry goes on for more bytes than any entry has."""


def read_ncmec(stream: BinaryIO, *, source: str | None, now: datetime) -> Iterator[Row]:
    """Read entries; each member speaks as ``SOURCE/member id`` and ids are its own."""
    guarded = _Guarded(stream)
    number = 0
    try:
        for name, element in _elements(guarded):
            number += 1
            guarded.left = _ENTRY_BYTES
            yield from _rows(number, name, element, source, now)
    except DefusedXmlException:
        yield Row(number + 1, reason="forbidden-xml")
    except _Endless:
        yield Row(number + 1, reason="bad-xml")
    except (ParseError, UnicodeError, ValueError, LookupError) as error:
        yield Row(number + 1, reason=_damage(error))


class _Guarded:
    """A stream that ends the parse where an entry does not end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.left = _ENTRY_BYTES

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        if self.left < 0:
            raise _Endless
        return self._stream.read(size)


def _elements(stream: Any) -> Iterator[tuple[str, Element]]:
    """Each entry's local name and element; finished ones are let go."""
    parents: list[Element] = []
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            parents.append(element)
            _check_root(parents)
            continue
        parents.pop()
        name = _local(element)
        if name in _LIVE | _DELETED and len(parents) == 2:
            yield name, element
        if len(parents) <= 2:
            element.clear()
            if parents:
                parents[-1].clear()


def _check_root(parents: list[Element]) -> None:
    if len(parents) == 1 and parents[0].tag not in ("queryResult", f"{{{NAMESPACE}}}queryResult"):
        raise ValueError("not a queryResult")


def _rows(
    number: int, name: str, element: Element, source: str | None, now: datetime
) -> Iterator[Row]:
    children = {_local(child): child for child in element}
    own_id = (children["id"].text or "").strip() if "id" in children else ""
    member = children["member"].get("id", "") if "member" in children else ""
    if not own_id or not member.isalnum():
        yield Row(number, reason="missing-id")
        return
    speaker = f"{source}/{member}" if source is not None else None
    if name in _DELETED:
        yield Row(number, deleted_id=own_id, source=speaker, raw=own_id)
        return
    yield from _fingerprints(number, children, own_id, speaker, now)


def _fingerprints(
    number: int, children: dict[str, Element], own_id: str, speaker: str | None, now: datetime
) -> Iterator[Row]:
    labels = _labels(children)
    found = list(children.get("fingerprints", ()))
    if not found:
        yield Row(number, reason="missing-value", raw=own_id)
    for fingerprint in found:
        kind = _local(fingerprint).lower()
        fields = {
            "kind": KINDS.get(kind, kind),
            "value": (fingerprint.text or "").strip(),
            "source_id": own_id,
            "labels": labels,
        }
        try:
            if not fields["value"] and fingerprint.get("href"):
                raise RejectedRowError("linked-value")
            yield Row(number, entry_of(fields, source=speaker, now=now), raw=own_id, source=speaker)
        except RejectedRowError as error:
            yield Row(number, reason=error.reason, raw=own_id)


def _labels(children: dict[str, Element]) -> dict[str, Any]:
    text = (children["classification"].text or "").strip() if "classification" in children else ""
    return {"industry_class": text} if text in _CLASSES else {}


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _damage(error: Exception) -> str:
    """``truncated`` where the text ends early (expat's codes 3 and 5), else ``bad-xml``."""
    code = getattr(error, "code", None)
    return "truncated" if code in (3, 5) else "bad-xml"
