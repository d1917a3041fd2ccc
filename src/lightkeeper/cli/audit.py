"""``lightkeeper audit``: what was done to cases, and whether anybody has altered the record."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cases.audit import Anchor, ChainReport
from lightkeeper.cases.desk import verify_audit
from lightkeeper.cli._custody import CasesOption, JsonOption, KeysOption, key_ring, opened_cases
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.errors import CaseError, InvalidConfiguration
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from lightkeeper.cases.audit import Event

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Verify, anchor or show the audit of cases.",
)


@app.command()
def verify(
    anchor: Annotated[
        list[Path] | None,
        typer.Option("--anchor", help="File of anchors, one a line; may be given again."),
    ] = None,
    case: Annotated[str | None, typer.Option("--case", help="Tell about this case too.")] = None,
    cases: CasesOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole audit and say where it was altered; exit code 5 where it was."""
    anchors = [found for path in anchor or () for found in _read_anchors(path)]
    ring = key_ring(keys)
    of_case: list[int] = []
    with opened_cases(cases, ring) as store, store.reading() as reader:
        report = verify_audit(reader, ring.audit_key(), now=datetime.now(UTC), anchors=anchors)
        if case is not None:
            of_case = [event.sequence for event in reader.events(after=0, case=case)]
    row: dict[str, Any] = {"intact": report.intact, **to_plain(report)}
    if case is not None:
        touched = sorted({b.sequence for b in report.breaks} & set(of_case))
        row["case"] = {"id": case, "events": len(of_case), "altered": touched}
    if as_json:
        sys.stdout.write(json.dumps(row) + "\n")
    else:
        _tell(report, row.get("case"))
    raise typer.Exit(Exit.OK if report.intact else Exit.ALTERED)


@app.command()
def anchor(cases: CasesOption = None, keys: KeysOption = None) -> None:
    """Print where the audit stands now, as a line to keep where nobody of the service reaches it.

    It is printed only where the whole audit is intact.
    """
    ring = key_ring(keys)
    with opened_cases(cases, ring) as store, store.reading() as reader:
        head = reader.head()
        report = verify_audit(reader, ring.audit_key(), now=datetime.now(UTC))
    if not report.intact:
        sys.stderr.write(_flaws(report) + "\n")
        raise typer.Exit(Exit.ALTERED)
    if head is None:
        raise CaseError("there is nothing to anchor: the audit is empty")
    sys.stdout.write(Anchor(head.sequence, head.digest, datetime.now(UTC)).line() + "\n")


@app.command()
def show(
    case: Annotated[str | None, typer.Option("--case", help="Only of this case.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only after this event.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    cases: CasesOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show events, oldest first. They are shown as they stand: 'verify' says whether they hold."""
    with opened_cases(cases, key_ring(keys)) as store, store.reading() as reader:
        rows = map(to_plain_event, reader.events(after=after, case=case, limit=limit))
        write_rows(rows, as_json=as_json, render=_render)


def to_plain_event(event: Event) -> dict[str, Any]:
    """An event as JSON holds it."""
    row = {name: getattr(event, name) for name in type(event).__slots__ if name != "at"}
    return {"sequence": row.pop("sequence"), "at": event.at.isoformat(), **to_plain(row)}


def _render(row: dict[str, Any]) -> str:
    details = " ".join(f"{name}={value}" for name, value in row["details"].items())
    line = f"{row['sequence']:>8}  {row['at'][:19]}  {row['action']:<17} {row['actor']:<18}"
    return f"{line} {row['object']}  {details}".rstrip()


def _read_anchors(path: Path) -> list[Anchor]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        anchors = [Anchor.parse(line) for line in lines if line.strip()]
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error
    except (InvalidConfiguration, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{path} holds a line that is no anchor") from error
    if not anchors:
        # An empty file would otherwise pass for a comparison.
        raise InvalidConfiguration(f"{path} holds no anchor")
    return anchors


def _tell(report: ChainReport, case: dict[str, Any] | None) -> None:
    if report.intact:
        anchors = f", through {report.anchors:,} anchors" if report.anchors else ""
        sealed = ", sealed by this key file" if report.sealed else ""
        write_text(f"The audit is intact: {report.events:,} events{sealed}{anchors}.")
    else:
        write_text(_flaws(report))
    if case is not None:
        altered = ", ".join(map(str, case["altered"]))
        told = f"altered at {altered}" if altered else "none of them is where a flaw shows"
        write_text(printable(f"Case {case['id']}: {case['events']:,} events, {told}."))


def _flaws(report: ChainReport) -> str:
    lines = [f"The audit was altered: {report.found:,} flaws in {report.events:,} events."]
    lines += [f"  event {b.sequence}: {b.flaw.sentence}" for b in report.breaks]
    if report.found > len(report.breaks):
        lines.append(f"  … and {report.found - len(report.breaks):,} more")
    return "\n".join(lines)
