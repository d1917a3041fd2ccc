from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.evidence import Claim, Finding, Hypothesis
from lightkeeper.evidence.metadata.resaved import (
    CameraFields,
    Software,
    camera_findings,
    software_findings,
)
from lightkeeper.media import open_media
from lightkeeper.testing._containers import (
    TiffValue,
    jpeg_bytes,
    jpeg_comment,
    jpeg_exif,
    jpeg_xmp,
    png_bytes,
    png_text,
    tiff_block,
    xmp_packet,
)

PICTURE = np.full((8, 8, 3), 90, np.uint8)
EXPOSURE: dict[int, TiffValue] = {0x829A: 0.01, 0x829D: 2.8, 0x8827: 100, 0x927C: b"maker" * 9}


def camera(ifd0: dict[int, TiffValue], exif: dict[int, TiffValue]) -> list[Finding]:
    content = jpeg_bytes(PICTURE, jpeg_exif(tiff_block(ifd0=ifd0, exif=exif)))
    return list(camera_findings(open_media(content).embedded()))


def software(content: bytes) -> list[Finding]:
    return list(software_findings(open_media(content).embedded()))


def test_a_plausible_set_of_camera_fields_supports_capture() -> None:
    (finding,) = camera({0x010F: "Example", 0x0110: "Box 2"}, EXPOSURE)
    assert (finding.claim, finding.supports) == (Claim.CAPTURED, Hypothesis.CAPTURED)
    assert finding.source == "exif"
    assert finding.details == CameraFields(
        make="Example",
        model="Box 2",
        fields=("Make", "Model", "ExposureTime", "FNumber", "ISOSpeedRatings", "MakerNote"),
        maker_note_bytes=45,
    )


@pytest.mark.parametrize(
    ("ifd0", "exif"),
    [
        ({0x010F: "Example"}, EXPOSURE),
        ({0x010F: "Example", 0x0110: "Box 2"}, {0x829A: 0.01}),
        ({0x010F: 'workflow:{"nodes": []}', 0x0110: 'prompt:{"3": {}}'}, EXPOSURE),
        ({0x013B: "ai", 0x0131: "5bb8a5d4-0001-4c2e-9f3a-0123456789ab"}, {}),
    ],
    ids=["no model", "one exposure value", "ComfyUI's WebP", "Civitai"],
)
def test_less_than_a_camera_is_not_a_camera(
    ifd0: dict[int, TiffValue], exif: dict[int, TiffValue]
) -> None:
    assert camera(ifd0, exif) == []


def exif_software(name: str) -> bytes:
    return jpeg_bytes(PICTURE, jpeg_exif(tiff_block(ifd0={0x0131: name})))


def xmp_tool(name: str) -> bytes:
    packet = xmp_packet(
        {"xmp:CreatorTool": name}, namespaces={"xmp": "http://ns.adobe.com/xap/1.0/"}
    )
    return jpeg_bytes(PICTURE, jpeg_xmp(packet))


@pytest.mark.parametrize(
    ("content", "name", "source"),
    [
        (exif_software("GIMP 3.0.6"), "GIMP", "exif:Software"),
        (exif_software("Adobe Photoshop 26.0 (Windows)"), "Adobe Photoshop", "exif:Software"),
        (xmp_tool("Adobe Lightroom 5.3"), "Adobe Photoshop Lightroom", "xmp:CreatorTool"),
        (jpeg_bytes(PICTURE, jpeg_comment("Created with GIMP")), "GIMP", "jpeg:COM"),
        (
            jpeg_bytes(PICTURE, jpeg_comment("CREATOR: gd-jpeg v1.0 (using IJG JPEG v62)")),
            "GD",
            "jpeg:COM",
        ),
        (png_bytes(PICTURE, png_text("Software", "www.inkscape.org")), "Inkscape",
         "png:tEXt:Software"),
    ],
)  # fmt: skip
def test_an_editor_that_names_itself_is_reported_and_supports_nothing(
    content: bytes, name: str, source: str
) -> None:
    (finding,) = software(content)
    assert (finding.claim, finding.supports, finding.source) == (Claim.EDITED, None, source)
    assert isinstance(finding.details, Software)
    assert finding.details.name == name


@pytest.mark.parametrize("content", [exif_software("Adobe Firefly"), xmp_tool("Draw Things")])
def test_a_generator_that_names_itself_supports_generation(content: bytes) -> None:
    (finding,) = software(content)
    assert (finding.claim, finding.supports) == (Claim.GENERATED, Hypothesis.GENERATED)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NovelAI Diffusion V4.5 C02D4F98", "NovelAI"),
        ("Fooocus v2.5.3", "Fooocus"),
        ("Stable  Diffusion", "Stable Diffusion"),
        ("DALL-E 3", "DALL·E"),
        ("gpt-image-1", "gpt-image"),
        ("Midjourney (web)", "Midjourney"),
    ],
)
def test_a_generator_may_give_its_version(text: str, name: str) -> None:
    (finding,) = software(exif_software(text))
    assert isinstance(finding.details, Software)
    assert (finding.claim, finding.details.name) == (Claim.GENERATED, name)


@pytest.mark.parametrize(
    "text",
    [
        "Stable Diffusion photo viewer",
        "Midjourney gallery downloader 1.2",
        "ComfyUI-compatible viewer",
        "not Midjourney",
        "Draw Things to colour",
        "Stable Diffusion\nphoto viewer",
        "ChatGPT " + "x" * 500,
    ],
)
def test_a_program_called_after_a_generator_is_not_one(text: str) -> None:
    assert software(exif_software(text)) == []


def test_a_generator_named_in_a_comment_is_only_talk() -> None:
    assert software(jpeg_bytes(PICTURE, jpeg_comment("Midjourney made better ones"))) == []


@pytest.mark.parametrize("name", ["Version 1.3", "clark_retus-user 5.1.1", "HD6.01.01.51.00", ""])
def test_firmware_is_no_editor(name: str) -> None:
    assert software(exif_software(name)) == []


def test_an_edit_history_names_each_editor_once() -> None:
    agent = '<rdf:li stEvt:softwareAgent="Adobe Photoshop 26.0"/>'
    history = f"<xmpMM:History><rdf:Seq>{agent * 3}</rdf:Seq></xmpMM:History>"
    spaces = {
        "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
        "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    }
    content = jpeg_bytes(PICTURE, jpeg_xmp(xmp_packet({}, namespaces=spaces, body=history)))
    (finding,) = software(content)
    assert finding.source == "xmp:History"
