"""What attacks on our own rooted mark leave of it.

It measures; it keeps and writes no picture that an attack made.
"""

from lightkeeper.generators.rooting.audit._copied import copied_share
from lightkeeper.generators.rooting.audit._run import audit
from lightkeeper.generators.rooting.audit._subject import Subject

__all__ = ["Subject", "audit", "copied_share"]
