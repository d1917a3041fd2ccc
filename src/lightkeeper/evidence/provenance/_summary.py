"""What a C2PA manifest store says, in the words of the specification."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from lightkeeper.evidence._finding import Claim

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRONGEST_FIRST = (Claim.GENERATED, Claim.AI_EDITED, Claim.CAPTURED)
Relation = Literal["active", "parent", "component"]
"""Whether the active manifest speaks, or that of a picture it was made from or contains."""


class ManifestState(StrEnum):
    """How far the content credentials of a file hold."""

    TRUSTED = "trusted"
    """Intact, the signer traces to a trust anchor, and its certificate was valid when judged."""
    LAPSED = "lapsed"
    """Intact, and the signer traces to a trust anchor, but its certificate was not valid then."""
    VALID = "valid"
    """Intact, but nobody vouches for the signer: anyone can make a certificate."""
    INVALID = "invalid"
    """The picture, the manifest or the signature does not hold; see the codes."""
    NONE = "none"
    """No manifest."""
    REMOTE = "remote"
    """Only the address of a manifest, which is never fetched."""
    UNREADABLE = "unreadable"
    """A manifest that cannot be parsed."""


@dataclass(frozen=True, slots=True)
class ValidationCode:
    """One validation result: the specification's ``code``, an explanation and a JUMBF URI."""

    code: str
    explanation: str = ""
    where: str = ""

    @property
    def is_unknown_signer(self) -> bool:
        """Nobody vouches for a signer or an identity; what was signed is intact all the same."""
        return self.code.endswith(".untrusted")

    @property
    def is_about_credential(self) -> bool:
        """It tells of a certificate and who issued it; what was signed is intact all the same."""
        return self.code.startswith(_OF_CREDENTIALS)


_OF_CREDENTIALS = (
    "signingCredential.",
    "claimSignature.outsideValidity",
    "cawg.x509.credential.",
    "cawg.x509.signature.outside_validity",
    "cawg.ica.untrusted_issuer",
)


@dataclass(frozen=True, slots=True)
class Software:
    """A claim generator or software agent."""

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who the certificate says signed; proven only where the state is trusted."""

    issuer: str | None = None
    common_name: str | None = None
    serial_number: str | None = None
    algorithm: str | None = None
    time: str | None = None
    """When the time stamp says it was signed (ISO 8601); ``None`` without a usable time stamp."""
    time_stamp: str | None = None
    """``trusted``, ``not-traced``, ``untrusted``, ``mismatch`` …; ``None`` without a time stamp.
    Only ``trusted`` says that its authority traces to a trust anchor."""
    time_stamp_authority: str | None = None
    """Name in the certificate of the time-stamp authority."""


class CertificateStatus(StrEnum):
    """How a signer's certificate stands at the time that it is judged at."""

    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    """Its authority took it back, as an OCSP response in the manifest says."""
    UNSUITABLE = "unsuitable"
    """Not a certificate for signing claims; the reasons say why."""
    UNKNOWN = "unknown"
    """It could not be read; by the machine's clock the SDK did not find it expired."""


class TimeSource(StrEnum):
    """Where the time comes from that a certificate is judged at."""

    TIME_STAMP = "time-stamp"
    """A time stamp of an authority that traces to a trust anchor."""
    VERIFICATION = "verification"
    """The time of verification: nobody vouches for the time of signing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A signer's certificate, judged at one time. Times are ISO 8601 in UTC."""

    status: CertificateStatus
    judged_at: str
    judged_by: TimeSource
    not_before: str | None = None
    not_after: str | None = None
    """Validity of the certificate and of those that issued it, together."""
    claimed_time: str | None = None
    """When it was signed, as a time stamp that nobody traced or an action says: shown, and
    counted for nothing."""
    claimed_within: bool | None = None
    """Whether that lies within the validity."""
    purposes: tuple[str, ...] = ()
    """Extended key usages, as object identifiers."""
    reasons: tuple[str, ...] = ()
    """Why it is ``unsuitable``."""


class Check(StrEnum):
    """Answer to one question about a manifest."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What holds of a manifest, one question at a time."""

    bytes_intact: Check
    """The picture and the assertions are those that were signed."""
    signature_verifies: Check
    """The claim was signed with the key of the certificate."""
    issuer_trusted: Check
    """The certificate traces to a trust anchor."""
    certificate: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of the actions assertion."""

    action: str
    software_agent: Software | None = None
    digital_source_type: str | None = None
    """Term of the IPTC or C2PA vocabulary, such as ``trainedAlgorithmicMedia``."""
    description: str | None = None
    when: str | None = None
    attested: bool = True
    """``False`` where a version 2 claim only gathered it, so the signer does not vouch for it."""
    stated_in: str = ""
    """Label of the assertion that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedSource:
    """A digital source type that stands in a metadata assertion, about the picture as a whole."""

    digital_source_type: str
    stated_in: str
    attested: bool = True


@dataclass(frozen=True, slots=True)
class AiAssertion:
    """An assertion about a model that took part, as it was written."""

    label: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SoftBinding:
    """A watermark or fingerprint by which a stripped copy finds its manifest again."""

    algorithm: str
    """Identifier of the C2PA list of soft-binding algorithms, such as ``com.example.mark.1``."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """A picture that the signed one was made from or contains."""

    label: str
    title: str | None = None
    relationship: str | None = None
    format: str | None = None
    manifest: str | None = None
    """Label of its own manifest, where it has one."""
    digital_source_type: str | None = None
    """What the manifest that names it says of it."""
    failures: tuple[ValidationCode, ...] = ()
    """Recorded when it was added, or found now, whatever the state of the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One claim with its assertions and its signature."""

    label: str
    active: bool
    title: str | None = None
    claim_version: int | None = None
    generators: tuple[Software, ...] = ()
    signer: Signer | None = None
    vendor: str | None = None
    """Generator family by its self-given names; proven only where ``trusted``."""
    issuer_trusted: bool = False
    """Its signer's certificate traces to a trust anchor, whatever it is for."""
    trusted: bool = False
    """It does, and it is for signing claims and was not revoked."""
    intact: bool = False
    """Nothing was found wrong with it except its certificate or an identity's."""
    certificate: Certificate | None = None
    actions: tuple[Action, ...] = ()
    stated_sources: tuple[StatedSource, ...] = ()
    assertions: tuple[str, ...] = ()
    """Labels of all assertions."""
    ai_assertions: tuple[AiAssertion, ...] = ()
    soft_bindings: tuple[SoftBinding, ...] = ()
    training_and_data_mining: Mapping[str, str] = field(default_factory=dict)
    """Use (``allowed``, ``notAllowed``, ``constrained``) by kind, where it is stated."""
    ingredients: tuple[Ingredient, ...] = ()
    failures: tuple[ValidationCode, ...] = ()
    """Of this manifest alone, where it is known to be about it."""

    @property
    def is_lapsed(self) -> bool:
        """Its certificate was not valid at the time that it is judged at."""
        lapsed = (CertificateStatus.EXPIRED, CertificateStatus.NOT_YET_VALID)
        return self.certificate is not None and self.certificate.status in lapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginStatement:
    """What one action says about where the picture comes from."""

    claim: Claim
    relation: Relation
    action: str
    digital_source_type: str | None
    """``None`` where only the words of the action say it."""
    stated_in: str
    """Where in the manifest it stands: an assertion's label, and the field where another."""
    software_agent: Software | None
    description: str | None
    manifest: str
    vendor: str | None
    attested: bool
    trusted: bool
    """The signer of this very manifest traces to a trust anchor."""
    intact: bool
    """This very manifest has no failure."""
    certificate: Certificate | None = None
    """That of this very manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSummary:
    """Content credentials of one file.

    Without a manifest only ``state`` (and ``remote_url``, ``problem``) say anything.
    """

    state: ManifestState
    claims: tuple[OriginStatement, ...] = ()
    """Statements about origin, those of the active manifest first."""
    verified_at: str | None = None
    """Time of verification, ISO 8601 in UTC."""
    checks: Checks | None = None
    """What holds of the active manifest."""
    claim_generators: tuple[Software, ...] = ()
    signer: Signer | None = None
    vendor: str | None = None
    soft_bindings: tuple[SoftBinding, ...] = ()
    training_and_data_mining: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[ValidationCode, ...] = ()
    """Failures of the active manifest, ``signingCredential.untrusted`` among them."""
    notices: tuple[ValidationCode, ...] = ()
    """What is odd without being a failure, such as a time stamp that does not match."""
    manifests: tuple[Manifest, ...] = ()
    """The active one first."""
    remote_url: str | None = None
    """Address of a manifest elsewhere: named, never fetched."""
    problem: ValidationCode | None = None
    """Why there is no manifest to read, where that is odd."""

    @property
    def reported(self) -> tuple[OriginStatement, ...]:
        """The strongest intact statement, and the strongest of a trusted signer where another.

        An edit of a captured picture is one history, not a contradiction, so one statement is
        said: generated before edited before captured, the active manifest first.
        """
        intact = [s for s in self.claims if s.intact]
        ranked = sorted(intact, key=lambda s: _STRONGEST_FIRST.index(s.claim))
        return tuple(dict.fromkeys([*[s for s in ranked if s.trusted][:1], *ranked[:1]]))

    @property
    def ingredient_failures(self) -> tuple[ValidationCode, ...]:
        """Failures of all ingredients, however deep; those of a certificate are not among them."""
        found = (f for m in self.manifests for i in m.ingredients for f in i.failures)
        return tuple(dict.fromkeys(f for f in found if not f.is_about_credential))
