from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.metadata import novelai
from lightkeeper.evidence.metadata._carriers import Carriers
from lightkeeper.media import Embedded, ExifField, TextBlock

_COMMENT = {
    "prompt": "a lighthouse at dusk",
    "uc": "fog",
    "steps": 23,
    "scale": 5.0,
    "seed": 880,
    "width": 1024,
    "height": 768,
    "sampler": "k_euler",
    "noise_schedule": "karras",
    "request_type": "PromptGenerateRequest",
    "signed_hash": "c2ln",
    "v4_prompt": {
        "caption": {
            "base_caption": "a lighthouse at dusk",
            "char_captions": [{"char_caption": "a keeper with an umbrella"}],
        }
    },
}


def chunks(comment: object, **more: str) -> Carriers:
    values = {
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4.5 C02D4F98",
        "Description": "from the description",
        "Comment": json.dumps(comment),
        **more,
    }
    texts = tuple(TextBlock("png:tEXt", k, v, "utf-8") for k, v in values.items())
    return Carriers(Embedded(texts=texts))


def test_png_text_is_read_and_every_chunk_claimed() -> None:
    carriers = chunks(_COMMENT)

    (found,) = novelai.read(carriers)

    assert (found.tool, found.carrier) == ("novelai", "png:tEXt:Comment")
    assert (found.positive_prompt, found.negative_prompt) == ("a lighthouse at dusk", "fog")
    assert (found.seed, found.steps, found.guidance_scale) == (880, 23, 5.0)
    assert (found.sampler, found.scheduler) == ("k_euler", "karras")
    assert (found.width, found.height, found.mode) == (1024, 768, "txt2img")
    assert (found.model_name, found.model_hash) == ("NovelAI Diffusion V4.5", "C02D4F98")
    assert found.extra["signed_hash"] == "c2ln"
    assert found.extra["v4_prompt.char_captions"] == ["a keeper with an umbrella"]
    assert "v4_prompt" not in found.extra
    assert carriers.open() == ()


def test_an_old_comment_takes_its_prompt_from_the_description() -> None:
    comment = {"uc": "fog", "steps": 50, "strength": 0.4, "seed": 1}

    (found,) = novelai.read(chunks(comment))

    assert (found.positive_prompt, found.denoising_strength) == ("from the description", 0.4)


def test_an_exif_object_with_json_in_json_is_read_and_its_repetitions_claimed() -> None:
    envelope = json.dumps(
        {"Comment": json.dumps(_COMMENT), "Source": "NovelAI Diffusion V4.5 C02D4F98"}
    )
    fields = (
        ExifField("ifd0", 0x0131, "NovelAI Diffusion V4.5", "NovelAI Diffusion V4.5"),
        ExifField("ifd0", 0x010E, "a lighthouse at dusk", "a lighthouse at dusk"),
        ExifField("exif", 0x9286, b"", envelope),
    )
    carriers = Carriers(Embedded(exif=fields))

    (found,) = novelai.read(carriers)

    assert (found.carrier, found.seed) == ("exif:UserComment", 880)
    assert found.model_hash == "C02D4F98"
    assert carriers.open() == ()


def test_an_inpainting_request_says_so() -> None:
    (found,) = novelai.read(chunks({**_COMMENT, "request_type": "NativeInfillingRequest"}))

    assert found.mode == "inpaint"


def test_the_comment_of_another_program_is_left_alone() -> None:
    carriers = Carriers(
        Embedded(texts=(TextBlock("png:tEXt", "Comment", "Created with a paint program", "utf-8"),))
    )

    assert list(novelai.read(carriers)) == []
    assert len(carriers.open()) == 1


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["caption", "base_caption", "char_captions"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*_COMMENT, "noise", "strength"]), _values), st.text())
def test_wrong_types_never_raise(comment: dict[str, object], source: str) -> None:
    carriers = chunks({**comment, "uc": "fog", "steps": comment.get("steps")}, Source=source)

    (found,) = novelai.read(carriers)

    assert found.tool == "novelai"
