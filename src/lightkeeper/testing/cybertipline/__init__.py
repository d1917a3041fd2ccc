"""A stand-in for the CyberTipline on this machine: for tests and the demo, never for reports."""

from lightkeeper.testing.cybertipline._faults import Fault, FaultKind, Faults
from lightkeeper.testing.cybertipline._reports import HeldFile, HeldReport
from lightkeeper.testing.cybertipline._server import serve_stand_in
from lightkeeper.testing.cybertipline._stand_in import StandIn

__all__ = [
    "Fault",
    "FaultKind",
    "Faults",
    "HeldFile",
    "HeldReport",
    "StandIn",
    "serve_stand_in",
]
