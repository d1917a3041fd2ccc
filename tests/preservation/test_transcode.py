from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lightkeeper.errors import OutputError, UnsupportedMedia
from lightkeeper.evidence import Hypothesis
from lightkeeper.evidence.metadata import GenerationRecord, SourceExaminer, read_parameters
from lightkeeper.media import Media, MediaFormat, open_media
from lightkeeper.preservation import Transcoded, transcode
from lightkeeper.testing import photo_like
from lightkeeper.testing._containers import (
    encoded_bytes,
    gif_bytes,
    jpeg_bytes,
    jpeg_exif,
    jpeg_iptc,
    jpeg_xmp,
    png_bytes,
    png_chunk,
    png_text,
    tiff_block,
    user_comment,
    webp_bytes,
    xmp_packet,
)

if TYPE_CHECKING:
    from pathlib import Path

JPEG, PNG, WEBP, AVIF = MediaFormat.JPEG, MediaFormat.PNG, MediaFormat.WEBP, MediaFormat.AVIF
PICTURE = np.full((16, 24, 3), 90, np.uint8)
SETTINGS = (
    "Negative prompt: fog\nSteps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, "
    "Seed: 42, Size: 24x16, Model hash: abcdef1234, Model: lighthouse, Version: v1.10.1"
)
INFOTEXT = f"雨 umbrella ☂ at dusk\n{SETTINGS}"
GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "lighthouse.st"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "bicycle 雨", "clip": ["1", 1]}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["1", 1]}},
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 24, "height": 16}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 7, "steps": 20, "cfg": 5.5, "sampler_name": "euler", "scheduler": "normal",
            "denoise": 1.0, "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0],
            "latent_image": ["4", 0],
        },
    },
    "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0]}},
}  # fmt: skip
WORKFLOW = {"last_node_id": 6, "nodes": [], "links": [], "version": 0.4}
NOVELAI = {
    "Title": "NovelAI generated image",
    "Description": "umbrella ☂",
    "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4.5 C02D4F98",
    "Generation time": "2.5",
    "Comment": json.dumps(
        {"prompt": "umbrella ☂", "uc": "fog", "steps": 23, "seed": 9, "sampler": "k_euler",
         "scale": 5.0, "width": 24, "height": 16, "noise_schedule": "karras"}
    ),
}  # fmt: skip
INVOKEAI = {
    "invokeai_metadata": json.dumps(
        {"generation_mode": "txt2img", "positive_prompt": "lighthouse", "negative_prompt": "fog",
         "width": 24, "height": 16, "seed": 3, "steps": 30, "cfg_scale": 7.5,
         "scheduler": "euler", "model": {"name": "beam", "hash": "blake3:" + "ab" * 32}}
    )
}  # fmt: skip
SWARMUI = {
    "parameters": json.dumps(
        {"sui_image_params": {"prompt": "bicycle ☂", "model": "beam", "seed": 5, "steps": 20,
                              "width": 24, "height": 16, "swarm_version": "0.9.5"}},
        ensure_ascii=False,
    )
}  # fmt: skip
FAMILIES = {
    "a1111": {"parameters": INFOTEXT},
    "comfyui": {"prompt": json.dumps(GRAPH), "workflow": json.dumps(WORKFLOW)},
    "comfyui-graph-only": {"prompt": json.dumps(GRAPH)},
    "comfyui-and-infotext": {
        "parameters": INFOTEXT, "prompt": json.dumps(GRAPH), "workflow": json.dumps(WORKFLOW),
    },
    "novelai": NOVELAI,
    "invokeai": INVOKEAI,
    "swarmui": SWARMUI,
}  # fmt: skip
CHAINS = [(JPEG, PNG), (WEBP, AVIF, PNG), (JPEG, WEBP, JPEG), (AVIF, PNG)]


def png(texts: dict[str, str], *, pixels: np.ndarray = PICTURE) -> Media:
    chunks = (png_text(k, v, kind="tEXt" if v.isascii() else "iTXt") for k, v in texts.items())
    return open_media(png_bytes(pixels, *chunks))


def essence(records: tuple[GenerationRecord, ...]) -> list[GenerationRecord]:
    found = [replace(r, carrier="", raw="", notes=()) for r in records]
    return sorted(found, key=lambda r: r.tool)


def through(source: Media, *targets: MediaFormat) -> tuple[Media, Transcoded]:
    for target in targets:
        done = transcode(source, target)
        source = open_media(done.content)
        assert source.format is target
    return source, done


@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_field_of_every_record_survives_the_way_round(
    family: str, chain: tuple[MediaFormat, ...]
) -> None:
    source = png(FAMILIES[family])
    before = read_parameters(source)
    assert before
    media, done = through(source, *chain)
    assert essence(read_parameters(media)) == essence(before)
    assert not done.notes
    assert not done.dropped
    if media.format is PNG:
        texts = {t.keyword: t.text for t in media.embedded().texts}
        for keyword, text in FAMILIES[family].items():
            same = texts[keyword] == text
            assert same or json.loads(texts[keyword]) == json.loads(text)


prompts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(prompts)
def test_any_prompt_survives_three_formats_to_the_character(prompt: str) -> None:
    source = png({"parameters": f"{prompt}\n{SETTINGS}"})
    before = read_parameters(source)
    for chain in ((JPEG, PNG), (WEBP, AVIF, PNG)):
        media, _ = through(source, *chain)
        assert media.embedded().text("parameters") == source.embedded().text("parameters")
        assert essence(read_parameters(media)) == essence(before)


def test_latin_text_that_looks_like_utf_8_is_not_mistaken_for_it() -> None:
    text = f"Ã© umbrella\n{SETTINGS}"
    media, done = through(png({"parameters": text}), JPEG, PNG)
    assert done.moved[0].target == "png:iTXt:parameters"
    assert media.embedded().text("parameters") == text


def test_line_ends_are_kept_as_they_are() -> None:
    text = INFOTEXT.replace("\n", "\r\n")
    for target in (JPEG, WEBP, AVIF, PNG):
        media, _ = through(png({"parameters": text}), target, PNG)
        assert media.embedded().text("parameters") == text


@pytest.mark.parametrize("target", [JPEG, WEBP, AVIF, PNG])
def test_forty_thousand_characters_are_not_shortened(target: MediaFormat) -> None:
    text = "☂ umbrella " * 3700 + "\n" + SETTINGS
    assert len(text) > 40_000
    media, done = through(png({"parameters": text}), target)
    assert not done.dropped
    assert not done.notes
    back, _ = through(media, PNG)
    assert back.embedded().text("parameters") == text


def test_a_long_ascii_text_stays_in_the_user_comment_of_a_jpeg() -> None:
    text = "umbrella " * 4500 + "\n" + SETTINGS
    media, done = through(png({"parameters": text}), JPEG)
    assert done.moved[0].target == "exif:UserComment"
    assert media.embedded().exif_text("exif", 0x9286) == text


def test_a_text_longer_than_a_segment_goes_into_extended_xmp() -> None:
    texts = {**NOVELAI, "invokeai_metadata": INVOKEAI["invokeai_metadata"], "notes": "☂" * 60_000}
    media, done = through(png(texts), JPEG)
    assert not done.dropped
    assert media.content.count(b"http://ns.adobe.com/xmp/extension/\0") >= 3
    back, _ = through(media, PNG)
    assert back.embedded().text("notes") == texts["notes"]


def test_a_graph_stands_where_comfyui_looks_for_it_in_webp() -> None:
    media, _ = through(png(FAMILIES["comfyui"]), WEBP)
    assert media.embedded().exif_text("ifd0", 0x0110) == "prompt:" + json.dumps(GRAPH)
    assert media.embedded().exif_text("ifd0", 0x010F) == "workflow:" + json.dumps(WORKFLOW)


def test_a_graph_stands_beside_an_infotext_in_jpeg() -> None:
    media, _ = through(png(FAMILIES["comfyui-and-infotext"]), JPEG)
    assert media.embedded().exif_text("exif", 0x9286) == INFOTEXT
    assert media.embedded().exif_text("ifd0", 0x010F) == "Prompt: " + json.dumps(GRAPH)


def test_a_camera_keeps_its_make_and_the_graph_goes_into_xmp() -> None:
    exif = tiff_block(ifd0={0x010F: "Example", 0x0110: "Box 2"})
    content = webp_bytes(PICTURE, exif=exif)
    source, _ = through(open_media(content), PNG)
    with_graph = open_media(
        png_bytes(PICTURE, png_text("prompt", json.dumps(GRAPH)), exif_chunk(source))
    )
    media, _ = through(with_graph, WEBP)
    assert media.embedded().exif_text("ifd0", 0x010F) == "Example"
    assert essence(read_parameters(media)) == essence(read_parameters(with_graph))


def exif_chunk(media: Media) -> bytes:
    return png_chunk("eXIf", media.embedded().exif_block)


@pytest.mark.parametrize(
    ("encoding", "prefix", "order"),
    [
        ("utf-16-le", b"UNICODE\0", "II"),
        ("utf-16-be", b"UNICODE\0", "II"),
        ("utf-8", b"ASCII\0\0\0", "MM"),
    ],
)
def test_a_comment_in_any_encoding_becomes_the_one_that_all_tools_read(
    encoding: str, prefix: bytes, order: str
) -> None:
    comment = user_comment(INFOTEXT, prefix=prefix, encoding=encoding)
    exif = tiff_block(exif={0x9286: comment}, order="II" if order == "II" else "MM")
    media, _ = through(open_media(jpeg_bytes(PICTURE, jpeg_exif(exif))), WEBP)
    field = media.embedded().exif_field("exif", 0x9286)
    assert field is not None
    assert field.value == b"UNICODE\0" + INFOTEXT.encode("utf-16-be")


def test_a_photographers_comment_is_left_as_it_is() -> None:
    comment = user_comment("umbrella at the pier", prefix=b"ASCII\0\0\0", encoding="ascii")
    content = jpeg_bytes(PICTURE, jpeg_exif(tiff_block(exif={0x9286: comment})))
    media, done = through(open_media(content), PNG)
    field = media.embedded().exif_field("exif", 0x9286)
    assert field is not None
    assert field.value == comment
    assert media.embedded().text("parameters") is None
    assert [c.what for c in done.kept] == ["EXIF"]


IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


@pytest.mark.parametrize("target", [JPEG, WEBP, AVIF, PNG])
def test_the_declared_source_type_survives(target: MediaFormat) -> None:
    packet = xmp_packet(
        {"Iptc4xmpExt:DigitalSourceType": "trainedAlgorithmicMedia"},
        namespaces={"Iptc4xmpExt": IPTC},
    )
    source = open_media(jpeg_bytes(PICTURE, jpeg_xmp(packet)))
    media, _ = through(source, target)
    assert packet in media.content
    (finding,) = SourceExaminer().examine(media)
    assert finding.supports is Hypothesis.GENERATED


def test_iptc_stays_in_jpeg_and_its_credit_moves_to_xmp_elsewhere() -> None:
    content = jpeg_bytes(PICTURE, jpeg_iptc([(2, 110, b"Made with Google AI")]))
    media, done = through(open_media(content), JPEG)
    assert media.embedded().iptc_block == open_media(content).embedded().iptc_block
    media, done = through(open_media(content), WEBP)
    (finding,) = SourceExaminer().examine(media)
    assert finding.supports is Hypothesis.GENERATED
    assert [c.what for c in done.dropped] == ["IPTC"]
    assert done.sidecar is not None
    assert bytes.fromhex(done.sidecar["not_held"]["iptc"]).endswith(b"Made with Google AI")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_is_upright_afterwards(orientation: int) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8] = 255
    content = jpeg_bytes(pixels, jpeg_exif(tiff_block(ifd0={0x0112: orientation})), quality=95)
    source = open_media(content)
    media, done = through(source, PNG)
    assert media.header.orientation == 1
    assert np.array_equal(media.rgb(), source.rgb())
    assert [n.code for n in done.notes] == (["orientation-applied"] if orientation > 1 else [])


def test_transparent_pixels_are_put_on_white_for_jpeg_and_kept_elsewhere() -> None:
    pixels = np.dstack([PICTURE, np.zeros((16, 24), np.uint8)])
    source = png({}, pixels=pixels)
    media, done = through(source, JPEG)
    assert media.rgb().min() >= 250
    assert [n.code for n in done.notes] == ["alpha-flattened"]
    media, done = through(source, WEBP)
    assert media.raster().alpha is not None
    assert not done.notes


def test_an_animation_gives_its_first_frame_and_says_so() -> None:
    _, done = through(
        open_media(gif_bytes(photo_like(1, width=24, height=16), frames=3, comment=b"umbrella")),
        PNG,
    )
    assert [n.code for n in done.notes] == ["animation-dropped"]
    assert [(c.what, c.source, c.target) for c in done.moved] == [
        ("Comment", "gif:comment", "png:tEXt:Comment")
    ]


def test_what_follows_the_picture_is_dropped_and_said_so() -> None:
    _, done = through(open_media(jpeg_bytes(PICTURE) + b"umbrella" * 9), PNG)
    assert [n.code for n in done.notes] == ["trailing-data-dropped"]


@pytest.mark.parametrize("target", [JPEG, WEBP, AVIF, PNG])
def test_a_colour_profile_is_kept(target: MediaFormat) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = open_media(encoded_bytes(PICTURE, "JPEG", icc_profile=profile))
    media, done = through(source, target)
    with Image.open(io.BytesIO(media.content)) as image:
        assert image.info["icc_profile"] == profile
    assert "colour profile" in [c.what for c in done.kept]


def test_text_hidden_in_pixels_is_moved_into_the_open() -> None:
    source = open_media(png_bytes(hidden(INFOTEXT)))
    (record,) = read_parameters(source)
    media, done = through(source, JPEG)
    assert done.moved[0].source.startswith("pixels:")
    assert essence(read_parameters(media)) == essence((record,))


def test_text_hidden_in_pixels_stays_there_in_png() -> None:
    source = open_media(png_bytes(hidden(INFOTEXT)))
    media, done = through(source, PNG)
    assert np.array_equal(media.raster().rgb, source.raster().rgb)
    assert not done.notes
    assert not done.moved
    assert read_parameters(media) == read_parameters(source)


def test_hidden_text_that_contradicts_an_open_one_is_not_lost_silently() -> None:
    other = INFOTEXT.replace("Seed: 42", "Seed: 43")
    source = png({"parameters": INFOTEXT}, pixels=hidden(other))
    _, done = through(source, JPEG)
    assert [c.source for c in done.dropped] == ["pixels:alpha-lsb"]
    assert "not-read-back" in [n.code for n in done.notes]
    assert done.sidecar is not None
    assert done.sidecar["not_held"]["pixels:alpha-lsb"] == other


def test_texts_under_one_keyword_are_all_written_down() -> None:
    chunks = [png_text("note", text) for text in ("umbrella", "bicycle", "lighthouse")]
    source = open_media(png_bytes(PICTURE, *chunks))
    _, done = through(source, WEBP)
    assert done.sidecar is not None
    assert sorted(done.sidecar["not_held"].values()) == ["bicycle", "lighthouse"]
    media, done = through(source, PNG)
    assert [t.text for t in media.embedded().texts] == ["umbrella", "bicycle", "lighthouse"]


def hidden(text: str) -> np.ndarray:
    """An opaque picture whose alpha plane carries a text, column by column."""
    payload = text.encode()
    stream = b"stealth_pnginfo" + (len(payload) * 8).to_bytes(4, "big") + payload
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))
    alpha = np.full(64 * 96, 254, np.uint8)
    alpha[: len(bits)] += bits
    plane = alpha.reshape(96, 64).T
    return np.dstack([np.full((64, 96, 3), 90, np.uint8), plane])


def test_a_text_that_no_place_admits_goes_into_the_sidecar() -> None:
    source = png({"odd": "bell \x07 and umbrella", "parameters": INFOTEXT})
    _, done = through(source, WEBP)
    assert [c.what for c in done.dropped] == ["odd"]
    assert done.sidecar is not None
    assert done.sidecar["not_held"]["png:tEXt:odd"] == "bell \x07 and umbrella"
    (record,) = done.sidecar["records"]
    assert (record["tool"], record["seed"], record["raw"]) == ("a1111", 42, INFOTEXT)
    assert done.sidecar["source"]["sha256"] == hashlib.sha256(source.content).hexdigest()
    json.dumps(done.sidecar)


def test_a_file_that_says_nothing_needs_no_sidecar() -> None:
    _, done = through(png({}), JPEG)
    assert done.sidecar is None
    assert (done.kept, done.moved, done.dropped, done.notes) == ((), (), (), ())


def test_a_reference_to_a_manifest_is_not_carried_to_other_bytes() -> None:
    packet = xmp_packet(
        {"dcterms:provenance": "https://manifests.example/1"},
        namespaces={"dcterms": "http://purl.org/dc/terms/"},
    )
    media, done = through(open_media(jpeg_bytes(PICTURE, jpeg_xmp(packet))), PNG)
    assert b"manifests.example" not in media.content
    assert done.sidecar is not None
    assert done.sidecar["not_held"]["xmp:provenance"] == "https://manifests.example/1"


def test_only_four_formats_are_written() -> None:
    with pytest.raises(UnsupportedMedia, match="gif cannot be written"):
        transcode(png({}), MediaFormat.GIF)


def test_a_picture_too_large_for_its_target_is_refused() -> None:
    wide = png({}, pixels=np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(OutputError, match="16383 pixels"):
        transcode(wide, WEBP)


@pytest.mark.shared
def test_records_of_real_files_survive_two_formats(shared: Path) -> None:
    checked = 0
    for path in sorted((shared / "metadata" / "enslo+sd-metadata").iterdir()):
        source = open_media(path)
        before = read_parameters(source)
        if before and len(source.content) < 100_000:
            checked += 1
            media, _ = through(source, JPEG, PNG)
            assert essence(read_parameters(media)) == essence(before), path.name
    assert checked >= 10
