"""``lightkeeper detector card`` and ``compare``: what was measured, and what got worse."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lightkeeper.cli._card_words import told
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._write import write_whole
from lightkeeper.evidence.detectors.cards import CardRefused, Measured, load_card, render_html
from lightkeeper.plain import to_plain

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a card.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@app.command("card")
def show_card(
    folder: _Folder,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write its page anew.")] = None,
    as_json: _Json = False,
) -> None:
    """Compute a card again from the scores beside it, and print what the detector may say.

    Exits with 5 where the card was altered or does not follow from its scores.
    """
    measured = _loaded(folder)
    if html is not None:
        write_whole(html, render_html(measured).encode())
    if as_json:
        card = measured.card
        document = {"id": card.id, "may_say": to_plain(card.may_say()), **to_plain(card)}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        write_text(told(measured.card))
    raise typer.Exit(Exit.OK)


@app.command("compare")
def compare_cards(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Folder of a card.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder of a card.")],
    as_json: _Json = False,
) -> None:
    """Say whether a detector got worse, picture by picture on the same pictures.

    Exits with 1 where anything is worse beyond what chance does, and with 5 where a card was
    altered.
    """
    from lightkeeper.evidence.detectors.cards import compare

    comparison = compare(_loaded(old), _loaded(new))
    rows = (to_plain(change) for change in comparison.changes)
    write_rows(rows, as_json=as_json, render=_change)
    raise typer.Exit(Exit.MATCHED if comparison.worse else Exit.OK)


def _loaded(folder: Path) -> Measured:
    try:
        return load_card(folder)
    except CardRefused as error:
        sys.stderr.write(f"lightkeeper: {printable(f'{folder}: {error}')}\n")
        raise typer.Exit(Exit.ALTERED) from error


def _change(row: dict[str, Any]) -> str:
    mark = {"worse": "-", "better": "+", "same": " "}[row["verdict"]]
    return f"{mark} {row['what']:<44} {row['old']:>9.4f} {row['new']:>9.4f}  {row['verdict']}"
