"""``lightkeeper report``: where reports stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lightkeeper.cli._custody import (
    CasesOption,
    JsonOption,
    KeysOption,
    key_ring,
    now,
    opened_cases,
)
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.errors import CaseNotFound, MissingExtra

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.reporting import ReportReader
    from lightkeeper.reporting.outbox import Receipt, Submission

_OVERDUE: Final = (
    "What waits should have been sent hours ago. Does no worker run? If this is a restored backup,"
    "\nit may have been sent since: ask the receiver what it has of your account. The worker sends"
    "\nnone of it until a person says on its page to try again, or withdraws it."
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Say where reports stand. They are prepared, confirmed and withdrawn on the pages, by "
    "people who have signed in; nothing is sent from here.",
)


@app.callback()
def _report() -> None:
    """Say where reports stand."""


@app.command()
def status(
    report: Annotated[
        str | None, typer.Argument(metavar="REPORT", help="Show the receipts of this one.")
    ] = None,
    cases: CasesOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show reports that are not finished, or what the receiver has answered about one.

    Exit codes: 0 nothing needs a person; 4 could not run; 6 a person is needed: a draft waits to
    be confirmed, a report was given up (dead), the receiver deletes an unfinished one within two
    hours, or one should have been sent more than two hours ago. What a report says is not shown.
    """
    with opened_cases(cases, key_ring(keys)) as store, store.reading() as reader:
        if report is not None:
            needed = _one(reader, report, as_json=as_json)
        else:
            needed = _all(reader, as_json=as_json)
    raise typer.Exit(Exit.PERSON_NEEDED if needed else Exit.OK)


def _all(reader: ReportReader, *, as_json: bool) -> bool:
    standing = _standing()
    found = reader.submissions_in(standing.UNFINISHED, limit=1_000)
    rows = [_row(each, reader.receipts(each.id)) for each in found]
    write_rows(rows, as_json=as_json, render=_line)
    sums = standing.standing(found)
    if not as_json:
        told = f"{sums.drafts:,} drafts, {sums.waiting:,} waiting, {sums.unfinished:,} unfinished"
        write_text(f"{told}, {sums.dead:,} dead.")
        if sums.is_overdue(now()):
            write_text(_OVERDUE)
    return bool(sums.needs_person(now()))


def _one(reader: ReportReader, report: str, *, as_json: bool) -> bool:
    submission = reader.submission(report)
    if submission is None:
        raise CaseNotFound("there is no such report")
    receipts = reader.receipts(report)
    row = _row(submission, receipts) | {"receipts": [_receipt(each) for each in receipts]}
    write_rows([row], as_json=as_json, render=_lines)
    return bool(_standing().standing([submission]).needs_person(now()))


def _row(submission: Submission, receipts: tuple[Receipt, ...]) -> dict[str, Any]:
    ends = _standing().expires(submission) if submission.finished_at is None else None
    return {
        "report": submission.id,
        "case": submission.case,
        "state": submission.state.value,
        "receiver_number": submission.report_id,
        "prepared": _time(submission.prepared_at),
        "confirmed": _time(submission.confirmed_at),
        "deadline": _time(ends),
        "attempts": submission.attempts,
        "next_attempt": _time(submission.next_attempt),
        "problem": submission.problem,
        "finished": _time(submission.finished_at),
        "answers": len(receipts),
        "last_answer": _receipt(receipts[-1]) if receipts else None,
    }


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "at": _time(receipt.at),
        "step": receipt.step.value,
        "item": receipt.item,
        "status": receipt.status,
        "code": receipt.code,
        "request_id": receipt.request_id,
    }


def _line(row: dict[str, Any]) -> str:
    text = f"{row['report']:<16}  {row['state']:<9}  case {row['case']:<16}"
    if row["receiver_number"]:
        text += f"  number {row['receiver_number']}"
    if row["deadline"]:
        text += f"  deadline {_minute(row['deadline'])} UTC"
    if row["attempts"]:
        text += f"  {row['attempts']} failures"
    if row["answers"]:
        last = row["last_answer"]
        text += f"  {row['answers']} answers, the last to {last['step']}: {_code(last)}"
    return text + (f"\n    {row['problem']}" if row["problem"] else "")


def _lines(row: dict[str, Any]) -> str:
    lines = [_line(row)]
    for each in row["receipts"]:
        request = f"  request {each['request_id']}" if each["request_id"] else ""
        lines.append(f"    {_minute(each['at'])}  {each['step']:<8}  {_code(each)}{request}")
    return "\n".join(lines)


def _code(receipt: dict[str, Any]) -> str:
    if not receipt["status"]:
        return "no answer"
    code = "" if receipt["code"] is None else f", code {receipt['code']}"
    return f"status {receipt['status']}{code}"


def _minute(text: str) -> str:
    return text[:16].replace("T", " ")


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _standing() -> Any:
    try:
        from lightkeeper.reporting.sending import _standing as standing
    except ModuleNotFoundError as error:
        raise MissingExtra("Reports", extra="service") from error
    return standing
