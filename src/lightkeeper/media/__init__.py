"""The only room that touches untrusted bytes.

:func:`open_media` takes a path, bytes or a stream, probes it by content and gives a
:class:`Media`. Nothing is decoded until somebody asks, and then once.
"""

from lightkeeper.media._embedded import Embedded, ExifField, TextBlock, XmpProperty
from lightkeeper.media._limits import Limits
from lightkeeper.media._media import Media, open_media
from lightkeeper.media._types import Header, Luma, MediaFormat, Problem, Raster

__all__ = [
    "Embedded",
    "ExifField",
    "Header",
    "Limits",
    "Luma",
    "Media",
    "MediaFormat",
    "Problem",
    "Raster",
    "TextBlock",
    "XmpProperty",
    "open_media",
]
