"""``sets import`` and ``sets diff``: a list into a set, shown before it is applied."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._sets_progress import ImportProgress
from lightkeeper.cli._sets_store import follow, opened
from lightkeeper.errors import NotPermitted, OutputError
from lightkeeper.matching._transfer import (
    ImportOptions,
    Transfer,
    diff_list,
    import_list,
    refuse_if_suspicious,
)
from lightkeeper.matching.formats import (
    ListFormat,
    Mapping,
    Row,
    detect_format,
    load_mapping,
)
from lightkeeper.matching.formats._open import read_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lightkeeper.matching import SetStore
    from lightkeeper.matching._transfer import BatchCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A list on disk and how to read it."""

    path: Path
    source: str
    list_format: ListFormat
    mapping: Mapping | None

    @classmethod
    def of(
        cls, path: Path, *, source: str, list_format: ListFormat | None, mapping: Path | None
    ) -> ListFile:
        """Find the format where it is not given."""
        known = load_mapping(mapping) if mapping else None
        return cls(
            path=path,
            source=source,
            list_format=list_format or detect_format(path, mapping=known),
            mapping=known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What the options of ``sets import`` ask for."""

    complete: bool = False
    dry_run: bool = False
    yes: bool = False
    force: bool = False
    most_withdrawn_percent: float = 10.0
    rejects: Path | None = None
    quiet: bool = False
    as_json: bool = False


def run_import(
    name: str,
    file: ListFile,
    plan: ImportPlan,
    *,
    url: str | None,
    index: Path | None,
    check: Callable[[], BatchCheck | None],
) -> Exit:
    """Show the difference, then apply it unless it is a dry run or refused."""
    with opened(url) as store, ExitStack() as stack:
        on_reject = stack.enter_context(_rejects(plan.rejects))
        run = _Run(store, name, file, plan, check())
        if plan.dry_run or plan.complete or not plan.yes:
            found = run.compare(on_reject if plan.dry_run else None)
            _tell(run.row(found, applied=False), plan)
            if plan.complete and not plan.force:
                refuse_if_suspicious(found, most_withdrawn_percent=plan.most_withdrawn_percent)
            if plan.dry_run:
                return _exit_of(found)
            if not plan.yes and sys.stdin.isatty() and not typer.confirm("Apply?", err=True):
                raise NotPermitted("not applied")
        found = run.apply(on_reject)
        follow(store, index)
        _tell(run.row(found, applied=True), plan)
        return _exit_of(found)


class _Run:
    def __init__(
        self,
        store: SetStore,
        name: str,
        file: ListFile,
        plan: ImportPlan,
        check: BatchCheck | None,
    ) -> None:
        self._store, self._name, self._file, self._plan = store, name, file, plan
        self._check = check
        self._seconds = 0.0

    def compare(self, on_reject: Callable[[Row], None] | None) -> Transfer:
        """What would change."""
        return self._pass(diff_list, "comparing", on_reject or (lambda _: None))

    def apply(self, on_reject: Callable[[Row], None]) -> Transfer:
        """Change it."""
        return self._pass(import_list, "importing", on_reject)

    def row(self, found: Transfer, *, applied: bool) -> dict[str, Any]:
        """The outcome in numbers."""
        return {
            "set": self._name,
            "file": str(self._file.path),
            "format": self._file.list_format.value,
            "source": self._file.source,
            "applied": applied,
            "rows": found.rows,
            "added": found.added,
            "changed": found.changed,
            "unchanged": found.unchanged,
            "withdrawn": found.withdrawn,
            "rejected": found.rejected.total(),
            "reasons": dict(sorted(found.rejected.items())),
            "seconds": round(self._seconds, 3),
        }

    def _pass(
        self, way: Callable[..., Transfer], doing: str, on_reject: Callable[[Row], None]
    ) -> Transfer:
        file, now, started = self._file, datetime.now(UTC), time.monotonic()
        with file.path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            progress = ImportProgress(stream, size, doing=doing, quiet=self._plan.quiet)
            rows = read_parts(
                stream, file.list_format, source=file.source, now=now, mapping=file.mapping
            )
            options = ImportOptions(
                source=file.source,
                now=now,
                complete=self._plan.complete,
                check=self._check,
                on_progress=progress.update,
                on_reject=on_reject,
            )
            try:
                with _no_collection():
                    found = way(self._store, self._name, rows, options=options)
            finally:
                progress.finish()
        self._seconds = time.monotonic() - started
        return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rows hold no cycles, and looking for some in millions of them takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _rejects(path: Path | None) -> Iterator[Callable[[Row], None]]:
    """Where rejected rows go; the file holds hashes, so only its owner may read it."""
    if path is None:
        yield lambda _: None
        return
    with private_file(path) as stream:
        yield lambda row: _write_reject(stream, row)


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A new text file that only its owner may read.

    Raises
    ------
    OutputError
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    with open(number, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        yield stream


def _write_reject(stream: TextIO, row: Row) -> None:
    line = {"line": row.line_number, "reason": row.reason, "raw": row.raw}
    stream.write(json.dumps(line) + "\n")


def _tell(row: dict[str, Any], plan: ImportPlan) -> None:
    if plan.as_json:
        write_rows([row], as_json=True, render=str)
    else:
        write_text(_render(row))


def _render(row: dict[str, Any]) -> str:
    verb = "applied" if row["applied"] else "would change"
    lines = [f"{row['set']}: {verb}, {row['rows']:,} rows of {row['format']} from {row['source']}"]
    names = ("added", "changed", "unchanged", "withdrawn", "rejected")
    lines += [f"  {name:<10}{row[name]:>14,}" for name in names]
    lines += [f"    {reason:<20}{count:>6,}" for reason, count in row["reasons"].items()]
    return "\n".join(lines)


def _exit_of(found: Transfer) -> Exit:
    return Exit.PARTIAL if found.rejected else Exit.OK
