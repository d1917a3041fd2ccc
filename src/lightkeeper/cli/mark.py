"""``lightkeeper mark``: the open mark, and the registry of what carries it."""

from __future__ import annotations

import typer

from lightkeeper.cli._mark_embed import app as embed
from lightkeeper.cli._mark_entries import app as entries
from lightkeeper.cli._mark_recover import app as recover

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(embed)
app.add_typer(entries, name="entries")
app.add_typer(recover)


@app.callback()
def _mark() -> None:
    """Mark pictures, register what was marked, and find what a mark names."""
