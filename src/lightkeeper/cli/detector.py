"""``lightkeeper detector``: measure passive detectors, compare them, and plan a cascade."""

from __future__ import annotations

import typer

from lightkeeper.cli._detector_autoencoders import app as autoencoders
from lightkeeper.cli._detector_cards import app as cards
from lightkeeper.cli._detector_evaluate import app as evaluate
from lightkeeper.cli._detector_simulate import app as simulate
from lightkeeper.cli._detector_train import app as train

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
for commands in (evaluate, cards, simulate, autoencoders, train):
    app.add_typer(commands)


@app.callback()
def _detector() -> None:
    """Measure and compare passive detectors; plan a cascade."""
