"""How loops are compiled: once on a machine where possible."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")


def compiled(function: Kernel, *, reassociate: bool = False) -> Kernel:
    """Compile on first call; ``reassociate`` permits sums in another order, for vectors."""
    try:
        made = njit(cache=True, nogil=True, fastmath=reassociate)(function)
    except RuntimeError:  # no folder to cache in: each process compiles for itself
        made = njit(nogil=True, fastmath=reassociate)(function)
    return cast("Kernel", made)


def is_compiled(kernel: Callable[..., Any]) -> bool:
    """Whether this machine's cache knows the kernel; true where there is no cache."""
    folder = cast("Any", kernel).stats.cache_path
    pattern = f"*.{glob.escape(kernel.__name__)}-*.nbi"
    return folder is None or any(Path(folder).glob(pattern))


def inlined(function: Kernel) -> Kernel:
    """Copy into the calling kernel: a call would move its state from registers to memory."""
    return cast("Kernel", njit(inline="always")(function))
