"""Whatever a plug-in does, the process that asked it goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightkeeper.evidence.detectors.plugins import FailureKind, Plugin, PluginFailure
from lightkeeper.testing import photo_like

PICTURE = photo_like(1, width=64, height=48)
FAST = "[limits]\nseconds = 0.4\nmemory_mib = 512"
Python = Callable[..., Plugin]


def failure(plugin: Plugin) -> PluginFailure:
    with pytest.raises(PluginFailure) as caught:
        plugin.score(PICTURE)
    return caught.value


def test_a_plug_in_sees_the_pixels_and_only_these(python: Python) -> None:
    plugin = python("return float(rgb.sum()) + rgb.shape[0] / 100")
    assert plugin.score(PICTURE) == PICTURE.sum(dtype=np.int64) + 0.48
    # One worker serves all pictures, and takes what is not contiguous.
    assert plugin.score(PICTURE[::-1, ::2]) == PICTURE[::-1, ::2].sum(dtype=np.int64) + 0.48


def test_it_runs_elsewhere_and_may_print_and_abstain(python: Python) -> None:
    plugin = python("print('x' * 9999)\nos.write(2, b'y')\nreturn None")
    assert plugin.score(PICTURE) is None
    elsewhere = python("return float(os.getpid())")
    assert elsewhere.score(PICTURE) not in (None, float(os.getpid()))


PIPES = """
def shout(content):
    folder = "/proc/self/fd"
    for number in os.listdir(folder):
        try:
            if "pipe" in os.readlink(f"{folder}/{number}"):
                os.write(int(number), content)
        except OSError:
            pass
"""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("os.kill(os.getpid(), 11)", FailureKind.CRASHED),
        ("os._exit(0)", FailureKind.CRASHED),
        ("return float('nan')", FailureKind.BAD_ANSWER),
        (r"shout(b'\xff' * 64)", FailureKind.BAD_ANSWER),
        (r"shout(b'\0\0\0\4junk')", FailureKind.BAD_ANSWER),
        (r"shout(b'\0\0\0\2{}')", FailureKind.BAD_ANSWER),
        ("return float(np.ones(1 << 28).sum())", FailureKind.OUT_OF_MEMORY),
        ("while True: pass", FailureKind.TIMEOUT),
    ],
)
def test_a_plug_in_that_misbehaves_is_a_typed_failure(
    python: Python, body: str, kind: FailureKind
) -> None:
    plugin = python(body, FAST, before=PIPES)
    found = failure(plugin)
    assert found.kind is kind
    assert found.code == f"plugin-{kind}"


def test_a_picture_that_it_cannot_score_costs_that_picture_only(python: Python) -> None:
    plugin = python("if rgb.shape[0] == 48: raise KeyError('secret')\nreturn 1.0")
    for _ in range(4):
        found = failure(plugin)
        assert found.kind is FailureKind.ERROR
        # The message of foreign code may quote anything; only its type is passed on.
        assert str(found) == "it failed with KeyError"
    assert plugin.score(PICTURE[:40]) == 1.0


@pytest.mark.parametrize("body", ["return [1, 2]", "return 'high'", "return rgb"])
def test_an_answer_that_is_no_number_is_an_error(python: Python, body: str) -> None:
    assert failure(python(body)).kind is FailureKind.ERROR


def test_a_worker_that_died_is_started_again_and_given_up_at_last(python: Python) -> None:
    plugin = python("if rgb.shape[0] == 48: os._exit(3)\nreturn 1.0")
    assert failure(plugin).kind is FailureKind.CRASHED
    assert plugin.score(PICTURE[:40]) == 1.0
    assert [failure(plugin).kind for _ in range(4)] == [
        *[FailureKind.CRASHED] * 3,
        FailureKind.GIVEN_UP,
    ]


def test_a_changed_file_is_refused_before_any_of_it_runs(
    opened: Callable[..., Plugin], tmp_path: Path
) -> None:
    source = f"open({str(tmp_path / 'ran')!r}, 'w')\ndef score(rgb): return 1.0\n".encode()
    plugin = opened({"lamp.py": source}, backend="python", pins={"lamp.py": "0" * 64})
    found = failure(plugin)
    assert found.kind is FailureKind.REFUSED
    assert "not the file that was pinned" in str(found)
    assert not (tmp_path / "ran").exists()


def test_a_manifest_that_changes_after_it_was_read_is_refused(python: Python) -> None:
    plugin = python("return 1.0")
    plugin.path.write_text(plugin.path.read_text() + "[score]\nhigher = 'captured'\n")
    assert failure(plugin).kind is FailureKind.REFUSED


def test_missing_weights_are_unavailable(opened: Callable[..., Plugin]) -> None:
    plugin = opened({"lamp.py": b""}, backend="python", pins={"w.bin": "0" * 64})
    assert "w.bin, which is never fetched" in (plugin.unavailable() or "")
    assert failure(plugin).kind is FailureKind.UNAVAILABLE


def test_a_module_without_score_is_refused(opened: Callable[..., Plugin]) -> None:
    assert failure(opened({"lamp.py": b"x = 1"}, backend="python")).kind is FailureKind.REFUSED


def test_the_worker_has_no_network_where_the_system_allows_it(python: Python) -> None:
    plugin = python(
        "import socket\n"
        "try: socket.create_connection(('127.0.0.1', 9), 0.2)\n"
        "except ConnectionRefusedError: return 1.0\n"
        "except OSError: return 0.0"
    )
    # Without a network there is not even a loopback to refuse.
    answer = plugin.score(PICTURE)
    assert answer == {"cut": 0.0, "open": 1.0}[plugin._process.network or ""]


def test_closing_ends_the_worker(python: Python) -> None:
    plugin = python("return 1.0")
    plugin.score(PICTURE)
    child = plugin._process._child
    assert child is not None
    started = time.monotonic()
    plugin.close()
    assert child.returncode is not None
    assert time.monotonic() - started < 5


def answering(frame: str) -> str:
    return f"shout(len(b := {frame}).to_bytes(4, 'big') + b)\nreturn 1.0"


@pytest.mark.parametrize(
    "frame",
    [
        """b'{"picture": 1, "score": 1e999}'""",
        """b'{"picture": 1, "score": 1' + b'0' * 400 + b'}'""",
        """b'{"picture": 1, "score": NaN}'""",
        """b'{"picture": 1, "score": true}'""",
        """b'{"picture": 1}'""",
        """b'{"picture": 1, "kind": ["error"]}'""",
        """b'[' * 60000""",
    ],
)
def test_a_forged_answer_is_a_bad_answer(python: Python, frame: str) -> None:
    assert failure(python(answering(frame), before=PIPES)).kind is FailureKind.BAD_ANSWER


def test_an_answer_too_many_is_not_taken_for_the_next_picture(python: Python) -> None:
    early = """b'{"picture": 1, "score": 7.0}'"""
    plugin = python(
        f"if rgb.shape[0] == 48:\n    {answering(early).splitlines()[0]}\nreturn 1.0", before=PIPES
    )
    assert plugin.score(PICTURE) == 7.0
    # The true answer to the first picture still waits in the pipe.
    assert failure(plugin).kind is FailureKind.BAD_ANSWER
    assert plugin.score(PICTURE[:40]) == 1.0


def test_a_worker_that_cannot_start_is_not_started_for_each_picture(
    opened: Callable[..., Plugin], tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    source = f"open({str(starts)!r}, 'a').write('x')\nimport os\nos._exit(3)\n".encode()
    plugin = opened({"lamp.py": source}, backend="python")
    plugin.start()
    for _ in range(5):
        assert failure(plugin).kind is FailureKind.CRASHED
    assert starts.read_text() == "x"


def test_what_a_plug_in_started_ends_with_it(python: Python) -> None:
    plugin = python(
        "import subprocess\nreturn float(subprocess.Popen(['sleep', '600']).pid)",
        "[limits]\nmemory_mib = 512",
    )
    child = plugin.score(PICTURE)
    assert child is not None
    assert Path(f"/proc/{child:.0f}").exists()
    plugin.close()
    deadline = time.monotonic() + 10
    # Whoever adopts it takes it off the list; until then it is a zombie.
    while _runs(int(child)) and time.monotonic() < deadline:
        os.sched_yield()
    assert not _runs(int(child))


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_limits_that_change_after_it_was_read_do_not_count(
    opened: Callable[..., Plugin], tmp_path: Path
) -> None:
    # Its own module writes the manifest anew while it is loaded, as somebody else could.
    source = (
        f"path = {str(tmp_path / 'plugin.toml')!r}\n"
        "text = open(path).read()\nopen(path, 'w').write('[broken')\n"
        "def score(rgb): return 1.0\n"
    )
    plugin = opened({"lamp.py": source.encode()}, backend="python")
    assert plugin.score(PICTURE) == 1.0


def test_nothing_lies_where_a_worker_works(python: Python) -> None:
    # A framework looks there for weights outside a model's file, which nothing pins.
    plugin = python("return float(len(os.listdir('.')))")
    assert plugin.score(PICTURE) == 0.0
    assert plugin._process._child is not None
    folder = Path(f"/proc/{plugin._process._child.pid}/cwd").resolve()
    assert folder not in (Path.cwd(), plugin.path.parent)
    plugin.close()
    assert not folder.exists()
