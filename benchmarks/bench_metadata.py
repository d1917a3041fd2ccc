"""Generation parameters against sd-parsers: values found, and time from path to record."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sd_parsers import ParserManager

from lightkeeper.errors import MediaError
from lightkeeper.evidence.metadata import read_parameters
from lightkeeper.media import open_media

REPEATS = 9
FIELDS = ("prompt", "negative", "model", "hash", "sampler", "seed", "steps", "cfg")
SIZES = ("width", "height")

Values = dict[str, Any]
Reader = Callable[[Path], Values]


def run() -> str:
    entries = list(_entries())
    if not entries:
        return "## Generation parameters\n\nThird-party files are absent: not measured.\n"
    tools: dict[str, Reader] = {"Lightkeeper": _lightkeeper, "sd-parsers 0.6": _sd_parsers}
    expected = [(path, values) for path, values in entries if values]
    right = {name: _right(reader, expected) for name, reader in tools.items()}
    times = _times(tools, entries)
    total = {field: sum(field in values for _, values in expected) for field in (*FIELDS, *SIZES)}
    return "\n".join(
        [
            "## Generation parameters",
            "",
            f"{len(entries)} third-party files, {len(expected)} of them with known values. Values "
            "are compared with white space stripped and numbers as numbers.",
            "",
            "| right values | " + " | ".join((*FIELDS, *SIZES)) + " | all |",
            "| --- |" + " --- |" * (len(total) + 1),
            *(_right_row(name, counts, total) for name, counts in right.items()),
            "",
            f"CPU time from path to records, median of {REPEATS} runs for each file. Lightkeeper "
            "reads every file whole and decodes nothing; sd-parsers stops at the header where it "
            "finds a text there, and decodes the picture where it does not.",
            "",
            "| milliseconds | " + " | ".join(tools) + " | ratio |",
            "| --- | --- | --- | --- |",
            *(_time_row(name, measured) for name, measured in times.items()),
            "",
        ]
    )


def _entries() -> Iterator[tuple[Path, Values]]:
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    data = Path(os.environ.get("LIGHTKEEPER_SHARED", default)) / "data"
    manifest = data / "metadata_manifest.json"
    for entry in json.loads(manifest.read_text()) if manifest.is_file() else ():
        if entry["file"].startswith("metadata/"):
            yield data / entry["file"], entry["expected"] or {}


def _lightkeeper(path: Path) -> Values:
    try:
        records = read_parameters(open_media(path), pixels=False)
    except MediaError:
        return {}
    if not records:
        return {}
    record = records[0]
    return {
        "prompt": record.positive_prompt,
        "negative": record.negative_prompt,
        "model": record.model_name,
        "hash": record.model_hash,
        "sampler": record.sampler,
        "seed": record.seed,
        "steps": record.steps,
        "cfg": record.guidance_scale,
        "width": record.width,
        "height": record.height,
    }


_peer = ParserManager()


def _sd_parsers(path: Path) -> Values:
    try:
        found = _peer.parse(path)
    except Exception:
        return {}
    if not found or not found.samplers:
        return {}
    sampler = found.samplers[0]
    size = str(found.metadata.get("Size", "")).split("x")
    return {
        "prompt": found.full_prompt,
        "negative": found.full_negative_prompt,
        "model": sampler.model.name if sampler.model else None,
        "hash": sampler.model.hash if sampler.model else None,
        "sampler": sampler.name,
        "seed": sampler.parameters.get("seed"),
        "steps": sampler.parameters.get("steps"),
        "cfg": sampler.parameters.get("cfg_scale", sampler.parameters.get("cfg")),
        "width": found.metadata.get("width", size[0]),
        "height": found.metadata.get("height", size[-1]),
    }


def _right(reader: Reader, expected: list[tuple[Path, Values]]) -> dict[str, int]:
    counts = dict.fromkeys((*FIELDS, *SIZES), 0)
    for path, values in expected:
        found = reader(path)
        for field in counts:
            if field in values:
                counts[field] += _same(found.get(field), values[field])
    return counts


def _same(found: object, expected: str) -> bool:
    if str(found).strip() == expected.strip():
        return True
    try:
        return float(str(found)) == float(expected)
    except ValueError:
        return False


def _times(tools: dict[str, Reader], entries: list[tuple[Path, Values]]) -> dict[str, list[float]]:
    """Each tool's numbers: median file, median file with known values, mean, slowest."""
    rows: dict[str, list[float]] = {
        "median file": [],
        "median file with known values": [],
        "mean file": [],
        "slowest file": [],
    }
    for reader in tools.values():
        reader(entries[0][0])
        taken = [_milliseconds(reader, path) for path, _ in entries]
        known = [ms for ms, (_, values) in zip(taken, entries, strict=True) if values]
        for row, value in zip(
            rows.values(),
            (
                statistics.median(taken),
                statistics.median(known),
                statistics.mean(taken),
                max(taken),
            ),
            strict=True,
        ):
            row.append(value)
    return rows


def _milliseconds(reader: Reader, path: Path) -> float:
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        reader(path)
        taken.append(1000 * (time.process_time() - started))
    return statistics.median(taken)


def _right_row(name: str, counts: dict[str, int], total: dict[str, int]) -> str:
    cells = [f"{counts[field]}/{total[field]}" for field in total]
    return f"| {name} | {' | '.join(cells)} | {sum(counts.values())}/{sum(total.values())} |"


def _time_row(name: str, measured: list[float]) -> str:
    ours, peer = measured
    return f"| {name} | {ours:.2f} | {peer:.2f} | {peer / ours:.1f}x |"
