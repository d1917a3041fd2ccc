"""Read an XMP packet into flat leaves, safely (ISO 16684-1; RDF/XML).

Document types and entities are refused, so nothing expands; what is kept is never larger than
the packet itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from lightkeeper.media._embedded import XmpProperty
from lightkeeper.media._text import free_text
from lightkeeper.media._types import Problem

if TYPE_CHECKING:
    from lightkeeper.media._limits import Limits

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_PACKET = "adobe:ns:meta/"
_SEPARATOR = "\n"
_MOST_NAME = 1_000
"""Characters of a namespace, and of a property's path: every property repeats both."""
_LONG_NAMESPACE = re.compile(
    rb"xmlns(?::[^\s=]{64}|(?::[^\s=]{0,63}+)?+\s*+=\s*+[\"'][^\"']{%d})" % _MOST_NAME
)
"""Refused before parsing: expat repeats a namespace for every attribute of one element."""
_ELEMENTS_PER_CHUNK = 5
"""Elements without a value cost time too: their own limit is this many times ``max_chunks``."""


class _RefusedError(Exception):
    """Something that no XMP packet needs and that attacks use."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class _Element:
    """An open element: its property path, its text so far, and whether it is more than a leaf."""

    namespace: str
    name: str
    path: str
    text: list[str] = field(default_factory=list)
    is_branch: bool = False


class _Reader:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.found: list[XmpProperty] = []
        self._left = limits.max_chunks * _ELEMENTS_PER_CHUNK
        self._open: list[_Element] = []

    def read(self, packet: bytes) -> None:
        if _LONG_NAMESPACE.search(packet):
            raise _RefusedError("text-too-long", "a namespace of more than 1,000 characters")
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        parser.Parse(packet, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= self.limits.max_nesting:
            raise _RefusedError("too-deep", f"nested deeper than {self.limits.max_nesting}")
        self._left -= 1
        if self._left < 0:
            raise _RefusedError("too-many-chunks", "too many elements")
        namespace, name = _split(tag)
        parent = self._open[-1] if self._open else None
        element = _Element(namespace, name, parent.path if parent else "")
        if namespace in (_RDF, _PACKET):
            # rdf:Description, Bag, Seq, Alt and li add no name; they pass their parent's on.
            if parent:
                element.namespace, element.name = parent.namespace, parent.name
                parent.is_branch = True
        else:
            element.path = f"{element.path}/{name}" if element.path else name
            if parent:
                parent.is_branch = True
        _check_name(element.path)
        self._open.append(element)
        for key, value in attributes.items():
            self._attribute(element, key, value)

    def _attribute(self, element: _Element, key: str, value: str) -> None:
        namespace, name = _split(key)
        if namespace == _XML or not value:
            return
        if namespace == _RDF or not namespace:
            if name in ("resource", "value"):
                self._leaf(element.namespace, element.name, value, element.path)
                element.is_branch = True
            elif not namespace and name == "xmptk":
                self._leaf(_PACKET, name, value, name)
            return
        path = f"{element.path}/{name}" if element.path else name
        _check_name(path)
        self._leaf(namespace, name, value, path)
        element.is_branch = True

    def _end(self, _tag: str) -> None:
        element = self._open.pop()
        if element.is_branch or not element.path:
            return
        text = "".join(element.text)
        if text.strip():
            self._leaf(element.namespace, element.name, text, element.path)

    def _text(self, data: str) -> None:
        if self._open:
            self._open[-1].text.append(data)

    def _leaf(self, namespace: str, name: str, value: str, path: str) -> None:
        if len(self.found) >= self.limits.max_chunks:
            raise _RefusedError("too-many-chunks", f"more than {self.limits.max_chunks} properties")
        self.found.append(XmpProperty(namespace, name, value, path))


def read_xmp(packet: bytes, limits: Limits) -> tuple[list[XmpProperty], list[Problem]]:
    """Leaves of one packet; those before a fault are kept beside a problem."""
    if len(packet) > limits.max_text:
        message = f"packet of {len(packet)} bytes passes the limit"
        return [], [Problem("text-too-long", "xmp", message)]
    if b"\0" in packet[:16]:
        # UTF-16 without a byte order mark in front, which expat would not recognise.
        packet = free_text(packet)[0].lstrip("\ufeff").encode()
    packet = packet.strip(b"\0 \t\r\n")
    reader = _Reader(limits)
    try:
        if packet:
            reader.read(packet)
    except _RefusedError as refusal:
        return reader.found, [Problem(refusal.code, "xmp", str(refusal))]
    except (expat.ExpatError, ValueError, LookupError) as error:
        return _read_repaired(packet, limits, reader, error)
    return reader.found, []


def _read_repaired(
    packet: bytes, limits: Limits, first: _Reader, error: Exception
) -> tuple[list[XmpProperty], list[Problem]]:
    """Packets with a few bytes that are not UTF-8 are common; all other faults stand."""
    problem = Problem("damaged", "xmp", f"not well-formed: {error}")
    repaired = packet.decode("utf-8", "replace").encode()
    if repaired == packet or packet[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return first.found, [problem]
    again = _Reader(limits)
    try:
        again.read(repaired)
    except (_RefusedError, expat.ExpatError, ValueError, LookupError):
        return first.found, [problem]
    return again.found, [problem]


def _check_name(path: str) -> None:
    if len(path) > _MOST_NAME:
        raise _RefusedError("text-too-long", "a name of more than 1,000 characters")


def _refuse(*_: object) -> None:
    raise _RefusedError("xml-entities", "a document type is refused: entities could expand")


def _split(tag: str) -> tuple[str, str]:
    namespace, separator, name = tag.rpartition(_SEPARATOR)
    return (namespace, name) if separator else ("", tag)
