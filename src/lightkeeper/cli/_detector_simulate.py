"""``lightkeeper detector simulate``: what a cascade would cost and lose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._rows import write_rows
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from lightkeeper.assessment.policy import ScoreMatrix

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
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
