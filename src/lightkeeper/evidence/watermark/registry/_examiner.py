"""An examiner of the open mark that says what its payloads name, and whether that agrees."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lightkeeper.evidence._examine import Searches
from lightkeeper.evidence._finding import NotExamined
from lightkeeper.evidence.watermark._marks import Method
from lightkeeper.evidence.watermark.registry._bindings import bound_marks
from lightkeeper.evidence.watermark.registry._examine import Standing, look_up, with_registries
from lightkeeper.evidence.watermark.registry._several import several_marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence._finding import Examiner, Finding, Tier
    from lightkeeper.evidence.watermark._marks import Mark
    from lightkeeper.evidence.watermark.registry._ports import MarkRegistry
    from lightkeeper.media import Media

_SHOWN = 12
"""Digits of a revision in a version."""


class _Geometry(Protocol):
    @property
    def matrix(self) -> tuple[float, float, float, float]:
        """Steps (x, y) in the marked picture to steps in this one, row by row."""


@runtime_checkable
class PayloadReading(Protocol):
    """Details of a finding that a mark with a payload was read."""

    @property
    def payload(self) -> int:
        """48 bits."""

    @property
    def transform(self) -> _Geometry:
        """What happened to the picture since."""


@dataclass(slots=True)
class _Together:
    """What the examiners of one medium have told so far: payloads with makers."""

    makers: dict[int, str | None] = field(default_factory=dict)
    looked: bool = False

    @classmethod
    def of(cls, media: Media) -> _Together:
        """Nothing yet; the medium keeps it."""
        del media
        return cls()


class RegisteredMarks:
    """Examines as another examiner does, and adds what is known of the payloads read.

    That is what registries and the table of marks say, that there are several marks, and a manifest
    whose soft binding names one.

    Parameters
    ----------
    examiner : Examiner
        Of the open mark; its readings are of the upright picture, :meth:`Media.rgb`.
    registries : sequence of MarkRegistry
    marks : sequence of Mark
        Marks of vendors who write one payload into all pictures; those of other methods are
        passed over. Such a payload has no fingerprint, so that a copy does not show.
    """

    def __init__(
        self, examiner: Examiner, registries: Sequence[MarkRegistry], *, marks: Sequence[Mark] = ()
    ) -> None:
        self._examiner = examiner
        self._registries = registries
        lattice = (mark for mark in marks if mark.method is Method.LATTICE)
        self._vendors = {int("".join(map(str, mark.bits)), 2): mark for mark in lattice}

    @property
    def name(self) -> str:
        """That of the examiner."""
        return self._examiner.name

    @property
    def version(self) -> str:
        """That of the examiner, and the revisions of the registries: others give other findings."""
        revisions = (registry.revision[:_SHOWN] for registry in self._registries)
        return "+".join((self._examiner.version, *revisions))

    @property
    def tier(self) -> Tier:
        """That of the examiner."""
        return self._examiner.tier

    @property
    def looks_for(self) -> str:
        """What the examiner finds where a cheaper one stopped; empty if it is not such a one."""
        return self._examiner.looks_for if isinstance(self._examiner, Searches) else ""

    def unavailable(self) -> str | None:
        """Why the examiner cannot run here, or ``None``."""
        return self._examiner.unavailable()

    def examine(self, media: Media) -> tuple[Finding | NotExamined, ...]:
        """Its findings, each of a payload followed by what its entry says.

        Then what several marks together say, and whether the manifest names one of them. Of two
        examiners of one medium, the later one counts the marks of the earlier one.
        """
        told: list[Finding | NotExamined] = []
        makers: dict[int, str | None] = {}
        for finding in self._examiner.examine(media):
            if isinstance(finding, NotExamined):
                told.append(finding)
                continue
            reading: object = finding.details
            if not isinstance(reading, PayloadReading):
                told.append(finding)
                continue
            payload = reading.payload
            vendor = self._vendors.get(payload)
            if vendor is not None:
                makers[payload] = vendor.id
                told.append(_of_vendor(finding, vendor))
                continue
            makers.setdefault(payload, None)
            if not self._registries:
                told.append(finding)
                continue
            matrix = np.array(reading.transform.matrix, np.float64).reshape(2, 2)
            answer = look_up(payload, media.rgb(), self._registries, matrix=matrix)
            if answer.standing is Standing.REGISTERED and answer.entry is not None:
                makers[payload] = answer.entry.maker
            told.extend(with_registries(finding, answer, payload=payload))
        who = {"examiner": self.name, "version": self.version}
        together = media.once(_Together.of)
        if makers or not together.looked:
            together.makers.update(makers)
            told.extend(several_marks(together.makers, **who))
            told.extend(bound_marks(media, tuple(together.makers), **who))
        together.looked = True
        return tuple(told)


def _of_vendor(finding: Finding, vendor: Mark) -> Finding:
    summary = f"Carries the open mark with the payload '{vendor.id}' ({vendor.description})."
    return replace(finding, summary=summary, limits=(*finding.limits, "one-payload-for-all"))
