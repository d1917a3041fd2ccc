from __future__ import annotations

import importlib
import resource
import subprocess
import sys

import pytest

from lightkeeper.cli._app import COMMANDS
from lightkeeper.cli._exit import Exit


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lightkeeper", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_help_names_every_command_and_stays_light() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == Exit.OK
    assert all(name in done.stdout for name in COMMANDS)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 0.6, "the bar is 0.3 s; twice that allows for a cold file cache"


def test_help_imports_no_numeric_library() -> None:
    code = (
        "import sys, lightkeeper.cli._app as a\n"
        "try: a.app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy','numba','PIL','c2pa','pydantic_settings','pyarrow','onnxruntime'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_a_module_with_help(name: str) -> None:
    assert importlib.import_module(f"lightkeeper.cli.{name}").app
    done = run(name, "--help")
    assert done.returncode == Exit.OK
    others = {"scan", "serve", "sign", "work"}
    groups = {"audit", "cases", "detector", "index", "mark", "package", "report", "sets", "vault"}
    assert "--json" in done.stdout or name in groups | others | {"watermark"}


def test_an_unknown_command_is_a_usage_error() -> None:
    done = run("generate")
    assert done.returncode == Exit.USAGE
    assert "No such command" in done.stderr


def test_a_wrong_setting_is_named_and_nothing_runs() -> None:
    done = run("doctor", LIGHTKEEPER_JOBS="none")
    assert done.returncode == Exit.FAILED
    assert "setting jobs" in done.stderr
