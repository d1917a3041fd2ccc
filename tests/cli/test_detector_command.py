"""``lightkeeper detector``: a card from a folder of pictures, and what follows from cards."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.reconstruction.conftest import null_of
from typer.testing import CliRunner

from lightkeeper.cli._exit import Exit
from lightkeeper.cli.detector import app
from lightkeeper.errors import EvidenceError, InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors import reconstruction
from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    CallableAutoencoder,
    Registered,
)
from lightkeeper.evidence.detectors.reconstruction._null import Nulls
from lightkeeper.evidence.detectors.treatment import _drawn
from lightkeeper.testing import photo_like, synthetic_like

SMOOTHNESS = b"""
import numpy as np

def score(rgb):
    return -float(np.abs(np.diff(rgb.astype(float), axis=1)).mean())
"""


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def _plugin(folder: Path, source: bytes = SMOOTHNESS, *, digest: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "code.py").write_bytes(source)
    path = folder / "plugin.toml"
    pin = digest or hashlib.sha256(source).hexdigest()
    path.write_text(
        'id = "smoothness"\nversion = "1"\nlicence = "MIT"\nbackend = "python"\n'
        f'model = "code.py"\n[files]\n"code.py" = "{pin}"\n'
    )
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    groups = (
        ("real/lake", photo_like),
        ("real/street", photo_like),
        ("generated/a", synthetic_like),
    )
    for number, (group, draw) in enumerate(groups):
        (folder / group).mkdir(parents=True)
        for seed in range(3):
            pixels = draw(10 * number + seed, width=96, height=96)
            Image.fromarray(pixels).save(folder / group / f"{seed}.png")
    return folder


@pytest.fixture
def evaluated(tmp_path: Path, pictures: Path) -> Path:
    return _evaluate(tmp_path, pictures, "card")


def _evaluate(folder: Path, pictures: Path, name: str, source: bytes = SMOOTHNESS) -> Path:
    plugin = _plugin(folder / f"plugin-{name}", source)
    out = folder / name
    done = _run("evaluate", plugin, pictures, "--out", out, "--drawn", 1, "--resamples", 50)
    assert done.exit_code == Exit.OK, done.output
    return out


def test_a_detector_is_measured_and_its_card_says_what_it_may_say(evaluated: Path) -> None:
    assert {p.name for p in evaluated.iterdir()} == {"card.json", "scores.jsonl", "card.html"}
    shown = _run("card", evaluated)
    assert shown.exit_code == Exit.OK
    assert "Its scores carry no weight." in shown.stdout
    assert "not measurable with n=6" in shown.stdout
    document = json.loads(_run("card", evaluated, "--json").stdout)
    assert document["may_say"]["likelihood_ratio"] is False
    assert document["name"] == "smoothness"


def test_the_licence_is_shown_and_a_card_is_not_replaced_unasked(
    tmp_path: Path, pictures: Path, evaluated: Path
) -> None:
    plugin = _plugin(tmp_path / "p")
    arguments = ("evaluate", plugin, pictures, "--out", evaluated, "--drawn", 1)
    assert isinstance(_run(*arguments).exception, OutputError)
    done = _run(*arguments, "--force")
    assert done.exit_code == Exit.OK
    assert "licence: MIT" in done.stderr


def test_equal_seeds_give_equal_numbers(tmp_path: Path, pictures: Path, evaluated: Path) -> None:
    again = _evaluate(tmp_path, pictures, "again")
    first, second = (json.loads((f / "card.json").read_text()) for f in (evaluated, again))
    for document in (first, second):
        del document["measurements"]["cost"], document["id"], document["scores"]
    assert first == second


def test_an_altered_card_ends_with_its_own_code(evaluated: Path) -> None:
    path = evaluated / "card.json"
    path.write_text(path.read_text().replace('"unreadable": 0', '"unreadable": 1'))
    for arguments in (("card", evaluated), ("compare", evaluated, evaluated)):
        done = _run(*arguments)
        assert done.exit_code == Exit.ALTERED
        assert "the card was altered" in done.stderr


def test_the_page_can_be_written_anew(evaluated: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert _run("card", evaluated, "--html", target).exit_code == Exit.OK
    assert target.read_text() == (evaluated / "card.html").read_text()


def test_a_detector_is_no_worse_than_itself(evaluated: Path) -> None:
    done = _run("compare", evaluated, evaluated)
    assert done.exit_code == Exit.OK, done.output
    assert "AUC, matched" in done.stdout


def test_a_regression_ends_with_one(tmp_path: Path, pictures: Path, evaluated: Path) -> None:
    worse = _evaluate(tmp_path, pictures, "worse", SMOOTHNESS.replace(b"-float", b"float"))
    done = _run("compare", evaluated, worse, "--json")
    assert done.exit_code == Exit.MATCHED
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"what": "AUC, native", "verdict": "worse"}.items() <= {
        k: v for r in rows if r["what"] == "AUC, native" for k, v in r.items()
    }.items()
    assert _run("compare", worse, evaluated).exit_code == Exit.OK


@pytest.mark.parametrize("name", ["code.py", "absent.bin"])
def test_weights_that_are_not_those_are_refused_before_anything_is_measured(
    tmp_path: Path, pictures: Path, name: str
) -> None:
    plugin = _plugin(tmp_path / "p", digest="0" * 64)
    plugin.write_text(plugin.read_text().replace("code.py", name))
    done = _run("evaluate", plugin, pictures, "--out", tmp_path / "card")
    assert isinstance(done.exception, EvidenceError)
    assert not (tmp_path / "card").exists()


def test_a_registered_autoencoder_is_measured_like_any_detector(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def block_means(batch: np.ndarray) -> np.ndarray:
        n, c, h, w = batch.shape
        means = batch.reshape(n, c, h // 8, 8, w // 8, 8).mean((3, 5), keepdims=True)
        return np.broadcast_to(means, (n, c, h // 8, 8, w // 8, 8)).reshape(n, c, h, w)

    autoencoder = CallableAutoencoder("means", block_means, "ab" * 32, licence="MIT")
    entry = Registered(autoencoder, Nulls((null_of(FULL, fingerprint="ab" * 32),)))
    monkeypatch.setattr(reconstruction, "read_autoencoder", lambda path: entry)
    (tmp_path / "autoencoder.toml").write_text(
        'name="means"\nlicence="MIT"\nencoder="e"\ndecoder="d"\n'
    )
    done = _run("evaluate", tmp_path, pictures, "--drawn", 1, "--resamples", 50)
    assert done.exit_code == Exit.OK, done.output
    assert "decoder-grid:means 4-full, licence: MIT" in done.stderr
    assert "Its scores carry no weight." in done.stdout
    card = json.loads((tmp_path / "card" / "card.json").read_text())
    named = tomllib.loads((tmp_path / "autoencoder.toml").read_text())["cards"]
    assert named == [{"folder": "card", "id": card["id"]}]
    assert card["setup"]["bar"] == pytest.approx(2)
    again = _run("evaluate", tmp_path, pictures, "--drawn", 1)
    assert isinstance(again.exception, OutputError)


def test_an_entry_without_a_null_has_no_rule_that_could_be_measured(
    tmp_path: Path, pictures: Path
) -> None:
    entry = Path(__file__).parents[1] / "data" / "autoencoders" / "nearest8"
    done = _run("evaluate", entry, pictures, "--out", tmp_path / "card")
    assert isinstance(done.exception, InvalidConfiguration)
    assert "detector calibrate" in str(done.exception.hint)


def test_a_plug_in_says_where_its_card_goes(tmp_path: Path, pictures: Path) -> None:
    done = _run("evaluate", _plugin(tmp_path / "p"), pictures)
    assert done.exit_code == 2
    assert "--out" in done.output


@pytest.mark.parametrize(("form", "version"), [((), "4-full"), (("--quick",), "4-quick")])
def test_the_entry_of_a_real_autoencoder_gets_a_card_of_the_form_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...], version: str
) -> None:
    pytest.importorskip("onnxruntime")
    # Small drawn pictures: the protocol's own take a second each.
    monkeypatch.setattr(_drawn, "_SIDES", (128, 128, 128))
    entry = tmp_path / "entry"
    shutil.copytree(Path(__file__).parents[1] / "data" / "autoencoders" / "nearest8", entry)
    fingerprint = reconstruction.read_autoencoder(entry).autoencoder.fingerprint
    nulls = Nulls(tuple(null_of(each, fingerprint=fingerprint) for each in (QUICK, FULL)))
    (entry / "nulls.json").write_bytes(msgspec.json.encode(nulls))
    with (entry / "autoencoder.toml").open("a") as file:
        file.write('null = "nulls.json"\n')
    # Photographs are enough: each is also passed through the decoder.
    (tmp_path / "pictures" / "real" / "lake").mkdir(parents=True)
    for seed in range(2):
        picture = Image.fromarray(photo_like(seed, width=256, height=256))
        picture.save(tmp_path / "pictures" / "real" / "lake" / f"{seed}.png")
    out = tmp_path / "card"
    done = _run("evaluate", entry, tmp_path / "pictures", "--out", out, "--drawn", 1,
                "--resamples", 50, *form)  # fmt: skip
    assert done.exit_code == Exit.OK, done.output
    assert "ms a picture, 95 % within" in done.stdout
    card = json.loads(_run("card", out, "--json").stdout)
    assert (card["name"], card["version"]) == ("decoder-grid:nearest8", version)
    assert card["trained_on"] == {"declared": True, "generators": [], "sources": []}
    native = card["measurements"]["separations"][0]
    assert native["condition"] == "native"
    assert native["auc"]["value"] == 1.0
    assert not card["may_say"]["likelihood_ratio"]
    assert card["measurements"]["cost"]["median_seconds"] > 0
    (named,) = reconstruction.read_autoencoder(entry).cards
    assert named == (entry / "../card", card["id"])


def test_a_plugin_has_no_quick_form(tmp_path: Path, pictures: Path) -> None:
    done = _run("evaluate", _plugin(tmp_path / "p"), pictures, "--out", tmp_path / "c", "--quick")
    assert isinstance(done.exception, InvalidConfiguration)


def _line(n: int) -> str:
    made = n % 2
    label = "generated" if made else "real"
    return f"{label},{int(n % 4 == 1)},{n % 7 + 3 * made},{n % 5 + 6 * made}"


MATRIX = "\n".join(["label,hash,small,large", *map(_line, range(80))])


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.csv"
    path.write_text(MATRIX + "\n")
    return path


def test_a_cascade_is_simulated_and_drawn(matrix: Path, tmp_path: Path) -> None:
    policy = tmp_path / "cascade.toml"
    policy.write_text(
        '[[stage]]\nname = "small"\nseconds = 0.1\n[[stage]]\nname = "large"\nseconds = 2\n'
    )
    svg = tmp_path / "cost.svg"
    done = _run(
        "simulate", matrix, "--last", "large", "--policy", policy, "--seconds", "hash=0",
        "--keep", 0.5, "--prevalence", 0.001, "--svg", svg, "--json",
    )  # fmt: skip
    assert done.exit_code == Exit.OK, done.output
    rows = {row["first"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows.keys() == {"hash", "small"}
    assert rows["hash"]["cost"] == pytest.approx(0.0005)
    assert rows["small"]["cost"] > 0.05
    assert svg.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--last", "large"), "the cost of large is not known"),
        (("--last", "none"), "no column none"),
        (("--last", "large", "--seconds", "hash"), "no NAME=SECONDS"),
        (
            (
                "--last",
                "large",
                "--first",
                "small",
                "--seconds",
                "small=-1",
                "--seconds",
                "large=1",
            ),
            "positive",
        ),
    ],
)
def test_a_simulation_that_lacks_something_says_what(
    matrix: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = _run("simulate", matrix, *arguments)
    assert isinstance(done.exception, InvalidConfiguration)
    assert words in str(done.exception)
