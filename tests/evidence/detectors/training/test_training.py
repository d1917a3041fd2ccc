"""Training on drawn textures and the tiny autoencoder that ships for tests."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.errors import InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors.evaluation import read_samples
from lightkeeper.evidence.detectors.reconstruction import read_autoencoder

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime
import torch

from lightkeeper.evidence.detectors.training import Recipe, train
from lightkeeper.evidence.detectors.training._calibrate import calibrate
from lightkeeper.evidence.detectors.training._network import Front, Head, Network
from lightkeeper.evidence.detectors.training._optimise import as_batch
from lightkeeper.evidence.detectors.training._treat import treated

ENTRY = Path(__file__).parents[3] / "data" / "autoencoders" / "nearest8"
SHORT = Recipe(draws=2, steps=60, batch=8, views=1)


def texture(rng, height=168, width=200):
    coarse = rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.normal(0, 6, (height, width, 3))
    return np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(5)
    for source, count in (("first", 4), ("second", 3)):
        (folder / source).mkdir()
        for number in range(count):
            Image.fromarray(texture(rng)).save(folder / source / f"{number}.png")
    (folder / "first" / "notes.txt").write_text("no picture")
    Image.fromarray(texture(rng, 80, 80)).save(folder / "first" / "small.png")
    return folder


@pytest.fixture(scope="module")
def autoencoder():
    return read_autoencoder(ENTRY).autoencoder


@pytest.fixture(scope="module")
def trained(images, autoencoder, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    told = []
    done = train(autoencoder, images, out, recipe=SHORT, licence="CC0-1.0", told=told.append)
    assert done is not None
    return done, out, told


def test_a_run_leaves_a_pinned_plugin_of_small_weights(trained):
    done, out, _ = trained
    manifest = tomllib.loads(done.manifest.read_text())
    assert manifest["licence"] == "CC0-1.0"
    assert manifest["training"]["sources"] == ["first"]
    assert manifest["input"] == {"crop": "whole", "side": 512, "resize": "forbidden"}
    assert (out / manifest["model"]).stat().st_size <= 2 << 20


def test_what_cannot_be_used_is_told_with_the_reason(trained):
    _, _, told = trained
    assert len(told) == 2
    assert any("notes.txt" in line for line in told)
    assert any("small.png" in line and "96 are needed" in line for line in told)


def test_whole_sources_are_held_out_as_content_matched_pairs(trained):
    samples = read_samples(trained[0].held_out)
    assert {sample.source for sample in samples if sample.label == "real"} == {"second"}
    pairs = [sample.pair for sample in samples]
    assert len(samples) == 6
    assert all(pairs.count(pair) == 2 for pair in pairs)


def test_the_same_recipe_gives_the_same_weights_though_it_was_stopped(
    trained, images, autoencoder, tmp_path
):
    _, whole, _ = trained
    assert train(autoencoder, images, tmp_path, recipe=SHORT, minutes=0) is None
    # A kill in the middle leaves a draw that is not whole.
    (tmp_path / "levels").mkdir(exist_ok=True)
    (tmp_path / "levels" / "000.part").write_bytes(b"\x93NUMPY")
    done = train(autoencoder, images, tmp_path, recipe=SHORT, resume=True, licence="CC0-1.0")
    assert done is not None
    first, second = (
        torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (whole, tmp_path)
    )
    for name, value in first["head"].items():
        assert torch.equal(value, second["head"][name]), name
    assert done.manifest.read_bytes() == (whole / "plugin.toml").read_bytes()


def test_a_folder_with_a_run_is_not_written_over(trained, images, autoencoder):
    with pytest.raises(OutputError, match="already holds a run"):
        train(autoencoder, images, trained[1], recipe=SHORT)


@pytest.mark.parametrize("other", [Recipe(seed=9), Recipe(steps=61)])
def test_a_run_is_not_resumed_with_another_recipe(trained, images, autoencoder, other):
    with pytest.raises(InvalidConfiguration, match="another recipe"):
        train(autoencoder, images, trained[1], recipe=other, resume=True)


def test_the_exported_network_gives_what_torch_gives(trained):
    done, out, _ = trained
    head = Head()
    head.load_state_dict(torch.load(out / "checkpoint.pt", weights_only=True)["head"])
    network = Network(head).eval()
    session = onnxruntime.InferenceSession(
        str(out / "network.onnx"), providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(1)
    for height, width in ((160, 192), (97, 301), (512, 512)):
        pixels = as_batch(texture(rng, height, width)[None])
        with torch.no_grad():
            raw = float(network(pixels)[0, 0])
        (odds,) = session.run(None, {"input": np.ascontiguousarray(pixels.numpy())})
        wanted = done.calibration.scale * raw + done.calibration.bias
        assert float(odds[0, 0]) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("lacking", ["empty", "texts", "one source"])
def test_pictures_that_prove_nothing_are_refused(tmp_path, autoencoder, lacking):
    folder = tmp_path / "images"
    folder.mkdir()
    if lacking == "texts":
        (folder / "a.txt").write_text("no picture")
    if lacking == "one source":
        Image.fromarray(texture(np.random.default_rng(0))).save(folder / "a.png")
    with pytest.raises(InvalidConfiguration) as refused:
        train(autoencoder, folder, tmp_path / "out", recipe=SHORT)
    assert refused.value.hint
    assert not (tmp_path / "out").exists()


def test_a_picture_may_not_be_trained_on_and_held_out(images, autoencoder, tmp_path):
    other = tmp_path / "other" / "third"
    other.mkdir(parents=True)
    (other / "copy.png").write_bytes((images / "first" / "0.png").read_bytes())
    with pytest.raises(InvalidConfiguration, match="1 pictures would be trained on and held out"):
        train(autoencoder, images, tmp_path / "out", held_out=other.parent, recipe=SHORT)


def test_both_halves_of_a_pair_are_treated_alike():
    half = texture(np.random.default_rng(2))
    for seed in range(12):
        cut = treated(np.stack([half, half]), np.random.default_rng(seed))
        # Equal halves stay equal but for the rounding of a spectrum given to itself.
        assert np.abs(cut[0].astype(int) - cut[1]).mean() < 1


def test_a_period_of_eight_stands_out_wherever_it_begins():
    rng = np.random.default_rng(3)
    plain = np.clip(rng.normal(128, 8, (256, 256, 3)), 0, 255).astype(np.uint8)
    rows = np.arange(256)
    levels = []
    for begins in (0, 3):
        grid = np.where((rows - begins) % 8 < 4, 3, 0)
        marked = np.clip(plain.astype(int) + grid[:, None, None] + grid[None, :, None], 0, 255)
        levels.append(Front()(as_batch(marked.astype(np.uint8)[None])))
    without = Front()(as_batch(plain[None]))
    frequency = 0.1 * 5 ** (np.arange(96) / 95)
    at = int(np.abs(frequency - 1 / 8).argmin())
    for level in levels:
        assert float((level - without)[0, :, at].max()) > 1


def test_thresholds_of_too_few_photographs_are_not_claimed():
    rng = np.random.default_rng(4)
    few = calibrate(rng.normal(0, 1, 15), rng.normal(2, 1, 15))
    assert [point.above is None for point in few.points] == [False, True, True]
    many = calibrate(rng.normal(0, 1, 400), rng.normal(2, 1, 400))
    assert [point.above is None for point in many.points] == [False, False, False]
    real = many.scale * rng.normal(0, 1, 20_000) + many.bias
    for point in many.points:
        assert point.above is not None
        assert (real > point.above).mean() < 2 * point.rate + 0.01


def test_the_report_holds_the_calibration(trained):
    report = json.loads((trained[1] / "training.json").read_text())
    assert report["pairs"] == 4
    assert report["calibration"]["photographs"] == 3
