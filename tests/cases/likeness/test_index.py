from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases import Member
from lightkeeper.cases.likeness import PictureIndex

HASH = st.binary(min_size=32, max_size=32)


def _member(name: str, pdq: bytes, quality: int = 100) -> Member:
    return Member(item=name, case=name, cluster=name, pdq=pdq.hex(), pdq_quality=quality)


def _bits(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def _flipped(pdq: bytes, bits: int) -> bytes:
    return (int.from_bytes(pdq, "big") ^ ((1 << bits) - 1)).to_bytes(32, "big")


@given(st.lists(HASH, min_size=1, max_size=40), st.integers(0, 60), st.data())
def test_it_finds_what_comparing_with_each_finds(
    hashes: list[bytes], bits: int, data: st.DataObject
) -> None:
    query = _flipped(data.draw(st.sampled_from(hashes)), bits)
    index = PictureIndex()
    index.feed((n + 1, _member(str(n), pdq)) for n, pdq in enumerate(hashes))
    distances = [_bits(query, pdq) for pdq in hashes]
    nearest = min(range(len(hashes)), key=lambda n: (distances[n], n))
    expected = str(nearest) if distances[nearest] <= 31 else None
    assert index.nearest(query.hex()) == expected


@given(HASH)
def test_thirty_one_bits_join_and_thirty_two_do_not(pdq: bytes) -> None:
    index = PictureIndex()
    index.feed([(1, _member("umbrella", pdq))])
    assert index.nearest(_flipped(pdq, 31).hex()) == "umbrella"
    assert index.nearest(_flipped(pdq, 32).hex()) is None
    assert index.nearest(_flipped(pdq, 256).hex()) is None


def test_only_the_first_picture_stands_for_a_cluster() -> None:
    first = bytes(32)
    second = Member("b", "b", "umbrella", _flipped(first, 31).hex(), 100)
    index = PictureIndex()
    index.feed([(1, _member("umbrella", first)), (2, second)])
    assert index.nearest(_flipped(first, 40).hex()) is None
    assert len(index) == 1


def test_a_picture_without_structure_stands_for_nothing() -> None:
    index = PictureIndex()
    index.feed([(1, _member("umbrella", bytes(32), quality=49))])
    assert index.nearest(bytes(32).hex()) is None


def test_feeding_the_same_members_again_changes_nothing() -> None:
    members = [(n + 1, _member(str(n), bytes([n]) * 32)) for n in range(5)]
    index = PictureIndex()
    index.feed(members)
    index.feed(members)
    assert (len(index), index.read) == (5, 5)


def test_many_threads_may_feed_and_ask_at_once() -> None:
    members = [(n + 1, _member(str(n), n.to_bytes(2, "big") * 16)) for n in range(3000)]
    index = PictureIndex()

    def work(n: int) -> str | None:
        index.feed(members[: n * 100])
        return index.nearest(members[n * 100 - 1][1].pdq or "")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(1, 31)))
    assert None not in found
    assert len(index) == 3000
