"""``lightkeeper detector``: measure passive detectors, compare them, and plan a cascade."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import (
    EvidenceError,
    InvalidConfiguration,
    MediaError,
    MissingExtra,
    OutputError,
)
from lightkeeper.evidence.detectors.cards import (
    Card,
    CardRefused,
    Measured,
    card_files,
    load_card,
    render_html,
)
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.assessment.policy import ScoreMatrix
    from lightkeeper.evidence.detectors.evaluation import Detector, Run, Sample, Setup, TrainedOn
    from lightkeeper.evidence.detectors.plugins import Plugin

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a card.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
_PAGE = "card.html"
_EVERY = 50
_ALPHA = 0.01
"""Chance per picture that the examiner of grids works with."""
_LATTICE_P = 1e-3
"""Above it, an autoencoder's own pictures are not recognised within themselves."""


@app.command()
def evaluate(
    detector: Annotated[
        Path, typer.Argument(metavar="DETECTOR", help="Plug-in manifest, or autoencoder entry.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder, CSV or JSON lines.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the card goes.")],
    seed: Annotated[int, typer.Option(min=0, help="Decides every random choice.")] = 0,
    drawn: Annotated[int, typer.Option(min=1, help="Non-photographs drawn, of each kind.")] = 60,
    resamples: Annotated[int, typer.Option(min=50, max=20_000, help="For intervals.")] = 400,
    force: Annotated[bool, typer.Option("--force", help="Replace a card.")] = False,
) -> None:
    """Measure a detector on labelled pictures by one protocol, and write its card.

    DATA is a folder real/SOURCE/… and generated/GENERATOR/…, or a list with path, label, source,
    generator, pair and kind. The card tells what the detector may say; no picture goes into it.
    """
    from lightkeeper.evidence.detectors.evaluation import Setup

    if (out / "card.json").exists() and not force:
        raise OutputError(f"{out} already holds a card", hint="--force replaces it")
    setup = Setup(seed=seed, drawn_per_kind=drawn, resamples=resamples)
    _measure_and_keep(detector, data, out, setup)
    raise typer.Exit(Exit.OK)


@app.command("card")
def show_card(
    folder: _Folder,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write its page anew.")] = None,
    as_json: _Json = False,
) -> None:
    """Compute a card again from the scores beside it, and print what the detector may say.

    Exits with 5 where the card was altered or does not follow from its scores.
    """
    measured = _loaded(folder)
    if html is not None:
        write_whole(html, render_html(measured).encode())
    if as_json:
        card = measured.card
        document = {"id": card.id, "may_say": to_plain(card.may_say()), **to_plain(card)}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        write_text(_told(measured.card))
    raise typer.Exit(Exit.OK)


@app.command("compare")
def compare_cards(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Folder of a card.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder of a card.")],
    as_json: _Json = False,
) -> None:
    """Say whether a detector got worse, picture by picture on the same pictures.

    Exits with 1 where anything is worse beyond what chance does, and with 5 where a card was
    altered.
    """
    from lightkeeper.evidence.detectors.cards import compare

    comparison = compare(_loaded(old), _loaded(new))
    rows = (to_plain(change) for change in comparison.changes)
    write_rows(rows, as_json=as_json, render=_change)
    raise typer.Exit(Exit.MATCHED if comparison.worse else Exit.OK)


@app.command("simulate")
def simulate_cascade(
    matrix: Annotated[Path, typer.Argument(metavar="MATRIX", help="CSV or Parquet of scores.")],
    last: Annotated[str, typer.Option("--last", metavar="NAME", help="The costly stage.")],
    first: Annotated[
        list[str] | None, typer.Option("--first", metavar="NAME", help="Cheaper one; default: all.")
    ] = None,
    seconds: Annotated[
        list[str] | None, typer.Option("--seconds", metavar="NAME=S", help="Cost of a stage.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="TOML", help="Takes costs from its stages.")
    ] = None,
    keep: Annotated[
        list[float] | None, typer.Option("--keep", min=0, max=1, help="Generated share to keep.")
    ] = None,
    prevalence: Annotated[
        float, typer.Option(help="Share of generated pictures among all that arrive.")
    ] = 0.001,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw cost against recall.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say what a cascade would cost and lose, on scores that were measured.

    A column of zeros and ones is a trigger: a hash match, a report, a conflict.
    """
    from lightkeeper.assessment.policy import simulate
    from lightkeeper.cli._score_matrix import load_matrix

    table = load_matrix(matrix)
    costs = _costs(seconds or [], policy)
    names = first or [name for name in table.scores if name != last]
    _check_stages(table, [last, *names], costs)
    if svg is not None:
        write_whole(svg, _drawn(table, names, last, costs, prevalence).encode())
    rows = (
        to_plain(simulate(table, first=n, last=last, keep=k, seconds=costs, prevalence=prevalence))
        for n in names
        for k in keep or (0.95, 0.8)
    )
    write_rows(rows, as_json=as_json, render=_simulated)
    raise typer.Exit(Exit.OK)


@app.command("export")
def export_autoencoder(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="PATH", help="Folder or safetensors file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Its registry entry.")],
    name: Annotated[str, typer.Option("--name", help="What findings call it.")],
    licence: Annotated[str, typer.Option("--licence", help="As its owner states it.")],
) -> None:
    """Turn a generator's autoencoder into ONNX, so that a scan can look for its grid.

    Reads diffusers AutoencoderKL folders, single SD-type files and TAESD pairs; safetensors only.
    """
    try:
        from lightkeeper.evidence.detectors.reconstruction.layouts import export
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("exporting an autoencoder", extra="detect-torch") from error
    write_text(str(export(autoencoder, out, name=name, licence=licence)))
    raise typer.Exit(Exit.OK)


@app.command("train")
def train_detector(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="ENTRY", help="A registry entry.")
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="FOLDER", help="Photographs, a folder a source.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Plug-in, card, pairs.")],
    held_out: Annotated[
        Path | None, typer.Option("--held-out", metavar="FOLDER", help="Of other sources.")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0, max=0.9, help="To hold out, in whole sources, without it.")
    ] = 0.25,
    licence: Annotated[
        str, typer.Option("--licence", help="Of the weights that come out.")
    ] = "none stated",
    draws: Annotated[int, typer.Option(min=1, help="Treatments of each pair.")] = 24,
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 2000,
    drawn: Annotated[
        int, typer.Option(min=0, help="Drawn pictures of each kind in the card.")
    ] = 60,
    minutes: Annotated[
        float | None, typer.Option(min=0, metavar="N", help="CPU minutes, then stop; --resume.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides every random choice.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
) -> None:
    """Train a detector for one generator's autoencoder, and write its card.

    Pairs a photograph with its own round trip. Writes a plug-in whose card says what it may say.
    """
    from lightkeeper.cli._detector_train import train_plugin
    from lightkeeper.evidence.detectors.evaluation import Setup

    trained = train_plugin(
        autoencoder, images, out, held_out=held_out, share=share, licence=licence, seed=seed,
        draws=draws, steps=steps, minutes=minutes, resume=resume,
    )  # fmt: skip
    if trained is None:
        sys.stderr.write(f"the time is over: --resume goes on with {printable(str(out))}\n")
        raise typer.Exit(Exit.PARTIAL)
    setup = Setup(seed=seed, drawn_per_kind=drawn)
    _measure_and_keep(trained.manifest, trained.held_out, out / "card", setup)
    raise typer.Exit(Exit.OK)


@app.command("calibrate")
def calibrate_autoencoder(
    autoencoder: Annotated[
        Path, typer.Option("--autoencoder", metavar="FOLDER", help="A registry entry.")
    ],
    images: Annotated[
        Path, typer.Option("--images", metavar="FOLDER", help="Photographs and artwork.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Nulls, for its entry.")],
) -> None:
    """Measure what pictures that never met an autoencoder show under it, in both forms.

    Name the file as `null` in the entry: findings of the tiers model and deep are then bounded
    by it.
    """
    import msgspec

    from lightkeeper.evidence.detectors.reconstruction import calibrate, read_autoencoder
    from lightkeeper.evidence.detectors.reconstruction._null import least_size

    nulls = calibrate(read_autoencoder(autoencoder).autoencoder, _pictures(images))
    write_whole(out, msgspec.json.encode(nulls))
    for null in nulls.nulls:
        write_text(
            f"{null.form}: {null.size:,} pictures, no p-value below {1 / (1 + null.size):.2g}; "
            f"{null.seconds:.2g} CPU seconds for a picture, at most {null.most_seconds:.2g}"
        )
    if nulls.nulls[-1].own_p > _LATTICE_P:
        words = (
            "most pictures that came through it agree on no phase: try lattice = false in its "
            "entry, for a decoder that does not enlarge in steps of two"
        )
        sys.stderr.write(printable(words) + "\n")
    least = min(null.size for null in nulls.nulls)
    if least < least_size(_ALPHA, 2):
        words = (
            f"{least:,} pictures are few: at a chance of {_ALPHA:g}, a scan gives no finding with "
            f"fewer than {least_size(_ALPHA)}, or {least_size(_ALPHA, 2)} where two autoencoders "
            "are registered"
        )
        sys.stderr.write(printable(words) + "\n")
    raise typer.Exit(Exit.OK)


def _pictures(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    from lightkeeper.media import open_media

    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield path.parent.relative_to(folder).as_posix(), open_media(path).rgb()
        except MediaError as error:
            sys.stderr.write(printable(f"{path}: {error}") + "\n")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Detector, TrainedOn]]:
    """A plugged-in detector that answers, or the decoder grid of a registered autoencoder."""
    from lightkeeper.evidence.detectors.evaluation import TrainedOn
    from lightkeeper.evidence.detectors.plugins import Plugin
    from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
    from lightkeeper.evidence.detectors.reconstruction._detector import GridDetector
    from lightkeeper.evidence.detectors.reconstruction._registry import MANIFEST

    if path.is_dir() or path.name == MANIFEST:
        autoencoder = read_autoencoder(path).autoencoder
        _name(GridDetector(autoencoder), autoencoder.licence)
        yield GridDetector(autoencoder), TrainedOn(declared=True)
        return
    with Plugin(path) as plugin:
        _check_answers(plugin)
        _name(plugin, plugin.manifest.licence)
        yield plugin, plugin.manifest.trained_on


def _name(detector: Detector, licence: str) -> None:
    words = f"{detector.name} {detector.version}, licence: {licence}"
    sys.stderr.write(printable(words) + "\n")


def _check_answers(plugin: Plugin) -> None:
    """Refuse what is missing or changed, which would otherwise look like a failing detector."""
    from lightkeeper.evidence.detectors.evaluation._drawn import draw_non_photo
    from lightkeeper.evidence.detectors.plugins import FailureKind, PluginFailure

    if reason := plugin.unavailable():
        raise EvidenceError(reason)
    try:
        plugin.score(draw_non_photo("document", 0))
    except PluginFailure as failure:
        if failure.kind in (FailureKind.REFUSED, FailureKind.UNAVAILABLE):
            raise


def _measure_and_keep(detector: Path, data: Path, out: Path, setup: Setup) -> None:
    """Run the protocol, write the card and print what the detector may say."""
    from lightkeeper.evidence.detectors.evaluation import read_samples

    samples = read_samples(data)
    with _opened(detector) as (opened, trained_on):
        run = _run(opened, samples, setup, trained_on)
        card = Card.of(opened, run)
    measured = Measured(card, run.rows)
    _write_card(out, measured)
    write_text(_told(measured.card))


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


def _loaded(folder: Path) -> Measured:
    try:
        return load_card(folder)
    except CardRefused as error:
        sys.stderr.write(f"lightkeeper: {printable(f'{folder}: {error}')}\n")
        raise typer.Exit(Exit.ALTERED) from error


def _told(card: Card) -> str:
    lines = [f"{card.name} {card.version}", f"card {card.id}"]
    for separation in card.measurements.separations:
        area = separation.auc
        words = f"AUC {area.value:.3f} ({area.low:.3f}–{area.high:.3f})" if area else "no AUC"
        recalls = [
            f"recall at {point.fpr:g}: {point.recall.value:.1%}"
            if point.recall
            else f"recall at {point.fpr:g}: {point.note}"
            for point in separation.points
        ]
        lines.append(f"  {separation.condition:<8} {words}; {'; '.join(recalls)}")
    silence = card.measurements.silence
    if silence.failed:
        lines.append(f"  it failed on {silence.failed:,} of {silence.rows:,}, which fire no alarm")
    lines += [f"  {'+' if c.passed else '-'} {c.name}: {c.sentence}" for c in card.controls]
    allowed = card.may_say()
    verdict = "Its scores may weigh." if allowed.likelihood_ratio else "Its scores carry no weight."
    return "\n".join([*lines, verdict])


def _change(row: dict[str, Any]) -> str:
    mark = {"worse": "-", "better": "+", "same": " "}[row["verdict"]]
    return f"{mark} {row['what']:<44} {row['old']:>9.4f} {row['new']:>9.4f}  {row['verdict']}"


def _drawn(
    table: ScoreMatrix, names: list[str], last: str, costs: dict[str, float], prevalence: float
) -> str:
    from lightkeeper.assessment.policy import draw_trade_off, trade_off

    curves = {
        name: trade_off(table, first=name, last=last, seconds=costs, prevalence=prevalence)
        for name in names
    }
    return draw_trade_off(curves, prevalence=prevalence)


def _simulated(row: dict[str, Any]) -> str:
    return (
        f"{row['first']:<24} kept {row['generated_kept']:.3f}, real escalated "
        f"{row['real_escalated']:.3f}, cost {row['cost']:.4f}, AUC {row['auc']:.3f} "
        f"(all: {row['full_auc']:.3f}), {row['seconds_per_million'] / 3600:,.1f} h a million"
    )


def _costs(given: list[str], policy: Path | None) -> dict[str, float]:
    from lightkeeper.assessment.policy import CascadePolicy

    costs = {}
    if policy is not None:
        costs = {stage.name: stage.seconds for stage in CascadePolicy.from_toml(policy).stage}
    for text in given:
        name, _, number = text.rpartition("=")
        try:
            costs[name] = float(number)
        except ValueError as error:
            raise InvalidConfiguration(f"'{text}' is no NAME=SECONDS") from error
    return costs


def _check_stages(table: ScoreMatrix, names: list[str], costs: dict[str, float]) -> None:
    for name in names:
        table.column(name)
        if name not in costs:
            raise InvalidConfiguration(
                f"the cost of {name} is not known", hint=f"--seconds {name}=0.05, or a --policy"
            )
