from __future__ import annotations

import io
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.evidence.detectors.reconstruction.conftest import OWN, null_of

from lightkeeper.assessment import Origin, assess
from lightkeeper.assessment._limits import LIMITS
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Finding, Hypothesis, NotExamined, Tier
from lightkeeper.evidence.detectors.cards import Card, CardRefused, card_files
from lightkeeper.evidence.detectors.evaluation import Run, Setup, TrainedOn
from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    Abstention,
    GridRule,
    ReconstructionExaminer,
    Registered,
    attach_card,
    calibrate,
    read_autoencoder,
)
from lightkeeper.evidence.detectors.reconstruction._content import Stratum
from lightkeeper.evidence.detectors.reconstruction._form import PLAIN_CONTRAST
from lightkeeper.evidence.detectors.reconstruction._null import (
    Nulls,
    Own,
    least_size,
    read_nulls,
)
from lightkeeper.evidence.detectors.treatment import CONTROL_KINDS
from lightkeeper.media import open_media


def png(rgb):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return open_media(file.getvalue())


@pytest.fixture(scope="module")
def autoencoder8():
    from tests.evidence.detectors.reconstruction.conftest import projection

    return projection(8)


@pytest.fixture(scope="module")
def nulls(autoencoder8):
    from tests.evidence.detectors.reconstruction.conftest import textured

    pictures = [("drawn", textured(k)) for k in range(20, 30)]
    return calibrate(autoencoder8, pictures, forms=(QUICK,))


def known(*nulls):
    return Nulls(nulls)


@pytest.fixture
def large():
    return null_of(QUICK)


@pytest.fixture
def deep():
    return null_of(FULL)


def findings(told):
    return [each for each in told if isinstance(each, Finding)]


def reasons(told):
    return [each.reason for each in told if isinstance(each, NotExamined)]


def test_a_finding_says_through_which_decoder_and_never_who_made_it(
    autoencoder8, make_textured, through, deep
):
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    (finding,) = examiner.examine(png(through(autoencoder8, make_textured(1))[3:, 5:]))
    assert (finding.claim, finding.basis) == (Claim.DETECTOR_SCORE, Basis.MEASURED)
    assert finding.log10_lr is None
    assert finding.supports is None
    assert finding.details.phase == (5, 3)
    assert finding.details.parts == ()
    assert finding.p_value < 2e-3
    assert {"through-this-decoder-only", "no-card"} <= set(finding.limits)
    assert set(finding.limits) <= set(LIMITS)


def test_a_finding_tells_two_parts_whose_grids_begin_apart(
    autoencoder8, make_textured, through, deep
):
    picture = through(autoencoder8, make_textured(1))
    halves = np.concatenate([picture[3:-1, 5:205], picture[4:, 208:]], 1)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    (finding,) = examiner.examine(png(np.ascontiguousarray(halves)))
    assert {part.phase for part in finding.details.parts} == {(5, 3), (4, 0)}
    assert "may be put together" in finding.summary


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
    assert finding.p_value == pytest.approx(1 / 11)
    assert (finding.null_size, finding.calibration) == (10, nulls.nulls[0].id)
    strict = ReconstructionExaminer([Registered(autoencoder8, nulls)], alpha=0.01)
    (silent,) = strict.examine(media)
    assert "too few pictures of this kind" in silent.reason
    assert "needs 99" in str(strict.unavailable())


def test_each_registered_autoencoder_is_a_test(autoencoder8, make_textured, through, large):
    entry = Registered(autoencoder8, known(large))
    media = png(through(autoencoder8, make_textured(1)))
    (one,) = ReconstructionExaminer([entry, entry]).examine(media)
    (alone,) = ReconstructionExaminer([entry]).examine(media)
    assert one.tests == 2
    assert one.p_value == pytest.approx(2 * alone.p_value)


def test_scales_are_asked_as_far_as_the_null_allows(autoencoder8, make_textured, through):
    picture = through(autoencoder8, make_textured(1))
    for size, tests in ((99, 1), (198, 1), (199, 2), (9999, 2)):
        rule = GridRule(autoencoder8, null_of(FULL, size), FULL)
        judged = rule.judge(picture)
        assert rule.found(judged)
        assert judged.tests == tests
        assert judged.chance >= tests / (size + 1)
    # Two autoencoders are two tests: their null of 399 is one of 199.
    two = GridRule(autoencoder8, null_of(FULL, 399), FULL, among=2).judge(picture)
    assert (two.tests, two.null_size) == (2, 399)
    assert GridRule(autoencoder8, null_of(FULL, 98), FULL).judge(picture) is Abstention.NO_NULL


def test_pictures_without_the_grid_are_silent_and_those_without_texture_say_why(
    autoencoder8, make_textured, large
):
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(large))])
    assert examiner.examine(png(make_textured(2))) == ()
    (flat,) = examiner.examine(png(np.full((300, 300, 3), 9, np.uint8)))
    assert flat == NotExamined(
        "reconstruction",
        "It could not look for the grid of the decoder haar: too little of the picture has "
        "texture.",
    )
    (small,) = reasons(examiner.examine(png(make_textured(2)[:90, :90])))
    assert "too small" in small


def test_pixel_art_that_prefers_a_phase_is_no_finding_and_says_why(
    autoencoder8, make_textured, large
):
    rng = np.random.default_rng(1)
    art = rng.integers(40, 216, (60, 60, 3), np.uint8)
    replicated = np.ascontiguousarray(np.kron(art, np.ones((8, 8, 1), np.uint8))[3:, 5:])
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(large))])
    told = examiner.examine(png(replicated))
    assert findings(told) == []
    assert "repeating pixels" in " ".join(reasons(told))


def test_a_kind_of_picture_that_nobody_measured_is_not_judged_by_another(
    autoencoder8, make_textured, through, large
):
    (scale,) = large.scales
    flat = msgspec.structs.replace(scale, contrasts={Stratum.FLAT: (0.01,) * 9999})
    null = msgspec.structs.replace(large, scales=(flat,))
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(null))])
    told = examiner.examine(png(through(autoencoder8, make_textured(1))))
    assert findings(told) == []
    assert "too few pictures of this kind" in reasons(told)[0]


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
    deep = msgspec.structs.replace(null_of(FULL), seconds=2.5)
    examiner = ReconstructionExaminer([Registered(autoencoder8, known(deep))], deep=True)
    assert examiner.unavailable() is None


def with_own(null, **changes):
    scales = tuple(
        msgspec.structs.replace(each, own=msgspec.structs.replace(each.own, **changes))
        for each in null.scales
    )
    return msgspec.structs.replace(null, scales=scales)


def test_a_grid_fainter_than_the_decoders_own_at_that_excess_is_another_decoders(
    autoencoder8, make_textured, through, large
):
    media = png(through(autoencoder8, make_textured(1)))
    (finding,) = ReconstructionExaminer([Registered(autoencoder8, known(large))]).examine(media)
    assert finding.details.share == pytest.approx(
        finding.details.contrast / OWN.expected(finding.details.excess), rel=1e-3
    )
    for foreign in (
        with_own(large, level=3 * finding.details.contrast, slope=0.0),
        with_own(large, most_excess=finding.details.excess - 0.1),
        with_own(large, pictures=0),
    ):
        entry = Registered(autoencoder8, known(foreign))
        assert ReconstructionExaminer([entry]).examine(media) == ()


@given(st.floats(-5, 20), st.floats(0, 5), st.floats(0, 5), st.floats(0, 5))
def test_what_is_expected_falls_with_the_excess_and_never_below_what_could_be_found(
    excess, level, slope, most
):
    own = Own(pictures=40, level=level, slope=slope, most_excess=most, first_drop=0.1)
    assert own.expected(excess) >= 2 * PLAIN_CONTRAST
    assert own.expected(excess) >= own.expected(excess + 1)


def test_a_null_knows_what_the_decoders_own_grid_looks_like(nulls):
    (null,) = nulls.nulls
    assert null.most_seconds >= null.seconds > 0
    (scale,) = null.scales
    assert scale.own.pictures >= 8
    assert scale.own.slope >= 0
    assert scale.own.expected(0.0) > 10 * max(scale.contrasts[Stratum.CONTINUOUS])
    assert scale.own.expected(9.0) == scale.own.expected(scale.own.most_excess)
    assert scale.own.first_drop > 0.05


def test_of_two_decoders_that_are_found_the_one_that_leaves_less_error_is_named(
    autoencoder8, make_textured, through, large, deep
):
    other = replace(
        autoencoder8,
        name="other",
        function=lambda b: 0.9 * autoencoder8.function(b) + 0.1 * np.roll(b, 1, 2),
    )
    media = png(through(autoencoder8, make_textured(1))[3:, 5:])
    for null, is_deep in ((large, False), (deep, True)):
        lenient = with_own(null, level=0.05, most_excess=9.0)
        for order in ((autoencoder8, other), (other, autoencoder8)):
            entries = [Registered(each, known(lenient)) for each in order]
            (finding,) = ReconstructionExaminer(entries, deep=is_deep).examine(media)
            assert finding.details.autoencoder == autoencoder8.name
            (rival,) = finding.details.rivals
            assert rival.autoencoder == "other"
            assert rival.margin > 0.2


@pytest.fixture
def carded(tmp_path, autoencoder8, fabricate):
    """A null, and a card of the quick form in a folder: four of five pictures are found."""
    null = null_of(QUICK)
    rule = GridRule(autoencoder8, null, QUICK)
    rows = fabricate(
        generated={},
        photographs={"lake": [0.0] * 60, "street": [0.1] * 60},
        others={kind: [0.0] * 40 for kind in CONTROL_KINDS},
        pairs={"made": [2.3, 2.1, 2.0, 4.0, 0.0] * 24, "taken": [0.0] * 120},
    )
    setup = Setup(bar=rule.bar, crop=400, drawn_per_kind=40, resamples=60)
    card = Card.of(rule, Run(setup, TrainedOn(declared=True), "a" * 64, 0, rows))
    for name, content in card_files(card, rows).items():
        (tmp_path / name).write_bytes(content)
    return null, tmp_path, card


def test_with_a_passing_card_a_finding_weighs_for_generation(
    autoencoder8, make_textured, through, carded
):
    null, folder, card = carded
    assert card.may_say().likelihood_ratio, card.may_say().reasons
    entry = Registered(autoencoder8, known(null), cards=((folder, card.id),))
    media = png(through(autoencoder8, make_textured(1)))
    (finding,) = ReconstructionExaminer([entry]).examine(media)
    assert finding.supports is Hypothesis.GENERATED
    assert finding.calibration == card.id
    assert 1 < finding.log10_lr < 2
    assert not {"no-card", "card-refuses"} & set(finding.limits)
    result = assess([finding])
    assert result.origin is Origin.GENERATED
    # A second decoder that could have raised a false alarm halves the ratio.
    (among,) = ReconstructionExaminer([entry, entry]).examine(media)
    assert among.log10_lr == pytest.approx(finding.log10_lr - np.log10(2), abs=1e-5)


def test_a_card_that_is_not_the_entrys_is_refused(autoencoder8, carded):
    null, folder, card = carded
    with pytest.raises(CardRefused, match="not the one"):
        ReconstructionExaminer([Registered(autoencoder8, known(null), cards=((folder, "b" * 64),))])
    other = null_of(QUICK, 500)
    with pytest.raises(CardRefused, match="another null"):
        ReconstructionExaminer([Registered(autoencoder8, known(other), cards=((folder, card.id),))])
    # A card of one form says nothing about the other.
    deep = ReconstructionExaminer(
        [Registered(autoencoder8, known(null, null_of(FULL)), cards=((folder, card.id),))],
        deep=True,
    )
    assert "card" not in deep.version


def test_an_entry_names_its_cards_and_keeps_the_rest(tmp_path):
    (tmp_path / "e").write_bytes(b"1")
    (tmp_path / "d").write_bytes(b"2")
    text = '# ours\nname="a"\nlicence="x"\nencoder="e"\ndecoder="d"\n'
    (tmp_path / "autoencoder.toml").write_text(text)
    attach_card(tmp_path, tmp_path / "card", "1" * 64)
    attach_card(tmp_path / "autoencoder.toml", tmp_path / "card-quick", "2" * 64)
    attach_card(tmp_path, tmp_path / "card", "3" * 64)
    assert (tmp_path / "autoencoder.toml").read_text().startswith(text)
    assert read_autoencoder(tmp_path).cards == (
        (tmp_path / "card-quick", "2" * 64),
        (tmp_path / "card", "3" * 64),
    )


def written(folder, document):
    (folder / "nulls.json").write_bytes(msgspec.json.encode(document))
    return folder / "nulls.json"


def test_one_file_holds_the_nulls_of_both_forms(tmp_path, large):
    deep = null_of(FULL)
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
def test_a_null_one_picture_too_small_is_said_and_the_next_size_speaks(autoencoder8, number, least):
    assert least_size(0.01, number) == least
    for size in (least - 1, least):
        null = null_of(QUICK, size)
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


def test_a_deep_look_that_may_take_longer_than_a_file_may_is_said(autoencoder8):
    deep = msgspec.structs.replace(null_of(FULL), most_seconds=12.0)
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
