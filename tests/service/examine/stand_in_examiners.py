"""An examiner that behaves as badly as a decoder with a hostile file can, by file name."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from lightkeeper.evidence import Examiner, Finding, Tier
from lightkeeper.media import Media
from lightkeeper.scan import Policy


class Misbehaving:
    name = "stand-in"
    version = "1"
    tier = Tier.BYTES

    def unavailable(self) -> str | None:
        return None

    def examine(self, media: Media) -> Sequence[Finding]:
        if media.name == "hang":
            signal.pause()
        if media.name == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if media.name == "greedy":
            bytearray(8 << 30)
        return []


def build(policy: Policy) -> Sequence[Examiner]:
    del policy
    return (Misbehaving(),)


class Costly(Misbehaving):
    name = "costly"
    tier = Tier.DEEP


def build_with_costly(policy: Policy) -> Sequence[Examiner]:
    del policy
    return Misbehaving(), Costly()
