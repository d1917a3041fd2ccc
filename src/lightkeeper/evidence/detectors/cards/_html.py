"""A card as one page that needs no network and no script."""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from lightkeeper.evidence.detectors.cards._svg import rate_plot, reliability_plot, roc_plot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lightkeeper.evidence.detectors.cards._card import Card
    from lightkeeper.evidence.detectors.cards._store import Measured
    from lightkeeper.evidence.detectors.evaluation._measurements import OperatingPoint
    from lightkeeper.evidence.detectors.statistics import Interval, Rate

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(measured: Measured) -> str:
    """The page of a card; what it may say comes first."""
    card = measured.card
    style = resources.files(__package__).joinpath("card.css").read_text(encoding="utf-8")
    sections = (_head(card), _says(card), _controls(card), _separations(card), _plots(measured))
    more = (_generators(card), _pairs(card), _bands(card), _particulars(card))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Card of {escape(card.name)}</title><style>{style}</style></head>"
        f"<body><main>{''.join((*sections, *more))}</main></body></html>\n"
    )


def _head(card: Card) -> str:
    return (
        f'<p class="quiet">Detector card</p><h1>{escape(card.name)} {escape(card.version)}</h1>'
        f'<p class="quiet">Calibration id <code>{card.id}</code></p>'
    )


def _says(card: Card) -> str:
    allowed = card.may_say()
    if allowed.likelihood_ratio:
        best = max(band.log10_lr for band in card.measurements.bands)
        return (
            '<div class="says may"><strong>Its scores may weigh.</strong> A score weighs at most '
            f"a likelihood ratio of {10**best:,.1f}, and a low one says nothing.</div>"
        )
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in allowed.reasons)
    return (
        '<div class="says"><strong>Its scores may be shown and carry no weight.</strong>'
        f"<ul>{reasons}</ul></div>"
    )


def _controls(card: Card) -> str:
    rows = [
        [
            escape(control.name),
            '<span class="passed">met</span>'
            if control.passed
            else '<span class="failed">not met</span>',
            escape(control.sentence),
        ]
        for control in card.controls
    ]
    return "<h2>Controls</h2>" + _table(("control", "", "what was seen"), rows)


def _separations(card: Card) -> str:
    rows = [
        [
            escape(s.condition),
            f"{s.generated:,} / {s.photographs:,}",
            _interval(s.auc),
            _interval(s.average_precision),
            *(_point(point) for point in s.points),
        ]
        for s in card.measurements.separations
    ]
    own_bar = card.setup.bar is not None
    recalls = ("recall at its own bar",) if own_bar else ("recall at 1 %", "at 0.1 %")
    heads = ("condition", "generated / photographs", "AUC", "AP", *recalls)
    return "<h2>Generated pictures against photographs</h2>" + _table(heads, rows)


def _plots(measured: Measured) -> str:
    found = measured.card.measurements
    kinds = [(k.kind, k.false_positives) for k in found.kinds if k.false_positives is not None]
    figures = [
        roc_plot(measured.rows),
        reliability_plot(found.reliability),
        rate_plot(
            "False alarms per source, at the 1 % threshold of the other sources",
            [(s.source, s.false_positives) for s in found.sources],
        ),
        rate_plot("False alarms on drawn pictures and smoothed photographs", kinds),
    ]
    return f'<div class="plots">{"".join(figures)}</div>'


def _generators(card: Card) -> str:
    rows = [
        [escape(g.generator), f"{g.pictures:,}", _interval(g.auc), _rate(g.recall)]
        for g in card.measurements.generators
    ]
    heads = ("generator", "pictures", "AUC", "recall where 1 % of photographs fire")
    return "<h2>Each generator, matched re-encoding</h2>" + _table(heads, rows)


def _pairs(card: Card) -> str:
    rows = [
        [escape(p.condition), f"{p.pairs:,}", _interval(p.auc), _rate(p.higher)]
        for p in card.measurements.pairs
    ]
    heads = ("condition", "pairs", "AUC", "re-synthesis above its photograph")
    return "<h2>A photograph against its own re-synthesis</h2>" + _table(heads, rows)


def _bands(card: Card) -> str:
    rows = [
        [f"{b.at_least:.4g}", f"{b.generated:,}", f"{b.real:,}", f"{10**b.log10_lr:,.2f}"]
        for b in card.measurements.bands
    ]
    heads = ("score from", "generated", "real", "likelihood ratio at most")
    note = "" if card.may_say().likelihood_ratio else '<p class="quiet">Not in use, see above.</p>'
    return "<h2>Weight of a score</h2>" + note + _table(heads, rows)


def _particulars(card: Card) -> str:
    found, trained = card.measurements, card.trained_on
    known = ", ".join((*trained.sources, *trained.generators)) or "nothing here"
    words = known if trained.declared else "not declared: nobody vouches that the test is disjoint"
    ece = found.reliability
    rows = [
        ["trained on", escape(words)],
        ["pictures that could not be read", f"{card.unreadable:,}"],
        [
            "no score",
            f"{found.silence.abstained_real:,} real and {found.silence.abstained_generated:,} "
            f"generated abstained, {found.silence.failed:,} failed, of {found.silence.rows:,}; "
            "a picture without a score counts as one that does not fire",
        ],
        ["calibration error", f"raw {_number(ece.raw_ece)}, fitted {_number(ece.ece)}"],
        ["distance from even odds", _number(ece.informative)],
        [
            "time per picture",
            f"median {found.cost.median_seconds * 1000:.1f} ms, 95 % within "
            f"{found.cost.p95_seconds * 1000:.1f} ms, where it was measured",
        ],
        ["seed, resamples, crop", f"{card.setup.seed}, {card.setup.resamples}, {card.setup.crop}"],
        ["detector", f"<code>{escape(card.fingerprint)}</code>"],
        ["pictures", f"<code>{escape(card.data)}</code>"],
        ["scores", f"<code>{escape(card.scores)}</code>"],
    ]
    return "<h2>Particulars</h2>" + _table(("", ""), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    start = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f'<div class="scroll"><table>{start}<tbody>{body}</tbody></table></div>'


def _point(point: OperatingPoint) -> str:
    return _rate(point.recall) if point.measurable else escape(point.note)


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "not measured"
    words = f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})"
    return f'<span class="i">{words}</span>'


def _rate(rate: Rate | None) -> str:
    if rate is None or not rate.of:
        return "not measured"
    return f"{rate.value:.1%} ({rate.low:.1%}–{rate.high:.1%})"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
