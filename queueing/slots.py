"""Requests that hold a server's slot through everything behind it.

A request takes one of its server's slots, is computed on the server's processors, visits a shared
station such as a database, spends some time elsewhere and lets go of the slot with the reply.
Whoever waits behind holds a slot for longer, so independent M/M/c stations do not count. Three
classical pieces, put together:

- *Flow equivalence.* With N requests inside, processors and shared station are a closed network, of
product form with exponential times; its throughput stands for what N taken slots complete. K. M.
Chandy, U. Herzog and L. Woo, "Parametric analysis of queuing networks" (IBM Journal of Research and
Development 19, 1975).
- *The shortest line.* A request goes to the server with the fewest present: the chain of
`queueing.shortest_line`.
- *Variability.* Service that is more variable than exponential comes in bursts while a station is
full, and widens a line by (1 + scv) / 2: the chain gets as many more moves up and down as it takes.
The first of c busy places to fall free is the first of c remaining times, as in D. Y. Burman and D.
R. Smith, "A light-traffic theorem for multi-server queues" (Mathematics of Operations Research 8,
1983).

The result is an approximation; `queueing.scenario` says how good it is.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from queueing.distributions import Distribution, deterministic, gamma, hyperexponential, mixture
from queueing.shortest_line import lines_of, stationary

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]

_LEVEL = 8  # requests at a server to which the chain is followed at least; beyond, lines are even
_NEGLIGIBLE = 1e-12
_DELAYS = 33  # at which a server is solved; a line between them is straight to four digits
_SHARED_BURSTS = 0.5  # of what an open line would show; slots in front leave no room. A fit.
_MOST_EVENED = 0.9  # of the arrivals' moves: what service that varies less than exponential takes
_GRID = np.logspace(-7, 2, 600)  # of the longest remaining time, for integrals over it


_AT_ANY_RATE = (
    "_at_shared",
    "_delay",
    "_at_processors",
    "_completion",
    "_shared_bursts",
    "_processor_bursts",
    "_first_processor",
    "_first_shared",
)


class Visit(NamedTuple):
    """Visits to a station: how many a request makes, and mean (seconds) and SCV of each."""

    rate: float
    mean: float
    scv: float


@dataclass(frozen=True, kw_only=True)
class SlotServers:
    """Servers whose slots are held until the reply, at one rate of requests.

    `arrival_rate` > 0 per second; `servers`, each with `slots`, `processors` and a `waiting_room`,
    beyond which a request is shed; one shared station with `shared_places`. `processing` and
    `shared` are the visits of a mean request, `elsewhere` its other seconds in the slot. With a
    finite `population`, whoever is inside makes no request: `arrival_rate` is what comes while
    nobody is, with n inside it is arrival_rate (1 - n / population).

    >>> web = SlotServers(
    ...     arrival_rate=100,
    ...     servers=3,
    ...     slots=5,
    ...     processors=2,
    ...     waiting_room=100,
    ...     shared_places=4,
    ...     processing=(Visit(1, 0.020, 1.0),),
    ...     shared=(Visit(2, 0.006, 1.5),),
    ...     elsewhere=0.010,
    ... )
    >>> web.is_stable, round(web.processor_wait.mean() * 1000, 1), round(web.shed_probability, 6)
    (True, 0.6, 0.0)
    """

    arrival_rate: float
    servers: int
    slots: int
    processors: int
    waiting_room: int
    shared_places: int
    processing: tuple[Visit, ...]
    shared: tuple[Visit, ...]
    elsewhere: float
    population: float = math.inf

    def at_rate(self, arrival_rate: float, population: float = math.inf) -> Self:
        """Return the same servers at another rate of arrivals; they share what no rate changes."""
        made = replace(self, arrival_rate=arrival_rate, population=population)
        vars(made).update({name: getattr(self, name) for name in _AT_ANY_RATE})
        return made

    @property
    def capacity(self) -> float:
        """Requests per second that all slots together complete when none is ever free."""
        return float(self.servers * self._completion[-1, -1])

    @property
    def is_stable(self) -> bool:
        """Whether the slots keep up with the arrivals."""
        return self.mean_arrival_rate < self.capacity

    @property
    def mean_arrival_rate(self) -> float:
        """Requests per second, those that are shed included."""
        return self.arrival_rate if math.isinf(self.population) else self._found.arrivals

    @property
    def slot_load(self) -> float:
        """Arrivals over capacity."""
        return self.mean_arrival_rate / self.capacity

    @property
    def processor_load(self) -> float:
        """Offered load over processors."""
        return self.mean_arrival_rate * _work(self.processing) / (self.servers * self.processors)

    @property
    def shared_load(self) -> float:
        """Offered load over the places of the shared station."""
        return self.mean_arrival_rate * _work(self.shared) / self.shared_places

    @property
    def shed_probability(self) -> float:
        """The probability that a request finds the waiting room of the least busy server full."""
        return float(self._found.full)

    @cached_property
    def slot_wait(self) -> Distribution:
        """The law of the wait for a slot, of a request that is let in."""
        ahead = np.maximum(self._found.least - self.slots + 1, 0)
        step = self.servers / self.capacity
        # of the time between two departures from full slots; servers share the station's bursts
        scv = 1 + 2 * float(self._processor_bursts[-1, -1] + self._shared_bursts[-1] / self.servers)
        return _wait(
            _moments(ahead) @ self._found.probability, step, scv, (step, (1 + scv) * step**2)
        )

    @cached_property
    def processor_wait(self) -> Distribution:
        """The law of the wait for a processor, at each visit."""
        moments = np.tensordot(self._at_processors, self._seen, axes=((1, 2), (0, 1)))
        return _station_wait(
            moments, self.processor_load, self.processors, self.processing, self._first_processor
        )

    @cached_property
    def shared_wait(self) -> Distribution:
        """The law of the wait at the shared station, at each visit."""
        moments = self._at_shared @ self._seen.sum(axis=0)
        return _station_wait(
            moments, self.shared_load, self.shared_places, self.shared, self._first_shared
        )

    @cached_property
    def _first_processor(self) -> tuple[float, float]:
        """Two moments of the time until the first of a server's processors falls free."""
        return _first_of(self.processors, self.processing)

    @cached_property
    def _first_shared(self) -> tuple[float, float]:
        """The same of the shared places."""
        return _first_of(self.shared_places, self.shared)

    @cached_property
    def _at_shared(self) -> Floats:
        """P(all places taken), E[those who must leave first], its square, by requests in slots.

        By the arrival theorem a request sees the closed network as it is without itself.
        """
        most = self.servers * self.slots
        stations = [
            (_work(self.processing), self.servers * self.processors),
            (_work(self.shared), self.shared_places),
            (self.elsewhere, most),
        ]
        # a common factor leaves the ratios alone; with this one the fullest station stays level
        factor = 1 / max(work / places for work, places in stations)
        processors, shared, away = (
            np.exp(_log_weights(work * factor, places, most)) for work, places in stations
        )
        rest = np.convolve(processors, away)[: most + 1]
        total = np.convolve(shared, rest)[: most + 1]
        moments = _moments(np.maximum(np.arange(most + 1) - self.shared_places + 1, 0))
        sums = np.array([np.convolve(shared * x, rest)[: most + 1] for x in moments])
        return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)

    @cached_property
    def _delay(self) -> Floats:
        """Seconds off the processors, by requests in all other slots."""
        waiting = _rate(self.shared) * self._at_shared[1] * _mean(self.shared) / self.shared_places
        return self.elsewhere + _work(self.shared) + waiting

    @cached_property
    def _at_processors(self) -> Floats:
        """The same at a server's processors, by requests in its (other) slots, and in all."""
        j = np.arange(self.slots + 1)
        processors = _log_weights(_work(self.processing), self.processors, self.slots)
        moments = _moments(np.maximum(j - self.processors + 1, 0))
        delays = np.linspace(self._delay.min(), self._delay.max(), _DELAYS)
        here = np.zeros((3, self.slots + 1, _DELAYS))
        for k in j[1:]:
            away = k - j[: k + 1]
            logs = (
                special.xlogy(away, delays[:, None])
                - special.gammaln(away + 1)
                + processors[: k + 1]
            )
            share = np.exp(logs - logs.max(axis=1, keepdims=True))
            here[:, k] = moments[:, : k + 1] @ (share / share.sum(axis=1, keepdims=True)).T
        if delays[0] == delays[-1]:
            return np.repeat(here[:, :, :1], self._delay.size, axis=2)
        place = (self._delay - delays[0]) / (delays[-1] - delays[0]) * (_DELAYS - 1)
        below = np.minimum(place.astype(int), _DELAYS - 2)
        return here[:, :, below] + (place - below) * (here[:, :, below + 1] - here[:, :, below])

    @cached_property
    def _completion(self) -> Floats:
        """Requests per second that one server completes, by requests in its slots and in all."""
        k = np.arange(1, self.slots + 1)[:, None]
        others = np.maximum(np.arange(self._delay.size) - 1, 0)
        waiting = (
            _rate(self.processing)
            * self._at_processors[1][:-1, others]
            * _mean(self.processing)
            / self.processors
        )
        return np.vstack(
            [
                np.zeros(self._delay.size),
                k / (_work(self.processing) + waiting + self._delay[others]),
            ]
        )

    @cached_property
    def _shared_bursts(self) -> Floats:
        """Moves up and down that variability adds for each completion, by requests in all slots."""
        return _SHARED_BURSTS * _excess(self.shared) * self._at_shared[0]

    @cached_property
    def _processor_bursts(self) -> Floats:
        """The same by requests in a server's slots and in all slots."""
        return _excess(self.processing) * self._at_processors[0]

    @cached_property
    def _found(self) -> "_Found":
        """What an arrival that is let in finds, and the probability that it is not."""
        room = self.slots + self.waiting_room
        level = min(max(_LEVEL, self.slots), room)
        lines = lines_of(self.servers, level)
        inside = np.minimum(lines.total, self.servers * self.slots)[lines.left_from]
        here = np.minimum(lines.left, self.slots)
        leaving = lines.alike * self._completion[here, inside]
        bursts = self._shared_bursts[inside] + self._processor_bursts[here, inside]
        all_leaving = np.bincount(lines.left_from, leaving, lines.total.size)[lines.left_from]
        come = self._arrivals(lines.total)
        most_taken = -_MOST_EVENED * come[lines.left_from] / all_leaving
        extra = leaving * np.maximum(bursts, most_taken)
        gained = np.bincount(lines.left_from, extra, lines.total.size)
        joining = (come + gained)[lines.joined_from]
        enough = self.servers * np.diagonal(self._completion[:, :: self.servers])
        keeps_up = enough >= self._arrivals(self.servers * np.arange(enough.size))
        even = min(int(np.argmax(keeps_up)), level) if keeps_up.any() else level
        if self._arrivals(np.array(self.servers * even - 1)) == 0:  # so many there never are
            even = 0
        likely = np.flatnonzero((lines.least == even) & (lines.total == self.servers * even))[0]
        known = stationary(lines, np.concatenate([joining, leaving + extra]), int(likely))
        # with every line at the last level, one request more or less is a birth or a death
        bursts_beyond = float(self._shared_bursts[-1] + self._processor_bursts[-1, -1])
        beyond = np.arange(1, self.servers * (room - level) + 1)
        total = np.concatenate([lines.total, self.servers * level + beyond])
        rate = self._arrivals(total)
        before = rate[lines.total.size - 1 :]  # of each birth, and of the arrivals that are shed
        extra_beyond = np.maximum(self.capacity * bursts_beyond, -_MOST_EVENED * before)
        with np.errstate(divide="ignore"):  # nobody is left to come
            odds = np.log((before + extra_beyond) / (self.capacity + extra_beyond))
        growth = np.cumsum(odds[:-1])
        scale = growth.max(initial=0.0)
        probability = np.concatenate([known * math.exp(-scale), known[-1] * np.exp(growth - scale)])
        probability /= probability.sum()
        met = probability * rate  # by those who arrive
        shed = met[-1] + probability[-1] * extra_beyond[-1]
        return _Found(
            least=np.concatenate([lines.least, level + beyond // self.servers])[:-1],
            total=total[:-1],
            probability=met[:-1] / met[:-1].sum(),
            full=min(1.0, float(shed / met.sum())),
            arrivals=float(met.sum()),
        )

    def _arrivals(self, inside: Ints) -> Floats:
        """Return the rate of arrivals while so many are inside."""
        return self.arrival_rate * np.maximum(1 - inside / self.population, 0.0)

    @cached_property
    def _seen(self) -> Floats:
        """The law of the other slots taken, here and in all, when a request has got its own."""
        seen = np.zeros((self.slots + 1, self._delay.size))
        here = np.minimum(self._found.least, self.slots - 1)
        np.add.at(
            seen,
            (here, np.minimum(self._found.total, self._delay.size - 2)),
            self._found.probability,
        )
        return seen


class _Found(NamedTuple):
    least: Ints  # requests at the least busy server
    total: Ints  # requests at all servers
    probability: Floats
    full: float
    arrivals: float  # per second, shed ones included


def _log_weights(work: float, places: int, most: int) -> Floats:
    """Return logarithms of work^j / (min(1, places) ... min(j, places)), the largest 0."""
    if work == 0:
        return np.where(np.arange(most + 1) == 0, 0.0, -np.inf)
    steps = math.log(work) - np.log(np.minimum(np.arange(1, most + 1), places))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    return logs - logs.max()


def _moments(ahead: Ints) -> Floats:
    """Return rows that average to P(n > 0), E[n] and E[n^2]."""
    return np.array([ahead > 0, ahead, ahead**2], dtype=float)


def _rate(visits: tuple[Visit, ...]) -> float:
    return math.fsum(visit.rate for visit in visits)


def _work(visits: tuple[Visit, ...]) -> float:
    """Return the seconds of work that a request brings."""
    return math.fsum(visit.rate * visit.mean for visit in visits)


def _mean(visits: tuple[Visit, ...]) -> float:
    """Return the mean time of one visit."""
    return _work(visits) / _rate(visits) if _rate(visits) else 0.0


def _remaining(visits: tuple[Visit, ...]) -> tuple[Floats, Floats]:
    """Return by kind of visit its share of the work, and the mean time left of one begun."""
    shares = np.array([visit.rate * visit.mean for visit in visits])
    return shares / shares.sum(), np.array([visit.mean * (1 + visit.scv) / 2 for visit in visits])


def _excess(visits: tuple[Visit, ...]) -> float:
    """Return (1 + scv) / 2 - 1 of the time of a visit of whatever kind."""
    if not _work(visits):
        return 0.0
    shares, remaining = _remaining(visits)
    return float(shares @ remaining) / _mean(visits) - 1


def _first_of(places: int, visits: tuple[Visit, ...]) -> tuple[float, float]:
    """Return two moments of the time until the first of `places` visits under way ends."""
    if not _work(visits):
        return 0.0, 0.0
    shares, remaining = _remaining(visits)
    t = _GRID * remaining.max()
    none_yet = (np.exp(-t[:, None] / remaining) @ shares) ** places
    mean, half_square = np.trapezoid(none_yet * [t, t**2], np.log(t))  # smooth in log t
    return float(mean + t[0]), float(2 * half_square)


def _station_wait(
    moments: Floats, load: float, places: int, visits: tuple[Visit, ...], first: tuple[float, float]
) -> Distribution:
    """Return the wait at a station: until its first place falls free, then at its mean pace."""
    crowd = min(load, 1.0)
    return _wait(moments, crowd * _mean(visits) / places + (1 - crowd) * first[0], 1.0, first)


def _wait(moments: Floats, step: float, scv: float, first: tuple[float, float]) -> Distribution:
    """Return the law of a wait until n others have left, by the moments of n.

    `first` holds two moments of the time until the first leaves, `step` and `scv` are those of each
    further one.
    """
    chance, ahead, squares = moments
    if chance < _NEGLIGIBLE:
        return deterministic(mean=0)
    further, further_squares = ahead / chance - 1, (squares - 2 * ahead) / chance + 1
    mean = first[0] + further * step
    second = first[1] + 2 * first[0] * further * step + (further_squares + scv * further) * step**2
    spread = second / mean**2 - 1
    law = (
        hyperexponential(mean=mean, scv=spread)
        if spread >= 1
        else gamma(mean=mean, scv=max(spread, 1e-6))
    )
    return mixture([(1 - min(chance, 1.0), deterministic(mean=0)), (min(chance, 1.0), law)])
