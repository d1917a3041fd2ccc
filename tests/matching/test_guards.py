from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.hashing import pdq_of_rgb
from lightkeeper.matching import Entry, HashSet
from lightkeeper.matching._corpus import BenignCorpus
from lightkeeper.matching._guards import FloodGuard, check_batch, check_entry
from lightkeeper.matching._ports import HourlyCount
from lightkeeper.testing import photo_like, synthetic_like

BUOYS = HashSet(name="buoys", owner="Harbour Office", purpose="floating")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def picture(seed: int) -> str:
    return pdq_of_rgb(photo_like(seed, width=128, height=128)).hex


def flipped(value: str, *positions: int) -> str:
    bits = int(value, 16)
    for position in positions:
        bits ^= 1 << position
    return f"{bits:064x}"


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_of_a_picture_may_enter(seed: int) -> None:
    assert check_entry(Entry(kind="pdq", value=picture(seed), quality=100), BUOYS) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "empty-value"),
        ("0f" * 31, "wrong-length"),
        ("0f" * 33, "wrong-length"),
        ("0F" * 32, "not-hexadecimal"),
        ("0g" * 32, "not-hexadecimal"),
        ("٠" * 64, "not-hexadecimal"),
        ("0" * 64, "not-128-ones"),
        ("f" * 64, "not-128-ones"),
        ("0f" * 32, "regular-pattern"),
        ("0123456789abcdef" * 4, "regular-pattern"),
        ("f" * 32 + "0" * 32, "regular-pattern"),
        (("ff" * 8 + "00" * 8) * 2, "regular-pattern"),
    ],
)
def test_a_hash_that_no_picture_gives_is_refused(value: str, reason: str) -> None:
    assert check_entry(Entry(kind="pdq", value=value), BUOYS) == reason


def test_a_hash_has_128_ones_or_one_more_or_fewer_unless_more_are_granted() -> None:
    value = picture(1)
    ones = [i for i in range(256) if int(value, 16) >> i & 1]
    zeros = [i for i in range(256) if not int(value, 16) >> i & 1]
    values = [flipped(value, *places[:n]) for places in (ones, zeros) for n in range(4)]
    entries = [Entry(kind="pdq", value=v) for v in values]
    unbalanced = "not-128-ones"
    assert check_batch(entries, BUOYS) == [None, None, unbalanced, unbalanced] * 2
    assert check_batch(entries, BUOYS, ones_off=0) == [None, *[unbalanced] * 3] * 2
    assert check_batch(entries, BUOYS, ones_off=2) == [None, None, None, unbalanced] * 2


@pytest.mark.shared
def test_a_public_list_begins_with_hashes_of_pictures_and_ends_with_altered_ones(
    shared: Path,
) -> None:
    values = (shared / "pdq" / "haystack.txt").read_text().split()
    entries = [Entry(kind="pdq", value=value) for value in values]
    reasons = check_batch(entries, BUOYS)
    assert set(reasons[:1001]) == {None}
    assert reasons[1001:].count("not-128-ones") == 266
    assert set(check_batch(entries, BUOYS, ones_off=16)) == {None}


@pytest.mark.parametrize(
    ("quality", "reason"), [(None, None), (50, None), (49, "low-quality"), (0, "low-quality")]
)
def test_quality_reaches_the_sets_minimum_where_it_is_stated(
    quality: int | None, reason: str | None
) -> None:
    entry = Entry(kind="pdq", value=picture(2), quality=quality)
    assert check_entry(entry, BUOYS) == reason


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("content", [b"", b"\0", b"\n", b"\0" * 4096])
def test_digests_of_nothing_are_refused_except_in_a_negative_set(kind: str, content: bytes) -> None:
    entry = Entry(kind=kind, value=hashlib.new(kind, content).hexdigest())
    assert check_entry(entry, BUOYS) == "famous-junk"
    assert check_entry(entry, replace(BUOYS, negative=True)) is None


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("md5", "ab" * 16, "regular-pattern"),
        ("md5", "ab" * 20, "wrong-length"),
        ("sha1", "0" * 40, "regular-pattern"),
        ("sha256", hashlib.sha256(b"a lighthouse").hexdigest(), None),
        ("sha256", hashlib.sha256(b"a lighthouse").hexdigest().upper(), "not-hexadecimal"),
        ("photodna", "1,2,3", None),
        ("photodna", "  ", "empty-value"),
        ("photodna", "1" * 100_001, "too-long"),
    ],
)
def test_digests_and_opaque_values_have_a_form(kind: str, value: str, reason: str | None) -> None:
    assert check_entry(Entry(kind=kind, value=value), BUOYS) == reason


_VALUES = st.one_of(
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.permutations([0, 1] * 128).map(lambda bits: f"{int(''.join(map(str, bits)), 2):064x}"),
    st.sampled_from(["0" * 64, "0f" * 32, "", "xy" * 32]),
    st.text(max_size=70),
)
_ENTRIES = st.builds(
    Entry,
    kind=st.sampled_from(["pdq", "md5", "sha1", "sha256", "photodna"]),
    value=_VALUES,
    quality=st.none() | st.integers(0, 100),
)


@given(st.lists(_ENTRIES, max_size=12), st.booleans())
def test_a_batch_is_judged_as_its_entries_are(entries: list[Entry], negative: bool) -> None:
    hash_set = replace(BUOYS, negative=negative)
    assert check_batch(entries, hash_set) == [check_entry(entry, hash_set) for entry in entries]


def test_an_entry_near_a_benign_picture_is_refused(tmp_path: Path) -> None:
    own = synthetic_like(3, width=256, height=256)
    Image.fromarray(own).save(tmp_path / "harbour.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    corpus = BenignCorpus.drawn().with_folder(tmp_path)
    value = pdq_of_rgb(own).hex
    ones = [i for i in range(256) if int(value, 16) >> i & 1]
    zeros = [i for i in range(256) if not int(value, 16) >> i & 1]
    near = flipped(value, *ones[:15], *zeros[:15])
    far = flipped(value, *ones[:16], *zeros[:16])
    entries = [Entry(kind="pdq", value=v) for v in (value, near, far)]
    entries.append(Entry(kind="md5", value="ab" * 16))
    collides = "collides-with-benign"
    assert corpus.check_batch(entries, BUOYS) == [collides, collides, None, None]
    narrow = replace(BUOYS, radius_bits=29)
    assert corpus.check_batch(entries, narrow) == [collides, None, None, None]
    assert corpus.check_batch(entries, replace(BUOYS, negative=True)) == [None] * 4
    assert corpus.check_batch([], BUOYS) == []


def test_the_drawn_corpus_holds_patterns_and_spares_photographs() -> None:
    corpus = BenignCorpus.drawn()
    assert len(corpus) > 150
    photographs = [Entry(kind="pdq", value=picture(seed)) for seed in range(20)]
    assert corpus.check_batch(photographs, BUOYS) == [None] * 20


@pytest.mark.shared
def test_the_drawn_corpus_spares_hashes_of_real_pictures(shared: Path) -> None:
    values = (shared / "pdq" / "haystack.txt").read_text().split()
    entries = [Entry(kind="pdq", value=value) for value in values if len(value) == 64]
    assert len(entries) > 1000
    assert set(BenignCorpus.drawn().check_batch(entries, BUOYS)) == {None}


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="none that can be read"):
        BenignCorpus.drawn().with_folder(tmp_path)
    with pytest.raises(InvalidConfiguration, match="not a folder"):
        BenignCorpus.drawn().with_folder(tmp_path / "absent")


def history(*hours: tuple[int, int]) -> list[HourlyCount]:
    """Hours that end with the one that began at noon."""
    first = NOON - HOUR * (len(hours) - 1)
    return [HourlyCount(first + HOUR * i, *counts) for i, counts in enumerate(hours)]


@pytest.mark.parametrize(
    ("hours", "floods"),
    [
        ([(10, 10_000)] * 8 + [(150, 10_000)], True),
        ([(10, 10_000)] * 8 + [(90, 1_000)], False),
        ([(10, 10_000)] * 8 + [(100, 10_000)], False),
        ([(0, 10_000)] * 8 + [(120, 10_000)], True),
        ([(10, 10_000)] * 7 + [(9_000, 10_000)] + [(150, 10_000)], True),
        ([(10, 10_000)] * 5 + [(500, 1_000)], False),
        ([(1, 10)] * 50 + [(500, 1_000)], False),
        ([(10, 10_000)] * 8 + [(1_500, 1_000_000)], False),
        ([(10, 10_000)] * 8 + [(5_000, 10_000), (3, 5)], True),
        ([], False),
    ],
)
def test_a_set_floods_where_it_matches_many_times_its_usual_rate(
    hours: list[tuple[int, int]], floods: bool
) -> None:
    reason = FloodGuard().flood(history(*hours), now=NOON + HOUR / 2)
    assert (reason is not None) == floods


def test_a_flood_is_told_in_figures() -> None:
    hours = history(*[(10, 10_000)] * 8, (200, 10_000))
    reason = FloodGuard().flood(hours, now=NOON)
    assert reason == (
        "200 of its entries matched in an hour of 10000 look-ups, 20 times its usual rate"
    )


def test_a_flood_of_yesterday_is_none_today() -> None:
    hours = history(*[(10, 10_000)] * 8, (5_000, 10_000))
    assert FloodGuard().flood(hours, now=NOON + 2 * HOUR) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(100, 10_000)), max_size=30))
def test_a_steady_set_never_floods(rates: list[tuple[int, int]]) -> None:
    hours = history(*[(min(matches, lookups), lookups) for matches, lookups in rates])
    assert FloodGuard().flood(hours, now=NOON) is None


def test_order_of_random_hashes_changes_no_verdict() -> None:
    rng = random.Random(5)
    entries = [Entry(kind="pdq", value=rng.randbytes(32).hex()) for _ in range(200)]
    shuffled = rng.sample(range(200), 200)
    verdicts = check_batch(entries, BUOYS)
    assert check_batch([entries[i] for i in shuffled], BUOYS) == [verdicts[i] for i in shuffled]
