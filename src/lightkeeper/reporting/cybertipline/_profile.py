"""What a report needs beyond the case: who reports, and what only a person can answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lightkeeper.reporting.cybertipline.elements.incidents import Incident, WebPageIncident
from lightkeeper.reporting.cybertipline.elements.people import IntendedRecipient, Victim
from lightkeeper.reporting.cybertipline.elements.report import (
    IncidentType,
    LawEnforcement,
    ReportAnnotations,
    Reporter,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterProfile:
    """An operator's configuration: the same in every report."""

    reporter: Reporter
    """The person and the company, their contact, template, terms and legal URL."""
    incident_type: IncidentType = IncidentType.CHILD_PORNOGRAPHY
    platform: str | None = None
    service: str | None = None
    """Name of the product that users use."""
    incident: Incident = field(default_factory=WebPageIncident)
    """Where incidents happen. A web page gets the addresses of the reported files."""
    shares_hashes: bool = False
    """The agreement of the industry's hash-sharing platform is signed; only then is the industry
    classification sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterAnswers:
    """What the person who reports says of one case."""

    escalate: str | None = None
    """Why it cannot wait, in up to 3,000 characters. It escalates the report."""
    context: frozenset[str] = frozenset()
    """Media that is not reported itself but helps to understand: supplemental files."""
    exif_read: frozenset[str] = frozenset()
    """Files whose metadata a person has read, besides viewing them entirely."""
    annotations: ReportAnnotations = field(default_factory=ReportAnnotations)
    """Beside ``sextortion``, which follows from the case's signal."""
    incident_type: IncidentType | None = None
    occurred: datetime | None = None
    incidents: tuple[Incident, ...] = ()
    """Instead of the profile's."""
    law_enforcement: LawEnforcement | None = None
    intended_recipients: tuple[IntendedRecipient, ...] = ()
    victims: tuple[Victim, ...] = ()
    note: str = ""
    viral_batch: bool = False
    """One report that stands for many about a viral file. It can carry no mark of AI."""
