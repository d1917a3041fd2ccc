"""Exposure budgets: how much somebody has looked at, and when a break is due."""

from lightkeeper.cases.exposure._exposure import (
    BreakReason,
    Budget,
    Exposure,
    exposure,
    team_exposure,
)

__all__ = ["BreakReason", "Budget", "Exposure", "exposure", "team_exposure"]
