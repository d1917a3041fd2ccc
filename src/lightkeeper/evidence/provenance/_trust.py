"""Whose signatures count as trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lightkeeper.errors import InvalidConfiguration

_PEM = "-----BEGIN CERTIFICATE-----"


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
    allowed_list : str
        Certificates of signers that are trusted by themselves.
    config : str
        Object identifiers of the extended key usages that are accepted, one a line; the C2PA
        defaults where empty.

    Raises
    ------
    InvalidConfiguration
        A text holds no certificate.
    """

    anchors: str = ""
    allowed_list: str = ""
    config: str = ""

    def __post_init__(self) -> None:
        for name in ("anchors", "allowed_list"):
            text: str = getattr(self, name)
            if text and (_PEM not in text or "\0" in text):
                raise InvalidConfiguration(
                    f"the trust {name.replace('_', ' ')} hold no PEM certificate",
                    hint=f"expected one or more blocks that start with {_PEM}",
                )

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
