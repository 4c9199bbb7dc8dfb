"""Chance: random numbers in, estimates out."""

from queueing.simulation.compare import compare
from queueing.simulation.estimate import Estimate
from queueing.simulation.station import (
    RetryResult,
    SimulatedView,
    SimulationResult,
    StationPlan,
    simulate,
)

__all__ = [
    "Estimate",
    "RetryResult",
    "SimulatedView",
    "SimulationResult",
    "StationPlan",
    "compare",
    "simulate",
]
