from __future__ import annotations

import io
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image

from lightkeeper.assessment._limits import LIMITS
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Tier
from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    ReconstructionExaminer,
    Registered,
    calibrate,
    read_autoencoder,
)
from lightkeeper.evidence.detectors.reconstruction._null import (
    STATISTIC,
    Null,
    Nulls,
    least_size,
    read_nulls,
)
from lightkeeper.media import open_media


def png(rgb):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return open_media(file.getvalue())


@pytest.fixture(scope="module")
def autoencoder8():
    from tests.evidence.detectors.reconstruction.conftest import projection

    return projection(8)


@pytest.fixture
def nulls(autoencoder8, make_textured):
    pictures = [("drawn", make_textured(k)) for k in range(20, 24)]
    return calibrate(autoencoder8, pictures, forms=(QUICK,))


def known(*nulls):
    return Nulls(nulls)


@pytest.fixture
def large(autoencoder8):
    """A null large enough for small chances."""
    return Null(
        fingerprint=autoencoder8.fingerprint,
        statistic=STATISTIC,
        form="quick",
        scales=(1.0,),
        contrasts=(0.01,) * 9999,
    )


def test_a_finding_says_through_which_decoder_and_never_who_made_it(
    autoencoder8, make_textured, through, large
):
    deep = msgspec.structs.replace(large, form="full", scales=FULL.scales)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    (finding,) = examiner.examine(png(through(autoencoder8, make_textured(1))[3:, 5:]))
    assert (finding.claim, finding.basis) == (Claim.DETECTOR_SCORE, Basis.MEASURED)
    assert finding.log10_lr is None
    assert finding.supports is None
    assert finding.details.phase == (5, 3)
    assert finding.details.parts == ()
    assert finding.p_value < 2e-3
    assert "through-this-decoder-only" in finding.limits
    assert set(finding.limits) <= set(LIMITS)


def test_a_finding_tells_two_parts_whose_grids_begin_apart(
    autoencoder8, make_textured, through, large
):
    deep = msgspec.structs.replace(large, form="full", scales=FULL.scales)
    picture = through(autoencoder8, make_textured(1))
    halves = np.concatenate([picture[3:-1, 5:205], picture[4:, 208:]], 1)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    (finding,) = examiner.examine(png(np.ascontiguousarray(halves)))
    assert {part.phase for part in finding.details.parts} == {(5, 3), (4, 0)}
    assert "may be put together" in finding.summary
    strict = msgspec.structs.replace(deep, own=10 * finding.details.contrast)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(strict))], deep=True)
    assert examiner.examine(png(np.ascontiguousarray(halves))) == ()


def test_the_quick_form_claims_no_phase(autoencoder8, make_textured, through, large):
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(large))])
    (finding,) = examiner.examine(png(through(autoencoder8, make_textured(1))))
    assert finding.details.phase is None
    assert "row" not in finding.summary


def test_a_calibrated_null_bounds_the_chance_from_below(
    autoencoder8, make_textured, through, nulls
):
    examiner = ReconstructionExaminer([Registered(autoencoder8, nulls)], alpha=0.3)
    media = png(through(autoencoder8, make_textured(1)))
    (finding,) = examiner.examine(media)
    assert finding.p_value == pytest.approx(1 / 5)
    assert (finding.null_size, finding.calibration) == (4, nulls.nulls[0].id)
    strict = ReconstructionExaminer([Registered(autoencoder8, nulls)], alpha=0.01)
    assert strict.examine(media) == ()
    assert "needs 99" in str(strict.unavailable())


def test_each_registered_autoencoder_is_a_test(autoencoder8, make_textured, through, large):
    entry = Registered(autoencoder8, known(large))
    media = png(through(autoencoder8, make_textured(1)))
    first, _ = ReconstructionExaminer([entry, entry]).examine(media)
    (alone,) = ReconstructionExaminer([entry]).examine(media)
    assert first.tests == 2
    assert first.p_value == pytest.approx(2 * alone.p_value)


def test_pictures_without_the_grid_and_pictures_without_texture_get_no_finding(
    autoencoder8, make_textured, nulls
):
    examiner = ReconstructionExaminer([Registered(autoencoder8, nulls)], alpha=0.01)
    assert examiner.examine(png(make_textured(2))) == ()
    assert examiner.examine(png(np.full((300, 300, 3), 9, np.uint8))) == ()


def test_without_an_autoencoder_it_says_so_and_runs_nothing():
    examiner = ReconstructionExaminer.from_files([])
    assert "no autoencoder is registered" in str(examiner.unavailable())
    assert examiner.tier is Tier.MODEL
    assert ReconstructionExaminer.from_files([], deep=True).tier is Tier.DEEP


def test_without_a_null_of_the_same_form_it_claims_nothing(autoencoder8, large):
    for examiner in (
        ReconstructionExaminer([Registered(autoencoder8)]),
        ReconstructionExaminer([Registered(autoencoder8, known(large))], deep=True),
    ):
        assert "has a null" in str(examiner.unavailable())
    assert ReconstructionExaminer([Registered(autoencoder8, known(large))]).unavailable() is None


def test_an_autoencoder_that_costs_much_is_left_to_the_deep_tier(autoencoder8, large):
    slow = msgspec.structs.replace(large, seconds=2.5)
    assert "tier deep" in str(
        ReconstructionExaminer([Registered(autoencoder8, known(slow))]).unavailable()
    )
    assert slow.id == large.id
    deep = msgspec.structs.replace(slow, form="full", scales=FULL.scales)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    assert examiner.unavailable() is None


def test_the_quick_form_is_silent_on_a_grid_much_fainter_than_the_decoders_own(
    autoencoder8, make_textured, through, large
):
    media = png(through(autoencoder8, make_textured(1)))
    (finding,) = ReconstructionExaminer([Registered(autoencoder8, known(large))]).examine(media)
    foreign = msgspec.structs.replace(large, own=5 * finding.details.contrast)
    assert ReconstructionExaminer([Registered(autoencoder8, known(foreign))]).examine(media) == ()


def test_a_null_knows_what_the_decoders_own_grid_looks_like(nulls):
    (null,) = nulls.nulls
    assert null.most_seconds >= null.seconds > 0
    assert null.own > 10 * max(null.contrasts)
    assert null.own > 0.3


def test_an_autoencoder_that_shows_anothers_grid_faintly_is_not_named(
    autoencoder8, make_textured, through, large
):
    other = replace(
        autoencoder8,
        name="other",
        function=lambda b: 0.7 * autoencoder8.function(b) + 0.3 * np.roll(b, 1, 2),
    )
    media = png(through(autoencoder8, make_textured(1)))
    found = ReconstructionExaminer(
        [Registered(autoencoder8, known(large)), Registered(other, known(large))]
    ).examine(media)
    assert [finding.details.autoencoder for finding in found] == [autoencoder8.name]


def written(folder, document):
    (folder / "nulls.json").write_bytes(msgspec.json.encode(document))
    return folder / "nulls.json"


def test_one_file_holds_the_nulls_of_both_forms(tmp_path, large):
    deep = msgspec.structs.replace(large, form="full", scales=FULL.scales, own=0.5)
    nulls = read_nulls(written(tmp_path, known(large, deep)), large.fingerprint)
    assert (nulls.of(QUICK), nulls.of(FULL)) == (large, deep)
    assert nulls.of(replace(FULL, scales=(1.0,))) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [({"fingerprint": "1" * 64}, "other weights"), ({"statistic": "lattice"}, "another version")],
)
def test_nulls_that_were_measured_otherwise_are_refused(tmp_path, large, change, words):
    path = written(tmp_path, known(msgspec.structs.replace(large, **change)))
    with pytest.raises(InvalidConfiguration, match=words) as caught:
        read_nulls(path, large.fingerprint)
    assert "detector calibrate" in str(caught.value.hint)


def test_a_file_of_one_null_as_it_was_before_is_refused_with_a_hint(tmp_path, large):
    with pytest.raises(InvalidConfiguration, match="holds no nulls") as caught:
        read_nulls(written(tmp_path, large), large.fingerprint)
    assert "both forms anew" in str(caught.value.hint)


@pytest.mark.parametrize(("number", "least"), [(1, 99), (2, 199), (3, 299)])
def test_a_null_one_picture_too_small_is_said_and_the_next_size_speaks(
    autoencoder8, large, number, least
):
    assert least_size(0.01, number) == least
    for size in (least - 1, least):
        null = msgspec.structs.replace(large, contrasts=(0.01,) * size)
        entries = [Registered(autoencoder8, known(null))] * number
        examiner = ReconstructionExaminer(entries)
        told = examiner.unavailable()
        if size < least:
            assert told is not None
            assert f"needs {least}" in told
            assert len(examiner.cautions(10)) == number
        else:
            assert told is None
            assert examiner.cautions(10) == ()


def test_a_deep_look_that_may_take_longer_than_a_file_may_is_said(autoencoder8, large):
    deep = msgspec.structs.replace(large, form="full", scales=FULL.scales, most_seconds=12.0)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    (caution,) = examiner.cautions(10.0)
    assert "12 CPU seconds" in caution
    assert "limits.max_seconds" in caution
    assert examiner.cautions(15.0) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing required field"),
        ("name = 3", "str"),
        ('name="a"\nlicence="x"\nencoder="e"\ndecoder="d"\nsurprise=1', "surprise"),
        ('name="a"\nlicence="x"\nencoder="e"\ndecoder="d"\ngrid=7', "grid must be"),
        ('name="a"\nlicence="x"\nencoder="e"\ndecoder="d"', "cannot read"),
        ("=", "autoencoder.toml"),
    ],
)
def test_a_wrong_entry_is_refused_in_words(tmp_path, text, words):
    (tmp_path / "autoencoder.toml").write_text(text)
    with pytest.raises(InvalidConfiguration, match=words):
        read_autoencoder(tmp_path)


def test_weights_other_than_those_pinned_are_refused(tmp_path):
    (tmp_path / "e").write_bytes(b"1")
    (tmp_path / "d").write_bytes(b"2")
    entry = 'name="a"\nlicence="x"\nencoder="e"\ndecoder="d"\n'
    (tmp_path / "autoencoder.toml").write_text(entry + f'sha256="{"0" * 64}"\n')
    with pytest.raises(InvalidConfiguration, match="not the ones"):
        read_autoencoder(tmp_path)
    (tmp_path / "autoencoder.toml").write_text(entry)
    before = read_autoencoder(tmp_path).autoencoder.fingerprint
    assert read_autoencoder(tmp_path).autoencoder.lattice
    (tmp_path / "autoencoder.toml").write_text(entry + "lattice = false\n")
    assert not read_autoencoder(tmp_path).autoencoder.lattice
    (tmp_path / "d").write_bytes(b"3")
    assert read_autoencoder(tmp_path).autoencoder.fingerprint != before
