"""Every error that Lightkeeper raises on purpose.

::

    LightkeeperError
    ├── MediaError                the bytes of one file
    │   ├── UnsupportedMedia      not a format that Lightkeeper reads
    │   │   └── ArchiveMedia      an archive: what is in it has to be unpacked first
    │   ├── CorruptMedia          truncated, lying or damaged beyond use
    │   └── LimitExceeded         refused before it could exhaust the machine
    ├── EvidenceError             an examiner could not do its work
    ├── MatchError                a hash set, an entry or the index
    ├── InvalidConfiguration      a setting, policy, calibration or mark file
    ├── NotPermitted              a decision that only a person may take, or only another person
    ├── CaseError                 a case, its items or its custody
    │   ├── CaseNotFound          it is not there, or not for whoever asks
    │   ├── InvalidTransition     the case is in another state
    │   ├── StaleCase             somebody else has changed it in between
    │   └── VaultError            kept media is missing, altered or cannot be decrypted
    ├── ReportError               a report to a hotline
    │   ├── InvalidReport         it breaks a rule of the receiver; nothing was sent
    │   ├── Rejected              the receiver refused it for good
    │   └── Unavailable           the receiver cannot be reached; it is tried again
    ├── OutputError               a result could not be written
    └── MissingExtra              an optional dependency is not installed
                                  (also an ImportError)

A batch never ends with one of these: a bad file becomes a row that carries ``error``.
"""

from __future__ import annotations


class LightkeeperError(Exception):
    """Base of all errors; ``str()`` says what happened and ``hint`` what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def code(self) -> str:
        """Stable machine-readable name, such as ``limit-exceeded``."""
        name = type(self).__name__
        return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")


class MediaError(LightkeeperError):
    """The bytes of one file cannot be used."""


class UnsupportedMedia(MediaError):
    """The content is not of a format that Lightkeeper reads."""


class ArchiveMedia(UnsupportedMedia):
    """The content is an archive, whose members are not examined where they are."""


class CorruptMedia(MediaError):
    """The content is truncated, contradicts itself or cannot be decoded."""


class LimitExceeded(MediaError):
    """Reading on would pass a limit of :class:`lightkeeper.media.Limits`."""


class EvidenceError(LightkeeperError):
    """An examiner could not examine a file."""


class MatchError(LightkeeperError):
    """A hash set, an entry or the index cannot be used as asked."""


class InvalidConfiguration(LightkeeperError):
    """A setting, policy, calibration or mark definition is wrong."""


class NotPermitted(LightkeeperError):
    """Only a person, or only another basis, may do this."""


class CaseError(LightkeeperError):
    """A case cannot be used as asked."""


class CaseNotFound(CaseError):
    """There is no such object, or none for whoever asks."""


class InvalidTransition(CaseError):
    """The state of the case does not allow it."""


class StaleCase(CaseError):
    """Somebody else has changed the case in between."""


class VaultError(CaseError):
    """Kept media is missing, altered or cannot be decrypted."""


class ReportError(LightkeeperError):
    """A report to a hotline."""


class InvalidReport(ReportError):
    """The report breaks a rule of the receiver; nothing was sent."""


class Rejected(ReportError):
    """The receiver refused it, and would again."""


class Unavailable(ReportError):
    """The receiver cannot be reached or is at fault; trying again may help."""


class OutputError(LightkeeperError):
    """A result could not be written where it was asked for."""


class MissingExtra(LightkeeperError, ImportError):
    """An optional dependency is needed; ``hint`` names the extra to install."""

    def __init__(self, feature: str, *, extra: str) -> None:
        super().__init__(
            f"{feature} needs the extra '{extra}', which is not installed",
            hint=f"pip install 'lightkeeper[{extra}]'",
        )
        self.extra = extra
