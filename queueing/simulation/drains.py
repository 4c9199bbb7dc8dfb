"""Backlogs worked off by chance, customer by customer: what theory says of the time is not used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.paths import waits
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds
from queueing.stations import MMc

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DrawnDrains:
    """How long each of some backlogs took until nobody waited, seconds."""

    times: Floats
    seed: int

    @property
    def mean(self) -> Estimate:
        """The mean time, seconds."""
        return Estimate.of(self.times.tolist(), seed=self.seed)

    @property
    def variance(self) -> Estimate:
        """The variance of the time, s^2: the mean of the squared distances from the mean."""
        size = self.times.size
        squares = (self.times - self.times.mean()) ** 2 * size / (size - 1)
        return Estimate.of(squares.tolist(), seed=self.seed)


def draw_drains(
    *,
    backlog: int,
    arrival_rate: float,
    service_rate: float,
    servers: int,
    replications: int = 100,
    seed: int | None = None,
) -> DrawnDrains:
    """Return how long it takes until nobody waits, from `backlog` waiting and all servers busy.

    Poisson arrivals, exponential services, first come first served. Raises `ValueError` for a
    station that cannot keep up, whose backlog may never end, and for fewer than 2 `replications`.
    """
    waiting = checks.whole("backlog", backlog, at_least=0)
    checks.real("arrival_rate", arrival_rate, above=0)
    station = MMc(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
    if not station.is_stable:
        raise ValueError(
            f"a station at {station.traffic_intensity:.2f} cannot keep up: it may never be clear"
        )
    root, streams = seeds(seed, checks.whole("replications", replications, at_least=2))
    times = [_drain(waiting, station, np.random.default_rng(stream)) for stream in streams]
    return DrawnDrains(np.array(times), root)


def _drain(backlog: int, station: MMc, dice: np.random.Generator) -> float:
    """Return when the last of those who wait is taken on before anybody else has come."""
    present = station.servers + backlog
    spare = station.servers * station.service_rate - station.arrival_rate
    size = int(1.2 * backlog * station.arrival_rate / spare) + 100
    came, services = np.zeros(present), dice.exponential(station.mean_service_time, present)
    while True:
        gaps = dice.exponential(1 / station.arrival_rate, size)
        came = np.append(came, came[-1] + np.cumsum(gaps))
        services = np.append(services, dice.exponential(station.mean_service_time, size))
        begins = came + waits(came, services, station.servers)
        calm = np.flatnonzero(begins[present - 1 : -1] <= came[present:])
        if calm.size:
            return float(begins[present - 1 + calm[0]])
