"""``lightkeeper mark``: marks for generators."""

from __future__ import annotations

import typer

from lightkeeper.cli.mark_rooted import app as rooted

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(rooted)


@app.callback()
def _mark() -> None:
    """Marks for generators: a secret mark that is rooted in a decoder."""
