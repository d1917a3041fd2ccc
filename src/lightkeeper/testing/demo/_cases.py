"""Cases of every kind, about umbrellas, bicycles and leaves."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from PIL import Image

from lightkeeper.cases.desk import NewCase, NewItem
from lightkeeper.cases.item import ItemKind
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import Arising, Intake, Signal, Subject, SubjectKind
from lightkeeper.testing._draw import photo_like
from lightkeeper.testing.gallery import PICTURES

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.cases.desk import Desk

INTAKE: Final = Actor(
    id="demo-intake", name="demo intake", roles=frozenset({Role.INTAKE}), is_person=False
)
_UPLOADS: Final = (
    "umbrella-infotext.png",
    "garden-camera.jpg",
    "dusk-comfyui.webp",
    "poster-signed.png",
    "harbour-camera-and-mark.webp",
    "bicycle-novelai-stealth.png",
    "garden-truncated.jpg",
)


def seed_cases(desk: Desk, *, occurred: datetime) -> tuple[str, ...]:
    """Open the demo's cases; their media still has to be examined.

    Doing it twice opens nothing twice.

    Parameters
    ----------
    desk : Desk
    occurred : datetime
        When what is reported happened.

    Returns
    -------
    tuple of str
        Identifiers of the items that wait.
    """
    waiting = []
    for new, items in _cases(occurred):
        case = desk.open_case(INTAKE, new)
        if case.outline.items:
            continue
        for item in items:
            added = desk.add_item(INTAKE, case.id, item)
            if item.kind is ItemKind.MEDIA:
                waiting.append(added.id)
    return tuple(waiting)


def _cases(occurred: datetime) -> Iterator[tuple[NewCase, list[NewItem]]]:
    for number, name in enumerate(_UPLOADS):
        yield (
            _case(Arising.UPLOADED, f"user-{100 + number}", occurred, source_id=f"upload-{number}"),
            [_media(PICTURES[name](), name, uploaded_at=occurred.isoformat())],
        )
    copies = [_media(_copy(quality), f"umbrella-{quality}.jpg") for quality in (95, 80, 60)]
    yield (
        _case(Arising.UPLOADED, "user-200", occurred, source_id="copies", times_reported=14),
        copies,
    )
    yield (
        _case(Arising.UPLOADED, "user-201", occurred, source_id="copy-elsewhere"),
        [_media(_copy(70), "umbrella-again.jpg")],
    )
    yield (
        _case(
            Arising.UPLOADED,
            "user-202",
            occurred,
            source_id="urgent",
            signals=frozenset({Signal.SEXTORTION}),
            note="A stand-in for an urgent case: somebody wrote that a bicycle is being held.",
        ),
        [
            NewItem(kind=ItemKind.TEXT, text="Give me the key, or the bicycle goes to the river."),
            _media(_jpeg(photo_like(71, width=640, height=480), 90), "bicycle.jpg"),
        ],
    )
    yield (
        _case(Arising.GENERATED_OUTPUT, "user-203", occurred, source_id="output"),
        [
            NewItem(kind=ItemKind.PROMPT, text="a red umbrella on a rainy street, evening light"),
            _media(PICTURES["umbrella-infotext.png"](), "output.png"),
        ],
    )
    yield (
        _case(
            Arising.PROMPT_ONLY, "prompt-9", occurred, source_id="prompt", kind=SubjectKind.PROMPT
        ),
        [NewItem(kind=ItemKind.PROMPT, text="a bicycle leaning on a lighthouse, oil painting")],
    )
    yield (
        _case(Arising.MODEL_FILE, "leaves-v2", occurred, source_id="model", kind=SubjectKind.MODEL),
        [
            NewItem(
                kind=ItemKind.MODEL,
                facts={"model": "leaves-v2", "model-sha256": "5e" * 32},
            )
        ],
    )
    yield (
        _case(
            Arising.TRAINING_DATA_FIND,
            "outdoor-pictures-4",
            occurred,
            source_id="find",
            kind=SubjectKind.DATA_SET,
        ),
        [_media(_jpeg(photo_like(72, width=512, height=512), 85), "leaves.jpg")],
    )


def _case(
    arising: Arising,
    identifier: str,
    occurred: datetime,
    *,
    source_id: str,
    kind: SubjectKind = SubjectKind.USER,
    times_reported: int = 1,
    signals: frozenset[Signal] = frozenset(),
    note: str = "",
) -> NewCase:
    return NewCase(
        arising=arising,
        intake=Intake.API,
        subject=Subject(kind, identifier),
        source_id=source_id,
        occurred=occurred,
        signals=signals,
        times_reported=times_reported,
        note=note,
    )


def _media(content: bytes, name: str, **facts: str) -> NewItem:
    return NewItem(
        kind=ItemKind.MEDIA,
        content=content,
        file_name=name,
        facts={key.replace("_", "-"): value for key, value in facts.items()},
    )


def _copy(quality: int) -> bytes:
    return _jpeg(photo_like(70, width=640, height=480), quality)


def _jpeg(picture: NDArray[np.uint8], quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return stream.getvalue()
