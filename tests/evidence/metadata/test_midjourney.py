from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata import GenerationRecord, midjourney
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.media import Embedded, TextBlock, open_media
from lightkeeper.testing._containers import png_bytes, png_text

JOB = "5bb8a5d4-0001-4c2e-9f3a-0123456789ab"
PICTURE = np.full((8, 8, 3), 90, np.uint8)


def read(description: str, **others: str) -> list[GenerationRecord]:
    texts = {"Description": description, **others}
    blocks = tuple(TextBlock("png:tEXt", k, v, "latin-1") for k, v in texts.items())
    return list(midjourney.read(Carriers(Embedded(texts=blocks))))


def test_prompt_parameters_and_job_are_told_apart() -> None:
    (record,) = read(
        f"a bicycle, red -- green --ar 2:1 --no fog, rain --v 6 --seed 77 Job ID: {JOB}",
        Author="keeper",
    )
    assert record.positive_prompt == "a bicycle, red -- green"
    assert record.negative_prompt == "fog, rain"
    assert (record.seed, record.tool_version, record.model_name) == (77, "6", "v6")
    assert record.extra["ar"] == "2:1"
    assert record.extra["job_id"] == JOB
    assert record.extra["Author"] == "keeper"
    assert record.carrier == "png:tEXt:Description"


def test_long_names_of_parameters_mean_the_same() -> None:
    (record,) = read(f"umbrella --aspect 3:2 --version 5.2 --tile Job ID: {JOB}")
    assert record.extra["ar"] == "3:2"
    assert record.extra["tile"] == ""
    assert record.tool_version == "5.2"


@pytest.mark.parametrize(
    "text",
    ["an umbrella --ar 2:1 --v 6", f"see Job ID: {JOB} for more", "Job ID: none", ""],
)
def test_a_description_that_does_not_end_with_a_job_is_left_alone(text: str) -> None:
    assert read(text) == []


def test_it_is_read_from_a_png() -> None:
    content = png_bytes(PICTURE, png_text("Description", f"umbrella --v 6 Job ID: {JOB}"))
    (record,) = midjourney.read(Carriers(open_media(content).embedded()))
    assert record.positive_prompt == "umbrella"


@given(st.text(max_size=200).filter(lambda t: "--" not in t))
def test_any_prompt_comes_back(prompt: str) -> None:
    (record,) = read(f"{prompt} --v 6 Job ID: {JOB}")
    assert record.positive_prompt == prompt.rstrip()
    assert record.tool_version == "6"
