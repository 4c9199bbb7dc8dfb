"""Networks of stations: open ones with feedback, and closed ones with a fixed population.

J. R. Jackson, "Networks of waiting lines" (Operations Research 5, 1957): in equilibrium the nodes
of an open network with Poisson arrivals and exponential service are as independent M/M/c at any
one time. W. J. Gordon and G. F. Newell, "Closed queuing systems with exponential servers"
(Operations Research 15, 1967): a closed network is that open one, given that N are inside.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import ClassVar, NamedTuple, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import bisect

from queueing import checks
from queueing.erlang import poisson_pmf
from queueing.stations import MMc
from queueing.stations.station import QUANTITIES, Station

Floats = NDArray[np.float64]

_MOST_PEOPLE = 10_000_000  # a row each in the recursion
_ROUNDING = 1e-12  # by this much the probabilities of a row may miss their sum
_LEAST = 1e-250  # smaller probabilities of a term are dropped ...
_KEPT = 1e-200  # ... which leaves every digit of a sum as large as this

_OF_A_NODE = (
    "mean_wait",
    "mean_queue_length",
    "wait_probability",
    "wait",
    "time_in_system",
    "number_in_system",
    "traffic_intensity",
)
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, kw_only=True)
class JacksonNetwork(Station):
    """An open network: who leaves node i goes on to node j with probability `routing[i][j]`.

    A list a parameter, an entry a node: `arrival_rates` gamma >= 0 from outside and `service_rates`
    mu > 0 per second, `servers` c >= 1; what a row of `routing` misses to 1 leaves the network.
    Each node is the M/M/c in `stations` with the arrival rate that solves the traffic equations

        theta_j = gamma_j + sum_i min(theta_i, c_i mu_i) routing[i][j]

    A node that cannot keep up passes on what it can complete, and the nodes behind it live on
    that: J. B. Goodman and W. A. Massey, "The non-ergodic Jackson network" (Journal of Applied
    Probability 21, 1984). Raises `ValueError` for a network that is none: no arrivals, lengths that
    disagree, a row over 1, a node from which there is no way out.

    The sum of the nodes' `time_in_system` is the law of a path only where nobody comes back or is
    overtaken: E. Reich (Annals of Mathematical Statistics 28, 1957) for single servers in tandem,
    P. J. Burke (Operations Research 17, 1969) with several at the first and the last of them.

    >>> feedback = JacksonNetwork(
    ...     arrival_rates=[4, 0], service_rates=[10, 3], servers=[1, 2], routing=[[0, 0.5], [1, 0]]
    ... )
    >>> feedback.throughput.round(9).tolist(), round(feedback.total_time, 9)
    ([8.0, 4.0], 1.6)
    """

    lacks: ClassVar[Mapping[str, str]] = QUANTITIES | dict.fromkeys(
        [*_OF_A_NODE, "utilization"], "each node has its own, so ask one of `stations`"
    )
    arrival_rates: Sequence[float]
    service_rates: Sequence[float]
    servers: Sequence[int]
    routing: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        arrivals = _numbers("arrival_rates", self.arrival_rates, at_least=0)
        nodes = len(arrivals)
        services = _numbers("service_rates", self.service_rates, nodes, above=0)
        servers = _listed("servers", self.servers, nodes)
        if sum(arrivals) == 0:
            raise ValueError("arrival_rates must let somebody in, but all of them are 0")
        object.__setattr__(self, "arrival_rates", arrivals)
        object.__setattr__(self, "service_rates", services)
        object.__setattr__(self, "servers", tuple(checks.whole("servers", c) for c in servers))
        object.__setattr__(self, "routing", _routing(self.routing, nodes))

    @cached_property
    def stations(self) -> tuple[MMc, ...]:
        """The nodes as M/M/c, with what arrives from outside and from the other nodes.

        At first all are taken to be full, so that the rates are too high; who can keep up all the
        same is released, which lowers the rates, until no more are.
        """
        outside, routing = np.array(self.arrival_rates), np.array(self.routing)
        capacity = np.multiply(self.servers, self.service_rates)
        full = np.ones(outside.size, dtype=bool)
        while True:
            open_ended = np.eye(full.size) - np.where(full, 0, routing.T)
            rates = np.linalg.solve(open_ended, outside + np.where(full, capacity, 0) @ routing)
            parameters = zip(rates.tolist(), self.service_rates, self.servers, strict=True)
            nodes = tuple(
                MMc(arrival_rate=max(rate, 0.0), service_rate=mu, servers=c)
                for rate, mu, c in parameters
            )
            still_full = full & [not node.is_stable for node in nodes]
            if (still_full == full).all():
                return nodes
            full = still_full

    @property
    def throughput(self) -> Floats:
        """Completed per second, a node each: what arrives, or c mu at a node that is overloaded."""
        return np.array([node.throughput for node in self.stations])

    @property
    def mean_number_in_system(self) -> Floats:
        """L, a node each; `inf` at a node that cannot keep up."""
        return np.array([node.mean_number_in_system for node in self.stations])

    @property
    def mean_time_in_system(self) -> Floats:
        """W of a visit, a node each, seconds; `inf` at a node that cannot keep up."""
        return np.array([node.mean_time_in_system for node in self.stations])

    @property
    def total_time(self) -> float:
        """The mean time from arrival to departure from the network, seconds: sum L / sum gamma."""
        return float(self.mean_number_in_system.sum() / sum(self.arrival_rates))


class _Answers(NamedTuple):
    """What is asked of a closed network, a row a population."""

    population: NDArray[np.int64]
    throughput: Floats
    numbers: Floats  # a column a station


@dataclass(frozen=True, kw_only=True)
class ClosedNetwork(Station):
    """N customers who think, pass through the stations, and think again.

    `population` N >= 1; `think_time` Z >= 0, seconds a cycle; then a list a parameter, an entry a
    station: `visits` a cycle v >= 0, `service_times` a visit s > 0, seconds, and `servers` c >= 1,
    `inf` for a delay that nobody waits for. Exact where services are exponential (delays: any law)
    and stations serve first come first served. Raises `ValueError` for anything else.

    The numbers inside are those of the open network with any arrival rate x, independent station
    by station, given that they sum to N. With p_i the law of the number at station i and P the law
    of the sum of all, thinkers included,

        throughput = x P(N - 1) / P(N)
        E[number at i] = sum_n n p_i(n) P_without_i(N - n) / P(N)

    No term is negative, and with the x for which the mean of the sum is N none that counts is
    small: nothing is lost for any population and any number of servers, unlike in mean value
    analysis with load-dependent rates, M. Reiser and S. S. Lavenberg (Journal of the ACM 27, 1980).
    The sums are J. P. Buzen's convolution (Communications of the ACM 16, 1973).

    >>> web = ClosedNetwork(
    ...     population=3, think_time=1, visits=[1, 2], service_times=[0.5, 0.1], servers=[1, 1]
    ... )
    >>> round(web.throughput, 9), round(web.response_time, 9)
    (1.432862722, 1.093710692)
    """

    lacks: ClassVar[Mapping[str, str]] = QUANTITIES | dict.fromkeys(
        [*_OF_A_NODE, "mean_time_in_system"], "only the mean numbers and `response_time` are known"
    )
    population: int
    think_time: float
    visits: Sequence[float]
    service_times: Sequence[float]
    servers: Sequence[float]

    def __post_init__(self) -> None:
        people = checks.whole("population", self.population, at_most=_MOST_PEOPLE)
        object.__setattr__(self, "population", people)
        checks.real("think_time", self.think_time, at_least=0)
        visits = _numbers("visits", self.visits, at_least=0)
        times = _numbers("service_times", self.service_times, len(visits), above=0)
        servers = _listed("servers", self.servers, len(visits))
        if self.think_time == 0 and sum(visits) == 0:
            raise ValueError("a cycle must take some time, but think_time and all visits are 0")
        object.__setattr__(self, "visits", visits)
        object.__setattr__(self, "service_times", times)
        object.__setattr__(
            self,
            "servers",
            tuple(c if c == math.inf else checks.whole("servers", cast(int, c)) for c in servers),
        )

    @property
    def throughput(self) -> float:
        """X, cycles per second."""
        return float(self._last.throughput[-1])

    @property
    def mean_number_in_system(self) -> Floats:
        """The mean number at each station, waiting and in service; the others think."""
        return self._last.numbers[-1].copy()

    @property
    def response_time(self) -> float:
        """R, the mean time of a cycle without its thinking, seconds: N / X - Z.

        As sum L / X, in which nothing is subtracted.
        """
        return float(self.mean_number_in_system.sum() / self.throughput)

    @property
    def utilization(self) -> Floats:
        """The busy fraction of each station's servers, X v s / c; 0 with infinitely many."""
        return self.throughput * self._demands / np.array(self.servers)

    def sweep(self) -> pd.DataFrame:
        """Return `throughput`, `response_time` and each station's mean number, for 1 ... N.

        A row a population, which is the index; the stations' columns are called
        `mean_number_in_system_0`, `mean_number_in_system_1`, ..., as the lists count them.
        """
        parts: list[_Answers] = []
        left = self.population
        while left:
            parts.append(self._answers(left))
            left = int(parts[-1].population[0]) - 1
        population, rates, numbers = map(np.concatenate, zip(*reversed(parts), strict=True))
        columns = {"throughput": rates, "response_time": numbers.sum(axis=1) / rates}
        columns |= {f"mean_number_in_system_{i}": column for i, column in enumerate(numbers.T)}
        return pd.DataFrame(columns, index=pd.Index(population, name="population"))

    @cached_property
    def _last(self) -> _Answers:
        return self._answers(self.population)

    @property
    def _demands(self) -> Floats:
        """D = v s, seconds of service a cycle."""
        return np.multiply(self.visits, self.service_times)

    @property
    def _delay(self) -> float:
        """Seconds a cycle for which nobody waits: thinking, and stations of infinite servers."""
        return self.think_time + float(self._demands[np.isinf(self.servers)].sum())

    def _opened(self, rate: float) -> list[MMc]:
        """Return the stations of finite servers as they are with `rate` cycles begun a second."""
        parameters = zip(self.visits, self.service_times, self.servers, strict=True)
        return [
            MMc(arrival_rate=rate * v, service_rate=1 / s, servers=int(c))
            for v, s, c in parameters
            if c < math.inf
        ]

    def _rate(self, population: int) -> float:
        """Return the rate at which the open network holds `population` in the mean."""
        limits = [
            c / demand for demand, c in zip(self._demands, self.servers, strict=True) if demand > 0
        ]
        upper = min([*limits, population / self._delay if self._delay > 0 else math.inf])
        surplus = self._surplus(population)
        return float(bisect(surplus, 0, 1.01 * upper, xtol=1e-300, rtol=1e-12, maxiter=2000))

    def _surplus(self, population: int) -> Callable[[float], float]:
        """Return by how much the mean number in the open network exceeds `population`."""

        def surplus(rate: float) -> float:
            inside = math.fsum(node.mean_number_in_system for node in self._opened(rate))
            return min(rate * self._delay + inside, 1e300) - population

        return surplus

    def _answers(self, population: int) -> _Answers:
        """Return the answers for `population` and as many below it as the same x is good for."""
        rate, n = self._rate(population), np.arange(population + 1)
        delay = poisson_pmf(n.astype(float), np.full(n.shape, rate * self._delay))
        laws = [node.number_in_system.pmf(n) for node in self._opened(rate)]
        before = list(accumulate(laws, _sum_law, initial=delay))
        after = list(accumulate(laws[::-1], _sum_law, initial=np.where(n == 0, 1.0, 0.0)))[::-1]
        total = before[-1]
        good = n[1:][total[:-1] >= _KEPT]  # the laws are log-concave: these are in one piece
        rates = rate * total[good - 1] / total[good]
        numbers = rates[:, None] * self._demands  # right where nobody waits
        finite = np.flatnonzero(np.isfinite(self.servers))
        for i, law, left, right in zip(finite, laws, before[:-1], after[1:], strict=True):
            numbers[:, i] = _sum_law(_sum_law(left, right), n * law)[good] / total[good]
        return _Answers(good, rates, numbers)


def _sum_law(a: Floats, b: Floats) -> Floats:
    """Return the law of a sum of independent numbers, as far as that of the terms is given."""
    (start_a, end_a), (start_b, end_b) = _support(a), _support(b)
    inner = np.convolve(a[start_a:end_a], b[start_b:end_b])
    start = min(start_a + start_b, a.size)
    law = np.zeros(a.size)
    inner = inner[: a.size - start]
    law[start : start + inner.size] = inner
    return law


def _support(law: Floats) -> tuple[int, int]:
    present = np.flatnonzero(law > _LEAST)
    return (int(present[0]), int(present[-1]) + 1) if present.size else (0, 1)


def _listed(name: str, values: Sequence[_Entry], nodes: int | None) -> tuple[_Entry, ...]:
    """Return a list as a tuple, if there is an entry for each node."""
    listed = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    if not listed or len(values) != (nodes or max(len(values), 1)):
        of_how_many = f" of the {nodes} nodes" if nodes else " node"
        raise ValueError(f"{name} must list an entry for each{of_how_many}, got {values!r}")
    return tuple(values)


def _numbers(
    name: str,
    values: Sequence[float],
    nodes: int | None = None,
    *,
    above: float | None = None,
    at_least: float | None = None,
) -> tuple[float, ...]:
    """Return a list of numbers in a range."""
    return tuple(
        checks.real(name, value, above=above, at_least=at_least)
        for value in _listed(name, values, nodes)
    )


def _routing(rows: Sequence[Sequence[float]], nodes: int) -> tuple[tuple[float, ...], ...]:
    """Return a matrix of routing probabilities that lets everybody out in the end."""
    routing = tuple(
        _numbers(f"routing[{i}]", row, nodes, at_least=0)
        for i, row in enumerate(_listed("routing", rows, nodes))
    )
    totals = [math.fsum(row) for row in routing]
    for i, total in enumerate(totals):
        if total > 1 + _ROUNDING:
            raise ValueError(f"routing[{i}] must sum to at most 1, got {total:g}")
    gets_out = np.array(totals) < 1 - _ROUNDING
    for _ in range(nodes):
        gets_out |= (np.array(routing) > 0) @ gets_out
    if not gets_out.all():
        trapped = ", ".join(str(i) for i in np.flatnonzero(~gets_out))
        raise ValueError(
            "routing must let everybody out in the end, by rows that sum to less than 1, "
            f"but from node {trapped} no such row can be reached"
        )
    return routing
