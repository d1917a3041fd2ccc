"""Findings from content credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Hypothesis, Tier
from lightkeeper.evidence.provenance._origin import edited_since
from lightkeeper.evidence.provenance._read import read_manifest
from lightkeeper.evidence.provenance._summary import (
    Certificate,
    CertificateStatus,
    Checks,
    ManifestState,
    ManifestSummary,
    OriginStatement,
    Signer,
    SoftBinding,
    Software,
    TimeSource,
)

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from lightkeeper.evidence.provenance._trust import Trust
    from lightkeeper.media import Media

_SUPPORTS = {
    Claim.GENERATED: Hypothesis.GENERATED,
    Claim.AI_EDITED: Hypothesis.AI_EDITED,
    Claim.CAPTURED: Hypothesis.CAPTURED,
}
_CHANGED = {
    "assertion.dataHash.mismatch": "the picture's bytes",
    "assertion.boxesHash.mismatch": "the picture's bytes",
    "assertion.bmffHash.mismatch": "the picture's bytes",
    "assertion.hashedURI.mismatch": "an assertion of the manifest",
    "claimSignature.mismatch": "the claim or its signature",
}
_SAID = {
    Claim.GENERATED: "says that the picture was generated",
    Claim.AI_EDITED: "says that parts of the picture were made or changed by a model",
    Claim.CAPTURED: "says that the picture was captured by a device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceDetails(Details):
    """What a finding about content credentials rests on."""

    state: ManifestState
    vendor: str | None = None
    claim_generators: tuple[Software, ...] = ()
    signer: Signer | None = None
    verified_at: str | None = None
    """Time of verification, ISO 8601 in UTC."""
    checks: Checks | None = None
    """What holds of the active manifest, one question at a time."""
    statement: OriginStatement | None = None
    soft_bindings: tuple[SoftBinding, ...] = ()
    codes: tuple[str, ...] = ()
    """Validation codes that the finding is about."""
    remote_url: str | None = None


class ProvenanceExaminer:
    """Reads and validates C2PA manifests, offline.

    Parameters
    ----------
    trust : Trust, optional
        Trust anchors; without any, no signature is more than an assertion.
    at : datetime, optional
        Time of verification; that of each examination by default.
    """

    name = "provenance"
    version = "2"
    tier = Tier.BYTES

    def __init__(self, *, trust: Trust | None = None, at: datetime.datetime | None = None) -> None:
        self._trust = trust
        self._at = at

    def unavailable(self) -> str | None:
        """Always able to run."""
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """At most one statement of origin, and one finding for each thing that does not hold.

        Raises
        ------
        InvalidConfiguration
            The trust anchors cannot be used.
        """
        summary = read_manifest(media, trust=self._trust, at=self._at)
        return tuple(self._findings(summary))

    def _findings(self, summary: ManifestSummary) -> Iterator[Finding]:
        match summary.state:
            case ManifestState.NONE:
                yield from self._stripped(summary)
            case ManifestState.REMOTE:
                yield self._remote(summary)
            case ManifestState.UNREADABLE:
                yield self._unreadable(summary)
            case ManifestState.INVALID:
                yield self._invalid(summary)
            case ManifestState.VALID | ManifestState.TRUSTED | ManifestState.LAPSED:
                yield from self._intact(summary)
                yield from self._revoked(summary)
                yield from self._ingredients(summary)

    def _intact(self, summary: ManifestSummary) -> Iterator[Finding]:
        statements = summary.reported
        for statement in statements:
            yield self._finding(
                summary,
                statement.claim,
                _sentence(summary, statement),
                basis=_basis(summary, trusted=statement.trusted),
                limits=_limits(summary, statement),
                statement=statement,
                supports=_SUPPORTS[statement.claim],
            )
        if not statements:
            yield self._finding(
                summary,
                Claim.PROVENANCE,
                f"An intact manifest by {_signed_by(summary)} says nothing of the picture's "
                f"origin{_disclosure(summary)}.{_of_certificate(summary, None)}",
                basis=_basis(summary, trusted=True),
                limits=_limits(summary, None),
            )

    def _revoked(self, summary: ManifestSummary) -> Iterator[Finding]:
        certificate = summary.checks.certificate if summary.checks else None
        if certificate and certificate.status is CertificateStatus.REVOKED:
            yield self._finding(
                summary,
                Claim.CONTRADICTION,
                f"The certificate of {_signed_by(summary)} was revoked: its authority does not "
                "stand by it, and whoever holds its key may have signed.",
                codes=("signingCredential.ocsp.revoked",),
                conflict="certificate-revoked",
            )

    def _invalid(self, summary: ManifestSummary) -> Finding:
        wrong = [*summary.failures, *summary.ingredient_failures]
        codes = tuple(dict.fromkeys(f.code for f in wrong if not f.is_about_credential))
        changed = tuple(dict.fromkeys(_CHANGED[c] for c in codes if c in _CHANGED))
        if changed:
            return self._finding(
                summary,
                Claim.DAMAGED,
                f"Edited after signing: {' and '.join(changed)} changed since "
                f"{_signed_by(summary)} signed ({', '.join(codes)}).",
                codes=codes,
                conflict="edited-after-signing",
            )
        return self._finding(
            summary,
            Claim.CONTRADICTION,
            f"The manifest by {_signed_by(summary)} does not hold "
            f"({', '.join(codes) or 'no code given'}).",
            codes=codes,
            conflict="manifest-invalid",
        )

    def _ingredients(self, summary: ManifestSummary) -> Iterator[Finding]:
        codes = tuple(dict.fromkeys(f.code for f in summary.ingredient_failures))
        if codes:
            yield self._finding(
                summary,
                Claim.CONTRADICTION,
                "The manifest is intact, but a picture that it was made from or contains failed "
                f"validation ({', '.join(codes)}).",
                codes=codes,
                conflict="ingredient-invalid",
            )

    def _stripped(self, summary: ManifestSummary) -> Iterator[Finding]:
        if summary.problem is not None:
            yield self._finding(
                summary,
                Claim.STRIPPED,
                f"{summary.problem.explanation}: it was removed, or never came along.",
                codes=(summary.problem.code,),
                limits=("anyone-can-write",),
            )

    def _remote(self, summary: ManifestSummary) -> Finding:
        host = urlsplit(summary.remote_url or "").netloc or "an unnamed host"
        return self._finding(
            summary,
            Claim.PROVENANCE,
            f"Names a manifest at {host}, which was not fetched.",
            limits=("not-fetched", "anyone-can-write"),
        )

    def _unreadable(self, summary: ManifestSummary) -> Finding:
        reason = summary.problem.explanation if summary.problem else "unknown reason"
        return self._finding(
            summary,
            Claim.PROVENANCE,
            f"Carries a manifest that cannot be read ({reason}).",
            codes=(summary.problem.code,) if summary.problem else (),
            limits=("manifest-unreadable",),
        )

    def _finding(
        self,
        summary: ManifestSummary,
        claim: Claim,
        sentence: str,
        *,
        basis: Basis = Basis.ASSERTED,
        codes: tuple[str, ...] = (),
        limits: tuple[str, ...] = (),
        statement: OriginStatement | None = None,
        supports: Hypothesis | None = None,
        conflict: str | None = None,
    ) -> Finding:
        return Finding(
            claim=claim,
            basis=basis,
            summary=sentence,
            examiner=self.name,
            version=self.version,
            source="c2pa",
            supports=supports,
            limits=limits,
            conflict=conflict,
            details=ProvenanceDetails(
                state=summary.state,
                vendor=statement.vendor if statement else summary.vendor,
                claim_generators=summary.claim_generators,
                signer=summary.signer,
                verified_at=summary.verified_at,
                checks=summary.checks,
                statement=statement,
                soft_bindings=summary.soft_bindings,
                codes=codes,
                remote_url=summary.remote_url,
            ),
        )


_LONGEST = 80
_TRUSTED = (ManifestState.TRUSTED, ManifestState.LAPSED)
_STANDING = {
    CertificateStatus.EXPIRED: "certificate-expired",
    CertificateStatus.NOT_YET_VALID: "certificate-not-yet-valid",
    CertificateStatus.REVOKED: "certificate-revoked",
    CertificateStatus.UNSUITABLE: "certificate-unsuitable",
    CertificateStatus.UNKNOWN: "certificate-not-read",
}


def _basis(summary: ManifestSummary, *, trusted: bool) -> Basis:
    both = summary.state in _TRUSTED and trusted
    return Basis.SIGNED if both else Basis.ASSERTED


def _limits(summary: ManifestSummary, statement: OriginStatement | None) -> tuple[str, ...]:
    limits = []
    trusted = summary.state in _TRUSTED and (statement is None or statement.trusted)
    if not trusted:
        limits.append("signer-not-trusted")
    standing = dict.fromkeys(_STANDING.get(c.status) for c in _certificates(summary, statement))
    limits += [code for code in standing if code]
    if statement is not None and statement.relation != "active":
        limits.append("said-by-ingredient")
        if statement.relation == "parent" and edited_since(summary.manifests[0]):
            limits.append("edited-since")
    if statement is not None and not statement.attested:
        limits.append("gathered-assertion")
    if statement is not None and statement.digital_source_type is None:
        limits.append("read-from-words")
    return tuple(limits)


def _certificates(
    summary: ManifestSummary, statement: OriginStatement | None
) -> Iterator[Certificate]:
    """Those that a statement rests on: the active manifest's, and its own where it is another's."""
    if summary.checks is not None:
        yield summary.checks.certificate
    if statement is not None and statement.relation != "active" and statement.certificate:
        yield statement.certificate


def _of_certificate(summary: ManifestSummary, statement: OriginStatement | None) -> str:
    """What to know of a certificate that does not simply hold, as a sentence."""
    for found in _certificates(summary, statement):
        match found.status:
            case CertificateStatus.EXPIRED:
                said = f"ran out on {_day(found.not_after)}{_when(found)}"
            case CertificateStatus.NOT_YET_VALID:
                said = f"is not valid before {_day(found.not_before)}{_when(found)}"
            case CertificateStatus.UNSUITABLE:
                said = f"is not one for this: {'; '.join(found.reasons)}"
            case CertificateStatus.UNKNOWN:
                said = "could not be read"
            case _:
                continue
        return f" The signer's certificate {said}."
    return ""


def _when(certificate: Certificate) -> str:
    if certificate.judged_by is TimeSource.TIME_STAMP:
        return f", and a trusted time stamp says {_day(certificate.judged_at)}"
    if certificate.claimed_time is None:
        return ", and nothing vouches for when it was used"
    within = "within" if certificate.claimed_within else "outside"
    return (
        f"; it claims to have been used on {_day(certificate.claimed_time)}, {within} its "
        "validity, and nobody vouches for that"
    )


def _day(time: str | None) -> str:
    return (time or "an unknown day")[:10]


def _sentence(summary: ManifestSummary, statement: OriginStatement) -> str:
    who = f"An intact manifest by {_signed_by(summary)}"
    said = _SAID[statement.claim]
    if statement.digital_source_type is None:
        said = said.replace("says", "says in words", 1)
    if statement.relation == "parent":
        opened = "edited" if edited_since(summary.manifests[0]) else "opened"
        who += f" {opened} a picture whose own manifest"
    elif statement.relation == "component":
        who += " names a component whose own manifest"
        said = "says that it was made or changed by a model"
    agent = statement.software_agent.name if statement.software_agent else statement.vendor
    told = statement.digital_source_type or (statement.description or "")[:_LONGEST]
    place = statement.action or statement.stated_in
    how = ", ".join(filter(None, (agent, place, told)))
    return f"{who} {said} ({how}).{_of_certificate(summary, statement)}"


def _signed_by(summary: ManifestSummary) -> str:
    signer = summary.signer
    name = (signer.issuer or signer.common_name) if signer else None
    if name is None:
        return "an unnamed signer"
    return name if summary.state in _TRUSTED else f"a signer calling itself {name}"


def _disclosure(summary: ManifestSummary) -> str:
    active = summary.manifests[0]
    return ", but discloses that a model took part" if active.ai_assertions else ""
