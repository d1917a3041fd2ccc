"""From files to rows: a policy, examiners, isolated workers, a resume journal, and outputs.

:func:`scan` examines many files in worker processes; :func:`scan_file` one file in this process.
"""

from lightkeeper.scan._conditions import Condition
from lightkeeper.scan._examiners import default_examiners
from lightkeeper.scan._file import scan_content, scan_file
from lightkeeper.scan._policy import Policy
from lightkeeper.scan._row import SCHEMA, ScanRow
from lightkeeper.scan._scan import scan

__all__ = [
    "SCHEMA",
    "Condition",
    "Policy",
    "ScanRow",
    "default_examiners",
    "scan",
    "scan_content",
    "scan_file",
]
