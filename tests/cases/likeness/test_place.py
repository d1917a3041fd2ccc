from __future__ import annotations

import pytest

from lightkeeper.cases.desk import NewItem
from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.cases.likeness import model_key, parameters_key
from lightkeeper.testing._containers import jpeg_bytes
from lightkeeper.testing._draw import photo_like
from lightkeeper.testing.cases import Office, new_case, new_picture, new_prompt, scan_row


def _picture(office: Office, seed: int, **known: object) -> Item:
    case = office.desk.open_case(office.program, new_case())
    item = office.desk.add_item(office.program, case.id, new_picture(seed))
    row = scan_row(new_picture(seed).content or b"", **known)
    return office.desk.record_examination(item.id, row)


def _parameters(prompt: str, **known: object) -> list[dict[str, object]]:
    details = {"tool": "a1111", "positive_prompt": prompt, "negative_prompt": None} | known
    return [{"claim": "parameters", "basis": "asserted", "details": details}]


@pytest.fixture
def office() -> Office:
    return Office()


def test_the_same_file_and_the_same_picture_join(office: Office) -> None:
    first, same = _picture(office, 1), _picture(office, 1)
    smaller = jpeg_bytes(photo_like(1, width=96, height=96), quality=60)
    case = office.opened(new_picture(content=smaller, file_name="again.jpg"))
    near = office.items(case.id)[0]
    assert (first.likeness, same.likeness, near.likeness) == ("pdq", "digest", "pdq")
    assert first.cluster == same.cluster == near.cluster
    assert _picture(office, 2).cluster != first.cluster


def test_the_same_parameters_join_whatever_the_seed(office: Office) -> None:
    first = _picture(office, 1, findings=_parameters("a red umbrella", seed=1))
    second = _picture(office, 2, findings=_parameters("A  red\nUMBRELLA", seed=2))
    other = _picture(office, 3, findings=_parameters("a blue bicycle", seed=1))
    assert (second.cluster, second.likeness) == (first.cluster, "parameters")
    assert other.cluster != first.cluster


def test_the_picture_goes_before_the_parameters(office: Office) -> None:
    plain = _picture(office, 1)
    _picture(office, 2, findings=_parameters("a red umbrella"))
    case = office.desk.open_case(office.program, new_case())
    content = jpeg_bytes(photo_like(1, width=96, height=96), quality=60)
    item = office.desk.add_item(office.program, case.id, new_picture(content=content))
    row = scan_row(content, *_parameters("a red umbrella"))
    near = office.desk.record_examination(item.id, row)
    assert (near.cluster, near.likeness) == (plain.cluster, "pdq")


def test_a_prompt_joins_the_pictures_that_were_made_with_it(office: Office) -> None:
    picture = _picture(office, 1, findings=_parameters("a red umbrella"))
    prompt = office.items(office.opened(new_prompt("A red umbrella")).id)[0]
    other = office.items(office.opened(new_prompt("A red umbrella", model="other")).id)[0]
    assert prompt.cluster == picture.cluster
    assert other.cluster != picture.cluster


def test_models_join_by_hash_and_not_by_name(office: Office) -> None:
    def model(**facts: str) -> str | None:
        new = NewItem(kind=ItemKind.MODEL, facts={k.replace("_", "-"): v for k, v in facts.items()})
        return office.items(office.opened(new).id)[0].cluster

    one = model(model="umbrella", model_sha256="AB" * 32)
    assert model(model="renamed", model_sha256="ab" * 32) == one
    assert model(model="umbrella") != model(model="umbrella")


def test_keys_are_there_only_where_there_is_something_to_go_by(office: Office) -> None:
    picture = _picture(office, 1, findings=_parameters(" "))
    assert parameters_key(picture) is None
    assert model_key(picture) is None


def test_a_short_hash_of_a_model_means_the_long_one(office: Office) -> None:
    digest = "ab12cd34ef" + "0" * 54
    long = office.items(office.opened(new_prompt("umbrella", model_sha256=digest)).id)[0]
    short = _picture(office, 1, findings=_parameters("umbrella", model_hash="AB12CD34EF"))
    assert short.cluster == long.cluster
