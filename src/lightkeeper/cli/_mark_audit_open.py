"""``lightkeeper mark audit-open``: what others can do with the open mark."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._audit_pictures import squares
from lightkeeper.cli._mark_card import open_card, say_row
from lightkeeper.cli._write import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder

    Picture = NDArray[np.uint8]

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_SIDE = 256
_FEWEST = 8


@app.command("audit-open")
def audit_open(
    pictures: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Unmarked pictures, up to 200.")
    ],
    through: Annotated[
        list[Path] | None,
        typer.Option(metavar="ENTRY", help="Registered autoencoder to go through; repeatable."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the card as a page.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per row.")] = False,
) -> None:
    """Remove, copy and cover the open mark on your own pictures, and say what is left of it.

    Removal is measured for the keyed mark too, with a key drawn for it alone. A quarter of the
    pictures are what marks are copied onto. No attacked picture is kept.
    """
    from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
    from lightkeeper.evidence.watermark.auditing import open_mark_audit, removal_audit

    entries = [read_autoencoder(path).autoencoder for path in through or []]
    changes = {f"through the autoencoder {each.name}": _through(each) for each in entries}
    taken = squares(pictures, _SIDE, fewest=_FEWEST)
    found = chain(open_mark_audit(taken, changes=changes), removal_audit(taken))
    rows, began = [], time.monotonic()
    for row in found:
        rows.append(asdict(row))
        say_row(rows[-1], as_json=as_json)
        if sys.stderr.isatty():
            sys.stderr.write(f"{len(rows)} rows, {time.monotonic() - began:.0f} s\n")
    if html is not None:
        write_whole(html, open_card(rows).encode())


def _through(autoencoder: Autoencoder) -> Callable[[Picture], Picture]:
    import numpy as np

    def changed(rgb: Picture) -> Picture:
        batch = (rgb.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)[None]
        made = autoencoder.reconstruct(np.ascontiguousarray(batch))[0].transpose(1, 2, 0)
        return np.ascontiguousarray(np.clip(np.rint(made * 255), 0, 255).astype(np.uint8))

    return changed
