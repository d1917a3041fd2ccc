"""Evidence packages as an answer, for pages and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import StreamingResponse

from lightkeeper.reporting.package import PackageDesk

if TYPE_CHECKING:
    from lightkeeper.cases.people import Actor
    from lightkeeper.service._services import Services

ZIP: Final = "application/zip"
MANIFEST_HEADER: Final = "Lightkeeper-Manifest-SHA256"


def packaged(
    services: Services, actor: Actor, case_id: str, *, with_media: bool
) -> StreamingResponse:
    """A case as a download. It is in the audit before its first byte leaves.

    Should a file of the vault be gone or changed by the time that its turn comes, the download
    breaks off: what has arrived cannot be taken for a package.
    """
    desk = PackageDesk(
        services.cases,
        services.vault,
        clock=services.clock,
        key=services.keys.signing_key(),
        sender=services.sender,
    )
    package = desk.hand_over(actor, case_id, with_media=with_media)
    return StreamingResponse(
        package.stream(),
        media_type=ZIP,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{package.file_name}"',
            MANIFEST_HEADER: package.manifest_sha256,
        },
    )
