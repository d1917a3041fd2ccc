"""Manifests that contradict themselves, and what a plug-in may say in a scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightkeeper.assessment import Origin, assess
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Claim, Tier, examine
from lightkeeper.evidence.detectors.cards import Card, CardRefused, card_files
from lightkeeper.evidence.detectors.evaluation import Run, Setup, TrainedOn
from lightkeeper.evidence.detectors.plugins import (
    DetectorScore,
    Plugin,
    PluginExaminer,
    read_manifest,
)
from lightkeeper.media import Media, open_media
from lightkeeper.testing import photo_like


@pytest.fixture
def media(tmp_path: Path) -> Media:
    path = tmp_path / "picture.png"
    Image.fromarray(photo_like(2, width=80, height=60)).save(path)
    return open_media(path)


@pytest.mark.parametrize(
    ("keys", "more", "words"),
    [
        ({"mood": "good"}, "", "mood"),
        ({"backend": "cloud"}, "", "backend"),
        ({"layout": "magic"}, "", "no layout 'magic'; known are plain"),
        ({"model": "other.py"}, "", "'other.py' is not among its files"),
        ({"id": "Two Words"}, "", "id"),
        ({}, "[input]\nresize = 'always'", "input.resize"),
        ({}, "[input]\nstd = [0, 1, 1]", "input.std must be positive"),
        ({}, "[limits]\nseconds = 0", "limits.seconds"),
        ({}, "[score]\nhigher = 'better'", "score.higher"),
        ({}, "[score]\nboxes = true", "boxes need the classes"),
        ({"backend": "timm"}, "", "needs an architecture"),
        ({"layout": "nudenet", "role": "detector"}, "[score]\nclasses = [1]", "routing"),
        ({}, "[limits]\nseconds = inf", "limits.seconds"),
        ({}, "[limits]\nseconds = nan", "limits.seconds"),
        ({}, "[limits]\nmemory_mib = 9999999999", "limits.memory_mib"),
        ({}, "[input]\nmean = [nan, 0, 0]", "input.mean and input.std"),
        ({}, "[input]\nstd = [nan, 1, 1]", "input.mean and input.std"),
        ({}, "[input]\ncrop = 'grid'\nresize = 'stretch'", "must not be grid"),
        ({}, "[score]\nboxes = true\nclasses = [-1]", "score.classes"),
        ({"licence": ""}, "", "licence"),
        ({"backend": "timm", "architecture": "hf-hub:somebody/model"}, "", "architecture"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_reason(
    write: Callable[..., Path], keys: dict[str, str], more: str, words: str
) -> None:
    with pytest.raises(InvalidConfiguration, match="plug-in manifest") as caught:
        read_manifest(write({"lamp.py": b""}, more, **{"backend": "python", **keys}))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["../lamp.py", "/lamp.py"])
def test_files_lie_beside_the_manifest(write: Callable[..., Path], name: str) -> None:
    path = write({"lamp.py": b""}, backend="python", pins={name: "0" * 64})
    with pytest.raises(InvalidConfiguration, match="beside the manifest"):
        read_manifest(path)


def test_a_layout_that_is_no_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plugin.toml"
    path.write_text("layout = ['npr']\n")
    with pytest.raises(InvalidConfiguration, match="no layout"):
        read_manifest(path)


def test_two_files_of_one_name_cannot_lie_in_one_folder(write: Callable[..., Path]) -> None:
    files = {"a/model.safetensors": b"", "a/config.json": b"1", "b/config.json": b"2"}
    with pytest.raises(InvalidConfiguration, match="the same name"):
        read_manifest(write(files, backend="transformers"))


def test_a_digest_is_a_digest(write: Callable[..., Path]) -> None:
    with pytest.raises(InvalidConfiguration, match="files"):
        read_manifest(write({"lamp.py": b""}, backend="python", pins={"w": "abc"}))


def test_the_fingerprint_follows_what_changes_scores_and_nothing_else(
    write: Callable[..., Path],
) -> None:
    def fingerprint(content: bytes = b"", more: str = "", **keys: str) -> str:
        return read_manifest(write({"a.py": content}, more, backend="python", **keys)).fingerprint

    first = fingerprint()
    assert fingerprint(licence="MIT", version="2", card="card") == first
    assert fingerprint(more="[limits]\nseconds = 9") == first
    assert fingerprint(b"x = 1") != first
    assert fingerprint(more="[input]\nside = 32") != first
    assert fingerprint(more="[score]\nhigher = 'captured'") != first


def test_training_that_is_not_declared_is_not_nothing(write: Callable[..., Path]) -> None:
    assert not read_manifest(write({"a.py": b""}, backend="python")).trained_on.declared
    more = "[training]\nsources = ['lake']"
    declared = read_manifest(write({"a.py": b""}, more, backend="python")).trained_on
    assert declared == TrainedOn(True, ("lake",), ())
    for empty in ("[training]", "[training]\ngenerators = ['a']"):
        manifest = read_manifest(write({"a.py": b""}, empty, backend="python"))
        assert not manifest.trained_on.declared


def with_card(plugin: Plugin, rows: Any, folder: Path) -> Card:
    card = Card.of(plugin, Run(Setup(resamples=20, crop=64), TrainedOn(True), "ab" * 32, 0, rows))
    folder.mkdir()
    for name, content in card_files(card, rows).items():
        (folder / name).write_bytes(content)
    return card


def seen(plugin: Plugin, media: Media) -> Any:
    (finding,) = examine(media, [PluginExaminer(plugin)], tier=Tier.DEEP).findings
    return finding


def test_without_a_card_a_score_is_a_score_and_weighs_nothing(
    python: Callable[..., Plugin], media: Media
) -> None:
    finding = seen(python("return 99.0"), media)
    assert finding.claim is Claim.DETECTOR_SCORE
    assert (finding.log10_lr, finding.supports, finding.calibration) == (None, None, None)
    assert finding.limits == ("no-card",)
    assert isinstance(finding.details, DetectorScore)
    assert finding.details.licence == "none stated"
    assert assess([finding]).origin is Origin.UNDETERMINED


def test_a_card_that_fails_a_control_takes_the_weight(
    python: Callable[..., Plugin], media: Media, tmp_path: Path, honest: Callable[..., Any]
) -> None:
    plugin = python("return 99.0")
    card = with_card(plugin, honest(0.0), tmp_path / "card")
    finding = seen(Plugin(_with_line(plugin, 'card = "card"')), media)
    assert finding.log10_lr is None
    assert finding.limits == ("card-refuses",)
    assert finding.calibration == card.id
    assert finding.details.reasons


def test_a_card_that_holds_gives_its_weight_and_its_id(
    python: Callable[..., Plugin], media: Media, tmp_path: Path, honest: Callable[..., Any]
) -> None:
    plugin = python("return 99.0")
    card = with_card(plugin, honest(), tmp_path / "card")
    with Plugin(_with_line(plugin, 'card = "card"')) as carded:
        finding = seen(carded, media)
    assert finding.log10_lr == card.log10_lr(99.0)
    assert finding.calibration == card.id
    assert finding.null_size == card.measurements.null_size
    assert finding.limits == ("measured-generators-only",)
    assert assess([finding]).origin is Origin.GENERATED


def test_an_altered_card_is_refused_and_never_passed_over(
    python: Callable[..., Plugin], tmp_path: Path, honest: Callable[..., Any]
) -> None:
    plugin = python("return 99.0")
    with_card(plugin, honest(0.0), tmp_path / "card")
    path = tmp_path / "card" / "card.json"
    path.write_text(path.read_text().replace('"passed": false', '"passed": true'))
    with pytest.raises(CardRefused):
        PluginExaminer(Plugin(_with_line(plugin, 'card = "card"')))


def test_the_card_of_other_weights_is_refused(
    python: Callable[..., Plugin], tmp_path: Path, honest: Callable[..., Any]
) -> None:
    with_card(python("return 98.0"), honest(), tmp_path / "card")
    plugin = python("return 99.0")
    with pytest.raises(CardRefused, match="another detector"):
        PluginExaminer(Plugin(_with_line(plugin, 'card = "card"')))


def test_another_role_is_another_version(python: Callable[..., Plugin]) -> None:
    # A journal keeps rows by the versions of examiners; the role decides what a score may say.
    plugin = python("return 99.0")
    before = PluginExaminer(plugin).version
    routing = PluginExaminer(Plugin(_with_line(plugin, 'role = "routing"'))).version
    assert before != routing


def test_a_routing_signal_never_says_where_a_picture_comes_from(
    python: Callable[..., Plugin], media: Media, tmp_path: Path, honest: Callable[..., Any]
) -> None:
    plugin = python("return 99.0")
    with_card(plugin, honest(), tmp_path / "card")
    finding = seen(Plugin(_with_line(plugin, 'card = "card"\nrole = "routing"')), media)
    assert (finding.log10_lr, finding.supports) == (None, None)
    assert finding.limits == ("routing-only",)


def test_a_failing_plug_in_leaves_a_failure_and_the_examination_goes_on(
    python: Callable[..., Plugin], media: Media
) -> None:
    examination = examine(media, [PluginExaminer(python("os._exit(1)"))], tier=Tier.DEEP)
    assert examination.findings == ()
    assert [(f.examiner, f.code) for f in examination.failures] == [
        ("plugin:lamp", "plugin-crashed")
    ]


def test_a_plug_in_is_not_asked_below_its_tier(python: Callable[..., Plugin], media: Media) -> None:
    examination = examine(media, [PluginExaminer(python("os._exit(1)"))], tier=Tier.MODEL)
    assert "belongs to the tier deep" in examination.not_examined[0].reason


def _with_line(plugin: Plugin, line: str) -> Path:
    text = plugin.path.read_text()
    plugin.path.write_text(text.replace("[files]", f"{line}\n[files]"))
    return plugin.path
