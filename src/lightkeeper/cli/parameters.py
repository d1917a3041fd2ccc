"""``lightkeeper parameters``: read the generation parameters that files carry."""

from __future__ import annotations

import shutil
import textwrap
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._inputs import source_of
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import file_rows, write_rows
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import MediaError
from lightkeeper.evidence.metadata import read_parameters
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.evidence.metadata import GenerationRecord

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_PROMPTS = ("positive_prompt", "negative_prompt")
_NARROWEST, _WIDEST = 40, 100
_LONGEST = 100_000
"""Characters of one text that are laid out for a person: wrapping is slow."""


@app.command()
def parameters(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Images; '-' is one on stdin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per file.")] = False,
    pixels: Annotated[
        bool, typer.Option(help="Also read text hidden in the pixels (decodes lossless files).")
    ] = True,
    raw: Annotated[bool, typer.Option("--raw", help="Include the payload as it stands.")] = False,
) -> None:
    """Read the generation parameters that files carry, and where they stand.

    What is printed was written by whoever wrote the file: it is an assertion, not a proof.
    """
    rows = file_rows(files, partial(_examine, pixels=pixels, raw=raw))
    raise typer.Exit(write_rows(rows, as_json=as_json, render=_render, keep_lines=True))


def _examine(file: str, *, pixels: bool, raw: bool) -> dict[str, Any]:
    limits = load_settings().media_limits()
    media = open_media(source_of(file, limits), name=file, limits=limits)
    records = read_parameters(media, pixels=False)
    undecoded = []
    if pixels:
        try:
            records = read_parameters(media)
        except MediaError as error:
            undecoded = [{"code": error.code, "where": "pixels", "message": str(error)}]
    return {
        "records": [_plain(record, raw=raw) for record in records],
        "problems": [*to_plain(media.problems), *undecoded],
    }


def _plain(record: GenerationRecord, *, raw: bool) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(record)
    return {**plain, "raw": record.raw} if raw else plain


def _render(row: dict[str, Any]) -> str:
    """A block of aligned keys and values per record, prompts wrapped."""
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    blocks = ["\n".join(_block(record, width)) for record in row["records"]]
    blocks = blocks or ["  no generation parameters"]
    problems = [
        f"  problem: {printable(p['where'] + ': ' + p['message'])}" for p in row["problems"]
    ]
    return "\n".join([printable(row["file"]), "\n\n".join(blocks), *problems])


def _block(record: dict[str, Any], width: int) -> Iterator[str]:
    shown = {key: _cut(text) for key, value in record.items() if (text := _shown(value))}
    column = max(map(len, shown)) + 2
    for key, text in shown.items():
        label = f"  {key.replace('_', ' '):<{column}}"
        lines = text.splitlines() if key in (*_PROMPTS, "raw") else [text]
        wrapped = [part for line in lines for part in _wrapped(line, width - len(label)) or [""]]
        yield ("\n" + " " * len(label)).join(wrapped).join((label, ""))


def _cut(text: str) -> str:
    more = len(text) - _LONGEST
    return f"{text[:_LONGEST]} … ({more:,} more characters: see --json)" if more > 0 else text


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_on_hyphens=False) or [""]


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "name" in value and "kind" in value:
        return _resource(value)
    if isinstance(value, dict) and value.keys() == {"kind", "value"}:
        return f"{value['value']} ({value['kind']})"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_inner(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_inner(item) for item in value)
    return "" if value is None else str(value)


def _inner(value: Any) -> str:
    """Plain tables inside others stand in braces."""
    shown = _shown(value)
    return f"{{{shown}}}" if isinstance(value, dict) and "; " in shown else shown


def _resource(value: dict[str, Any]) -> str:
    weight = "" if value["weight"] is None else f" x {value['weight']}"
    hashes = "".join(f" [{h['value']}]" for h in value["hashes"])
    return f"{value['name'] or value['version_id'] or value['kind']}{weight}{hashes}"
