"""``lightkeeper detector evaluate``: a card from labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lightkeeper.cli._detector_measure import is_entry, measure_and_keep
from lightkeeper.cli._exit import Exit
from lightkeeper.errors import OutputError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("evaluate")
def evaluate(
    detector: Annotated[
        Path, typer.Argument(metavar="DETECTOR", help="Plug-in manifest, or autoencoder entry.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder, CSV or JSON lines.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Where the card goes; an entry has a place of its own."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides every random choice.")] = 0,
    drawn: Annotated[int, typer.Option(min=1, help="Non-photographs drawn, of each kind.")] = 60,
    resamples: Annotated[int, typer.Option(min=50, max=20_000, help="For intervals.")] = 400,
    quick: Annotated[
        bool, typer.Option("--quick", help="An autoencoder's form in the tier model, not deep.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a card.")] = False,
) -> None:
    """Measure a detector on labelled pictures by one protocol, and write its card.

    DATA is a folder real/SOURCE/… and generated/GENERATOR/…, or a list with path, label, source,
    generator, pair and kind. The card tells what the detector may say; no picture goes into it.

    Of an autoencoder's entry, the rule of a scan is measured. Photographs are enough: each is
    also passed through the autoencoder. The entry then names the card.
    """
    from lightkeeper.evidence.detectors.evaluation import Setup

    if out is None:
        if not is_entry(detector):
            raise typer.BadParameter("a plug-in needs --out", param_hint="--out")
        folder = detector if detector.is_dir() else detector.parent
        out = folder / ("card-quick" if quick else "card")
    if (out / "card.json").exists() and not force:
        raise OutputError(f"{out} already holds a card", hint="--force replaces it")
    setup = Setup(seed=seed, drawn_per_kind=drawn, resamples=resamples)
    measure_and_keep(detector, data, out, setup, quick=quick)
    raise typer.Exit(Exit.OK)
