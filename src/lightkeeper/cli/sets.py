"""``lightkeeper sets``: create, import, export and look after hash sets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._sets_checks import Benign, OnesOff, junk_rows, list_check, render_junk
from lightkeeper.cli._sets_export import ExportFormat, export_set, since_of
from lightkeeper.cli._sets_import import ImportPlan, ListFile, run_import
from lightkeeper.cli._sets_keys import Hashes, keys_of
from lightkeeper.cli._sets_show import (
    entry_rows,
    render_entry,
    render_line,
    render_set,
    render_stats,
    set_row,
    stats_row,
)
from lightkeeper.cli._sets_store import IndexOption, JsonOption, StoreOption, follow, opened
from lightkeeper.matching import HashSet, SetOrigin, SetState, Tlp
from lightkeeper.matching._guards import ONES_OFF
from lightkeeper.matching._transfer import merge_sets
from lightkeeper.matching.formats import ListFormat

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


Name = Annotated[str, typer.Argument(metavar="NAME", help="The set.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME...]", help="The sets; all where none is named.")
]
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The list.", exists=True, dir_okay=False)
]
Source = Annotated[str, typer.Option(help="Organisation that the list comes from.")]
Format = Annotated[
    ListFormat | None,
    typer.Option("--format", help="Format of the list [default: by content and suffix]."),
]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", help="What the columns of a CSV mean (TOML).", exists=True),
]
Complete = Annotated[
    bool,
    typer.Option("--complete", help="The list is all that the source names: withdraw the rest."),
]
Rejects = Annotated[
    Path | None, typer.Option(help="Write rejected rows here (JSONL, with the raw row).")
]
Reason = Annotated[str, typer.Option(help="Why; kept with the set.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    owner: Annotated[str, typer.Option(help="Who answers for the set.")],
    purpose: Annotated[str, typer.Option(help="What it is for.")],
    origin: Annotated[SetOrigin, typer.Option(help="Where the material comes from.")],
    negative: Annotated[
        bool, typer.Option("--negative", help="Known benign: a hit suppresses others.")
    ] = False,
    radius: Annotated[int, typer.Option(min=0, max=31, help="PDQ distance that matches.")] = 31,
    minimum_quality: Annotated[
        int, typer.Option(min=0, max=100, help="PDQ quality below which nothing matches.")
    ] = 50,
    handling: Annotated[Tlp, typer.Option(help="Traffic Light Protocol 2.0.")] = Tlp.AMBER_STRICT,
    terms: Annotated[str | None, typer.Option(help="Licence or sharing terms.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Classification scheme of labels.")] = None,
    expires_after_days: Annotated[
        int | None, typer.Option(min=1, help="Days after which an unseen entry expires.")
    ] = None,
    needs_confirmation: Annotated[
        bool,
        typer.Option(
            "--needs-confirmation", help="Entries are leads until a second source or a person."
        ),
    ] = False,
    quota: Annotated[
        int | None, typer.Option(min=1, help="Most entries that one source may hold.")
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Create a hash set. The store is made where there is none."""
    hash_set = HashSet(
        name=name,
        owner=owner,
        purpose=purpose,
        origin=origin,
        negative=negative,
        radius_bits=radius,
        minimum_quality=minimum_quality,
        handling=handling,
        terms=terms,
        scheme=scheme,
        expires_after_days=expires_after_days,
        needs_confirmation=needs_confirmation,
        quota_per_source=quota,
    )
    with opened(store, create=True) as opened_store:
        row = set_row(opened_store.create_set(hash_set))
    write_rows([row], as_json=as_json, render=render_set)


@app.command("import")
def import_file(
    name: Name,
    file: File,
    source: Source,
    list_format: Format = None,
    mapping: MappingFile = None,
    complete: Complete = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and stop.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Apply without asking and without comparing first.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --complete: withdraw however many it takes.")
    ] = False,
    most_withdrawn: Annotated[
        float,
        typer.Option(
            min=0, max=100, metavar="PERCENT", help="With --complete: refuse to withdraw more."
        ),
    ] = 10.0,
    rejects: Rejects = None,
    benign: Benign = None,
    ones_off: OnesOff = ONES_OFF,
    quiet: Quiet = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
    index: IndexOption = None,
) -> None:
    """Import a list into a set.

    What would change is shown first, and asked about at a terminal. Importing a list again changes
    nothing. Exits with 3 where rows were rejected.
    """
    plan = ImportPlan(
        complete=complete,
        dry_run=dry_run,
        yes=yes,
        force=force,
        most_withdrawn_percent=most_withdrawn,
        rejects=rejects,
        quiet=quiet,
        as_json=as_json,
    )
    listed = ListFile.of(file, source=source, list_format=list_format, mapping=mapping)
    check = list_check(benign, ones_off=ones_off)
    raise typer.Exit(run_import(name, listed, plan, url=store, index=index, check=check))


@app.command("diff")
def diff(
    name: Name,
    file: File,
    source: Source,
    list_format: Format = None,
    mapping: MappingFile = None,
    complete: Complete = False,
    rejects: Rejects = None,
    benign: Benign = None,
    ones_off: OnesOff = ONES_OFF,
    quiet: Quiet = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show what importing a list would change. Nothing is written."""
    plan = ImportPlan(
        complete=complete, dry_run=True, force=True, rejects=rejects, quiet=quiet, as_json=as_json
    )
    listed = ListFile.of(file, source=source, list_format=list_format, mapping=mapping)
    check = list_check(benign, ones_off=ones_off)
    raise typer.Exit(run_import(name, listed, plan, url=store, index=None, check=check))


@app.command("export")
def export(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File [default: standard output].")
    ] = None,
    export_format: Annotated[ExportFormat, typer.Option("--format", help="Format.")] = (
        ExportFormat.JSONL
    ),
    since: Annotated[
        str | None,
        typer.Option(metavar="REVISION|DATE", help="Only what changed since; withdrawals too."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write a set, or what changed in it, with its provenance."""
    with opened(store) as opened_store:
        export_set(opened_store, name, output, export_format=export_format, since=since_of(since))


@app.command("list")
def list_sets(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """List the sets."""
    with opened(store) as opened_store:
        rows = [set_row(hash_set) for hash_set in opened_store.sets()]
    write_rows(rows, as_json=as_json, render=render_line)


@app.command("show")
def show(
    name: Name,
    hashes: Annotated[
        bool, typer.Option("--hashes", help="List the entries too: sensitive.")
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show what is known of a set."""
    with opened(store) as opened_store:
        row = set_row(opened_store.hash_set(name))
        write_rows([row], as_json=as_json, render=render_set)
        if hashes:
            write_rows(entry_rows(opened_store, name), as_json=as_json, render=render_entry)


@app.command("stats")
def stats(names: Names = None, as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Count entries by state, kind and source, and matches of the last day and week."""
    with opened(store) as opened_store:
        names = names or [hash_set.name for hash_set in opened_store.sets()]
        now = datetime.now(UTC)
        rows = (stats_row(opened_store, name, now=now) for name in names)
        write_rows(rows, as_json=as_json, render=render_stats)


@app.command("verify")
def verify(
    names: Names = None,
    benign: Benign = None,
    ones_off: OnesOff = ONES_OFF,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Check stored entries as if they came in now: junk is reported by number, never removed.

    Exits with 1 where there is any.
    """
    found = False
    with opened(store) as opened_store:
        check = list_check(benign, ones_off=ones_off)()
        for name in names or [hash_set.name for hash_set in opened_store.sets()]:
            row = junk_rows(opened_store, name, check)
            found = found or bool(row["junk"])
            write_rows([row], as_json=as_json, render=render_junk)
    raise typer.Exit(Exit.MATCHED if found else Exit.OK)


@app.command("withdraw")
def withdraw(
    name: Name,
    hashes: Hashes,
    reason: Reason,
    as_json: JsonOption = False,
    store: StoreOption = None,
    index: IndexOption = None,
) -> None:
    """Withdraw entries: they cease to match, and stay on record."""
    keys = keys_of(hashes)
    with opened(store) as opened_store:
        now = datetime.now(UTC)
        count = opened_store.withdraw(name, keys, reason=reason, now=now)
        follow(opened_store, index)
    _tell({"set": name, "withdrawn": count}, "withdrawn", as_json=as_json)


@app.command("confirm")
def confirm(
    name: Name,
    hashes: Hashes,
    person: Annotated[str, typer.Option(help="Who has looked at the material.")],
    as_json: JsonOption = False,
    store: StoreOption = None,
    index: IndexOption = None,
) -> None:
    """Make leads, and entries that were parked, active on a person's word."""
    keys = keys_of(hashes)
    with opened(store) as opened_store:
        count = opened_store.confirm(name, keys, person=person, now=datetime.now(UTC))
        follow(opened_store, index)
    _tell({"set": name, "confirmed": count}, "confirmed", as_json=as_json)


@app.command("merge")
def merge(
    merged: Annotated[str, typer.Argument(metavar="FROM", help="It is parked afterwards.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The set that takes the entries.")],
    as_json: JsonOption = False,
    store: StoreOption = None,
    index: IndexOption = None,
) -> None:
    """Copy the active entries of a set into another of the same origin and polarity."""
    with opened(store) as opened_store:
        found, leads = merge_sets(opened_store, merged, into, now=datetime.now(UTC))
        follow(opened_store, index)
    row = {
        "from": merged,
        "into": into,
        "entries": found.rows,
        "added": found.added,
        "changed": found.changed,
        "unchanged": found.unchanged,
        "rejected": found.rejected.total(),
        "leads_left": leads,
    }
    write_rows([row], as_json=as_json, render=_render_merge)


@app.command("park")
def park(
    name: Name,
    reason: Reason,
    hashes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HASH...]", help="Entries to park, and not the whole set."),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
    index: IndexOption = None,
) -> None:
    """Take a set, or entries of it, out of matching: what they meet is told as a lead.

    A set matches again when it is released, an entry when it is confirmed.
    """
    if not hashes:
        _set_state(name, SetState.PARKED, reason, store, as_json=as_json)
        return
    keys = keys_of(hashes)
    with opened(store) as opened_store:
        count = opened_store.park(name, keys, reason=reason, now=datetime.now(UTC))
        follow(opened_store, index)
    _tell({"set": name, "parked": count}, "parked", as_json=as_json)


@app.command("release")
def release(
    name: Name,
    reason: Reason,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Let a parked set match again."""
    _set_state(name, SetState.ACTIVE, reason, store, as_json=as_json)


def _set_state(
    name: str,
    state: SetState,
    reason: str,
    url: str | None,
    *,
    as_json: bool,
) -> None:
    with opened(url) as store:
        row = set_row(store.set_state(name, state, reason=reason))
    write_rows([row], as_json=as_json, render=render_line)


def _tell(row: dict[str, Any], word: str, *, as_json: bool) -> None:
    if as_json:
        write_rows([row], as_json=True, render=str)
    else:
        write_text(f"{row['set']}: {row[word]:,} {word}")


def _render_merge(row: dict[str, Any]) -> str:
    return (
        f"{row['entries']:,} entries of {row['from']} into {row['into']}: {row['added']:,} added, "
        f"{row['changed']:,} changed, {row['unchanged']:,} there already; {row['rejected']:,} "
        f"rejected, {row['leads_left']:,} leads stay. {row['from']} is parked."
    )
