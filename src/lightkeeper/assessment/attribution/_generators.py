"""Names that generators go by, and the family each belongs to.

Only what is common knowledge about a name. A name that is not here keeps its own words and the
family ``unknown``: the table is no list of all there is.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Family(StrEnum):
    """How a generator makes pictures."""

    DIFFUSION = "diffusion"
    """Diffusion and flow matching, latent or not."""
    GAN = "gan"
    AUTOREGRESSIVE = "autoregressive"
    UNKNOWN = "unknown"


Named = tuple[str, Family]

MARKS: dict[str, Named] = {
    "sd-v1": ("Stable Diffusion 1", Family.DIFFUSION),
    "sd-v2": ("Stable Diffusion 2", Family.DIFFUSION),
    "sdxl": ("Stable Diffusion XL", Family.DIFFUSION),
    "flux1": ("FLUX.1", Family.DIFFUSION),
}
"""Public marks of generators. That of InvokeAI names a program, which runs several of them."""

TOOLS: dict[str, Named] = {
    "midjourney": ("Midjourney", Family.UNKNOWN),
    "novelai": ("NovelAI", Family.DIFFUSION),
}
"""Tools that are one generator. Others run whatever checkpoint they are given."""

_MODELS: tuple[tuple[re.Pattern[str], Named], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), (name, Family.DIFFUSION))
    for pattern, name in (
        (r"\bflux[-_. ]?1|\bflux[-_. ]?(dev|schnell)", "FLUX.1"),
        (r"sd[-_. ]?xl|stable[-_. ]diffusion[-_. ]xl", "Stable Diffusion XL"),
        (r"stable[-_. ]diffusion[-_. ]v?3|\bsd[-_]?3", "Stable Diffusion 3"),
        (r"stable[-_. ]diffusion[-_. ]v?2|\bv2-1[_-]|\bsd[-_]?v?2", "Stable Diffusion 2"),
        (r"stable[-_. ]diffusion[-_. ]v?1|\bv1-[45]\b|\bsd[-_]?v?1[-_.]", "Stable Diffusion 1"),
        (r"kandinsky", "Kandinsky"),
        (r"pixart", "PixArt"),
    )
)


def model_named(text: str) -> Named:
    """The generator that a checkpoint's name points to; its own words where it points to none."""
    for pattern, named in _MODELS:
        if pattern.search(text):
            return named
    return " ".join(text.split())[:80], Family.UNKNOWN
