"""``lightkeeper detector simulate``: what a cascade would cost and lose."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._rows import write_rows, write_text
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.assessment.policy import CascadePolicy, Replay, ScoreMatrix
    from lightkeeper.assessment.policy._replay import Scanned

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("simulate")
def simulate_cascade(
    matrix: Annotated[
        Path,
        typer.Argument(metavar="MATRIX", help="CSV or Parquet of scores, or a scan's JSON lines."),
    ],
    last: Annotated[
        str, typer.Option("--last", metavar="NAME", help="The costly stage of a matrix.")
    ] = "",
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
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="DATA", help="Of a scan's files, as for evaluate."),
    ] = None,
    reported: Annotated[
        bool, typer.Option("--reported", help="A user reported all files of a scan.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
) -> None:
    """Say what a cascade would cost and lose, on scores that were measured.

    In a matrix, a column of zeros and ones is a trigger: a hash match, a report, a conflict. Of a
    scan in which the stages looked at everything, a --policy says what each would have met.
    """
    if matrix.suffix.lower() in (".jsonl", ".ndjson"):
        _replay(matrix, policy, labels, reported=reported, as_json=as_json)
    if not last:
        raise InvalidConfiguration(
            "a matrix needs its costly stage", hint="--last NAME, one of its columns"
        )
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


def _replay(
    scan: Path, policy: Path | None, labels: Path | None, *, reported: bool, as_json: bool
) -> NoReturn:
    from lightkeeper.assessment.policy import read_scan, replay

    if policy is None:
        raise InvalidConfiguration(
            f"{scan} is a scan, which needs a cascade", hint="--policy TOML, with its stages"
        )
    rules, salt = _cascade(policy)
    rows = read_scan(scan)
    known = None
    if labels is not None:
        known, rows = _labelled(labels, list(rows))
    done = replay(rows, rules, salt=salt, reported=reported, labels=known)
    if as_json:
        write_rows([to_plain(done)], as_json=True, render=str)
    else:
        write_text(_told(done))
    raise typer.Exit(Exit.OK)


def _labelled(labels: Path, rows: list[Scanned]) -> tuple[dict[str, bool], Iterator[Scanned]]:
    """Labels by the name that a row gives its file."""
    from lightkeeper.evidence.detectors.evaluation import Label, read_samples

    known = {
        sample.path.resolve(): sample.label is Label.GENERATED for sample in read_samples(labels)
    }
    found = {row.file: known[path] for row in rows if (path := Path(row.file).resolve()) in known}
    if not found:
        raise InvalidConfiguration(
            f"{labels} labels no file of the scan", hint="run it where the scan was run"
        )
    return found, iter(rows)


def _cascade(path: Path) -> tuple[CascadePolicy, bytes]:
    """The stages of a cascade's own file, or of a scan's policy with its sampling key."""
    from lightkeeper.assessment.policy import CascadePolicy
    from lightkeeper.scan import Policy
    from lightkeeper.scan._cascade import sampling_secret

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        document = {}
    if "stage" in document or not document:
        return CascadePolicy.from_toml(path), b""
    policy = Policy.from_toml(path)
    if policy.cascade is None:
        raise InvalidConfiguration(
            f"{path} has no cascade", hint="[cascade] with its [[cascade.stage]]"
        )
    key = policy.sampling_key
    return policy.cascade, sampling_secret(key) if key else b""


def _told(done: Replay) -> str:
    read = done.files - done.errors
    lines = [f"{done.files:,} files, {done.errors:,} of them not examined"]
    for stage in done.stages:
        line = (
            f"{stage.stage:<24} {stage.reached:,} of {read:,} reach it, {stage.seconds:,.1f} s; "
            f"{stage.untriggered:,} without a trigger, {stage.over_budget:,} over the budget"
        )
        if done.generated or done.real:
            line += (
                f"; {stage.generated:,} of {done.generated:,} generated, "
                f"{stage.real:,} of {done.real:,} real"
            )
        if stage.unknown:
            line += f"; {stage.unknown:,} on which it did not look in this scan"
        lines.append(line)
    hours = done.seconds_per_file * 1e6 / 3600
    lines.append(f"{done.seconds_per_file:.4g} s a file, {hours:,.1f} h a million")
    return "\n".join(lines)


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
    costs = {}
    if policy is not None:
        costs = {stage.name: stage.seconds for stage in _cascade(policy)[0].stage}
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
