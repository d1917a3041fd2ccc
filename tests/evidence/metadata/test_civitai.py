"""Civitai: an infotext with resource lists, or a graph with notes of the request."""

from __future__ import annotations

import json

from lightkeeper.evidence.metadata._families import records_from
from lightkeeper.evidence.metadata._record import GenerationRecord, Resource
from lightkeeper.media import Embedded, ExifField
from lightkeeper.testing._infotext import infotext

_BASE = {"Steps": 25, "Sampler": "Euler a", "CFG scale": 5, "Seed": 13, "Size": "1024x1024"}


def record(text: str) -> GenerationRecord:
    comment = ExifField("exif", 0x9286, text.encode("utf-16-be"), text)
    (found,) = records_from(Embedded(exif=(comment,)))
    return found


def test_listed_resources_become_checkpoint_and_loras() -> None:
    resources = [
        {"type": "checkpoint", "modelVersionId": 1, "modelName": "paper-boat"},
        {"type": "lora", "weight": 0.5, "modelVersionId": 2, "modelName": "sail"},
        {"type": "embed", "modelVersionId": 3},
    ]
    parameters = {**_BASE, "Civitai resources": resources, "Civitai metadata": {}}
    found = record(infotext("a boat", negative="fog", parameters=parameters))
    assert (found.tool, found.model_name) == ("civitai", "paper-boat")
    assert found.loras == (Resource(kind="lora", name="sail", weight=0.5, version_id="2"),)
    assert found.embeddings == (Resource(kind="embedding", name="", version_id="3"),)
    assert found.extra["Civitai resources"] == resources


def test_the_signature_in_exif_is_a_mark_too() -> None:
    text = infotext("a boat", parameters=_BASE)
    fields = (
        ExifField("ifd0", 0x013B, "ai", "ai"),
        ExifField("exif", 0x9286, text.encode("utf-16-be"), text),
    )
    (found,) = records_from(Embedded(exif=fields))
    assert found.tool == "civitai"


def test_another_application_that_lists_resources_keeps_its_name() -> None:
    parameters = {**_BASE, "App": "SD.Next", "Civitai resources": []}
    assert record(infotext("a boat", parameters=parameters)).tool == "sd-next"


def test_notes_of_the_request_overrule_the_upscaling_graph() -> None:
    notes = {
        "prompt": "a boat\n",
        "negativePrompt": "fog",
        "cfgScale": 5,
        "sampler": "Euler a",
        "steps": 25,
        "seed": 13,
        "width": 1024,
        "height": 512,
        "baseModel": "Paper",
        "workflow": "txt2img",
        "transformations": [{"type": "upscale", "upscaleWidth": 2048, "image": "x"}],
    }
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "boat.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
        "extraMetadata": json.dumps(notes),
    }
    found = record(json.dumps(graph))
    assert (found.tool, found.carrier) == ("civitai", "exif:UserComment")
    assert (found.positive_prompt, found.negative_prompt) == ("a boat\n", "fog")
    assert (found.seed, found.steps, found.guidance_scale) == (13, 25, 5)
    assert (found.sampler, found.width, found.height) == ("Euler a", 1024, 512)
    assert found.model_name == "Paper"
    assert found.upscaling == {"upscaleWidth": 2048}


def test_damaged_notes_leave_the_graph_to_its_own_family() -> None:
    graph = {
        "1": {
            "class_type": "KSampler",
            "inputs": {"seed": 3, "steps": 4, "cfg": 1, "sampler_name": "euler"},
        },
        "extraMetadata": "{",
    }
    assert record(json.dumps(graph)).tool == "comfyui"
