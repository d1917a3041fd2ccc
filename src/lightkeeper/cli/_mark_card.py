"""The rows of a mark's audit, for a terminal and as a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from lightkeeper.cli._rows import write_text

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{text-align:left;padding:.3rem .8rem;"
    "border-bottom:1px solid #bbb}"
)
_ROOTED = (
    ("pictures", "copy it onto photographs, as often as the rows 'copied' say"),
    ("the decoder's weights", "remove it, as soon as the rows 'fine-tuned' say"),
    ("secret file and passphrase", "mark any picture, and nobody can tell"),
)
_OPEN = (
    ("nothing", "write any payload onto any picture; a registered fingerprint exposes it"),
    ("one marked picture", "copy its payload, as often as the rows 'laid on' say"),
    ("many pictures with one payload", "take it out, as often as the rows 'taken out' say"),
    ("the registry's signing key", "register any picture"),
)


def audit_line(row: Mapping[str, Any]) -> str:
    """A row (name, n, bits, read, low, high, note) for a person."""
    told = (
        f"{row['name']}: bits {_bits(row)}, read {row['read']:.3f} "
        f"({row['low']:.3f} to {row['high']:.3f}, n {row['n']})"
    )
    return f"{told}; {row['note']}" if row["note"] else told


def say_row(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a row as soon as it is known."""
    write_text(json.dumps(row) if as_json else audit_line(row))
    sys.stdout.flush()


def rooted_card(
    name: str, label: str, rows: Iterable[Mapping[str, Any]], copied: float | None
) -> str:
    """The page of a rooted mark."""
    if copied is None:
        proof = "Copying was not measured, so the mark counts as a public one."
    elif copied > 0.05:
        proof = (
            f"It was copied onto photographs (in up to {copied:.2f} of them, 95 %), so it is no "
            "proof of origin and counts as a public mark."
        )
    else:
        proof = f"It was copied onto at most {copied:.3f} of photographs (95 %)."
    return _page(f"Audit of the mark '{label}' of {name}", proof, rows, _ROOTED)


def open_card(rows: Iterable[Mapping[str, Any]]) -> str:
    """The page of the open mark."""
    proof = "Its pattern is public: it proves nothing, and is made to be found."
    return _page("Audit of the open mark", proof, rows, _OPEN)


def _page(
    title: str, proof: str, rows: Iterable[Mapping[str, Any]], held: Iterable[tuple[str, str]]
) -> str:
    """A page that needs no network and no script; what the mark proves comes first."""
    lines = "".join(
        f"<tr><td>{escape(row['name'])}</td><td>{row['n']}</td><td>{_bits(row)}</td>"
        f"<td>{row['read']:.3f}</td><td>{row['low']:.3f} to {row['high']:.3f}</td>"
        f"<td>{escape(row['note'])}</td></tr>"
        for row in rows
    )
    holders = "".join(f"<tr><td>{who}</td><td>{can}</td></tr>" for who, can in held)
    title = escape(title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f"<p><strong>{proof}</strong></p>"
        "<table><thead><tr><th>Attack</th><th>n</th><th>Bits</th><th>Found</th>"
        f"<th>95 %</th><th>Note</th></tr></thead><tbody>{lines}</tbody></table>"
        "<h2>Who holds what</h2><table><thead><tr><th>They hold</th><th>They can</th></tr></thead>"
        f"<tbody>{holders}</tbody></table></main></body></html>\n"
    )


def _bits(row: Mapping[str, Any]) -> str:
    return "–" if row["bits"] is None else f"{row['bits']:.3f}"
