"""Write an infotext as the tools of the AUTOMATIC1111 family do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def infotext(
    prompt: str,
    *,
    negative: str | None = None,
    parameters: Mapping[str, object] | None = None,
) -> str:
    """Prompt lines, a line ``Negative prompt:`` and one line of parameters.

    Parameters
    ----------
    prompt, negative : str
    parameters : mapping, optional
        In order. Texts with a comma, a colon or a line break become JSON strings; objects and
        arrays stand as bare JSON, as in ``Hashes: {"model": …}``.
    """
    lines = [prompt]
    if negative is not None:
        lines.append(f"Negative prompt: {negative}")
    if parameters:
        lines.append(", ".join(f"{key}: {_written(value)}" for key, value in parameters.items()))
    return "\n".join(lines)


def _written(value: object) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ",:\n") else text
