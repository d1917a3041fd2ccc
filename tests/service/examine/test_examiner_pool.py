from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.assessment.policy import CascadePolicy, Stage, Trigger
from lightkeeper.assessment.policy._cascade import Allowance
from lightkeeper.assessment.policy._hour_book import StageRun, StageUse
from lightkeeper.assessment.policy._policy import Budget
from lightkeeper.evidence import Tier
from lightkeeper.media import Limits
from lightkeeper.scan import SCHEMA, Policy, default_examiners
from lightkeeper.service.examine import ExaminerPool
from lightkeeper.service.examine._hour import Hour
from lightkeeper.testing import photo_like

from .stand_in_examiners import build, build_with_costly

SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", "../shared")) / "data"


def png(width: int = 320, height: int = 240, **info: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    for key, value in info.items():
        text.add_text(key, value)
    stream = io.BytesIO()
    Image.fromarray(photo_like(3, width=width, height=height)).save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


@pytest.fixture(scope="module")
def pool() -> Iterator[ExaminerPool]:
    pool = ExaminerPool(Policy(), default_examiners, workers=1)
    pool.start()
    yield pool
    pool.stop()


@pytest.fixture
def misbehaving() -> Iterator[ExaminerPool]:
    pool = ExaminerPool(Policy(limits=Limits(max_seconds=1.0)), build, workers=1)
    yield pool
    pool.stop()


def test_an_upload_is_examined_from_memory(pool: ExaminerPool) -> None:
    found = pool.examine(
        "umbrella.png",
        png(
            parameters="an umbrella\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 32x24"
        ),
    )
    assert found.row["schema"] == SCHEMA
    assert found.row["file"] == "umbrella.png"
    assert any(finding["claim"] == "parameters" for finding in found.row["findings"])
    assert found.row["assessment"]["origin"] == "generated"
    assert found.row["explanation"]


def test_the_preview_is_small_grey_and_blurred_and_the_view_carries_no_metadata(
    pool: ExaminerPool,
) -> None:
    found = pool.examine("large.png", png(2400, 1200, Comment="a private note"))
    assert found.preview is not None
    assert found.view is not None
    preview = Image.open(io.BytesIO(found.preview))
    assert max(preview.size) <= 96
    assert preview.mode == "L"
    view = Image.open(io.BytesIO(found.view))
    assert view.size == (1600, 800)
    assert b"private note" not in found.view
    sharp = Image.open(io.BytesIO(found.view)).convert("L").resize(preview.size)
    assert _detail(preview) < 0.5 * _detail(sharp)


def _detail(picture: Image.Image) -> float:
    return float(np.abs(np.diff(np.asarray(picture, dtype=np.float32), axis=1)).mean())


def test_what_is_no_picture_has_a_row_and_nothing_to_show(pool: ExaminerPool) -> None:
    found = pool.examine("letter.txt", b"a letter about bicycles")
    assert found.row["error"]["code"] == "unsupported-media"
    assert found.row["digests"]["size_bytes"] == len(b"a letter about bicycles")
    assert found.preview is None
    assert found.view is None


@pytest.mark.parametrize(("name", "code"), [("hang", "timeout"), ("crash", "worker-died")])
def test_a_file_that_ends_its_worker_costs_itself_alone(
    misbehaving: ExaminerPool, name: str, code: str
) -> None:
    content = png()
    assert misbehaving.examine(name, content).row["error"]["code"] == code
    assert misbehaving.examine("good", content).row["status"] == "ok"


def test_memory_is_bounded_and_the_rest_of_the_examination_goes_on(
    misbehaving: ExaminerPool,
) -> None:
    row = misbehaving.examine("greedy", png()).row
    assert row["status"] == "ok"
    assert [failure["examiner"] for failure in row["failures"]] == ["stand-in"]


def test_many_threads_share_the_workers(pool: ExaminerPool) -> None:
    content = png()
    with ThreadPoolExecutor(6) as threads:
        names = [f"bicycle-{n}.png" for n in range(12)]
        rows = list(threads.map(lambda name: pool.examine(name, content).row, names))
    assert [row["file"] for row in rows] == names
    assert {row["status"] for row in rows} == {"ok"}


CASCADE = CascadePolicy(
    stage=(Stage(name="costly", seconds=2.0, on=(Trigger.USER_REPORT,)),),
    budget=Budget(seconds_per_item=5.0),
)


class OnePage:
    """A book of one hour in memory."""

    def __init__(self, left: float) -> None:
        self.left, self.settled = left, list[list[StageRun]]()

    def set_aside(self, now: datetime, *, most: float, per_hour: float) -> tuple[int, Allowance]:
        del now, per_hour
        return len(self.settled), Allowance(min(most, self.left), {"costly": 1.0})

    def settle(self, number: int, now: datetime, runs: Sequence[StageRun]) -> None:
        del now
        assert number == len(self.settled)
        self.settled.append(list(runs))

    def stages(self, now: datetime) -> tuple[StageUse, ...]:
        raise NotImplementedError


def test_the_cascade_keeps_to_the_hour_that_all_share() -> None:
    book = OnePage(left=1.5)
    hour = Hour(book=book, rules=CASCADE, seconds=60, clock=lambda: datetime.now(UTC))
    policy = Policy(tier=Tier.DEEP, cascade=CASCADE)
    pool = ExaminerPool(policy, build_with_costly, workers=1, hour=hour)
    try:
        looked = pool.examine("a", png(), reported=True).row
        unasked = pool.examine("b", png()).row
        book.left = 0.5
        spent = pool.examine("c", png(), reported=True).row
        pool.examine("crash", png())
    finally:
        pool.stop()
    # Its measured second fits into what is left, and its declared two would not.
    assert looked["stages"] == [{"stage": "costly", "because": ["user-report"]}]
    ran, none, left_out = book.settled
    assert [(run.stage, run.omitted) for run in ran] == [("costly", False)]
    assert (unasked["stages"], none) == ([], [])
    assert [(run.stage, run.omitted) for run in left_out] == [("costly", True)]
    assert [n["reason"] for n in spent["assessment"]["not_examined"]] == [
        "The cascade left it out: the budget of this hour is spent."
    ]


@pytest.mark.parametrize(
    "runs",
    [
        b"",
        b"[" * 60_000,
        b'[{"stage": "costly"}]',
        b'[{"stage": "costly", "seconds": "long"}]',
        b'{"stage": 1}',
    ],
)
def test_a_worker_that_says_nonsense_leaves_its_share_spent(runs: bytes) -> None:
    book = OnePage(left=1.0)
    hour = Hour(book=book, rules=CASCADE, seconds=60, clock=lambda: datetime.now(UTC))
    share = hour.share()
    assert share is not None
    hour.settle(share, runs)
    assert book.settled == []


def test_only_stages_of_the_policy_are_put_down() -> None:
    book = OnePage(left=1.0)
    hour = Hour(book=book, rules=CASCADE, seconds=60, clock=lambda: datetime.now(UTC))
    share = hour.share()
    assert share is not None
    told = [("costly", 1.0), ("costly", -1.0), ("costly", 1e9), ("other", 1.0)]
    hour.settle(share, json.dumps([{"stage": s, "seconds": n} for s, n in told]).encode())
    assert book.settled == [[StageRun("costly", 1.0)]]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no third-party files: set LIGHTKEEPER_SHARED")
def test_every_malformed_file_leaves_the_pool_healthy(pool: ExaminerPool) -> None:
    for path in sorted((SHARED / "malformed").iterdir()):
        found = pool.examine(path.name, path.read_bytes())
        assert found.row["file"] == path.name
    assert pool.examine("good.png", png()).row["status"] == "ok"
