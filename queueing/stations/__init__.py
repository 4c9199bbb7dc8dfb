"""Stations in Kendall's notation, a room a family."""

from queueing.stations.approximate import GGc
from queueing.stations.deterministic import MDc
from queueing.stations.finite import FiniteSource, MMcK
from queueing.stations.general import MG1
from queueing.stations.impatient import ErlangA
from queueing.stations.infinite import MMInf
from queueing.stations.markov import MM1, MMc
from queueing.stations.phases import MPHc
from queueing.stations.priority import PriorityMG1, PriorityMMc

__all__ = [
    "MG1",
    "MM1",
    "ErlangA",
    "FiniteSource",
    "GGc",
    "MDc",
    "MMInf",
    "MMc",
    "MMcK",
    "MPHc",
    "PriorityMG1",
    "PriorityMMc",
]
