"""Take the open mark and the keyed one out, with what a stranger holds: how often that succeeds.

A stranger holds this package and marked pictures, and no key. Nothing here is offered as a tool:
it runs on an audit's own pictures, which it marks itself, and keeps none.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.auditing._rows import AuditRow
from lightkeeper.evidence.watermark.keyed import KeyedPattern, KeyedReading, embed_keyed, read_keyed
from lightkeeper.evidence.watermark.keyed._content import BLOCK, Content, resized, whitened
from lightkeeper.evidence.watermark.lattice import PAYLOAD_BITS, embed, read_all
from lightkeeper.evidence.watermark.lattice._embed import SMALLEST_SIDE, visibility_mask
from lightkeeper.evidence.watermark.lattice._kernels import box_mean, luma
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Wave = NDArray[np.float32]

_PAYLOAD = 0x5A17C0DE1E55
_OTHERS = (0x0123456789AB, 0xFEDCBA987654, 0xA0B1C2D3E4F5, 0x1D2E3F405162)
_KEY = hashlib.sha256(b"lightkeeper audit of the keyed lattice").digest()
_WRONG = hashlib.sha256(b"another key").digest()
_MOST = 24
"""Pictures that are attacked, and that are copied onto."""
_AVERAGED = (1, 10, 100)
_STRENGTHS = (40.0, 38.0, 36.0, 34.0, 32.0)
"""Distance of an estimate's removal from the marked picture, in dB."""
_LAID_ON = 4.0
"""Grey levels of deviation with which an estimate is laid on."""
_NUDGES = (0.25, 0.5)
_PEAKS = 2000
_NOTCH = 0.12
_COPY = "copied onto"


def removal_audit(
    pictures: Sequence[Picture], *, targets: Sequence[Picture] | None = None
) -> Iterator[AuditRow]:
    """Measure how often strangers take the open mark out, and the keyed one, or copy the latter.

    Parameters
    ----------
    pictures : sequence of uint8 arrays, shape (H, W, 3)
        Unmarked and of one size, at least 128 pixels on each side. The first half, 24 at most, is
        attacked; means and fits are of as many of the others as there are, 100 at most.
    targets : sequence of uint8 arrays, optional
        Other pictures of that size, onto which the keyed mark is copied; by default the last
        quarter of ``pictures``.

    Yields
    ------
    AuditRow
        As each is measured. Notes say how far the attacked pictures are from the marked ones.

    Raises
    ------
    EvidenceError
        There are fewer than eight pictures, or they differ in size or are too small.
    """
    if targets is None:
        kept = len(pictures) - len(pictures) // 4
        pictures, targets = pictures[:kept], pictures[kept:]
    shapes = {rgb.shape for rgb in (*pictures, *targets)}
    if len(pictures) + len(targets) < 8 or not len(targets):
        raise EvidenceError("an audit needs at least eight pictures")
    if len(shapes) > 1 or min(next(iter(shapes))[:2]) < SMALLEST_SIDE:
        raise EvidenceError("pictures of an audit have one size, at least 128 pixels on each side")
    attacked = min(_MOST, len(pictures) // 2)
    yield from _open_rows(pictures[:attacked])
    yield from _keyed_rows(pictures[:attacked], pictures[attacked:], targets[:_MOST])


def _open_rows(pictures: Sequence[Picture]) -> Iterator[AuditRow]:
    marked = [embed(rgb, _PAYLOAD) for rgb in pictures]

    def row(name: str, attacked: Sequence[Picture], against: Sequence[Picture]) -> AuditRow:
        found = [_PAYLOAD in {each.payload for each in read_all(rgb)} for rgb in attacked]
        return AuditRow.of(f"open mark: {name}", found, None, _distance(attacked, against))

    yield row("the tile that it says, taken out", [_without_tile(rgb) for rgb in marked], marked)
    yield row("notch at multiples of 1/61", [_notched(rgb) for rgb in marked], marked)
    colluding = [_mean([embed(rgb, each) for each in (_PAYLOAD, *_OTHERS)]) for rgb in pictures]
    yield row("mean of 5 payloads of one picture", colluding, marked)
    for strength in _STRENGTHS:
        attacked = [_taken(rgb, _estimate(rgb), strength) for rgb in marked]
        yield row(f"its own estimate taken out, {strength:.0f} dB", attacked, marked)


def _keyed_rows(
    pictures: Sequence[Picture], learnt: Sequence[Picture], targets: Sequence[Picture]
) -> Iterator[AuditRow]:
    pattern = KeyedPattern.of(_KEY)
    marked = [embed_keyed(rgb, pattern, _PAYLOAD) for rgb in pictures]
    others = [embed_keyed(rgb, pattern, _PAYLOAD) for rgb in learnt[: max(_AVERAGED)]]

    def row(
        name: str, attacked: Sequence[Picture], against: Sequence[Picture], note: str = ""
    ) -> AuditRow:
        found = [_found(rgb, pattern) for rgb in attacked]
        told = f"{note}{_distance(attacked, against)}"
        return AuditRow.of(f"keyed mark: {name}", [one is not None for one in found],
                           _bits(found), told)  # fmt: skip

    yield row("as marked", marked, pictures)
    stranger = KeyedPattern.of(_WRONG)
    found = [_found(rgb, stranger) is not None for rgb in marked]
    yield AuditRow.of("keyed mark: looked for with another key", found, None)
    yield row("the open mark's notch", [_notched(rgb) for rgb in marked], marked)
    yield row(f"notch at its {_PEAKS} highest peaks", [_flattened(rgb) for rgb in marked], marked)
    wrong = [_taken(rgb, _difference(embed_keyed(rgb, stranger), rgb), None) for rgb in marked]
    yield row("a mark of another key taken out", wrong, marked)
    colluding = [
        _mean([embed_keyed(rgb, pattern, each) for each in (_PAYLOAD, *_OTHERS)])
        for rgb in pictures
    ]
    yield row("mean of 5 payloads of one picture", colluding, marked)
    for strength in _STRENGTHS:
        attacked = [_taken(rgb, _estimate(rgb), strength) for rgb in marked]
        yield row(f"its own estimate taken out, {strength:.0f} dB", attacked, marked)
    for count in _AVERAGED:
        if count > len(others):
            break
        some = others[:count]
        for name, estimate in (("mean", _averaged(some)), ("fit", _fitted(some))):
            what = f"{name} of {count} marked pictures"
            attacked = [_taken(rgb, estimate(rgb), None) for rgb in marked]
            yield row(f"{what} taken out", attacked, marked)
            copies = [_laid(rgb, estimate(rgb)) for rgb in targets]
            yield row(f"{what} laid on", copies, targets, f"{_COPY}; ")
    for share in (0.0, *_NUDGES):
        copies, against = [], []
        for k, target in enumerate(targets):
            # Each is tried with two pictures: a forger takes whichever suits.
            for source in (marked[k % len(marked)], marked[(k + 7) % len(marked)]):
                copies.append(_laid(_nudged(target, source, share), _estimate(source)))
                against.append(target)
        what = f", with {share:.0%} of what it shows" if share else ""
        yield row(f"one picture's estimate laid on{what}", copies, against, f"{_COPY}; ")


def _found(rgb: Picture, pattern: KeyedPattern) -> KeyedReading | None:
    return read_keyed(rgb, [pattern])[0]


def _bits(found: Sequence[KeyedReading | None]) -> float | None:
    """Share of the payload's bits right, in those where a payload was read."""
    told = [one.payload for one in found if one is not None and one.payload is not None]
    if not told:
        return None
    return 1 - sum((each ^ _PAYLOAD).bit_count() for each in told) / (PAYLOAD_BITS * len(told))


def _estimate(rgb: Picture) -> Wave:
    """What of a picture is likeliest to be the mark: its whitened detail, as strong as the mark is.

    This is Wiener's filter as far as the local variance tells the picture from the mark.
    """
    values = luma(np.ascontiguousarray(rgb))
    smooth = box_mean(values, 1)
    detail = smooth - box_mean(values, 4)
    power = box_mean(detail * detail, 4)
    mask = visibility_mask(np.ascontiguousarray(rgb))
    return np.asarray(detail * mask**2 / (power + mask**2), np.float32)


def _averaged(marked: Sequence[Picture]) -> Callable[[Picture], Wave]:
    total = np.asarray(sum(_estimate(rgb).astype(np.float64) for rgb in marked) / len(marked))
    wave = total.astype(np.float32)
    return lambda rgb: wave


def _fitted(marked: Sequence[Picture]) -> Callable[[Picture], Wave]:
    """Detail at every place as a linear function of what the picture shows there."""
    planes = [_cells(rgb) for rgb in marked]
    slopes = sum(_shown(cells) * whitened(cells)[None] for cells in planes)

    def estimate(rgb: Picture) -> Wave:
        height, width = rgb.shape[:2]
        cells = np.asarray((slopes * _shown(_cells(rgb))).sum(axis=0), np.float32)
        rows, columns = cells.shape
        pixels = resized(cells, 2 * rows, 2 * columns, (0, 0, columns, rows))
        spare = ((0, height - 2 * rows), (0, width - 2 * columns))
        return np.pad(pixels, spare) * visibility_mask(np.ascontiguousarray(rgb))

    return estimate


def _cells(rgb: Picture) -> Wave:
    values = luma(np.ascontiguousarray(rgb))
    rows, columns = (side // (2 * BLOCK) * BLOCK for side in values.shape)
    return resized(values, rows, columns, (0, 0, 2 * columns, 2 * rows))


def _shown(cells: Wave) -> Wave:
    features = Content.of(cells).features
    features = features / np.sqrt((features**2).sum(axis=0) + 1e-6)
    return np.asarray(features.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2), np.float32)


def _taken(rgb: Picture, wave: Wave, decibels: float | None) -> Picture:
    """A wave subtracted: so far that the picture is ``decibels`` away, or as far as it is there."""
    deviation = max(float(np.sqrt(np.mean(wave**2))), 1e-9)
    if decibels is not None:
        share = 255 * 10 ** (-decibels / 20) / deviation
    else:
        values = luma(np.ascontiguousarray(rgb))
        detail = values - box_mean(values, 4)
        share = float((detail * wave).sum() / max(float((wave * wave).sum()), 1e-9))
    return _added(rgb, -share * wave)


def _laid(rgb: Picture, wave: Wave) -> Picture:
    return _added(rgb, wave * (_LAID_ON / max(float(wave.std()), 1e-9)))


def _added(rgb: Picture, wave: NDArray[np.floating]) -> Picture:
    return np.clip(np.rint(rgb + wave[..., None]), 0, 255).astype(np.uint8)


def _mean(pictures: Sequence[Picture]) -> Picture:
    return np.asarray(np.rint(np.mean(pictures, axis=0)), np.uint8)


def _difference(one: Picture, other: Picture) -> Wave:
    return np.asarray(luma(one) - luma(np.ascontiguousarray(other)), np.float32)


def _without_tile(rgb: Picture) -> Picture:
    """The tile of the payload that is read, times the mask, taken out as far as it is there."""
    readings = read_all(rgb)
    if not readings:
        return rgb
    height, width = rgb.shape[:2]
    one = tile(readings[0].payload)
    whole = np.tile(one, (-(-height // PERIOD), -(-width // PERIOD)))[:height, :width]
    return _taken(rgb, whole * visibility_mask(rgb), None)


def _notched(rgb: Picture) -> Picture:
    """Frequencies near multiples of 1/61 in both directions set to nothing."""
    height, width = rgb.shape[:2]
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    near = [np.abs(f * PERIOD - np.rint(f * PERIOD)) < _NOTCH for f in (down, across)]
    radius = np.hypot(down, across) * PERIOD
    return _without(rgb, near[0] & near[1] & (radius > 1.5) & (radius < 18))


def _flattened(rgb: Picture) -> Picture:
    """The highest peaks of the whitened picture's spectrum set to nothing, and those around."""
    values = luma(np.ascontiguousarray(rgb))
    power = np.abs(np.fft.rfft2(_estimate(rgb))).astype(np.float32)
    height, width = values.shape
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    peaks = np.where(radius > 0.03, power / (box_mean(power, 8) + 1e-6), 0)
    least = np.partition(peaks.ravel(), -min(_PEAKS, peaks.size))[-min(_PEAKS, peaks.size)]
    return _without(rgb, peaks >= least)


def _without(rgb: Picture, gone: NDArray[np.bool_]) -> Picture:
    values = luma(np.ascontiguousarray(rgb))
    spectrum = np.fft.rfft2(values)
    left = np.fft.irfft2(np.where(gone, 0, spectrum), s=values.shape)
    return _added(rgb, left - values)


def _nudged(target: Picture, source: Picture, share: float) -> Picture:
    """A picture, moved towards what another shows, in the sizes that the keyed mark asks about."""
    if not share:
        return target
    shown = [_band(luma(np.ascontiguousarray(rgb))) for rgb in (target, source)]
    return _added(target, share * (shown[1] - shown[0]))


def _band(values: Wave) -> Wave:
    for _ in range(2):
        values = box_mean(values, 5)
    return np.asarray(values - box_mean(values, 64), np.float32)


def _distance(attacked: Sequence[Picture], against: Sequence[Picture]) -> str:
    errors = [
        float(np.mean((a.astype(np.float64) - b) ** 2))
        for a, b in zip(attacked, against, strict=True)
    ]
    return f"{np.mean([10 * np.log10(255**2 / max(e, 1e-9)) for e in errors]):.1f} dB"
