"""One self-contained page that needs nothing but a browser.

Everything that a file says is hostile: text reaches the page as JSON in which no ``<`` remains,
and the page's script writes it as text only. The content security policy admits the page's own
script and style by their digests, and no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from lightkeeper import __version__
from lightkeeper.assessment._limits import LIMITS
from lightkeeper.scan._output import AtomicFile
from lightkeeper.scan._plots import plots
from lightkeeper.scan._report_rows import ReportRows
from lightkeeper.scan._row import SCHEMA, json_line
from lightkeeper.scan._summary import Summary

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.evidence import Tier
    from lightkeeper.scan._row import ScanRow

_BLOCK_ROWS = 500
_SPOOL_BYTES = 8 << 20
_COPY_CHARACTERS = 1 << 20


class HtmlReport:
    """Summary plots, a filter, and the evidence for each file, in one page.

    Rows wait in a spool file, so memory stays flat. The page appears when it is whole.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """

    def __init__(self, path: Path, *, tier: Tier) -> None:
        self._tier = tier
        self._file = AtomicFile(path, text=True)
        self._spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (closed with the report)
            _SPOOL_BYTES, "w+", encoding="utf-8"
        )
        self._summary = Summary()
        self._rows = ReportRows()
        self._block: list[str] = []

    def add(self, row: ScanRow) -> None:
        """Spool one row."""
        self._summary.add(row)
        self._block.append(_embeddable(self._rows.shorten(row)))
        if len(self._block) == _BLOCK_ROWS:
            self._spool_block()

    def finish(self) -> None:
        """Put the page together and in its place."""
        self._spool_block()
        before, after = self._page().split("<!--rows-->")
        out = self._file.stream
        out.write(before)
        self._spool.seek(0)
        while text := self._spool.read(_COPY_CHARACTERS):
            out.write(text)
        out.write(after)
        self._spool.close()
        self._file.commit()

    def abandon(self) -> None:
        """Remove what was written."""
        self._spool.close()
        self._file.discard()

    def _spool_block(self) -> None:
        if self._block:
            rows = ",\n".join(self._block)
            self._spool.write(f'<script type="application/json" class="rows">[{rows}]</script>\n')
            self._block.clear()

    def _page(self) -> str:
        style, script = _resource("report.css"), _resource("report.js")
        shared = {"sentences": self._rows.sentences, "limits": LIMITS}
        return Template(_resource("report.html")).substitute(
            style=style,
            script=script,
            style_digest=_digest(style),
            script_digest=_digest(script),
            lead=escape(str(self._summary) + "."),
            tier=escape(self._tier.name.lower()),
            version=escape(__version__),
            schema=escape(SCHEMA),
            plots=plots(self._summary),
            shared=_embeddable(shared),
        )


def _resource(name: str) -> str:
    return (resources.files("lightkeeper.scan") / "html" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embeddable(value: Any) -> str:
    """JSON that cannot end the element that it stands in."""
    return json_line(value).replace("<", "\\u003c").replace("&", "\\u0026")
