"""``lightkeeper mark``: marks for generators, and the registry of what carries them."""

from __future__ import annotations

import typer

from lightkeeper.cli._mark_audit_open import app as audit_open
from lightkeeper.cli._mark_embed import app as embed
from lightkeeper.cli._mark_entries import app as entries
from lightkeeper.cli._mark_recover import app as recover
from lightkeeper.cli._mark_root_open import app as root_open
from lightkeeper.cli.mark_audit import app as audit
from lightkeeper.cli.mark_rooted import app as rooted

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(embed)
app.add_typer(entries, name="entries")
app.add_typer(recover)
app.add_typer(root_open)
app.add_typer(rooted)
app.add_typer(audit)
app.add_typer(audit_open)


@app.callback()
def _mark() -> None:
    """Mark pictures, register what was marked, root a mark in a decoder, and find marks again."""
