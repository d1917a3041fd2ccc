"""``lightkeeper doctor``: what is installed, what can run here, and what cannot and why."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
from importlib import metadata
from typing import Annotated, Any

import typer

from lightkeeper import __version__, hashing
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings, settings_file
from lightkeeper.evidence import watermark
from lightkeeper.evidence.watermark import lattice
from lightkeeper.scan import Policy, default_examiners

app = typer.Typer(add_completion=False)

_PACKAGES = {
    "core": ("numpy", "numba", "pillow", "simplejpeg", "pi-heif", "c2pa-python", "blake3"),
    "parquet": ("pyarrow",),
    "detect": ("onnxruntime", "invisible-watermark"),
}
_MIB = 1 << 20


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show versions, examiners and why one is unavailable, kernels, free space and settings."""
    report = _examine_machine()
    if as_json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_render(report))
    raise typer.Exit(Exit.OK)


def _examine_machine() -> dict[str, Any]:
    load_settings()
    policy = Policy()
    return {
        "lightkeeper": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "settings_file": str(settings_file() or "") or None,
        "packages": {
            extra: {name: _version(name) for name in names} for extra, names in _PACKAGES.items()
        },
        "examiners": [
            {
                "name": examiner.name,
                "version": examiner.version,
                "tier": examiner.tier.name.lower(),
                "unavailable": examiner.unavailable(),
            }
            for examiner in default_examiners(policy)
        ],
        "kernel_warm_up_seconds": _warm_up(),
        "free_space_mib": shutil.disk_usage(".").free // _MIB,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _warm_up() -> float:
    if sys.stderr.isatty():
        sys.stderr.write("Preparing kernels (once per machine) …\n")
    started = time.perf_counter()
    hashing.warm_up()
    watermark.warm_up()
    lattice.warm_up()
    return round(time.perf_counter() - started, 3)


def _render(report: dict[str, Any]) -> str:
    lines = [
        f"lightkeeper {report['lightkeeper']}, Python {report['python']}, {report['platform']}",
        f"settings: {report['settings_file'] or 'none (defaults)'}",
        "",
        "packages",
    ]
    for extra, packages in report["packages"].items():
        for name, version in packages.items():
            missing = "missing" if extra == "core" else f"not installed (extra '{extra}')"
            lines.append(f"  {name:<20} {version or missing}")
    lines += ["", "examiners"]
    for examiner in report["examiners"]:
        state = examiner["unavailable"] or "ready"
        lines.append(f"  {examiner['name']:<20} {examiner['tier']:<7} {state}")
    lines += [
        "",
        f"kernels ready in {report['kernel_warm_up_seconds']:.2f} s",
        f"free space here: {report['free_space_mib']:,} MiB",
    ]
    return "\n".join(lines) + "\n"
