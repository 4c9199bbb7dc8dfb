"""Stations in Kendall's notation, a room a family."""

from queueing.stations.markov import MM1, MMc

__all__ = ["MM1", "MMc"]
