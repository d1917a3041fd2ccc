"""Where in a picture an edit may be.

``reconstruction_map`` asks a registered autoencoder window by window; its chance, bounded by a
null of untouched pictures, is all that a finding rests on. ``model_free_maps`` and a small network
are leads without a chance, and ``fuse`` puts all of them together for the eye of a person.
"""

from lightkeeper.evidence.detectors.regions._drawing import Drawing, draw
from lightkeeper.evidence.detectors.regions._examiner import EditedRegion, EditedRegionExaminer
from lightkeeper.evidence.detectors.regions._fuse import fuse
from lightkeeper.evidence.detectors.regions._model_free import model_free_maps
from lightkeeper.evidence.detectors.regions._null import RegionNull, calibrate_map
from lightkeeper.evidence.detectors.regions._reconstruction import (
    ReconstructionMap,
    reconstruction_map,
)
from lightkeeper.evidence.detectors.regions._region import Region, strongest_region

__all__ = [
    "Drawing",
    "EditedRegion",
    "EditedRegionExaminer",
    "ReconstructionMap",
    "Region",
    "RegionNull",
    "calibrate_map",
    "draw",
    "fuse",
    "model_free_maps",
    "reconstruction_map",
    "strongest_region",
]
