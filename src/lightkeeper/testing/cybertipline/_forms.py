"""Forms as HTTP carries them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs, unquote_to_bytes


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, with the name of the file that it is."""

    content: bytes
    file_name: str | None = None


def fields(content_type: str, body: bytes) -> dict[str, Field]:
    """Fields by name; the first of each. What is no form has none."""
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() == "application/x-www-form-urlencoded":
        found = parse_qs(body.decode("ascii", "replace"))
        return {name: Field(values[0].encode()) for name, values in found.items()}
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        return {}
    parts: dict[str, Field] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, found_end, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _parameter(head, b"name")
        if found_end and name is not None:
            parts.setdefault(name, Field(content, _parameter(head, b"filename")))
    return parts


def _parameter(head: bytes, name: bytes) -> str | None:
    found = re.search(rb'[; ]%s="([^"]*)"' % name, head)
    return unquote_to_bytes(found[1]).decode("utf-8", "replace") if found else None
