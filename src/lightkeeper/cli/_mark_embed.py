"""``lightkeeper mark embed``: put the open mark into a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lightkeeper.cli._encode import check_target, encoded
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidConfiguration, LightkeeperError
from lightkeeper.evidence.watermark.lattice import DEFAULT_PSNR, PAYLOAD_BITS, embed
from lightkeeper.media import open_media

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Payload = Annotated[str, typer.Option("--payload", metavar="HEX", help="48 bits.")]
Psnr = Annotated[
    float, typer.Option(min=20, max=60, help="Least PSNR of the marked picture, in dB.")
]


@app.command("embed")
def embed_mark(
    source: Annotated[str, typer.Argument(metavar="IN")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="PNG, JPEG or WebP, by suffix.")],
    payload: Payload,
    psnr: Psnr = DEFAULT_PSNR,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
) -> None:
    """Put the open mark into a picture, upright and without transparency.

    It proves nothing: anyone can write it, and one marked picture is enough to copy it. Metadata of
    IN is not carried over.
    """
    number = payload_number(payload)
    check_target(target, force=force)
    try:
        pixels = open_media(source, limits=load_settings().media_limits()).rgb()
    except OSError as error:
        raise LightkeeperError(f"{source}: {error.strerror}") from error
    write_whole(target, encoded(embed(pixels, number, psnr=psnr), target))
    note = printable(
        f"{target}: carries the open mark {number:012x}. It proves nothing alone; metadata of "
        f"{source} was not carried over."
    )
    sys.stderr.write(note + "\n")
    raise typer.Exit(Exit.OK)


def payload_number(text: str) -> int:
    """The number that hexadecimal digits are.

    Raises
    ------
    InvalidConfiguration
        They are no number of 48 bits.
    """
    digits = text.removeprefix("0x")
    try:
        number = int(digits, 16)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << PAYLOAD_BITS or not digits.isalnum():
        raise InvalidConfiguration(
            f"the payload '{text}' is no number of {PAYLOAD_BITS} bits",
            hint=f"give up to {PAYLOAD_BITS // 4} hexadecimal digits",
        )
    return number
