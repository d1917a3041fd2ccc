"""``lightkeeper hash``: digests and PDQ of files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._inputs import source_of
from lightkeeper.cli._printable import printable_row
from lightkeeper.cli._rows import file_rows, write_rows, write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import LimitExceeded, MediaError
from lightkeeper.hashing import PdqHash, PdqVariant, digests, media_digests, pdq
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def hash_files(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Images; any file gets digests; '-' is one on stdin."
        ),
    ],
    exact: Annotated[
        bool,
        typer.Option("--exact", help="PDQ from a full RGB decode, bit-identical to the reference."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per file.")] = False,
) -> None:
    """Print MD5, SHA-1, SHA-256, BLAKE3 and PDQ of each file.

    A file whose pixels cannot be decoded still gets digests; its PDQ is null and the reason is
    given as its error.
    """
    variant = PdqVariant.EXACT if exact else PdqVariant.FAST
    rows = file_rows(files, partial(_examine, variant=variant))
    shown = rows if as_json else _with_digests_of_failures(rows)
    raise typer.Exit(write_rows(shown, as_json=as_json, render=_render))


def _examine(file: str, *, variant: PdqVariant) -> dict[str, Any]:
    limits = load_settings().media_limits()
    source = source_of(file, limits)
    try:
        media = open_media(source, name=file, limits=limits)
    except MediaError as error:
        if isinstance(source, bytes):
            if isinstance(error, LimitExceeded):
                raise
            return {**to_plain(digests(source)), **_no_pdq(error)}
        with Path(file).open("rb") as stream:
            return {**to_plain(digests(stream)), **_no_pdq(error)}
    row = to_plain(media_digests(media))
    try:
        return {**row, "pdq": _pdq_row(pdq(media, variant=variant))}
    except MediaError as error:
        return {**row, **_no_pdq(error)}


def _pdq_row(value: PdqHash) -> dict[str, Any]:
    return {
        "hash": value.hex,
        "quality": value.quality,
        "variant": value.variant,
        "dihedral": [other.hex for other in value.dihedral()],
    }


def _no_pdq(error: MediaError) -> dict[str, Any]:
    return {"pdq": None, "error": {"code": error.code, "message": str(error)}}


def _with_digests_of_failures(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """For a person an error replaces the row: print the digests before it."""
    for row in rows:
        if "error" in row and "sha256" in row:
            write_text(_render(printable_row(row)))
        yield row


def _render(row: dict[str, Any]) -> str:
    names = ("md5", "sha1", "sha256", "blake3")
    lines = [
        f"{row['file']}  {row['size_bytes']} bytes",
        *(f"  {name:<7} {row[name]}" for name in names),
    ]
    if row["pdq"]:
        found = row["pdq"]
        lines.append(f"  pdq     {found['hash']}  quality {found['quality']}, {found['variant']}")
    return "\n".join(lines)
