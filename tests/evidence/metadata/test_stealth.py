from __future__ import annotations

import gzip
import io
import json
import time
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.evidence._finding import Basis, Claim, Tier
from lightkeeper.evidence.metadata import novelai, stealth
from lightkeeper.evidence.metadata._record import GenerationRecord
from lightkeeper.evidence.metadata.stealth import StealthExaminer, stealth_payload
from lightkeeper.media import Limits, Media, open_media
from lightkeeper.testing._stealth import hide_bytes, hide_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.metadata._carriers import Carriers

_TEXT = "a lighthouse at dusk 灯台\nNegative prompt: fog\nSteps: 20, Sampler: Euler, Seed: 7"


def picture(height: int = 96, width: int = 80) -> NDArray[np.uint8]:
    rgba = np.random.default_rng(3).integers(0, 256, (height, width, 4), dtype=np.uint8)
    rgba[:, :, 3] = 255
    return rgba


def opened(rgba: NDArray[np.uint8], *, limits: Limits | None = None, **save: object) -> Media:
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, **{"format": "PNG", **save})  # type: ignore[arg-type]
    return open_media(stream.getvalue(), limits=limits)


def with_header(mark: bytes, length: int, content: bytes = b"") -> NDArray[np.uint8]:
    return hide_bytes(picture(), mark + length.to_bytes(4, "big") + content)


def no_records(carriers: Carriers) -> list[GenerationRecord]:
    del carriers
    return []


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("channel", ["alpha", "rgb"])
def test_what_is_hidden_is_read_again(channel: Literal["alpha", "rgb"], compressed: bool) -> None:
    media = opened(hide_parameters(picture(), _TEXT, compressed=compressed, channel=channel))

    found = stealth_payload(media)

    assert found is not None
    assert (found.text, found.carrier) == (_TEXT, f"pixels:{channel}-lsb")


@given(st.text(max_size=60), st.integers(8, 70), st.booleans())
def test_every_text_survives_in_every_shape(text: str, height: int, compressed: bool) -> None:
    rgba = picture(height, 6000 // height + 1)

    plane = hide_parameters(rgba, text, compressed=compressed)[:, :, 3]
    found = stealth._read(plane, "alpha", 10_000)

    # A text without characters has no length, and a length of zero is refused.
    assert found is not None
    assert found.text == (text if text or compressed else None)


def test_a_lossless_webp_is_read_too() -> None:
    rgba = hide_parameters(picture(), _TEXT)

    found = stealth_payload(opened(rgba, format="WEBP", lossless=True, exact=True))

    assert found is not None
    assert found.text == _TEXT


def test_an_ordinary_picture_holds_nothing() -> None:
    assert stealth_payload(opened(picture())) is None
    assert StealthExaminer(no_records).examine(opened(picture())) == []


def test_a_picture_too_small_for_a_header_is_not_decoded() -> None:
    media = opened(picture(4, 4))

    assert stealth_payload(media) is None


def test_a_jpeg_is_not_searched() -> None:
    media = opened(picture()[:, :, :3].copy(), format="JPEG")

    assert stealth_payload(media) is None


@pytest.mark.parametrize("length", [0, 7, 0xFFFF_FFF8, 0xFFFF_FFFF])
def test_a_lying_length_is_reported_as_damage(length: int) -> None:
    media = opened(with_header(b"stealth_pngcomp", length))

    (finding,) = StealthExaminer(no_records).examine(media)

    assert stealth_payload(media) is None
    assert (finding.claim, finding.basis) == (Claim.DAMAGED, Basis.ASSERTED)
    assert "length" in finding.summary


@pytest.mark.parametrize(
    ("mark", "content", "reason"),
    [
        (b"stealth_pngcomp", b"not gzip", "decompressed"),
        (b"stealth_pnginfo", b"\xff\xfe\xfd", "UTF-8"),
    ],
)
def test_a_payload_that_cannot_be_read_is_reported_as_damage(
    mark: bytes, content: bytes, reason: str
) -> None:
    media = opened(with_header(mark, len(content) * 8, content))

    (finding,) = StealthExaminer(no_records).examine(media)

    assert finding.claim is Claim.DAMAGED
    assert reason in finding.summary


def test_a_decompression_bomb_stops_at_the_limit_of_texts() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    rgba = hide_bytes(
        picture(800, 800), b"stealth_pngcomp" + (len(bomb) * 8).to_bytes(4, "big") + bomb
    )
    started = time.perf_counter()

    (finding,) = StealthExaminer(no_records).examine(opened(rgba, limits=Limits(max_text=1 << 20)))

    assert "beyond the limit" in finding.summary
    assert time.perf_counter() - started < 2


def test_error_correction_after_the_payload_is_ignored() -> None:
    content = gzip.compress(_TEXT.encode())
    media = opened(with_header(b"stealth_pngcomp", len(content) * 8, content + b"\0\0\1\0parity"))

    found = stealth_payload(media)

    assert found is not None
    assert found.text == _TEXT


def test_the_examiner_hands_an_object_to_the_families_by_its_keys() -> None:
    comment = {"prompt": "an umbrella", "uc": "fog", "steps": 20, "seed": 3}
    text = json.dumps({"Software": "NovelAI", "Comment": json.dumps(comment)})

    examiner = StealthExaminer(novelai.read)
    (finding,) = examiner.examine(opened(hide_parameters(picture(), text)))

    assert examiner.tier is Tier.PIXELS
    assert (finding.claim, finding.basis) == (Claim.PARAMETERS, Basis.ASSERTED)
    assert isinstance(finding.details, GenerationRecord)
    assert (finding.details.tool, finding.details.seed) == ("novelai", 3)
    assert finding.details.carrier == "pixels:alpha-lsb:Comment"


def test_a_text_that_no_family_knows_is_kept_as_it_is() -> None:
    media = opened(hide_parameters(picture(), "only words about a bicycle"))

    (finding,) = StealthExaminer(no_records).examine(media)

    assert isinstance(finding.details, GenerationRecord)
    assert (finding.details.tool, finding.details.raw) == ("unknown", "only words about a bicycle")


def test_hiding_changes_only_the_lowest_bits() -> None:
    before = picture()
    after = hide_parameters(before, _TEXT, channel="rgb")

    assert np.array_equal(before & 0xFE, after & 0xFE)
    assert np.array_equal(before[:, :, 3], after[:, :, 3])


def test_a_picture_too_small_for_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        hide_parameters(picture(8, 8), _TEXT)
