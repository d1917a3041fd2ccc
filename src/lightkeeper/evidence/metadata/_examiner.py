"""Generation parameters of one file, and what they say against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Tier
from lightkeeper.evidence.metadata._contradictions import disagreements, size_mismatch
from lightkeeper.evidence.metadata._families import read_carriers, records_from
from lightkeeper.evidence.metadata._findings import parameters_finding
from lightkeeper.evidence.metadata.stealth import stealth_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence._finding import Finding
    from lightkeeper.evidence.metadata._record import GenerationRecord
    from lightkeeper.media import Media


def read_parameters(media: Media, *, pixels: bool = True) -> tuple[GenerationRecord, ...]:
    """All generation parameters that a file carries, the most trustworthy account first.

    Parameters
    ----------
    media : Media
    pixels : bool
        Also read text hidden in the lowest bits of a lossless picture, which decodes it.

    Returns
    -------
    tuple of GenerationRecord
        Empty where the file carries none. Several records may tell of one generation.

    Raises
    ------
    MediaError
        ``pixels`` was asked for and the picture cannot be decoded.
    """
    records = media.once(_container_records)
    if not pixels:
        return records
    return (*records, *stealth_records(media, read=read_carriers))


class MetadataExaminer:
    """Reads generation parameters from a container's texts, EXIF and XMP; decodes nothing."""

    name = "metadata"
    version = "2"
    tier = Tier.BYTES

    def unavailable(self) -> str | None:
        """Always available."""
        return None

    def examine(self, media: Media) -> Sequence[Finding]:
        """One finding per record, then contradictions among them and with the picture's size."""
        records = media.once(_container_records)
        who = {"examiner": self.name, "version": self.version}
        return [
            *(parameters_finding(record, **who) for record in records),
            *disagreements(records, **who),
            *size_mismatch(records, media.header, **who),
        ]


def _container_records(media: Media) -> tuple[GenerationRecord, ...]:
    return records_from(media.embedded())
