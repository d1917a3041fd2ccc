"""Public marks: who writes them, and the bits that they write."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

SHORTEST, LONGEST = 24, 1024
RIVAGAN_BITS = 32
LATTICE_BITS = 48
_BYTE = 8


class Method(StrEnum):
    """How a message is embedded; the names are the reference library's but for the open mark."""

    DWT_DCT = "dwtDct"
    DWT_DCT_SVD = "dwtDctSvd"
    RIVA_GAN = "rivaGan"
    LATTICE = "lattice"
    """The open mark, whose payload is this message in every picture."""

    @property
    def is_read_from_blocks(self) -> bool:
        """Whether the one walk over the blocks of U finds it."""
        return self in (Method.DWT_DCT, Method.DWT_DCT_SVD)


class Variant(StrEnum):
    """What an embedder handed to the reference library: number type, channel order, method.

    The library reads channels as blue, green, red whatever they are, and centres U on 128 for
    uint8 but on 0.5 for float32, so a mark can only be read the way it was written.
    """

    UINT8_BGR = "uint8-bgr"
    UINT8_BGR_SVD = "uint8-bgr-svd"
    UINT8_RGB = "uint8-rgb"
    UINT8_RGB_SVD = "uint8-rgb-svd"
    FLOAT32_BGR = "float32-bgr"
    FLOAT32_BGR_SVD = "float32-bgr-svd"
    FLOAT32_RGB = "float32-rgb"
    FLOAT32_RGB_SVD = "float32-rgb-svd"

    @property
    def method(self) -> Method:
        """Embedding method."""
        return Method.DWT_DCT_SVD if self.value.endswith("-svd") else Method.DWT_DCT


VARIANTS = tuple(Variant)
"""In the order of the rows of the score arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A message that some software writes into pictures.

    ``bits`` holds zeros and ones. Where ``method`` is ``None``, both dwtDct and dwtDctSvd are
    tried. ``also_on_human_art`` says that tools put it on pictures by people, too.
    """

    id: str
    bits: tuple[int, ...]
    description: str
    method: Method | None = None
    also_on_human_art: bool = False

    def rows(self) -> tuple[int, ...]:
        """Indices of the variants in which this mark is looked for."""
        methods = (self.method,) if self.method else (Method.DWT_DCT, Method.DWT_DCT_SVD)
        return tuple(i for i, variant in enumerate(VARIANTS) if variant.method in methods)


def _text(message: str) -> tuple[int, ...]:
    return _binary("".join(f"{byte:08b}" for byte in message.encode()))


def _binary(message: str) -> tuple[int, ...]:
    return tuple(int(bit) for bit in message)


PUBLIC_MARKS: tuple[Mark, ...] = (
    Mark(
        id="sd-v1",
        bits=_text("StableDiffusionV1"),
        description="Stable Diffusion v1 reference scripts (CompVis)",
    ),
    Mark(
        id="sd-v2",
        bits=_text("SDV2"),
        description="Stable Diffusion v2 reference scripts; also NoAI, on pictures by people",
        also_on_human_art=True,
    ),
    Mark(
        id="sdxl",
        bits=_binary("101100111110110010010000011110111011000110011110"),
        description="SDXL and Stable Video Diffusion (Stability's scripts, diffusers)",
    ),
    # Black Forest Labs write the message as a number and lose its two leading zeros: 46 bits.
    Mark(
        id="flux1",
        bits=_binary("1010101111111010000111100111001111010100101110"),
        description="FLUX.1 reference scripts (Black Forest Labs)",
    ),
    Mark(
        id="invokeai",
        bits=_text("InvokeAI"),
        description="InvokeAI, unless its user set another message",
    ),
)
"""Marks whose messages are published."""


def load_marks(path: Path) -> tuple[Mark, ...]:
    """Read an operator's own marks.

    The file holds ``[[mark]]`` tables with ``id``, ``method`` (``dwtDct``, ``dwtDctSvd``,
    ``rivaGan`` or ``lattice``), exactly one of ``text``, ``hex`` and ``bits``, and optionally
    ``description``.

    Raises
    ------
    InvalidConfiguration
        The message names the mark and the key that is wrong.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfiguration(f"cannot read marks {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"marks {path}: {error}") from error
    entries = tables.pop("mark", None)
    if tables or not isinstance(entries, list) or not entries:
        raise InvalidConfiguration(f"marks {path}: expected [[mark]] tables and nothing else")
    marks = tuple(_parse(entry, f"marks {path}: mark {i}") for i, entry in enumerate(entries, 1))
    ids = [mark.id for mark in (*PUBLIC_MARKS, *marks)]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise InvalidConfiguration(f"marks {path}: the id '{twice}' is taken")
    return marks


def _parse(entry: Any, where: str) -> Mark:
    if not isinstance(entry, dict) or not all(isinstance(v, str) for v in entry.values()):
        raise InvalidConfiguration(f"{where}: every key holds a string")
    if unknown := set(entry) - {"id", "method", "text", "hex", "bits", "description"}:
        raise InvalidConfiguration(f"{where}: unknown key '{min(unknown)}'")
    if not entry.get("id"):
        raise InvalidConfiguration(f"{where}: 'id' is missing")
    where = f"{where} ('{entry['id']}')"
    try:
        method = Method(entry.get("method", ""))
    except ValueError:
        known = ", ".join(Method)
        raise InvalidConfiguration(f"{where}: 'method' must be one of {known}") from None
    bits = _message(entry, where)
    if method is Method.RIVA_GAN and len(bits) != RIVAGAN_BITS:
        raise InvalidConfiguration(f"{where}: a rivaGan message has 32 bits, not {len(bits)}")
    if method is Method.LATTICE and len(bits) != LATTICE_BITS:
        raise InvalidConfiguration(f"{where}: a lattice payload has 48 bits, not {len(bits)}")
    description = entry.get("description", "registered by the operator")
    return Mark(id=entry["id"], bits=bits, method=method, description=description)


def _message(entry: dict[str, str], where: str) -> tuple[int, ...]:
    given = [key for key in ("text", "hex", "bits") if key in entry]
    if len(given) != 1:
        raise InvalidConfiguration(f"{where}: give one of 'text', 'hex' and 'bits'")
    value = entry[given[0]]
    try:
        if given[0] == "text":
            bits = _text(value)
        elif given[0] == "hex":
            bits = _binary("".join(f"{byte:08b}" for byte in bytes.fromhex(value)))
        else:
            bits = _binary(value)
    except ValueError:
        raise InvalidConfiguration(f"{where}: '{given[0]}' cannot be read") from None
    if not SHORTEST <= len(bits) <= LONGEST or set(bits) != {0, 1}:
        raise InvalidConfiguration(
            f"{where}: a message has {SHORTEST} to {LONGEST} bits, zeros and ones among them",
            hint="a shorter message cannot be told from chance at one in a million",
        )
    if any(bits == tuple(islice(cycle(bits[:p]), len(bits))) for p in range(2, _BYTE + 1)):
        raise InvalidConfiguration(
            f"{where}: the message repeats itself after {_BYTE} bits or fewer",
            hint="a picture with a repeating texture could be taken for it",
        )
    return bits
