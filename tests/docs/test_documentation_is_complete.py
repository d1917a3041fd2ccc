"""Nothing that a user can meet stays undocumented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from lightkeeper.assessment._limits import LIMITS
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import Settings
from lightkeeper.evidence import Basis, Claim
from lightkeeper.reporting.ai_evidence import AiEvidence

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EVIDENCE = (DOCS / "reference" / "evidence.md").read_text(encoding="utf-8")
SOURCES = {p: p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py")}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `{name}` |" in (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [field.name for field in fields(AiEvidence)])
def test_every_key_of_the_evidence_block_is_documented(key: str) -> None:
    assert f"| `{key}` |" in (DOCS / "reference" / "ai-evidence.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_documented(code: Exit) -> None:
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    assert f"| {code.value} | `{code.name}` |" in page


@pytest.mark.parametrize("word", [*Basis, *Claim])
def test_every_basis_and_claim_is_documented(word: str) -> None:
    assert f"`{word}`" in EVIDENCE


def test_every_limit_code_that_an_examiner_uses_has_a_sentence_and_a_row() -> None:
    used = set()
    for path, text in SOURCES.items():
        if "evidence" in path.parts:
            used |= set(re.findall(r'limits\.append\("([a-z-]+)"\)', text))
            for group in re.findall(r"limits ?= ?\(([^=]*?)\)\n", text.replace(",\n", "\n")):
                used |= set(re.findall(r'"([a-z][a-z-]+)"', group))
    assert used
    assert used <= set(LIMITS)
    assert all(f"`{code}`" in EVIDENCE for code in LIMITS)


def test_every_conflict_code_is_documented() -> None:
    codes = set()
    for path, text in SOURCES.items():
        if path.name == "_conflicts.py":
            codes |= set(re.findall(r'Conflict\(\s*"([a-z-]+)"', text))
        codes |= set(re.findall(r'conflict=(?:None if \w+ else )?"([a-z-]+)"', text))
    assert codes
    assert all(f"`{code}`" in EVIDENCE for code in codes)


def test_every_page_is_in_a_table_of_contents() -> None:
    pages = {p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.rglob("*.md")}
    listed = {"index", "decisions/index", "reference/commands"}
    for index in (DOCS / "index.md", DOCS / "decisions" / "index.md"):
        folder = index.parent.relative_to(DOCS)
        lines = index.read_text(encoding="utf-8").splitlines()
        listed |= {(folder / line.strip()).as_posix() for line in lines if line.strip()}
    assert {p for p in pages if not p.startswith("_build")} <= listed


def test_readme_names_the_two_commands_and_only_pictures_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


_FIGURES = re.compile(r"^\|.*(\d\.\d|\.\d\d|\d of \d)", re.MULTILINE)
_COMMAND = re.compile(
    r"`[^`]*(benchmarks/|bench_\w+|make (bench|soak)|lightkeeper [a-z]|pytest)[^`]*`"
    r"|^    (lightkeeper|python) |no command makes them again",
    re.MULTILINE,
)


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")), ids=str
)
def test_a_table_of_figures_names_the_command_that_made_it(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    sections = re.split(r"^(?=#{1,2} )", text, flags=re.MULTILINE)
    silent = [
        section.partition("\n")[0]
        for section in sections
        if len(_FIGURES.findall(section)) > 1 and not _COMMAND.search(section)
    ]
    assert silent == []
