"""Learned marks of others, read by networks that an operator holds."""

from __future__ import annotations

import hashlib
import math
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import numpy as np

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Hypothesis, Tier
from lightkeeper.evidence.watermark.extractors._schemes import (
    SCHEMES,
    Family,
    bits_of,
    prepared,
    trustmark_packet,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.media import Media

_VERSION = "1"
_MOST_BYTES = 2 << 30


class Payload(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A message that the operator expects, and whose it is."""

    bits: Annotated[str, msgspec.Meta(pattern="^[01]{16,1024}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    generator: bool = False
    """Only a generator writes it, so it speaks for generation."""


class Extractor(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One network: where it lies, of which family it is, and what it may find."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9.-]{0,63}$")]
    family: Family
    model: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    soft_binding: str | None = None
    """Its name in the C2PA list of soft-binding algorithms, such as ``com.adobe.trustmark.Q``."""
    square: bool = False
    """It looks at the middle square only, as TrustMark P does."""
    payload: list[Payload] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    extractor: Annotated[list[Extractor], msgspec.Meta(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorReading(Details):
    """What one network read in one picture.

    ``matches`` counts the bits that agree with the payload called ``named``; ``schema`` and
    ``corrected_bits`` are of the mark's own code, where it has one. ``p_value`` is ``None`` where
    nothing tells a mark from chance: no payload is known and there is no code.
    """

    extractor: str
    family: Family
    soft_binding: str | None
    bits: str
    payload: str | None = None
    schema: str | None = None
    corrected_bits: int | None = None
    named: str | None = None
    matches: int | None = None
    p_value: float | None = None
    tests: int = 1
    present: bool = False


def load_extractors(path: Path) -> tuple[Extractor, ...]:
    """Read the ``[[extractor]]`` tables of a file; its models lie relative to its folder.

    Raises
    ------
    InvalidConfiguration
        The message names the file and the key that is wrong.
    """
    try:
        document = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read extractors {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InvalidConfiguration(f"extractors {path}: {error}") from error
    ids = [extractor.id for extractor in document.extractor]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise InvalidConfiguration(f"extractors {path}: the id '{twice}' stands twice")
    for extractor in document.extractor:
        lengths = SCHEMES[extractor.family].bits
        for payload in extractor.payload:
            # A TrustMark payload may be given without its code.
            coded = extractor.family is Family.TRUSTMARK and len(payload.bits) in (40, 61, 68, 75)
            if len(payload.bits) not in lengths and not coded:
                wanted = " or ".join(map(str, lengths))
                raise InvalidConfiguration(
                    f"extractors {path}: a payload of '{extractor.id}' has {len(payload.bits)} "
                    f"bits, not {wanted}"
                )
    return tuple(document.extractor)


class _Test(NamedTuple):
    chance: float
    payload: Payload | None = None
    matches: int | None = None


class ExtractorExaminer:
    """Looks for learned marks with an operator's networks.

    All networks, their codes and their payloads share one chance of a finding where there is no
    mark. That chance is of fair coins: nobody has measured here what a network says of unmarked
    pictures, so every finding carries ``not-calibrated-per-key``.

    Parameters
    ----------
    path : Path, optional
        The file of extractors; without it there is nothing to look with.
    alpha : float
        Chance per picture of a finding where there is no mark, over all tests.

    Raises
    ------
    InvalidConfiguration
        The file is wrong.
    """

    name = "extractors"
    tier = Tier.MODEL

    def __init__(self, path: Path | None = None, *, alpha: float = 1e-6) -> None:
        self._folder = path.parent if path else Path()
        self.extractors = load_extractors(path) if path else ()
        self.alpha = alpha
        digests = "".join(extractor.sha256 for extractor in self.extractors)
        kept = hashlib.sha256(digests.encode()).hexdigest()[:8]
        self.version = f"{_VERSION}+{kept}" if self.extractors else _VERSION
        self.tests = sum(len(e.payload) + (e.family is Family.TRUSTMARK) for e in self.extractors)

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        if not self.extractors:
            return "no extractor is named (policy key mark_extractors)"
        if find_spec("onnxruntime") is None:
            return "extractors need the extra 'detect' (onnxruntime)"
        missing = [e.model for e in self.extractors if not (self._folder / e.model).is_file()]
        return f"the model {missing[0]} is not there" if missing else None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding for each mark that is present.

        Raises
        ------
        EvidenceError
            A network cannot be run, or is not the one that the file names.
        """
        readings = self.read(media)
        return tuple(self._finding(reading) for reading in readings if reading.present)

    def read(self, media: Media) -> tuple[ExtractorReading, ...]:
        """What each network reads, present or not.

        Raises
        ------
        EvidenceError
            As for :meth:`examine`.
        """
        if reason := self.unavailable():
            raise EvidenceError(reason)
        rgb = media.rgb()
        return tuple(self._reading(extractor, rgb) for extractor in self.extractors)

    def _reading(self, extractor: Extractor, rgb: NDArray[np.uint8]) -> ExtractorReading:
        session = self._sessions[extractor.id]
        entry = session.get_inputs()[0]
        side = entry.shape[2] if isinstance(entry.shape[2], int) else None
        batch = prepared(rgb, extractor.family, side=side, square=extractor.square)
        try:
            output = session.run(None, {entry.name: batch})[0]
        except Exception as error:  # The runtime's own errors share no public base.
            raise EvidenceError(f"the network '{extractor.id}' failed: {error}") from error
        bits = bits_of(np.asarray(output), extractor.family)
        if bits is None:
            wanted = " or ".join(map(str, SCHEMES[extractor.family].bits))
            raise EvidenceError(
                f"the network '{extractor.id}' answers in the shape {np.shape(output)}, not with "
                f"{wanted} bits",
                hint=f"is it one of the family {extractor.family}?",
            )
        return self._judged(extractor, bits)

    def _judged(self, extractor: Extractor, bits: NDArray[np.uint8]) -> ExtractorReading:
        """The least likely of the code's answer and the payloads, after correction for all."""
        text = "".join(map(str, bits))
        packet = trustmark_packet(bits) if extractor.family is Family.TRUSTMARK else None
        tests: list[_Test] = []
        if packet is not None:
            known = next((p for p in extractor.payload if p.bits == packet.payload), None)
            tests.append(_Test(packet.chance, known))
        for payload in extractor.payload:
            if len(payload.bits) == len(text):
                matches = sum(a == b for a, b in zip(payload.bits, text, strict=True))
                tests.append(_Test(_binomial(matches, len(text)), payload, matches))
        least = min(tests, key=lambda test: test.chance, default=_Test(math.inf))
        p_value = min(1.0, least.chance * self.tests) if tests else None
        return ExtractorReading(
            extractor=extractor.id,
            family=extractor.family,
            soft_binding=extractor.soft_binding,
            bits=text,
            payload=packet.payload if packet else None,
            schema=packet.schema if packet else None,
            corrected_bits=packet.corrected_bits if packet else None,
            named=least.payload.name if least.payload else None,
            matches=least.matches,
            p_value=p_value,
            tests=self.tests,
            present=p_value is not None and p_value < self.alpha,
        )

    def _finding(self, reading: ExtractorReading) -> Finding:
        extractor = next(e for e in self.extractors if e.id == reading.extractor)
        payload = next((p for p in extractor.payload if p.name == reading.named), None)
        whose = f", the payload of {reading.named}" if reading.named else ""
        return Finding(
            claim=Claim.CARRIES_MARK,
            basis=Basis.PUBLIC_MARK,
            summary=f"Carries a mark that '{reading.extractor}' reads{whose}.",
            examiner=self.name,
            version=self.version,
            source=f"pixels:extractor:{reading.extractor}",
            # TrustMark and its like are written on photographs too: a mark alone supports nothing.
            supports=Hypothesis.GENERATED if payload and payload.generator else None,
            p_value=reading.p_value,
            tests=reading.tests,
            details=reading,
            limits=("mark-can-be-copied", "not-calibrated-per-key"),
        )

    @cached_property
    def _sessions(self) -> dict[str, Any]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        sessions = {}
        for extractor in self.extractors:
            content = self._content(extractor)
            try:
                session = onnxruntime.InferenceSession(
                    content, options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:  # The runtime's own errors share no public base.
                raise EvidenceError(f"{extractor.model} is no network: {error}") from error
            if len(session.get_inputs()) != 1 or len(session.get_inputs()[0].shape) != 4:
                raise EvidenceError(f"{extractor.model} does not take one batch of pictures")
            sessions[extractor.id] = session
        return sessions

    def _content(self, extractor: Extractor) -> bytes:
        path = self._folder / extractor.model
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise EvidenceError(f"{extractor.model} is larger than 2 GiB")
            content = path.read_bytes()
        except OSError as error:
            raise EvidenceError(f"cannot read {extractor.model}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != extractor.sha256:
            raise EvidenceError(
                f"{extractor.model} is not the file that '{extractor.id}' names",
                hint="its SHA-256 differs; name the new one if you trust the new file",
            )
        return content


def _binomial(matches: int, length: int) -> float:
    """Chance of at least this many agreements of fair coins."""
    return math.fsum(math.comb(length, k) for k in range(matches, length + 1)) / 2.0**length
