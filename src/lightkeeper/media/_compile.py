"""How loops are compiled: once on a machine where possible."""

from __future__ import annotations

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


def inlined(function: Kernel) -> Kernel:
    """Copy into the calling kernel: a call would move its state from registers to memory."""
    return cast("Kernel", njit(inline="always")(function))
