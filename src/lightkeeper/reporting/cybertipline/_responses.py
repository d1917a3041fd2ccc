"""The receiver's answers, read strictly: what is not documented is no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from lightkeeper.errors import ReportError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LONGEST: Final = 1 << 20
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResponse:
    """The answer to a report, a file, its details or a retraction. ``code`` 0 is success."""

    code: int
    description: str
    report_id: str | None = None
    file_id: str | None = None
    hash: str | None = None
    """MD5 of what was uploaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDoneResponse:
    """The answer to the end of a report, with the files that it holds."""

    code: int
    report_id: str
    files: tuple[str, ...]


def parse_response(body: bytes) -> ReportResponse | ReportDoneResponse:
    """Read an answer.

    Raises
    ------
    ReportError
        It is not XML, declares entities, or is not one of the two documented forms.
    """
    if len(body) > _LONGEST:
        raise ReportError("the answer is longer than any that is documented")
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ReportError("the answer is not XML that can be read") from error
    match root.tag:
        case "reportResponse":
            return _response(_children(root, required=2, names=_RESPONSE))
        case "reportDoneResponse":
            return _done(_children(root, required=3, names=_DONE))
        case _:
            raise ReportError("the answer is of no documented form")


_RESPONSE: Final = ("responseCode", "responseDescription", "reportId", "fileId", "hash")
_DONE: Final = ("responseCode", "reportId", "files")


def _response(found: dict[str, Element]) -> ReportResponse:
    return ReportResponse(
        code=int(_integer(found["responseCode"], bits=32)),
        description=_text(found["responseDescription"]),
        report_id=_integer(found["reportId"]) if "reportId" in found else None,
        file_id=_token(found.get("fileId")),
        hash=_token(found.get("hash")),
    )


def _done(found: dict[str, Element]) -> ReportDoneResponse:
    files = found["files"]
    if files.attrib or (files.text or "").strip() or any(each.tag != "fileId" for each in files):
        raise _undocumented()
    return ReportDoneResponse(
        code=int(_integer(found["responseCode"], bits=32)),
        report_id=_integer(found["reportId"]),
        files=tuple(_text(each) for each in files),
    )


def _children(root: Element, *, names: tuple[str, ...], required: int) -> dict[str, Element]:
    """Children by name: each at most once, in order, the first ones present.

    An element that is not documented is passed over: were it no answer, a receiver that adds one
    would be asked again and again.
    """
    known = [child for child in root if child.tag in names]
    found = [str(child.tag) for child in known]
    stray = root.attrib or any((each.tail or "").strip() for each in root)
    if stray or (root.text or "").strip():
        raise _undocumented()
    if found != [name for name in names if name in found] or not set(names[:required]) <= set(
        found
    ):
        raise _undocumented()
    return dict(zip(found, known, strict=True))


def _text(element: Element) -> str:
    if len(element) or element.attrib:
        raise _undocumented()
    return element.text or ""


def _token(element: Element | None) -> str | None:
    return " ".join(_text(element).split()) if element is not None else None


def _integer(element: Element, *, bits: int = 64) -> str:
    """A whole number as text, without sign or zeros that mean nothing."""
    text = _text(element).strip()
    if not _INTEGER.fullmatch(text) or not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise _undocumented()
    return str(int(text))


def _undocumented() -> ReportError:
    return ReportError("the answer is of no documented form")
