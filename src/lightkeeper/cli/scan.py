"""``lightkeeper scan``: from files to explained evidence of where they come from."""

from __future__ import annotations

import datetime
import os
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._cautions import cautions
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._inputs import Inputs
from lightkeeper.cli._known import KnownMaterial, set_names, with_known_material
from lightkeeper.cli._match_count import MatchCount
from lightkeeper.cli._printable import printable
from lightkeeper.cli._progress import progress
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._table import Explanations, Table
from lightkeeper.cli._times import AT_HELP, time_option
from lightkeeper.evidence import Basis, Tier
from lightkeeper.matching._tally import Meeting
from lightkeeper.scan import Condition, Policy, ScanRow, default_examiners, scan
from lightkeeper.scan._html import HtmlReport
from lightkeeper.scan._jsonl import JsonLines
from lightkeeper.scan._parquet import Parquet
from lightkeeper.scan._summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from lightkeeper.cli._progress import Progress
    from lightkeeper.scan._output import Output
    from lightkeeper.scan._worker import Builder

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class TierName(StrEnum):
    """How deep to look: each tier costs more than the one before it."""

    BYTES = "bytes"
    PIXELS = "pixels"
    MODEL = "model"
    DEEP = "deep"


def _checked_conditions(texts: list[str] | None) -> list[str] | None:
    for text in texts or ():
        try:
            Condition.parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return texts


@app.command()
def scan_files(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images, folders, patterns; '-' reads names from standard input.",
        ),
    ],
    tier: Annotated[
        TierName | None, typer.Option(help="Stop after this tier [default: pixels].")
    ] = None,
    policy_file: Annotated[
        Path | None, typer.Option("--policy", help="Scan policy (TOML).")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes [default: one per core].")
    ] = None,
    jsonl: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Write one JSON line per file; '-' is stdout."),
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write a Parquet table.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report: one page that makes no requests.")
    ] = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Small pictures in the report, blurred.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="JOURNAL", help="Keep finished files there; do not examine them again."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell in words how each assessment came about.")
    ] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            callback=_checked_conditions,
            help="Exit with 1 if a file meets it: generated, ai-edited, captured, undetermined, "
            "conflict, error, known; an origin may name the least support: generated:strong.",
        ),
    ] = None,
    marks: Annotated[Path | None, typer.Option(help="Your own public marks (TOML).")] = None,
    trust_anchors: Annotated[
        Path | None, typer.Option(help="Certificates that signers are traced to (PEM).")
    ] = None,
    at: Annotated[
        datetime.datetime | None,
        typer.Option(parser=time_option, metavar="TIME", help=AT_HELP),
    ] = None,
    sets: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]|all", help="Look files up in these hash sets, or in all of them."
        ),
    ] = None,
    reported: Annotated[
        bool,
        typer.Option("--reported", help="Somebody reported these files: a trigger of the cascade."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no closing line.")
    ] = False,
) -> None:
    """Say where images come from, and how we know.

    Exit codes: 0 done; 1 a condition of --fail-on was met; 2 wrong usage; 3 some files could not
    be examined; 4 could not run; 130 interrupted, finished work is kept.
    """
    if thumbnails and html is None:
        raise typer.BadParameter("--thumbnails puts pictures into a report: name it with --html")
    if explain and jsonl == "-":
        raise typer.BadParameter("--explain and --jsonl - both write to standard output")
    policy = _policy(policy_file, tier, fail_on, marks, trust_anchors, sets)
    policy = replace(policy, reported=reported, at=at or policy.at)
    if not quiet:
        for words in cautions(policy):
            sys.stderr.write(printable(words) + "\n")
    inputs = Inputs(paths)
    with progress(inputs.count(), quiet=quiet) as shown:
        outputs = _outputs(jsonl, parquet, html, policy)
        if jsonl != "-":
            console = shown.console if sys.stdout.isatty() else None
            outputs.append(Explanations(sys.stdout) if explain else Table(sys.stdout, console))
        rows = scan(
            inputs,
            policy,
            jobs=jobs or load_settings().jobs,
            journal=resume,
            thumbnails=thumbnails,
            explanations=explain,
            build=_builder(policy),
        )
        with _counting(policy) as count:
            run = _Run(inputs, outputs, shown, policy.fail_on, count)
            code = run(rows)
    if not quiet:
        run.report(html)
    raise typer.Exit(code)


def _policy(
    file: Path | None,
    tier: TierName | None,
    fail_on: list[str] | None,
    marks: Path | None,
    trust_anchors: Path | None,
    sets: str | None,
) -> Policy:
    """Options overrule the policy file, which overrules the settings."""
    settings = load_settings()
    policy = Policy(
        limits=settings.media_limits(),
        marks=settings.marks,
        trust_anchors=settings.trust_anchors,
    )
    if path := file or settings.policy:
        policy = Policy.from_toml(path, base=policy)
    return replace(
        policy,
        tier=Tier[tier.upper()] if tier else policy.tier,
        fail_on=tuple(map(Condition.parse, fail_on or ())) or policy.fail_on,
        marks=marks or policy.marks,
        trust_anchors=trust_anchors or policy.trust_anchors,
        sets=tuple(set_names(sets)) or policy.sets,
    )


def _builder(policy: Policy) -> Builder:
    if not policy.sets:
        return default_examiners
    known = KnownMaterial.from_settings()
    # Opened here too: what is wrong with it is said once, and before any worker starts.
    known.open(policy.sets, warn=True)
    return partial(with_known_material, known=known)


def _counting(policy: Policy) -> AbstractContextManager[MatchCount | None]:
    """This process counts, and no worker: they would wait for one another's writes."""
    if not policy.sets:
        return nullcontext()
    return MatchCount(KnownMaterial.from_settings(), policy.sets)


def _meetings(row: ScanRow) -> Iterator[Meeting]:
    for finding in row.findings:
        if finding["claim"].startswith("known-") and finding["basis"] == Basis.KNOWN:
            d = finding["details"]
            yield Meeting(
                d["set_name"], d["entry_number"], d["kind"], d["value"], d.get("query_value")
            )


def _outputs(
    jsonl: str | None, parquet: Path | None, html: Path | None, policy: Policy
) -> list[Output]:
    outputs: list[Output] = []
    if jsonl:
        outputs.append(JsonLines(sys.stdout if jsonl == "-" else Path(jsonl)))
    if parquet:
        outputs.append(Parquet(parquet))
    if html:
        outputs.append(HtmlReport(html, tier=policy.tier))
    return outputs


class _Run:
    """Takes rows to every output, and ends them well however the scan ends."""

    def __init__(
        self,
        inputs: Inputs,
        outputs: Sequence[Output],
        shown: Progress,
        conditions: Sequence[Condition],
        count: MatchCount | None,
    ) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._shown = shown
        self._conditions = conditions
        self._count = count
        self._summary = Summary()
        self._matched = False
        self._seconds = 0.0

    def __call__(self, rows: Iterator[ScanRow]) -> Exit:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        started = time.monotonic()
        try:
            for row in rows:
                self._take(row)
        except KeyboardInterrupt:
            self._end(rows, whole=False)
            return Exit.INTERRUPTED
        except BrokenPipeError:
            self._end(rows, whole=False)
            # Nobody reads on: what is still in the buffer must not fail at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OK
        except BaseException:
            self._end(rows, whole=False)
            raise
        self._end(rows, whole=True)
        self._seconds = time.monotonic() - started
        if self._matched:
            return Exit.MATCHED
        return Exit.PARTIAL if self._summary.errors else Exit.OK

    def report(self, html: Path | None) -> None:
        """The closing line, on standard error."""
        text = str(self._summary)
        if passed_over := self._inputs.passed_over:
            text += f"; {passed_over:,} other files passed over"
            if archives := self._inputs.archives:
                text += f", {archives:,} of them archives, which are not opened"
        if self._seconds:
            rate = self._summary.files / self._seconds
            text += f". {self._seconds:.1f} s, {rate:,.0f} files/s"
            text += f". Report: {html}" if html else ""
        else:
            text += ". Stopped before the end"
        sys.stderr.write(printable(text) + ".\n")

    def _take(self, row: ScanRow) -> None:
        self._summary.add(row)
        if self._count and row.status == "ok":
            self._count.add(_meetings(row))
        self._matched |= any(condition.met_by(row) for condition in self._conditions)
        for output in self._outputs:
            output.add(row)
        self._shown.update(self._summary, self._inputs.passed_over)

    def _end(self, rows: Iterator[ScanRow], *, whole: bool) -> None:
        rows.close()  # type: ignore[attr-defined]
        for output in self._outputs:
            if whole:
                output.finish()
            else:
                output.abandon()
