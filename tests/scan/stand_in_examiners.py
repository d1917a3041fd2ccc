"""Examiners that behave as badly as a decoder with a hostile file can, chosen by file name."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Examiner, Finding, Hypothesis, Tier
from lightkeeper.media import Media
from lightkeeper.scan import Policy


class StandIn:
    name = "stand-in"
    version = "1"
    tier = Tier.BYTES

    def unavailable(self) -> str | None:
        return None

    def examine(self, media: Media) -> Sequence[Finding]:
        name = Path(media.name).name
        if name.startswith("hang"):
            signal.pause()
        if name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if name.startswith("greedy"):
            bytearray(8 << 30)
        if name.startswith("quit"):
            os._exit(7)
        if log := os.environ.get("STAND_IN_LOG"):
            with Path(log).open("a") as stream:
                stream.write(f"{name}\n")
        return [
            Finding(
                claim=Claim.PARAMETERS,
                basis=Basis.ASSERTED,
                summary=f"Looked at {name}.",
                examiner=self.name,
                version=self.version,
                source="stand-in",
                supports=Hypothesis.GENERATED,
                limits=("anyone-can-write",),
            )
        ]


def build(policy: Policy) -> Sequence[Examiner]:
    del policy
    return (StandIn(),)


def build_wrongly(policy: Policy) -> Sequence[Examiner]:
    raise InvalidConfiguration(f"marks file {policy.marks}: no such mark", hint="Fix it.")


def _count_starts(policy: Policy) -> int:
    assert policy.marks is not None
    with policy.marks.open("a+") as stream:
        stream.write("x")
        return stream.tell()


def build_dying_on_second_start(policy: Policy) -> Sequence[Examiner]:
    if _count_starts(policy) == 2:
        os._exit(3)
    return (StandIn(),)


def build_once(policy: Policy) -> Sequence[Examiner]:
    if _count_starts(policy) > 1:
        os._exit(3)
    return (StandIn(),)
