"""What the person who reports adds to a case: read from the form of a draft."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Final

from starlette.datastructures import FormData

from lightkeeper.errors import InvalidReport
from lightkeeper.reporting.cybertipline import ReporterAnswers
from lightkeeper.reporting.cybertipline.elements.contact import Person
from lightkeeper.reporting.cybertipline.elements.people import Victim
from lightkeeper.reporting.cybertipline.elements.report import (
    IncidentType,
    LawEnforcement,
    ReportAnnotations,
)
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
_REFUSED: Final = "the report cannot be sent: "
_OF_VICTIM: Final = re.compile(r"/victim\[([0-9]+)\]")
_FIELDS: Final = {
    "/lawEnforcement": "le.agency",
    "/escalateToHighPriority": "escalate",
    "/incidentType": "incident_type",
    "report/additionalInfo": "note",
}
"""Elements that a field of the form fills."""


def read_reporter_answers(form: FormData) -> tuple[ReporterAnswers | None, dict[str, str]]:
    """What was filled in, where it makes sense; otherwise problems by the name of a field.

    An empty field says nothing.
    """
    problems: dict[str, str] = {}
    marks = {str(value) for value in form.getlist("incident_mark")}
    chosen = text_of(form, "incident_type", most=_LONGEST)
    answers = ReporterAnswers(
        escalate=text_of(form, "escalate", most=3_000) or None,
        exif_read=frozenset(str(item) for item in form.getlist("exif_read")),
        context=frozenset(str(item) for item in form.getlist("context")),
        annotations=ReportAnnotations(
            **{field.name: field.name in marks for field in fields(ReportAnnotations)}
        ),
        incident_type=next((kind for kind in IncidentType if kind.value == chosen), None),
        law_enforcement=_law_enforcement(form, problems),
        victims=tuple(
            victim
            for n in range(1, VICTIMS + 1)
            if (victim := _victim(form, n, problems)) is not None
        ),
        note=text_of(form, "note"),
    )
    return (None if problems else answers), problems


def problems_by_field(error: InvalidReport) -> dict[str, str]:
    """What the receiver would refuse: beside the field that it is about, where there is one."""
    found: dict[str, str] = {}
    for said in str(error).removeprefix(_REFUSED).split("; "):
        victim = _OF_VICTIM.search(said)
        part = next((field for path, field in _FIELDS.items() if path in said), "report")
        if victim and int(victim[1]) <= VICTIMS:
            part = f"victim{victim[1]}.{'age' if '/age' in said else 'first_name'}"
        sentence = f"{said[:1].upper()}{said[1:]}."
        found[part] = f"{found[part]} {sentence}" if part in found else sentence
    return found


def _law_enforcement(form: FormData, problems: dict[str, str]) -> LawEnforcement | None:
    agency = text_of(form, "le.agency", most=_LONGEST)
    number = text_of(form, "le.number", most=_LONGEST)
    reported = text_of(form, "le.reported") == "yes"
    if not agency:
        if number or reported:
            problems["le.agency"] = "Name the agency of law enforcement that knows of it."
        return None
    return LawEnforcement(
        agency_name=agency, case_number=number or None, reported_to_le=reported or None
    )


def _victim(form: FormData, number: int, problems: dict[str, str]) -> Victim | None:
    said = {
        name: text_of(form, f"victim{number}.{name}", most=_LONGEST)
        for name in ("first_name", "last_name", "age", "screen_name", "identifier", "more")
    }
    if not any(said.values()):
        return None
    age = said["age"]
    if age and not (age.isascii() and age.isdigit()):
        problems[f"victim{number}.age"] = f"The age of victim {number} is a number of years."
        return None
    person = Person(
        first_name=said["first_name"] or None,
        last_name=said["last_name"] or None,
        age=int(age) if age else None,
    )
    return Victim(
        victim_person=person,
        screen_name=said["screen_name"] or None,
        esp_identifier=said["identifier"] or None,
        additional_info=said["more"] or None,
    )
