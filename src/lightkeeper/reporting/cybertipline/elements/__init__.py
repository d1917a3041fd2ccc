"""The elements of the CyberTipline's schema of 2025-11, one dataclass each, in its order.

A module for each theme. The fields of a class are its XML, in the order in which they stand;
``_element`` says what a field can be. Values are checked by :func:`lightkeeper.reporting.
cybertipline.check`, not on construction, so that all that is wrong can be said at once.
"""

from lightkeeper.reporting.cybertipline.elements.files import FileDetails
from lightkeeper.reporting.cybertipline.elements.report import Report

__all__ = ["FileDetails", "Report"]
