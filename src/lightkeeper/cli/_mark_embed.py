"""``lightkeeper mark embed``: put the open mark into a picture, or an owner's keyed one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._encode import check_target, encoded
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidConfiguration, LightkeeperError
from lightkeeper.evidence.watermark.lattice import DEFAULT_PSNR, PAYLOAD_BITS, embed
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.keyed import LatticeKey

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Payload = Annotated[str, typer.Option("--payload", metavar="HEX", help="48 bits.")]
_Secret = Annotated[
    Path | None,
    typer.Option("--secret", metavar="FILE", help="Keyed mark, with a key of this secret file."),
]
_Key = Annotated[
    str | None, typer.Option("--key", metavar="LABEL", help="Of the key, where there are several.")
]
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
    secret: _Secret = None,
    key: _Key = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="First line opens SECRET; else it is asked."),
    ] = None,
) -> None:
    """Put the open mark into a picture, upright and without transparency; or a keyed one.

    The open mark proves nothing: anyone can write it, and one marked picture is enough to copy it.
    The keyed mark takes a secret file of 'mark keygen --keyed', and only its holder can look for
    it. Metadata of IN is not carried over.
    """
    number = payload_number(payload)
    if secret is None and (key is not None or passphrase_file is not None):
        raise InvalidConfiguration("--key and --passphrase-file need --secret FILE")
    check_target(target, force=force)
    chosen = None if secret is None else _lattice_key(secret, key, passphrase_file)
    try:
        pixels = open_media(source, limits=load_settings().media_limits()).rgb()
    except OSError as error:
        raise LightkeeperError(f"{source}: {error.strerror}") from error
    if chosen is None:
        marked = embed(pixels, number, psnr=psnr)
        told = f"the open mark {number:012x}. It proves nothing alone"
    else:
        from lightkeeper.evidence.watermark.keyed import KeyedPattern, embed_keyed

        marked = embed_keyed(pixels, KeyedPattern.of(chosen.key), number, psnr=psnr)
        told = f"the keyed mark '{chosen.label}' {number:012x}. Only its key finds it"
    write_whole(target, encoded(marked, target))
    note = printable(f"{target}: carries {told}; metadata of {source} was not carried over.")
    sys.stderr.write(note + "\n")
    raise typer.Exit(Exit.OK)


def _lattice_key(secret: Path, label: str | None, passphrase_file: Path | None) -> LatticeKey:
    from lightkeeper.cli.mark_rooted import asked_passphrase
    from lightkeeper.evidence.watermark.rooted import MarkSecret

    held = MarkSecret.open(secret, asked_passphrase(passphrase_file)).lattice
    fitting = [key for key in held if label in (None, key.label)]
    if len(fitting) == 1:
        return fitting[0]
    if not held:
        raise InvalidConfiguration(
            f"{secret} holds no key of the keyed mark", hint="lightkeeper mark keygen --keyed"
        )
    wrong = "several keys" if label is None else f"no key '{label}'"
    known = ", ".join(key.label for key in held)
    raise InvalidConfiguration(f"{secret} holds {wrong}", hint=f"--key LABEL; known: {known}")


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
