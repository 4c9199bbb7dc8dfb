"""Lines worked through customer by customer: arrays in, arrays out, no chance.

Where everybody is served in the order of arrival, nothing that happens later touches a customer who
is already there. His whole stay is known when he arrives, and no list of events is needed: the
servers' times of getting free are (J. Kiefer and J. Wolfowitz, "On the theory of queues with many
servers", 1955). Those who lose patience or are turned away never take a server, and fit in.
"""

# ruff: noqa: PLR0917 - compiled functions know no keywords

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.compiled import entry_point, inlined

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

SERVED, ABANDONED, BLOCKED = range(3)
_CHAIN, _SHIFT = 16, 256  # up to so many servers the one is fastest, then the other, then the heap
_PAIRS = 100  # up to so many, and above _CHAIN, two customers at once are faster still


@inlined
def _replace_first(free: Floats, time: float) -> None:
    """Put a time in the place of the first, so that the first is again the least.

    Few times are kept in order, without a branch that a processor could guess wrong; many are a
    heap.
    """
    if free.size <= _CHAIN:
        for place in range(1, free.size):
            other = free[place]
            free[place - 1] = min(time, other)
            time = max(time, other)
        free[-1] = time
    elif free.size <= _SHIFT:
        for place in range(free.size - 1):
            free[place] = min(free[place + 1], max(free[place], time))
        free[-1] = max(free[-1], time)
    else:
        _sift(free, free.size, time)


@inlined
def _sift(heap: Floats, size: int, time: float) -> None:
    """Put a time in the place of a heap's first."""
    hole, child = 0, 1
    while child < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= time:
            break
        heap[hole] = heap[child]
        hole, child = child, 2 * child + 1
    heap[hole] = time


@inlined
def _push(heap: Floats, size: int, time: float) -> None:
    """Add a time to a heap of `size` times."""
    hole = size
    while hole > 0 and heap[(hole - 1) >> 1] > time:
        heap[hole] = heap[(hole - 1) >> 1]
        hole = (hole - 1) >> 1
    heap[hole] = time


@inlined
def _serve_two(
    arrivals: Floats, services: Floats, free: Floats, waited: Floats, customer: int
) -> None:
    """Serve a customer and the next, and shift the times once for both: half the memory's work."""
    start = max(free[0], arrivals[customer])
    waited[customer] = start - arrivals[customer]
    one = start + services[customer]
    start = max(min(free[1], one), arrivals[customer + 1])
    waited[customer + 1] = start - arrivals[customer + 1]
    two = start + services[customer + 1]
    last = free.size - 1
    most = max(free[last], one)
    before = min(free[last], max(free[last - 1], one))
    for place in range(last - 1):
        here = min(free[place + 1], max(free[place], one))  # as the first customer leaves it
        there = min(free[place + 2], max(free[place + 1], one))
        free[place] = min(there, max(here, two))
    free[last - 1] = min(most, max(before, two))
    free[last] = max(most, two)


@entry_point
def first_come(arrivals: Floats, services: Floats, free: Floats, waited: Floats) -> None:
    """Write how long each customer waits; `free` says when each server has done its work."""
    done = arrivals.size // 2 * 2 if _CHAIN < free.size <= _PAIRS else 0
    for customer in range(0, done, 2):
        _serve_two(arrivals, services, free, waited, customer)
    for customer in range(done, arrivals.size):
        now = arrivals[customer]
        start = max(free[0], now)
        waited[customer] = start - now
        _replace_first(free, start + services[customer])


@entry_point
def limited(
    arrivals: Floats,
    services: Floats,
    patience: Floats,
    free: Floats,
    leaving: Floats,
    size: int,
    waited: Floats,
    stayed: Floats,
    outcome: Codes,
) -> int:
    """Write waits, stays and outcomes where room or patience may run short.

    `leaving` is a heap, `size` long, of the times when those present leave, with as many places as
    the station has (0: room for all); `patience` is empty where nobody loses it. Returns the new
    size.
    """
    for customer in range(arrivals.size):
        now = arrivals[customer]
        while size > 0 and leaving[0] <= now:
            size -= 1
            _sift(leaving, size, leaving[size])
        if leaving.size > 0 and size == leaving.size:
            outcome[customer], waited[customer], stayed[customer] = BLOCKED, 0.0, 0.0
            continue
        wait = max(free[0] - now, 0.0)
        if patience.size > 0 and patience[customer] < wait:
            stay = wait = patience[customer]
            outcome[customer] = ABANDONED
        else:
            stay = wait + services[customer]
            outcome[customer] = SERVED
            _replace_first(free, now + stay)
        waited[customer], stayed[customer] = wait, stay
        if leaving.size > 0:
            _push(leaving, size, now + stay)
            size += 1
    return size


@entry_point
def sources(
    thinking: Floats,
    services: Floats,
    asking: Floats,
    free: Floats,
    arrivals: Floats,
    waited: Floats,
) -> None:
    """Write the arrivals and waits of a few who think, ask, wait for the answer and think again.

    `asking` is a heap of the times when each asks next.
    """
    for request in range(services.size):
        now = asking[0]
        start = max(free[0], now)
        arrivals[request], waited[request] = now, start - now
        _replace_first(free, start + services[request])
        _sift(asking, asking.size, start + services[request] + thinking[request])
