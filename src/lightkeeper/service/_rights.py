"""Which route needs which right: one table. A route that is not in it answers nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from lightkeeper.cases.people import Permission


class Access(StrEnum):
    """Routes that need no particular right."""

    ANYBODY = "anybody"
    PERSON = "person"
    """Any person who has signed in."""
    KNOWN = "known"
    """Any person who has signed in, or a key."""


Needs = Permission | Access

_STATE: Final[dict[str, Needs]] = {
    "GET /healthz": Access.ANYBODY,
    "GET /readyz": Access.ANYBODY,
    "GET /metrics": Permission.READ_STATISTICS,
    "GET /static/{build}/{name:path}": Access.ANYBODY,
}

_ACCOUNTS: Final[dict[str, Needs]] = {
    "GET /sign-in": Access.ANYBODY,
    "POST /sign-in": Access.ANYBODY,
    "GET /sign-in/openid": Access.ANYBODY,
    "GET /sign-in/openid/done": Access.ANYBODY,
    "GET /sign-in/openid/end": Access.ANYBODY,
    "POST /sign-out": Access.PERSON,
    "GET /people": Permission.MANAGE_PEOPLE,
    "POST /people": Permission.MANAGE_PEOPLE,
    "POST /people/{account_id}": Permission.MANAGE_PEOPLE,
    "POST /people/{account_id}/reset": Permission.MANAGE_PEOPLE,
    "POST /people/{account_id}/sign-out": Permission.MANAGE_PEOPLE,
    "POST /people/{account_id}/second-factor": Permission.MANAGE_PEOPLE,
    "POST /people/{account_id}/openid": Permission.MANAGE_PEOPLE,
    "GET /me": Access.PERSON,
    "POST /me/sign-out": Access.PERSON,
    "POST /me/second-factor": Access.PERSON,
    "GET /welcome/{secret}": Access.ANYBODY,
    "POST /welcome/{secret}": Access.ANYBODY,
}

_PAGES: Final[dict[str, Needs]] = {
    "GET /": Access.PERSON,
    "POST /next": Permission.REVIEW,
    "POST /queues": Permission.READ_CASES,
    "POST /queues/{queue_id}/drop": Permission.READ_CASES,
    "GET /cases/{case_id}": Permission.READ_CASES,
    "POST /cases/{case_id}/claim": Permission.REVIEW,
    "POST /cases/{case_id}/release": Permission.REVIEW,
    "POST /cases/{case_id}/skip": Permission.REVIEW,
    "POST /cases/{case_id}/hand-over": Permission.REVIEW,
    "POST /cases/{case_id}/signals": Permission.REVIEW,
    "POST /cases/{case_id}/guidance": Permission.REVIEW,
    "POST /cases/{case_id}/decision": Permission.REVIEW,
    "POST /cases/{case_id}/second-opinion": Permission.LEAD,
    "POST /cases/{case_id}/hold": Permission.KEEP,
    "POST /cases/{case_id}/release-hold": Permission.KEEP,
    "POST /cases/{case_id}/destroy": Permission.KEEP,
    "POST /cases/{case_id}/report": Permission.REPORT,
    "POST /cases/{case_id}/package": Permission.EXPORT,
    "POST /decisions/{decision_id}/undo": Permission.REVIEW,
    "POST /items/{item_id}/pixels": Permission.VIEW_MEDIA,
    "POST /views/{view_id}": Permission.VIEW_MEDIA,
    "GET /settings": Access.PERSON,
    "POST /settings": Access.PERSON,
    "GET /neutral/{number}": Access.PERSON,
    "GET /exposure": Permission.VIEW_MEDIA,
    "POST /exposure/later": Permission.VIEW_MEDIA,
    "GET /exposure/team": Permission.LEAD,
    "GET /statistics": Permission.READ_STATISTICS,
    "GET /reports": Permission.READ_CASES,
    "GET /reports/{submission_id}": Permission.READ_CASES,
    "POST /reports/{submission_id}/confirm": Permission.REPORT,
    "POST /reports/{submission_id}/discard": Permission.REPORT,
    "POST /reports/{submission_id}/retract": Permission.REPORT,
    "POST /reports/{submission_id}/retry": Permission.REPORT,
    "POST /reports/{submission_id}/settle": Permission.REPORT,
    "GET /audit": Permission.READ_AUDIT,
    "POST /audit/verify": Permission.READ_AUDIT,
}

_API: Final[dict[str, Needs]] = {
    "GET /api/v1/openapi.json": Access.ANYBODY,
    "GET /api/v1/signing-keys": Access.ANYBODY,
    "POST /api/v1/cases": Permission.OPEN_CASES,
    "GET /api/v1/cases": Permission.READ_CASES,
    "GET /api/v1/cases/count": Permission.READ_CASES,
    "POST /api/v1/cases/next": Permission.REVIEW,
    "GET /api/v1/cases/{case_id}": Permission.READ_CASES,
    "POST /api/v1/cases/{case_id}/items": Permission.OPEN_CASES,
    "POST /api/v1/cases/{case_id}/media": Permission.OPEN_CASES,
    "POST /api/v1/cases/{case_id}/claim": Permission.REVIEW,
    "POST /api/v1/cases/{case_id}/release": Permission.REVIEW,
    "POST /api/v1/cases/{case_id}/skip": Permission.REVIEW,
    "POST /api/v1/cases/{case_id}/hand-over": Permission.REVIEW,
    "PUT /api/v1/cases/{case_id}/signals": Permission.REVIEW,
    "POST /api/v1/cases/{case_id}/decision": Permission.REVIEW,
    "POST /api/v1/decisions/{decision_id}/undo": Permission.REVIEW,
    "POST /api/v1/cases/{case_id}/second-opinion": Permission.LEAD,
    "POST /api/v1/cases/{case_id}/hold": Permission.KEEP,
    "POST /api/v1/cases/{case_id}/release-hold": Permission.KEEP,
    "POST /api/v1/cases/{case_id}/destroy": Permission.KEEP,
    "POST /api/v1/cases/{case_id}/package": Permission.EXPORT,
    "GET /api/v1/reports": Permission.READ_CASES,
    "GET /api/v1/reports/{submission_id}": Permission.READ_CASES,
    "GET /api/v1/reports/{submission_id}/receipts": Permission.READ_CASES,
    "POST /api/v1/reports/{submission_id}/discard": Permission.REPORT,
    "POST /api/v1/reports/{submission_id}/retract": Permission.REPORT,
    "POST /api/v1/reports/{submission_id}/retry": Permission.REPORT,
    "POST /api/v1/reports/{submission_id}/settle": Permission.REPORT,
    "GET /api/v1/exposure": Permission.VIEW_MEDIA,
    "GET /api/v1/exposure/team": Permission.LEAD,
    "GET /api/v1/statistics/ages": Permission.READ_STATISTICS,
    "GET /api/v1/statistics/arrivals": Permission.READ_STATISTICS,
    "GET /api/v1/audit": Permission.READ_AUDIT,
    "POST /api/v1/audit/verify": Permission.READ_AUDIT,
    "GET /api/v1/me/sessions": Access.PERSON,
    "POST /api/v1/me/sign-out": Access.PERSON,
    "GET /api/v1/people": Permission.MANAGE_PEOPLE,
    "POST /api/v1/people/{account_id}/sign-out": Permission.MANAGE_PEOPLE,
    "GET /api/v1/webhooks": Permission.MANAGE_SERVICE,
    "POST /api/v1/webhooks": Permission.MANAGE_SERVICE,
    "DELETE /api/v1/webhooks/{webhook_id}": Permission.MANAGE_SERVICE,
}

RIGHTS: Final[dict[str, Needs]] = {**_STATE, **_ACCOUNTS, **_PAGES, **_API}
"""By method and the route's path, as the route writes it. Routers have no prefix of their own."""
