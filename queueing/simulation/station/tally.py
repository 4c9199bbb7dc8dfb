"""What a run counts: sums and histograms of waits and stays, in memory that does not grow."""

# ruff: noqa: PLR0917 - compiled functions know no keywords

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.compiled import entry_point, inlined

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]

LOWEST, HIGHEST = 2.0**-16, 2.0**24  # of the station's mean service; the ends hold what is beyond
_SHIFT = 52 - 8  # leaves a float's exponent and eight bits of its fraction: bins of at most 0.4 %
_FIRST = int(np.float64(LOWEST).view(np.int64)) >> _SHIFT
BINS = (int(np.float64(HIGHEST).view(np.int64)) >> _SHIFT) - _FIRST
EDGES = ((np.arange(BINS + 1) + _FIRST) << _SHIFT).view(np.float64)

# Places in a row of sums
ACCEPTED, LOST, ABANDONED, WAITED, WAIT, STAY, NUMBER, BUSY, DONE = range(9)
SUMS = 9
BATCHES, BATCH = 2048, 5  # as many batches at most, of five customers or five times a power of two


@inlined
def _bin_of(time: float) -> int:
    """Return the bin of a time, in mean services."""
    place: Any = (np.float64(time).view(np.int64) >> _SHIFT) - _FIRST
    return min(max(place, 0), BINS - 1)


@entry_point
def count(
    waited: Floats, stayed: Floats, scale: float, sums: Floats, waits: Counts, stays: Counts
) -> None:
    """Add customers to sums and histograms; `scale` turns seconds into mean services."""
    number, wait_sum, stay_sum = 0, 0.0, 0.0
    for customer in range(waited.size):
        wait, stay = waited[customer], stayed[customer]
        number += wait > 0.0
        wait_sum += wait
        stay_sum += stay
        waits[_bin_of(wait * scale)] += 1
        stays[_bin_of(stay * scale)] += 1
    sums[ACCEPTED] += waited.size
    sums[WAITED] += number
    sums[WAIT] += wait_sum
    sums[STAY] += stay_sum


def batch_size(customers: int) -> int:
    """Return the least size of a batch with which these customers fill no row, or nearly so."""
    return BATCH * 2 ** max(0, math.ceil(math.log2(max(customers, 1) / (BATCH * BATCHES))))


@entry_point
def batch(waited: Floats, means: Floats, state: NDArray[np.int64]) -> None:
    """Add waits to sums over batches; two become one where the row is full.

    `state` holds the number of full batches, of customers in the next, and of customers a batch.
    """
    full, inside, size = state[0], state[1], state[2]
    customer = 0
    while customer < waited.size:
        stop = min(waited.size, customer + size - inside)
        even, odd = 0.0, 0.0  # two sums, so that neither addition waits for the other
        for place in range(customer, stop - 1, 2):
            even += waited[place]
            odd += waited[place + 1]
        if (stop - customer) % 2 == 1:
            even += waited[stop - 1]
        means[full] += even + odd
        inside += stop - customer
        customer = stop
        if inside == size:
            inside = 0
            full += 1
        if full == means.size:
            full //= 2
            size *= 2
            for pair in range(full):
                means[pair] = means[2 * pair] + means[2 * pair + 1]
            means[full:] = 0.0
    state[0], state[1], state[2] = full, inside, size


@entry_point
def spread(
    begin: Floats, end: Floats, borders: Floats, areas: Floats, step: float, changes: Floats
) -> None:
    """Add intervals to a number over time: its integral between borders, its changes by steps.

    Whoever begins at the end of a step counts there, who ends then does not.
    """
    place, last = 0, changes.size - 1
    for interval in range(begin.size):
        first, final = begin[interval], end[interval]
        while place > 0 and borders[place] > first:
            place -= 1
        while place < areas.size - 1 and borders[place + 1] <= first:
            place += 1
        piece = place
        while piece < areas.size and borders[piece] < final:
            inside = min(final, borders[piece + 1]) - max(first, borders[piece])
            areas[piece] += max(inside, 0.0)
            piece += 1
        changes[int(min(np.ceil(first / step), last))] += 1.0
        changes[int(min(np.ceil(final / step), last))] -= 1.0


def quantile(counts: NDArray[Any], zeros: int, p: float) -> float:
    """Return what a share `p` of the counted does not exceed, in units of the bins; nan for none.

    `zeros` of those in the first bin are exactly 0. Linear within a bin, which errs by far less
    than the bin's width.
    """
    total = counts.sum()
    if total == 0:
        return float("nan")
    if p * total <= zeros:
        return 0.0
    cumulated = np.cumsum(counts)
    place = min(int(np.searchsorted(cumulated, p * total)), BINS - 1)
    here = counts[place] - (zeros if place == 0 else 0)
    before = cumulated[place] - here
    within = (p * total - before) / max(here, 1)
    low = EDGES[place] if place > 0 else 0.0
    return float(low + within * (EDGES[place + 1] - low))
