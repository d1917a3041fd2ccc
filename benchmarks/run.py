"""Measure against named peers, in one run, and write the tables to ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
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
INTRODUCTION = """# Benchmarks

Made by `make bench`: single thread, medians, Lightkeeper and its peers in the same run on the same
files. Absolute times are of one busy machine; trust the ratios. Where third-party files are absent
(`LIGHTKEEPER_SHARED`), sections that need them say so.

Run on {machine}, Python {python}, NumPy {numpy}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of benchmarks, such as bench_pdq")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks.md"))
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    sections = [
        INTRODUCTION.format(
            machine=f"{platform.machine()} with {os.cpu_count()} cores",
            python=platform.python_version(),
            numpy=np.__version__,
        )
    ]
    for name in arguments.only or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        section = importlib.import_module(name).run()
        print(section, flush=True)
        sections.append(section)
    if not arguments.only:
        arguments.output.write_text("\n".join(sections), encoding="utf-8")


if __name__ == "__main__":
    main()
