"""Processors of Hugging Face folders, against transformers' own where it is installed."""

from __future__ import annotations

import contextlib
import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.detectors.plugins import FailureKind, PluginFailure
from lightkeeper.evidence.detectors.plugins._processor import Processor, column_of
from lightkeeper.testing import photo_like

SHAPES = [(64, 64), (65, 97), (224, 224), (225, 400), (300, 211), (47, 300), (256, 257), (601, 448)]
CLIP = {"image_mean": [0.481, 0.457, 0.408], "image_std": [0.268, 0.261, 0.275]}
FOLDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "clip": ("CLIP", {}),
    "clip, old file": ("CLIP", {"size": 96, "crop_size": 96, "resample": 3}),
    "clip without its crop": ("CLIP", {"do_center_crop": False, "size": {"shortest_edge": 80}}),
    "clip, stretched": ("CLIP", {"size": {"height": 96, "width": 120}, "do_center_crop": False}),
    "clip, a crop larger than the edge": (
        "CLIP",
        {"size": {"shortest_edge": 80}, "crop_size": {"height": 101, "width": 96}},
    ),
    "siglip": ("Siglip", {"size": {"height": 96, "width": 96}, "resample": 2}),
    "siglip, one number": ("Siglip", {"size": 96}),
    "vit": ("ViT", {"size": {"height": 96, "width": 96}}),
    "vit, old file": ("ViT", {"size": 96, "resample": 0}),
    "vit, lanczos": ("ViT", {"size": 96, "resample": 1}),
    "vit without normalising": ("ViT", {"size": 96, "do_normalize": False}),
    "vit without rescaling": (
        "ViT",
        {"size": 96, "do_rescale": False, "image_mean": [100, 110, 120], "image_std": [50, 60, 70]},
    ),
    "vit, from -1 to 1": ("ViT", {"size": 96, "rescale_factor": 1 / 127.5, "image_mean": 1.0}),
    "deit": ("DeiT", {"size": {"height": 110, "width": 100}, "crop_size": 96}),
    "dinov2": ("Bit", {"size": {"shortest_edge": 110}, "crop_size": {"height": 96, "width": 96}}),
    "beit": ("Beit", {"size": 96, "do_center_crop": True, "crop_size": 80}),
    "convnext": ("ConvNext", {"size": {"shortest_edge": 96}, "crop_pct": 0.875}),
    "convnext, warped": ("ConvNext", {"size": {"shortest_edge": 384}}),
    "no resize": ("CLIP", {"do_resize": False, "crop_size": 200, **CLIP}),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_picture_is_prepared_as_transformers_prepares_it(name: str) -> None:
    transformers = pytest.importorskip("transformers")
    kind, written = FOLDERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(transformers, f"{kind}ImageProcessorPil")(**written)
        # The file as that version writes it, and as it was found: both must be read alike.
        files = [written | {"image_processor_type": f"{kind}ImageProcessor"}, theirs.to_dict()]
        for file in files:
            ours = Processor(json.dumps(file, default=str).encode())
            for number, (height, width) in enumerate(SHAPES):
                picture = photo_like(number, width=width, height=height)
                expected = theirs(picture, return_tensors="np", input_data_format="channels_last")
                batch = ours.batch(picture, small=True)
                assert batch is not None
                assert batch.shape == expected["pixel_values"].shape
                assert np.abs(batch - expected["pixel_values"]).max() < 1e-4


def test_dinov3_resizes_numbers_and_not_grey_levels() -> None:
    torch = pytest.importorskip("torch")
    file = {
        "image_processor_type": "DINOv3ViTImageProcessorFast",
        "size": {"height": 96, "width": 80},
    }
    processor = Processor(json.dumps(file).encode())
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for height, width in SHAPES:
        picture = photo_like(1, width=width, height=height)
        floats = torch.from_numpy(picture.transpose(2, 0, 1)[None].copy()).float() / 255
        resized = torch.nn.functional.interpolate(
            floats, (96, 80), mode="bilinear", antialias=True, align_corners=False
        )
        expected = (resized.numpy() - mean[:, None, None]) / std[:, None, None]
        batch = processor.batch(picture, small=True)
        assert batch is not None
        assert np.abs(batch - expected).max() < 1e-4


def test_a_picture_that_is_not_resized_is_not_padded_in_silence_either() -> None:
    file = {"image_processor_type": "CLIPImageProcessor", "do_resize": False}
    processor = Processor(json.dumps(file).encode())
    small = photo_like(1, width=300, height=200)
    assert not processor.resizes
    assert processor.batch(small, small=False) is None
    padded = processor.batch(small, small=True)
    assert padded is not None
    assert padded.shape == (1, 3, 224, 224)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not readable"),
        (b"[1, 2]", "not readable"),
        (b'{"size": ' + b"[" * 50_000, "not readable"),
        (b" " * (1 << 20) + b"{}", "more than any such file"),
        (b'{"image_processor_type": "EvilProcessor"}', "no processor Evil"),
        (b'{"image_processor_type": "ViTImageProcessor", "size": 1000000000}', "not readable"),
        (b'{"image_processor_type": "ViTImageProcessor", "size": -5}', "not readable"),
        (b'{"image_processor_type": "ViTImageProcessor", "size": "large"}', "not readable"),
        (b'{"image_processor_type": "ViTImageProcessor", "resample": 9}', "not readable"),
        (b'{"image_processor_type": "ViTImageProcessor", "image_std": [0, 1, 1]}', "positive"),
        (b'{"image_processor_type": "ViTImageProcessor", "image_std": [1, 1]}', "not readable"),
        (b'{"image_processor_type": "ViTImageProcessor", "do_pad": true}', "do_pad"),
        (b'{"image_processor_type": "ViTImageProcessor", "do_center_crop": true}', "crop_size"),
        (b'{"image_processor_type": "ViTImageProcessor", "size": {"width": 9}}', "height and"),
        (b'{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 9, '
         b'"longest_edge": 20}}', "longest_edge"),
        (b'{"image_processor_type": "ConvNextImageProcessor", "size": {"height": 9, "width": 9}}',
         "shortest_edge"),
        (b'{"size": 224}', "names no class"),
        (b'{"image_mean": [1, 1, 1], "image_std": [1, 1, 1]}', "names no class"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_carried_out_is_refused(text: bytes, words: str) -> None:
    with pytest.raises(PluginFailure, match=words) as caught:
        Processor(text)
    assert caught.value.kind is FailureKind.REFUSED


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
        ["size", "crop_size", "height", "shortest_edge", "image_mean", "do_resize", "resample",
         "image_processor_type", "id2label", "num_labels"]), inner),
))  # fmt: skip
def test_any_json_is_a_processor_or_refused(value: Any) -> None:
    content = json.dumps(value).encode()
    for read in (Processor, lambda text: column_of(text, "a", 0)):
        with contextlib.suppress(PluginFailure):
            read(content)


@pytest.mark.parametrize(
    ("config", "label", "output", "column"),
    [
        ({"id2label": {"0": "real", "1": "made"}}, "made", 0, 1),
        ({}, "LABEL_1", 0, 1),
        ({"num_labels": 4}, "LABEL_3", 0, 3),
        # Without names, and only then, a column may be given by its number.
        ({"model_size": "small", "input_size": 384}, "", 0, 0),
        ({}, "", 1, 1),
    ],
)
def test_a_column_is_found_by_its_name(
    config: dict[str, Any], label: str, output: int, column: int
) -> None:
    assert column_of(json.dumps(config).encode(), label, output) == column


@pytest.mark.parametrize(
    ("config", "label"),
    [
        ({"id2label": {"0": "real", "1": "made"}}, ""),
        ({"id2label": {"0": "real", "1": "real"}}, "real"),
        ({"id2label": {"x": "real"}}, "real"),
        ({}, "LABEL_2"),
        ({"id2label": {}}, "cat"),
    ],
)
def test_a_column_that_is_not_named_is_refused(config: dict[str, Any], label: str) -> None:
    with pytest.raises(PluginFailure, match=r"score\.label"):
        column_of(json.dumps(config).encode(), label, 0)
