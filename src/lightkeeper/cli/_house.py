"""From the settings to a plan of the review service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from lightkeeper.cases.exposure import Budget
from lightkeeper.cli._known import KnownMaterial, with_known_material
from lightkeeper.cli._local_desk import desk_rules, sender
from lightkeeper.cli._settings import data_folder, load_settings
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.reporting.cybertipline import ReporterProfile
from lightkeeper.reporting.cybertipline.elements.contact import Email, Person
from lightkeeper.reporting.cybertipline.elements.report import Reporter
from lightkeeper.reporting.sending import ReceiverConfig
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.service._house import HousePlan
from lightkeeper.service._services import ServiceConfig
from lightkeeper.service.openid._config import OpenIdConfig

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.cli._service_settings import (
        OpenIdSettings,
        ReporterSettings,
        ReportSettings,
        ServiceSettings,
    )
    from lightkeeper.scan._worker import Builder


def house_plan(*, port: int) -> HousePlan:
    """The plan that the settings make, for a service on this port.

    Raises
    ------
    InvalidConfiguration
        A setting is wrong or lacks another.
    """
    settings = load_settings()
    service = settings.service
    policy = Policy(
        limits=settings.media_limits(),
        marks=settings.marks,
        trust_anchors=settings.trust_anchors,
    )
    if settings.policy:
        policy = Policy.from_toml(settings.policy, base=policy)
    policy, build = _examination(policy)
    return HousePlan(
        cases=settings.cases,
        vault=settings.vault,
        keys=settings.keys,
        jobs=service.queue or f"sqlite:///{data_folder() / 'jobs.db'}",
        policy=policy,
        build=build,
        config=_config(service, port),
        rules=desk_rules(service),
        budget=_budget(service),
        receiver=_receiver(settings.report),
        profile=_profile(settings.report.reporter),
        sets=settings.store if (settings.index / "manifest.json").is_file() else None,
        sender=sender(service),
        examiners=service.examiners,
        detector_seconds=service.detector_seconds_per_hour,
        threads=service.threads,
    )


def _config(service: ServiceSettings, port: int) -> ServiceConfig:
    return ServiceConfig(
        url=service.url or f"http://localhost:{port}",
        proxies=service.proxies,
        local=service.local,
        openid=None if service.openid is None else _openid(service.openid),
        break_reminders=service.break_reminders,
    )


def _openid(settings: OpenIdSettings) -> OpenIdConfig:
    secret = settings.client_secret.get_secret_value() if settings.client_secret else None
    if settings.client_secret_file is not None:
        secret = _secret_of(settings.client_secret_file, "service.openid.client_secret_file")
    return OpenIdConfig(
        issuer=settings.issuer,
        client_id=settings.client_id,
        client_secret=secret,
        name=settings.name,
        scopes=settings.scopes,
        hosts=frozenset(host.lower() for host in settings.hosts),
        claim=settings.claim,
        roles=settings.roles,
    )


def _secret_of(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{setting} cannot be read") from error


def _examination(policy: Policy) -> tuple[Policy, Builder]:
    """With the hash sets, where there are any: uploads are looked up in all of them."""
    known = KnownMaterial.from_settings()
    if not policy.sets and not (known.index / "manifest.json").is_file():
        return policy, default_examiners
    policy = replace(policy, sets=policy.sets or ("all",))
    # Opened here too: what is wrong with it is said before any worker starts.
    known.open(policy.sets, warn=True)
    return policy, partial(with_known_material, known=known)


def _budget(service: ServiceSettings) -> Budget:
    return Budget(
        shift=timedelta(hours=service.shift_hours),
        points=service.reveal_points,
        seconds=service.reveal_seconds,
        break_after=timedelta(minutes=service.break_after_minutes),
    )


def _receiver(settings: ReportSettings) -> ReceiverConfig | None:
    if settings.url is None:
        return None
    if settings.user is None or settings.password_file is None:
        raise InvalidConfiguration("report.url needs report.user and report.password_file")
    password = _secret_of(settings.password_file, "report.password_file")
    return ReceiverConfig(
        base_url=settings.url,
        user_name=settings.user,
        password=password,
        proxy=settings.proxy,
    )


def _profile(settings: ReporterSettings | None) -> ReporterProfile | None:
    if settings is None:
        return None
    person = Person(
        first_name=settings.first_name,
        last_name=settings.last_name,
        email=(Email(value=settings.email),),
    )
    return ReporterProfile(
        reporter=Reporter(
            reporting_person=person,
            company_template=settings.company_template,
            terms_of_service=settings.terms_of_service,
            legal_url=settings.legal_url,
        ),
        platform=settings.platform,
        service=settings.service,
        shares_hashes=settings.shares_hashes,
    )
