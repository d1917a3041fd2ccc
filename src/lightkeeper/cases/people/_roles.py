"""Who may do what. Rights belong to roles; queues bound them; keys never judge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lightkeeper.errors import NotPermitted


class Role(StrEnum):
    """What somebody is here for. A person may have several."""

    ADMINISTRATOR = "administrator"
    LEAD = "lead"
    REVIEWER = "reviewer"
    REPORTER = "reporter"
    AUDITOR = "auditor"
    INTAKE = "intake"


class Permission(StrEnum):
    """One right."""

    OPEN_CASES = "open-cases"
    READ_CASES = "read-cases"
    VIEW_MEDIA = "view-media"
    REVIEW = "review"
    """Claim, skip, hand over, decide, and undo one's own decision."""
    LEAD = "lead"
    """Take over claims, undo anybody's decision, ask for second opinions, see the team."""
    REPORT = "report"
    """Prepare, confirm and retract reports."""
    EXPORT = "export"
    """Evidence packages."""
    KEEP = "keep"
    """Legal holds, and destruction on request."""
    READ_AUDIT = "read-audit"
    READ_STATISTICS = "read-statistics"
    MANAGE_PEOPLE = "manage-people"
    MANAGE_SERVICE = "manage-service"
    """Queues, webhooks and keys."""


_P = Permission
GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    # Administrators run the service; they see no case unless they have another role too.
    Role.ADMINISTRATOR: frozenset({_P.MANAGE_PEOPLE, _P.MANAGE_SERVICE, _P.READ_STATISTICS}),
    Role.LEAD: frozenset(
        {
            _P.READ_CASES,
            _P.VIEW_MEDIA,
            _P.REVIEW,
            _P.LEAD,
            _P.EXPORT,
            _P.KEEP,
            _P.READ_STATISTICS,
        }
    ),
    Role.REVIEWER: frozenset({_P.READ_CASES, _P.VIEW_MEDIA, _P.REVIEW}),
    Role.REPORTER: frozenset({_P.READ_CASES, _P.REPORT, _P.EXPORT, _P.KEEP}),
    Role.AUDITOR: frozenset({_P.READ_AUDIT, _P.READ_STATISTICS}),
    Role.INTAKE: frozenset({_P.OPEN_CASES}),
}
"""What each role grants."""

FOR_PEOPLE: Final = frozenset(
    {_P.VIEW_MEDIA, _P.REVIEW, _P.LEAD, _P.REPORT, _P.KEEP, _P.MANAGE_PEOPLE}
)
"""Rights that an API key never has, whatever its roles: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever acts: a person who signed in, an API key, or the service itself.

    ``queues`` are those that the actor may see into; ``None`` for all.
    """

    id: str
    name: str
    roles: frozenset[Role]
    queues: frozenset[str] | None = None
    is_person: bool = True

    def may(self, permission: Permission, queue: str | None = None) -> bool:
        """Whether the actor has a right, in a queue where one is given."""
        if not self.is_person and permission in FOR_PEOPLE:
            return False
        if queue is not None and self.queues is not None and queue not in self.queues:
            return False
        return any(permission in GRANTS[role] for role in self.roles)

    def require(self, permission: Permission, queue: str | None = None) -> None:
        """Pass, or refuse.

        Raises
        ------
        NotPermitted
        """
        if not self.may(permission, queue):
            raise NotPermitted(f"this needs the right '{permission.value}'")


SERVICE: Final = Actor(id="service", name="Lightkeeper", roles=frozenset(), is_person=False)
"""The actor of what the service does by itself."""
