"""A rate that moves: M(t)/M/c(t)/K asked exactly, and the textbooks' approximations of it."""

from queueing.nonstationary.model import MtMc
from queueing.nonstationary.rates import PiecewiseConstant, PiecewiseLinear, Sinusoid

__all__ = ["MtMc", "PiecewiseConstant", "PiecewiseLinear", "Sinusoid"]
