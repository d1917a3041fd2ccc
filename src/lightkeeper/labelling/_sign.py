"""Write a manifest that says that a model made or changed a picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import EvidenceError, UnsupportedMedia
from lightkeeper.evidence.provenance import ManifestState, read_manifest
from lightkeeper.evidence.provenance._adapter import write_manifest
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM
from lightkeeper.labelling._credentials import load_credentials
from lightkeeper.media import MediaFormat

if TYPE_CHECKING:
    from lightkeeper.evidence.provenance import SoftBinding
    from lightkeeper.media import Media

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_PARENT = "parent"
_WITHOUT_MANIFEST = frozenset({MediaFormat.BMP})


class SourceType(StrEnum):
    """IPTC digital source types of what a model made."""

    GENERATED = "trainedAlgorithmicMedia"
    """Made by a model."""
    PARTLY = "compositeWithTrainedAlgorithmicMedia"
    """A picture with parts that a model made (infill, outpainting)."""
    SYNTHETIC_COMPOSITE = "compositeSynthetic"
    """A composite with synthetic parts."""


@dataclass(frozen=True, slots=True)
class SignedPicture:
    """A signed file, and its manifest store as a file of its own.

    The store can be kept apart: it is what a mark finds again where the file was stripped of it.
    """

    content: bytes
    manifest: bytes


def sign_generated(
    media: Media,
    *,
    certificate_chain_pem: str | bytes,
    private_key_pem: str | bytes,
    generator: str,
    generator_version: str | None = None,
    source_type: SourceType = SourceType.GENERATED,
    soft_binding: SoftBinding | None = None,
    parent: Media | None = None,
    timestamp_url: str | None = None,
) -> SignedPicture:
    """Label a generator's output with a signed C2PA manifest.

    The manifest holds a ``c2pa.created`` action with the digital source type (with ``parent``:
    ``c2pa.opened``, then ``c2pa.edited`` with the source type), a ``c2pa.ai-disclosure``, and the
    soft binding where given, for the open mark with the action ``c2pa.watermarked.bound``. No
    prompt is written. The signature algorithm follows from the key.

    Parameters
    ----------
    media : Media
        Its pixels and metadata stay as they are.
    certificate_chain_pem, private_key_pem : str or bytes
        The signer's certificate first, then its issuers; a key without password.
    generator, generator_version : str
        Name of the generator as readers will show it.
    source_type : SourceType
    soft_binding : SoftBinding, optional
        The watermark or fingerprint that finds the manifest again after it was stripped.
    parent : Media, optional
        The picture that this one was made from; its own manifest travels along.
    timestamp_url : str, optional
        Time-stamp authority (RFC 3161): the one host that signing contacts, and only if named.

    Returns
    -------
    SignedPicture
        The signed file, in the same format, and its manifest store.

    Raises
    ------
    InvalidConfiguration
        The certificate or the key cannot sign C2PA claims; the hint says what is missing.
    UnsupportedMedia
        The format holds no manifest.
    EvidenceError
        The file carries a manifest already, or signing failed.

    References
    ----------
    .. [1] C2PA Technical Specification 2.4, sections "Actions", "Soft Binding" and "AI
       Disclosure".
    """
    credentials = load_credentials(certificate_chain_pem, private_key_pem)
    _refuse(media)
    definition = _definition(
        {"name": generator, **({"version": generator_version} if generator_version else {})},
        source_type,
        soft_binding,
        with_parent=parent is not None,
    )
    written = write_manifest(
        media.content,
        media.format.mime,
        definition,
        credentials=credentials,
        parent=(parent.content, parent.format.mime, _PARENT) if parent is not None else None,
        timestamp_url=timestamp_url,
    )
    return SignedPicture(written.content, written.manifest)


def _refuse(media: Media) -> None:
    if media.format in _WITHOUT_MANIFEST:
        raise UnsupportedMedia(
            f"{media.format.value.upper()} files hold no C2PA manifest",
            hint="convert to PNG, JPEG, WebP or AVIF first",
        )
    if read_manifest(media).state not in (ManifestState.NONE, ManifestState.REMOTE):
        raise EvidenceError(
            "the file carries a manifest already, which signing would replace",
            hint="give the file that carries it as the parent, and sign an unsigned copy",
        )


def _definition(
    generator: dict[str, str],
    source_type: SourceType,
    soft_binding: SoftBinding | None,
    *,
    with_parent: bool,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "action": "c2pa.edited" if with_parent else "c2pa.created",
        "softwareAgent": generator,
        "digitalSourceType": _IPTC + source_type.value,
    }
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_PARENT]}}
    actions = [opened, made] if with_parent else [made]
    if soft_binding is not None and soft_binding.algorithm == SOFT_BINDING_ALGORITHM:
        actions.append({"action": "c2pa.watermarked.bound", "softwareAgent": generator})
    assertions = [
        _attested("c2pa.actions", {"actions": actions, "allActionsIncluded": True}),
        _attested(
            "c2pa.ai-disclosure",
            {"modelType": "c2pa.types.model", "modelName": generator["name"]},
        ),
    ]
    if soft_binding is not None:
        blocks = [{"scope": {}, "value": soft_binding.value}]
        assertions.append(
            _attested("c2pa.soft-binding", {"alg": soft_binding.algorithm, "blocks": blocks})
        )
    return {"claim_generator_info": [generator], "assertions": assertions}


def _attested(label: str, data: dict[str, Any]) -> dict[str, Any]:
    # Without this mark the SDK only gathers the assertion, and the signer does not vouch for it.
    return {"label": label, "data": data, "created": True}
