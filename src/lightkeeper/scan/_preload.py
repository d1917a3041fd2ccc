"""Imported once by the fork server, so that a worker starts with its kernels loaded.

A worker that replaces a dead one then costs milliseconds, and workers share this memory. What
fails here fails again, and is reported, in the worker.
"""

import contextlib

from lightkeeper.evidence import Tier
from lightkeeper.scan import _file, _worker
from lightkeeper.scan._examiners import warm_up

__all__ = ["_file", "_worker"]

with contextlib.suppress(Exception):
    warm_up(Tier.PIXELS)
