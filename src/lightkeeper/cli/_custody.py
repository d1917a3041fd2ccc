"""What ``audit``, ``vault`` and ``cases`` work on: data base, vault and key file of the cases."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.storage.cases import SqlCaseStore
    from lightkeeper.storage.keys import KeyRing

CasesOption = Annotated[
    str | None, typer.Option("--cases", help="Data base of the cases (URL) [default: setting].")
]
KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="The service's key file [default: setting].")
]
VaultOption = Annotated[
    str | None, typer.Option("--vault", help="Folder or s3://BUCKET/PREFIX [default: setting].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, one line per row.")]


def now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


def key_ring(option: Path | None) -> KeyRing:
    """The key ring of an option, or of the settings; it is never made here."""
    from lightkeeper.storage.keys import KeyRing

    return KeyRing.open((option or load_settings().keys).expanduser())


@contextmanager
def opened_cases(url: str | None, ring: KeyRing) -> Iterator[SqlCaseStore]:
    """The cases of an option, or of the settings; they are never made here."""
    from lightkeeper.storage.cases import open_cases

    address = url or load_settings().cases
    store = open_cases(address, audit_key=ring.audit_key(), create=False)
    try:
        yield store
    finally:
        store.close()
