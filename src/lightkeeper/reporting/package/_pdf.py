"""The document as a PDF: core fonts, no compression, the same bytes for the same content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from lightkeeper import __version__
from lightkeeper.errors import MissingExtra
from lightkeeper.reporting.package._document import Block, Grid, Heading, Points, Rows
from lightkeeper.reporting.package._text import visible

if TYPE_CHECKING:
    from datetime import datetime

_FONT: Final = "Helvetica"
_SIZES: Final = {1: 16, 2: 13, 3: 10}
_BODY: Final = 9
_LINE: Final = 4.4
_NAME_WIDTH: Final = 48
_GREY: Final = 110


def to_pdf(blocks: Iterable[Block], *, made: datetime) -> bytes:
    """The document, A4.

    Characters outside Latin-1 stand as ``[U+XXXX]``: the core fonts lack them, and a font that
    has them all would be larger than every package.

    Raises
    ------
    MissingExtra
        The extra ``service`` is not installed.
    """
    pdf = _blank(made.astimezone(UTC))
    for block in blocks:
        if isinstance(block, Heading):
            _heading(pdf, block)
        elif isinstance(block, Points):
            for text in block.texts:
                _lines(pdf, f"-  {text}")
        elif isinstance(block, Rows):
            _rows(pdf, block)
        elif isinstance(block, Grid):
            _grid(pdf, block)
        else:
            _lines(pdf, block.text, indent=5 if block.quoted else 0)
            pdf.ln(1)
    return bytes(pdf.output())


def _blank(made: datetime) -> Any:
    try:
        from fpdf import FPDF
    except ModuleNotFoundError as error:
        raise MissingExtra("An evidence package", extra="service") from error

    class _Pdf(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(_FONT, size=8)
            self.set_text_color(_GREY)
            self.cell(0, 5, f"{visible(self.title or '', latin_1=True)}", align="L")
            self.set_x(-30)
            self.cell(0, 5, f"page {self.page_no()}", align="R")
            self.set_text_color(0)

        def file_id(self) -> str:
            name = hashlib.sha256(f"{self.title} {made.isoformat()}".encode()).hexdigest()[:32]
            return f"<{name}><{name}>"

    pdf = _Pdf()
    pdf.set_compression(False)
    pdf.set_creation_date(made)
    pdf.set_producer(f"lightkeeper {__version__}")
    pdf.set_lang("en")
    pdf.set_margins(18, 16)
    pdf.set_auto_page_break(True, 18)
    return pdf


def _heading(pdf: Any, heading: Heading) -> None:
    text = visible(heading.text, latin_1=True)
    if heading.level == 1:
        pdf.set_title(text)
        pdf.add_page()
    elif pdf.will_page_break(24):
        pdf.add_page()
    pdf.ln({1: 0, 2: 4, 3: 2}[heading.level])
    pdf.start_section(text, level=heading.level - 1)
    pdf.set_font(_FONT, "B", _SIZES[heading.level])
    pdf.multi_cell(0, _LINE * 1.4, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(0.5)


def _lines(pdf: Any, text: str, *, indent: float = 0) -> None:
    pdf.set_font(_FONT, size=_BODY)
    pdf.set_x(pdf.l_margin + indent)
    shown = visible(text, latin_1=True)
    pdf.multi_cell(0, _LINE, shown, align="L", new_x="LMARGIN", new_y="NEXT")


def _rows(pdf: Any, rows: Rows) -> None:
    for name, value in rows.rows:
        _row(pdf, visible(name, latin_1=True), visible(value, latin_1=True) or "-")


def _row(pdf: Any, name: str, value: str) -> None:
    if pdf.will_page_break(2 * _LINE):
        pdf.add_page()
    top, page = pdf.get_y(), pdf.page
    pdf.set_font(_FONT, "B", _BODY)
    pdf.multi_cell(_NAME_WIDTH, _LINE, name, align="L", new_x="LMARGIN", new_y="NEXT")
    after, after_page = pdf.get_y(), pdf.page
    # A name that has run over the page: its value goes below it, never over it.
    if after_page == page:
        pdf.set_xy(pdf.l_margin + _NAME_WIDTH, top)
    else:
        pdf.set_x(pdf.l_margin + _NAME_WIDTH)
    pdf.set_font(_FONT, size=_BODY)
    pdf.multi_cell(0, _LINE, value, align="L", new_x="LMARGIN", new_y="NEXT")
    if pdf.page == after_page and pdf.get_y() < after:
        pdf.set_y(after)


def _grid(pdf: Any, grid: Grid) -> None:
    pdf.set_font(_FONT, size=8)
    with pdf.table(
        col_widths=grid.widths,
        text_align="LEFT",
        line_height=_LINE,
        borders_layout="HORIZONTAL_LINES",
        padding=0.6,
    ) as table:
        for cells in (grid.heads, *grid.rows):
            row = table.row()
            for cell in cells:
                row.cell(visible(cell, latin_1=True) or "-")
    pdf.ln(1)
