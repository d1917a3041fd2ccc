"""What is said of each file of a report."""

# ruff: noqa: RUF009 (the calls make fields)
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lightkeeper.reporting.cybertipline.elements._element import (
    attribute,
    flag,
    optional,
    text,
)
from lightkeeper.reporting.cybertipline.elements.captures import DeviceId, IpCaptureEvent


class FileRelevance(StrEnum):
    """Whether a file is what is reported, or stands beside it."""

    REPORTED = "Reported"
    SUPPLEMENTAL = "Supplemental Reported"


class FileClassification(StrEnum):
    """The industry's classification."""

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"


class MetadataType(StrEnum):
    """Where name-value pairs come from."""

    EXIF = "EXIF"
    HASH = "HASH"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnnotations:
    """Tags of a file: present and true, or absent. "Checked, not so" cannot be said."""

    anime_drawing_virtual_hentai: bool = flag()
    potential_meme: bool = flag()
    viral: bool = flag()
    possible_self_production: bool = flag()
    physical_harm: bool = flag()
    violence_gore: bool = flag()
    bestiality: bool = flag()
    live_streaming: bool = flag()
    infant: bool = flag()
    generative_ai: bool = flag()


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFileHash:
    """A hash of the file as it was uploaded."""

    value: str = text()
    hash_type: str = attribute(required=True)


@dataclass(frozen=True, slots=True)
class NameValuePair:
    """One fact."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Facts that were read from a file or found out about it."""

    name_value_pair: tuple[NameValuePair, ...]
    type: MetadataType | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDetails:
    """One file of a report.

    ``potential_meme`` and ``file_annotations`` exclude each other. The two identifiers are the
    receiver's; :func:`lightkeeper.reporting.cybertipline.with_ids` sets them into the XML.
    """

    report_id: int | None = optional(long=True, assigned=True)
    file_id: str | None = optional(assigned=True)
    file_name: str | None = None
    original_file_name: str | None = None
    uploaded_to_esp_timestamp: datetime | None = None
    location_of_file: str | None = None
    file_viewed_by_esp: bool | None = None
    exif_viewed_by_esp: bool | None = None
    publicly_available: bool | None = None
    file_relevance: FileRelevance | None = None
    potential_meme: bool | None = None
    file_annotations: FileAnnotations | None = None
    industry_classification: FileClassification | None = None
    original_file_hash: tuple[OriginalFileHash, ...] = ()
    ip_capture_event: IpCaptureEvent | None = None
    device_id: tuple[DeviceId, ...] = ()
    details: tuple[Details, ...] = ()
    additional_info: tuple[str, ...] = ()
