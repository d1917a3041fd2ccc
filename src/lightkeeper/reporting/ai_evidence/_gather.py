"""From an item and the decision about it to the block."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lightkeeper import __version__
from lightkeeper.assessment._classification import MACHINE
from lightkeeper.cases.item import ItemKind, ItemState
from lightkeeper.reporting._sharing import may_be_shared
from lightkeeper.reporting.ai_evidence import _block as block
from lightkeeper.reporting.ai_evidence._models import models_of
from lightkeeper.reporting.ai_evidence._row import (
    count,
    excerpt,
    name,
    number,
    objects,
    scalar,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.assessment import Label
    from lightkeeper.cases.decision import Decision, ItemDecision
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Arising

_VALUES: Final = (
    "seed",
    "steps",
    "sampler",
    "scheduler",
    "guidance_scale",
    "width",
    "height",
    "denoising_strength",
    "clip_skip",
    "rng",
    "mode",
    "init_image",
    "mask",
)
PERSON: Final = "person"
_LONGEST_SUMMARY: Final = 400
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be said: characters of a text, entries of a list."""

    text: int = 4000
    entries: int = 32


def gather(
    item: Item,
    decision: Decision | None = None,
    *,
    arising: Arising,
    room: Room | None = None,
) -> block.AiEvidence:
    """What is known of an item's origin: the machine's findings and a person's labels.

    ``decision`` is the one that stands for the item. A person's name never enters.
    """
    row = item.examination or {}
    assessment = row.get("assessment") or {}
    findings = list(objects(row.get("findings")))
    records = [f for f in findings if f.get("claim") == "parameters"]
    marks = [f for f in findings if f.get("claim") == "carries-mark"]
    decided = labelled(item, decision)
    shelf = _Shelf(room or Room())
    keep, text = shelf.keep, shelf.room.text
    return block.AiEvidence(
        kind=item.kind.value,
        sha256=item.media.sha256 if item.media else None,
        arising=arising.value,
        answer=_answer(assessment),
        tools=keep("tools", map(_tool, records)),
        models=keep("models", models_of(item, records, most=shelf.room.entries)),
        parameters=keep("parameters", (_parameters(f, text) for f in records)),
        marks=keep("marks", map(_mark, marks)),
        observations=keep("observations", (_observation(f, text) for f in findings)),
        matches=keep("matches", _matches(findings)),
        conflicts=keep("conflicts", _conflicts(assessment, text)),
        labels=tuple(_labels(decided, assessment)),
        assessors=tuple(_assessors(item, decision, decided)),
        not_examined=keep("not_examined", _not_examined(item, row, assessment)),
        limits=keep("limits", _limits(findings)),
        left_out=shelf.left_out,
    )


def labelled(item: Item, decision: Decision | None) -> ItemDecision | None:
    """What a decision says of one item."""
    if decision is None:
        return None
    return next((each for each in decision.items if each.item == item.id), None)


class _Shelf:
    """Keeps as many entries as there is room for, and counts the others."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.left_out: dict[str, int] = {}

    def keep(self, section: str, entries: Iterable[_T]) -> tuple[_T, ...]:
        found = tuple(entries)
        if len(found) > self.room.entries:
            self.left_out[section] = len(found) - self.room.entries
        return found[: self.room.entries]


def _answer(assessment: dict[str, Any]) -> block.Answer | None:
    origin = name(assessment.get("origin"))
    if origin is None:
        return None
    return block.Answer(
        origin=origin,
        strength=name(assessment.get("strength")) or "",
        log10_lr=number(assessment.get("log10_lr")),
        calibration=name(assessment.get("calibration")),
    )


def _details(finding: dict[str, Any]) -> dict[str, Any]:
    details = finding.get("details")
    return details if isinstance(details, dict) else {}


def _tool(finding: dict[str, Any]) -> block.Tool:
    details = _details(finding)
    return block.Tool(
        name=name(details.get("tool")) or "unknown",
        version=name(details.get("tool_version")),
        carrier=name(details.get("carrier")) or name(finding.get("source")) or "",
        basis=name(finding.get("basis")) or "",
    )


def _parameters(finding: dict[str, Any], text: int) -> block.Parameters:
    details = _details(finding)
    values = {key: scalar(details.get(key)) for key in _VALUES}
    return block.Parameters(
        carrier=name(details.get("carrier")) or "",
        prompt=excerpt(details.get("positive_prompt"), text),
        negative_prompt=excerpt(details.get("negative_prompt"), text),
        values={key: value for key, value in values.items() if value is not None},
    )


def _mark(finding: dict[str, Any]) -> block.Mark:
    details = _details(finding)
    return block.Mark(
        mark=name(details.get("mark")) or name(finding.get("examiner")) or "",
        variant=name(details.get("variant")),
        method=name(details.get("method")),
        basis=name(finding.get("basis")) or "",
        z=number(details.get("z")),
        p_value=number(finding.get("p_value")),
        tests=count(finding.get("tests")),
    )


def _observation(finding: dict[str, Any], text: int) -> block.Observation:
    def said(key: str) -> str:
        return name(finding.get(key)) or ""

    return block.Observation(
        claim=said("claim"),
        basis=said("basis"),
        examiner=said("examiner"),
        version=said("version"),
        source=said("source"),
        supports=name(finding.get("supports")),
        log10_lr=number(finding.get("log10_lr")),
        p_value=number(finding.get("p_value")),
        null_size=count(finding.get("null_size")),
        calibration=name(finding.get("calibration")),
        summary=excerpt(_told(finding), min(text, _LONGEST_SUMMARY)) or block.Excerpt("", 0),
    )


def _told(finding: dict[str, Any]) -> Any:
    """The summary, unless it would name a set whose owner keeps that to few."""
    if finding.get("claim") not in ("known-material", "known-benign"):
        return finding.get("summary")
    details = _details(finding)
    met = [details, *objects(details.get("suppressed"))]
    if all(may_be_shared(each) for each in met):
        return finding.get("summary")
    return "Matches a hash set whose owner keeps its name."


def _matches(findings: Iterable[dict[str, Any]]) -> Iterator[block.Match]:
    for finding in findings:
        details = _details(finding)
        if finding.get("claim") in ("known-material", "known-benign"):
            shareable = may_be_shared(details)
            yield block.Match(
                set=name(details.get("set_name")) if shareable else None,
                origin=name(details.get("origin")) or "unknown",
                benign=finding.get("claim") == "known-benign",
                kind=name(details.get("kind")) or "",
                distance_bits=count(details.get("distance_bits")) or 0,
                transform=name(details.get("transform")) or "identity",
            )


def _conflicts(assessment: dict[str, Any], text: int) -> Iterator[block.Conflict]:
    for each in objects(assessment.get("conflicts")):
        summary = excerpt(each.get("summary"), min(text, _LONGEST_SUMMARY))
        yield block.Conflict(
            code=name(each.get("code")) or "", summary=summary or block.Excerpt("", 0)
        )


def _labels(decided: ItemDecision | None, assessment: dict[str, Any]) -> Iterator[block.SetLabel]:
    if decided is not None:
        for each in fields(decided.labels):
            label: Label = getattr(decided.labels, each.name)
            if label.set_by is not None:
                yield block.SetLabel(
                    field=each.name,
                    value=scalar(label.value),
                    basis=label.basis.value if label.basis else None,
                    set_by=MACHINE if label.set_by == MACHINE else PERSON,
                )
        return
    proposed = assessment.get("labels")
    for key, value in proposed.items() if isinstance(proposed, dict) else ():
        if isinstance(value, dict) and value.get("set_by") == MACHINE:
            yield block.SetLabel(
                field=name(key) or "",
                value=scalar(value.get("value")),
                basis=name(value.get("basis")),
                set_by=MACHINE,
            )


def _assessors(
    item: Item, decision: Decision | None, decided: ItemDecision | None
) -> Iterator[block.Assessor]:
    if item.examination is not None:
        yield block.Assessor(kind=MACHINE, software=f"lightkeeper {__version__}")
    if decision is not None and decided is not None:
        yield block.Assessor(
            kind=PERSON,
            decided=decision.made.astimezone(UTC).isoformat(timespec="seconds"),
            confidence=decision.confidence.value,
            saw_this_file=decided.spread_from is None,
            artefacts={key.value: seen.value for key, seen in decided.artefacts.items()},
        )


def _not_examined(
    item: Item, row: dict[str, Any], assessment: dict[str, Any]
) -> Iterator[block.NotExamined]:
    if item.kind is not ItemKind.MEDIA:
        yield block.NotExamined(what=item.kind.value, why="no examiner reads it: a person did")
    elif item.state is not ItemState.EXAMINED:
        yield block.NotExamined(what="file", why=f"its examination is {item.state.value}")
    for each in objects(assessment.get("not_examined")):
        yield block.NotExamined(
            what=name(each.get("examiner")) or "", why=name(each.get("reason")) or ""
        )
    for each in objects(row.get("failures")):
        yield block.NotExamined(
            what=name(each.get("examiner")) or "",
            why=f"could not finish: {name(each.get('code')) or ''}",
        )


def _limits(findings: Iterable[dict[str, Any]]) -> list[str]:
    found = {
        code
        for finding in findings
        if isinstance(limits := finding.get("limits"), list)
        for code in map(name, limits)
        if code is not None
    }
    return sorted(found)
