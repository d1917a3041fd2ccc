"""``lightkeeper index``: the index of known hashes."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.matching.index import IndexReader, IndexWriter, rebuild, sync
from lightkeeper.matching.index import verify as verify_index
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from lightkeeper.matching.index import IndexStats

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Build, follow, show or verify the index of known hashes.",
)

_Index = Annotated[
    Path | None, typer.Option("--index", help="Folder of the index; default: setting 'index'.")
]
_Store = Annotated[
    str | None, typer.Option("--store", help="URL of the hash sets; default: setting 'store'.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def build(store: _Store = None, index: _Index = None, as_json: _Json = False) -> None:
    """Build the index from nothing; readers go over to it when it is done."""
    from lightkeeper.storage import open_store

    folder = _folder(index)
    started = time.perf_counter()
    changes = rebuild(open_store(store or load_settings().store), folder)
    _report_changes(folder, changes, started, as_json)


@app.command()
def update(store: _Store = None, index: _Index = None, as_json: _Json = False) -> None:
    """Apply what has changed in the hash sets since the index last followed."""
    from lightkeeper.storage import open_store

    folder = _folder(index)
    started = time.perf_counter()
    with IndexWriter(folder) as writer:
        changes = sync(open_store(store or load_settings().store), writer)
    _report_changes(folder, changes, started, as_json)


@app.command()
def stats(index: _Index = None, as_json: _Json = False) -> None:
    """Show what the index holds and what it costs."""
    _write(to_plain(IndexReader(_folder(index)).stats()), as_json)


@app.command()
def verify(index: _Index = None, as_json: _Json = False) -> None:
    """Compare every array of the index with its digest; ends with an error where one differs."""
    found = verify_index(_folder(index))
    if as_json:
        _write(to_plain(found), as_json)
    else:
        write_text(f"The index is sound: {_total(found):,} entries.")


def _folder(option: Path | None) -> Path:
    return (option or load_settings().index).expanduser()


def _report_changes(folder: Path, changes: int, started: float, as_json: bool) -> None:
    seconds = round(time.perf_counter() - started, 3)
    found = IndexReader(folder).stats()
    if as_json:
        _write({"changes": changes, "seconds": seconds, **to_plain(found)}, as_json)
    else:
        write_text(f"{changes:,} changes read in {seconds:.1f} s, {_total(found):,} entries.")


def _total(found: IndexStats) -> int:
    return sum(found.entries.values())


def _write(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(row) + "\n")
        return
    entries = ", ".join(f"{count:,} {kind}" for kind, count in row["entries"].items() if count)
    write_text(
        "\n".join(
            [
                f"entries       {entries or 'none'}",
                f"revision      {row['revision']}",
                f"segments      {row['segments']}",
                f"dead rows     {row['dead_rows']:,}",
                f"rows in log   {row['log_rows']:,}",
                f"mapped        {row['mapped_bytes'] / 1e6:,.1f} MB",
            ]
        )
    )
