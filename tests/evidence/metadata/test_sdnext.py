"""SD.Next: its own order of fields, often without a sampler."""

from __future__ import annotations

from lightkeeper.evidence.metadata._families import records_from
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.media import Embedded, ExifField

_LINE = (
    "Steps: 9, Size: 1024x768, Scheduler: FlowMatchEulerDiscreteScheduler, Seed: 21, "
    "CFG scale: 1.0, App: SD.Next, Version: 6ba4fff, Pipeline: BoatPipeline, "
    "Operations: txt2img; upscale, Model: paper-boat"
)


def record(text: str) -> GenerationRecord:
    comment = ExifField("exif", 0x9286, text.encode("utf-16-be"), text)
    (found,) = records_from(Embedded(exif=(comment,)))
    return found


def test_a_line_without_sampler_is_read() -> None:
    found = record(f"a pier at dusk\nNegative prompt: \n{_LINE}")
    assert (found.tool, found.tool_version) == ("sd-next", "6ba4fff")
    assert found.carrier == "exif:UserComment"
    assert found.sampler is None
    assert found.scheduler == "FlowMatchEulerDiscreteScheduler"
    assert (found.width, found.height, found.seed, found.steps) == (1024, 768, 21, 9)
    assert (found.positive_prompt, found.negative_prompt) == ("a pier at dusk", "")
    assert (found.mode, found.model_name) == ("txt2img", "paper-boat")
    assert found.extra["Operations"] == "txt2img; upscale"


def test_the_template_is_no_part_of_the_negative_prompt() -> None:
    found = record(
        "a pier\nNegative prompt: fog\nTemplate: a __place__\nat dusk\n"
        f"Negative template: __weather__\n{_LINE}"
    )
    assert found.negative_prompt == "fog"
    assert found.extra["Template"] == "a __place__\nat dusk"
    assert found.extra["Negative template"] == "__weather__"


def test_inpainting_is_told_by_the_operations() -> None:
    assert record(f"x\n{_LINE.replace('txt2img; upscale', 'inpaint')}").mode == "inpaint"


def test_a_truncated_text_is_noted() -> None:
    assert record(f"x\n{_LINE} [truncated]").notes == ("truncated",)
