"""Remove the open mark, copy it, cover it: how often each succeeds on given pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.auditing._forgery import (
    BAR_PSNR,
    chosen,
    least_average,
    least_fit,
)
from lightkeeper.evidence.watermark.auditing._rows import AuditRow
from lightkeeper.evidence.watermark.lattice import PAYLOAD_BITS, LatticeReading, embed, read_all
from lightkeeper.evidence.watermark.lattice._embed import SMALLEST_SIDE
from lightkeeper.evidence.watermark.lattice._kernels import box_mean, luma
from lightkeeper.evidence.watermark.lattice._read import likeliest
from lightkeeper.evidence.watermark.registry import Fingerprint, Likeness, compare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

AVERAGED = (1, 2, 5, 20, 50, 100, 200)
_PAYLOAD, _OTHER = 0x5A17C0DE1E55, 0x0123456789AB
_REACH = 3
_LAID_ON = 3.0
_EXPOSED = "exposed by the registry, of those read"
_ENTRIES = 34
"""Registered pictures among which a forger may choose."""


def open_mark_audit(
    pictures: Sequence[Picture],
    *,
    targets: Sequence[Picture] | None = None,
    changes: Mapping[str, Callable[[Picture], Picture]] | None = None,
    decoders: Mapping[str, Callable[[Picture], Picture]] | None = None,
) -> Iterator[AuditRow]:
    """Measure the open mark against those who have marked pictures, or the decoder.

    Nobody needs any of this to forge it: the pattern is public. The rows show what the mark
    withstands, and what the registry says of copies.

    Parameters
    ----------
    pictures : sequence of uint8 arrays, shape (H, W, 3)
        Unmarked and of one size, at least 128 pixels on each side. Means are taken of as many
        marked pictures as there are, 200 at most.
    targets : sequence of uint8 arrays, optional
        Other pictures of that size, onto which marks are copied; by default the last quarter of
        ``pictures``, which is then averaged no more.
    changes : mapping of callables, optional
        Further changes of a marked picture, such as a round trip through an autoencoder.
    decoders : mapping of callables, optional
        From an unmarked picture to one that a rooted decoder put out, such as one whose constants
        were set to zero. They must carry the payload 5a17c0de1e55.

    Yields
    ------
    AuditRow
        As each is measured.

    Raises
    ------
    EvidenceError
        There are fewer than eight pictures, or they differ in size or are too small.
    """
    if targets is None:
        kept = len(pictures) - len(pictures) // 4
        pictures, targets = pictures[:kept], pictures[kept:]
    _check(pictures, targets)
    marked = [embed(rgb, _PAYLOAD) for rgb in pictures]
    count = len(targets)
    some = marked[:count]
    yield _row("as marked", some)
    yield _row("8 grey levels a channel", [_levels(rgb, 3) for rgb in some])
    yield _row("16 grey levels a channel", [_levels(rgb, 4) for rgb in some])
    halves = [_half(rgb, other) for rgb, other in zip(some, targets, strict=True)]
    yield _row("half replaced", halves)
    yield _row("a second mark on top", [embed(rgb, _OTHER) for rgb in some])
    for name, change in (changes or {}).items():
        yield _row(name, [change(rgb) for rgb in some])
    for name, decode in (decoders or {}).items():
        yield _row(name, [decode(rgb) for rgb in pictures[:count]], "of a rooted decoder")
    yield from _averages(marked, targets)
    yield from _copied(
        "written again with the payload", [embed(rgb, _PAYLOAD) for rgb in targets], marked
    )
    yield from _forged(marked[:_ENTRIES], targets)


def _forged(marked: Sequence[Picture], targets: Sequence[Picture]) -> Iterator[AuditRow]:
    """How often a target passes for a registered picture, by one who holds all of those."""
    entries = [Fingerprint.of(rgb) for rgb in marked]
    best = [chosen(rgb, entries) for rgb in targets]
    name = f"registry: a target as it is, best of {len(entries)} entries in eight turns"
    called = [found.likeness is Likeness.MATCHES for found, _, _ in best]
    yield AuditRow.of(name, called, None, "called the registered picture")
    picked = [(shown, entries.index(entry)) for _, entry, shown in best]
    others = [(rgb, place % len(entries)) for place, rgb in enumerate(targets)]
    for whose, pairs in (("an entry", others), ("the best entry", picked)):
        fits = [least_fit(rgb, entries[at], decoys=entries) for rgb, at in pairs]
        yield _at_bar(f"registry: a target fitted to the sketch of {whose}", fits)
        means = [least_average(rgb, marked[at], entries[at], decoys=entries) for rgb, at in pairs]
        yield _at_bar(f"registry: mean of a target and the picture of {whose}", means)


def _at_bar(name: str, reached: Sequence[float | None]) -> AuditRow:
    passed = [psnr for psnr in reached if psnr is not None]
    least = f"; the best has {max(passed):.1f} dB" if passed else "; none passes at all"
    note = f"called the registered picture at {BAR_PSNR:g} dB or more{least}"
    return AuditRow.of(name, [p is not None and p >= BAR_PSNR for p in reached], None, note)


def _averages(marked: Sequence[Picture], targets: Sequence[Picture]) -> Iterator[AuditRow]:
    """The mean of k marked pictures, taken from marked ones and laid onto others."""
    total: NDArray[np.float64] = np.zeros(marked[0].shape[:2])
    for k, rgb in enumerate(marked, 1):
        total += _detail(rgb)
        if k not in AVERAGED:
            continue
        mean = total / k
        without = [_without(picture, mean) for picture in marked[: len(targets)]]
        yield _row(f"mean of {k} marked pictures taken out", without)
        wave = mean * _LAID_ON / max(float(mean.std()), 1e-9)
        laid = [_added(target, wave) for target in targets]
        yield from _copied(f"mean of {k} marked pictures laid on", laid, marked)


def _copied(
    name: str, laid: Sequence[Picture], marked: Sequence[Picture]
) -> tuple[AuditRow, AuditRow]:
    """How often a copied mark is read, and how often the entry's fingerprint exposes it."""
    fingerprint = Fingerprint.of(marked[0])
    readings = [_ours(rgb) for rgb in laid]
    exposed = []
    for rgb, reading in zip(laid, readings, strict=True):
        if reading is not None:
            matrix = np.array(reading.transform.matrix, np.float64).reshape(2, 2)
            likeness = compare(rgb, fingerprint, matrix=matrix).likeness
            exposed.append(likeness is Likeness.DIFFERS)
    bits = _bits(laid, readings)
    return (
        AuditRow.of(name, [reading is not None for reading in readings], bits),
        AuditRow.of(f"{name}: registered", exposed, None, _EXPOSED),
    )


def _row(name: str, pictures: Sequence[Picture], note: str = "") -> AuditRow:
    readings = [_ours(rgb) for rgb in pictures]
    found = [reading is not None for reading in readings]
    return AuditRow.of(name, found, _bits(pictures, readings), note)


def _ours(rgb: Picture) -> LatticeReading | None:
    rgb = np.ascontiguousarray(rgb)
    return next((found for found in read_all(rgb) if found.payload == _PAYLOAD), None)


def _bits(pictures: Sequence[Picture], readings: Sequence[LatticeReading | None]) -> float:
    """Share of the payload's bits right, of the likeliest payload where none was read."""
    wrong = 0
    for rgb, reading in zip(pictures, readings, strict=True):
        if reading is None:
            wrong += (likeliest(np.ascontiguousarray(rgb)) ^ _PAYLOAD).bit_count()
    return 1 - wrong / (PAYLOAD_BITS * max(len(pictures), 1))


def _detail(rgb: Picture) -> NDArray[np.float32]:
    values = luma(np.ascontiguousarray(rgb))
    return np.asarray(values - box_mean(values, _REACH), np.float32)


def _without(rgb: Picture, mean: NDArray[np.float64]) -> Picture:
    share = float((_detail(rgb) * mean).sum() / max(float((mean * mean).sum()), 1e-9))
    return _added(rgb, -share * mean)


def _added(rgb: Picture, wave: NDArray[np.float64]) -> Picture:
    return np.clip(np.rint(rgb + wave[..., None]), 0, 255).astype(np.uint8)


def _levels(rgb: Picture, bits: int) -> Picture:
    step = 255 / (2**bits - 1)
    fewer: Picture = np.rint(np.rint(rgb / step) * step).astype(np.uint8)
    return fewer


def _half(rgb: Picture, other: Picture) -> Picture:
    middle = rgb.shape[1] // 2
    return np.concatenate([rgb[:, :middle], other[:, middle:]], axis=1)


def _check(pictures: Sequence[Picture], targets: Sequence[Picture]) -> None:
    if len(pictures) < len(targets) or len(pictures) + len(targets) < 8 or not len(targets):
        raise EvidenceError(
            "an audit needs at least eight pictures, and no more targets than others"
        )
    shapes = {rgb.shape for rgb in (*pictures, *targets)}
    if len(shapes) > 1 or min(next(iter(shapes))[:2]) < SMALLEST_SIDE:
        raise EvidenceError("pictures of an audit have one size, at least 128 pixels on each side")
