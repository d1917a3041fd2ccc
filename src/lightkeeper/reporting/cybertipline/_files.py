"""The details of one file, from the item, its labels and the view log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from lightkeeper.assessment._classification import MACHINE
from lightkeeper.cases.decision import FileAnnotation
from lightkeeper.cases.item import MediaFacts, View, ViewMode
from lightkeeper.cases.people import SERVICE
from lightkeeper.cases.record import Arising
from lightkeeper.reporting._sharing import may_be_shared
from lightkeeper.reporting.ai_evidence import ai_evidence
from lightkeeper.reporting.ai_evidence._row import objects, scalar
from lightkeeper.reporting.cybertipline._decided import Decided, by_person
from lightkeeper.reporting.cybertipline._facts import Facts
from lightkeeper.reporting.cybertipline._words import facts_said
from lightkeeper.reporting.cybertipline.elements._element import parts
from lightkeeper.reporting.cybertipline.elements.captures import EventName
from lightkeeper.reporting.cybertipline.elements.files import (
    Details,
    FileAnnotations,
    FileClassification,
    FileDetails,
    FileRelevance,
    MetadataType,
    NameValuePair,
    OriginalFileHash,
)

_NOBODY: Final = frozenset({"", MACHINE, SERVICE.id})
_IN_THE_BLOCK: Final = frozenset({"positive_prompt", "negative_prompt"})
_MOST_PAIRS: Final = 200


def viewed_entirely(item_id: str, views: Iterable[View]) -> bool:
    """Whether a person saw all of this very file, unobscured: the view log decides.

    A near-duplicate that somebody saw is not this file.
    """
    return any(
        view.item == item_id
        and view.mode is ViewMode.CLEAR
        and view.entire
        and view.person not in _NOBODY
        for view in views
    )


def file_details(
    decided: Decided,
    media: MediaFacts,
    *,
    name: str,
    viewed: bool,
    exif_read: bool,
    shares_hashes: bool,
    arising: Arising,
    viral_batch: bool = False,
) -> FileDetails:
    """What is said of a file. A viral batch leaves out what the receiver would not take in it."""
    item = decided.item
    facts = Facts(item.facts)
    details = [_exif(item.examination)]
    said: list[str] = []
    uploaded, location = facts.time("uploaded-at"), facts.take("location")
    available, ip = facts.truth("publicly-available"), facts.ip(EventName.UPLOAD)
    devices = facts.device(EventName.UPLOAD)
    if not viral_batch:
        details.append(_matches(item.examination))
        said = [ai_evidence(item, decided.decision, arising=arising)]
        if (rest := facts_said(facts.rest)) is not None:
            said.append(rest)
    return FileDetails(
        file_name=name,
        original_file_name=item.file_name,
        uploaded_to_esp_timestamp=uploaded,
        location_of_file=location,
        file_viewed_by_esp=viewed,
        exif_viewed_by_esp=exif_read,
        publicly_available=available,
        file_relevance=(
            FileRelevance.SUPPLEMENTAL if decided.is_context else FileRelevance.REPORTED
        ),
        file_annotations=_annotations(decided),
        industry_classification=_classification(decided) if shares_hashes else None,
        original_file_hash=() if viral_batch else _hashes(media),
        ip_capture_event=ip,
        device_id=devices,
        details=tuple(each for each in details if each is not None),
        additional_info=tuple(said),
    )


def _annotations(decided: Decided) -> FileAnnotations | None:
    """A person's marks. The receiver takes no meme annotation on a supplemental file."""
    marks = set(decided.labels.annotations) if decided.labels else set()
    if decided.is_computer_generated:
        marks.add(FileAnnotation.GENERATIVE_AI)
    if decided.is_context:
        marks.discard(FileAnnotation.POTENTIAL_MEME)
    if not marks:
        return None
    words = {mark.value for mark in marks}
    return FileAnnotations(
        **{part.attribute: part.name in words for part in parts(FileAnnotations)}
    )


def _classification(decided: Decided) -> FileClassification | None:
    if decided.labels is None or decided.is_context:
        return None
    label = decided.labels.labels.industry_class
    said = by_person(label) and isinstance(label.value, str)
    return FileClassification(str(label.value)) if said else None


def _hashes(media: MediaFacts) -> tuple[OriginalFileHash, ...]:
    found = (
        ("MD5", media.md5),
        ("SHA1", media.sha1),
        ("SHA256", media.sha256),
        ("PDQ", media.pdq),
    )
    return tuple(OriginalFileHash(hash_type=kind, value=value) for kind, value in found if value)


def _exif(row: dict[str, Any] | None) -> Details | None:
    """Facts that findings read from EXIF."""
    return _details(MetadataType.EXIF, _exif_pairs(row))


def _exif_pairs(row: dict[str, Any] | None) -> Iterator[NameValuePair]:
    for finding in objects((row or {}).get("findings")):
        source, details = str(finding.get("source")), finding.get("details")
        if source.partition(":")[0] == "exif" and isinstance(details, dict):
            for key, value in details.items():
                if key not in _IN_THE_BLOCK:
                    yield from _pair(f"{source}/{key}", value)


def _matches(row: dict[str, Any] | None) -> Details | None:
    """Hashes of known material that lie near."""
    return _details(MetadataType.HASH, _match_pairs(row))


def _match_pairs(row: dict[str, Any] | None) -> Iterator[NameValuePair]:
    for finding in objects((row or {}).get("findings")):
        details = finding.get("details")
        if finding.get("claim") == "known-material" and isinstance(details, dict):
            told = ("kind", "value", "origin", "distance_bits")
            for key in told:
                if key != "value" or may_be_shared(details):
                    yield from _pair(f"known/{key}", details.get(key))


def _pair(name: str, value: object) -> Iterator[NameValuePair]:
    if isinstance(value, list):
        value = ", ".join(str(scalar(each)) for each in value if scalar(each) is not None)
    shown = scalar(value)
    if shown is not None and shown != "":
        yield NameValuePair(name, str(shown).lower() if isinstance(shown, bool) else str(shown))


def _details(kind: MetadataType, pairs: Iterable[NameValuePair]) -> Details | None:
    found = tuple(pairs)[:_MOST_PAIRS]
    return Details(type=kind, name_value_pair=found) if found else None
