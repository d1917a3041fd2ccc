"""Which pictures are trained on, calibrated on and held out: no source stands on both sides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.training._pairs import find_pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightkeeper.evidence.detectors.training._pairs import Picture

_ASIDE = 5


@dataclass(frozen=True, slots=True)
class Sides:
    """Where every picture stands."""

    training: tuple[Picture, ...]
    aside: tuple[Picture, ...]
    """Of the same sources as those that are trained on; for calibrating."""
    held_out: tuple[Picture, ...]
    """Of other sources; for the card."""
    others: tuple[Picture, ...]
    """No photographs; for the card."""


def divide(
    images: Path,
    held_out: Path | None,
    others: Path | None,
    *,
    share: float,
    told: Callable[[str], None],
) -> Sides:
    """Find the pictures and divide them.

    Raises
    ------
    InvalidConfiguration
        There are too few, or a source or a picture stands on two sides.
    """
    training = find_pictures(images, told)
    if held_out is None:
        training, tested = split_sources(training, share)
    else:
        tested = find_pictures(held_out, told)
    no_photographs = find_pictures(others, told) if others else ()
    check_disjoint(training, (*tested, *no_photographs))
    return Sides(*set_aside(training), tested, no_photographs)


def split_sources(
    pictures: Sequence[Picture], share: float
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Hold out whole sources, the smallest that come nearest to a share of all pictures.

    Raises
    ------
    InvalidConfiguration
        There is one source only.
    """
    size = Counter(picture.source for picture in pictures)
    sources = sorted(size, key=lambda source: (size[source], source))
    if len(sources) == 1:
        raise InvalidConfiguration(
            f"all pictures are of one source, {sources[0]}: a share of it proves nothing",
            hint="one folder for each source, or --held-out with pictures of another one",
        )
    chosen: set[str] = set()
    for source in sources[:-1]:
        held = sum(size[s] for s in chosen)
        if not chosen or held + size[source] <= share * len(pictures):
            chosen.add(source)
    held_out = tuple(p for p in pictures if p.source in chosen)
    return tuple(p for p in pictures if p.source not in chosen), held_out


def check_disjoint(training: Sequence[Picture], held_out: Sequence[Picture]) -> None:
    """Refuse a source or a picture that stands on both sides.

    Raises
    ------
    InvalidConfiguration
    """
    for what in ("source", "digest"):
        both = {getattr(p, what) for p in training} & {getattr(p, what) for p in held_out}
        if both:
            words = f"the source {min(both)}" if what == "source" else f"{len(both):,} pictures"
            raise InvalidConfiguration(
                f"{words} would be trained on and held out",
                hint="name the folders of different collections differently, and keep them apart",
            )


def set_aside(pictures: Sequence[Picture]) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """One picture of five for calibrating, the others to train on.

    Not those that are held out: a threshold that was set on the pictures of the card would make
    the card praise itself.

    Raises
    ------
    InvalidConfiguration
        There is one picture only.
    """
    ordered = sorted(pictures, key=lambda picture: picture.digest)
    if len(ordered) == 1:
        raise InvalidConfiguration(
            "there is one picture to train on", hint="hundreds are needed for a useful detector"
        )
    aside = set(ordered[::_ASIDE])
    return tuple(p for p in pictures if p not in aside), tuple(p for p in pictures if p in aside)
