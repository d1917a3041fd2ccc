"""Shapes of HMA's answers, as its own source and the tests of its clients have them.

Read from facebook/ThreatExchange, ``hasher-matcher-actioner/src/OpenMediaMatch`` (``blueprints``,
``schemas``, ``tests/test_match_api.py``, ``tests/test_e2e_workflow.py``), and from a Ruby client's
specification. Values are ours; keys, types and nesting are theirs. Compared again with
``blueprints/matching.py`` at 35f02700c6b3 (bank_content_id, bank filter, compare) and at
027742c95371 (older: content_id), ``blueprints/hashing.py`` at 1c5c910942c5, ``schemas/matching.py``
at c85e723a8ba7 and ``tests/test_match_api.py`` at 4cb0f1139669. ``/m/lookup_topk`` and
``/m/lookup_threshold`` of newer versions, answered 501 where an index cannot do them, are not here.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from lightkeeper.matching import Entry
from lightkeeper.testing import MemoryStore

from .conftest import FAR, KNOWN, LEAD, MD5, NEAR, NOW, Client, exact_hash, picture, png, serving

DISTANCE = (int(NEAR, 16) ^ int(KNOWN, 16)).bit_count()


def get(client: Client, path: str, status: int = 200, **query: str) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_raw_lookup_gives_numbers_of_content(client: Client) -> None:
    assert get(client, "/m/raw_lookup", signal=NEAR, signal_type="pdq") == {"matches": [1]}
    assert get(client, "/m/raw_lookup", signal=FAR, signal_type="pdq") == {"matches": []}
    assert get(client, "/m/raw_lookup", signal=LEAD, signal_type="pdq") == {"matches": []}


@pytest.mark.parametrize("flag", ["true", "True", "1"])
def test_raw_lookup_gives_distances_as_text_under_both_names_of_the_number(
    client: Client, flag: str
) -> None:
    found = get(client, "/m/raw_lookup", signal=NEAR, signal_type="pdq", include_distance=flag)
    # ``content_id`` until 2024, ``bank_content_id`` since.
    content = {"bank_content_id": 1, "content_id": 1, "distance": str(DISTANCE)}
    assert found == {"matches": [content]}


def test_lookup_gives_content_by_bank(client: Client) -> None:
    content = {"bank_content_id": 1, "content_id": 1, "distance": "0"}
    assert get(client, "/m/lookup", signal=KNOWN, signal_type="pdq") == {"bridges": [content]}
    assert get(client, "/m/lookup", signal=FAR, signal_type="pdq") == {}


def test_signals_that_match_by_equality_have_no_distance(client: Client) -> None:
    content = {"bank_content_id": 2, "content_id": 2, "distance": "-"}
    expected = {"files": [content]}
    assert get(client, "/m/lookup", signal=MD5, signal_type="video_md5") == expected


def test_banks_restrict_a_look_up_and_unknown_ones_restrict_it_to_nothing(client: Client) -> None:
    asked = {"signal": KNOWN, "signal_type": "pdq"}
    assert get(client, "/m/lookup", banks="files,bridges", **asked).keys() == {"bridges"}
    assert get(client, "/m/lookup", banks="files", **asked) == {}
    assert get(client, "/m/raw_lookup", banks="tunnels", **asked) == {"matches": []}


def test_a_known_benign_signal_matches_no_bank_whichever_is_asked_for(store: MemoryStore) -> None:
    store.upsert("harmless", [Entry(kind="pdq", value=KNOWN)], source="archive", now=NOW)
    with serving(store) as client:
        asked = {"signal": KNOWN, "signal_type": "pdq"}
        assert get(client, "/m/lookup", **asked) == {}
        assert get(client, "/m/lookup", banks="bridges", **asked) == {}
        names = {bank["name"] for bank in get(client, "/c/banks")}
    assert names == {"bridges", "files", "unsure"}


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("/m/raw_lookup", {"signal_type": "pdq"}, "signal is required"),
        ("/m/raw_lookup", {"signal": KNOWN}, "signal_type is required"),
        ("/m/lookup", {}, "Either url or both signal and signal_type are required"),
        (
            "/m/lookup",
            {"signal": KNOWN},
            "Either url or both signal and signal_type are required",
        ),
        (
            "/m/lookup",
            {"signal": KNOWN, "signal_type": "vpdq"},
            "No such SignalType 'vpdq'",
        ),
        (
            "/m/raw_lookup",
            {"signal": KNOWN, "signal_type": "pdq", "include_distance": "maybe"},
            "invalid boolean parameter - prefer true/false",
        ),
        ("/m/index/status", {"signal_type": "vpdq"}, "No such signal type 'vpdq'"),
        ("/h/hash", {}, "url is required"),
    ],
)
def test_errors_are_400_with_a_message(
    client: Client, path: str, query: dict[str, str], message: str
) -> None:
    assert get(client, path, 400, **query) == {"message": message}


def test_a_signal_of_the_wrong_form_is_an_invalid_signal(client: Client) -> None:
    body = get(client, "/m/lookup", 400, signal="0" * 32, signal_type="pdq")
    assert body["message"].startswith("invalid signal: ")


@pytest.mark.parametrize("path", ["/h/hash", "/m/lookup"])
def test_nothing_is_fetched(client: Client, path: str) -> None:
    body = get(client, path, 403, url="https://example.com/bridge.jpg")
    assert "fetches nothing" in body["message"]


def test_hash_gives_signals_of_a_photo_by_their_types(client: Client) -> None:
    content = png(picture())
    answer = client.post("/h/hash", files={"photo": ("a.png", content)})
    assert answer.json() == {"pdq": exact_hash(content)}
    answer = client.post("/h/hash?types=pdq", files={"photo": content})
    assert answer.json() == {"pdq": exact_hash(content)}


def test_a_photo_of_too_little_quality_has_an_empty_signal_and_meets_nothing(
    client: Client,
) -> None:
    blank = png(np.full((64, 64, 3), 90, np.uint8))
    assert client.post("/h/hash", files={"photo": blank}).json() == {"pdq": ""}
    assert client.post("/m/lookup", files={"photo": blank}).json() == {"pdq": {}}


def test_a_video_has_the_digest_of_its_bytes(client: Client) -> None:
    answer = client.post("/h/hash", files={"video": ("a.mp4", b"frames")})
    digest = hashlib.md5(b"frames", usedforsecurity=False).hexdigest()
    assert answer.json() == {"video_md5": digest}


def test_lookup_of_a_photo_gives_banks_by_signal_type(client: Client) -> None:
    answer = client.post("/m/lookup", files={"photo": ("a.png", png(picture()))})
    content = {"bank_content_id": 4, "content_id": 4, "distance": "0"}
    assert answer.json() == {"pdq": {"bridges": [content]}}


@pytest.mark.parametrize(
    ("files", "query", "message"),
    [
        ({}, "", "Missing multipart/form-data file upload"),
        ({"photo": b"x", "video": b"y"}, "", "Only one file allowed per request"),
        ({"picture": b"x"}, "", "no such content_type: 'picture'"),
        ({"photo": b"x"}, "?types=vpdq", "signal type 'vpdq' doesn't exist or is disabled"),
        ({"photo": b"x"}, "?types=,", "empty signal type selection"),
    ],
)
@pytest.mark.parametrize("path", ["/h/hash", "/m/lookup"])
def test_uploads_are_refused_as_there(
    client: Client, path: str, files: dict[str, bytes], query: str, message: str
) -> None:
    answer = client.post(path + query, files=files or None)
    assert answer.status_code == 400
    assert answer.json() == {"message": message}


def test_a_photo_that_is_none_is_the_clients_error(client: Client) -> None:
    answer = client.post("/h/hash", files={"photo": b"a letter"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"message"}


def test_compare_says_whether_two_signals_match_and_how_far_they_are_apart(
    client: Client,
) -> None:
    answer = client.post("/m/compare", json={"pdq": [KNOWN, NEAR], "video_md5": [MD5, MD5]})
    assert answer.json() == {
        "pdq": [True, {"distance": DISTANCE}],
        "video_md5": [True, {"distance": "-"}],
    }
    far = client.post("/m/compare", json={"pdq": [KNOWN, FAR]}).json()
    assert far["pdq"][0] is False


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "Request input was not a dict"),
        ({"pdq": KNOWN}, "Comparison hashes for pdq was not a list"),
        ({"pdq": [KNOWN]}, "Comparison hash list length must be exactly 2"),
        ({"vpdq": [KNOWN, NEAR]}, "No such SignalType 'vpdq'"),
        ({"pdq": [KNOWN, 5]}, "Invalid pdq hash: This is no pdq hash."),
    ],
)
def test_compare_refuses_as_there(client: Client, body: object, message: str) -> None:
    answer = client.post("/m/compare", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"message": message}


def test_a_name_that_no_encoding_takes_is_refused_too(client: Client) -> None:
    answer = client.post("/m/compare", content=b'{"\\ud800": ["a", "b"]}')
    assert answer.status_code == 400
    assert answer.json() == {"message": "No such SignalType '?'"}


def test_the_index_status_is_by_signal_type(client: Client) -> None:
    status = get(client, "/m/index/status")
    assert {"pdq", "video_md5"} <= status.keys()
    assert all(
        set(entry) == {"present", "built_to", "size"} and isinstance(entry["built_to"], int)
        for entry in status.values()
    )
    one = get(client, "/m/index/status", signal_type="pdq")
    assert one.keys() == {"pdq"}
    assert one["pdq"]["present"] is True
    assert one["pdq"]["size"] == 3


def test_load_balancers_read_the_same_words(client: Client) -> None:
    assert client.get("/status").text == "I-AM-ALIVE"
    assert client.get("/livez").text == "OK"
