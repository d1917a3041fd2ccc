"""The report itself."""

# ruff: noqa: RUF009 (the calls make fields)
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lightkeeper.reporting.cybertipline.elements._codes import COUNTRIES
from lightkeeper.reporting.cybertipline.elements._element import attribute, flag, optional, text
from lightkeeper.reporting.cybertipline.elements.contact import ContactPerson, Person
from lightkeeper.reporting.cybertipline.elements.incidents import InternetDetails
from lightkeeper.reporting.cybertipline.elements.people import (
    IntendedRecipient,
    PersonOrUserReported,
    Victim,
)


class IncidentType(StrEnum):
    """What is reported, in the receiver's words."""

    CHILD_PORNOGRAPHY = "Child Pornography (possession, manufacture, and distribution)"
    CHILD_SEX_TRAFFICKING = "Child Sex Trafficking"
    CHILD_SEX_TOURISM = "Child Sex Tourism"
    CHILD_SEXUAL_MOLESTATION = "Child Sexual Molestation"
    MISLEADING_DOMAIN_NAME = "Misleading Domain Name"
    MISLEADING_WORDS_OR_IMAGES = "Misleading Words or Digital Images on the Internet"
    ONLINE_ENTICEMENT = "Online Enticement of Children for Sexual Acts"
    UNSOLICITED_OBSCENE_MATERIAL = "Unsolicited Obscene Material Sent to a Child"


class BatchReason(StrEnum):
    """Why several reports are sent as one."""

    VIRAL_POTENTIAL_MEME = "VIRAL_POTENTIAL_MEME"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchedReport:
    """Marks a report that stands for many."""

    reason: BatchReason = attribute(required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnnotations:
    """Tags of an incident: present and true, or absent."""

    sextortion: bool = flag()
    csam_solicitation: bool = flag()
    minor_to_minor_interaction: bool = flag()
    spam: bool = flag()
    sadistic_online_exploitation: bool = flag()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSummary:
    """What happened and when."""

    incident_type: IncidentType
    platform: str | None = None
    escalate_to_high_priority: str | None = None
    """A reason. Its presence escalates the report."""
    report_annotations: ReportAnnotations | None = None
    incident_date_time: datetime
    incident_date_time_description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLegalProcessInternational:
    """Whether a foreign authority has served legal process."""

    value: bool = text()
    flea_country: str | None = attribute(codes=COUNTRIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class LawEnforcement:
    """An agency that knows of it already."""

    agency_name: str
    case_number: str | None = None
    officer_contact: ContactPerson | None = None
    reported_to_le: bool | None = None
    served_legal_process_domestic: bool | None = None
    served_legal_process_international: ServedLegalProcessInternational | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who reports."""

    reporting_person: Person
    contact_person: ContactPerson | None = None
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = optional("legalURL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report: the root of what is submitted."""

    batched_report: BatchedReport | None = None
    incident_summary: IncidentSummary
    internet_details: tuple[InternetDetails, ...] = ()
    law_enforcement: LawEnforcement | None = None
    reporter: Reporter
    person_or_user_reported: tuple[PersonOrUserReported, ...] = ()
    intended_recipient: tuple[IntendedRecipient, ...] = ()
    victim: tuple[Victim, ...] = ()
    additional_info: str | None = None
