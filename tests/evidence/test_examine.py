from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import pytest
from PIL import Image

from lightkeeper.errors import CorruptMedia
from lightkeeper.evidence import (
    Basis,
    Claim,
    Examiner,
    Failure,
    Finding,
    NotExamined,
    Tier,
    examine,
)
from lightkeeper.media import Media, open_media


@dataclass
class Stub:
    name: str
    tier: Tier
    look: Callable[[Media], object]
    missing: str | None = None
    version: str = "1"

    def unavailable(self) -> str | None:
        return self.missing

    def examine(self, media: Media) -> list[Finding]:
        self.look(media)
        return [
            Finding(
                claim=Claim.PARAMETERS,
                basis=Basis.ASSERTED,
                summary=self.name,
                examiner=self.name,
                version=self.version,
                source="stub",
            )
        ]


def quiet(media: Media) -> None:
    del media


@pytest.fixture
def media() -> Media:
    stream = BytesIO()
    Image.new("RGB", (32, 24), "teal").save(stream, "PNG")
    return open_media(stream.getvalue())


def test_examiners_run_cheapest_first_whatever_their_order(media: Media) -> None:
    order: list[str] = []
    examiners = [
        Stub("deep", Tier.DEEP, lambda m: order.append("deep")),
        Stub("bytes", Tier.BYTES, lambda m: order.append("bytes")),
        Stub("pixels", Tier.PIXELS, lambda m: order.append("pixels")),
    ]
    assert all(isinstance(e, Examiner) for e in examiners)
    result = examine(media, examiners, tier=Tier.DEEP)
    assert order == ["bytes", "pixels", "deep"]
    assert [f.summary for f in result.findings] == order


def fail_typed(media: Media) -> None:
    raise CorruptMedia("the picture ends early")


def fail_untyped(media: Media) -> None:
    raise ZeroDivisionError("a defect")


def fail_memory(media: Media) -> None:
    raise MemoryError


def test_a_failing_examiner_is_recorded_and_stops_no_other(media: Media) -> None:
    result = examine(
        media,
        [
            Stub("typed", Tier.BYTES, fail_typed),
            Stub("untyped", Tier.BYTES, fail_untyped),
            Stub("memory", Tier.BYTES, fail_memory),
            Stub("sound", Tier.BYTES, quiet),
        ],
        tier=Tier.BYTES,
    )
    assert [f.examiner for f in result.findings] == ["sound"]
    assert result.failures[0] == Failure("typed", "corrupt-media", "the picture ends early")
    assert [f.code for f in result.failures[1:]] == ["internal-error", "out-of-memory"]


def test_what_was_not_examined_is_said_with_the_reason(media: Media) -> None:
    result = examine(
        media,
        [
            Stub("model", Tier.MODEL, fail_untyped),
            Stub("absent", Tier.BYTES, fail_untyped, missing="It needs the extra 'detect'."),
        ],
        tier=Tier.PIXELS,
    )
    assert result.findings == result.failures == ()
    assert result.not_examined == (
        NotExamined("absent", "It needs the extra 'detect'."),
        NotExamined("model", "It belongs to the tier model; the scan stopped at pixels."),
    )


def test_an_examiner_that_gives_up_on_a_medium_says_so_beside_its_findings(media: Media) -> None:
    class GivesUp(Stub):
        def examine(self, media: Media) -> tuple[Finding | NotExamined, ...]:
            return (*super().examine(media), NotExamined(self.name, "Too small for its patches."))

    result = examine(media, [GivesUp("grid", Tier.BYTES, quiet)], tier=Tier.BYTES)
    assert [f.examiner for f in result.findings] == ["grid"]
    assert result.not_examined == (NotExamined("grid", "Too small for its patches."),)


def test_all_examiners_share_one_decode(media: Media) -> None:
    seen: list[int] = []
    look = lambda m: seen.append(id(m.raster()))  # noqa: E731
    examine(media, [Stub("a", Tier.PIXELS, look), Stub("b", Tier.PIXELS, look)], tier=Tier.PIXELS)
    assert len(seen) == 2
    assert seen[0] == seen[1]
