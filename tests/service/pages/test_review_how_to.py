from __future__ import annotations

import re
from pathlib import Path

from lightkeeper.cases.desk import Rules
from lightkeeper.service.pages._preferences import KEYS

HOW_TO = Path(__file__).parents[3] / "docs/how-to/review-cases.md"


def test_the_how_to_lists_every_key_as_it_is_at_first() -> None:
    rows = re.findall(r"^\| `(.)` \| (.+) \|$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(KEYS.values())


def test_the_how_to_says_how_long_a_claim_lasts() -> None:
    minutes = int(Rules().claim_lasts.total_seconds() // 60)
    assert f"it is yours for {minutes} minutes" in HOW_TO.read_text(encoding="utf-8")
