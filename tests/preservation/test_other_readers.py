"""What independent programs read from a transcoded file."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from lightkeeper.media import MediaFormat, open_media
from lightkeeper.preservation import transcode
from lightkeeper.testing._containers import png_bytes, png_text

if TYPE_CHECKING:
    from pathlib import Path

JPEG, PNG, WEBP, AVIF = MediaFormat.JPEG, MediaFormat.PNG, MediaFormat.WEBP, MediaFormat.AVIF
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 16x16, Model: lighthouse"
INFOTEXT = f"雨 umbrella ☂ at dusk\nNegative prompt: fog\n{SETTINGS}"
LONG = "☂ umbrella " * 3700 + "\n" + SETTINGS


def converted(text: str, target: MediaFormat, *, keyword: str = "parameters") -> bytes:
    chunk = png_text(keyword, text, kind="iTXt")
    source = open_media(png_bytes(np.full((16, 16, 3), 90, np.uint8), chunk))
    return transcode(source, target).content


@pytest.fixture
def sd_parsers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library. It keeps its last answer by the address of the picture, which another picture
    may have by now."""
    library = pytest.importorskip("sd_parsers")
    from sd_parsers.extractors import _jpeg_usercomment

    monkeypatch.setattr(_jpeg_usercomment, "_image_id", None)
    return library


@pytest.mark.parametrize("target", [JPEG, WEBP, AVIF])
def test_pillow_finds_the_user_comment(target: MediaFormat) -> None:
    with Image.open(io.BytesIO(converted(INFOTEXT, target))) as image:
        value = image.getexif().get_ifd(0x8769)[0x9286]
    assert value == b"UNICODE\0" + INFOTEXT.encode("utf-16-be")


def test_pillow_finds_the_text_in_png() -> None:
    with Image.open(io.BytesIO(converted(INFOTEXT, PNG))) as image:
        assert image.info["parameters"] == INFOTEXT


def exiftool(path: Path, content: bytes) -> dict[str, Any]:
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("ExifTool is not installed (Debian: libimage-exiftool-perl)")
    path.write_bytes(content)
    command = [program, "-json", "-b", "-G1", "-a", "-warning", "-error", "-all", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    (found,) = json.loads(done.stdout)
    assert not [name for name in found if name.endswith((":Warning", ":Error"))]
    return dict(found)


@pytest.mark.parametrize("target", [JPEG, WEBP, AVIF])
@pytest.mark.parametrize("text", [INFOTEXT, INFOTEXT.replace("\n", "\r\n")], ids=["LF", "CRLF"])
def test_exiftool_reads_the_user_comment(text: str, target: MediaFormat, tmp_path: Path) -> None:
    found = exiftool(tmp_path / f"picture.{target.value}", converted(text, target))
    assert found["ExifIFD:UserComment"] == text


def test_exiftool_reads_a_long_text_from_extended_xmp(tmp_path: Path) -> None:
    content = converted("☂" * 40_000, JPEG, keyword="notes")
    found = exiftool(tmp_path / "picture.jpg", content)
    assert found["XMP-lktext:Notes"] == "☂" * 40_000


def test_exiftool_reads_the_text_of_a_png(tmp_path: Path) -> None:
    assert exiftool(tmp_path / "picture.png", converted(LONG, PNG))["PNG:Parameters"] == LONG


@pytest.mark.parametrize("target", [JPEG, WEBP, PNG])
def test_sd_parsers_reads_prompt_sampler_and_seed(
    target: MediaFormat, tmp_path: Path, sd_parsers: Any
) -> None:
    path = tmp_path / f"picture.{target.value}"
    path.write_bytes(converted(INFOTEXT, target))
    info = sd_parsers.ParserManager().parse(path)
    assert info is not None
    assert [p.value for p in info.prompts] == ["雨 umbrella ☂ at dusk"]
    assert [p.value for p in info.negative_prompts] == ["fog"]
    (sampler,) = info.samplers
    assert sampler.name == "Euler a"
    assert sampler.parameters["seed"] == "42"


def test_sd_parsers_reads_forty_thousand_characters_from_webp(
    tmp_path: Path, sd_parsers: Any
) -> None:
    path = tmp_path / "picture.webp"
    path.write_bytes(converted(LONG, WEBP))
    info = sd_parsers.ParserManager().parse(path)
    assert info is not None
    assert [p.value for p in info.prompts] == [LONG.split("\n")[0].strip()]
