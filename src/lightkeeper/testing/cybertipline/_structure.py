"""Whether XML has the structure that the receiver asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from lightkeeper.errors import MissingExtra
from lightkeeper.testing.cybertipline._reports import Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ORDER: Final = {
    "report": (
        "batchedReport",
        "incidentSummary",
        "internetDetails",
        "lawEnforcement",
        "reporter",
        "personOrUserReported",
        "intendedRecipient",
        "victim",
        "additionalInfo",
    ),
    "fileDetails": (
        "reportId",
        "fileId",
        "fileName",
        "originalFileName",
        "uploadedToEspTimestamp",
        "locationOfFile",
        "fileViewedByEsp",
        "exifViewedByEsp",
        "publiclyAvailable",
        "fileRelevance",
        "potentialMeme",
        "fileAnnotations",
        "industryClassification",
        "originalFileHash",
        "ipCaptureEvent",
        "deviceId",
        "details",
        "additionalInfo",
    ),
}
_NEEDED: Final = {
    "report": ("incidentSummary/incidentType", "incidentSummary/incidentDateTime", "reporter"),
    "fileDetails": ("reportId", "fileId"),
}


class Structure:
    """Checks documents: against the official schema where there is one, else the main lines."""

    def __init__(self, schema: Path | None) -> None:
        self._schema = _read_schema(schema) if schema else None

    def checked(self, xml: bytes, root_name: str) -> Element:
        """The document.

        Raises
        ------
        Refused
            It is not well-formed, or not of the structure.
        """
        try:
            root: Element = fromstring(xml, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            raise Refused(4110, "Malformed XML") from None
        if self._schema is not None and not self._schema.is_valid(xml):
            raise Refused(4100, "The document is not valid against the schema")
        if root.tag != root_name:
            raise Refused(4100, f"The document is no {root_name}")
        places = [_place(root_name, str(child.tag)) for child in root]
        if places != sorted(places):
            raise Refused(4100, "Elements are not in their order")
        missing = [path for path in _NEEDED[root_name] if not _says(root, path)]
        if missing:
            raise Refused(4100, f"Missing: {', '.join(missing)}")
        return root


def _place(root_name: str, tag: str) -> int:
    if tag not in _ORDER[root_name]:
        raise Refused(4100, "An element is not in the schema")
    return _ORDER[root_name].index(tag)


def _says(root: Element, path: str) -> bool:
    found = root.find(path)
    return found is not None and (len(found) > 0 or bool((found.text or "").strip()))


def _read_schema(path: Path) -> Any:
    try:
        from xmlschema import XMLSchema
    except ModuleNotFoundError as error:
        raise MissingExtra("checking against the schema", extra="test") from error
    return XMLSchema(path, allow="local")
