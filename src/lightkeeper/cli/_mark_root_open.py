"""``lightkeeper mark root-open``: the open mark beside a decoder's last convolution."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lightkeeper.cli._mark_embed import Payload, Psnr, payload_number
from lightkeeper.errors import MissingExtra, OutputError
from lightkeeper.evidence.watermark.lattice import DEFAULT_PSNR

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("root-open")
def root_open(
    autoencoder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of the autoencoder (safetensors).")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Safetensors file to write.")],
    payload: Payload,
    psnr: Psnr = DEFAULT_PSNR,
    minutes: Annotated[float, typer.Option(min=0.01, help="Processor time.")] = 1.0,
) -> None:
    """Teach a decoder to put the open mark into all that it decodes. Needs the extra 'train'.

    The mark is removable by its owner: it sits in constants of its own, and whoever has the weights
    can leave them out.
    """
    number = payload_number(payload)
    if out.exists():
        raise OutputError(f"{out} exists")
    try:
        from lightkeeper.generators.rooting.open_mark._file import root_open_file
    except ImportError as error:
        raise MissingExtra("rooting a mark", extra="train") from error
    decibels = root_open_file(
        autoencoder, out, number, seconds=minutes * 60, psnr=psnr, told=_progress
    )
    sys.stderr.write(
        f"{out}: carries the open mark {number:012x}, {decibels:.1f} dB from the original; "
        "removable by its owner\n"
    )


def _progress(row: dict[str, float]) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{row['seconds']:5.0f} s  {row['psnr']:.1f} dB  {row['error']:.3f}")
