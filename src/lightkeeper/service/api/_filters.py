"""A filter of cases from the parameters of a request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lightkeeper.cases.record import Arising, CaseState, Intake, Signal, SubjectKind
from lightkeeper.cases.triage import CaseFilter, Sort


class FilterParameters(BaseModel):
    """Every parameter narrows; those that may be given more than once are alternatives."""

    model_config = ConfigDict(extra="forbid")

    queue: list[str] = []
    state: list[CaseState] = []
    arising: list[Arising] = []
    intake: list[Intake] = []
    signal: list[Signal] = []
    origin: list[str] = []
    known: bool | None = None
    subject_kind: SubjectKind | None = None
    subject: str | None = None
    least_score: Annotated[int, Field(ge=0, le=1000)] | None = None
    opened_before: AwareDatetime | None = None
    claimed_by: str | None = None
    unclaimed: bool = False
    overdue: bool = False
    past_retention: bool = False
    """Its time of preservation has passed, and no hold stands on it."""

    def case_filter(self) -> CaseFilter:
        """For the desk."""
        return CaseFilter(
            queues=frozenset(self.queue) if self.queue else None,
            states=frozenset(self.state),
            arising=frozenset(self.arising),
            intake=frozenset(self.intake),
            signals=frozenset(self.signal),
            origins=frozenset(self.origin),
            known=self.known,
            subject_kind=self.subject_kind,
            subject=self.subject,
            least_score=self.least_score,
            opened_before=self.opened_before,
            claimed_by=self.claimed_by,
            unclaimed=self.unclaimed,
            overdue=self.overdue,
            past_retention=self.past_retention,
        )


class QueueParameters(FilterParameters):
    """A filter, an order, and where to go on."""

    sort: Sort = Sort.RANK
    after: Annotated[str, Field(max_length=500)] | None = None
    """``next`` of the page before."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


Filtered = Annotated[FilterParameters, Query()]
Queued = Annotated[QueueParameters, Query()]
