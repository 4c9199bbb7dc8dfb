"""The retry storm: a station whose customers try again, and the rates at which it can settle."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

from queueing import checks
from queueing.retries.policies import MOST_ATTEMPTS

Floats = NDArray[np.float64]

_MOST_STATES = 10_000_000  # a probability each
_CELLS, _HALVINGS, _MOST_CELLS = 64, 20, 200  # of the search for fixed points
_TOUCHES, _LEVEL = 1e-13, 1e-9  # so near to the diagonal, in parts of x, and so level: a touch


def retry_fixed_points(
    *,
    arrival_rate: float,
    service_rate: float,
    servers: int,
    capacity: int,
    timeout: float,
    max_attempts: int,
) -> pd.DataFrame:
    """Return where a station whose customers try again after a timeout can settle, a row each.

    Customers come at `arrival_rate` lambda > 0, per second. Each attempt goes to an M/M/c/K with
    `service_rate` mu > 0, `servers` c >= 1 and `capacity` K >= c, and fails if it is turned away or
    not served within `timeout` seconds (`inf` is allowed); then it stays in line all the same, and
    the customer tries again, `max_attempts` m times in all. With the attempts taken as Poisson, at
    rate x = `attempt_rate`, and q(x) the probability that one fails,

        x = lambda (1 - q^m) / (1 - q)        goodput = lambda (1 - q^m)
        1 - q = sum_{n < K} P(N = n) P(in time | n found)

    A fixed point is `stable` where the slope of the right side is below 1: after a disturbance the
    attempts return to it. Two stable ones are a metastable system, N. Bronson et al., "Metastable
    failures in distributed systems" (HotOS 2021).

    All of them are found, in [lambda, m lambda]. q only grows with x, so that a cell [a, b] where
    the right side passes b at a, or stays below a at b, holds none; the others are halved until the
    ends' signs and slopes tell, and between slopes of two signs the extremum is looked at too: two
    points a hair apart are told from none. A touch of the diagonal is one point, not stable. Raises
    `ValueError` for bad parameters.

    >>> retry_fixed_points(
    ...     arrival_rate=7.5, service_rate=1, servers=10, capacity=50, timeout=3, max_attempts=3
    ... ).round(4)
       attempt_rate  goodput  stable
    0        8.0713   7.4973    True
    1        9.2797   7.4417   False
    2       22.3762   0.1233    True
    """
    station = _station(service_rate, servers, capacity, timeout)
    storm = _Storm(
        station,
        checks.real("arrival_rate", arrival_rate, above=0),
        checks.whole("max_attempts", max_attempts, at_most=MOST_ATTEMPTS),
    )
    extra = np.array(storm.fixed_points())
    return pd.DataFrame(
        {
            "attempt_rate": storm.arrival_rate + extra,
            "goodput": [storm.goodput(y) for y in extra],
            "stable": [storm.slope(y) < -_LEVEL for y in extra],
        }
    )


def attempt_failure_probability(
    attempt_rate: ArrayLike, *, service_rate: float, servers: int, capacity: int, timeout: float
) -> Floats:
    """Return q(x), the probability that an attempt fails, for each attempt rate x > 0 (1/s).

    The station and what a failure is are those of `retry_fixed_points`, and so are the errors.

    >>> attempt_failure_probability(
    ...     [7.5, 22], service_rate=1, servers=10, capacity=50, timeout=3
    ... ).round(4).tolist()
    [0.0598, 0.9943]
    """
    station = _station(service_rate, servers, capacity, timeout)
    rates = checks.array("attempt_rate", attempt_rate, above=0)
    return np.array([station.at(rate)[0] for rate in rates.ravel()]).reshape(rates.shape)[()]


def _station(service_rate: float, servers: int, capacity: int, timeout: float) -> "_Station":
    return _Station.of(
        checks.real("service_rate", service_rate, above=0),
        checks.whole("servers", servers),
        checks.whole("capacity", capacity, at_least=servers, at_most=_MOST_STATES),
        timeout if timeout == math.inf else checks.real("timeout", timeout, above=0),
    )


class _Station(NamedTuple):
    """M/M/c/K as its attempts see it: weights of its states, and what befalls who finds n there."""

    full_rate: float  # c mu
    log_weights: Floats  # of P(N = n) at the arrival rate c mu
    in_time: Floats  # P(served in time | n found); 0 at n = K
    failed: Floats  # 1 - in_time

    @classmethod
    def of(cls, mu: float, c: int, capacity: int, timeout: float) -> "_Station":
        """Return the station; who finds n >= c waits for j = n - c + 1 ends of service, Erlang.

        P(late | n) = P(Erlang > t) + P(Erlang <= t < Erlang + service), and the second term is
        e^(-mu t) (c / (c - 1))^j P(Erlang with rate (c - 1) mu <= t), a Poisson term for c = 1.
        """
        n = np.arange(capacity + 1.0)
        j, t = np.maximum(n - c + 1, 0), mu * timeout
        log_weights = np.append(0.0, np.cumsum(np.log(c / np.minimum(n[1:], c))))
        if math.isinf(t):
            late, in_time = np.zeros(n.shape), np.ones(n.shape)
        else:
            if c > 1:
                with np.errstate(divide="ignore"):
                    log_begun = np.log(special.gammainc(j, (c - 1) * t)) + j * np.log(c / (c - 1))
            else:
                log_begun = special.xlogy(j, t) - special.gammaln(j + 1)
            unfinished = np.exp(log_begun - t)
            late = special.gammaincc(j, c * t) + unfinished
            in_time = np.maximum(special.gammainc(j, c * t) - unfinished, 0)
            in_time[j == 0] = -math.expm1(-t)
        late[-1], in_time[-1] = 1.0, 0.0
        return cls(c * mu, log_weights, in_time, late)

    def at(self, rate: float) -> tuple[float, float, float]:
        """Return q, 1 - q and the derivative of q, at an arrival rate."""
        n = np.arange(self.failed.size)
        weights = self.log_weights + n * math.log(rate / self.full_rate)
        law = np.exp(weights - weights.max())
        law /= law.sum()
        mean = (law * n).sum()
        q, success = min((law * self.failed).sum(), 1.0), (law * self.in_time).sum()
        return float(q), float(success), float((law * (n - mean) * self.failed).sum() / rate)


@dataclass(frozen=True)
class _Storm:
    """The map of the attempts' rate; y is the rate of the attempts beyond the first, x - lambda."""

    station: _Station
    arrival_rate: float
    max_attempts: int

    def goodput(self, y: float) -> float:
        q, success, _ = self.station.at(self.arrival_rate + y)
        log_q = math.log1p(-success) if success < 0.5 else math.log(max(q, 1e-300))
        return -self.arrival_rate * math.expm1(self.max_attempts * log_q)

    def repeated(self, y: float) -> float:
        """Return lambda (q + ... + q^(m-1))."""
        q, _, _ = self.station.at(self.arrival_rate + y)
        return float(self.arrival_rate * (q ** np.arange(1, self.max_attempts)).sum())

    def excess(self, y: float) -> float:
        """Return by how much the map exceeds y."""
        return self.repeated(y) - y

    def slope(self, y: float) -> float:
        """Return the derivative of `excess`."""
        q, _, growth = self.station.at(self.arrival_rate + y)
        k = np.arange(1, self.max_attempts)
        return float(self.arrival_rate * growth * (k * q ** (k - 1.0)).sum()) - 1

    def fixed_points(self) -> list[float]:
        """Return all y with excess 0, in order."""
        top = self.arrival_rate * (self.max_attempts - 1)
        ends = [(y, self.repeated(y)) for y in np.linspace(0, top, _CELLS + 1).tolist()]
        cells = [cell for cell in pairwise(ends) if _may_hold(*cell)]
        for _ in range(_HALVINGS):
            if len(cells) > _MOST_CELLS:
                break
            middles = [(low[0] + high[0]) / 2 for low, high in cells]
            halves = [
                half
                for (low, high), y in zip(cells, middles, strict=True)
                for half in pairwise((low, (y, self.repeated(y)), high))
            ]
            cells = [half for half in halves if _may_hold(*half)]
        found = {y for (low, _), (high, _) in cells for y in self._within(low, high)}
        return sorted(found | ({top} if self.excess(top) == 0 else set()))

    def _within(self, low: float, high: float) -> list[float]:
        """Return the fixed points in [low, high), a cell with one extremum at most."""
        if self.excess(low) == 0:
            return [low]
        corners = [low, high]
        if self.slope(low) * self.slope(high) < 0:
            extremum = _root(self.slope, low, high)
            if abs(self.excess(extremum)) <= _TOUCHES * (self.arrival_rate + extremum):
                return [extremum]
            corners = [low, extremum, high]
        return [
            _root(self.excess, a, b)
            for a, b in pairwise(corners)
            if self.excess(a) * self.excess(b) < 0
        ]


def _may_hold(low: tuple[float, float], high: tuple[float, float]) -> bool:
    """Tell whether a map that grows can meet the diagonal between two ends (y, image of y)."""
    return low[1] <= high[0] and high[1] >= low[0]


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-300, rtol=1e-15))
