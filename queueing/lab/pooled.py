"""The same servers with one line before all of them, or a line before each."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import MM1, MMc, erlang_c
from queueing.lab.sizing import smallest
from queueing.scenario import Scenario
from queueing.scenario.plan import CPU, plan

Floats = NDArray[np.float64]

SHARE = 0.95  # of the requests, for whom a wait is promised
_ROOMY = 0.75  # load under which a station is first offered to a student


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """A station with one line, the same servers with a line each, and a promised wait (seconds).

    Either way 95 % of the requests should wait at most as long as promised.
    """

    station: MMc
    promise: float

    @property
    def single(self) -> MM1:
        """One of the separate lines: an equal share of the requests before one server."""
        station = self.station
        return MM1(
            arrival_rate=station.arrival_rate / station.servers, service_rate=station.service_rate
        )

    @property
    def wait(self) -> float:
        """The time within which 95 % of the waits in the one line are over, seconds."""
        return float(self.waits(self.station.servers))

    @property
    def single_wait(self) -> float:
        """The same in the separate lines."""
        return float(self.single_waits(self.station.servers))

    def waits(self, servers: ArrayLike) -> Floats:
        """Return `wait` for numbers of servers: P(W > t) = C e^(-theta t), solved for t."""
        station, count = self.station, np.asarray(servers)
        return _exceeded(
            erlang_c(count, station.offered_load),
            count * station.service_rate - station.arrival_rate,
        )

    def single_waits(self, servers: ArrayLike) -> Floats:
        """Return `single_wait` for numbers of servers, where C = rho."""
        station, count = self.station, np.asarray(servers)
        return _exceeded(
            np.minimum(station.offered_load / count, 1.0),
            station.service_rate - station.arrival_rate / count,
        )

    @property
    def fewest(self) -> int:
        """The smallest number of servers that keeps the promise with one line."""
        return self._fewest(self.waits)

    @property
    def fewest_apart(self) -> int:
        """The smallest number of servers that keeps the promise with a line each."""
        return self._fewest(self.single_waits)

    def _fewest(self, waits: Callable[[ArrayLike], Floats]) -> int:
        least = math.floor(self.station.offered_load) + 1
        most = math.ceil(self.station.offered_load / (1 - SHARE)) + 1  # then hardly anybody waits
        found = smallest(lambda servers: bool(waits(servers) <= self.promise), least, most)
        return most if found is None else found


def processors(scenario: Scenario) -> MMc:
    """Return the requests of the peak before the fewest processors at a load of at most 0.75.

    Only a request's work on a server's processors counts, and it is taken as exponential.
    """
    seconds = plan(scenario, scenario.base).work[CPU]
    rate = scenario.traffic.peak_rate
    servers = max(2, math.ceil(rate * seconds / _ROOMY))
    return MMc(arrival_rate=rate, service_rate=1 / seconds, servers=servers)


def _exceeded(waiting: ArrayLike, spare: ArrayLike) -> Floats:
    """Return the time that 5 % of the waits exceed, from C and theta; a full station waits inf."""
    above = np.log(np.maximum(np.asarray(waiting) / (1 - SHARE), 1.0))
    free = np.asarray(spare, dtype=np.float64)
    return np.where(free > 0, above / np.where(free > 0, free, 1.0), np.inf)
