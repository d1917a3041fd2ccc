"""``lightkeeper cases``: what an operator does without a platform that calls the API."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cases.custody import sign_certificate
from lightkeeper.cases.custody._retention import may_destroy
from lightkeeper.cases.record import UNDECIDED, Arising, CaseState
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.cli._case_words import HEADING, case_line, case_row, file_row, file_text
from lightkeeper.cli._custody import CasesOption, JsonOption, KeysOption, VaultOption, now
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._import_command import import_cases
from lightkeeper.cli._local_desk import LocalDesk, local_desk
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidTransition, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.cases.record import Case

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Take in cases, list and show them, and destroy those whose time is over.\n\n"
    "There is no sign-in: who can read the key file and the data base can do everything to them. "
    "Every act, reading included, is written to the audit as local:NAME, by the name of the "
    "operating system's user. Nobody decides about a case or reports it from here.",
)

app.command("import")(import_cases)


@app.command("list")
def list_cases(
    state: Annotated[
        list[CaseState] | None,
        typer.Option(help="In this state; may be given again [default: open, second-opinion]."),
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option(help="Of this queue; may be given again.")
    ] = None,
    origin: Annotated[
        list[Arising] | None, typer.Option(help="That arose there; may be given again.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="About exactly this.")] = None,
    sort: Annotated[Sort, typer.Option(help="Order.")] = Sort.RANK,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    cases: CasesOption = None,
    vault: VaultOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cases, most urgent first. It is written to the audit."""
    which = CaseFilter(
        states=frozenset(state) if state else UNDECIDED,
        queues=frozenset(queue) if queue else None,
        arising=frozenset(origin or ()),
        subject=subject,
    )
    with local_desk(cases, vault, keys) as local:
        _listed(local, which, sort, limit, as_json=as_json)


@app.command()
def due(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1_000,
    cases: CasesOption = None,
    vault: VaultOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cases whose retention is over and on which no hold stands; exit code 6 if there are any.

    Nothing destroys them but a person: 'lightkeeper cases destroy', or a hold on their page.
    """
    with local_desk(cases, vault, keys) as local:
        which = CaseFilter(past_retention=True)
        any_due = _listed(local, which, Sort.OLDEST, limit, as_json=as_json)
    raise typer.Exit(Exit.PERSON_NEEDED if any_due else Exit.OK)


@app.command()
def show(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Its identifier.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what the score is made of.")
    ] = False,
    cases: CasesOption = None,
    vault: VaultOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a case, without its pixels. It is written to the audit.

    Texts and prompts stand in --json only.
    """
    with local_desk(cases, vault, keys) as local:
        row = file_row(local.desk.case_file(local.operator, case), now=now())
    write_rows([row], as_json=as_json, render=lambda row: file_text(row, explain=explain))


@app.command()
def destroy(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Its identifier.")],
    reason: Annotated[str, typer.Option(help="On whose request, and why; it is kept.")],
    law_enforcement: Annotated[
        bool,
        typer.Option(
            "--law-enforcement", help="The request is of law enforcement: before its time too."
        ),
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the certificate goes [default: standard output]."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    cases: CasesOption = None,
    vault: VaultOption = None,
    keys: KeysOption = None,
) -> None:
    """Destroy media and texts of a case for good, and give the signed certificate of it.

    The certificate is kept nowhere else. You are asked to type the case's identifier, unless you
    say --yes. A hold, a report under way, and a time of preservation that has not passed stand
    against it.
    """
    if certificate is not None and certificate.exists():
        raise OutputError(f"{certificate} is there already; nothing was destroyed")
    with local_desk(cases, vault, keys) as local:
        found = local.desk.case_file(local.operator, case).case
        refusal = may_destroy(found, now=now(), lawful_request=law_enforcement)
        if refusal is not None:
            raise InvalidTransition(f"{refusal}; nothing was destroyed")
        if not yes and not _confirmed(found):
            raise typer.BadParameter("the identifier was not repeated; nothing was destroyed")
        with _writable(certificate):
            made = local.desk.destroy(
                local.operator, case, request=reason, by_law_enforcement=law_enforcement
            )
        signed = json.dumps(sign_certificate(made, local.ring.signing_key()), indent=2) + "\n"
    if certificate is None:
        sys.stdout.write(signed)
        return
    try:
        write_whole(certificate, signed.encode())
    except OutputError:
        # It is kept nowhere else, and what it is about is gone.
        sys.stdout.write(signed)
        raise


@contextmanager
def _writable(certificate: Path | None) -> Iterator[None]:
    """That a certificate can be written is found out before anything is destroyed, not after."""
    if certificate is None:
        yield
        return
    write_whole(certificate, b"")
    try:
        yield
    except BaseException:
        certificate.unlink(missing_ok=True)
        raise


def _confirmed(case: Case) -> bool:
    sys.stderr.write(
        printable(
            f"This destroys {case.outline.items} items of case {case.id}, about "
            f"{case.subject.identifier}, for good. Type the case's identifier: "
        )
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip() == case.id


def _listed(local: LocalDesk, which: CaseFilter, sort: Sort, limit: int, *, as_json: bool) -> bool:
    """Print cases of a filter; whether there were any."""
    found = False
    if not as_json:
        write_text(HEADING)
    for row in _rows(local, which, sort, limit):
        found = True
        write_rows([row], as_json=as_json, render=case_line)
    return found


def _rows(local: LocalDesk, which: CaseFilter, sort: Sort, limit: int) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while limit:
        page = local.desk.queue(
            local.operator, which, sort=sort, after=after, limit=min(limit, 200)
        )
        for case in page.cases:
            yield case_row(case, now=now())
        limit -= len(page.cases)
        after = page.next
        if after is None:
            return
