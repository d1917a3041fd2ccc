"""Layouts of published detectors and backbones: what their own code does, written down again."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.plugins.conftest import _node, onnx_model

from lightkeeper.evidence.detectors.plugins import FailureKind, Plugin, PluginFailure
from lightkeeper.evidence.detectors.plugins._features import with_output
from lightkeeper.evidence.detectors.plugins._layouts import LAYOUTS
from lightkeeper.evidence.detectors.plugins._manifest import Input, read_manifest
from lightkeeper.evidence.detectors.plugins._preprocess import batch_of
from lightkeeper.testing import photo_like

Open = Callable[..., Plugin]
Network = Callable[..., bytes]
SHAPES = [(600, 800), (509, 515), (300, 1100), (100, 130), (504, 504), (30, 20)]
IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def declared(layout: str, **more: Any) -> Input:
    return Input(**{**LAYOUTS[layout]["input"], **more})


def planes(picture: np.ndarray, mean: Any = 0.0, std: Any = 1.0) -> np.ndarray:
    return np.asarray(((picture / 255 - mean) / std).transpose(2, 0, 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_b_free_cuts_its_lattice_of_patches_as_its_wrapper_does(shape: tuple[int, int]) -> None:
    # Its wrapper cuts the map of patches: here every patch holds its own number.
    rows, columns = shape[0] // 14, shape[1] // 14
    numbers = np.arange(rows * columns).reshape(rows, columns)
    pixels = np.zeros((*shape, 3), np.uint8)
    coded = np.stack([numbers % 251, numbers // 251, numbers * 0], axis=2).astype(np.uint8)
    pixels[: rows * 14, : columns * 14] = coded.repeat(14, 0).repeat(14, 1)
    batch = batch_of(pixels, declared("b-free", mean=(0.0,) * 3, std=(1.0,) * 3))
    assert batch is not None
    levels = np.rint(batch[:, :, ::14, ::14] * 255).astype(int)
    ours = levels[:, 0] + 251 * levels[:, 1]
    wrapped = np.tile(numbers, (max(1, -(-36 // rows)), max(1, -(-36 // columns))))
    wrapped = wrapped[: max(36, rows), : max(36, columns)]
    top, left = ((side - 36) // 2 for side in wrapped.shape)
    expected = [
        wrapped[top : top + 36, left : left + 36], wrapped[:36, :36], wrapped[:36, -36:],
        wrapped[-36:, :36], wrapped[-36:, -36:],
    ]  # fmt: skip
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_spai_sees_all_squares_or_five_of_them(shape: tuple[int, int]) -> None:
    picture = photo_like(4, width=shape[1], height=shape[0])
    batch = batch_of(picture, declared("spai"))
    assert batch is not None
    lacks = [max(0, 224 - side) for side in shape]
    padded = np.pad(
        picture, ((lacks[0] // 2, lacks[0] - lacks[0] // 2),
                  (lacks[1] // 2, lacks[1] - lacks[1] // 2), (0, 0)), mode="reflect",
    )  # fmt: skip
    high, wide = (side // 224 for side in padded.shape[:2])
    if high * wide >= 4:
        assert len(batch) == high * wide
        last = padded[(high - 1) * 224 : high * 224, (wide - 1) * 224 : wide * 224]
        assert np.allclose(batch[-1], planes(last), atol=1e-6)
    else:
        assert len(batch) == 5
        corners = [padded[y, x] for y in (slice(224), slice(-224, None))
                   for x in (slice(224), slice(-224, None))]  # fmt: skip
        for crop, corner in zip(batch[1:], corners, strict=True):
            assert np.allclose(crop, planes(corner), atol=1e-6)


def test_a_picture_of_more_squares_than_declared_gets_no_score() -> None:
    picture = photo_like(4, width=900, height=900)
    assert batch_of(picture, declared("spai", crops=15)) is None
    assert batch_of(picture, declared("spai", crops=16)) is not None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("layout", "shorter", "side"), [("community-forensics", 440, 384), ("co-spy", 384, 384)]
)
def test_the_shorter_side_is_brought_to_size_and_the_middle_taken(
    layout: str, shorter: int, side: int, shape: tuple[int, int]
) -> None:
    picture = photo_like(4, width=shape[1], height=shape[0])
    batch = batch_of(picture, declared(layout))
    short, long = sorted(shape)
    sizes = {short: shorter, long: int(shorter * long / short)}
    scaled = np.asarray(
        Image.fromarray(picture).resize(
            (sizes[shape[1]], sizes[shape[0]]), Image.Resampling.BILINEAR
        )
    )
    top, left = ((length - side) // 2 for length in scaled.shape[:2])
    middle = scaled[top : top + side, left : left + side]
    mean, std = IMAGENET if layout == "community-forensics" else (0.0, 1.0)
    assert batch is not None
    assert np.allclose(batch[0], planes(middle, mean, std), atol=1e-5)


def test_drct_pads_with_black_and_reads_the_column_of_photographs(
    opened: Open, convolutional: Network
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = convolutional(2, side=224)
    picture = photo_like(4, width=100, height=301)
    padded = np.pad(picture[38:262], ((0, 0), (62, 62), (0, 0)))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    batch = planes(padded, *IMAGENET)[None].astype(np.float32)
    logits = session.run(None, {"pixels": batch})[0][0]
    expected = 1 - 1 / (1 + np.exp(logits[1] - logits[0]))
    assert opened({"n.onnx": model}, layout="drct").score(picture) == pytest.approx(
        float(expected), abs=1e-4
    )


def encoder() -> bytes:
    """A square of 224 to one row of eight numbers."""
    weights = {"w": np.random.default_rng(1).normal(size=(8, 3, 16, 16)).astype(np.float32)}
    nodes = [
        _node("Conv", ["pixels", "w"], "c", kernel_shape=(16, 16), strides=(16, 16)),
        _node("GlobalAveragePool", ["c"], "p"),
        _node("Flatten", ["p"], "out"),
    ]
    return onnx_model(nodes, weights, ("n", 3, 224, 224))


def aggregator() -> bytes:
    """Rows of a picture, (1, rows, 8), to one logit: their largest, weighed."""
    weights = {"g": np.arange(1, 9, dtype=np.float32)[:, None], "s": np.array([1, 1], np.int64)}
    nodes = [
        _node("ReduceMax", ["pixels"], "m", axes=(1,), keepdims=0),
        _node("MatMul", ["m", "g"], "l"),
        _node("Reshape", ["l", "s"], "out"),
    ]
    return onnx_model(nodes, weights, (1, "rows", 8))


def test_spais_encoder_and_aggregator_are_one_detector(opened: Open) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    files = {"encoder.onnx": encoder(), "aggregator.onnx": aggregator()}
    picture = photo_like(4, width=500, height=480)
    squares = [picture[y : y + 224, x : x + 224] for y in (0, 224) for x in (0, 224)]
    session = onnxruntime.InferenceSession(encoder(), providers=["CPUExecutionProvider"])
    batch = np.stack([planes(square) for square in squares]).astype(np.float32)
    rows = session.run(None, {"pixels": batch})[0]
    expected = float(rows.max(axis=0) @ np.arange(1, 9))
    plugin = opened(files, layout="spai", head="aggregator.onnx")
    assert plugin.score(picture) == pytest.approx(expected, rel=1e-4)


def head(width: int, seed: int = 2) -> tuple[bytes, np.ndarray]:
    weight = np.random.default_rng(seed).normal(size=(1, width))
    archive = io.BytesIO()
    np.savez(archive, weight=weight, bias=np.array([0.25]))
    return archive.getvalue(), weight[0]


def tokens_model(width: int) -> bytes:
    """A backbone whose tokens lie inside it, behind an output that is something else."""
    weights = {
        "w": np.random.default_rng(1).normal(size=(width, 3, 32, 32)).astype(np.float32) / 30,
        "shape": np.array([0, width, -1], np.int64),
    }
    nodes = [
        _node("Conv", ["pixels", "w"], "c", kernel_shape=(32, 32), strides=(32, 32)),
        _node("Reshape", ["c", "shape"], "f"),
        _node("Transpose", ["f"], "/encoder/layernorm", perm=(0, 2, 1)),
        _node("GlobalAveragePool", ["c"], "p"),
        _node("Flatten", ["p"], "out"),
    ]
    return onnx_model(nodes, weights, ("n", 3, 224, 224))


@pytest.mark.parametrize(
    ("layout", "pool", "prefix"),
    [("dinov2", "cls+mean", 1), ("dinov3", "cls+mean", 5), ("siglip2", "mean", 0)],
)
def test_a_backbone_and_a_head_are_a_detector(
    opened: Open, layout: str, pool: str, prefix: int
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    content, weight = head(12 if pool == "cls+mean" else 6)
    plugin = opened(
        {"b.onnx": tokens_model(6), "head.npz": content},
        '[features]\noutput = "/encoder/layernorm"',
        layout=layout, head="head.npz",
    )  # fmt: skip
    assert (plugin.manifest.features.pool, plugin.manifest.features.prefix) == (pool, prefix)
    picture = photo_like(4, width=320, height=290)
    batch = batch_of(picture, plugin.manifest.input)
    session = onnxruntime.InferenceSession(
        with_output(tokens_model(6), "/encoder/layernorm"), providers=["CPUExecutionProvider"]
    )
    tokens = session.run(["/encoder/layernorm"], {"pixels": batch})[0][0].astype(float)
    parts = ([tokens[0]] if "cls" in pool else []) + [tokens[prefix:].mean(axis=0)]
    expected = float(np.concatenate(parts) @ weight) + 0.25
    assert plugin.score(picture) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[features]\noutput = "nowhere"', "no tensor nowhere"),
        ('[features]\noutput = "/encoder/layernorm"\npool = "none"', "ValueError"),
        ("", "ValueError"),
    ],
)
def test_features_that_do_not_fit_are_an_error_and_no_score(
    opened: Open, more: str, words: str
) -> None:
    pytest.importorskip("onnxruntime")
    files = {"b.onnx": tokens_model(6), "head.npz": head(12)[0]}
    with pytest.raises(PluginFailure, match=words):
        opened(files, more, layout="dinov2", head="head.npz").score(
            photo_like(4, width=320, height=290)
        )


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(40)])
def test_a_head_that_is_no_archive_is_refused(opened: Open, content: bytes) -> None:
    pytest.importorskip("onnxruntime")
    files = {"b.onnx": tokens_model(6), "head.npz": content}
    with pytest.raises(PluginFailure, match="no archive") as caught:
        opened(files, layout="siglip2", head="head.npz").score(photo_like(4, width=320, height=290))
    assert caught.value.kind is FailureKind.REFUSED


def test_a_softmax_over_one_column_is_an_error_not_a_certainty(
    opened: Open, convolutional: Network
) -> None:
    pytest.importorskip("onnxruntime")
    more = "[input]\nside = 64\n[score]\nsoftmax = true"
    with pytest.raises(PluginFailure, match="ValueError"):
        opened({"n.onnx": convolutional(1, side=64)}, more).score(photo_like(4))


def test_fingerprints_of_earlier_manifests_are_what_they_were(write: Callable[..., Path]) -> None:
    # Cards name the fingerprint: one that moved would take the weight from every detector.
    path = write({"a.onnx": b"x"}, "[input]\nside = 96", layout="npr")
    assert read_manifest(path).fingerprint == FINGERPRINT


FINGERPRINT = "ecac65bf9eadc20a46216a057b13440c0e71e2ffcf62d7dc755bb37e620fca3b"


def folder_of(model: Any, folder: Path, processor: dict[str, Any]) -> dict[str, bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
    return {
        "m/model.safetensors": (folder / "model.safetensors").read_bytes(),
        "m/config.json": (folder / "config.json").read_bytes(),
        "m/preprocessor_config.json": json.dumps(processor).encode(),
    }


SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "image_size": 56, "patch_size": 14,
}  # fmt: skip
BIT = {
    "image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 64},
    "crop_size": {"height": 56, "width": 56}, "resample": 3,
    "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["dinov2", "siglip", "vit"])
def test_a_folder_of_transformers_is_run_as_transformers_runs_it(
    opened: Open, tmp_path: Path, kind: str
) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    picture = photo_like(4, width=120, height=90)
    if kind == "vit":
        config = transformers.ViTConfig(**SMALL, num_labels=2, id2label={0: "photo", 1: "made"})
        model = transformers.ViTForImageClassification(config).eval()
    elif kind == "siglip":
        config = transformers.SiglipVisionConfig(**SMALL)
        model = transformers.SiglipVisionModel(config).eval()
    else:
        config = transformers.Dinov2Config(**SMALL)
        model = transformers.Dinov2Model(config).eval()
    files = folder_of(model, tmp_path / "made", BIT)
    pixels = transformers.BitImageProcessorPil(**{
        k: v for k, v in BIT.items() if k != "image_processor_type"
    })(picture, return_tensors="pt", input_data_format="channels_last")["pixel_values"]  # fmt: skip
    with torch.no_grad():
        output = model(pixel_values=pixels)
    tables = '[input]\nresize = "processor"\n[limits]\nseconds = 300\n'
    if kind == "vit":
        expected = float(torch.softmax(output.logits, -1)[0, 1])
        plugin = opened(files, tables + '[score]\nlabel = "made"', backend="transformers",
                        layout="hugging-face")  # fmt: skip
    else:
        pool = "cls+mean" if kind == "dinov2" else "mean"
        content, weight = head(32 if kind == "dinov2" else 16)
        tokens = output.last_hidden_state[0].numpy().astype(float)
        parts = [tokens[0], tokens[1:].mean(0)] if kind == "dinov2" else [tokens.mean(0)]
        expected = float(np.concatenate(parts) @ weight) + 0.25
        score = '[score]\nmeaning = "logit"\nsoftmax = false\n'
        prefix = 1 if kind == "dinov2" else 0
        features = f'[features]\npool = "{pool}"\nprefix = {prefix}\n'
        plugin = opened(
            files | {"m/head.npz": content}, tables + score + features, backend="transformers",
            layout="hugging-face", head="m/head.npz",
        )  # fmt: skip
    assert plugin.score(picture) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("layout", ["community-forensics", "b-free"])
def test_published_vits_load_from_their_own_names_of_weights(
    opened: Open, tmp_path: Path, layout: str
) -> None:
    torch = pytest.importorskip("torch")
    timm = pytest.importorskip("timm", exc_type=ImportError)
    from safetensors.torch import save

    torch.manual_seed(0)
    if layout == "community-forensics":
        name, side, prefix = "vit_tiny_patch16_224", 384, "vit."
    else:
        name, side, prefix = "vit_tiny_patch16_224", 96, ""
    model = timm.create_model(name, pretrained=False, num_classes=1, img_size=side).eval()
    weights = {prefix + key: value.contiguous() for key, value in model.state_dict().items()}
    more = f"[limits]\nseconds = 300\n[input]\nside = {side}"
    if layout == "b-free":
        more += "\nalign = 16"
    plugin = opened(
        {"w.safetensors": save(weights)}, more, layout=layout, backend="timm", architecture=name
    )
    picture = photo_like(4, width=300, height=260)
    batch = batch_of(picture, plugin.manifest.input)
    with torch.no_grad():
        expected = float(model(torch.from_numpy(batch)).mean())
    assert plugin.score(picture) == pytest.approx(expected, rel=1e-3, abs=1e-5)
