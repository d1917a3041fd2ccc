"""The examiner of parameters: one finding per record, contradictions beside them."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lightkeeper.evidence._finding import Basis, Claim, Examiner, Finding, Hypothesis, Tier
from lightkeeper.evidence.metadata import GenerationRecord, MetadataExaminer, read_parameters
from lightkeeper.evidence.metadata._contradictions import RecordsDisagree, SizeMismatch
from lightkeeper.media import Media, open_media
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._infotext import infotext
from lightkeeper.testing._stealth import hide_parameters

_BASE = {"Steps": 20, "Sampler": "Euler a", "CFG scale": 7, "Seed": 11, "Size": "64x96"}
_GRAPH = {
    "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a boat"}},
    "2": {
        "class_type": "KSampler",
        "inputs": {
            "positive": ["1", 0],
            "seed": 77,
            "steps": 20,
            "cfg": 7,
            "sampler_name": "euler",
            "scheduler": "normal",
        },
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}},
}


def media(width: int = 64, height: int = 96, **texts: str) -> Media:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    stream = io.BytesIO()
    picture = Image.fromarray(synthetic_like(1, width=width, height=height))
    picture.save(stream, "PNG", pnginfo=info)
    return open_media(stream.getvalue())


def findings(width: int = 64, height: int = 96, **texts: str) -> list[Finding]:
    return list(MetadataExaminer().examine(media(width, height, **texts)))


def said(prompt: str = "a boat", **parameters: object) -> str:
    named = {key.replace("_", " "): value for key, value in parameters.items()}
    return infotext(prompt, negative="fog", parameters={**_BASE, **named})


def test_it_is_an_examiner_of_bytes() -> None:
    examiner = MetadataExaminer()
    assert isinstance(examiner, Examiner)
    assert examiner.tier is Tier.BYTES
    assert examiner.unavailable() is None


def test_a_file_without_parameters_gives_no_finding() -> None:
    assert findings(Comment="a holiday by the sea") == []


def test_a_record_is_an_assertion_that_anyone_can_write() -> None:
    (found,) = findings(parameters=said())
    assert (found.claim, found.basis) == (Claim.PARAMETERS, Basis.ASSERTED)
    assert (found.supports, found.source) == (Hypothesis.GENERATED, "png:tEXt:parameters")
    assert found.limits == ("anyone-can-write",)
    assert isinstance(found.details, GenerationRecord)
    assert "a boat" not in found.summary


def test_a_mode_that_starts_from_a_picture_speaks_for_an_edit() -> None:
    (found,) = findings(parameters=said(Mask_blur=4))
    assert found.supports is Hypothesis.AI_EDITED


def test_an_infotext_that_contradicts_the_graph_comes_second_and_is_reported() -> None:
    first, second, third = findings(parameters=said("unknown", Seed=0), prompt=json.dumps(_GRAPH))
    assert isinstance(first.details, GenerationRecord)
    assert isinstance(second.details, GenerationRecord)
    assert (first.details.tool, second.details.tool) == ("comfyui", "a1111")
    assert third.claim is Claim.CONTRADICTION
    assert isinstance(third.details, RecordsDisagree)
    assert third.details.fields == ("seed", "positive_prompt")
    assert third.details.values == {"seed": (77, 0)}
    assert third.conflict == "parameters-disagree"


def test_records_that_agree_are_no_contradiction() -> None:
    found = findings(parameters=said("a boat,  ", Seed=77), prompt=json.dumps(_GRAPH))
    assert [f.claim for f in found] == [Claim.PARAMETERS, Claim.PARAMETERS]


def test_a_picture_of_another_shape_contradicts_its_parameters() -> None:
    _, mismatch = findings(96, 96, parameters=said())
    assert mismatch.claim is Claim.CONTRADICTION
    assert isinstance(mismatch.details, SizeMismatch)
    assert (mismatch.details.stated_width, mismatch.details.width) == (64, 96)
    assert mismatch.conflict == "size-mismatch"


def test_a_scaled_copy_is_an_edit_and_no_contradiction() -> None:
    _, mismatch = findings(32, 48, parameters=said())
    assert mismatch.claim is Claim.EDITED
    assert mismatch.supports is None


@pytest.mark.parametrize(
    ("width", "height", "parameters"),
    [
        (64, 96, {}),
        (96, 144, {"Hires_upscale": 1.5, "Hires_upscaler": "Latent"}),
        (128, 96, {"Grid": "2x1"}),
    ],
)
def test_sizes_that_parameters_explain_are_silent(
    width: int, height: int, parameters: dict[str, object]
) -> None:
    assert len(findings(width, height, parameters=said(**parameters))) == 1


def test_hidden_text_is_read_only_when_pixels_are_asked_for() -> None:
    rgba = Image.fromarray(synthetic_like(1, width=96, height=96)).convert("RGBA")
    stream = io.BytesIO()
    Image.fromarray(hide_parameters(_array(rgba), said())).save(stream, "PNG")
    hidden = open_media(stream.getvalue())
    assert read_parameters(hidden, pixels=False) == ()
    (found,) = read_parameters(hidden)
    assert (found.tool, found.carrier, found.seed) == ("a1111", "pixels:alpha-lsb:parameters", 11)


def _array(picture: Image.Image) -> object:
    import numpy as np

    return np.array(picture)
