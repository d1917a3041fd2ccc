"""Whom a report is about."""

from __future__ import annotations

from lightkeeper.cases.record import Subject, SubjectKind
from lightkeeper.reporting.cybertipline._facts import Facts
from lightkeeper.reporting.cybertipline._forms import is_email, is_phone
from lightkeeper.reporting.cybertipline._words import facts_said, quoted
from lightkeeper.reporting.cybertipline.elements.captures import EventName
from lightkeeper.reporting.cybertipline.elements.contact import Email, Person, Phone
from lightkeeper.reporting.cybertipline.elements.people import PersonOrUserReported

_LONGEST_IDENTIFIER = 1000


def person_reported(
    subject: Subject, *, service: str | None, viral_batch: bool
) -> PersonOrUserReported | None:
    """The user that a case is about; ``None`` where it is about something else."""
    if subject.kind is not SubjectKind.USER:
        return None
    facts = Facts(subject.details)
    email, phone = facts.take("email", is_email), facts.take("phone", is_phone)
    person = Person(
        first_name=facts.take("first-name"),
        last_name=facts.take("last-name"),
        email=(Email(value=email),) if email else (),
        phone=(Phone(value=phone),) if phone else (),
    )
    display, url = facts.take("display-name"), facts.take("profile-url")
    ip = facts.ip(EventName.UNKNOWN)
    return PersonOrUserReported(
        person_or_user_reported_person=person if person != Person() else None,
        esp_identifier=subject.identifier or None,
        esp_service=service,
        screen_name=facts.take("screen-name"),
        display_name=(display,) if display else (),
        profile_url=(url,) if url else (),
        profile_bio=facts.take("profile-bio"),
        ip_capture_event=(ip,) if ip else (),
        device_id=facts.device(EventName.UNKNOWN),
        additional_info=None if viral_batch else facts_said(facts.rest),
    )


def subject_said(subject: Subject) -> str | None:
    """A subject that is no user, in words: the schema has no field for it."""
    if subject.kind in (SubjectKind.USER, SubjectKind.UNKNOWN) and not (
        subject.kind is SubjectKind.UNKNOWN and subject.details
    ):
        return None
    said = f"The case is about: {subject.kind.value}\n" + quoted(
        subject.identifier, longest=_LONGEST_IDENTIFIER
    )
    rest = facts_said(subject.details)
    return f"{said}\n{rest}" if rest else said
