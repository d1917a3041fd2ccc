"""``lightkeeper detector export`` and ``calibrate``."""

from __future__ import annotations

import builtins
import json
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lightkeeper.cli.detector import app
from lightkeeper.errors import InvalidConfiguration, MissingExtra
from lightkeeper.evidence.detectors import reconstruction
from lightkeeper.evidence.detectors.reconstruction import CallableAutoencoder, Registered


def _run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_an_export_without_torch_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_torch(name, *rest, **named):
        if name == "torch" or name.startswith("torch."):
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest, **named)

    for name in list(sys.modules):
        if "reconstruction.layouts" in name:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_torch)
    done = _run("export", "--autoencoder", tmp_path, "--out", tmp_path / "out", "--name", "a",
                "--licence", "MIT")  # fmt: skip
    assert isinstance(done.exception, MissingExtra)
    assert done.exception.extra == "detect-torch"


def test_an_export_of_a_folder_without_weights_says_what_it_looks_for(tmp_path):
    pytest.importorskip("torch")
    done = _run("export", "--autoencoder", tmp_path, "--out", tmp_path / "out", "--name", "a",
                "--licence", "MIT")  # fmt: skip
    assert isinstance(done.exception, InvalidConfiguration)
    assert not (tmp_path / "out").exists()


def test_a_null_is_measured_on_a_folder_and_counts_its_sources(tmp_path, monkeypatch):
    identity = CallableAutoencoder("a", lambda batch: batch * np.float32(0.98), "0" * 64)
    monkeypatch.setattr(reconstruction, "read_autoencoder", lambda path: Registered(identity))
    rng = np.random.default_rng(0)
    for name in ("photos/1.png", "photos/2.png", "art/1.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (300, 300, 3), np.uint8)).save(path)
    (tmp_path / "images" / "notes.txt").write_text("no picture")
    out = tmp_path / "null.json"
    done = _run("calibrate", "--autoencoder", tmp_path, "--images", tmp_path / "images",
                "--out", out)  # fmt: skip
    assert done.exit_code == 0
    assert "3 pictures" in done.stdout
    null = json.loads(out.read_bytes())
    assert null["sources"] == {"art": 1, "photos": 2}
    assert null["form"] == "quick"
    assert len(null["contrasts"]) == 3


def test_a_null_of_the_map_is_measured_beside_it(tmp_path, monkeypatch):
    identity = CallableAutoencoder("a", lambda batch: batch * np.float32(0.98), "0" * 64)
    monkeypatch.setattr(reconstruction, "read_autoencoder", lambda path: Registered(identity))
    (tmp_path / "images").mkdir()
    noise = np.random.default_rng(0).integers(1, 255, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "images" / "1.png")
    out = tmp_path / "map.json"
    done = _run("calibrate", "--autoencoder", tmp_path, "--images", tmp_path / "images",
                "--out", out, "--map")  # fmt: skip
    assert done.exit_code == 0
    null = json.loads(out.read_bytes())
    assert len(null["surprises"]) == 1
    assert null["window"] == 64
