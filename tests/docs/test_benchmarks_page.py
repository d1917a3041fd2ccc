"""The page of benchmarks says what was measured, and that it is still what runs."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lightkeeper.evidence import Tier
from lightkeeper.scan import Policy, default_examiners

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
_EXAMINERS = re.compile(r"^Examiners: (.*)\.$", re.MULTILINE)


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_run", ROOT / "benchmarks" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RUN = _runner()
SECTIONS = RUN.sections(PAGE.read_text(encoding="utf-8"))


def test_the_tier_was_measured_with_the_examiners_that_run_today() -> None:
    found = _EXAMINERS.search(SECTIONS["bench_tier"])
    assert found, "measure it: python benchmarks/run.py bench_tier"
    today = {
        f"{e.name} {e.version}"
        for e in default_examiners(Policy())
        if e.tier <= Tier.PIXELS and e.unavailable() is None
    }
    measured = set(re.findall("`([^`]*)`", found[1]))
    assert measured == today, "measure it again: python benchmarks/run.py bench_tier"


@pytest.mark.parametrize("name", [name for name in SECTIONS if name])
def test_every_section_names_the_command_that_made_it(name: str) -> None:
    assert re.search(r"`[^`]*(benchmarks/|bench_\w+|make bench)[^`]*`", SECTIONS[name])


def test_a_section_that_is_measured_leaves_the_others_as_they_are() -> None:
    page = "# Head\n\n<!-- section: a -->\n## A\n\n1\n\n<!-- section: b -->\n## B\n\n2\n"
    parts = RUN.sections(page)
    assert RUN.joined(parts) == page
    assert list(parts) == ["", "a", "b"]
    parts["a"] = "## A\n\n3\n\n"
    assert RUN.joined(parts) == page.replace("1", "3")


@pytest.mark.parametrize("name", RUN.BENCHMARKS)
def test_every_benchmark_of_the_run_has_a_section(name: str) -> None:
    assert name in SECTIONS
