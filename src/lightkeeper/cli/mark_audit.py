"""``lightkeeper mark audit``: what attacks leave of a rooted mark."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from lightkeeper.cli._mark_card import audit_card, audit_line
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.cli.mark_rooted import held_secret, mark_key, reader_of
from lightkeeper.errors import InvalidConfiguration, MissingExtra, OutputError
from lightkeeper.media import open_media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_SIDE = 512
_LEARNT = 256
_FEWEST = 4


@app.command("audit")
def audit_mark(
    secret: Annotated[Path, typer.Argument(metavar="SECRET", help="Encrypted secret file.")],
    autoencoder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of the original autoencoder (safetensors).")
    ],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Of the key.")],
    rooted: Annotated[Path, typer.Argument(metavar="ROOTED", help="Decoder of 'mark root'.")],
    pictures: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Pictures to decode, attack and copy onto.")
    ],
    photographs: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Others, from which a mark is learnt; up to 200."),
    ] = None,
    second: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Rooted decoder of another copy.")
    ] = None,
    other: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Another autoencoder; repeatable.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep rows here, and go on from it.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the card as a page.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per row.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep in SECRET how often the mark was copied.")
    ] = False,
    alpha: Annotated[
        float, typer.Option(min=0, max=0.1, help="Chance per file of a mark where there is none.")
    ] = 1e-6,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="First line is the passphrase; else it is asked."),
    ] = None,
) -> None:
    """Attack your own rooted mark and say what is left of it. Needs the extra 'train'."""
    held, passphrase = held_secret(secret, passphrase_file)
    key = mark_key(held, label)
    try:
        from lightkeeper.generators.rooting._command import audit_files
        from lightkeeper.generators.rooting.audit import AuditRow, copied_share
    except ImportError as error:
        raise MissingExtra("auditing a mark", extra="train") from error
    rows = [AuditRow(**row) for row in _kept(journal, label)]
    found = audit_files(
        key, reader_of(held), autoencoder, rooted, second=second, others=other or [],
        pictures=_pictures(pictures, _SIDE), alpha=alpha, done={row.name for row in rows},
        photographs=[] if photographs is None else _squares(photographs),
    )  # fmt: skip
    for row in rows:
        _say(asdict(row), as_json=as_json)
    began = time.monotonic()
    for row in found:
        rows.append(row)
        _keep(journal, label, asdict(row))
        _say(asdict(row), as_json=as_json)
        if sys.stderr.isatty():
            sys.stderr.write(f"{len(rows)} rows, {time.monotonic() - began:.0f} s\n")
    copied = copied_share(rows)
    if html is not None:
        page = audit_card(held.name, label, [asdict(row) for row in rows], copied)
        write_whole(html, page.encode())
    if record:
        if copied is None:
            raise InvalidConfiguration("nothing was copied, so there is nothing to record")
        msgspec.structs.replace(held, copied=copied).write(secret, passphrase)
        sys.stderr.write(f"{secret}: copied in at most {copied:.3f} of photographs (95 %)\n")


def _say(row: dict[str, Any], *, as_json: bool) -> None:
    write_text(json.dumps(row) if as_json else audit_line(row))
    sys.stdout.flush()


def _kept(journal: Path | None, label: str) -> Iterator[dict[str, Any]]:
    if journal is None or not journal.exists():
        return
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            # The last line of a run that was stopped while it wrote.
            continue
        if row.pop("label", None) == label:
            yield row


def _keep(journal: Path | None, label: str, row: dict[str, Any]) -> None:
    if journal is None:
        return
    try:
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"label": label, **row}) + "\n")
    except OSError as error:
        raise OutputError(f"{journal}: {error.strerror}") from error


def _pictures(folder: Path, side: int) -> list[NDArray[np.uint8]]:
    """The middle of every picture in a folder, at most so large."""
    limits = load_settings().media_limits()
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        rgb = open_media(path, limits=limits).rgb()
        top, left = (max(0, (length - side) // 2) for length in rgb.shape[:2])
        found.append(rgb[top : top + side, left : left + side])
    if len(found) < _FEWEST:
        raise InvalidConfiguration(f"{folder} holds {len(found)} pictures; {_FEWEST} are needed")
    return found


def _squares(folder: Path) -> list[NDArray[np.uint8]]:
    """All of one size, so that what they have in common can be added up; at most 200."""
    whole = (_LEARNT, _LEARNT, 3)
    return [rgb for rgb in _pictures(folder, _LEARNT) if rgb.shape == whole][:200]
