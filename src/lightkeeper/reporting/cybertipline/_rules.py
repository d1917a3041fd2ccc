"""Rules beyond the schema, from its annotations and the receiver's documentation of 2025-06."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lightkeeper.reporting.cybertipline._forms import is_email, is_hash, is_ip_address, is_phone
from lightkeeper.reporting.cybertipline._shape import Problem, shape_problems, walk
from lightkeeper.reporting.cybertipline.elements._element import Place, parts
from lightkeeper.reporting.cybertipline.elements.captures import DeviceId, IpCaptureEvent
from lightkeeper.reporting.cybertipline.elements.contact import Address, Email, Person, Phone
from lightkeeper.reporting.cybertipline.elements.files import (
    Details,
    FileDetails,
    FileRelevance,
    MetadataType,
    NameValuePair,
    OriginalFileHash,
)
from lightkeeper.reporting.cybertipline.elements.incidents import CellPhoneIncident
from lightkeeper.reporting.cybertipline.elements.report import LawEnforcement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.reporting.cybertipline.elements import Report

LONGEST_REASON: Final = 3000
_OLDEST: Final = 130


def check(
    report: Report, files: Sequence[FileDetails] = (), *, shares_hashes: bool = False
) -> list[Problem]:
    """Everything in a report and its files that the receiver would refuse, or that is untrue.

    Parameters
    ----------
    report, files
        The report, and the details of its files in their order.
    shares_hashes : bool
        Whether the reporter has signed the agreement of the industry's hash-sharing platform;
        only then is an industry classification admitted.
    """
    problems = [*shape_problems(report, "report")]
    roots: list[tuple[str, Any]] = [("report", report)]
    for number, details in enumerate(files, 1):
        roots.append((path := f"fileDetails[{number}]", details))
        problems += shape_problems(details, path)
    if problems:
        # What follows relies on the types.
        return problems
    for path, root in roots:
        for place, element in walk(root, path):
            problems += (Problem(_at(place, name), said) for name, said in _element(element))
    problems += (Problem(_at("report", name), said) for name, said in _report(report))
    for path, details in roots[1:]:
        problems += (Problem(_at(path, name), said) for name, said in _file(details))
        if details.industry_classification is not None and not shares_hashes:
            problems.append(
                Problem(
                    f"{path}/industryClassification",
                    "is only for members of the industry's hash-sharing agreement",
                )
            )
    if report.batched_report is not None:
        problems += _batch(roots)
    return problems


_Said = tuple[str, str]


def _at(path: str, name: str) -> str:
    return f"{path}/{name}" if name else path


def _report(report: Report) -> Iterator[_Said]:
    reason = report.incident_summary.escalate_to_high_priority
    where = "incidentSummary/escalateToHighPriority"
    if reason is not None and not reason.strip():
        yield where, "is blank: leave it out, or say why this cannot wait"
    if reason is not None and len(reason) > LONGEST_REASON:
        yield where, f"is longer than {LONGEST_REASON:,} characters"
    if not report.internet_details:
        yield "internetDetails", "is missing: a report says at least once where it happened"
    if len(report.person_or_user_reported) > 1:
        yield "personOrUserReported", "stands more than once: a report is about one person"


def _file(file: FileDetails) -> Iterator[_Said]:
    if file.exif_viewed_by_esp and not file.file_viewed_by_esp:
        yield "exifViewedByEsp", "cannot be true where nobody viewed the entire file"
    marks = file.file_annotations
    if file.potential_meme is not None and marks is not None:
        yield "potentialMeme", "excludes fileAnnotations, which has the same mark"
    if file.file_relevance is FileRelevance.SUPPLEMENTAL:
        if file.industry_classification is not None:
            yield "industryClassification", "is not admitted on a supplemental file"
        if file.potential_meme or (marks is not None and marks.potential_meme):
            yield "potentialMeme", "is not admitted on a supplemental file"


def _batch(roots: Sequence[tuple[str, Any]]) -> Iterator[Problem]:
    """A viral batch drops these, so a file that carries the mark of AI cannot be batched."""
    said = "is not admitted in a viral batch, which would drop it"
    for path, root in roots:
        for place, element in walk(root, path):
            if getattr(element, "additional_info", None):
                yield Problem(f"{place}/additionalInfo", said)
            if getattr(element, "escalate_to_high_priority", None) is not None:
                yield Problem(f"{place}/escalateToHighPriority", said)
            if getattr(element, "generative_ai", False):
                yield Problem(f"{place}/generativeAi", said)
            if getattr(element, "original_file_hash", ()):
                yield Problem(f"{place}/originalFileHash", said)
            if isinstance(element, Details) and element.type is MetadataType.HASH:
                yield Problem(place, said)


def _element(element: object) -> Iterator[_Said]:
    match element:
        case IpCaptureEvent():
            if not is_ip_address(element.ip_address):
                yield "ipAddress", "is not an IP address"
            if element.port is not None and not 0 < element.port < 65536:
                yield "port", "is not a port"
        case Email():
            if not is_email(element.value):
                yield "", "is not an e-mail address"
        case Phone():
            if not is_phone(element.value):
                yield "", "is not a phone number"
        case OriginalFileHash():
            if not is_hash(element.value, element.hash_type):
                yield "", "is not a hash of its type"
        case Address():
            if element.state and element.non_usa_state:
                yield "nonUsaState", "excludes a state of the United States"
        case CellPhoneIncident():
            yield from _position(element)
        case Person():
            if element.age is not None and not 0 <= element.age <= _OLDEST:
                yield "age", "is not an age"
        case _:
            pass
    yield from _blank(element)


def _blank(element: object) -> Iterator[_Said]:
    """A required text that says nothing."""
    if isinstance(element, (DeviceId, LawEnforcement, NameValuePair, OriginalFileHash)):
        for part in parts(type(element)):
            value = getattr(element, part.attribute)
            # The value of a fact may be empty; its name may not.
            is_value = isinstance(element, NameValuePair) and part.attribute == "value"
            if part.required and not is_value and isinstance(value, str) and not value.strip():
                at = f"@{part.name}" if part.spec.place is Place.ATTRIBUTE else part.name
                yield at, "is blank"


def _position(incident: CellPhoneIncident) -> Iterator[_Said]:
    if incident.latitude is not None and not -90 <= incident.latitude <= 90:
        yield "latitude", "is not between -90 and 90 degrees"
    if incident.longitude is not None and not -180 <= incident.longitude <= 180:
        yield "longitude", "is not between -180 and 180 degrees"
