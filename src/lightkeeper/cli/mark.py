"""``lightkeeper mark``: the open mark."""

from __future__ import annotations

import typer

from lightkeeper.cli._mark_embed import app as embed

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(embed)


@app.callback()
def _mark() -> None:
    """The open mark: found after almost any change, and copied by anyone."""
