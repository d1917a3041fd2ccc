"""``lightkeeper transcode``: convert an image and keep its generation parameters."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from lightkeeper.cli._rows import file_rows, write_rows
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import OutputError
from lightkeeper.media import MediaFormat, open_media
from lightkeeper.plain import to_plain
from lightkeeper.preservation import transcode as transcode_media

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_FORMATS = {
    ".png": MediaFormat.PNG,
    ".jpg": MediaFormat.JPEG,
    ".jpeg": MediaFormat.JPEG,
    ".webp": MediaFormat.WEBP,
    ".avif": MediaFormat.AVIF,
}


@app.command()
def transcode(
    source: Annotated[str, typer.Argument(metavar="IN", help="The image to convert.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Its name says the format: png, jpg, webp, avif.")
    ],
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="Of the lossy formats; 95 keeps full chroma.")
    ] = 90,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write all records, and what OUT cannot hold, to this JSON file."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line.")] = False,
) -> None:
    """Convert an image and say what was kept, moved and dropped.

    Generation parameters go where other tools look for them. The EXIF orientation is applied; a
    C2PA manifest cannot survive and is replaced by a link to the signed file.
    """
    wanted = _FORMATS.get(target.suffix.lower())
    if wanted is None:
        raise typer.BadParameter(
            f"{target.name}: not one of {', '.join(_FORMATS)}", param_hint="OUT"
        )
    for path in filter(None, (target, record)):
        _check_free(path, source, force=force)
    convert = partial(_convert, target=target, wanted=wanted, quality=quality, record=record)
    raise typer.Exit(write_rows(file_rows([source], convert), as_json=as_json, render=_render))


def _check_free(path: Path, source: str, *, force: bool) -> None:
    if not path.exists():
        return
    if Path(source).exists() and path.samefile(source):
        raise OutputError(f"{path} is the source itself")
    if not force:
        raise OutputError(f"{path} exists", hint="use --force to overwrite it")


def _convert(
    file: str, *, target: Path, wanted: MediaFormat, quality: int, record: Path | None
) -> dict[str, Any]:
    media = open_media(file, limits=load_settings().media_limits())
    done = transcode_media(media, wanted, quality=quality)
    # The record first: should the second write fail, nothing that the picture lost is lost.
    if record is not None:
        write_whole(
            record, json.dumps(done.sidecar or {}, ensure_ascii=False, indent=2).encode() + b"\n"
        )
    write_whole(target, done.content)
    return {
        "output": str(target),
        "bytes": len(done.content),
        "record": str(record) if record else None,
        "not_held": sorted(done.sidecar["not_held"]) if done.sidecar else [],
        **to_plain(done),
    }


def _render(row: dict[str, Any]) -> str:
    lines = [
        f"{row['file']} -> {row['output']} ({row['bytes']:,} bytes)",
        *(f"  kept     {c['what']} ({c['source']})" for c in row["kept"]),
        *(f"  moved    {c['what']}: {c['source']} -> {c['target']}" for c in row["moved"]),
        *(f"  dropped  {c['what']} ({c['source']}): {c['reason']}" for c in row["dropped"]),
        *(f"  note     {n['message']} ({n['where']})" for n in row["notes"]),
    ]
    if row["not_held"] and not row["record"]:
        lines.append("  hint     --record FILE writes down " + ", ".join(row["not_held"]))
    return "\n".join(lines)
