"""M(t)/M/c(t)/K: Poisson arrivals at a rate that moves, exponential service, servers in shifts.

The law of N(t) obeys Kolmogorov's equations, which `exact` solves; the other methods are the
textbooks' ways around them. Staffing: O. B. Jennings, A. Mandelbaum, W. A. Massey and W. Whitt,
"Server staffing to meet time-varying demand" (Management Science 42, 1996).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from queueing import checks
from queueing.erlang import erlang_c_servers
from queueing.nonstationary import approximations
from queueing.nonstationary.approximations import Moment
from queueing.nonstationary.chain import Chain, Law
from queueing.nonstationary.rates import PiecewiseConstant, Rate, as_rate
from queueing.nonstationary.waits import VirtualWait
from queueing.stations.station import Station

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MtMc(Station):
    """M(t)/M/c(t)/K: a station whose rate of arrivals moves, first come first served.

    `arrival_rate` lambda(t) per second is a number, a `PiecewiseLinear`, `Sinusoid`,
    `PiecewiseConstant` or any callable of the time in seconds (asked from 0 on; of steps and of
    peaks that are brief in a long horizon the piecewise kinds give word, a callable does not);
    `service_rate` mu > 0 per second; `servers` c a whole number of at least 1, or a
    `PiecewiseConstant` of whole numbers (0 while closed); `capacity` K is how many find a place,
    `None` for all. Anything else raises `ValueError`.

    Times are seconds from 0 on, in any order. When servers leave, min(N, c) go on and the others'
    customers return to the head of the line.

    >>> from queueing.nonstationary import PiecewiseLinear
    >>> lunch = PiecewiseLinear([(0, 1), (3600, 8), (7200, 1)])
    >>> canteen = MtMc(arrival_rate=lunch, service_rate=0.5, servers=15)
    >>> canteen.exact([1800, 3600, 5400])["mean_queue_length"].round(3).tolist()
    [0.072, 107.478, 0.073]
    """

    arrival_rate: float | Rate | Callable[[Any], Any]
    service_rate: float
    servers: int | PiecewiseConstant
    capacity: int | None = None

    def __post_init__(self) -> None:
        as_rate("arrival_rate", self.arrival_rate)
        checks.real("service_rate", self.service_rate, above=0)
        if isinstance(self.servers, PiecewiseConstant):
            for t, value in self.servers.points:
                checks.whole(f"servers at t = {t:g}", value, at_least=0)  # type: ignore[arg-type]
        else:
            object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        if self.capacity is not None:
            most = max(1, *(int(value) for _, value in self._shifts.points))
            capacity = checks.whole("capacity", self.capacity, at_least=most)
            object.__setattr__(self, "capacity", capacity)

    def __getattr__(self, name: str) -> Any:
        """Say where the quantities of a station that stays are to be had."""
        if name in {*Moment._fields, "wait", "mean_wait", "number_in_system"}:
            raise AttributeError(
                f"MtMc has no {name}: it moves with time, ask .exact(times) or .wait_ppf(times, p)"
            )
        raise AttributeError(f"MtMc has no attribute {name!r}")

    def exact(self, times: ArrayLike, start: int = 0) -> pd.DataFrame:
        """Return the answers of Kolmogorov's equations at the `times`, from N(0) = `start`.

        A table, indexed by time: `mean_number_in_system` E N, `mean_queue_length` E (N - c)+,
        `wait_probability` P(N >= c), `blocking_probability` P(N = K) and `variance` of N. Means are
        good to 1e-6 of themselves, probabilities to 1e-14. In `attrs`, `states` is how many states
        were followed at most, `mass_lost` the probability that fell off their edges. Raises
        `ValueError` for times or a start out of range, and where too many states would be needed.

        >>> bank = MtMc(arrival_rate=12, service_rate=6, servers=3)
        >>> bank.exact([0, 0.1, 100])["wait_probability"].round(6).tolist()
        [0.0, 0.06359, 0.444444]
        """
        moments, chain = _times(times), self._chain()
        laws = self._laws(chain, moments, start)
        lost, rows = 0.0, []
        for t, law in laws:
            lost = max(lost, law.lost)
            rows.append(
                approximations.of_law(law.states, law.p, int(self._shifts(t)), self._places)
            )
        table = _table(moments, rows)
        table.attrs |= {"states": chain.most_states, "mass_lost": lost}
        return table

    def pointwise(self, times: ArrayLike) -> pd.DataFrame:
        """Return, at each time, the answers of the stationary M/M/c(/K) of that moment's rate.

        The columns are those of `exact`; `inf` where lambda(t) >= c(t) mu and everybody finds a
        place. Green and Kolesar (1991).
        """
        moments = _times(times)
        return self._stationary(moments, self._rate(moments) / self.service_rate)

    def modified_offered_load(self, times: ArrayLike) -> pd.DataFrame:
        """Return, at each time, the answers of the stationary M/M/c(/K) at offered load m(t).

        m' = lambda - mu m is the load that plenty of servers would carry, from the distant past on.
        The columns are those of `exact`. Massey and Whitt (1994).
        """
        moments = _times(times)
        loads = self._rate.offered_load(self.service_rate, moments)
        return self._stationary(moments, loads)

    def fluid(self, times: ArrayLike, start: int = 0) -> pd.DataFrame:
        """Return x(t) of x' = lambda - mu min(x, c), x(0) = `start`: all means, no chance.

        `mean_number_in_system` is x, `mean_queue_length` (x - c)+, `wait_probability` 1 where x >=
        c and else 0, `blocking_probability` the share of lambda that a full station turns away.
        """
        moments = _times(times)
        level = approximations.fluid(
            arrival_rate=self._rate,
            service_rate=self.service_rate,
            servers=self._shifts,
            capacity=self._places,
            start=self._start(start),
            times=moments,
        )
        rate, servers = self._rate(moments), self._shifts(moments)
        spilt = np.maximum(rate - self.service_rate * np.minimum(level, servers), 0.0)
        blocked = (level >= self._places) & (rate > 0)
        return pd.DataFrame(
            {
                "mean_number_in_system": level,
                "mean_queue_length": np.maximum(level - servers, 0.0),
                "wait_probability": (level >= servers).astype(np.float64),
                "blocking_probability": np.where(blocked, spilt / np.where(blocked, rate, 1), 0.0),
            },
            index=pd.Index(moments, name="time"),
        )

    def errors(self, times: ArrayLike, start: int = 0) -> pd.DataFrame:
        """Return by how much each approximation is off `exact`: (method, quantity) over time."""
        truth = self.exact(times, start)
        tables = {
            "pointwise": self.pointwise(times),
            "modified_offered_load": self.modified_offered_load(times),
            "fluid": self.fluid(times, start),
        }
        off = {name: table - truth[table.columns] for name, table in tables.items()}
        return pd.concat(off, axis=1, names=["method", "quantity"])

    def wait_within(self, times: ArrayLike, seconds: ArrayLike, start: int = 0) -> Floats:
        """Return P(W <= `seconds`) of an arrival at each of the `times`: exact, c(t) moving on.

        With a capacity, of one who is accepted. The shape is that of `times`, then of `seconds`.
        The wait ends when a service begins, though a shift's end may interrupt it.
        """
        limits = checks.array("seconds", seconds, at_least=0)
        return self._of_waits(times, limits, start, lambda wait, t: 1 - wait.sf(t))

    def wait_ppf(self, times: ArrayLike, p: ArrayLike, start: int = 0) -> Floats:
        """Return the percentile of the wait of an arrival at each of the `times`: exact, seconds.

        The least w with P(W <= w) >= p, a fraction in [0, 1); `inf` where no server ever comes. The
        shape is that of `times`, then of `p`.

        >>> bank = MtMc(arrival_rate=12, service_rate=6, servers=3)
        >>> round(float(bank.wait_ppf(1000, 0.95)), 4)
        0.3641
        """
        return self._of_waits(times, checks.fractions("p", p), start, VirtualWait.ppf)

    def staff(self, times: ArrayLike, wait_probability: float) -> PiecewiseConstant:
        """Return servers over time that hold the probability of waiting: at each time, new ones.

        The least c with C(c, m) <= `wait_probability` at the load m(t) of that time, kept until the
        next; give times as fine as servers can change. Jennings et al. (1996), with Erlang's C for
        their normal tail. To feed back: `station.replace(servers=station.staff(...))`.
        """
        moments = np.unique(_times(times))
        if not moments.size:
            raise ValueError("times must hold at least one time at which to staff, got none")
        checks.real("wait_probability", wait_probability, above=0, below=1)
        loads = self._rate.offered_load(self.service_rate, moments)
        needed = np.atleast_1d(erlang_c_servers(loads, wait_probability))
        new = np.append(True, np.diff(needed) != 0)
        return PiecewiseConstant(
            list(zip(moments[new].tolist(), needed[new].tolist(), strict=True))
        )

    @property
    def _rate(self) -> Rate:
        return as_rate("arrival_rate", self.arrival_rate)

    @property
    def _shifts(self) -> PiecewiseConstant:
        if isinstance(self.servers, PiecewiseConstant):
            return self.servers
        return PiecewiseConstant([(0.0, self.servers)])

    @property
    def _places(self) -> float:
        return math.inf if self.capacity is None else self.capacity

    def _start(self, start: int) -> int:
        number = checks.whole("start", start, at_least=0)
        if number > self._places:
            raise ValueError(f"start must be at most the capacity {self.capacity}, got {start!r}")
        return number

    def _chain(self) -> Chain:
        return Chain(
            arrival_rate=self._rate,
            service_rate=float(self.service_rate),
            servers=self._shifts,
            capacity=self._places,
        )

    def _laws(self, chain: Chain, times: Floats, start: int) -> Iterator[tuple[float, Law]]:
        """Yield the sorted times without repetition, and the law of N at each."""
        moments = np.unique(times)
        yield from zip(moments.tolist(), chain.laws(self._start(start), moments), strict=True)

    def _stationary(self, times: Floats, loads: Floats) -> pd.DataFrame:
        servers = self._shifts(times).astype(int)
        pairs = zip(loads.tolist(), servers.tolist(), strict=True)
        rows = [approximations.stationary(load, c, self._places) for load, c in pairs]
        return pd.DataFrame(rows, index=pd.Index(times, name="time"), columns=list(Moment._fields))

    def _of_waits(
        self, times: ArrayLike, asked: Floats, start: int, answer: Callable[..., float]
    ) -> Floats:
        moments = _times(times)
        _, back = np.unique(moments, return_inverse=True)
        rows = []
        for t, law in self._laws(self._chain(), moments, start):
            wait = VirtualWait(t, self._accepted(law), self._shifts, float(self.service_rate))
            rows.append([answer(wait, each) for each in asked.ravel().tolist()])
        shape = np.shape(times) + asked.shape
        return np.reshape(np.array(rows, dtype=np.float64)[back], shape)[()]

    def _accepted(self, law: Law) -> Law:
        """Return what an accepted arrival finds; in a full station, one after the next end."""
        if law.states[-1] < self._places:
            return law
        places = law.p[:-1]
        if places.sum() <= 0:
            return Law(law.first - 1, np.ones(1))
        return Law(law.first, places / places.sum())


def _times(times: ArrayLike) -> Floats:
    """Return the times as a list, or raise `ValueError`."""
    moments = np.atleast_1d(checks.array("times", times, at_least=0))
    if moments.ndim != 1:
        raise ValueError(f"times is a list of seconds, got an array of shape {moments.shape}")
    return moments


def _table(times: Floats, rows: list[Moment]) -> pd.DataFrame:
    """Return rows for the sorted times as a table in the order in which they were asked."""
    _, back = np.unique(times, return_inverse=True)
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(Moment._fields))[back]
    return pd.DataFrame(columns, index=pd.Index(times, name="time"), columns=list(Moment._fields))
