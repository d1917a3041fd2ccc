"""Third-party files whose parameters are known: every field of every file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lightkeeper.errors import MediaError
from lightkeeper.evidence.metadata import GenerationRecord, read_parameters
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.shared

_FIELDS = {
    "prompt": "positive_prompt",
    "negative": "negative_prompt",
    "model": "model_name",
    "hash": "model_hash",
    "sampler": "sampler",
    "seed": "seed",
    "steps": "steps",
    "cfg": "guidance_scale",
    "width": "width",
    "height": "height",
}
_NUMBERS = {"seed", "steps", "cfg", "width", "height"}
_TOOLS = {
    "sd-webui": "a1111",
    "forge-classic": "forge-classic",
    "reforge": "reforge",
    "sd-next": "sd-next",
    "civitai": "civitai",
    "comfyui": "comfyui",
    "invokeai": "invokeai",
    "novelai": "novelai",
    "ruined-fooocus": "ruined-fooocus",
    "stability-matrix": "stability-matrix",
    "swarmui": "swarmui",
    "tensorart": "tensorart",
}
_WITHOUT = ("exiftool+exiftool", "mattiasw+ExifReader", "gpeacock+asset-io", "contentauth+example")
_SAVED_WITHOUT = ("gimp", "empty")


def _entries(shared: Path) -> Iterator[dict[str, Any]]:
    for entry in json.loads((shared / "metadata_manifest.json").read_text()):
        if entry["file"].startswith("metadata/"):
            yield entry


def _records(path: Path) -> tuple[GenerationRecord, ...]:
    return read_parameters(open_media(path))


def _wrong(record: GenerationRecord, expected: dict[str, str]) -> Iterator[str]:
    for name, value in expected.items():
        if name == "sw":
            same = record.tool == _TOOLS[value]
            found: object = record.tool
        else:
            found = getattr(record, _FIELDS[name])
            if name in _NUMBERS:
                same = isinstance(found, (int, float)) and found == float(value)
            else:
                same = isinstance(found, str) and found.strip() == value.strip()
        if not same:
            yield f"{name}: {found!r} instead of {value!r}"


def test_the_first_record_of_every_file_has_every_expected_value(shared: Path) -> None:
    wrong, files = {}, 0
    for entry in _entries(shared):
        if entry["expected"]:
            files += 1
            found = _records(shared / entry["file"])
            differences = list(_wrong(found[0], entry["expected"])) if found else ["no record"]
            if differences:
                wrong[entry["file"]] = differences
    assert wrong == {}
    assert files >= 25


def test_files_without_generation_metadata_give_no_record(shared: Path) -> None:
    found, files = {}, 0
    for entry in _entries(shared):
        name = entry["file"]
        if any(part in name for part in _WITHOUT) or any(part in name for part in _SAVED_WITHOUT):
            files += 1
            try:
                records = _records(shared / name)
            except MediaError:
                continue
            if records:
                found[name] = [(record.tool, record.carrier) for record in records]
    assert found == {}
    assert files >= 30


def test_every_reference_picture_of_sd_next_is_read_well(shared: Path) -> None:
    files = [e["file"] for e in _entries(shared) if "sdnext" in e["file"] and e["generator"]]
    assert len(files) >= 14
    for file in files:
        (record,) = _records(shared / file)
        assert record.tool == "sd-next", file
        assert record.positive_prompt, file
        assert record.model_name, file
        assert record.width, file
        assert record.height, file
        assert isinstance(record.seed, int), file
        assert isinstance(record.steps, int), file
        assert "Template" not in (record.negative_prompt or ""), file
