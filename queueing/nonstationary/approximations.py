"""Three pictures of a moving station that need no chain.

Pointwise stationary: at every moment the stationary station of that moment's rate, L. Green and P.
Kolesar, "The pointwise stationary approximation for queues with nonstationary arrivals" (Management
Science 37, 1991). Modified offered load: the same with the load m(t) that plenty of servers would
carry, W. A. Massey and W. Whitt, "An analysis of the modified offered-load approximation for the
nonstationary Erlang loss model" (Annals of Applied Probability 4, 1994). Fluid: no chance at all,
x' = lambda - mu min(x, c).
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from queueing.nonstationary.rates import Rate, followed, stops_between
from queueing.stations.birth_death import equilibrium
from queueing.stations.markov import MMc

Floats = NDArray[np.float64]

_LOOKS = 1025  # at a smooth piece of a rate, for the moments at which it passes the servers


class Moment(NamedTuple):
    """What is asked of a station at a moment."""

    mean_number_in_system: float
    mean_queue_length: float
    wait_probability: float
    blocking_probability: float
    variance: float


def of_law(n: Floats, p: Floats, servers: int, capacity: float) -> Moment:
    """Return the answers of a law P(N = n) = p."""
    mean = float(p @ n)
    full = float(p[-1]) if n[-1] == capacity else 0.0
    waiting = np.searchsorted(n, servers)
    queue = float(p[waiting:] @ (n[waiting:] - servers))
    return Moment(mean, queue, float(p[waiting:].sum()), full, float(p @ (n - mean) ** 2))


def stationary(offered_load: float, servers: int, capacity: float) -> Moment:
    """Return the answers of M/M/c or M/M/c/K at offered load a, in the long run."""
    if math.isfinite(capacity):
        n = np.arange(capacity + 1)
        return of_law(n, _finite(offered_load, servers, n), servers, capacity)
    if servers == 0:
        level = math.inf if offered_load > 0 else 0.0
        return Moment(level, level, 1.0, 0.0, level)
    station = MMc(arrival_rate=offered_load, service_rate=1.0, servers=servers)
    return Moment(
        station.mean_number_in_system if station.is_stable else math.inf,
        station.mean_queue_length,
        station.wait_probability,
        0.0,
        station.number_in_system.var(),
    )


def fluid(
    *,
    arrival_rate: Rate,
    service_rate: float,
    servers: Rate,
    capacity: float,
    start: int,
    times: Floats,
) -> Floats:
    """Return x(t) of x' = lambda - mu min(x, c) from x(0) = `start`, kept at or below K.

    Between two moments at which lambda = mu min(c, K) a full station stays full or is left for
    good, so that x is the solution without K, cut there.
    """

    def slope(t: float, x: Floats) -> Floats:
        return arrival_rate(t) - service_rate * np.minimum(x, servers(t))

    if math.isinf(capacity):
        return followed(slope, start, times, (arrival_rate, servers))
    turns: list[float] = []
    for a, b in pairwise(stops_between(0.0, float(times.max(initial=0.0)), arrival_rate, servers)):
        just_before, pace = (
            float(np.nextafter(b, a)),
            service_rate * min(float(servers(a)), capacity),
        )
        grid = np.linspace(a, just_before, _LOOKS)
        above = arrival_rate(grid) > pace
        turns += [
            optimize.brentq(
                lambda t, pace=pace: float(arrival_rate(t)) - pace, grid[i], grid[i + 1]
            )
            for i in np.flatnonzero(above[1:] != above[:-1])
        ]
    return followed(slope, start, times, (arrival_rate, servers), turns=turns, most=capacity)


def _finite(offered_load: float, servers: int, n: Floats) -> Floats:
    """Return the stationary law on `n`."""
    if offered_load == 0:
        return np.where(n == 0, 1.0, 0.0)
    return equilibrium(np.full(n.size - 1, offered_load), np.minimum(n[1:], servers))
