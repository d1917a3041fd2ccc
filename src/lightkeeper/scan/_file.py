"""Examine one file in this process."""

from __future__ import annotations

import base64
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightkeeper.assessment import assess, explain
from lightkeeper.assessment.attribution import attribute
from lightkeeper.errors import LightkeeperError, MediaError, UnsupportedMedia
from lightkeeper.evidence import Tier
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain
from lightkeeper.scan._cascade import Staging, examine_in_stages
from lightkeeper.scan._row import ScanRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence import Examiner
    from lightkeeper.media import Media
    from lightkeeper.scan._policy import Policy

_THUMBNAIL_SIDE = 192


def scan_file(
    file: str,
    examiners: Sequence[Examiner],
    policy: Policy,
    *,
    thumbnail: bool = False,
    explanation: bool = False,
) -> ScanRow:
    """Examine one file and assess what was found.

    Never raises because of the file: what is wrong with it becomes the row's ``error``. It has
    no time or memory bound of its own; :func:`lightkeeper.scan.scan` adds both.
    """
    row, _ = _guarded(file, file, examiners, policy, thumbnail, explanation)
    return row


def scan_content(
    file: str,
    content: bytes,
    examiners: Sequence[Examiner],
    policy: Policy,
    *,
    explanation: bool = False,
    staging: Staging | None = None,
) -> tuple[ScanRow, Media | None]:
    """Examine a file that is in memory only; ``file`` is the name that the row carries.

    ``staging`` says what the cascade may spend, and takes down what it did.
    The medium, as far as it was decoded, comes with the row: who also shows it decodes no second
    time. It is ``None`` where the content could not be opened.
    """
    return _guarded(file, content, examiners, policy, False, explanation, staging)


def _guarded(
    file: str,
    source: str | bytes,
    examiners: Sequence[Examiner],
    policy: Policy,
    thumbnail: bool,
    explanation: bool,
    staging: Staging | None = None,
) -> tuple[ScanRow, Media | None]:
    started = time.perf_counter()
    media = None
    try:
        media = open_media(source, name=file, limits=policy.limits)
        row = _examined(
            file, media, examiners, policy, thumbnail, explanation, staging or Staging()
        )
    except LightkeeperError as error:
        row = ScanRow.failed(file, error.code, str(error), digests=_digests(source, policy))
    except OSError as error:
        row = ScanRow.failed(file, "unreadable", error.strerror or type(error).__name__)
    except MemoryError:
        row = ScanRow.failed(file, "out-of-memory", "The memory limit of the worker was met.")
    return replace(row, seconds=round(time.perf_counter() - started, 4)), media


def _examined(
    file: str,
    media: Media,
    examiners: Sequence[Examiner],
    policy: Policy,
    thumbnail: bool,
    explanation: bool,
    staging: Staging,
) -> ScanRow:
    from lightkeeper.hashing import media_digests

    seen = examine_in_stages(media, examiners, policy, staging)
    assessment = assess(seen.findings, not_examined=seen.not_examined)
    attribution = attribute(assessment, seen.findings)
    pdq, pdq_failures = _pdq(media, policy.tier)
    return ScanRow(
        file=file,
        format=media.format.value,
        width=media.header.width,
        height=media.header.height,
        digests=to_plain(media_digests(media)),
        pdq=pdq,
        problems=to_plain(media.problems),
        findings=to_plain(seen.findings),
        failures=[*to_plain(seen.failures), *pdq_failures],
        assessment=to_plain(assessment),
        attribution=to_plain(attribution),
        stages=staging.because,
        thumbnail=_thumbnail(media) if thumbnail else None,
        explanation=explain(assessment, seen.findings, attribution) if explanation else None,
    )


def _pdq(media: Media, tier: Tier) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    if tier < Tier.PIXELS:
        return None, []
    from lightkeeper.hashing import pdq

    try:
        value = pdq(media)
    except UnsupportedMedia:
        # Under five pixels on a side PDQ is not defined; that is no failure.
        return None, []
    except MediaError as error:
        return None, [{"examiner": "pdq", "code": error.code, "message": str(error)}]
    return {"hash": value.hex, "quality": value.quality, "variant": str(value.variant)}, []


def _digests(source: str | bytes, policy: Policy) -> dict[str, Any] | None:
    from lightkeeper.hashing import digests

    plain: dict[str, Any]
    if isinstance(source, bytes):
        plain = to_plain(digests(source))
        return plain
    try:
        with Path(source).open("rb") as stream:
            if stream.seek(0, io.SEEK_END) > policy.limits.max_bytes:
                return None
            stream.seek(0)
            plain = to_plain(digests(stream))
            return plain
    except OSError:
        return None


def _thumbnail(media: Media) -> str | None:
    from PIL import Image

    try:
        picture = Image.fromarray(media.rgb())
    except MediaError:
        return None
    picture.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=70)
    return base64.b64encode(stream.getvalue()).decode("ascii")
