"""``lightkeeper detector export`` and ``calibrate``."""

from __future__ import annotations

import builtins
import json
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.reconstruction.conftest import null_of
from typer.testing import CliRunner

from lightkeeper.cli._cautions import cautions
from lightkeeper.cli.detector import app
from lightkeeper.cli.scan import app as scan_app
from lightkeeper.errors import InvalidConfiguration, MissingExtra
from lightkeeper.evidence import Tier
from lightkeeper.evidence.detectors import reconstruction
from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    CallableAutoencoder,
    OnnxAutoencoder,
    Registered,
)
from lightkeeper.evidence.detectors.reconstruction._null import Nulls
from lightkeeper.scan import Policy


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
    out = tmp_path / "nulls.json"
    done = _run("calibrate", "--autoencoder", tmp_path, "--images", tmp_path / "images",
                "--out", out)  # fmt: skip
    assert done.exit_code == 0
    assert "quick: 3 pictures" in done.stdout
    assert "full: 3 pictures" in done.stdout
    assert "lattice = false" in done.stderr
    assert "fewer than 99, or 199 where two" in done.stderr
    nulls = json.loads(out.read_bytes())["nulls"]
    assert [null["form"] for null in nulls] == ["quick", "full"]
    assert all(null["sources"] == {"art": 1, "photos": 2} for null in nulls)
    for null in nulls:
        for scale in null["scales"]:
            assert sum(len(each) for each in scale["contrasts"].values()) == 3
            # Fewer than eight pictures of the decoder: nothing is expected, nothing is found.
            assert scale["own"]["pictures"] == 0


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


@pytest.fixture
def entry(tmp_path):
    """An entry whose nulls are small and slow; its networks are never run."""
    (tmp_path / "e.onnx").write_bytes(b"1")
    (tmp_path / "d.onnx").write_bytes(b"2")
    (tmp_path / "autoencoder.toml").write_text(
        'name="ours"\nlicence="MIT"\nencoder="e.onnx"\ndecoder="d.onnx"\nnull="nulls.json"\n'
    )
    bare = OnnxAutoencoder("ours", tmp_path / "e.onnx", tmp_path / "d.onnx", "MIT")
    nulls = [
        msgspec.structs.replace(
            null_of(form, 60, fingerprint=bare.fingerprint),
            most_seconds=30.0 if form is FULL else 0.05,
        )
        for form in (QUICK, FULL)
    ]
    (tmp_path / "nulls.json").write_bytes(msgspec.json.encode(Nulls(tuple(nulls))))
    return tmp_path / "autoencoder.toml"


def test_a_scan_says_once_what_its_autoencoders_cannot_do_or_cost(entry):
    policy = Policy(tier=Tier.DEEP, autoencoders=(entry,))
    small, slow = cautions(policy)
    assert "the null of ours has 60 pictures" in small
    assert "up to 30 CPU seconds" in slow
    assert cautions(replace(policy, tier=Tier.MODEL)) == (small,)
    assert cautions(replace(policy, tier=Tier.PIXELS)) == ()
    without = frozenset({"reconstruction", "reconstruction-deep"})
    assert cautions(replace(policy, without=without)) == ()


def test_the_scan_command_warns_on_standard_error_unless_it_is_quiet(entry):
    (entry.parent / "policy.toml").write_text(f'[detectors]\nautoencoders = ["{entry.name}"]\n')
    (entry.parent / "in").mkdir()
    Image.new("RGB", (64, 64)).save(entry.parent / "in" / "a.png")
    command = [str(entry.parent / "in"), "--policy", str(entry.parent / "policy.toml"),
               "--tier", "deep", "--explain", "--jobs", "1"]  # fmt: skip
    done = CliRunner().invoke(scan_app, command)
    assert done.stderr.count("the null of ours has 60 pictures") == 1
    assert done.stderr.count("limits.max_seconds") == 1
    assert "the null of ours has 60 pictures" in " ".join(done.stdout.split())
    assert "the null of" not in CliRunner().invoke(scan_app, [*command, "--quiet"]).stderr
