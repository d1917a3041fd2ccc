"""The infotext scanner: the last line is authoritative, and time is linear."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata._infotext import parse_infotext
from lightkeeper.testing._infotext import infotext

_BASE = {"Steps": 20, "Sampler": "Euler a", "CFG scale": 7, "Seed": 11, "Size": "512x768"}

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1
)
prompts = st.lists(words, max_size=6).map(" ".join)
keys = st.from_regex(r"[A-Za-z][A-Za-z0-9 /\-]{0,18}[A-Za-z0-9]", fullmatch=True)
quoted = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)
tables = st.dictionaries(words, words | st.integers(), max_size=3)
values = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(0, 100, allow_nan=False).map(str),
    words.filter(lambda text: text[0] not in "\"{['" and "," not in text),
    quoted.filter(lambda text: any(c in text for c in ",:\n")),
    tables,
    st.lists(tables, max_size=3),
)


def _is_free_of_marks(prompt: str) -> bool:
    return "Negative prompt:" not in prompt


@given(
    prompt=prompts.filter(_is_free_of_marks),
    negative=st.none() | prompts.filter(_is_free_of_marks),
    more=st.dictionaries(keys, values, max_size=8),
)
@example(prompt="", negative="", more={})
@example(prompt="a lighthouse", negative="fog", more={"Note": 'a\nb: c, "d" \\'})
def test_what_a_tool_writes_is_read_back(
    prompt: str, negative: str | None, more: dict[str, object]
) -> None:
    parameters = {**more, **_BASE}
    found = parse_infotext(infotext(prompt, negative=negative, parameters=parameters))
    assert found is not None
    assert found.prompt == prompt
    assert found.negative == negative
    assert found.fields == {k: str(v) if isinstance(v, int) else v for k, v in parameters.items()}
    assert found.notes == ()


@given(st.text())
@example("Steps: 1, Sampler: x, Seed: [")
@example('Steps: 1, Sampler: "\\", Seed: 2')
@example("Negative prompt:\n: , : , :\nSteps:1,Seed:2,aa:")
def test_no_text_raises(text: str) -> None:
    parse_infotext(text)
    parse_infotext(f"a bicycle\n{text}, Steps: 1, Sampler: Euler, Seed: 2")


@pytest.mark.parametrize(
    "unit",
    [
        " ",
        "a",
        "a:",
        "a b:",
        "a: b,",
        'ab:"',
        'ab:"\\',
        'ab:"\\",',
        "ab:[",
        'ab:["",',
        'ab:[","',
        "ab:{",
        "[]",
        "Negative prompt:",
        "\nNegative prompt:",
        "\nSteps: 1, Seed: 2, Size: 8x8\nNegative prompt:",
        "\n",
        "<lora:",
        ", ",
        "\\",
    ],
)
@pytest.mark.parametrize(
    "place",
    ["{}", "x\n{}", "{}\nSteps: 1, Sampler: a, Seed: 2", "Steps: 1, Sampler: a, Seed: 2, ab: {}"],
)
def test_repetition_costs_linear_time(unit: str, place: str) -> None:
    text = place.format(unit * (1_500_000 // len(unit)))
    started = time.perf_counter()
    parse_infotext(text)
    assert time.perf_counter() - started < 1.5


def test_a_parameter_line_inside_a_prompt_never_wins() -> None:
    fake = "Steps: 99, Sampler: Fake, CFG scale: 1, Seed: 1, Size: 8x8"
    found = parse_infotext(
        infotext(f"a red bicycle\n{fake}", negative=f"fog\n{fake}", parameters=_BASE)
    )
    assert found is not None
    assert found.fields["Steps"] == "20"
    assert found.fields["Sampler"] == "Euler a"
    assert found.prompt == f"a red bicycle\n{fake}"
    assert found.negative == f"fog\n{fake}"


def test_a_mark_in_the_middle_of_a_line_is_part_of_the_prompt() -> None:
    found = parse_infotext(
        infotext("a sign that says Negative prompt: none", negative="fog", parameters=_BASE)
    )
    assert found is not None
    assert found.prompt == "a sign that says Negative prompt: none"
    assert found.negative == "fog"


def test_the_first_of_two_negative_prompt_lines_divides_and_is_noted() -> None:
    text = infotext("an umbrella", negative="fog\nNegative prompt: rain", parameters=_BASE)
    found = parse_infotext(text)
    assert found is not None
    assert found.prompt == "an umbrella"
    assert found.negative == "fog\nNegative prompt: rain"
    assert found.notes == ("duplicate-negative-prompt",)


def test_an_infotext_pasted_into_the_prompt_does_not_end_it() -> None:
    pasted = infotext("a boat", negative="waves", parameters={**_BASE, "Seed": 5})
    found = parse_infotext(infotext(pasted, negative="fog", parameters=_BASE))
    assert found is not None
    assert found.prompt == pasted
    assert found.negative == "fog"
    assert found.fields["Seed"] == "11"
    assert "infotext-inside-prompt" in found.notes


def test_line_breaks_inside_prompts_stay_as_the_tool_wrote_them() -> None:
    found = parse_infotext(
        "a pier,\r\nat dusk\r\n\nNegative prompt: fog,\r\nrain\r\n\n"
        "Steps: 1, Sampler: Euler, Seed: 2"
    )
    assert found is not None
    assert found.prompt == "a pier,\r\nat dusk"
    assert found.negative == "fog,\r\nrain"


def test_hashes_and_resource_lists_are_read_as_json_although_they_hold_commas() -> None:
    hashes = {"model": "0123456789", "lora:umbrella, red": "0123456789ab"}
    resources = [{"type": "lora", "weight": 0.5, "modelName": "a, b: c"}]
    found = parse_infotext(
        infotext("x", parameters={**_BASE, "Hashes": hashes, "Civitai resources": resources})
    )
    assert found is not None
    assert found.fields["Hashes"] == hashes
    assert found.fields["Civitai resources"] == resources


def test_a_time_stamp_is_one_value() -> None:
    text = "x\nSteps: 2, Seed: 1, Created Date: 2026-01-04T01:27:21.27Z, Clip skip: 2"
    found = parse_infotext(text)
    assert found is not None
    assert found.fields["Created Date"] == "2026-01-04T01:27:21.27Z"
    assert found.fields["Clip skip"] == "2"


@pytest.mark.parametrize("broken", ['"no end', "[1, 2", '{"a": ', '"end" and more'])
def test_a_damaged_value_ends_at_its_comma(broken: str) -> None:
    found = parse_infotext(f"x\nSteps: 2, Note: {broken}, Sampler: Euler, Seed: 1")
    assert found is not None
    assert found.fields["Sampler"] == "Euler"
    assert found.fields["Note"] == broken.split(",")[0].strip()


def test_deep_nesting_is_text_and_not_a_structure() -> None:
    found = parse_infotext(f"x\nSteps: 2, Sampler: Euler, Seed: 1, Hashes: {'[' * 500}{']' * 500}")
    assert found is not None
    assert isinstance(found.fields["Hashes"], str)


def test_a_truncated_text_says_so() -> None:
    found = parse_infotext("x\nSteps: 2, Sampler: Euler, Seed: 1, [truncated]")
    assert found is not None
    assert found.fields["Seed"] == "1"
    assert found.notes == ("truncated",)


def test_a_repeated_key_is_noted_and_the_last_one_counts() -> None:
    found = parse_infotext("x\nSteps: 2, Sampler: Euler, Seed: 1, Seed: 3")
    assert found is not None
    assert found.fields["Seed"] == "3"
    assert found.notes == ("duplicate-key",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a lighthouse at dusk",
        "Steps: 20, Sampler: Euler",
        "Lens: 50 mm, ISO: 100, Shutter: 1/60",
        "Size: 12 cm, Colour: red, Model: bicycle",
        json.dumps({"steps": 20, "sampler": "a", "seed": 1, "size": "1x1"}),
    ],
)
def test_other_texts_are_no_infotext(text: str) -> None:
    assert parse_infotext(text) is None
