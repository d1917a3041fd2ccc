"""The attacks of an audit, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.generators.rooting.audit import _attacks as attacks
from lightkeeper.generators.rooting.audit._copied import COPIED
from lightkeeper.generators.rooting.audit._subject import Subject, as_bytes, decoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.auditing import AuditRow
    from lightkeeper.generators.rooting._root import Generator
    from lightkeeper.generators.rooting._train import Crops

    Pictures = list[NDArray[np.uint8]]

COUNTS = (1, 5, 20, 50, 100, 200)
STEPS = (10, 30, 100, 200)


@dataclass(frozen=True, slots=True)
class _Job:
    """Attacks that share their work, by the names of their rows."""

    names: tuple[str, ...]
    attacked: Callable[[], Iterator[Pictures]]


class _Audit:
    def __init__(self, subject: Subject, crops: Crops) -> None:
        self.subject = subject
        self.crops = crops
        self.marked = self.by(subject.rooted)

    def by(self, decoder: object) -> Pictures:
        return [self.subject.decode(decoder, rgb) for rgb in self.subject.pictures]

    def jobs(self) -> Iterator[_Job]:
        subject = self.subject
        original, rooted = subject.generator.decoder, subject.rooted
        yield _one("as it is", lambda: self.marked)
        yield _one("the original decoder", lambda: self.by(original))
        yield _one(
            "constants set back to the original's",
            lambda: self.by(attacks.constants_back(rooted, original)),
        )
        yield _one("constants set to zero", lambda: self.by(attacks.constants_zero(rooted)))
        for bits in (8, 6, 4):
            weights = partial(attacks.quantised, rooted, bits)
            yield _one(f"weights of {bits} bits", partial(self._made, weights))
        for kept in (0.75, 0.5, 0.25):
            weights = partial(attacks.merged, rooted, original, kept)
            yield _one(f"merged with the original, {kept:g} kept", partial(self._made, weights))
        names = tuple(f"fine-tuned on clean pictures, {stop} steps" for stop in STEPS)
        yield _Job(names, self._tuned)
        if subject.photographs:
            yield self._averaging()
        yield _one(f"{COPIED}difference of one pair, on another picture", self._differences)
        if subject.second is not None:
            yield _one("a second copy's mark on top", lambda: self._again(subject.second))
            yield _one("averaged with a second copy's picture", self._averaged)
        yield _one("through the original autoencoder", lambda: self._again(original))
        for name, other in subject.others.items():
            yield _one(f"through another autoencoder, {name}", partial(self._through, other))
        yield _one("half filled with its mean", lambda: [_filled(rgb) for rgb in self.marked])
        yield _one("half of another picture", lambda: _halves(self.marked, self.by(original)))

    def _tuned(self) -> Iterator[Pictures]:
        subject = self.subject
        for tuned in attacks.fine_tuned(subject.rooted, subject.generator, self.crops, STEPS):
            yield self.by(tuned)

    def _averaging(self) -> _Job:
        most = len(self.subject.photographs)
        counts = [n for n in COUNTS if n < most] + [min(most, COUNTS[-1])]
        names = [
            name for n in counts for name in (f"{COPIED}mean of {n}", f"mean of {n} taken off")
        ]

        def attacked() -> Iterator[Pictures]:
            subject = self.subject
            lifted: Pictures = []
            for count in counts:
                for rgb in subject.photographs[len(lifted) : count]:
                    lifted.append(subject.decode(subject.rooted, rgb))
                found = attacks.pattern(lifted)
                yield [as_bytes(attacks.laid(rgb, found, 1)) for rgb in subject.pictures]
                yield [as_bytes(attacks.laid(rgb, found, -1)) for rgb in self.marked]

        return _Job(tuple(names), attacked)

    def _differences(self) -> Pictures:
        plain = self.by(self.subject.generator.decoder)
        made = []
        for place, rgb in enumerate(self.subject.pictures):
            lifted = self.marked[place - 1].astype(np.float64) - plain[place - 1]
            made.append(as_bytes(attacks.laid(rgb, lifted, 1)))
        return made

    def _made(self, weights: Callable[[], Any]) -> Pictures:
        return self.by(weights())

    def _through(self, other: Generator) -> Pictures:
        return [decoded(other, rgb) for rgb in self.marked]

    def _again(self, decoder: object) -> Pictures:
        return [self.subject.decode(decoder, rgb) for rgb in self.marked]

    def _averaged(self) -> Pictures:
        second = self.by(self.subject.second)
        pairs = zip(self.marked, second, strict=True)
        return [as_bytes((one.astype(np.float64) + other) / 2) for one, other in pairs]


def audit(subject: Subject, crops: Crops, *, done: Collection[str] = ()) -> Iterator[AuditRow]:
    """Attack a rooted mark in every way that the operator should know of, and read it.

    Parameters
    ----------
    subject : Subject
    crops : Crops
        Clean pictures that the decoder is fine-tuned on.
    done : collection of str
        Names of rows that an earlier run has; work that only they need is left out.

    Yields
    ------
    AuditRow
        As soon as it is known.
    """
    run = _Audit(subject, crops)
    for job in run.jobs():
        if all(name in done for name in job.names):
            continue
        for name, attacked in zip(job.names, job.attacked(), strict=True):
            if name not in done:
                before = subject.pictures if name.startswith(COPIED) else run.marked
                yield subject.row(name, attacked, _cut(before, attacked))


def _one(name: str, attacked: Callable[[], Pictures]) -> _Job:
    return _Job((name,), lambda: iter([attacked()]))


def _cut(before: Sequence[NDArray[np.uint8]], attacked: Pictures) -> Pictures:
    pairs = zip(before, attacked, strict=True)
    return [one[: other.shape[0], : other.shape[1]] for one, other in pairs]


def _filled(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    filled = rgb.copy()
    half = rgb.shape[1] // 2
    filled[:, half:] = rgb[:, half:].mean((0, 1)).round()
    return filled


def _halves(marked: Pictures, plain: Pictures) -> Pictures:
    return [_beside(rgb, plain[place - 1]) for place, rgb in enumerate(marked)]


def _beside(rgb: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mixed = rgb.copy()
    half = rgb.shape[1] // 2
    height, width = (min(a, b) for a, b in zip(rgb.shape[:2], other.shape[:2], strict=True))
    mixed[:, half:] = other.mean((0, 1)).round()
    mixed[:height, half:width] = other[:height, half:width]
    return mixed
