"""Measure against named peers and put the tables into ``docs/benchmarks.md``.

Each benchmark owns one section of the page, between its marker and the next one. A section says
which command made it, when, at which commit and on what; sections that are not measured in this run
stay as they are, with what they say of their own run. ``tests/docs`` refuses a section whose
examiners are no longer those of the code.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

BENCHMARKS = (
    "bench_metadata",
    "bench_graphs",
    "bench_pdq",
    "bench_watermark",
    "bench_provenance",
    "bench_tier",
    "bench_index",
    "bench_import",
    "bench_http",
    "bench_faults",
    "bench_generic_detectors",
)
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_MARKER = re.compile(r"^<!-- section: (\w+) -->\n", re.MULTILINE)


def sections(page: str) -> dict[str, str]:
    """Sections of the page by the name in their marker, in the page's order; "" is its head."""
    parts = _MARKER.split(page)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def joined(parts: dict[str, str]) -> str:
    """The page of these sections."""
    head, *rest = parts.items()
    return head[1] + "".join(f"<!-- section: {name} -->\n{text}" for name, text in rest)


def measured(name: str) -> str:
    """A section, measured now."""
    heading, _, body = importlib.import_module(name).run().strip().partition("\n")
    asked = [f"{key}={value}" for key, value in sorted(os.environ.items()) if "_BENCH_" in key]
    command = " ".join([*asked, "python benchmarks/run.py", name])
    machine = f"{platform.machine()} with {os.cpu_count()} cores"
    made = (
        f"*`{command}`, {datetime.date.today()}, commit {_commit()}, {machine}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}.*"
    )
    return f"{heading}\n\n{made}\n{body.rstrip()}\n\n"


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PAGE.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    # The page itself may have changed since: it is what is being written.
    changed = git("status", "--porcelain", "--", "../src", "../benchmarks")
    return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of benchmarks, such as bench_pdq")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    for name in arguments.only or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        section = measured(name)
        print(section, flush=True)
        parts = sections(arguments.page.read_text(encoding="utf-8"))
        parts[name] = section
        arguments.page.write_text(joined(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
