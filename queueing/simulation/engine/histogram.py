"""Counts of times, in bins of a 256th of a power of two: at most 0.4 % wide."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.compiled import inlined

LOWEST, HIGHEST = 2.0**-13, 2.0**18  # 0.12 ms to 3 days; the outermost bins count what lies beyond
_SHIFT = 52 - 8  # leaves a float's exponent and the first eight bits of its fraction
_FIRST = int(np.float64(LOWEST).view(np.int64)) >> _SHIFT
BINS = (int(np.float64(HIGHEST).view(np.int64)) >> _SHIFT) - _FIRST
EDGES = ((np.arange(BINS + 1) + _FIRST) << _SHIFT).view(np.float64)


@inlined
def bin_of(time: float) -> int:
    """Return the bin of a time (s)."""
    place: Any = (np.float64(time).view(np.int64) >> _SHIFT) - _FIRST
    return min(max(place, 0), BINS - 1)


def quantile(counts: NDArray[np.int64], p: float) -> float:
    """Return the time (s) that a share `p` of the counted does not exceed; nan if none is counted.

    Linear within a bin, so that the error is below the bin's width.
    """
    cumulated = np.cumsum(counts)
    if cumulated[-1] == 0:
        return float("nan")
    place = int(np.searchsorted(cumulated, p * cumulated[-1]))
    before = cumulated[place] - counts[place]
    within = (p * cumulated[-1] - before) / max(counts[place], 1)
    return float(EDGES[place] + within * (EDGES[place + 1] - EDGES[place]))
