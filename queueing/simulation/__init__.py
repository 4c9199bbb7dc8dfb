"""Chance: random numbers in, estimates out."""

from queueing.simulation.estimate import Estimate
from queueing.simulation.station import SimulationResult, StationPlan, simulate

__all__ = ["Estimate", "SimulationResult", "StationPlan", "simulate"]
