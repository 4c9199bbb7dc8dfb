"""Paths: one history of a queue, worked out customer by customer. Arrays in, arrays out, no chance.

Whoever draws the times of arrival and the services stands outside: the same history can be given to
another number of servers, and a history that was measured does as well as one that was drawn.
"""

import math
from heapq import heapreplace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import checks

Floats = NDArray[np.float64]


def departures(arrivals: ArrayLike, services: ArrayLike, servers: int) -> Floats:
    """Return when each customer leaves, seconds: one line, first come first served.

    `arrivals` are times in order, `services` the seconds that each customer keeps a server busy,
    `servers` c >= 1. A customer starts when he is there and a server is free:

        departure_n = max(arrival_n, when the first server gets free) + service_n

    J. Kiefer and J. Wolfowitz, "On the theory of queues with many servers" (Trans. American
    Mathematical Society 78, 1955); with one server D. V. Lindley's recursion (1952). Raises
    `ValueError` for times out of order, negative services or lengths that differ.

    >>> departures([0, 1, 2], [5, 1, 1], servers=1).tolist()
    [5.0, 6.0, 7.0]
    >>> departures([0, 1, 2], [5, 1, 1], servers=2).tolist()
    [5.0, 2.0, 3.0]
    """
    times, lengths, count = _checked(arrivals, services, servers)
    return _starts(times, lengths, count) + lengths


def waits(arrivals: ArrayLike, services: ArrayLike, servers: int) -> Floats:
    """Return how long each customer waits for a server, seconds; arguments as for `departures`.

    >>> waits([0, 1, 2], [5, 1, 1], servers=1).tolist()
    [0.0, 4.0, 4.0]
    """
    times, lengths, count = _checked(arrivals, services, servers)
    return _starts(times, lengths, count) - times


def number_in_system(
    arrivals: ArrayLike, departures: ArrayLike, times: ArrayLike
) -> NDArray[np.int64]:
    """Return how many customers are there at each of the `times`: arrived, and not yet left.

    Who arrives at that very time counts, who leaves then does not. Raises `ValueError` unless there
    are as many departures as arrivals, none before its arrival.

    >>> number_in_system([0, 1, 2], [5, 6, 7], times=[0, 2, 5, 9]).tolist()
    [1, 3, 2, 0]
    """
    came, left = checks.array("arrivals", arrivals), checks.array("departures", departures)
    if came.shape != left.shape or came.ndim != 1:
        raise ValueError(
            f"arrivals and departures are lists of one length, got {came.shape} and {left.shape}"
        )
    if np.any(left < came):
        raise ValueError("departures lie at or after their arrivals, but one lies before")
    moments = np.asarray(checks.array("times", times))
    arrived = np.searchsorted(np.sort(came), moments, side="right")
    gone = np.searchsorted(np.sort(left), moments, side="right")
    return np.asarray(arrived - gone, dtype=np.int64)


def _starts(arrivals: Floats, services: Floats, servers: int) -> Floats:
    """Return when each service starts."""
    free = [-math.inf] * servers  # a heap: when each server has done what it was given
    started = []
    for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        start = max(arrival, free[0])
        heapreplace(free, start + service)
        started.append(start)
    return np.array(started, dtype=np.float64)


def _checked(arrivals: ArrayLike, services: ArrayLike, servers: int) -> tuple[Floats, Floats, int]:
    """Return the arguments of a path if they describe one."""
    times = np.asarray(checks.array("arrivals", arrivals))
    lengths = np.asarray(checks.array("services", services, at_least=0))
    if times.ndim != 1 or times.shape != lengths.shape:
        raise ValueError(
            f"arrivals and services are lists of one length, got {times.shape} and {lengths.shape}"
        )
    if np.any(np.diff(times) < 0):
        raise ValueError("arrivals must be in order: one lies before the one that came first")
    return times, lengths, checks.whole("servers", servers)
