"""Tables of cases, what they hold, who looked, and the audit."""

from __future__ import annotations
