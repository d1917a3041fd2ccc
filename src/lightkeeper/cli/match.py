"""``lightkeeper match``: look files or hashes up in hash sets."""

from __future__ import annotations

import os
import re
import sys
from enum import StrEnum
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._inputs import Inputs
from lightkeeper.cli._known import ALL, KnownMaterial, set_names
from lightkeeper.cli._match_count import MatchCount
from lightkeeper.cli._printable import printable_row
from lightkeeper.cli._rows import file_rows, write_rows, write_text
from lightkeeper.errors import MediaError
from lightkeeper.evidence.known import KnownMatch
from lightkeeper.hashing import digests
from lightkeeper.matching._lookup import HashQuery, LookupResult, sift
from lightkeeper.matching._pictures import digest_matches, media_matches
from lightkeeper.matching._tally import Meeting
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lightkeeper.matching import Match
    from lightkeeper.matching._lookup import Lookup

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_HEX = re.compile(r"[0-9A-Fa-f]+")
_KINDS = {32: ("md5",), 40: ("sha1",), 64: ("sha256", "pdq")}
_HEX_KINDS = ("md5", "sha1", "sha256", "pdq")
_BATCH = 1_000
_LISTS = ("matches", "leads", "benign", "suppressed")
_WORDS = {"matches": "match", "leads": "lead", "benign": "benign", "suppressed": "suppressed"}


class FailOn(StrEnum):
    """What makes the command exit with 1."""

    MATCH = "match"


@app.command()
def match_files(
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|HASH...",
            help="Files, folders, or MD5, SHA-1, SHA-256 and PDQ hashes in hexadecimal digits; "
            "'-' reads them from standard input.",
        ),
    ],
    sets: Annotated[
        str, typer.Option(metavar="NAME[,NAME]|all", help="Look in these hash sets.")
    ] = ALL,
    kind: Annotated[
        str | None,
        typer.Option(help="Kind of every hash: md5, sha1, sha256, pdq, or an opaque one."),
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="Exit with 1 if anything matches; leads do not.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per query.")] = False,
    store: Annotated[
        str | None, typer.Option(help="Data base of the hash sets (URL) [default: setting].")
    ] = None,
    index: Annotated[
        Path | None, typer.Option(help="Folder of the index over them [default: setting].")
    ] = None,
) -> None:
    """Look files or hashes up in hash sets.

    64 digits may be a SHA-256 or a PDQ hash, and are looked up as both. Pictures are looked up by
    their digests and by PDQ: turned, mirrored and without flat bars too.

    Exit codes: 0 done, whether or not anything matched; 1 with --fail-on match, something did;
    3 some files could not be examined; 4 could not run.
    """
    known = KnownMaterial.from_settings(store=store, index=index)
    names = set_names(sets) or [ALL]
    lookup = known.open(names, warn=True)
    watched = _Watch()
    with MatchCount(known, names) as count:
        rows = watched.over(_rows(queries, kind, lookup), count)
        code = write_rows(
            rows if as_json else _matches_of_failures(rows), as_json=as_json, render=_render
        )
    raise typer.Exit(Exit.MATCHED if fail_on and watched.matched else code)


class _Watch:
    def __init__(self) -> None:
        self.matched = False

    def over(self, rows: Iterable[dict[str, Any]], count: MatchCount) -> Iterator[dict[str, Any]]:
        for row in rows:
            self.matched |= bool(row.get("matches"))
            if "matches" in row:
                met = (*row["matches"], *row["benign"])
                count.add(
                    Meeting(m["set"], m["entry"], m["kind"], m["value"], m["query_value"])
                    for m in met
                )
            yield row


def _rows(queries: Sequence[str], kind: str | None, lookup: Lookup) -> Iterator[dict[str, Any]]:
    """Rows in the order of the queries; neighbouring hashes are looked up in one batch."""
    named = ((query, _kinds(query, kind)) for query in _named(queries))
    for is_hash, group in groupby(named, key=lambda pair: bool(pair[1])):
        if is_hash:
            yield from _hash_rows(group, lookup)
        else:
            files = Inputs([query for query, _ in group])
            for row in file_rows(files, partial(_examine, lookup=lookup)):
                yield {"query": row["file"], "kind": "file", **row}


def _named(queries: Sequence[str]) -> Iterator[str]:
    for query in queries:
        if query == "-":
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield query


def _kinds(query: str, kind: str | None) -> tuple[str, ...]:
    """Kinds of hash that an argument may be; empty where it is a file."""
    if os.path.lexists(query):
        return ()
    if kind is not None:
        return (kind,)
    return _KINDS.get(len(query), ()) if _HEX.fullmatch(query) else ()


def _hash_rows(
    named: Iterable[tuple[str, tuple[str, ...]]], lookup: Lookup
) -> Iterator[dict[str, Any]]:
    batch: list[tuple[str, tuple[str, ...]]] = []
    for pair in named:
        batch.append(pair)
        if len(batch) == _BATCH:
            yield from _looked_up(batch, lookup)
            batch.clear()
    yield from _looked_up(batch, lookup)


def _looked_up(
    batch: Sequence[tuple[str, tuple[str, ...]]], lookup: Lookup
) -> Iterator[dict[str, Any]]:
    queries = [
        HashQuery(kind=kind, value=query.lower() if kind in _HEX_KINDS else query)
        for query, kinds in batch
        for kind in kinds
    ]
    found = iter(lookup.found(queries))
    for query, kinds in batch:
        met = sift(match for _ in kinds for match in next(found))
        yield {"query": query, "kind": "-or-".join(kinds), **_lists(met)}


def _examine(file: str, *, lookup: Lookup) -> dict[str, Any]:
    try:
        media = open_media(file)
    except MediaError as error:
        # Not a picture that is read here: its digests may be known all the same.
        with Path(file).open("rb") as stream:
            found = digests(stream)
        queries = [HashQuery(kind=k, value=getattr(found, k)) for k in ("sha256", "sha1", "md5")]
        met = sift(match for matches in lookup.found(queries) for match in matches)
        return {**_lists(met), "error": {"code": error.code, "message": str(error)}}
    try:
        return _lists(media_matches(media, lookup))
    except MediaError as error:
        met = digest_matches(media, lookup)
        return {**_lists(met), "error": {"code": error.code, "message": str(error)}}


def _lists(result: LookupResult) -> dict[str, Any]:
    return {name: [_shown(match) for match in getattr(result, name)] for name in _LISTS}


def _shown(match: Match) -> dict[str, Any]:
    plain = to_plain(KnownMatch.of(match))
    del plain["further_entries"], plain["suppressed"]
    return {"set": plain.pop("set_name"), "entry": plain.pop("entry_number"), **plain}


def _matches_of_failures(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """For a person an error replaces the row: print what its digests met before it."""
    for row in rows:
        if "error" in row and any(row.get(name) for name in _LISTS):
            write_text(_render(printable_row(row)))
        yield row


def _render(row: dict[str, Any]) -> str:
    kinds = row["kind"].replace("-or-", " and as ")
    lines = [row["query"] if kinds == "file" else f"{row['query']}  (as {kinds})"]
    lines += [f"  {_WORDS[name]:<10} {_line(match)}" for name in _LISTS for match in row[name]]
    return "\n".join(lines if len(lines) > 1 else [f"{lines[0]}  no match"])


def _line(match: dict[str, Any]) -> str:
    parts = [f"{match['set']} ({match['origin']})", f"entry {match['entry']}"]
    parts += ["set parked"] if match["set_state"] == "parked" else []
    parts += ["entry parked"] if match["entry_state"] == "parked" else []
    if match["source_id"]:
        parts.append(f"{match['source']}: {match['source_id']}")
    if match["kind"] == "pdq":
        parts.append(f"pdq, {match['distance_bits']} bits")
        parts += [match["transform"]] if match["transform"] != "identity" else []
    else:
        parts.append(f"same {match['kind']}")
    labels = {k.replace("_", " "): v for k, v in match["labels"].items() if v is not None}
    parts += [f"{name}: {value}" for name, value in labels.items()]
    return ", ".join(parts)
