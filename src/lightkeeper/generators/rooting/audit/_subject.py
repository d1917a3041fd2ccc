"""What an audit looks at, and how it reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lightkeeper.evidence.watermark.auditing import AuditRow
from lightkeeper.evidence.watermark.rooted import MarkKey, RootedReader, detect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.generators.rooting._root import Generator

GRID = 8
_WHITE = 255.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A rooted decoder, its key, and the pictures it is tried on.

    Parameters
    ----------
    generator : Generator
        With the original decoder.
    rooted : torch module
        The decoder that marks.
    key : MarkKey
    reader : RootedReader
    pictures : sequence of uint8 arrays, shape (H, W, 3)
        They are decoded, attacked and read, and marks are copied onto them.
    photographs : sequence of uint8 arrays
        Unmarked, all of one size: from their decodings an attacker learns.
    second : torch module, optional
        The rooted decoder of another copy.
    others : mapping of str to Generator
        Other autoencoders, by name.
    alpha : float
        Chance per picture of reading a mark where there is none.
    """

    generator: Generator
    rooted: Any
    key: MarkKey
    reader: RootedReader
    pictures: Sequence[NDArray[np.uint8]]
    photographs: Sequence[NDArray[np.uint8]] = ()
    second: Any = None
    others: Mapping[str, Generator] = field(default_factory=dict)
    alpha: float = 1e-6

    def decode(self, decoder: Any, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture, cut to whole cells, through this generator with a decoder of its own."""
        return decoded(self.generator, rgb, decoder)

    def row(
        self,
        name: str,
        attacked: Sequence[NDArray[np.uint8]],
        before: Sequence[NDArray[np.uint8]] | None = None,
    ) -> AuditRow:
        """Read attacked pictures; their distance to those before becomes the note."""
        found, bits, distances = [], 0.0, []
        for place, rgb in enumerate(attacked):
            readings = detect(self.reader.search(rgb, [self.key]), [self.key], alpha=self.alpha)
            bits += readings[0].matches / 48 if readings else 0.5
            found.append(bool(readings and readings[0].present))
            if before is not None:
                distances.append(_psnr(rgb, before[place]))
        note = f"{np.mean(distances):.1f} dB from the picture before" if distances else ""
        return AuditRow.of(name, found, bits / len(attacked), note)


def decoded(generator: Generator, rgb: NDArray[np.uint8], decoder: Any = None) -> NDArray[np.uint8]:
    """A picture through an autoencoder, cut to whole cells, uint8."""
    height, width = (length // GRID * GRID for length in rgb.shape[:2])
    with torch.no_grad():
        x = torch.from_numpy(rgb[:height, :width].copy()).permute(2, 0, 1)[None] / _WHITE
        out = generator.decode(generator.encode(x), decoder)[0].clamp(0, 1)
    return as_bytes(out.permute(1, 2, 0).numpy() * _WHITE)


def as_bytes(values: Any) -> NDArray[np.uint8]:
    """Round and cut to a picture's values."""
    cut: NDArray[np.uint8] = np.clip(np.asarray(values), 0, _WHITE).round().astype(np.uint8)
    return cut


def _psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    error = ((one.astype(np.float64) - other) ** 2).mean() / _WHITE**2
    return float(min(99.0, -10 * np.log10(error + 1e-12)))
