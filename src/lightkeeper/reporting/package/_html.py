"""One HTML file that needs nothing else and can do nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from typing import Final

from lightkeeper.reporting.package._document import Block, Grid, Heading, Points, Rows
from lightkeeper.reporting.package._text import visible

_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:"
    "1.2rem;border-bottom:1px solid;margin-top:2.5rem}h3{font-size:1rem}table{border-collapse:"
    "collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;"
    "border-bottom:1px solid #8886;overflow-wrap:anywhere}.rows th{width:14rem;font-weight:600}"
    "blockquote{border-left:3px solid #888;margin:0;padding-left:1rem;white-space:pre-wrap;"
    "overflow-wrap:anywhere}p{overflow-wrap:anywhere}tr{break-inside:avoid}"
)


def to_html(blocks: Iterable[Block]) -> bytes:
    """The document. Its policy allows no script, no frame, no form and no address."""
    blocks = tuple(blocks)
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body><main>\n"
    )
    body = "\n".join(map(_block, blocks))
    return f"{head}{body}\n</main></body></html>\n".encode()


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_text(block.text)}</h{block.level}>"
    if isinstance(block, Points):
        return f"<ul>{''.join(f'<li>{_text(each)}</li>' for each in block.texts)}</ul>"
    if isinstance(block, Rows):
        rows = "".join(
            f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>'
            for name, value in block.rows
        )
        return f'<table class="rows">{rows}</table>'
    if isinstance(block, Grid):
        heads = "".join(f'<th scope="col">{_text(each)}</th>' for each in block.heads)
        lines = "".join(
            f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in block.rows
        )
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    if block.quoted:
        return f'<blockquote dir="auto">{_text(block.text)}</blockquote>'
    return f"<p>{_text(block.text)}</p>"


def _text(text: str) -> str:
    return escape(visible(text))
