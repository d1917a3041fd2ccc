"""Strategies for elements, read off their classes, and for decided cases."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from lightkeeper.assessment import Classification
from lightkeeper.cases.decision import (
    Artefact,
    Confidence,
    Decision,
    FileAnnotation,
    ItemDecision,
    Outcome,
    Seen,
)
from lightkeeper.cases.item import Item, ItemKind, ItemState, MediaFacts, View, ViewMode
from lightkeeper.cases.record import Arising, Case, Intake, Signal, Subject, SubjectKind, Triage
from lightkeeper.reporting.cybertipline.elements._element import Part, Place, parts
from lightkeeper.reporting.cybertipline.elements.captures import IpCaptureEvent
from lightkeeper.reporting.cybertipline.elements.contact import Email, Phone
from lightkeeper.reporting.cybertipline.elements.files import OriginalFileHash

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
TEXTS = st.text(st.characters(), max_size=20)
HOSTILE = st.one_of(
    TEXTS,
    st.sampled_from(["]]>", "<a>&b;", "\x00\x1b[2J", "\u202eabc", "\ud800", "a\r\nb\x85c", "é漢"]),
)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
_SPECIAL: dict[tuple[type, str], st.SearchStrategy[Any]] = {
    (IpCaptureEvent, "ip_address"): st.ip_addresses().map(str),
    (IpCaptureEvent, "port"): st.none() | st.integers(1, 65535),
    (Email, "value"): st.sampled_from(["a@example.org", "long.name+tag@sub.example.org"]),
    (Phone, "value"): st.sampled_from(["+1 (555) 010-0000", "0123 456"]),
    (OriginalFileHash, "value"): st.just("ab" * 16),
    (OriginalFileHash, "hash_type"): st.just("MD5"),
}
_BOUNDED = {
    "latitude": st.none() | st.floats(-90, 90),
    "longitude": st.none() | st.floats(-180, 180),
    "age": st.none() | st.integers(0, 120),
    "escalate_to_high_priority": st.none() | st.just("somebody is in danger now"),
    "non_usa_state": st.none(),
    "potential_meme": st.none(),
}


def elements(kind: type) -> st.SearchStrategy[Any]:
    """Any valid element of a class, with everything within it."""
    return st.builds(kind, **{p.attribute: _field(kind, p) for p in parts(kind)})


def _field(kind: type, part: Part) -> st.SearchStrategy[Any]:
    if part.spec.place is Place.FLAG:
        return st.booleans()
    special = _SPECIAL.get((kind, part.attribute), _BOUNDED.get(part.attribute))
    if special is not None:
        return special
    if part.spec.assigned:
        return st.none()
    if part.spec.codes:
        return st.none() | st.sampled_from(sorted(part.spec.codes))
    if part.spec.pattern is not None:
        return st.none() | st.from_regex(part.spec.pattern, fullmatch=True)
    one = 1 if part.required or part.attribute == "internet_details" else 0
    most = 1 if part.attribute == "person_or_user_reported" else 2
    return _of(part.hint, least=one, most=most)


def _of(hint: Any, *, least: int = 0, most: int = 2) -> st.SearchStrategy[Any]:
    if get_origin(hint) is tuple:
        return st.lists(_of(get_args(hint)[0]), min_size=least, max_size=most).map(tuple)
    if isinstance(hint, UnionType):
        return st.one_of([_of(each) for each in get_args(hint)])
    if hint is NoneType:
        return st.none()
    if is_dataclass(hint):
        return st.deferred(lambda: elements(hint))
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(-(2**31), 2**31 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        datetime: TIMES,
        date: st.dates(),
        str: st.builds("x{}".format, HOSTILE),
    }
    return simple[hint]


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "id": "c1",
        "arising": Arising.UPLOADED,
        "intake": Intake.API,
        "subject": Subject(SubjectKind.USER, "user-7", {"email": "a@example.org"}),
        "queue": "default",
        "opened": NOW,
        "occurred": NOW,
        "source": "key",
        "triage": Triage(score=0, reasons=(), due=NOW, rank=0.0),
    }
    return Case(**values | changes)


def media(item: str = "i1", **changes: Any) -> Item:
    facts = MediaFacts(
        size_bytes=9,
        sha256="a" * 64,
        sha1="b" * 40,
        md5="c" * 32,
        pdq="d" * 64,
        pdq_quality=100,
        format="png",
        vault_key=f"v-{item}",
    )
    values: dict[str, Any] = {
        "id": item,
        "case": "c1",
        "kind": ItemKind.MEDIA,
        "state": ItemState.EXAMINED,
        "added": NOW,
        "file_name": "umbrella.png",
        "media": facts,
    }
    return Item(**values | changes)


def prompt(item: str = "p1", text: str = "a red umbrella", **changes: Any) -> Item:
    return media(item, kind=ItemKind.PROMPT, media=None, file_name=None, text=text, **changes)


def labels(**values: Any) -> Classification:
    result = Classification()
    for name, value in values.items():
        result = result.decide(name, value, person="person-1")
    return result


def decision(*items: ItemDecision, **changes: Any) -> Decision:
    values: dict[str, Any] = {
        "id": "d1",
        "case": "c1",
        "person": "person-1",
        "made": NOW,
        "outcome": Outcome.REPORT,
        "confidence": Confidence.HIGH,
        "items": items,
    }
    return Decision(**values | changes)


def view(item: str = "i1", **changes: Any) -> View:
    values: dict[str, Any] = {
        "id": "w1",
        "item": item,
        "case": "c1",
        "person": "person-1",
        "mode": ViewMode.CLEAR,
        "started": NOW,
        "entire": True,
    }
    return View(**values | changes)


FACTS = st.dictionaries(
    st.sampled_from(
        ["uploaded-at", "location", "publicly-available", "ip", "ip-at", "ip-port", "device-id",
         "device-id-type", "model", "model-sha256", "anything"]
    ),
    HOSTILE | st.sampled_from(["2026-01-02T03:04:05Z", "true", "192.0.2.1", "443", "no"]),
    max_size=5,
)  # fmt: skip
DETAILS = st.dictionaries(
    st.sampled_from(
        ["tool", "positive_prompt", "seed", "carrier", "make", "fields", "model_hashes", "loras",
         "origin", "set_name", "handling", "mark", "z", "distance_bits", "vae"]
    ),
    st.one_of(
        HOSTILE,
        st.none(),
        st.integers(),
        st.floats(),
        st.lists(st.dictionaries(st.sampled_from(["kind", "value", "name"]), HOSTILE), max_size=3),
    ),
    max_size=6,
)  # fmt: skip
FINDINGS = st.fixed_dictionaries(
    {
        "claim": st.sampled_from(["parameters", "carries-mark", "known-material", "captured"]),
        "basis": st.sampled_from(["asserted", "known"]),
        "source": st.sampled_from(["exif", "exif:UserComment", "pixels"]),
        "summary": HOSTILE,
        "supports": st.sampled_from(["generated", None]),
        "log10_lr": st.none() | st.floats(),
        "details": DETAILS | st.none(),
        "limits": st.lists(TEXTS, max_size=2),
    }
)
ROWS = st.none() | st.fixed_dictionaries({"findings": st.lists(FINDINGS, max_size=3)})
LABELS = st.builds(
    labels,
    industry_class=st.sampled_from(["A1", "B2", None]),
    computer_generated=st.sampled_from([True, False, "cannot-tell", None]),
)


@st.composite
def decided_cases(draw: st.DrawFn) -> dict[str, Any]:
    """A case, its items, decisions and views; at least one item is to be reported."""
    items = [media("i0", facts=draw(FACTS), examination=draw(ROWS))]
    items += [
        media(f"i{n}", file_name=draw(HOSTILE), facts=draw(FACTS), examination=draw(ROWS))
        for n in range(1, draw(st.integers(1, 3)))
    ]
    if draw(st.booleans()):
        items.append(prompt(text=draw(HOSTILE), facts=draw(FACTS)))
    decided = [
        ItemDecision(
            item=item.id,
            labels=labels(industry_class="A1") if item.id == "i0" else draw(LABELS),
            annotations=frozenset(draw(st.sets(st.sampled_from(FileAnnotation), max_size=3))),
            artefacts=draw(st.dictionaries(st.sampled_from(Artefact), st.sampled_from(Seen))),
        )
        for item in items
    ]
    subject = Subject(
        draw(st.sampled_from(SubjectKind)),
        draw(HOSTILE),
        draw(
            st.dictionaries(
                st.sampled_from(["email", "screen-name", "ip", "phone", "device-id", "age"]),
                HOSTILE | st.sampled_from(["a@example.org", "192.0.2.9", "+1 555 010"]),
            )
        ),
    )
    return {
        "case": case(
            subject=subject,
            arising=draw(st.sampled_from(Arising)),
            occurred=draw(st.none() | TIMES),
            signals=frozenset(draw(st.sets(st.sampled_from(Signal)))),
        ),
        "items": items,
        "decisions": [decision(*decided)],
        "views": draw(
            st.lists(
                st.builds(
                    view,
                    item=st.sampled_from([item.id for item in items]),
                    mode=st.sampled_from(ViewMode),
                    entire=st.booleans(),
                    person=st.sampled_from(["person-1", "service"]),
                ),
                max_size=4,
            )
        ),
    }
