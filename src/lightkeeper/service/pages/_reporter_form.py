"""What the person who reports adds to a case: read from the form of a draft."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from starlette.datastructures import FormData

from lightkeeper.reporting.cybertipline import ReporterAnswers
from lightkeeper.reporting.cybertipline.elements.contact import Person
from lightkeeper.reporting.cybertipline.elements.people import Victim
from lightkeeper.reporting.cybertipline.elements.report import (
    IncidentType,
    LawEnforcement,
    ReportAnnotations,
)
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.pages._frame import text_of

INCIDENT_TYPES: Final = tuple(IncidentType)
INCIDENT_MARKS: Final = {
    "sextortion": "Sextortion",
    "csam_solicitation": "Solicitation of such material",
    "minor_to_minor_interaction": "Between minors",
    "spam": "Spam",
    "sadistic_online_exploitation": "Sadistic online exploitation",
}
VICTIMS: Final = 2
"""So many can be named here; more go into the further information."""
_LONGEST: Final = 300


def read_reporter_answers(form: FormData) -> ReporterAnswers:
    """What was filled in; an empty field says nothing."""
    marks = {str(value) for value in form.getlist("incident_mark")}
    chosen = text_of(form, "incident_type", most=_LONGEST)
    return ReporterAnswers(
        escalate=text_of(form, "escalate", most=3_000) or None,
        exif_read=frozenset(str(item) for item in form.getlist("exif_read")),
        context=frozenset(str(item) for item in form.getlist("context")),
        annotations=ReportAnnotations(
            **{field.name: field.name in marks for field in fields(ReportAnnotations)}
        ),
        incident_type=next((kind for kind in IncidentType if kind.value == chosen), None),
        law_enforcement=_law_enforcement(form),
        victims=tuple(
            victim for n in range(1, VICTIMS + 1) if (victim := _victim(form, n)) is not None
        ),
        note=text_of(form, "note"),
    )


def _law_enforcement(form: FormData) -> LawEnforcement | None:
    agency = text_of(form, "le.agency", most=_LONGEST)
    number = text_of(form, "le.number", most=_LONGEST)
    reported = text_of(form, "le.reported") == "yes"
    if not agency:
        if number or reported:
            raise Refusal(422, "no-agency", "Name the agency of law enforcement that knows of it.")
        return None
    return LawEnforcement(
        agency_name=agency, case_number=number or None, reported_to_le=reported or None
    )


def _victim(form: FormData, number: int) -> Victim | None:
    said = {
        name: text_of(form, f"victim{number}.{name}", most=_LONGEST)
        for name in ("first_name", "last_name", "age", "screen_name", "identifier", "more")
    }
    if not any(said.values()):
        return None
    if said["age"] and not (said["age"].isascii() and said["age"].isdigit()):
        raise Refusal(422, "no-age", "An age is a number of years.")
    person = Person(
        first_name=said["first_name"] or None,
        last_name=said["last_name"] or None,
        age=int(said["age"]) if said["age"] else None,
    )
    return Victim(
        victim_person=person,
        screen_name=said["screen_name"] or None,
        esp_identifier=said["identifier"] or None,
        additional_info=said["more"] or None,
    )
