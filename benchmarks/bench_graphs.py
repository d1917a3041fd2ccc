"""ComfyUI graphs of node packs' documentation against what is known of them; failures first.

With a folder as argument: whether the two forms of a graph are read alike in its pictures.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightkeeper.errors import MediaError
from lightkeeper.evidence import Hypothesis
from lightkeeper.evidence.metadata import GenerationRecord, MetadataExaminer, read_parameters
from lightkeeper.evidence.metadata.comfyui import read_graph
from lightkeeper.media import open_media

FIELDS = {
    "pos": "positive_prompt",
    "neg": "negative_prompt",
    "seed": "seed",
    "steps": "steps",
    "cfg": "guidance_scale",
    "sampler": "sampler",
    "scheduler": "scheduler",
}
_AI = (Hypothesis.GENERATED, Hypothesis.AI_EDITED)
REPEATS = 5

Candidate = Mapping[str, Any]


@dataclass(slots=True)
class Ran:
    """Graphs that ran, against the settings of their samplers."""

    files: int = 0
    whole: int = 0
    fields: int = 0
    missed: int = 0
    wrong_negatives: int = 0
    failures: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        cells = (self.files, self.whole, self.fields, self.missed, self.wrong_negatives)
        return f"| {name} | {' | '.join(map(str, cells))} |"


@dataclass(slots=True)
class Drawn:
    """Graphs whose sampling nodes are known, most of them in the editor's form alone."""

    sampled: int = 0
    empty: int = 0
    called_ai: int = 0
    unsampled: int = 0
    called_ai_wrongly: int = 0
    failures: list[str] = field(default_factory=list)


def run() -> str:
    data = _data()
    if not (data / "api_fields.json").is_file():
        return "## Reading generation graphs\n\nThird-party files are absent: not measured.\n"
    ran = {"all": Ran(), "developed on": Ran(), "other half": Ran()}
    times = []
    for name, candidates in json.loads((data / "api_fields.json").read_text()).items():
        half = "developed on" if developed_on(name) else "other half"
        path = data / "api" / name
        for part in ("all", half):
            _score(ran[part], name, _first(path), candidates)
        times.append(_milliseconds(path))
    drawn = Drawn()
    for name, known in json.loads((data / "workflow_samplers.json").read_text()).items():
        _score_drawn(drawn, name, data / "workflow" / name, bool(known["samplers"]))
    both, differing = forms([*(data / "api").iterdir(), *(data / "workflow").iterdir()])
    failures = [*ran["all"].failures, *drawn.failures, *differing]
    return "\n".join(
        [
            "## Reading generation graphs",
            "",
            "What went wrong:",
            "",
            *([f"- {line}" for line in failures] or ["- nothing"]),
            "",
            "Graphs that ran: a record is right where it equals one sampler's settings throughout. "
            "The halves are by file name. The rules were made on one of them; the other was looked "
            "at afterwards, so that it is no longer unseen.",
            "",
            "| graphs that ran | files | whole | fields | missed | wrong negatives |",
            "| --- | --- | --- | --- | --- | --- |",
            *(part.row(name) for name, part in ran.items()),
            "",
            "| what the graph does | files | empty records | called generated or edited |",
            "| --- | --- | --- | --- |",
            f"| something samples | {drawn.sampled} | {drawn.empty} | {drawn.called_ai} |",
            f"| nothing samples | {drawn.unsampled} | – | {drawn.called_ai_wrongly} |",
            "",
            f"{both} files hold both forms of their graph; {len(differing)} of them give other "
            "settings when only the editor's form is read.",
            "",
            f"CPU time from path to record: median {statistics.median(times):.1f} ms, slowest "
            f"{max(times):.1f} ms.",
            "",
        ]
    )


def developed_on(name: str) -> bool:
    """Whether a file belongs to the half that the rules were made on."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def _data() -> Path:
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    return Path(os.environ.get("LIGHTKEEPER_SHARED", default)) / "data" / "comfyui"


def _first(path: Path) -> GenerationRecord | None:
    return next(iter(read_parameters(open_media(path), pixels=False)), None)


def misses(record: GenerationRecord | None, candidates: list[Candidate]) -> dict[str, object]:
    """Fields in which a record differs from the candidate that it is nearest to."""
    return min((dict(_different(record, c)) for c in candidates), key=len)


def _different(record: GenerationRecord | None, known: Candidate) -> Iterator[tuple[str, object]]:
    for name, value in known.items():
        found = getattr(record, FIELDS[name], None)
        if value is not None and _plain(found) != _plain(value):
            yield name, found


def _plain(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _score(
    part: Ran, name: str, record: GenerationRecord | None, candidates: list[Candidate]
) -> None:
    wrong = misses(record, candidates)
    part.files += 1
    part.whole += not wrong
    part.fields += sum(v is not None for v in candidates[0].values())
    part.missed += len(wrong)
    part.wrong_negatives += wrong.get("neg") is not None
    part.failures += [f"`{_short(name)}`: {key} is {found!r}" for key, found in wrong.items()]


def _score_drawn(part: Drawn, name: str, path: Path, samples: bool) -> None:
    findings = MetadataExaminer().examine(open_media(path))
    record = _first(path)
    settings = [getattr(record, f, None) for f in FIELDS.values()]
    called = any(f.supports in _AI for f in findings)
    if not samples:
        part.unsampled += 1
        part.called_ai_wrongly += called
        part.failures += [f"`{_short(name)}`: samples nothing, called AI"] if called else []
        return
    part.sampled += 1
    part.empty += all(v is None for v in settings)
    part.called_ai += called
    absent = [key for key, value in zip(FIELDS, settings, strict=True) if value is None]
    if absent or not called:
        why = f"without {', '.join(absent)}" if absent else "not called generated or edited"
        part.failures.append(f"`{_short(name)}`: {why}")


def forms(paths: Iterable[Path]) -> tuple[int, list[str]]:
    """Files with both forms of a graph, and those that the editor's form alone tells otherwise."""
    both, differing = 0, []
    for path in sorted(paths):
        try:
            texts = {t.keyword.lower(): t.text for t in open_media(path).embedded().texts}
        except MediaError:
            continue
        if not {"prompt", "workflow"} <= texts.keys():
            continue
        both += 1
        ran, drawn = (
            read_graph(json.loads(texts[form]), carrier="", raw="")
            for form in ("prompt", "workflow")
        )
        names = [n for n, f in FIELDS.items() if getattr(ran, f, None) != getattr(drawn, f, None)]
        if names:
            differing.append(f"`{_short(path.name)}`: the editor's form differs in {names}")
    return both, differing


def _milliseconds(path: Path) -> float:
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        _first(path)
        taken.append(1000 * (time.process_time() - started))
    return statistics.median(taken)


def _short(name: str) -> str:
    return name.rpartition("__")[2]


if __name__ == "__main__":
    if sys.argv[1:]:
        count, told_otherwise = forms(p for p in Path(sys.argv[1]).rglob("*.png") if p.is_file())
        print(f"{count} files with both forms, {len(told_otherwise)} told otherwise")
        print("\n".join(told_otherwise))
    else:
        print(run())
