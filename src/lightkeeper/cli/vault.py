"""``lightkeeper vault``: whether kept media is whole, and the keys that it is under."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.people import SERVICE
from lightkeeper.cli._custody import (
    CasesOption,
    JsonOption,
    KeysOption,
    VaultOption,
    key_ring,
    now,
    opened_cases,
)
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.cases import CaseStore
    from lightkeeper.storage.keys import KeyRing
    from lightkeeper.storage.vault import Checked, SealedVault

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Verify kept media, and change the keys that it is under.",
)


@app.command()
def verify(vault: VaultOption = None, keys: KeysOption = None, as_json: JsonOption = False) -> None:
    """Decrypt every kept object, and say which were altered; exit code 5 where one was."""
    opened = _open(vault, key_ring(keys))
    whole, damaged = _told(opened.check(), as_json)
    row = {"whole": whole, "damaged": damaged, "unfinished": opened.unfinished()}
    _end(row, as_json)


@app.command()
def rotate(
    resume: Annotated[
        bool, typer.Option("--resume", help="Make no new key; go on where a rotation stopped.")
    ] = False,
    vault: VaultOption = None,
    cases: CasesOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new master key, and wrap every data key with it. The service may be running.

    The old key stays in the key file until 'retire'. Back the key file up first, and again after.
    """
    ring = key_ring(keys)
    opened = _open(vault, ring)
    with opened_cases(cases, ring) as store:
        if not resume:
            ring.rotate(now=now())
        whole, damaged = _told(opened.rewrap(), as_json)
        _note(store, {"wrapped": str(whole), "new-key": "no" if resume else "yes"})
    _end({"wrapped": whole, "damaged": damaged, "master_keys": len(ring.masters())}, as_json)


@app.command()
def retire(
    vault: VaultOption = None,
    cases: CasesOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget the master keys that wrap nothing any more, an hour after their successor came.

    What was destroyed can then be read from no backup of the vault, unless one of the key file
    was kept as well. A vault that is restored from before the last rotation is lost too.
    """
    ring = key_ring(keys)
    opened = _open(vault, ring)
    with opened_cases(cases, ring) as store:
        gone = ring.retire(opened.in_use(), now=now())
        if gone:
            _note(store, {"retired": str(len(gone))})
    _end({"retired": len(gone), "master_keys": len(ring.masters())}, as_json)


def _open(option: str | None, ring: KeyRing) -> SealedVault:
    from lightkeeper.storage.vault import open_vault

    return open_vault(option or load_settings().vault, ring)


def _told(objects: Iterable[Checked], as_json: bool) -> tuple[int, int]:
    """How many objects were whole and how many not; these are told as they are met."""
    whole = damaged = 0
    for found in objects:
        if found.problem is None:
            whole += 1
            continue
        damaged += 1
        if as_json:
            row = {"object": found.key, "problem": found.problem}
            sys.stdout.write(json.dumps(row) + "\n")
        else:
            sys.stderr.write(f"{found.key}: {found.problem}\n")
    return whole, damaged


def _note(store: CaseStore, details: dict[str, str]) -> None:
    draft = EventDraft(
        at=now(),
        actor=SERVICE.id,
        action=Action.KEYS_ROTATED,
        object="service",
        details={"by": "command line", **details},
    )
    with store.writing() as writer:
        writer.append([draft])


def _end(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(row) + "\n")
    else:
        told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in row.items())
        write_text(told[:1].upper() + told[1:] + ".")
    raise typer.Exit(Exit.ALTERED if row.get("damaged") else Exit.OK)
