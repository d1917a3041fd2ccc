"""``lightkeeper mark``: the open mark, and the registry of what carries it."""

from __future__ import annotations

import typer

from lightkeeper.cli._mark_entries import app as entries
from lightkeeper.cli._mark_recover import app as recover

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(entries, name="entries")
app.add_typer(recover)


@app.callback()
def _mark() -> None:
    """The open mark, and the registry of pictures that carry it."""
