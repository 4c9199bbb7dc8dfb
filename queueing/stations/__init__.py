"""Stations in Kendall's notation, a room a family."""

from queueing.stations.finite import FiniteSource, MMcK
from queueing.stations.impatient import ErlangA
from queueing.stations.infinite import MMInf
from queueing.stations.markov import MM1, MMc

__all__ = ["MM1", "ErlangA", "FiniteSource", "MMInf", "MMc", "MMcK"]
