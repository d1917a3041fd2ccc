"""``lightkeeper mark audit``: what attacks leave of a rooted mark."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from lightkeeper.cli._audit_pictures import middles, squares
from lightkeeper.cli._mark_card import rooted_card, say_row
from lightkeeper.cli._write import write_whole
from lightkeeper.cli.mark_rooted import held_secret, mark_key, reader_of
from lightkeeper.errors import InvalidConfiguration, MissingExtra, OutputError

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
    from lightkeeper.evidence.watermark.auditing import AuditRow

    held, passphrase = held_secret(secret, passphrase_file)
    key = mark_key(held, label)
    try:
        from lightkeeper.generators.rooting._command import audit_files
        from lightkeeper.generators.rooting.audit import copied_share
    except ImportError as error:
        raise MissingExtra("auditing a mark", extra="train") from error
    rows = [AuditRow(**row) for row in _kept(journal, label)]
    found = audit_files(
        key, reader_of(held), autoencoder, rooted, second=second, others=other or [],
        pictures=middles(pictures, _SIDE, fewest=_FEWEST), alpha=alpha,
        done={row.name for row in rows},
        photographs=[] if photographs is None else squares(photographs, _LEARNT, fewest=_FEWEST),
    )  # fmt: skip
    for row in rows:
        say_row(asdict(row), as_json=as_json)
    began = time.monotonic()
    for row in found:
        rows.append(row)
        _keep(journal, label, asdict(row))
        say_row(asdict(row), as_json=as_json)
        if sys.stderr.isatty():
            sys.stderr.write(f"{len(rows)} rows, {time.monotonic() - began:.0f} s\n")
    copied = copied_share(rows)
    if html is not None:
        page = rooted_card(held.name, label, [asdict(row) for row in rows], copied)
        write_whole(html, page.encode())
    if record:
        if copied is None:
            raise InvalidConfiguration("nothing was copied, so there is nothing to record")
        msgspec.structs.replace(held, copied=copied).write(secret, passphrase)
        sys.stderr.write(f"{secret}: copied in at most {copied:.3f} of photographs (95 %)\n")


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
