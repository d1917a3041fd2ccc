"""Lets registered autoencoders take part in a scan."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Finding, NotExamined, Tier
from lightkeeper.evidence.detectors.reconstruction._finding import ABSTENTIONS, Rival, finding
from lightkeeper.evidence.detectors.reconstruction._form import FULL, QUICK
from lightkeeper.evidence.detectors.reconstruction._null import least_size
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention
from lightkeeper.evidence.detectors.reconstruction._registry import Registered, read_autoencoder
from lightkeeper.evidence.detectors.reconstruction._rule import ALPHA, GridRule, Judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lightkeeper.evidence.detectors.cards import Card
    from lightkeeper.media import Media

MODEL_SECONDS = 0.1
"""CPU seconds per picture above which an autoencoder is left to the deep tier."""


class ReconstructionExaminer:
    """Looks for the grid of each registered autoencoder.

    Parameters
    ----------
    registered : sequence of Registered
        Autoencoders, with their nulls where they have one.
    deep : bool
        Larger patches, the exact phase and several scales, at the tier ``DEEP``.
    alpha : float
        Chance per picture of a finding where there is no grid, over all tests.
    """

    def __init__(
        self,
        registered: Sequence[Registered],
        *,
        deep: bool = False,
        alpha: float = ALPHA,
    ) -> None:
        self._registered = tuple(registered)
        self._deep = deep
        self._form = FULL if deep else QUICK
        self._alpha = alpha
        asked = [
            (each, null)
            for each in self._registered
            if (null := each.nulls.of(self._form))
            if deep or null.seconds <= MODEL_SECONDS
        ]
        self._rules = tuple(
            GridRule(each.autoencoder, null, self._form, alpha, among=len(asked))
            for each, null in asked
        )
        self._cards = tuple(
            _card(each, rule) for (each, _), rule in zip(asked, self._rules, strict=True)
        )

    @classmethod
    def from_files(cls, entries: Sequence[Path], *, deep: bool = False) -> ReconstructionExaminer:
        """Read registry entries.

        Raises
        ------
        InvalidConfiguration
            An entry is wrong; none is passed over.
        """
        return cls([read_autoencoder(path) for path in entries], deep=deep)

    @property
    def name(self) -> str:
        """``reconstruction``, or ``reconstruction-deep``."""
        return "reconstruction-deep" if self._deep else "reconstruction"

    @property
    def tier(self) -> Tier:
        """``MODEL``, or ``DEEP`` for the full form."""
        return Tier.DEEP if self._deep else Tier.MODEL

    @property
    def version(self) -> str:
        """Changes with the weights, with their nulls and with their cards."""
        known = [
            f"{each.autoencoder.fingerprint[:12]}/{null.id[:12] if null else '-'}"
            for each in self._registered
            for null in (each.nulls.of(self._form),)
        ]
        cards = [f"card {card.id[:12]}" for card in self._cards if card]
        return " ".join(["4", *known, *cards])

    def unavailable(self) -> str | None:
        """Why it cannot run here, or can never give a finding; ``None`` otherwise."""
        if not self._registered:
            return "no autoencoder is registered (autoencoders in [detectors])"
        if not self._rules:
            return self._uncalibrated()
        if len(self._too_small) == len(self._rules):
            return self._too_small[0]
        if importlib.util.find_spec("onnxruntime") is None:
            return "reconstruction needs the extra 'detect' (onnxruntime)"
        return None

    def cautions(self, max_seconds: float) -> tuple[str, ...]:
        """What an operator should know before a scan that gives a file so many seconds."""
        seconds = sum(rule.null.most_seconds for rule in self._rules)
        slow = (
            f"{self.name} took up to {seconds:.0f} CPU seconds for a picture where it was "
            f"calibrated, and a file may take {max_seconds:g} s: raise limits.max_seconds"
        )
        return (*self._too_small, *([slow] if seconds > max_seconds else []))

    def examine(self, media: Media) -> tuple[Finding | NotExamined, ...]:
        """A finding for the decoder whose grid is there, and why any could not be looked for.

        Where the grids of several would be found, the one that explains the picture best is
        named, and the others are its rivals: decoders that are built alike show each other's.

        Raises
        ------
        MediaError, EvidenceError
        """
        rgb = media.raster().rgb
        found: list[tuple[GridRule, Judged, Card | None]] = []
        silent: dict[Abstention, list[str]] = {}
        for rule, card in zip(self._rules, self._cards, strict=True):
            judged = rule.judge(rgb)
            if isinstance(judged, Abstention):
                silent.setdefault(judged, []).append(rule.autoencoder.name)
            elif rule.found(judged):
                found.append((rule, judged, card))
        told: list[Finding | NotExamined] = []
        if found:
            best = min(found, key=lambda each: _order(each[1]))
            rivals = tuple(
                Rival(rule.autoencoder.name, _margin(best[1], judged))
                for rule, judged, _ in found
                if judged is not best[1]
            )
            examiner = (self.name, self.version)
            told.append(finding(*best, rivals=rivals, examiner=examiner))
        return (*told, *self._silent(silent))

    def _silent(self, silent: dict[Abstention, list[str]]) -> Iterator[NotExamined]:
        for abstention, names in silent.items():
            which = "the grid of the decoder" if len(names) == 1 else "the grids of the decoders"
            yield NotExamined(
                self.name,
                f"It could not look for {which} {', '.join(names)}: {ABSTENTIONS[abstention]}.",
            )

    @property
    def _too_small(self) -> tuple[str, ...]:
        """The autoencoders whose nulls are too small for any finding, in words."""
        number = len(self._rules)
        least = least_size(self._alpha, number)
        among = f"; with {number} autoencoders" if number > 1 else ""
        return tuple(
            f"the null of {rule.autoencoder.name} has {rule.null.size:,} pictures{among}, "
            f"a chance of {self._alpha:g} needs {least:,} (lightkeeper detector calibrate)"
            for rule in self._rules
            if rule.null.size < least
        )

    def _uncalibrated(self) -> str:
        if any(each.nulls.of(self._form) for each in self._registered):
            return f"every registered autoencoder needs over {MODEL_SECONDS} s: the tier deep"
        return "no registered autoencoder has a null (lightkeeper detector calibrate)"


def _order(judged: Judged) -> tuple[float, float]:
    """Of several that are found: the native scale first, there the least error explains most.

    Enlarged pictures are smooth, and a smooth decoder leaves the least error of any of them.
    """
    reading = judged.reading
    return (0, reading.error) if reading.scale == 1 else (1, -judged.share)


def _margin(best: Judged, other: Judged) -> float:
    if best.reading.scale == other.reading.scale == 1:
        return round(other.reading.error - best.reading.error, 4)
    return round(best.share - other.share, 4)


def _card(registered: Registered, rule: GridRule) -> Card | None:
    """The card of this rule among those that the entry names.

    Raises
    ------
    CardRefused
        It was altered, is not the one that the entry names, or was made with another null.
    """
    if not registered.cards:
        return None
    from lightkeeper.evidence.detectors.cards import CardRefused, load_card

    for folder, id in registered.cards:
        card = load_card(folder).card
        if card.id != id:
            raise CardRefused(f"the card in {folder} is not the one that the entry names")
        if (card.name, card.version) != (rule.name, rule.version):
            continue
        if card.fingerprint != rule.fingerprint:
            raise CardRefused(
                f"the card in {folder} was made with other weights or another null: evaluate again"
            )
        return card
    return None
