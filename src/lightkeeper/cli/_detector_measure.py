"""Run the protocol on a detector, write its card and say what it may say."""

from __future__ import annotations

import sys
from contextlib import contextmanager
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

    from lightkeeper.evidence.detectors.evaluation import Detector, Run, Sample, Setup, TrainedOn
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
    with _opened(detector, quick=quick) as (opened, trained_on):
        run = _run(opened, samples, setup, trained_on)
        card = Card.of(opened, run)
    measured = Measured(card, run.rows)
    _write_card(out, measured)
    write_text(told(measured.card))


@contextmanager
def _opened(path: Path, *, quick: bool) -> Iterator[tuple[Detector, TrainedOn]]:
    """A plugged-in detector that answers, or the decoder grid of a registered autoencoder."""
    from lightkeeper.evidence.detectors.evaluation import TrainedOn
    from lightkeeper.evidence.detectors.plugins import Plugin
    from lightkeeper.evidence.detectors.reconstruction import QUICK, read_autoencoder
    from lightkeeper.evidence.detectors.reconstruction._detector import GridDetector
    from lightkeeper.evidence.detectors.reconstruction._registry import MANIFEST

    if path.is_dir() or path.name == MANIFEST:
        autoencoder = read_autoencoder(path).autoencoder
        grid = GridDetector(autoencoder)
        if quick:
            grid = GridDetector(autoencoder, QUICK, f"{grid.version}-quick")
        _name(grid, autoencoder.licence)
        yield grid, TrainedOn(declared=True)
        return
    if quick:
        raise InvalidConfiguration("only a registered autoencoder has a quick form")
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
    detector: Detector, samples: tuple[Sample, ...], setup: Setup, trained_on: TrainedOn
) -> Run:
    from lightkeeper.evidence.detectors.evaluation import evaluate as run_protocol

    return run_protocol(detector, samples, setup=setup, trained_on=trained_on, progress=_progress())


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
