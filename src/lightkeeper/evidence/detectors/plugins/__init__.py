"""External detectors, plugged in by a manifest and run in a worker of their own.

No weights are shipped and none is fetched. A :class:`Plugin` is measured like any detector;
:class:`PluginExaminer` lets it take part in a scan, with the weight that its card allows.
"""

from lightkeeper.evidence.detectors.plugins._failure import FailureKind, PluginFailure
from lightkeeper.evidence.detectors.plugins._manifest import Manifest, read_manifest
from lightkeeper.evidence.detectors.plugins._plugin import DetectorScore, Plugin, PluginExaminer

__all__ = [
    "DetectorScore",
    "FailureKind",
    "Manifest",
    "Plugin",
    "PluginExaminer",
    "PluginFailure",
    "read_manifest",
]
