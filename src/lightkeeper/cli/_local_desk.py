"""The desk as whoever sits at this machine has it: ``cases`` and ``report`` work with it.

Who can read the key file and the data base can read and change everything in them, with or without
this program. So there is no sign-in here; every act is written to the audit under the name of the
operating system's user.
"""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cli._custody import key_ring, now, opened_cases
from lightkeeper.cli._settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lightkeeper.cli._service_settings import ServiceSettings
    from lightkeeper.reporting.package._organisation import Organisation
    from lightkeeper.storage.cases import SqlCaseStore
    from lightkeeper.storage.keys import KeyRing


@dataclass(frozen=True, slots=True)
class LocalDesk:
    """A desk, what it stands on, and who works at it."""

    desk: Desk
    store: SqlCaseStore
    ring: KeyRing
    operator: Actor


@contextmanager
def local_desk(cases: str | None, vault: str | None, keys: Path | None) -> Iterator[LocalDesk]:
    """The desk of the options, or of the settings; nothing of it is made here."""
    from lightkeeper.storage.vault import open_vault

    ring = key_ring(keys)
    settings = load_settings()
    with opened_cases(cases, ring) as store:
        desk = Desk(
            store,
            open_vault(vault or settings.vault, ring),
            clock=now,
            rules=desk_rules(settings.service),
        )
        yield LocalDesk(desk, store, ring, operator())


def operator() -> Actor:
    """Whoever runs this process, by the name that the operating system knows."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    roles = frozenset({Role.INTAKE, Role.LEAD, Role.REPORTER})
    return Actor(id=f"local:{name}", name=f"{name}, on the command line", roles=roles)


def sender(service: ServiceSettings) -> Organisation | None:
    """Who hands evidence out, where the settings say it."""
    from lightkeeper.reporting.package._organisation import Organisation

    named = service.organisation
    return None if named is None else Organisation(name=named.name, contact=named.contact)


def desk_rules(service: ServiceSettings) -> Rules:
    """The rules that the settings make."""
    return Rules(
        claim_lasts=timedelta(minutes=service.claim_minutes),
        second_opinion_share=service.second_opinion_share,
        retention=timedelta(days=service.retention_days),
        reuse_known_decisions=service.reuse_known_decisions,
    )
