"""``lightkeeper cases import``: the command around a run, and what it tells."""

from __future__ import annotations

import re
import signal
import sys
from typing import Annotated, Final

import typer

# Typer reads the annotations.
from lightkeeper.cases.record import Arising, SubjectKind  # noqa: TC001
from lightkeeper.cli._custody import CasesOption, JsonOption, KeysOption, VaultOption  # noqa: TC001
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._import_plan import ImportPlan, Passed
from lightkeeper.cli._import_run import ImportRun
from lightkeeper.cli._local_desk import local_desk
from lightkeeper.cli._printable import printable
from lightkeeper.cli._progress import progress
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._settings import load_settings

_QUEUE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def _checked_queue(name: str) -> str:
    if not _QUEUE.fullmatch(name):
        raise typer.BadParameter("a queue's name has small letters, digits and hyphens")
    return name


def import_cases(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Folders, files, and JSON lines (.jsonl)."),
    ],
    origin: Annotated[Arising, typer.Option(help="Where the material arose.")],
    queue: Annotated[
        str, typer.Option(callback=_checked_queue, help="Queue of the cases.")
    ] = "default",
    subject: Annotated[
        str | None, typer.Option(metavar="NAME", help="Gather everything in one case, about this.")
    ] = None,
    subject_kind: Annotated[
        SubjectKind | None,
        typer.Option(help="What the subjects are [default: by the origin, or unknown]."),
    ] = None,
    every_row: Annotated[
        bool, typer.Option("--all", help="Of a scan's rows, take those too that ask for nobody.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no closing lines.")
    ] = False,
    cases: CasesOption = None,
    vault: VaultOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files, rows of a scan, or prompts in as cases, as the API does.

    A folder makes one case for each folder directly in it, and one for the files that lie in it
    themselves; what lies deeper belongs to the folder directly in it. In folders only pictures are
    taken, by content or name; a file that is named is taken whatever it is. A file that is named,
    by you or by a scan, belongs to the case of its own folder. --subject makes one case of all.
    A case takes 500 items; then the next one of the same folder or subject is opened.

    JSON lines are rows of 'lightkeeper scan --jsonl', or objects with "prompt" or "text", and
    perhaps "subject" and "facts". Of a scan those rows are taken that ask for a person: a match in
    a hash set, generation parameters, a reference to a model, a mark, a statement of origin, a
    contradiction, or a priority above 50; --all takes every row. The file must still be the one
    that was scanned.

    It may be stopped and run again, by anybody: the same file is never taken twice. Files are
    encrypted into the vault, left where they are, and copied nowhere else. They are examined by the
    service, 'lightkeeper serve' or 'lightkeeper work'.

    Exit codes: 0 done; 2 wrong usage; 3 something was refused, each with its reason; 4 could not
    go on: run it again; 130 interrupted: run it again.
    """
    plan = ImportPlan(
        paths=paths,
        origin=origin,
        queue=queue,
        subject=subject,
        subject_kind=subject_kind,
        every_row=every_row,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    most = load_settings().media_limits().max_bytes
    with local_desk(cases, vault, keys) as local:
        run, passed = ImportRun(local, plan, most_bytes=most), Passed()
        try:
            _take_all(run, plan, passed, as_json=as_json, quiet=quiet)
        except KeyboardInterrupt:
            _close(run, passed, as_json=as_json, quiet=quiet, whole=False)
            raise
    _close(run, passed, as_json=as_json, quiet=quiet, whole=True)
    raise typer.Exit(Exit.PARTIAL if run.tally.errors else Exit.OK)


def _take_all(
    run: ImportRun, plan: ImportPlan, passed: Passed, *, as_json: bool, quiet: bool
) -> None:
    total = None if quiet else plan.count()
    with progress(total, quiet=quiet, starting="reading") as shown:
        for found in plan.found(passed):
            row = run.take(found)
            if as_json:
                write_rows([row], as_json=True, render=str)
            elif "error" in row:
                text = printable(f"{row['file']}: {row['error']['message']}")
                if shown.console is not None:
                    shown.console.print(text, markup=False)
                else:
                    sys.stderr.write(text + "\n")
            shown.update(run.tally, passed.no_picture + passed.rows)


def _close(run: ImportRun, passed: Passed, *, as_json: bool, quiet: bool, whole: bool) -> None:
    """Each case in a line, for a person; then what became of everything."""
    if not as_json:
        for case, (group, tally) in run.cases.items():
            subject = printable(f"{group.subject.kind.value} {group.subject.identifier}")
            write_text(f"{case}  {tally.taken:>5} new  {tally.known:>5} known  {subject}")
    if quiet:
        return
    tally = run.tally
    told = f"{tally.taken:,} taken in, {tally.known:,} known already"
    told += f", {tally.errors.total():,} refused" if tally.errors else ""
    told += f"; {len(run.cases):,} cases"
    if passed.no_picture:
        told += f"; {passed.no_picture:,} other files passed over (name a file to take it in)"
    if passed.rows:
        told += f"; {passed.rows:,} rows asked for nobody"
        failed = passed.failed_rows
        told += f" ({failed:,} of files that could not be examined)" if failed else ""
    sys.stderr.write(told + (".\n" if whole else ". Stopped: run it again to go on.\n"))
