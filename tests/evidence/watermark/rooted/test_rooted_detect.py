from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence import Basis, Claim
from lightkeeper.evidence.watermark.rooted import (
    Look,
    MarkKey,
    MarkSecret,
    RootedMarkExaminer,
    RootedReader,
    calibrated_keys,
    detect,
    identify,
    identify_among,
)
from lightkeeper.evidence.watermark.rooted._pair import pair_chance, pair_scores
from lightkeeper.evidence.watermark.rooted._statistics import agreement, chance, soft_bits
from lightkeeper.media import open_media


def _look(logits) -> Look:
    return Look(logits=np.asarray(logits, np.float32), scale=1.0, mirrored=False, tiles=9)


def test_it_finds_the_key_that_marked_and_no_other(reader, keys, pictures):
    for place in (0, 1):
        found = detect(reader.look(pictures[f"marked-{place}"]), keys)
        assert [r.present for r in found] == [place == 0, place == 1]
        assert found[place].matches >= 44
        assert found[place].tests == 16
    assert not any(r.present for r in detect(reader.look(pictures["plain"]), keys))


def test_it_survives_a_smaller_recompressed_mirrored_copy(reader, keys, pictures):
    small = Image.fromarray(pictures["marked-0"]).resize((224, 224))
    buffer = io.BytesIO()
    small.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(buffer, "JPEG", quality=80)
    reading = detect(reader.look(np.asarray(Image.open(buffer))), keys[:1])[0]
    assert reading.present
    assert reading.mirrored
    assert reading.scale == 0.7


@pytest.mark.parametrize(("size", "turn"), [(0.83, 0), (0.6, 0), (1.3, 0), (1.0, 8), (0.86, -7)])
def test_a_search_finds_sizes_and_turns_between_those_of_its_list(
    reader, keys, pictures, size, turn
):
    picture = Image.fromarray(pictures["marked-1"]).rotate(turn, Image.Resampling.BICUBIC)
    side = round(picture.width * size)
    rgb = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
    found = detect(reader.search(rgb, keys), keys)
    assert [r.present for r in found] == [False, True]
    # Fifteen sizes, three turns, two sides, two keys.
    assert found[0].tests == 15 * 3 * 2 * 2


def test_a_search_counts_what_it_could_have_looked_at(reader, keys, pictures):
    looks = reader.search(pictures["plain"], keys)
    every = reader.search(pictures["plain"], keys, thorough=True)
    assert sum(look.tests for look in looks) == sum(look.tests for look in every) == len(every)
    assert len(looks) < len(every) / 5
    by_view = {(look.scale, look.turn, look.mirrored): look.logits for look in every}
    for look in looks:
        np.testing.assert_array_equal(by_view[look.scale, look.turn, look.mirrored], look.logits)
    assert not any(r.present for r in detect(looks, keys))
    assert reader.search(np.zeros((16, 16, 3), np.uint8), keys) == ()


def test_a_picture_without_a_whole_tile_has_no_reading(reader, keys):
    looks = reader.look(np.zeros((16, 16, 3), np.uint8))
    assert looks == ()
    assert detect(looks, keys) == ()
    assert identify(looks, keys) is None


def test_a_flat_picture_carries_nothing(reader, keys):
    for value in (0, 128, 255):
        readings = detect(reader.look(np.full((256, 256, 3), value, np.uint8)), keys)
        assert not any(r.present for r in readings)


def test_a_damaged_extractor_is_an_error_that_tells_nothing():
    pytest.importorskip("onnxruntime")
    with pytest.raises(EvidenceError) as caught:
        RootedReader(b"secret weights").look(np.zeros((64, 64, 3), np.uint8))
    assert "secret weights" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_large_pictures_cost_no_more_tiles(reader, pictures):
    large = np.tile(pictures["plain"], (5, 5, 1))
    assert max(look.tiles for look in reader.look(large)) == 121


def test_the_mirrored_look_is_the_look_at_the_mirrored_picture(reader, pictures):
    rgb = pictures["marked-0"]
    _, mirrored = reader.look(rgb, scales=(1.0,))
    (direct,) = reader.look(rgb[:, ::-1], scales=(1.0,), mirrored=(False,))
    # Its tiles begin one place later, so it is close and not equal.
    assert np.corrcoef(direct.logits, mirrored.logits)[0, 1] > 0.98


def test_chance_is_exact_where_it_can_be_counted():
    soft = soft_bits(np.ones(48))
    # 48 equal bits: the binomial law, by its saddlepoint.
    assert chance(48 / 48**0.5, soft) == pytest.approx(2.0**-48)
    assert chance(34 / 48**0.5, soft) == pytest.approx(1.9e-7, rel=0.5)
    assert chance(0.0, soft) == pytest.approx(0.5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_chance_of_random_keys_is_uniform_enough(seed):
    rng = np.random.default_rng(seed)
    soft = soft_bits(rng.normal(size=48) * rng.uniform(0.1, 3, 48))
    signs = rng.integers(0, 2, (4000, 48)) * 2.0 - 1
    totals = agreement(soft, signs)
    for level in (1.0, 2.0):
        seen = float((totals >= level).mean())
        assert seen == pytest.approx(chance(level, soft), abs=0.03)


def test_a_key_that_photographs_resemble_is_drawn_again(monkeypatch):
    from lightkeeper.evidence.watermark.rooted import _secret

    bad, good = bytes.fromhex("ffff0000ff00"), bytes.fromhex("5a3c96e1f00d")
    monkeypatch.setattr(_secret.secrets, "token_bytes", _handed([bad, good, bad]))
    looks = [_look(MarkKey(label="x", bits=bad).signs())] * 4
    assert MarkKey.draw("copy", looks=looks).bits == good
    # Without looks nothing is known against it.
    assert MarkKey.draw("copy").bits == bad


def _handed(drawn):
    left = list(drawn)
    return lambda _: left.pop(0)


def test_chance_of_random_pairs_is_uniform_enough():
    rng = np.random.default_rng(3)
    soft = soft_bits(rng.normal(size=48))
    signs = rng.integers(0, 2, (200, 48)) * 2.0 - 1
    scores = pair_scores(soft, signs)
    assert scores[3, 5] == pytest.approx(scores[5, 3])
    shared = signs[3] == signs[5]
    by_hand = np.where(shared, soft * signs[3], 0.1 - np.abs(soft)).sum()
    assert scores[3, 5] == pytest.approx(by_hand)
    one, other = rng.integers(0, 2, (2, 8000, 48)) * 2.0 - 1
    drawn = np.where(one == other, soft * one, 0.1 - np.abs(soft)).sum(1)
    for share in (0.3, 0.05, 0.01):
        level = float(np.quantile(drawn, 1 - share))
        assert pair_chance(level, soft) == pytest.approx(share, rel=0.4)


def test_two_averaged_copies_of_a_thousand_are_both_named_and_one_is_named_alone():
    rng = np.random.default_rng(9)
    bits = rng.integers(0, 256, (1000, 6)).astype(np.uint8)
    one, other = (np.unpackbits(b).astype(float) * 2 - 1 for b in bits[[17, 400]])
    noise = rng.normal(size=48) * 0.1
    assert identify_among([_look((one + other) / 2 + noise)], bits).copies == (17, 400)
    assert identify_among([_look(one + noise)], bits).copies == (17,)
    assert identify_among([_look(rng.normal(size=48))], bits).copies == ()


def test_one_loud_bit_does_not_decide():
    logits = np.full(48, 0.1)
    logits[0] = -1e6
    assert soft_bits(logits)[0] == pytest.approx(-2.2 * soft_bits(logits)[1])


def test_calibration_never_makes_a_key_more_certain(keys):
    rng = np.random.default_rng(5)
    signs = keys[0].signs()
    # Pictures that lean towards the key.
    logits = rng.normal(size=(400, 48)) + 0.25 * signs
    looks = [_look(row) for row in logits]
    told = calibrated_keys(keys, looks)
    assert told[0].calibration is not None
    assert told[0].calibration.mean > 1
    look = _look(signs * 1.0 + rng.normal(size=48) * 0.3)
    bare, calibrated = detect([look], keys[:1])[0], detect([look], told[:1])[0]
    assert calibrated.p_value > bare.p_value
    assert calibrated.null_size == 400
    quiet = calibrated_keys(keys[:1], [_look(rng.normal(size=48)) for _ in range(400)])[0]
    assert quiet.calibration is not None
    assert quiet.calibration.p_value(1e-6) >= 1e-6


def test_too_few_looks_calibrate_nothing(keys):
    with pytest.raises(InvalidConfiguration, match="too few"):
        calibrated_keys(keys, [_look(np.ones(48))] * 99)


def test_it_names_one_copy_two_mixed_ones_or_none(keys):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (200_000, 6), dtype=np.uint8)
    signs = np.unpackbits(bits[[70_001, 123]], axis=1) * 2.0 - 1
    one = identify_among([_look(signs[0] + rng.normal(size=48) * 0.2)], bits)
    assert one is not None
    assert one.copies == (70_001,)
    assert one.tests == 200_000
    none = identify_among([_look(rng.normal(size=48))], bits)
    assert none is not None
    assert none.copies == ()
    assert none.best_p > 1e-3
    few = np.stack([np.frombuffer(key.bits, np.uint8) for key in keys])
    own = np.stack([key.signs() for key in keys])
    mixed = identify_among([_look(own.mean(0) * 2 + rng.normal(size=48) * 0.15)], few, alpha=1e-3)
    assert mixed is not None
    assert set(mixed.copies) == {0, 1}


def test_a_key_that_resembles_another_is_not_taken_for_a_second_copy():
    first = np.frombuffer(bytes.fromhex("ffff00ff00aa"), np.uint8)
    near = first.copy()
    near[0] ^= 0b111
    signs = np.unpackbits(first) * 2.0 - 1
    found = identify_among([_look(signs)], np.stack([first, near]), alpha=1e-3)
    assert found is not None
    assert found.copies == (0,)


def test_a_finding_says_what_was_seen_and_no_secret(extractor, keys, pictures, tmp_path):
    secret = MarkSecret(name="studio", extractor=extractor, keys=keys, copied=0.0)
    path = tmp_path / "picture.png"
    Image.fromarray(pictures["marked-0"]).save(path)
    findings = RootedMarkExaminer(secret).examine(open_media(path))
    assert [f.claim for f in findings] == [Claim.CARRIES_MARK]
    assert findings[0].basis is Basis.SECRET_MARK
    assert "key-is-not-calibrated" in findings[0].limits
    assert keys[0].bits.hex() not in repr(findings)
    shown = RootedMarkExaminer(
        MarkSecret(name="shown", extractor=extractor, keys=keys, demonstration=True)
    )
    assert shown.examine(open_media(path))[0].basis is Basis.PUBLIC_MARK


@pytest.mark.parametrize("copied", [None, 0.82])
def test_a_mark_that_can_be_copied_is_worth_a_public_one(
    extractor, keys, pictures, tmp_path, copied
):
    secret = MarkSecret(name="studio", extractor=extractor, keys=keys, copied=copied)
    path = tmp_path / "picture.png"
    Image.fromarray(pictures["marked-0"]).save(path)
    finding = RootedMarkExaminer(secret).examine(open_media(path))[0]
    assert finding.basis is Basis.PUBLIC_MARK
    assert "mark-can-be-copied" in finding.limits


def test_without_a_key_it_is_unavailable(extractor):
    reason = RootedMarkExaminer(MarkSecret(name="x", extractor=extractor)).unavailable()
    assert reason == "the secret file holds no key"


def test_reprs_hold_no_secret(keys):
    secret = MarkSecret(name="x", extractor=b"WEIGHTS", keys=keys)
    assert "WEIGHTS" not in repr(secret)
    assert repr(keys[0].bits) not in repr(secret) + repr(keys)
    assert isinstance(keys[0], MarkKey)
