"""Customers who try again: what they cause, where that settles, and how many always recover."""

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from queueing import MMc, RetryPolicy, exponential_backoff, retry_fixed_points
from queueing.lab.pooled import processors
from queueing.retries import attempt_failure_probability
from queueing.scenario import Scenario
from queueing.scenario.plan import WORKERS, plan
from queueing.simulation.storms import StormStation

Floats = NDArray[np.float64]

_ROOM, _TIMEOUT_S, _ATTEMPTS = 2000, 2.0, 3  # where the lesson begins
_BACKOFF_S = 1.0
_GRID = np.concatenate(  # attempt rates, in parts of what the servers can do; dense around 1
    [
        np.linspace(0.02, 0.9, 12),
        np.linspace(0.905, 1.15, 80),
        np.linspace(1.16, 2, 36),
        np.geomspace(2.1, 40, 24),
    ]
)
_FALLS = 1e-7  # so much less than before, in parts, and it falls


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """A station, `room` for so many in its line, and customers who wait `timeout` seconds.

    Then they try again, `max_attempts` times in all; their work stays in line.
    """

    station: MMc
    room: int
    timeout: float
    max_attempts: int

    @property
    def full_rate(self) -> float:
        """What the servers can do, attempts a second."""
        return self.station.servers * self.station.service_rate

    @cached_property
    def points(self) -> pd.DataFrame:
        """Where it can settle: see `retry_fixed_points`."""
        return retry_fixed_points(
            arrival_rate=self.station.arrival_rate,
            service_rate=self.station.service_rate,
            servers=self.station.servers,
            capacity=self.station.servers + self.room,
            timeout=self.timeout,
            max_attempts=self.max_attempts,
        )

    @property
    def good(self) -> "pd.Series[float]":
        """The fixed point with the fewest attempts."""
        return self.points.iloc[0]

    @property
    def bad(self) -> "pd.Series[float] | None":
        """The other stable one, if there is one."""
        stable = self.points[self.points["stable"].astype(bool)]
        return stable.iloc[-1] if len(stable) > 1 else None

    def attempts(self, failing: ArrayLike) -> Floats:
        """Return the attempts of a customer if each fails with a probability."""
        return np.asarray(self._policy.expected_attempts(np.minimum(failing, 1.0)))

    @property
    def curve(self) -> tuple[Floats, Floats]:
        """Attempts made, and P(one fails) at so many, over a wide range."""
        return _curve(
            self.station.service_rate,
            self.station.servers,
            self.station.servers + self.room,
            self.timeout,
        )

    @cached_property
    def arrivals(self) -> Floats:
        """The arrivals that would settle at each attempt rate of `curve`: x / E[attempts]."""
        rates, failing = self.curve
        return rates / self.attempts(failing)

    @cached_property
    def always_recovers(self) -> float:
        """The arrival rate up to which there is but one fixed point; inf if there is ever one.

        Attempts x settle where the arrivals are x / E[attempts]. That rises with x, falls where
        failures set in, and rises again: below its lowest point after a fall only one x is left.
        """
        falls = self.falls
        if falls is None:
            return math.inf
        low = falls + int(self.arrivals[falls:].argmin())
        rates = self.curve[0]
        bounds = float(rates[low - 1]), float(rates[min(low + 1, rates.size - 1)])
        found = minimize_scalar(self._arrivals_at, bounds=bounds, method="bounded")
        return min(float(found.fun), float(self.arrivals[low]))

    @cached_property
    def collapses(self) -> float:
        """The arrival rate from which only the bad fixed point is left; inf if there is none."""
        falls = self.falls
        if falls is None:
            return math.inf
        rates, top = self.curve[0], falls
        bounds = float(rates[max(top - 1, 0)]), float(rates[top + 1])
        found = minimize_scalar(lambda x: -self._arrivals_at(x), bounds=bounds, method="bounded")
        return max(-float(found.fun), float(self.arrivals[top]))

    @property
    def falls(self) -> int | None:
        """The place in the curve from which the arrivals fall, the highest before their lowest."""
        change = np.diff(self.arrivals)
        falling = np.flatnonzero(change < -_FALLS * self.arrivals[:-1])
        return int(falling[0]) if falling.size else None

    def _arrivals_at(self, rate: float) -> float:
        failing = attempt_failure_probability(
            rate,
            service_rate=self.station.service_rate,
            servers=self.station.servers,
            capacity=self.station.servers + self.room,
            timeout=self.timeout,
        )
        return rate / float(self.attempts(failing))

    @property
    def _policy(self) -> RetryPolicy:
        backoff = exponential_backoff(base=1, factor=2)
        return RetryPolicy(max_attempts=self.max_attempts, backoff=backoff)


@cache
def _curve(
    service_rate: float, servers: int, capacity: int, timeout: float
) -> tuple[Floats, Floats]:
    rates = _GRID * servers * service_rate
    return rates, attempt_failure_probability(
        rates, service_rate=service_rate, servers=servers, capacity=capacity, timeout=timeout
    )


def clients(scenario: Scenario, **changes: float) -> Retrying:
    """Return the scenario's processors at the peak, with programs that try again.

    `changes` to `room` (2000), `timeout` (2 s) or `max_attempts` (3) are taken over.
    """
    start: dict[str, float] = {
        "room": _ROOM,
        "timeout": _TIMEOUT_S,
        "max_attempts": _ATTEMPTS,
        **changes,
    }
    return Retrying(
        station=processors(scenario),
        room=int(start["room"]),
        timeout=start["timeout"],
        max_attempts=int(start["max_attempts"]),
    )


def storm(
    case: Retrying, *, backoff_s: float = _BACKOFF_S, retries_last: bool = False
) -> StormStation:
    """Return the same to draw from; full jitter on waits that double from `backoff_s`."""
    backoff = exponential_backoff(base=backoff_s, factor=2, jitter="full")
    return StormStation(
        arrival_rate=case.station.arrival_rate,
        service_rate=case.station.service_rate,
        servers=case.station.servers,
        room=case.room,
        timeout=case.timeout,
        policy=RetryPolicy(max_attempts=case.max_attempts, backoff=backoff),
        retries_last=retries_last,
    )


def workers_load(scenario: Scenario, failure_probability: float) -> float:
    """Return the work of the peak's mails over what the workers can do, if attempts fail so often.

    All parts up.
    """
    made = plan(scenario, scenario.base)
    mails = scenario.traffic.peak_rate * scenario.mails_per_request
    tries = float(mail_policy(scenario).expected_attempts(failure_probability))
    return mails * tries * made.attempt_s / made.shared_places[WORKERS]


def mail_policy(scenario: Scenario) -> RetryPolicy:
    """Return how the scenario's workers try a mail again."""
    job = scenario.job
    backoff = exponential_backoff(base=job.backoff_base_s, factor=2, jitter="full")
    return RetryPolicy(max_attempts=job.max_attempts, backoff=backoff)
