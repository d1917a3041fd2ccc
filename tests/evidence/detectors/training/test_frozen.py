"""A regression on a backbone's features; no torch anywhere."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.plugins.conftest import _node, onnx_model

from lightkeeper.errors import InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors.evaluation import read_samples
from lightkeeper.evidence.detectors.plugins import Plugin
from lightkeeper.evidence.detectors.plugins._features import Features, pooled, tensors, with_output
from lightkeeper.evidence.detectors.reconstruction import CallableAutoencoder
from lightkeeper.evidence.detectors.training import Backbone, _drawings, train_on_features

onnxruntime = pytest.importorskip("onnxruntime")
SIDE, WIDTH = 48, 12


def backbone_model() -> bytes:
    """Patches of 8 pixels through random weights to tokens; its output is a map, not features."""
    rng = np.random.default_rng(5)
    weights = {
        "w": rng.normal(size=(WIDTH, 3, 8, 8)).astype(np.float32) / 8,
        "shape": np.array([0, WIDTH, -1], np.int64),
        "one": np.array([1.0], np.float32),
    }
    nodes = [
        _node("Conv", ["pixels", "w"], "patches", kernel_shape=(8, 8), strides=(8, 8)),
        _node("Abs", ["patches"], "energy"),
        _node("Reshape", ["energy", "shape"], "flat"),
        _node("Transpose", ["flat"], "final_norm", perm=(0, 2, 1)),
        _node("GlobalAveragePool", ["patches"], "pool"),
        _node("Flatten", ["pool"], "out"),
    ]
    return onnx_model(nodes, weights, ("n", 3, SIDE, SIDE))


def smoothing(name: str, amount: float) -> CallableAutoencoder:
    """A stand-in for a decoder: it loses some of what neighbours differ by."""

    def through(batch: np.ndarray) -> np.ndarray:
        around = (np.roll(batch, 1, 3) + np.roll(batch, -1, 3) + np.roll(batch, 1, 2)) / 3
        return np.asarray((1 - amount) * batch + amount * around, np.float32)

    return CallableAutoencoder(name, through, (name * 64)[:64])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    rng = np.random.default_rng(7)
    for source in ("first", "second", "third"):
        (folder / source).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(rng.integers(0, 256, (128, 144, 3), np.uint8)).save(
                folder / source / f"{number}.png"
            )
    return folder


@pytest.fixture
def backbone(tmp_path: Path) -> Backbone:
    path = tmp_path / "net.onnx"
    path.write_bytes(backbone_model())
    return Backbone(path, output="final_norm")


@pytest.fixture(autouse=True)
def _few_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_drawings, "_CALIBRATING", 9)


def test_an_inner_tensor_is_read_and_the_file_stays_what_it_was() -> None:
    model = backbone_model()
    assert tensors(model) == ["patches", "energy", "flat", "final_norm", "pool", "out"]
    widened = with_output(model, "final_norm")
    assert widened.startswith(model)
    session = onnxruntime.InferenceSession(widened, providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(0).random((2, 3, SIDE, SIDE), np.float32)
    inner, last = session.run(["final_norm", "out"], {"pixels": batch})
    assert inner.shape == (2, (SIDE // 8) ** 2, WIDTH)
    plain = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert np.array_equal(last, plain.run(None, {"pixels": batch})[0])


@pytest.mark.parametrize("content", [b"", b"no model", b"\xff" * 40, b"\x3a\x05ab", b"\x38\x01"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidConfiguration, match="no ONNX model"):
        tensors(content)


def test_a_tensor_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidConfiguration, match="no tensor cls") as caught:
        with_output(backbone_model(), "cls")
    assert "final_norm" in str(caught.value.hint)


def test_tokens_become_one_row() -> None:
    tokens = np.arange(2 * 5 * 3, dtype=float).reshape(2, 5, 3)
    both = pooled(tokens, Features(pool="cls+mean", prefix=2))
    assert np.array_equal(both, np.hstack([tokens[:, 0], tokens[:, 2:].mean(1)]))
    assert np.array_equal(pooled(tokens[:, 0], Features()), tokens[:, 0])
    for features, rows in (
        (Features(), tokens),
        (Features(pool="mean"), tokens[0]),
        (Features(pool="mean", prefix=5), tokens),
        (Features(pool="cls", prefix=0), tokens),
    ):
        with pytest.raises(ValueError, match=r"shape|class token"):
            pooled(rows, features)


def test_a_run_leaves_a_plug_in_that_scores_as_it_was_fitted(
    images: Path, backbone: Backbone, tmp_path: Path
) -> None:
    decoders = [smoothing("a", 0.5), smoothing("b", 0.35)]
    out = tmp_path / "out"
    trained = train_on_features(backbone, decoders, images, out, draws=1, drawings=4, licence="MIT")
    manifest = tomllib.loads(trained.manifest.read_text())
    assert manifest["training"] == {"sources": ["second", "third"]}
    assert manifest["features"] == {"output": "final_norm", "pool": "cls+mean", "prefix": 1}
    assert manifest["licence"] == "MIT"
    held = read_samples(trained.held_out)
    # Each held-out photograph once, beside its round trip through one of the two.
    assert [s.source for s in held] == ["first"] * 8
    assert {s.generator for s in held if s.generator} == {"a", "b"}
    report = json.loads((out / "training.json").read_text())
    assert [left["autoencoder"] for left in report["left_out"]] == ["a", "b"]
    assert [left.pairs for left in trained.left_out] == [2, 2]
    scores: dict[bool, list[float]] = {True: [], False: []}
    with np.load(out / "head.npz") as head, Plugin(trained.manifest) as plugin:
        for sample in held:
            pixels = np.asarray(Image.open(sample.path))
            score = plugin.score(pixels)
            row = backbone.row(pixels)
            assert score is not None
            assert row is not None
            assert score == pytest.approx(
                float(row @ head["weight"][0] + head["bias"][0]), rel=1e-4
            )
            scores[sample.generator is not None].append(score)
    # Both halves of a pair stand in the same place.
    assert all(made > real for made, real in zip(scores[True], scores[False], strict=True))


def test_an_unseen_autoencoder_is_for_the_card_alone(
    images: Path, backbone: Backbone, tmp_path: Path
) -> None:
    trained = train_on_features(
        backbone, [smoothing("a", 0.5)], images, tmp_path / "out",
        unseen=[smoothing("c", 0.4)], draws=1, drawings=2,
    )  # fmt: skip
    manifest = tomllib.loads(trained.manifest.read_text())
    assert manifest["training"]["generators"] == ["a"]
    assert {s.generator for s in read_samples(trained.held_out)} == {None, "c"}
    assert trained.left_out == ()


def test_an_interrupted_run_goes_on_and_another_one_is_refused(
    images: Path, backbone: Backbone, tmp_path: Path
) -> None:
    out, decoders = tmp_path / "out", [smoothing("a", 0.5)]
    train_on_features(backbone, decoders, images, out, draws=1, drawings=2)
    first = (out / "head.npz").read_bytes()
    with pytest.raises(OutputError, match="already holds a run"):
        train_on_features(backbone, decoders, images, out, draws=1, drawings=2)
    train_on_features(backbone, decoders, images, out, draws=1, drawings=2, resume=True)
    assert (out / "head.npz").read_bytes() == first
    with pytest.raises(InvalidConfiguration, match="another recipe"):
        train_on_features(backbone, decoders, images, out, draws=2, drawings=2, resume=True)
    (out / "setup.json").write_text("[1]")
    with pytest.raises(InvalidConfiguration, match="not what a run has left"):
        train_on_features(backbone, decoders, images, out, draws=1, drawings=2, resume=True)


def test_an_autoencoder_stands_on_one_side_only(
    images: Path, backbone: Backbone, tmp_path: Path
) -> None:
    same = smoothing("a", 0.5)
    for fitted, unseen, words in (
        ([same, same], [], "named twice"),
        ([same], [same], "named twice"),
        ([], [same], "no autoencoder"),
        ([same], [CallableAutoencoder("a", same.function, "b" * 64)], "one name"),
    ):
        with pytest.raises(InvalidConfiguration, match=words):
            train_on_features(backbone, fitted, images, tmp_path / "out", unseen=unseen)
    assert not (tmp_path / "out").exists()


def test_a_backbone_that_does_not_fit_says_what_to_name(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(InvalidConfiguration, match="cannot read"):
        Backbone(path)
    path.write_bytes(b"no model")
    with pytest.raises(InvalidConfiguration, match="cannot read the model"):
        Backbone(path)
    with pytest.raises(InvalidConfiguration, match="no ONNX model"):
        Backbone(path, output="x")
    path.write_bytes(backbone_model())
    with pytest.raises(InvalidConfiguration, match="shape") as caught:
        Backbone(path)
    assert "final_norm" in str(caught.value.hint)
    with pytest.raises(InvalidConfiguration, match="no backbone resnet"):
        Backbone(path, layout="resnet")


def test_photographs_that_are_smaller_than_a_crop_are_named(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch, backbone: Backbone
) -> None:
    monkeypatch.setattr(Backbone, "row", lambda self, rgb: None)
    with pytest.raises(InvalidConfiguration, match="large enough"):
        train_on_features(
            backbone, [smoothing("a", 0.5)], images, tmp_path / "out", draws=1, drawings=2
        )
