"""Tandems by chance: who leaves one station goes on to the next, with a probability.

J. R. Jackson's stations in a row. What leaves a stable M/M/c is Poisson, P. J. Burke, "The output
of a queuing system" (Operations Research 4, 1956), and so is a random part of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.networks import JacksonNetwork
from queueing.paths import departures
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds

Floats = NDArray[np.float64]

_WARM = 1 / 10  # of the time until the last arrival, when stations were emptier than usual


@dataclass(frozen=True, eq=False)
class DrawnTandem:
    """What passed: for each run and station, when customers came, left, and entered the tandem."""

    runs: tuple[tuple[tuple[Floats, Floats, Floats], ...], ...]
    seed: int

    def mean_time(self, station: int) -> Estimate:
        """Return the mean time in one station, seconds; the first is 0."""
        return self._estimate(station, lambda came, left, _entered: float(np.mean(left - came)))

    def time_ppf(self, p: float) -> Estimate:
        """Return within which time a share `p` of those who pass all stations do so, seconds."""
        share = float(checks.fractions("p", p))
        return self._estimate(
            -1, lambda _came, left, entered: float(np.quantile(left - entered, share))
        )

    def dispersion(self, station: int, window: float) -> Estimate:
        """Return variance over mean of the numbers that leave a station in windows (seconds).

        It is 1 for a Poisson process, with windows of any length.
        """
        length = checks.real("window", window, above=0)

        def spread(end: float, left: Floats) -> float:
            edges = np.arange(_WARM * end, end, length)
            if edges.size < 3:
                raise ValueError(f"window must be shorter than half a run, got {length:g} s")
            counts = np.histogram(left, edges)[0]
            return float(counts.var(ddof=1) / counts.mean())

        values = [spread(run[0][0][-1], run[station][1]) for run in self.runs]
        return Estimate.of(values, seed=self.seed)

    def _estimate(self, station: int, value: Callable[[Floats, Floats, Floats], float]) -> Estimate:
        found = []
        for stations in self.runs:
            came, left, entered = stations[station]
            warm = came > _WARM * came[-1]
            found.append(value(came[warm], left[warm], entered[warm]))
        return Estimate.of(found, seed=self.seed)


def draw_tandem(
    network: JacksonNetwork,
    *,
    regular: bool = False,
    customers: int = 20_000,
    replications: int = 20,
    seed: int | None = None,
) -> DrawnTandem:
    """Return what becomes of Poisson arrivals that pass the network's stations in a row.

    Arrivals enter at the first station; who leaves one goes on to the next with its routing
    probability, or leaves for good. Services are exponential, or `regular`: all of the mean length.
    Raises `ValueError` for a network of another shape, and for one that cannot keep up.
    """
    routing = np.array(network.routing)
    onward = np.diag(routing, 1)
    if routing.sum() != onward.sum() or any(network.arrival_rates[1:]):
        raise ValueError(
            "a tandem has arrivals at its first station alone, and leads from each to the next"
        )
    full = [i for i, station in enumerate(network.stations) if not station.is_stable]
    if full:
        raise ValueError(f"station {full[0]} cannot keep up: its line grows as long as one draws")
    number = checks.whole("customers", customers, at_least=100)
    root, streams = seeds(seed, replications)
    runs = []
    for stream in streams:
        chance = np.random.default_rng(stream)
        came = np.cumsum(chance.exponential(1 / network.arrival_rates[0], number))
        runs.append(_passed(network, came, [*onward, 0.0], chance, regular=regular))
    return DrawnTandem(tuple(runs), root)


def _passed(
    network: JacksonNetwork,
    came: Floats,
    onward: list[float],
    chance: np.random.Generator,
    *,
    regular: bool,
) -> tuple[tuple[Floats, Floats, Floats], ...]:
    """Return the history of each station; whoever is overtaken comes later to the next one."""
    entered, stations = came, []
    for station, share in zip(network.stations, onward, strict=True):
        mean = 1 / station.service_rate
        lengths = np.full(came.size, mean) if regular else chance.exponential(mean, came.size)
        left = departures(came, lengths, station.servers)
        stations.append((came, left, entered))
        goes = chance.random(came.size) < share
        order = np.argsort(left[goes], kind="stable")
        came, entered = left[goes][order], entered[goes][order]
    return tuple(stations)
