"""A queue with a last place: M/M/c with at most K in the system, and what it says when it is full.

Everybody's service is exponential with rate mu, so the number present N is that of M/M/c/K whoever
waits in which order: L. Kleinrock, "Queueing Systems, volume 1: Theory" (1975), chapter 3. Below,
m = K - c places to wait, B = P(N >= c), and for the classes 1 ... k together Lambda_k is the
arrival rate, r_k = Lambda_k / (c mu) and Q_k the number of them who wait. Priorities are not
preemptive.

With shedding of the lowest, those of the classes 1 ... k who wait are never kept from a place or a
server by the classes below: while all servers are busy, Q_k goes up at rate Lambda_k unless it is
m, and down at c mu unless it is 0. Cuts between its values give

    P(Q_k = j, N >= c) = B r_k^j / (1 + r_k + ... + r_k^m),       j = 0 ... m

and an arrival of class k is turned away if it finds Q_k = m. One that finds a < m of them goes
behind them; what is before it, A, starts at a, goes up at rate Lambda_(k-1) and down at c mu, and
it is served when A falls below 0 or dropped when A reaches m, for then nobody is behind it and it
is the youngest of the lowest class. That is the gambler's ruin, a linear system in m unknowns for
the chances and for the mean waits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from queueing import checks
from queueing.backpressure.view import UserView
from queueing.erlang import erlang_b
from queueing.stations.markov import MMc

Floats = NDArray[np.float64]
WhenFull = Literal["reject", "block", "shed-lowest"]

_MOST_PLACES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class BoundedQueue:
    """At most `capacity` in the system, those in service included; beyond, what `when_full` says.

    "reject": an arrival is turned away. "block": it is held outside, where arrivals keep their
    order, until a place is free. "shed-lowest": arrivals have priorities; one takes the place of
    the youngest of the lowest class that waits, if that class is below its own, and is turned away
    if none is. A class is served in order of arrival, after all who wait from the classes above.
    `capacity` K >= 1 whole; anything else raises `ValueError`.

    >>> BoundedQueue(capacity=5).evaluate(arrival_rate=12, service_rate=6, servers=3)
    accepted 92.42 %, delayed 28.44 %, shed 7.583 %, lost 0 %; 11.09/s, mean wait 0.02393 s
    """

    capacity: int
    when_full: WhenFull = "reject"

    def __post_init__(self) -> None:
        object.__setattr__(self, "capacity", checks.whole("capacity", self.capacity))
        if self.when_full not in (ways := get_args(WhenFull)):
            raise ValueError(f"when_full must be one of {', '.join(ways)}, got {self.when_full!r}")

    def evaluate(
        self, *, arrival_rate: float | Sequence[float], service_rate: float, servers: int
    ) -> UserView:
        """Return what the users of an M/M/c with this queue see; exact.

        `arrival_rate` lambda >= 0 per second, for "shed-lowest" one for each class, the highest
        first; `service_rate` mu > 0 per second, `servers` 1 <= c <= capacity. Raises `ValueError`
        on anything else, and for more than ten million places to wait.

        >>> queue = BoundedQueue(capacity=4, when_full="shed-lowest")
        >>> queue.evaluate(arrival_rate=[6, 9], service_rate=6, servers=2)
        accepted 68.32 %, delayed 45.62 %, shed 23.42 %, lost 8.254 %; 10.25/s, mean wait 0.07459 s
          accepted 88.96 %, delayed 66.25 %, shed 11.04 %, lost 0 %; 5.337/s, mean wait 0.08275 s
          accepted 54.57 %, delayed 31.86 %, shed 31.68 %, lost 13.76 %; 4.911/s, mean wait ...
        """
        rates = checks.array("arrival_rate", arrival_rate, at_least=0)
        if (
            rates.ndim > 1
            or rates.size == 0
            or (rates.ndim == 1 and self.when_full != "shed-lowest")
        ):
            raise ValueError(
                "arrival_rate must be one rate, or for 'shed-lowest' a list of one for each class, "
                f"got {arrival_rate!r} for {self.when_full!r}"
            )
        station = MMc(arrival_rate=float(rates.sum()), service_rate=service_rate, servers=servers)
        if self.capacity < station.servers:
            raise ValueError(
                f"capacity counts those in service too: it must be at least the {station.servers} "
                f"servers, got {self.capacity}"
            )
        if self.when_full == "block":
            return _blocking(station, self.capacity)
        views = _shedding(station, rates.reshape(-1), self.capacity - station.servers)
        return _together(views, rates) if rates.ndim == 1 else views[0]


def _blocking(station: MMc, capacity: int) -> UserView:
    """M/M/c: whether he waits inside or outside, an arrival's turn comes at the same time."""
    waits = station.wait_probability
    return UserView(
        accepted=1.0,
        delayed=waits,
        shed=0.0,
        lost=0.0,
        throughput=station.throughput,
        mean_wait=station.mean_wait,
        held=waits * station.utilization ** (capacity - station.servers),  # P(N >= K)
    )


def _shedding(station: MMc, rates: Floats, places: int) -> list[UserView]:
    """Return each class's view; with one class nobody is dropped, and the queue rejects."""
    if places > _MOST_PLACES:
        raise ValueError(
            f"capacity must leave at most {_MOST_PLACES} places to wait, got {places}: so long a "
            "queue is never full, or always"
        )
    most = station.servers * station.service_rate
    idle, busy = _idle_and_busy(station, places)
    views, above = [], 0.0
    for rate in rates.tolist():
        served, dropped, waited = _ruin(above / most, places)
        above += rate
        found = busy * _truncated_geometric(above / most, places)
        delayed = float(found[:-1] @ served)
        views.append(
            UserView(
                accepted=idle + delayed,
                delayed=delayed,
                shed=float(found[-1]),
                lost=float(found[:-1] @ dropped),
                throughput=rate * (idle + delayed),
                mean_wait=_per(float(found[:-1] @ waited) / most, idle + delayed),
            )
        )
    return views


def _together(views: list[UserView], rates: Floats) -> UserView:
    """Return the view of all classes: shares by arrivals, the wait by who is accepted."""
    total = rates.sum()
    weights = rates / total if total > 0 else np.full(rates.shape, 1 / rates.size)
    shares = {
        name: float(weights @ [getattr(view, name) for view in views])
        for name in ("accepted", "delayed", "shed", "lost")
    }
    waited = math.fsum(
        weight * view.accepted * view.mean_wait
        for weight, view in zip(weights, views, strict=True)
        if weight * view.accepted > 0
    )
    return UserView(
        **shares,
        throughput=math.fsum(view.throughput for view in views),
        mean_wait=_per(waited, shares["accepted"]),
        classes=tuple(views),
    )


def _idle_and_busy(station: MMc, places: int) -> tuple[float, float]:
    """Return P(N < c) and B = P(N >= c), which are to each other as 1 - beta to beta (1 + ... r^m).

    beta = B(c, a) is Erlang's, and 1 - beta = c / (c + a B(c - 1, a)) by his recursion.
    """
    c, a, r = station.servers, station.offered_load, station.traffic_intensity
    line = _geometric(r, places).sum()  # over the greatest of its terms
    greatest = places * math.log(r) if r > 1 else 0.0
    free = c / (c + a * erlang_b(c - 1, a)) * math.exp(-min(greatest, 700.0))
    waits = erlang_b(c, a) * line
    return float(free / (free + waits)), float(waits / (free + waits))


def _geometric(r: float, places: int) -> Floats:
    """Return r^0 ... r^places over the greatest of them."""
    powers = np.arange(places + 1.0)
    if r > 1:
        return np.exp(-math.log(r) * powers[::-1])
    return np.exp(math.log(r) * powers) if r > 0 else np.equal(powers, 0).astype(float)


def _truncated_geometric(r: float, places: int) -> Floats:
    terms = _geometric(r, places)
    return terms / terms.sum()


def _ruin(up: float, places: int) -> tuple[Floats, Floats, Floats]:
    """Return, for a = 0 ... m - 1 before him: the chance of service, of loss, E[wait; served].

    Rates in units of c mu, times in its inverse. Each solves (1 + up) x_a - x_(a-1) - up x_(a+1) =
    what a step ends with: 1 for service out of a = 0, up for loss out of a = m - 1, or, for the
    waits, the chance of service, since a step takes 1 / (1 + up).
    """
    if places == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    if up == 0:
        return np.ones(places), np.zeros(places), np.arange(1.0, places + 1)
    bands = np.empty((3, places))
    bands[0], bands[1], bands[2] = -up, 1 + up, -1.0
    ends = np.zeros((places, 2))
    ends[0, 0], ends[-1, 1] = 1.0, up
    served, dropped = linalg.solve_banded((1, 1), bands, ends).T
    return served, dropped, linalg.solve_banded((1, 1), bands, served)


def _per(amount: float, share: float) -> float:
    """Return the mean over those who are accepted; `inf` where nobody ever is."""
    return amount / share if share > 0 else math.inf
