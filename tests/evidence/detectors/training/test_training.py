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

from lightkeeper.evidence.detectors.training import Recipe, _drawings, train
from lightkeeper.evidence.detectors.training._calibrate import calibrate
from lightkeeper.evidence.detectors.training._drawings import draw, drawings
from lightkeeper.evidence.detectors.training._network import Front, Head, Network
from lightkeeper.evidence.detectors.training._optimise import as_batch
from lightkeeper.evidence.detectors.training._pairs import Picture
from lightkeeper.evidence.detectors.training._sides import set_aside
from lightkeeper.evidence.detectors.training._treat import treated

ENTRY = Path(__file__).parents[3] / "data" / "autoencoders" / "nearest8"
SHORT = Recipe(draws=2, steps=60, batch=8, views=1, drawings=3)


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


@pytest.fixture(scope="module", autouse=True)
def few_drawings():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_drawings, "_CALIBRATING", 20)
        yield


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
    assert manifest["input"] == {
        "crop": "whole",
        "side": 512,
        "resize": "forbidden",
        "textured": 0.2,
    }
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
    drawn = rng.normal(-3, 1, 200)
    few = calibrate(rng.normal(0, 1, 15), rng.normal(2, 1, 15), drawn)
    assert [point.above is None for point in few.points] == [False, True, True]
    many = calibrate(rng.normal(0, 1, 400), rng.normal(2, 1, 400), drawn)
    assert [point.above is None for point in many.points] == [False, False, False]
    real = many.scale * rng.normal(0, 1, 20_000) + many.bias
    for point in many.points:
        assert point.above is not None
        assert (real > point.above).mean() < 2 * point.rate + 0.01


def test_a_threshold_holds_for_drawings_too():
    rng = np.random.default_rng(6)
    real, made = rng.normal(0, 1, 400), rng.normal(2, 1, 400)
    drawn = rng.normal(3, 1, 400)
    fitted = calibrate(real, made, drawn)
    for point in fitted.points:
        assert point.above is not None
        assert (fitted.scale * drawn + fitted.bias > point.above).mean() <= point.rate
    assert all(point.above is None for point in calibrate(real, made, drawn[:5]).points)


def test_drawings_are_many_and_those_to_calibrate_on_are_others():
    first = [draw(0, number) for number in range(6)]
    assert len({picture.tobytes() for picture in first}) == 6
    assert np.array_equal(first[2], draw(0, 2))
    between = next(drawings(0))
    assert between.shape == first[0].shape == (328, 328, 3)
    assert not any(np.array_equal(between, picture) for picture in first)


def test_no_picture_to_calibrate_on_is_trained_on_or_held_out(trained):
    begun = json.loads((trained[1] / "setup.json").read_text())
    assert begun["recipe"]["drawings"] == 3
    pictures = tuple(Picture(Path(), "s", f"{n:02d}") for n in range(11))
    training, aside = set_aside(pictures)
    assert len(aside) == 3
    assert set(training) | set(aside) == set(pictures)
    assert not set(training) & set(aside)
    with pytest.raises(InvalidConfiguration, match="one picture"):
        set_aside(pictures[:1])


def test_what_is_no_photograph_goes_to_the_card_alone(images, autoencoder, tmp_path):
    (tmp_path / "others" / "poster").mkdir(parents=True)
    flat = np.full((120, 140, 3), 200, np.uint8)
    Image.fromarray(flat).save(tmp_path / "others" / "poster" / "a.png")
    done = train(autoencoder, images, tmp_path / "out", recipe=SHORT, others=tmp_path / "others")
    assert done is not None
    (poster,) = (s for s in read_samples(done.held_out) if s.kind == "poster")
    assert poster.label == "real"
    assert np.array_equal(np.asarray(Image.open(poster.path)), flat)


def test_the_report_holds_the_calibration(trained):
    report = json.loads((trained[1] / "training.json").read_text())
    assert report["pairs"] == 3 + 3
    assert report["calibration"]["photographs"] == 1
    assert report["calibration"]["drawings"] == 20
