from __future__ import annotations

import io
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from tests.evidence.detectors.reconstruction.conftest import decoded, projection, textured

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Tier
from lightkeeper.evidence.detectors.reconstruction import (
    Abstention,
    CallableAutoencoder,
    Registered,
    read_autoencoder,
)
from lightkeeper.evidence.detectors.regions import (
    EditedRegionExaminer,
    RegionNull,
    calibrate_map,
    fuse,
    model_free_maps,
    reconstruction_map,
    strongest_region,
)
from lightkeeper.evidence.detectors.regions._null import STATISTIC, read_region_null
from lightkeeper.evidence.detectors.regions._overlay import overlay
from lightkeeper.evidence.detectors.regions._windows import (
    log_tail,
    normal_scores,
    window_sums,
)
from lightkeeper.media import open_media

AUTOENCODER = projection(8)
MASK = np.zeros((400, 400), bool)
MASK[96:232, 160:312] = True


@pytest.fixture(scope="module")
def photograph():
    return textured(5)


@pytest.fixture(scope="module")
def edited(photograph):
    """A part of the picture replaced by what the decoder makes of it, then cropped off its grid."""
    return np.where(MASK[..., None], decoded(AUTOENCODER, photograph), photograph)[3:, 5:]


@pytest.fixture(scope="module")
def found(edited):
    return reconstruction_map(AUTOENCODER, edited)


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """With a null of 400 untouched pictures, none of which showed a thing."""
    return Registered(AUTOENCODER, map_null=kept(tmp_path_factory.mktemp("null"), (-1.0,) * 400))


def kept(folder, surprises, **other):
    null = {"fingerprint": AUTOENCODER.fingerprint, "statistic": STATISTIC, "window": 64}
    path = folder / "map.json"
    path.write_bytes(msgspec.json.encode(RegionNull(surprises=surprises, **(null | other))))
    return path


def png(rgb):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return open_media(file.getvalue())


def pixel_auc(plane, mask):
    cells = mask[: plane.shape[0] * 8, : plane.shape[1] * 8][4::8, 4::8]
    yes, no = plane[cells], plane[~cells]
    return float((yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean())


def test_the_part_that_came_through_the_decoder_stands_out(found):
    assert found.z.dtype == np.float32
    assert found.z.shape == (397 // 8, 395 // 8)
    assert found.phase == (5, 3)
    assert pixel_auc(found.z, MASK[3:, 5:]) > 0.95
    region = strongest_region(found)
    assert region.p_value < 1e-6
    assert 0.05 < region.share < 0.5
    assert abs(region.top + region.height / 2 - 161) < 32
    assert abs(region.left + region.width / 2 - 231) < 32


def test_an_untouched_picture_gives_a_flat_map_and_no_region(photograph):
    untouched = reconstruction_map(AUTOENCODER, photograph)
    assert strongest_region(untouched).p_value > 0.05
    assert 0.3 < pixel_auc(untouched.z, MASK) < 0.7
    assert abs(float(untouched.z.mean())) < 1


def test_chances_hold_their_level_over_untouched_pictures():
    chances = [
        strongest_region(reconstruction_map(AUTOENCODER, textured(seed, 200))).p_value
        for seed in range(30, 42)
    ]
    assert sum(p <= 0.05 for p in chances) <= 2


def test_a_crop_by_whole_blocks_shifts_the_map(edited, found):
    shifted = reconstruction_map(AUTOENCODER, edited[16:, 32:])
    assert shifted.phase == found.phase
    mine, theirs = shifted.z[6:-6, 6:-6], found.z[8:-6, 10:-6]
    assert mine.shape == theirs.shape
    assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.98


def test_pictures_without_texture_and_small_pictures_abstain(registered):
    flat = np.full((300, 300, 3), 90, np.uint8)
    assert reconstruction_map(AUTOENCODER, flat) is Abstention.TOO_FLAT
    assert reconstruction_map(AUTOENCODER, textured(1, 120)) is Abstention.TOO_SMALL
    assert all(not plane.any() for plane in model_free_maps(flat).values())
    assert EditedRegionExaminer([registered]).examine(png(flat)) == ()


def test_a_map_is_the_same_whether_the_autoencoder_works_on_one_picture_or_on_many(edited, found):
    def many(batch):
        return AUTOENCODER.reconstruct(np.concatenate([batch, batch[..., ::-1]]))[:1]

    again = reconstruction_map(CallableAutoencoder("many", many, "0" * 64), edited)
    np.testing.assert_array_equal(again.z, found.z)


def test_another_decoders_part_does_not_fire(photograph):
    def quantised(batch):
        n, c, h, w = batch.shape
        blocks = batch.reshape(n, c, h // 8, 8, w // 8, 8)
        means = blocks.mean((3, 5), keepdims=True)
        return (means + (blocks - means) * 0.5).reshape(batch.shape).astype(np.float32)

    other = decoded(CallableAutoencoder("other", quantised, "1" * 64), photograph)
    mixed = np.where(MASK[..., None], other, photograph)
    assert strongest_region(reconstruction_map(AUTOENCODER, mixed)).p_value > 1e-3


def test_a_smooth_fill_shows_in_the_noise_and_a_missing_jpeg_grid_in_the_grid(photograph):
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, "JPEG", quality=60)
    compressed = np.asarray(Image.open(file))
    smooth = np.asarray(Image.fromarray(photograph).resize((50, 50)).resize((400, 400)))
    assert pixel_auc(model_free_maps(np.where(MASK[..., None], smooth, photograph))["noise"] ** 2,
                     MASK) > 0.9  # fmt: skip
    pasted = np.where(MASK[..., None], textured(9), compressed)
    assert pixel_auc(model_free_maps(pasted)["jpeg-grid"] ** 2, MASK) > 0.9


def test_fusion_counts_several_autoencoders_as_tests(edited, found):
    maps = model_free_maps(edited)
    alone, double = fuse(maps, {"a": found}), fuse(maps, {"a": found, "b": found})
    assert pixel_auc(alone, MASK[3:, 5:]) > 0.95
    assert float(alone.max() - double.max()) == pytest.approx(np.log10(2), abs=1e-3)
    assert fuse(maps).max() < alone.max()


def test_an_overlay_is_a_small_grid_and_a_flat_map_is_empty():
    drawn = overlay(np.linspace(0, 40, 200 * 90, dtype=np.float32).reshape(200, 90))
    assert (len(drawn.tones), len(drawn.tones[0]), drawn.cell) == (50, 23, 32)
    assert (drawn.tones[0][0], drawn.tones[-1][0]) == ("1", "f")
    assert set("".join(overlay(np.zeros((9, 9), np.float32)).tones)) == {"0"}


def test_a_finding_says_where_and_under_which_decoder_and_supports_no_verdict(edited, registered):
    (finding,) = EditedRegionExaminer([registered]).examine(png(edited))
    assert (finding.claim, finding.basis) == (Claim.REGION_EDITED, Basis.MEASURED)
    assert finding.supports is None
    assert finding.log10_lr is None
    assert finding.p_value == pytest.approx(1 / 401)
    assert finding.null_size == 400
    assert finding.calibration
    assert {"through-this-decoder-only", "re-encoding-destroys"} <= set(finding.limits)
    assert finding.details.phase == (5, 3)
    assert len(finding.details.overlay.tones) <= 64


def test_neither_an_untouched_nor_a_wholly_decoded_picture_is_called_edited_in_part(
    photograph, registered
):
    examiner = EditedRegionExaminer([registered])
    assert examiner.examine(png(photograph)) == ()
    assert examiner.examine(png(decoded(AUTOENCODER, photograph))) == ()


def test_each_registered_autoencoder_is_a_test(edited, registered):
    media = png(edited)
    (alone,) = EditedRegionExaminer([registered]).examine(media)
    first, _ = EditedRegionExaminer([registered, registered]).examine(media)
    assert first.p_value == pytest.approx(2 * alone.p_value)
    assert first.tests == 2 * alone.tests


def test_a_null_that_has_seen_as_much_silences_the_map(edited, tmp_path):
    seen = Registered(AUTOENCODER, map_null=kept(tmp_path, (-1.0,) * 397 + (1e3,) * 3))
    (finding,) = EditedRegionExaminer([seen]).examine(png(edited))
    assert finding.p_value == pytest.approx(4 / 401)
    seen = Registered(AUTOENCODER, map_null=kept(tmp_path, (-1.0,) * 396 + (1e3,) * 4))
    assert EditedRegionExaminer([seen]).examine(png(edited)) == ()


def test_a_null_is_measured_on_pictures_that_can_be_read(photograph, edited):
    flat = np.full((300, 300, 3), 90, np.uint8)
    pictures = [("art", flat), ("photos", photograph[:200, :200]), ("photos", edited)]
    null = calibrate_map(AUTOENCODER, pictures)
    assert null.sources == {"photos": 2}
    assert null.bound(null.surprises[-1]) == pytest.approx(2 / 3)
    assert null.bound(null.surprises[-1] + 1) == pytest.approx(1 / 3)
    assert null.surprises[-1] > 6 > null.surprises[0]


@pytest.mark.parametrize("other", [{"fingerprint": "1" * 64}, {"statistic": "other"}])
def test_a_null_of_other_weights_or_of_another_way_is_refused(tmp_path, other):
    with pytest.raises(InvalidConfiguration):
        read_region_null(kept(tmp_path, (0.0,), **other), AUTOENCODER.fingerprint)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff"])
def test_a_broken_null_is_refused(tmp_path, content):
    (tmp_path / "map.json").write_bytes(content)
    with pytest.raises(InvalidConfiguration):
        EditedRegionExaminer([Registered(AUTOENCODER, map_null=tmp_path / "map.json")])


def test_without_an_autoencoder_or_its_null_it_says_so(registered):
    examiner = EditedRegionExaminer([])
    assert "no autoencoder" in examiner.unavailable()
    assert examiner.tier is Tier.DEEP
    assert "map_null" in EditedRegionExaminer([Registered(AUTOENCODER)]).unavailable()
    assert EditedRegionExaminer([registered]).unavailable() is None


def test_nulls_that_are_too_small_to_speak_are_not_silent_about_it(registered, tmp_path):
    small = Registered(AUTOENCODER, map_null=kept(tmp_path, (0.0,) * 98))
    assert "99 pictures" in EditedRegionExaminer([small]).unavailable()
    enough = Registered(AUTOENCODER, map_null=kept(tmp_path, (0.0,) * 99))
    assert EditedRegionExaminer([enough]).unavailable() is None
    assert "499 pictures" in EditedRegionExaminer([registered] * 5).unavailable()


def test_an_entry_names_the_null_of_its_map(tmp_path, edited):
    pytest.importorskip("onnxruntime")
    weights = Path(__file__).parents[3] / "data" / "autoencoders" / "nearest8"
    for name in ("encoder.onnx", "decoder.onnx", "autoencoder.toml"):
        shutil.copy(weights / name, tmp_path)
    with (tmp_path / "autoencoder.toml").open("a") as entry:
        entry.write('map_null = "map.json"\n')
    fingerprint = read_autoencoder(tmp_path).autoencoder.fingerprint
    kept(tmp_path, (-1.0,) * 200, fingerprint=fingerprint)
    examiner = EditedRegionExaminer([read_autoencoder(tmp_path)])
    assert examiner.unavailable() is None
    assert fingerprint[:12] in examiner.version
    assert examiner.examine(png(edited[:200, :200])) == ()


def test_window_sums_are_those_of_the_plain_definition():
    values = np.random.default_rng(1).normal(size=(13, 11))
    sums = window_sums(values, 4)
    assert sums[6, 5] == pytest.approx(values[4:8, 3:7].sum())
    assert sums[0, 0] == pytest.approx(values[:2, :2].sum())


def test_scores_are_standardised_whatever_the_errors_are():
    errors = np.random.default_rng(2).lognormal(3, 2, size=(10, 6, 7))
    scores = normal_scores(errors)
    np.testing.assert_allclose(scores.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(scores.std(0), 1)
    np.testing.assert_array_equal(scores.argmax(0), errors.argmin(0))


def test_surprise_is_minus_the_log_of_a_tail():
    np.testing.assert_allclose(
        log_tail(np.array([[0.0, 1.6448536, 3.0902323]])), [[np.log10(2), -np.log10(0.05), 3]],
        rtol=1e-4,
    )  # fmt: skip
