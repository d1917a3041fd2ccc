"""Settings of the review service and of its reports."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lightkeeper.cases.people import Role  # noqa: TC001


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenIdSettings(_Group):
    """Who vouches for people in the place of a password."""

    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    """Better in ``client_secret_file``, or in the environment."""
    client_secret_file: Path | None = None
    name: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    hosts: frozenset[str] = frozenset()
    """Hosts besides the issuer's that its keys and tokens may come from."""
    claim: str = "groups"
    roles: dict[str, frozenset[Role]] = Field(default_factory=dict)
    """Values of the claim to roles here."""


class OrganisationSettings(_Group):
    """Who runs the service, for receivers of its evidence packages."""

    name: str = Field(min_length=1, max_length=200)
    contact: str = Field(min_length=1, max_length=500)
    """Where a receiver asks."""


class ServiceSettings(_Group):
    """The review service. See ``docs/reference/settings.md``."""

    url: str | None = None
    """Under which browsers reach it; ``http://localhost:PORT`` by default."""
    organisation: OrganisationSettings | None = None
    proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies, whose ``X-Forwarded-For`` is believed."""
    queue: str | None = None
    """URL of the queue of jobs; SQLite in the data folder by default."""
    examiners: int = Field(default=1, ge=1)
    """Processes that examine what comes in."""
    detector_seconds_per_hour: float | None = Field(default=None, gt=0)
    """What the stages of the policy's cascade may take, over all processes; no end by default."""
    threads: int = Field(default=4, ge=0)
    """Threads that take jobs in the serving process; 0 where ``lightkeeper work`` does."""
    claim_minutes: float = Field(default=15.0, gt=0)
    second_opinion_share: float = Field(default=0.05, ge=0, le=1)
    retention_days: float = Field(default=366.0, ge=366.0)
    """Of a reported case, from its submission."""
    reuse_known_decisions: bool = False
    shift_hours: float = Field(default=4.0, gt=0)
    reveal_points: float = Field(default=200.0, gt=0)
    """What one shift may hold of reveals, weighed by severity."""
    reveal_seconds: float = Field(default=3600.0, gt=0)
    break_after_minutes: float = Field(default=50.0, gt=0)
    break_reminders: bool = True
    """Suggest breaks; people may still turn that off for themselves."""
    local: bool = True
    """People may sign in with a password of this service."""
    openid: OpenIdSettings | None = None


class ReporterSettings(_Group):
    """Who reports. Without it no report can be prepared."""

    first_name: str | None = None
    last_name: str | None = None
    email: str
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = None
    platform: str | None = None
    service: str | None = None
    shares_hashes: bool = False
    """The agreement of the industry's hash-sharing platform is signed."""


class ReportSettings(_Group):
    """Where reports go. Nothing is sent without it."""

    url: str | None = None
    user: str | None = None
    password_file: Path | None = None
    proxy: str | None = None
    reporter: ReporterSettings | None = None
