"""The whole service of one machine: stores, workers, jobs and the app, from one plan."""

from __future__ import annotations

import contextlib
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.exposure import Budget
from lightkeeper.errors import InvalidConfiguration, InvalidReport
from lightkeeper.reporting.cybertipline import prepare
from lightkeeper.reporting.sending import CyberTipline, ReportDesk
from lightkeeper.reporting.sending._standing import standing_of
from lightkeeper.reporting.webhooks import Notifier
from lightkeeper.service._app import create_app
from lightkeeper.service._services import ServiceConfig, Services
from lightkeeper.service.examine import ExaminerPool
from lightkeeper.service.examine._hour import Hour
from lightkeeper.service.jobs import Jobs, Worker, open_queue
from lightkeeper.service.jobs._backlog import backlog, count_failures
from lightkeeper.service.jobs._queue import close_queue
from lightkeeper.service.openid._issuer import Issuer
from lightkeeper.storage import open_store
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import open_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from lightkeeper.matching import SetStore
    from lightkeeper.reporting.cybertipline import ReporterProfile
    from lightkeeper.reporting.outbox import PreparedReport
    from lightkeeper.reporting.package._organisation import Organisation
    from lightkeeper.reporting.sending import ReceiverConfig
    from lightkeeper.scan import Policy
    from lightkeeper.scan._worker import Builder
    from lightkeeper.storage.cases import SqlCaseStore


@dataclass(frozen=True, slots=True, kw_only=True)
class HousePlan:
    """Where everything is, and by which rules it works."""

    cases: str
    """URL of the cases' data base."""
    vault: str
    """Folder or bucket of the media."""
    keys: Path
    """The service's key file; it is made where there is none."""
    jobs: str
    """URL of the queue of jobs."""
    policy: Policy
    """Of the examination of what comes in."""
    build: Builder
    config: ServiceConfig = field(default_factory=ServiceConfig)
    rules: Rules = field(default_factory=Rules)
    budget: Budget = field(default_factory=Budget)
    receiver: ReceiverConfig | None = None
    """Where reports go; nothing is sent where it is not set."""
    profile: ReporterProfile | None = None
    """Who reports; no report can be prepared without it."""
    sets: str | None = None
    """URL of the hash sets, whose matches are counted in the statistics."""
    sender: Organisation | None = None
    """Who hands evidence out."""
    examiners: int = 1
    """Processes that examine."""
    detector_seconds: float | None = None
    """Seconds an hour that the stages of the policy's cascade may take, over all processes."""
    threads: int = 4
    """Threads that take jobs in this process; 0 where other processes do."""


@dataclass(frozen=True, slots=True)
class House:
    """A service that is set up. The workers run until the context ends."""

    app: FastAPI
    services: Services
    jobs: Jobs


@contextlib.contextmanager
def open_house(plan: HousePlan, *, lookups: FastAPI | None = None) -> Iterator[House]:
    """Open stores, start workers, and make the app; close and stop everything at the end.

    Raises
    ------
    LightkeeperError
        Something of the plan cannot be used; nothing runs then.
    """
    with contextlib.ExitStack() as stack:
        ring = _keys(plan)
        store = open_cases(plan.cases, audit_key=ring.audit_key())
        stack.callback(store.close)
        vault = open_vault(plan.vault, ring)
        desk = Desk(store, vault, clock=now, rules=plan.rules)
        reports = ReportDesk(
            store,
            vault,
            clock=now,
            prepare=_prepare(plan.profile),
            retention=plan.rules.retention,
        )
        hour = _hour(plan, store)
        pool = ExaminerPool(plan.policy, plan.build, workers=plan.examiners, hour=hour)
        stack.callback(pool.stop)
        works = {"webhooks": _webhooks(stack, store, ring)}
        if plan.receiver is not None:
            works["reports"] = _sending(stack, reports, plan.receiver)
        queue = open_queue(plan.jobs)
        stack.callback(close_queue, queue)
        count_failures(queue)
        hourly = {"retention": _retention(desk)}
        jobs = Jobs(queue, desk, pool, every_minute=works, every_hour=hourly)
        issuer = Issuer(plan.config.openid) if plan.config.openid else None
        if issuer is not None:
            stack.callback(issuer.close)
        services = Services(
            cases=store,
            accounts=store,
            desk=desk,
            reports=reports,
            vault=vault,
            webhooks=store,
            keys=ring,
            examine=jobs.examine,
            clock=now,
            budget=plan.budget,
            issuer=issuer,
            backlog=partial(backlog, queue),
            outbox=partial(standing_of, store),
            hour=hour,
            sender=plan.sender,
            receiver=urlsplit(plan.receiver.base_url).hostname if plan.receiver else None,
            sets=_sets(stack, plan.sets),
        )
        if plan.threads:
            worker = Worker(queue, threads=plan.threads)
            worker.start()
            stack.callback(worker.stop)
        yield House(create_app(services, plan.config, lookups=lookups), services, jobs)


def _keys(plan: HousePlan) -> KeyRing:
    """The key file; a new one only where there is nothing yet that an old one had closed."""
    if not plan.keys.exists():
        store = open_cases(plan.cases, audit_key=bytes(32))
        try:
            with store.reading() as reader:
                if reader.head() is not None:
                    raise InvalidConfiguration(
                        "the key file is not there, and the data base was written with it",
                        hint="restore it: without it no media can be opened",
                    )
        finally:
            store.close()
    return KeyRing.open(plan.keys, create=True)


def _hour(plan: HousePlan, store: SqlCaseStore) -> Hour | None:
    if plan.policy.cascade is None:
        if plan.detector_seconds is not None:
            raise InvalidConfiguration(
                "service.detector_seconds_per_hour needs a cascade, whose stages it is for",
                hint="[cascade] in the scan policy that the service uses",
            )
        return None
    seconds = math.inf if plan.detector_seconds is None else plan.detector_seconds
    return Hour(book=store.hour_book(), rules=plan.policy.cascade, seconds=seconds, clock=now)


def _sets(stack: contextlib.ExitStack, url: str | None) -> SetStore | None:
    if url is None:
        return None
    store = open_store(url, create=False)
    stack.callback(store.close)
    return store


def now() -> datetime:
    """The service's clock."""
    return datetime.now(UTC)


def _prepare(profile: ReporterProfile | None) -> Callable[..., PreparedReport]:
    if profile is None:
        return _no_reporter
    return partial(prepare, profile=profile)


def _no_reporter(*_: Any, **__: Any) -> PreparedReport:
    raise InvalidReport(
        "nobody is configured as the reporter", hint="set report.reporter, see the how-to"
    )


def _retention(desk: Desk) -> Callable[[], None]:
    def put_forward() -> None:
        desk.put_forward()

    return put_forward


def _sending(
    stack: contextlib.ExitStack, reports: ReportDesk, receiver: ReceiverConfig
) -> Callable[[], None]:
    client = stack.enter_context(CyberTipline(receiver))

    def send() -> None:
        reports.work(client)

    return send


def _webhooks(stack: contextlib.ExitStack, store: Any, ring: KeyRing) -> Callable[[], None]:
    notifier = Notifier(store, ring.signing_key(), clock=now, chance=random.random)
    stack.callback(notifier.close)

    def deliver() -> None:
        notifier.deliver()

    return deliver
