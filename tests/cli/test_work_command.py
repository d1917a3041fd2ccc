from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def test_it_works_until_it_is_told_to_end(tmp_path: Path) -> None:
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path), "LIGHTKEEPER_CONFIG": ""}
    command = [sys.executable, "-m", "lightkeeper", "work", "--threads", "1"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "Working.\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (tmp_path / "lightkeeper" / "cases.db").is_file()
