"""A card in a few lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightkeeper.evidence.detectors.cards import Card


def told(card: Card) -> str:
    """What was measured, every control, and whether scores may weigh."""
    lines = [f"{card.name} {card.version}", f"card {card.id}"]
    for separation in card.measurements.separations:
        area = separation.auc
        words = f"AUC {area.value:.3f} ({area.low:.3f}–{area.high:.3f})" if area else "no AUC"
        recalls = [
            f"{_where(card, point.fpr)}: {point.recall.value:.1%}"
            if point.recall
            else f"recall at {point.fpr:g}: {point.note}"
            for point in separation.points
        ]
        lines.append(f"  {separation.condition:<8} {words}; {'; '.join(recalls)}")
    cost = card.measurements.cost
    middle, late = 1e3 * cost.median_seconds, 1e3 * cost.p95_seconds
    lines.append(
        f"  cost     {middle:,.0f} ms a picture, 95 % within {late:,.0f} ms, where measured"
    )
    silence = card.measurements.silence
    if silence.failed:
        lines.append(f"  it failed on {silence.failed:,} of {silence.rows:,}, which fire no alarm")
    lines += [f"  {'+' if c.passed else '-'} {c.name}: {c.sentence}" for c in card.controls]
    allowed = card.may_say()
    verdict = "Its scores may weigh." if allowed.likelihood_ratio else "Its scores carry no weight."
    return "\n".join([*lines, verdict])


def _where(card: Card, fpr: float) -> str:
    return f"recall at {fpr:g}" if card.setup.bar is None else "recall at its own bar"
