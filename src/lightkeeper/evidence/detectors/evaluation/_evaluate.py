"""Show every picture to a detector, under every condition."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import InvalidConfiguration, LightkeeperError
from lightkeeper.evidence.detectors.evaluation._detector import TrainedOn
from lightkeeper.evidence.detectors.evaluation._sample import DRAWN, PHOTO, Label, Sample
from lightkeeper.evidence.detectors.evaluation._scores import Outcome, ScoreRow
from lightkeeper.evidence.detectors.treatment import (
    DRAWN_KINDS,
    SMOOTHED,
    Condition,
    draw_non_photo,
    reencode,
    smooth,
)
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.evaluation._detector import Detector

PROTOCOL = "2"
"""Changes whenever the same detector and pictures could give other rows or measurements."""
_LARGEST_CROP, _SMALLEST_CROP = 512, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How pictures are treated and numbers computed; part of the card."""

    seed: int = 0
    resamples: int = 400
    """Bootstrap resamples behind the intervals of AUC and average precision."""
    drawn_per_kind: int = 60
    """Non-photographs that the protocol draws, of each kind."""
    crop: int | None = None
    """Longest side under the matched conditions; by default what suits the smaller class."""
    bar: float | None = None
    """Score from which the detector itself says yes, set before these pictures were seen.

    Without one, the threshold is where 1 % of the photographs of the card fire.
    """
    protocol: str = PROTOCOL


@dataclass(frozen=True, slots=True)
class Twin:
    """What makes a photograph's re-synthesis, and its name as a generator."""

    name: str
    make: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Run:
    """What an evaluation gives: the setup as it was carried out, and its rows."""

    setup: Setup
    trained_on: TrainedOn
    data: str
    """SHA-256 over the content and the labels of every picture that was shown."""
    unreadable: int
    rows: tuple[ScoreRow, ...]


def evaluate(
    detector: Detector,
    samples: Sequence[Sample],
    *,
    setup: Setup | None = None,
    trained_on: TrainedOn | None = None,
    twin: Twin | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Score every picture, and those that the protocol draws, under every condition.

    A picture on which the detector fails is a row that says so. A file that cannot be read is
    counted and left out.

    Parameters
    ----------
    twin : Twin, optional
        Makes the generated half of a content-matched pair of every photograph without one.
    progress : callable, optional
        Called with pictures done and pictures in all.

    Raises
    ------
    InvalidConfiguration
        There is no readable photograph, or no generated picture, or one stands there twice.
    """
    setup = setup or Setup()
    trained_on = trained_on or TrainedOn()
    kept, sizes = _readable(samples, twin)
    if setup.crop is None:
        setup = _with_crop(setup, kept, sizes)
    twins = sum(_has_twin(sample, twin) for sample in kept)
    total = len(kept) + twins + setup.drawn_per_kind * len(DRAWN_KINDS) + len(_some(kept, setup))
    data = hashlib.sha256()
    rows: list[ScoreRow] = []
    for index, (sample, pixels, digest) in enumerate(_pictures(kept, setup, twin)):
        data.update(f"{digest} {sample.label} {sample.kind} {sample.source} ".encode())
        data.update(f"{sample.generator} {sample.pair}\n".encode())
        rows += _shown(detector, index, sample, pixels, setup=setup, trained_on=trained_on)
        if progress:
            progress(index + 1, total)
    return Run(setup, trained_on, data.hexdigest(), len(samples) - len(kept), tuple(rows))


def _has_twin(sample: Sample, twin: Twin | None) -> bool:
    photograph = sample.label is Label.REAL and sample.kind == PHOTO
    return twin is not None and photograph and sample.pair is None


def _readable(samples: Sequence[Sample], twin: Twin | None) -> tuple[list[Sample], list[int]]:
    """Samples that can be read, in an order of their own, and their shorter sides."""
    kept, sizes = [], []
    known: dict[str, Path] = {}
    for sample in sorted(samples, key=lambda s: str(s.path)):
        try:
            media = open_media(sample.path)
            media.rgb()
        except (LightkeeperError, OSError):
            continue
        _check_new(sample.path, hashlib.sha256(media.content).hexdigest(), known)
        kept.append(sample)
        sizes.append(min(media.header.width, media.header.height))
    for label in (Label.REAL,) if twin else Label:
        if not any(sample.label is label for sample in kept):
            raise InvalidConfiguration(f"no {label.value} picture can be read")
    return kept, sizes


def _check_new(path: Path, digest: str, known: dict[str, Path]) -> None:
    """Every interval takes pictures for independent, and no picture is of both classes."""
    if digest in known:
        raise InvalidConfiguration(
            f"{path} is the same file as {known[digest]}",
            hint="name each picture once; one that counts twice narrows every interval",
        )
    known[digest] = path


def _with_crop(setup: Setup, samples: Sequence[Sample], sizes: Sequence[int]) -> Setup:
    medians = [
        float(np.median([size for s, size in zip(samples, sizes, strict=True) if s.label is label]))
        for label in Label
        if any(sample.label is label for sample in samples)
    ]
    crop = int(min(_LARGEST_CROP, max(_SMALLEST_CROP, min(medians))))
    return replace(setup, crop=crop)


def _pictures(
    samples: Sequence[Sample], setup: Setup, twin: Twin | None
) -> Iterator[tuple[Sample, NDArray[np.uint8], str]]:
    for number, sample in enumerate(samples):
        media = open_media(sample.path)
        digest = hashlib.sha256(media.content).hexdigest()
        if twin is None or not _has_twin(sample, twin):
            yield sample, media.rgb(), digest
            continue
        paired = replace(sample, pair=f"twin-{number}")
        yield paired, media.rgb(), digest
        made = replace(
            paired, label=Label.GENERATED, source=twin.name, generator=twin.name, kind=PHOTO
        )
        yield made, twin.make(media.rgb()), f"{digest} through {twin.name}"
    for kind in DRAWN_KINDS:
        for number in range(setup.drawn_per_kind):
            pixels = draw_non_photo(kind, setup.seed * 1_000_003 + number)
            yield _drawn(kind), pixels, f"{kind}-{number}"
    for number, sample in enumerate(_some(samples, setup)):
        seed = setup.seed * 1_000_003 + number
        yield _drawn(SMOOTHED), smooth(open_media(sample.path).rgb(), seed), f"smooth-{number}"


def _some(samples: Sequence[Sample], setup: Setup) -> list[Sample]:
    """Photographs to be smoothed, spread over the collection."""
    photographs = [s for s in samples if s.label is Label.REAL and s.kind == PHOTO]
    count = min(setup.drawn_per_kind, len(photographs))
    return [photographs[i * len(photographs) // count] for i in range(count)]


def _drawn(kind: str) -> Sample:
    return Sample(Path(), Label.REAL, DRAWN, kind=kind)


def _shown(
    detector: Detector,
    index: int,
    sample: Sample,
    pixels: NDArray[np.uint8],
    *,
    setup: Setup,
    trained_on: TrainedOn,
) -> Iterator[ScoreRow]:
    seen = sample.source in trained_on.sources or sample.generator in trained_on.generators
    # Both halves of a pair are treated alike, whatever their places in the list.
    key = f"pair {sample.pair}" if sample.pair is not None else f"picture {index}"
    for number, condition in enumerate(Condition):
        rng = np.random.default_rng([setup.seed, number, _number(key)])
        treated = reencode(pixels, condition, rng=rng, crop=setup.crop or _LARGEST_CROP)
        outcome, score, seconds = _score(detector, treated)
        yield ScoreRow(
            picture=index,
            condition=condition,
            label=sample.label,
            kind=sample.kind,
            source=sample.source,
            generator=sample.generator,
            pair=sample.pair,
            drawn=sample.source == DRAWN,
            seen=seen,
            outcome=outcome,
            score=score,
            seconds=round(seconds, 6),
        )


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def _score(detector: Detector, pixels: NDArray[np.uint8]) -> tuple[Outcome, float | None, float]:
    started = time.perf_counter()
    try:
        score = detector.score(pixels)
    except LightkeeperError:
        return Outcome.FAILED, None, time.perf_counter() - started
    seconds = time.perf_counter() - started
    if score is None:
        return Outcome.ABSTAINED, None, seconds
    if not math.isfinite(score):
        return Outcome.FAILED, None, seconds
    return Outcome.SCORED, float(score), seconds
