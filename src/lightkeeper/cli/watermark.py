"""``lightkeeper watermark``: look for public marks, and write them."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from lightkeeper.cli._encode import check_target, encoded
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._inputs import source_of
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import file_rows, write_rows
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidConfiguration, LightkeeperError
from lightkeeper.evidence.watermark import (
    PUBLIC_MARKS,
    Mark,
    MarkReading,
    Method,
    Variant,
    embed,
    lattice,
    load_marks,
    read_marks,
)
from lightkeeper.evidence.watermark.extractors import ExtractorExaminer, ExtractorReading
from lightkeeper.media import open_media

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_Marks = Annotated[
    Path | None,
    typer.Option("--marks", metavar="TOML", help="Own marks, beside the published ones."),
]


@app.command()
def detect(
    files: Annotated[list[str], typer.Argument(metavar="FILE...")],
    marks: _Marks = None,
    extractors: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="Your networks that read learned marks of others."),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also look in resized, cropped and turned pictures.")
    ] = False,
    alpha: Annotated[
        float, typer.Option(min=0, max=0.1, help="Chance per file of a mark where there is none.")
    ] = 1e-6,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per file.")] = False,
) -> None:
    """Print the best variant of every public mark, and whether it is present.

    The open mark has a row for each payload that was read, and each network of --extractors one
    with its bits, whether or not anything tells them from chance.

    A public mark shows that somebody wrote it; anyone can, on any picture.
    """
    own = ExtractorExaminer(extractors, alpha=alpha / 3) if extractors else None
    examine = partial(_detect, marks=_known_marks(marks), alpha=alpha, deep=deep, extractors=own)
    code = write_rows(file_rows(files, examine), as_json=as_json, render=_render)
    raise typer.Exit(code)


@app.command("embed")
def embed_mark(
    source: Annotated[str, typer.Argument(metavar="IN")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="PNG, JPEG or WebP, by suffix.")],
    mark: Annotated[str, typer.Option("--mark", help="Id of a published or own mark.")],
    variant: Annotated[
        Variant | None, typer.Option(help="How decoders must read it.", show_default="uint8-bgr")
    ] = None,
    marks: _Marks = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
) -> None:
    """Write a public mark into a picture, upright and without transparency.

    A public mark proves nothing alone: anyone can write it. Metadata of IN is not carried over.
    """
    chosen = _mark_named(mark, _known_marks(marks))
    check_target(target, force=force)
    default = Variant.UINT8_BGR_SVD if chosen.method is Method.DWT_DCT_SVD else Variant.UINT8_BGR
    try:
        pixels = open_media(source, limits=load_settings().media_limits()).rgb()
    except OSError as error:
        raise LightkeeperError(f"{source}: {error.strerror}") from error
    marked = embed(pixels, chosen, variant=variant or default)
    write_whole(target, encoded(marked, target))
    note = printable(
        f"{target}: carries '{chosen.id}'. A public mark proves nothing alone; metadata of "
        f"{source} was not carried over."
    )
    sys.stderr.write(note + "\n")
    raise typer.Exit(Exit.OK)


def _known_marks(path: Path | None) -> tuple[Mark, ...]:
    path = path or load_settings().marks
    return (*PUBLIC_MARKS, *(load_marks(path) if path else ()))


def _mark_named(name: str, marks: tuple[Mark, ...]) -> Mark:
    found = next((mark for mark in marks if mark.id == name), None)
    if found is None:
        raise InvalidConfiguration(
            f"no mark '{name}'", hint="known: " + ", ".join(mark.id for mark in marks)
        )
    return found


def _detect(
    file: str,
    *,
    marks: tuple[Mark, ...],
    alpha: float,
    deep: bool,
    extractors: ExtractorExaminer | None,
) -> dict[str, Any]:
    limits = load_settings().media_limits()
    media = open_media(source_of(file, limits), name=file, limits=limits)
    # The readers share the chance of calling a mark present where there is none.
    share = alpha / (3 if extractors else 2)
    readings = read_marks(media, marks=marks, alpha=share, rescaled=deep, cropped=deep)
    rows = [_row(reading) for reading in readings]
    rows += [_open_row(opened) for opened in lattice.read_all(media.rgb(), alpha=share)]
    rows += [_extracted_row(reading) for reading in (extractors.read(media) if extractors else ())]
    return {"marks": rows}


def _row(reading: MarkReading) -> dict[str, Any]:
    return {
        "mark": reading.mark,
        "variant": reading.variant,
        "alternatives": list(reading.alternatives),
        "scale": reading.scale,
        "z": round(reading.z, 3),
        "p_value": reading.p_value,
        "tests": reading.tests,
        "present": reading.present,
    }


def _open_row(reading: lattice.LatticeReading) -> dict[str, Any]:
    return {
        "mark": "open-mark",
        "variant": "lattice",
        "z": round(reading.score, 3),
        "p_value": reading.p_value,
        "tests": reading.tests,
        "present": True,
        "payload": f"{reading.payload:012x}",
    }


def _extracted_row(reading: ExtractorReading) -> dict[str, Any]:
    return {
        "mark": reading.extractor,
        "variant": reading.schema or reading.family.value,
        "z": None,
        "p_value": reading.p_value,
        "tests": reading.tests,
        "present": reading.present,
        "bits": reading.bits,
        "named": reading.named,
    }


def _render(row: dict[str, Any]) -> str:
    if not row["marks"]:
        return f"{row['file']}: too small for most marks (under 65,536 pixels); none found"
    present = [m for m in row["marks"] if m["present"]]
    if not present:
        tests = row["marks"][0]["tests"]
        return f"{row['file']}: no public mark found ({tests} tests, and the open mark's)"
    return "\n".join(
        f"{row['file']}: carries {m['mark']}{_payload(m)} ({_writers(m)}, {_height(m)}"
        f"p {m['p_value']:.1e} after {m['tests']} tests); anyone can write this mark"
        for m in present
    )


def _height(mark: dict[str, Any]) -> str:
    return "" if mark["z"] is None else f"z {mark['z']:.1f}, "


def _writers(mark: dict[str, Any]) -> str:
    return " or ".join((mark["variant"], *mark.get("alternatives", ())))


def _payload(mark: dict[str, Any]) -> str:
    payload = mark.get("payload") or mark.get("named")
    return f" {payload}" if payload else ""
