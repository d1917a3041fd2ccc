"""Whose signatures count as trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lightkeeper.errors import InvalidConfiguration

EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"
CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
MICROSOFT_SIGNING = "1.3.6.1.4.1.311.76.59.1.9"
PURPOSES = (EMAIL_PROTECTION, DOCUMENT_SIGNING, CLAIM_SIGNING, MICROSOFT_SIGNING)
"""Extended key usages of C2PA signers in use. c2pa-python 0.38 by itself takes the first only, and
calls the files of Microsoft's generators invalid."""

_PEM = "-----BEGIN CERTIFICATE-----"
_OID = re.compile(r"[0-2](\.[0-9]{1,20}){1,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Trust anchors for the signers of manifests, as PEM text.

    Without any, every good signature is only ``valid``: anyone can make a certificate. The
    official list of the C2PA conformance programme is published at
    github.com/c2pa-org/conformance-public; it changes, so none ships with Lightkeeper.

    Parameters
    ----------
    anchors : str
        Certificates that signers are traced to, concatenated.
    purposes : tuple of str
        Extended key usages (object identifiers) that a signer's certificate may have, beside
        ``emailProtection``, which is always accepted.

    Raises
    ------
    InvalidConfiguration
        The text holds no certificate, or a purpose is no object identifier.
    """

    anchors: str = ""
    purposes: tuple[str, ...] = PURPOSES

    def __post_init__(self) -> None:
        if self.anchors and (_PEM not in self.anchors or "\0" in self.anchors):
            raise InvalidConfiguration(
                "the trust anchors hold no PEM certificate",
                hint=f"expected one or more blocks that start with {_PEM}",
            )
        for purpose in self.purposes:
            if not _OID.fullmatch(purpose):
                raise InvalidConfiguration(f"{purpose!r} is no object identifier")

    @classmethod
    def from_file(cls, anchors: str | Path) -> Trust:
        """Trust the certificates of one PEM bundle.

        Raises
        ------
        InvalidConfiguration
            The file cannot be read, or holds no certificate.
        """
        path = Path(anchors)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InvalidConfiguration(f"cannot read trust anchors {path}: {reason}") from error
        if not text.strip():
            raise InvalidConfiguration(f"trust anchors {path} are empty")
        return cls(anchors=text)
