"""The store against a plain model: any sequence of calls, and history replayed at any point."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lightkeeper.matching import Entry, EntryLabels, HashSet, SetState, UpsertCount
from lightkeeper.storage import open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ("plain", "careful")
SOURCES = st.sampled_from(["a", "b", "c"])
VALUES = [f"{i:032x}" for i in range(8)]
CHOSEN = st.lists(st.sampled_from(VALUES), min_size=1, max_size=8)
SET = st.sampled_from(NAMES)
QUOTA, EXPIRY = 5, 3


@dataclass
class Held:
    """An entry in the model."""

    label: str | None = None
    state: str = "active"
    expires: datetime | None = None
    withdrawn: datetime | None = None
    named: dict[str, datetime] = field(default_factory=dict)


class Model:
    """A set, in the plainest words. ``careful`` needs confirmation, expires and has a quota."""

    def __init__(self, name: str) -> None:
        self.careful = name == "careful"
        self.entries: dict[str, Held] = {}

    def found(self) -> set[str]:
        """Leads and what is parked are found too, and shown as such."""
        return {value for value, held in self.entries.items() if held.state != "withdrawn"}

    def put(self, value: str, label: str | None, source: str, now: datetime) -> str:
        held = self.entries.get(value)
        newly = held is None or source not in held.named
        full = sum(source in other.named for other in self.entries.values()) >= QUOTA
        if self.careful and newly and full:
            return "refused"
        outcome = "unchanged"
        if held is None:
            held = self.entries[value] = Held(label, "seed" if self.careful else "active")
            outcome = "added"
        elif newly or label not in (None, held.label):
            outcome = "changed"
        held.named[source] = now
        held.label = label or held.label
        held.expires = now + EXPIRY * DAY if self.careful else None
        doubtful = self.careful and len(held.named) < 2
        if held.state == "withdrawn":
            if newly and held.withdrawn is not None and now > held.withdrawn:
                held.state, held.withdrawn = ("seed" if doubtful else "active"), None
        elif not doubtful and held.state != "parked":
            held.state = "active"
        return outcome

    def drop(self, value: str, now: datetime) -> int:
        held = self.entries.get(value)
        if held is None or held.state == "withdrawn":
            return 0
        held.state, held.withdrawn = "withdrawn", now
        return 1

    def unname(self, value: str, source: str, now: datetime) -> int:
        held = self.entries.get(value)
        if held is None or held.named.pop(source, None) is None or held.named:
            return 0
        return self.drop(value, now)


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"sqlite:///{Path(self.folder.name)}/sets.db")
        self.now = NOON
        self.models = {name: Model(name) for name in NAMES}
        self.follower: set[str] = set()
        self.revision = 0
        for name in NAMES:
            careful = name == "careful"
            self.store.create_set(
                HashSet(
                    name=name,
                    owner="o",
                    purpose="p",
                    needs_confirmation=careful,
                    quota_per_source=QUOTA if careful else None,
                    expires_after_days=EXPIRY if careful else None,
                )
            )

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(name=SET, values=CHOSEN, label=st.sampled_from([None, "B1", "B2"]), source=SOURCES)
    def upsert(self, name: str, values: list[str], label: str | None, source: str) -> None:
        labels = EntryLabels(industry_class=label)
        batch = [Entry(kind="md5", value=value, labels=labels) for value in values]
        outcomes = [self.models[name].put(value, label, source, self.now) for value in values]
        counted = self.store.upsert(name, batch, source=source, now=self.now)
        expected = UpsertCount(
            outcomes.count("added"),
            outcomes.count("changed"),
            outcomes.count("unchanged"),
            counted.refused,
        )
        assert counted == expected
        refused = [i for i, outcome in enumerate(outcomes) if outcome == "refused"]
        assert [refusal.position for refusal in counted.refused] == refused

    @rule(name=SET, values=CHOSEN)
    def withdraw(self, name: str, values: list[str]) -> None:
        keys = [("md5", value) for value in values]
        expected = sum(self.models[name].drop(value, self.now) for value in values)
        assert self.store.withdraw(name, keys, reason="r", now=self.now) == expected
        self.pass_time()

    @rule(name=SET, values=CHOSEN, source=SOURCES)
    def retract(self, name: str, values: list[str], source: str) -> None:
        keys = [("md5", value) for value in values]
        expected = sum(self.models[name].unname(value, source, self.now) for value in values)
        gone = self.store.withdraw(name, keys, reason="r", now=self.now, source=source)
        assert gone == expected
        self.pass_time()

    @rule(name=SET, source=SOURCES)
    def withdraw_missing(self, name: str, source: str) -> None:
        model = self.models[name]
        old = [v for v, h in model.entries.items() if h.named.get(source, self.now) < self.now]
        expected = sum(model.unname(value, source, self.now) for value in old)
        gone = self.store.withdraw_missing(name, source=source, before=self.now, now=self.now)
        assert gone == expected
        self.pass_time()

    @rule(name=SET, values=CHOSEN)
    def confirm(self, name: str, values: list[str]) -> None:
        entries = self.models[name].entries
        leads = {v for v in values if v in entries and entries[v].state in ("seed", "parked")}
        for value in leads:
            entries[value].state = "active"
        keys = [("md5", value) for value in values]
        assert self.store.confirm(name, keys, person="Ada", now=self.now) == len(leads)

    @rule()
    def expire(self) -> None:
        expected = 0
        for model in self.models.values():
            for value, held in model.entries.items():
                if held.expires and held.expires <= self.now and model.drop(value, self.now):
                    held.named.clear()
                    expected += 1
        assert self.store.expire(now=self.now) == expected
        self.pass_time()

    @rule(name=SET, parked=st.booleans())
    def park_set(self, name: str, parked: bool) -> None:
        state = SetState.PARKED if parked else SetState.ACTIVE
        self.store.set_state(name, state, reason="r")

    @rule(name=SET, values=CHOSEN)
    def park(self, name: str, values: list[str]) -> None:
        entries = self.models[name].entries
        free = {v for v in values if v in entries and entries[v].state in ("active", "seed")}
        for value in free:
            entries[value].state = "parked"
        keys = [("md5", value) for value in values]
        assert self.store.park(name, keys, reason="r", now=self.now) == len(free)

    @rule()
    def pass_time(self) -> None:
        self.now += DAY

    @rule()
    def follow(self) -> None:
        for change in self.store.changes(after=self.revision):
            assert change.revision > self.revision
            self.revision = change.revision
            key = f"{change.set_number}/{change.value}"
            (self.follower.add if change.matches else self.follower.discard)(key)
        assert self.revision == self.store.last_revision()
        assert self.follower == self.expected()

    def expected(self) -> set[str]:
        return {
            f"{number}/{value}"
            for number, name in enumerate(NAMES, start=1)
            for value in self.models[name].found()
        }

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "store"):
            return
        for name, model in self.models.items():
            held = {
                e.value: (str(e.state), e.labels.industry_class) for e in self.store.entries(name)
            }
            assert held == {v: (h.state, h.label) for v, h in model.entries.items()}


StoreMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStoreModel = StoreMachine.TestCase
