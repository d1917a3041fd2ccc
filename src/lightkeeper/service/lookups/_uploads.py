"""Take one picture out of a request: its body, or one part of a form. Nothing goes to disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from lightkeeper.service._refusal import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

_MOST_FIELDS = 8
_MOST_FIELD_BYTES = 4096

ONE_FILE = "Only one file allowed per request"
NO_FILE = "Missing multipart/form-data file upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of a file, and the form field they came in."""

    content: bytes
    field: str | None = None


class _InMemory(MultiPartParser):
    """Keeps a file in memory, where the gate has bounded it: uploads must leave no trace."""

    spool_max_size = 1 << 62


def is_form(request: Request) -> bool:
    """Whether the body is a form."""
    kind = request.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "multipart/form-data"


async def read_upload(request: Request) -> Upload:
    """The one file of a request.

    Raises
    ------
    Refusal
        There is none, or more than one.
    """
    upload = await read_form(request) if is_form(request) else Upload(await request.body())
    if not upload.content:
        raise Refusal(400, "no-file", "The body holds no file.")
    return upload


async def read_form(request: Request) -> Upload:
    """The one file of a form, with the name of its field.

    Raises
    ------
    Refusal
        There is none, or more than one, or the form is broken.
    """
    if not is_form(request):
        raise Refusal(400, "no-file", NO_FILE)
    parser = _InMemory(
        request.headers,
        request.stream(),
        max_files=1,
        max_fields=_MOST_FIELDS,
        max_part_size=_MOST_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        message = ONE_FILE if error.message.startswith("Too many files") else error.message
        raise Refusal(400, "broken-form", message) from None
    except (FormParserError, ValueError, KeyError, LookupError):
        raise Refusal(400, "broken-form", "The form cannot be read.") from None
    try:
        for field, part in form.multi_items():
            if isinstance(part, UploadFile):
                return Upload(await part.read(), field)
    finally:
        await form.close()
    raise Refusal(400, "no-file", NO_FILE)
