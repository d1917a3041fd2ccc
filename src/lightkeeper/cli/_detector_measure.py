"""Run the protocol on a detector, write its card and say what it may say."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lightkeeper.cli._card_words import told
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import EvidenceError, InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors.cards import Card, Measured, card_files, render_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lightkeeper.evidence.detectors.evaluation import (
        Detector,
        Run,
        Sample,
        ScoreRow,
        Setup,
        TrainedOn,
        Twin,
    )
    from lightkeeper.evidence.detectors.plugins import Plugin

_PAGE = "card.html"
_EVERY = 50


def measure_and_keep(
    detector: Path, data: Path, out: Path, setup: Setup, *, quick: bool = False
) -> None:
    """Run the protocol, write the card and print what the detector may say.

    ``quick`` measures a registered autoencoder in the form of the tier model.
    """
    from lightkeeper.evidence.detectors.evaluation import read_samples

    samples = read_samples(data)
    if is_entry(detector):
        card, rows = _of_entry(detector, samples, setup, quick=quick)
    elif quick:
        raise InvalidConfiguration("only a registered autoencoder has a quick form")
    else:
        with _opened(detector) as (opened, trained_on):
            run = _run(opened, samples, setup, trained_on)
            card, rows = Card.of(opened, run), run.rows
    _write_card(out, Measured(card, rows))
    if is_entry(detector):
        from lightkeeper.evidence.detectors.reconstruction import attach_card

        attach_card(detector, out, card.id)
    write_text(told(card))


def is_entry(path: Path) -> bool:
    """Whether this is a registered autoencoder and not a plug-in."""
    from lightkeeper.evidence.detectors.reconstruction import MANIFEST

    return path.is_dir() or path.name == MANIFEST


def _of_entry(
    path: Path, samples: tuple[Sample, ...], setup: Setup, *, quick: bool
) -> tuple[Card, tuple[ScoreRow, ...]]:
    """Measure the rule that a scan follows, on photographs and on the same passed through it."""
    from lightkeeper.evidence.detectors.evaluation import TrainedOn, Twin
    from lightkeeper.evidence.detectors.reconstruction import (
        FULL,
        QUICK,
        GridRule,
        decoded,
        read_autoencoder,
    )

    entry = read_autoencoder(path)
    form = QUICK if quick else FULL
    null = entry.nulls.of(form)
    if null is None:
        raise InvalidConfiguration(
            f"{path} has no null of the form {form.name}",
            hint="lightkeeper detector calibrate, then name its file as `null` in the entry",
        )
    rule = GridRule(entry.autoencoder, null, form)
    _name(rule, entry.autoencoder.licence)
    twin = Twin(rule.name, lambda rgb: decoded(entry.autoencoder, rgb))
    setup = replace(setup, bar=rule.bar)
    run = _run(rule, samples, setup, TrainedOn(declared=True), twin)
    return Card.of(rule, run), run.rows


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Detector, TrainedOn]]:
    """A plugged-in detector that answers."""
    from lightkeeper.evidence.detectors.plugins import Plugin

    with Plugin(path) as plugin:
        _check_answers(plugin)
        _name(plugin, plugin.manifest.licence)
        yield plugin, plugin.manifest.trained_on


def _name(detector: Detector, licence: str) -> None:
    words = f"{detector.name} {detector.version}, licence: {licence}"
    sys.stderr.write(printable(words) + "\n")


def _check_answers(plugin: Plugin) -> None:
    """Refuse what is missing or changed, which would otherwise look like a failing detector."""
    from lightkeeper.evidence.detectors.plugins import FailureKind, PluginFailure
    from lightkeeper.evidence.detectors.treatment import draw_non_photo

    if reason := plugin.unavailable():
        raise EvidenceError(reason)
    try:
        plugin.score(draw_non_photo("document", 0))
    except PluginFailure as failure:
        if failure.kind in (FailureKind.REFUSED, FailureKind.UNAVAILABLE):
            raise


def _run(
    detector: Detector,
    samples: tuple[Sample, ...],
    setup: Setup,
    trained_on: TrainedOn,
    twin: Twin | None = None,
) -> Run:
    from lightkeeper.evidence.detectors.evaluation import evaluate as run_protocol

    return run_protocol(
        detector, samples, setup=setup, trained_on=trained_on, twin=twin, progress=_progress()
    )


def _progress() -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done % _EVERY == 0 or done == total:
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r{done:,} of {total:,} pictures{end}")
            sys.stderr.flush()

    return tell if sys.stderr.isatty() else lambda done, total: None


def _write_card(folder: Path, measured: Measured) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}") from error
    files = card_files(measured.card, measured.rows)
    # The card comes last: it never stands beside the scores of another one.
    for name in reversed(files):
        write_whole(folder / name, files[name])
    write_whole(folder / _PAGE, render_html(measured).encode())
