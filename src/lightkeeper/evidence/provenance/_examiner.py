"""Findings from content credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding, Hypothesis, Tier
from lightkeeper.evidence.provenance._origin import edited_since
from lightkeeper.evidence.provenance._read import read_manifest
from lightkeeper.evidence.provenance._summary import (
    ManifestState,
    ManifestSummary,
    OriginStatement,
    Signer,
    SoftBinding,
    Software,
)

if TYPE_CHECKING:
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
    """

    name = "provenance"
    version = "1"
    tier = Tier.BYTES

    def __init__(self, *, trust: Trust | None = None) -> None:
        self._trust = trust

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
        summary = read_manifest(media, trust=self._trust)
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
            case ManifestState.VALID | ManifestState.TRUSTED:
                yield from self._intact(summary)
                yield from self._ingredients(summary)

    def _intact(self, summary: ManifestSummary) -> Iterator[Finding]:
        statements = _reported(summary)
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
                f"origin{_disclosure(summary)}.",
                basis=_basis(summary, trusted=True),
                limits=_limits(summary, None),
            )

    def _invalid(self, summary: ManifestSummary) -> Finding:
        codes = tuple(dict.fromkeys(f.code for f in summary.failures if not f.is_unknown_signer))
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
                statement=statement,
                soft_bindings=summary.soft_bindings,
                codes=codes,
                remote_url=summary.remote_url,
            ),
        )


def _reported(summary: ManifestSummary) -> tuple[OriginStatement, ...]:
    """The strongest statement, and the strongest of a trusted signer where that is another.

    An edit of a captured picture is one history, not a contradiction, so one statement is said:
    generated before edited before captured, the active manifest first.
    """
    intact = [s for s in summary.claims if s.intact]
    ranked = sorted(intact, key=lambda s: list(_SUPPORTS).index(s.claim))
    return tuple(dict.fromkeys([*[s for s in ranked if s.trusted][:1], *ranked[:1]]))


def _basis(summary: ManifestSummary, *, trusted: bool) -> Basis:
    both = summary.state is ManifestState.TRUSTED and trusted
    return Basis.SIGNED if both else Basis.ASSERTED


def _limits(summary: ManifestSummary, statement: OriginStatement | None) -> tuple[str, ...]:
    limits = []
    trusted = summary.state is ManifestState.TRUSTED and (statement is None or statement.trusted)
    if not trusted:
        limits.append("signer-not-trusted")
    if statement is not None and statement.relation != "active":
        limits.append("said-by-ingredient")
        if statement.relation == "parent" and edited_since(summary.manifests[0]):
            limits.append("edited-since")
    if statement is not None and not statement.attested:
        limits.append("gathered-assertion")
    return tuple(limits)


def _sentence(summary: ManifestSummary, statement: OriginStatement) -> str:
    who = f"An intact manifest by {_signed_by(summary)}"
    said = _SAID[statement.claim]
    if statement.relation == "parent":
        opened = "edited" if edited_since(summary.manifests[0]) else "opened"
        who += f" {opened} a picture whose own manifest"
    elif statement.relation == "component":
        who += " names a component whose own manifest"
        said = "says that it was made or changed by a model"
    agent = statement.software_agent.name if statement.software_agent else statement.vendor
    how = ", ".join(filter(None, (agent, statement.action, statement.digital_source_type)))
    return f"{who} {said} ({how})."


def _signed_by(summary: ManifestSummary) -> str:
    signer = summary.signer
    name = (signer.issuer or signer.common_name) if signer else None
    if name is None:
        return "an unnamed signer"
    return name if summary.state is ManifestState.TRUSTED else f"a signer calling itself {name}"


def _disclosure(summary: ManifestSummary) -> str:
    active = summary.manifests[0]
    return ", but discloses that a model took part" if active.ai_assertions else ""
