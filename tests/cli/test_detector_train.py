"""``lightkeeper detector train``."""

from __future__ import annotations

import builtins
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lightkeeper.cli.detector import app
from lightkeeper.errors import InvalidConfiguration, MissingExtra

ENTRY = Path(__file__).parents[1] / "data" / "autoencoders" / "nearest8"


def _run(*arguments):
    return CliRunner().invoke(app, ["train", *(str(a) for a in arguments)])


def _pictures(folder):
    rng = np.random.default_rng(7)
    for source in ("first", "second"):
        (folder / source).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (30, 40, 3), np.uint8)
            made = Image.fromarray(pixels).resize((160, 120), Image.Resampling.BICUBIC)
            made.save(folder / source / f"{number}.png")
    return folder


def test_training_without_torch_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_torch(name, *rest, **named):
        if name == "torch" or name.startswith("torch."):
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest, **named)

    for name in list(sys.modules):
        if "detectors.training" in name:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_torch)
    done = _run("--autoencoder", ENTRY, "--images", tmp_path, "--out", tmp_path / "out")
    assert isinstance(done.exception, MissingExtra)
    assert done.exception.extra == "train"


def test_a_run_ends_with_a_card_of_its_own(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from lightkeeper.evidence.detectors import training
    from lightkeeper.evidence.detectors.training import _drawings

    monkeypatch.setattr(_drawings, "_CALIBRATING", 9)
    monkeypatch.setattr(training, "Recipe", partial(training.Recipe, drawings=2))
    given = ("--autoencoder", ENTRY, "--images", _pictures(tmp_path / "images"),
             "--out", tmp_path / "out", "--steps", 20, "--draws", 1, "--drawn", 1)  # fmt: skip
    stopped = _run(*given, "--minutes", 0)
    assert stopped.exit_code == 3
    done = _run(*given, "--resume")
    assert done.exit_code == 0, done.output
    card = json.loads((tmp_path / "out" / "card" / "card.json").read_text())
    assert "nearest8-matched" in json.dumps(card)
    # Three pairs prove nothing, and the card must say so.
    assert "Its scores carry no weight." in done.output


def test_several_autoencoders_or_unseen_ones_need_features(tmp_path):
    for more in (("--autoencoder", ENTRY), ("--unseen", ENTRY)):
        done = _run("--autoencoder", ENTRY, *more, "--images", tmp_path, "--out", tmp_path / "out")
        assert isinstance(done.exception, InvalidConfiguration)
        assert "--features" in str(done.exception.hint)


def test_a_regression_on_features_ends_with_a_card_of_its_own(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    from tests.evidence.detectors.training.test_frozen import backbone_model

    from lightkeeper.evidence.detectors.training import _drawings

    monkeypatch.setattr(_drawings, "_CALIBRATING", 3)
    (tmp_path / "net.onnx").write_bytes(backbone_model())
    others = [ENTRY.parent / name for name in ("bilinear8", "shuffle8")]
    done = _run(
        "--features", tmp_path / "net.onnx", "--output", "final_norm", "--draws", 1,
        "--autoencoder", ENTRY, "--autoencoder", others[0], "--drawn", 1,
        "--images", _pictures(tmp_path / "images"), "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "without nearest8: AUC" in done.stderr
    assert "Its scores carry no weight." in done.output
    card = json.loads((tmp_path / "out" / "card" / "card.json").read_text())
    assert card["trained_on"]["sources"] == ["second"]


def test_a_backbone_that_is_not_there_is_named(tmp_path):
    done = _run("--features", tmp_path / "none.onnx", "--autoencoder", ENTRY, "--images", tmp_path,
                "--out", tmp_path / "out")  # fmt: skip
    assert isinstance(done.exception, InvalidConfiguration)
    assert "none.onnx" in str(done.exception)
