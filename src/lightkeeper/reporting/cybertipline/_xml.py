"""Elements to XML: in the schema's order, always well-formed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.cybertipline.elements._element import (
    Part,
    Place,
    element_name,
    parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.reporting.cybertipline.elements import FileDetails, Report

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FILE_START: Final = f"{_DECLARATION}<fileDetails>".encode()
# XML 1.0 has no way to write these, not even escaped. Half a surrogate pair is no character.
_NO_CHARACTER: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A parser turns a bare carriage return into a line feed, and white space of attributes into spaces.
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE: Final = _TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
_REPORT_ID: Final = re.compile("[0-9]{1,18}")
_FILE_ID: Final = re.compile(r"[!-~]{1,200}")


def to_xml(root: Report | FileDetails) -> bytes:
    """A report or the details of a file as UTF-8.

    Characters that XML cannot hold become U+FFFD. Whether the content is what the receiver
    accepts is :func:`lightkeeper.reporting.cybertipline.check`'s question.
    """
    return (_DECLARATION + "".join(_element(element_name(type(root)), root)) + "\n").encode()


def with_ids(details_xml: bytes, *, report_id: str, file_id: str) -> bytes:
    """Set the receiver's identifiers into the prepared details of a file.

    Raises
    ------
    InvalidReport
        The details were not prepared here, or the identifiers are of no form that the receiver
        gives out.
    """
    if not details_xml.startswith(_FILE_START):
        raise InvalidReport("these are not the prepared details of a file")
    rest = details_xml[len(_FILE_START) :]
    if rest.startswith((b"<reportId>", b"<fileId>")):
        raise InvalidReport("these details have their identifiers already")
    if not _REPORT_ID.fullmatch(report_id) or not _FILE_ID.fullmatch(file_id):
        raise InvalidReport("the receiver gave out no identifier that can be used")
    ids = f"<reportId>{report_id}</reportId><fileId>{file_id.translate(_TEXT)}</fileId>"
    return _FILE_START + ids.encode() + rest


def written(value: object) -> str:
    """One value as the schema's simple types are written.

    >>> written(True), written(3.0)
    ('true', '3.0')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case datetime():
            spec = "milliseconds" if value.microsecond else "seconds"
            return value.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case float():
            return repr(value)
        case _:
            return _NO_CHARACTER.sub("\ufffd", str(value))


def _element(name: str, value: object) -> Iterator[str]:
    if not hasattr(value, "__dataclass_fields__"):
        yield f"<{name}>{written(value).translate(_TEXT)}</{name}>"
        return
    content = [(part, getattr(value, part.attribute)) for part in parts(type(value))]
    attributes = "".join(
        f' {part.name}="{written(item).translate(_ATTRIBUTE)}"'
        for part, item in content
        if part.spec.place is Place.ATTRIBUTE and item is not None
    )
    yield f"<{name}{attributes}>"
    for part, item in content:
        yield from _content(part, item)
    yield f"</{name}>"


def _content(part: Part, item: Any) -> Iterator[str]:
    match part.spec.place:
        case Place.TEXT:
            yield written(item).translate(_TEXT)
        case Place.FLAG:
            if item:
                yield f"<{part.name}>true</{part.name}>"
        case Place.CHOICE:
            yield from _element(element_name(type(item)), item)
        case Place.CHILD:
            if isinstance(item, tuple):
                for each in item:
                    yield from _element(part.name, each)
            elif item is not None:
                yield from _element(part.name, item)
