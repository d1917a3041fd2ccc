"""The layouts of detectors that others publish, with small random weights of their shapes."""

from __future__ import annotations

import importlib.util
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.detectors.plugins import FailureKind, Plugin, PluginFailure
from lightkeeper.evidence.detectors.plugins._manifest import Input, Score
from lightkeeper.evidence.detectors.plugins._preprocess import batch_of, score_of
from lightkeeper.evidence.detectors.reconstruction import OnnxAutoencoder
from lightkeeper.testing import photo_like

PICTURE = photo_like(3, width=300, height=280)
Open = Callable[..., Plugin]
Network = Callable[..., bytes]


def run_here(model: bytes, batch: np.ndarray) -> np.ndarray:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"pixels": batch})[0])


def normalised(rgb: np.ndarray, mean: list[float], std: list[float]) -> np.ndarray:
    scaled = (rgb / 255 - np.array(mean)) / np.array(std)
    return scaled.transpose(2, 0, 1)[None].astype(np.float32)


IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CLIP = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def test_universal_fake_detect_is_features_and_a_linear_head(
    opened: Open, convolutional: Network
) -> None:
    weight = np.random.default_rng(1).normal(size=(1, 768))
    archive = io.BytesIO()
    np.savez(archive, weight=weight, bias=np.array([0.5]))
    model = convolutional(768, side=224)
    plugin = opened(
        {"clip.onnx": model, "fc.npz": archive.getvalue()},
        layout="universal-fake-detect",
        head="fc.npz",
    )
    features = run_here(model, normalised(PICTURE[28:252, 38:262], *CLIP))
    assert plugin.score(PICTURE) == pytest.approx(float(features[0] @ weight[0]) + 0.5, rel=1e-4)
    # No picture is enlarged to fit.
    assert plugin.score(PICTURE[:200]) is None


def test_npr_looks_at_what_a_doubling_leaves(opened: Open, convolutional: Network) -> None:
    plugin = opened({"npr.onnx": convolutional(1, residual=True)}, layout="npr")
    small = photo_like(5, width=128, height=128)
    doubled = small.repeat(2, axis=0).repeat(2, axis=1)
    # Nothing is left of a doubled picture, so the last layer's bias is the score.
    assert plugin.score(doubled) == pytest.approx(1.0)
    assert plugin.score(PICTURE) != pytest.approx(1.0)


@pytest.mark.parametrize("layout", ["corvi", "cnndetection"])
def test_whole_picture_detectors_see_it_at_its_own_size(
    opened: Open, convolutional: Network, layout: str
) -> None:
    model = convolutional(1)
    plugin = opened({"net.onnx": model}, layout=layout)
    expected = run_here(model, normalised(PICTURE, *IMAGENET))
    assert plugin.score(PICTURE) == pytest.approx(float(expected[0, 0]), rel=1e-4)


def test_timm_models_run_from_their_onnx_export(opened: Open, convolutional: Network) -> None:
    more = '[input]\nside = 64\n[score]\noutput = 1\nsoftmax = true\nmeaning = "probability"'
    plugin = opened({"net.onnx": convolutional(2, side=64)}, more, layout="timm")
    score = plugin.score(PICTURE)
    assert score is not None
    assert 0 < score < 1


def hugging_face(resizes: bool) -> dict[str, bytes]:
    return {
        "vit/config.json": json.dumps({"id2label": {"0": "human", "1": "artificial"}}).encode(),
        "vit/preprocessor_config.json": json.dumps(
            {
                "size": {"height": 96, "width": 96},
                "image_mean": [0.5] * 3,
                "image_std": [0.5] * 3,
                "do_resize": resizes,
            }
        ).encode(),
    }


def test_a_hugging_face_folder_says_how_it_is_read(opened: Open, convolutional: Network) -> None:
    model = convolutional(2, side=96)
    files = {"vit/model.onnx": model, **hugging_face(False)}
    plugin = opened(files, '[score]\nlabel = "artificial"', layout="hugging-face")
    logits = run_here(model, normalised(PICTURE[92:188, 102:198], [0.5] * 3, [0.5] * 3))[0]
    expected = float(1 / (1 + np.exp(logits[0] - logits[1])))
    assert plugin.score(PICTURE) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("more", "resizes", "words"),
    [
        ('[score]\nlabel = "artificial"', True, "resizes every picture"),
        ('[score]\nlabel = "cat"', False, "must be one of artificial, human"),
    ],
)
def test_a_folder_that_does_not_fit_its_manifest_is_refused(
    opened: Open, convolutional: Network, more: str, resizes: bool, words: str
) -> None:
    files = {"vit/model.onnx": convolutional(2, side=96), **hugging_face(resizes)}
    with pytest.raises(PluginFailure, match=words) as caught:
        opened(files, more, layout="hugging-face").score(PICTURE)
    assert caught.value.kind is FailureKind.REFUSED


def test_a_declared_resize_is_carried_out(opened: Open, convolutional: Network) -> None:
    files = {"vit/model.onnx": convolutional(2, side=96), **hugging_face(True)}
    more = '[input]\nresize = "stretch"\n[score]\nlabel = "human"\nhigher = "captured"'
    score = opened(files, more, layout="hugging-face").score(PICTURE)
    assert score is not None
    assert 0 < score < 1


def test_boxes_give_the_best_score_of_the_classes_that_count(
    opened: Open, boxes: Callable[[int], bytes]
) -> None:
    plugin = opened({"net.onnx": boxes(18)}, "[score]\nclasses = [2, 5]", layout="nudenet")
    score = plugin.score(PICTURE)
    assert score is not None
    assert 0 < score < 1


def test_onnx_that_is_no_model_is_refused(opened: Open) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(PluginFailure, match="cannot read the model") as caught:
        opened({"net.onnx": b"no model"}).score(PICTURE)
    assert caught.value.kind is FailureKind.REFUSED


@pytest.mark.parametrize("place", ["w.bin", "beside/w.bin"])
def test_weights_outside_a_model_are_pinned_by_nothing_and_not_loaded(
    opened: Open,
    weights_outside: Callable[[str], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = weights_outside(place)
    for folder in (tmp_path, tmp_path / "beside"):
        folder.mkdir(exist_ok=True)
        (folder / "w.bin").write_bytes(np.ones((3, 224, 224), np.float32).tobytes())
    # ONNX Runtime by itself does load them, from wherever the process happens to work.
    monkeypatch.chdir(tmp_path)
    assert onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with pytest.raises(PluginFailure, match="cannot read the model") as caught:
        opened({"net.onnx": model}).score(PICTURE)
    assert caught.value.kind is FailureKind.REFUSED


def test_an_autoencoder_does_not_load_weights_that_its_fingerprint_lacks(
    weights_outside: Callable[[str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    network = tmp_path / "net.onnx"
    network.write_bytes(weights_outside("w.bin"))
    (tmp_path / "w.bin").write_bytes(np.ones((3, 224, 224), np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    autoencoder = OnnxAutoencoder("a", network, network, "MIT")
    with pytest.raises(EvidenceError, match="cannot be loaded"):
        autoencoder.reconstruct(np.zeros((1, 3, 224, 224), np.float32))


def test_an_autoencoder_whose_files_change_is_not_run(
    convolutional: Network, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    network = tmp_path / "net.onnx"
    network.write_bytes(convolutional(1, side=64))
    autoencoder = OnnxAutoencoder("a", network, network, "MIT")
    network.write_bytes(convolutional(2, side=64))
    with pytest.raises(EvidenceError, match="have changed"):
        autoencoder.reconstruct(np.zeros((1, 3, 64, 64), np.float32))


def test_a_picture_that_is_mostly_flat_gets_no_score_where_texture_is_declared() -> None:
    flat = np.full((80, 96, 3), 90, np.uint8)
    half = flat.copy()
    half[:, :48] = np.random.default_rng(0).integers(0, 256, (80, 48, 3))
    for picture, share, scored in ((flat, 0.01, False), (half, 0.4, True), (half, 0.6, False)):
        batch = batch_of(picture, Input(crop="whole", side=512, textured=share))
        assert (batch is not None) is scored
    assert batch_of(flat, Input(crop="whole", side=512)) is not None
    assert batch_of(flat[:5], Input(crop="whole", side=512, textured=0.1)) is None


def test_a_torch_export_runs(opened: Open) -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    crop = torch.from_numpy(normalised(PICTURE[108:172, 118:182], [0.0] * 3, [1.0] * 3))
    archive = io.BytesIO()
    torch.export.save(torch.export.export(network.eval(), (crop,)), archive)
    plugin = opened(
        {"net.pt2": archive.getvalue()},
        "[input]\nside = 64\n[score]\noutput = 3",
        backend="torch-export",
    )
    expected = float(network(crop)[0, 3].detach())
    assert plugin.score(PICTURE) == pytest.approx(expected, rel=1e-4, abs=1e-5)


STAND_INS = {
    "safetensors/__init__.py": "",
    "safetensors/torch.py": """
import io, torch

def load(content):
    return torch.load(io.BytesIO(content), weights_only=True)
""",
    "timm.py": """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 1000)
    def get_classifier(self):
        return self.fc
    def reset_classifier(self, outputs):
        self.fc = torch.nn.Linear(4, outputs)
    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))

def create_model(architecture, pretrained):
    assert architecture == "tiny" and not pretrained
    return Net()
""",
    "transformers.py": """
import os, types, torch, timm
from safetensors.torch import load

class AutoModelForImageClassification:
    @staticmethod
    def from_pretrained(folder, **options):
        assert options == dict(
            local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        files = {"config.json", "preprocessor_config.json", "model.safetensors"}
        assert set(os.listdir(folder)) == files
        net = timm.Net()
        net.reset_classifier(2)
        net.load_state_dict(load(open(f"{folder}/model.safetensors", "rb").read()))
        run = types.SimpleNamespace
        return types.SimpleNamespace(
            eval=lambda: lambda pixel_values: run(logits=net(pixel_values))
        )
""",
}


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The interfaces of timm, safetensors and transformers, as far as they are used."""
    folder = tmp_path / "stand-ins"
    for name, text in STAND_INS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    rest = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{rest}" if rest else str(folder))
    return pytest.importorskip("torch")


def two_outputs(torch: Any) -> tuple[bytes, Callable[[np.ndarray], np.ndarray]]:
    conv, last = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 2)
    weights = {f"conv.{k}": v for k, v in conv.state_dict().items()}
    weights |= {f"fc.{k}": v for k, v in last.state_dict().items()}
    buffer = io.BytesIO()
    torch.save(weights, buffer)

    def run(batch: np.ndarray) -> np.ndarray:
        found: np.ndarray = last(conv(torch.from_numpy(batch)).mean((2, 3))).detach().numpy()
        return found

    return buffer.getvalue(), run


def test_the_timm_backend_builds_the_architecture_and_fits_its_last_layer(
    opened: Open, stand_ins: Any
) -> None:
    content, run = two_outputs(stand_ins)
    plugin = opened(
        {"net.safetensors": content},
        "[input]\nside = 64\n[score]\noutput = 1",
        backend="timm",
        layout="timm",
        architecture="tiny",
    )
    expected = run(normalised(PICTURE[108:172, 118:182], *IMAGENET))[0, 1]
    assert plugin.score(PICTURE) == pytest.approx(float(expected), rel=1e-4, abs=1e-5)


def test_the_transformers_backend_reads_only_files_that_are_pinned(
    opened: Open, stand_ins: Any, tmp_path: Path
) -> None:
    content, run = two_outputs(stand_ins)
    files = {"vit/model.safetensors": content, **hugging_face(False)}
    plugin = opened(
        files, '[score]\nlabel = "artificial"', backend="transformers", layout="hugging-face"
    )
    (tmp_path / "vit" / "unpinned.bin").write_bytes(b"?")
    logits = run(normalised(PICTURE[92:188, 102:198], [0.5] * 3, [0.5] * 3))[0]
    expected = float(1 / (1 + np.exp(logits[0] - logits[1])))
    assert plugin.score(PICTURE) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("backend", "module"),
    [("timm", "timm"), ("transformers", "transformers"), ("torch-export", "torch")],
)
def test_a_framework_that_is_absent_is_named(opened: Open, backend: str, module: str) -> None:
    if importlib.util.find_spec(module):
        pytest.skip(f"{module} is installed here")
    plugin = opened({"net.bin": b""}, backend=backend, architecture="resnet18")
    assert "the plug-in lamp needs" in (plugin.unavailable() or "")


def test_grids_spread_over_the_picture_and_stay_inside() -> None:
    batch = batch_of(PICTURE, Input(crop="grid", side=100, crops=9))
    assert batch is not None
    assert batch.shape == (9, 3, 100, 100)
    assert np.array_equal(batch[0], PICTURE[:100, :100].transpose(2, 0, 1) / np.float32(255))
    assert np.array_equal(batch[-1], PICTURE[-100:, -100:].transpose(2, 0, 1) / np.float32(255))


def test_a_letterbox_keeps_the_shape_and_repeats_the_edge() -> None:
    tall = np.zeros((200, 100, 3), np.uint8)
    tall[:, 0] = 255
    batch = batch_of(tall, Input(resize="letterbox", side=50))
    assert batch is not None
    assert batch.shape == (1, 3, 50, 50)
    assert np.array_equal(batch[..., 0], batch[..., 12])


@pytest.mark.parametrize(
    ("declared", "outputs", "expected"),
    [
        ({"higher": "captured", "meaning": "probability"}, [[0.25]], 0.75),
        ({"higher": "captured"}, [[2.0]], -2.0),
        ({"combine": "max"}, [[1.0], [4.0]], 4.0),
        ({}, [[1.0], [4.0]], 2.5),
        ({}, [[[[1.0, 3.0]]]], 2.0),
        ({"softmax": True, "output": 1}, [[0.0, 0.0]], 0.5),
    ],
)
def test_a_larger_score_always_speaks_for_generation(
    declared: dict[str, Any], outputs: Any, expected: float
) -> None:
    assert score_of(np.array(outputs), Score(**declared)) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 1, 2), (1, 6)])
def test_an_output_of_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        score_of(np.zeros(shape), Score(boxes=True, classes=(3,)))
