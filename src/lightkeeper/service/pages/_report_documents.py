"""The documents of a report, element by element."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.service._refusal import Refusal
from lightkeeper.service.pages._ai_block import Block, blocks_of

if TYPE_CHECKING:
    from lightkeeper.reporting.outbox import PreparedReport


@dataclass(frozen=True, slots=True)
class Document:
    """What is sent in one piece. ``rows`` are of depth, name and text."""

    title: str
    rows: tuple[tuple[int, str, str], ...]
    blocks: tuple[Block, ...]
    """Of AI evidence; the rows do not repeat them."""
    xml: str
    viewed: bool | None
    """``fileViewedByEsp``, of a file."""


def documents_of(prepared: PreparedReport) -> tuple[Document, ...]:
    """The report, and the details of each file."""
    named = [("Report", prepared.report_xml)]
    named += [(f"File {n}", file.details_xml) for n, file in enumerate(prepared.files, 1)]
    return tuple(_document(title, content) for title, content in named)


def _document(title: str, content: bytes) -> Document:
    try:
        root = ET.fromstring(content)
    except ET.ParseError:
        raise Refusal(500, "unreadable", "The prepared report cannot be read.") from None
    blocks: list[Block] = []
    rows = tuple(_rows(root, 0, blocks))
    viewed = root.findtext("fileViewedByEsp")
    ET.indent(root)
    return Document(
        title=title,
        rows=rows,
        blocks=tuple(blocks),
        xml=ET.tostring(root, encoding="unicode"),
        viewed=None if viewed is None else viewed == "true",
    )


def _rows(element: ET.Element, depth: int, blocks: list[Block]) -> Iterator[tuple[int, str, str]]:
    if element.tag == "nameValuePair":
        yield min(depth, 4), element.findtext("name") or "", element.findtext("value") or ""
        return
    attributes = ", ".join(f"{name} {value}" for name, value in element.attrib.items())
    name = f"{element.tag} ({attributes})" if attributes else element.tag
    text = (element.text or "").strip()
    if element.tag == "additionalInfo":
        text, found = blocks_of(text)
        blocks += found
        text = f"{text}\n[Evidence of AI, below]".strip() if found else text
    yield min(depth, 4), name, text
    for child in element:
        yield from _rows(child, depth + 1, blocks)
