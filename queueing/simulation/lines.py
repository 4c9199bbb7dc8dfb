"""Lines before servers, drawn customer by customer: one line for all, or one for each server."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.paths import waits
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds
from queueing.stations import MMc

Floats = NDArray[np.float64]
Lines = Callable[[Floats, Floats, int, np.random.Generator], Floats]

_WARM = 1 / 10  # of the customers, who found the station emptier than usual and are left out


@dataclass(frozen=True, eq=False)
class DrawnWaits:
    """What waiting came to: one array of waits (seconds) for each independent run."""

    runs: tuple[Floats, ...]
    seed: int

    @property
    def wait_probability(self) -> Estimate:
        """The share of the customers that wait."""
        return self._estimate(lambda waited: np.mean(waited > 0))

    @property
    def mean_wait(self) -> Estimate:
        """The mean wait of all customers, seconds."""
        return self._estimate(np.mean)

    def wait_ppf(self, p: float) -> Estimate:
        """Return the time within which a share `p` of the waits is over, seconds."""
        share = float(checks.fractions("p", p))
        return self._estimate(lambda waited: np.quantile(waited, share))

    def _estimate(self, value: Callable[[Floats], np.floating]) -> Estimate:
        return Estimate.of([float(value(waited)) for waited in self.runs], seed=self.seed)


def draw_waits(
    station: MMc,
    *,
    routing: str = "one line",
    customers: int = 20_000,
    replications: int = 20,
    seed: int | None = None,
) -> DrawnWaits:
    """Return the waits of Poisson arrivals with exponential services, drawn and worked through.

    `routing` is "one line" for all servers (M/M/c), or says how a customer finds one of c lines of
    one server each: "fewest" (where the fewest are present), "turns", "random". Whoever has chosen
    stays there. The first tenth of the `customers` of a run is left out. The same `seed` gives
    every routing the same customers, so that differences are paired. Raises `ValueError`.
    """
    if routing not in ROUTINGS:
        raise ValueError(f"routing is one of {', '.join(ROUTINGS)}, got {routing!r}")
    if not station.is_stable:
        raise ValueError(
            f"a station at {station.traffic_intensity:.2f} cannot keep up: its waits grow as long "
            "as one draws, and their mean says nothing"
        )
    number = checks.whole("customers", customers, at_least=10)
    root, streams = seeds(seed, replications)
    runs = []
    for stream in streams:
        chance = np.random.default_rng(stream)
        arrivals = np.cumsum(chance.exponential(1 / station.arrival_rate, number))
        services = chance.exponential(1 / station.service_rate, number)
        waited = ROUTINGS[routing](arrivals, services, station.servers, chance)
        runs.append(waited[int(_WARM * number) :])
    return DrawnWaits(tuple(runs), root)


def _one_line(
    arrivals: Floats, services: Floats, servers: int, _chance: np.random.Generator
) -> Floats:
    return waits(arrivals, services, servers)


def _turns(
    arrivals: Floats, services: Floats, servers: int, _chance: np.random.Generator
) -> Floats:
    return _apart(arrivals, services, np.arange(arrivals.size) % servers)


def _random(
    arrivals: Floats, services: Floats, servers: int, chance: np.random.Generator
) -> Floats:
    return _apart(arrivals, services, chance.integers(servers, size=arrivals.size))


def _apart(arrivals: Floats, services: Floats, line: NDArray[np.int64]) -> Floats:
    """Return the waits of customers whose line, of one server, is settled beforehand."""
    waited = np.empty(arrivals.size)
    for number in np.unique(line):
        mine = line == number
        waited[mine] = waits(arrivals[mine], services[mine], servers=1)
    return waited


def _fewest(
    arrivals: Floats, services: Floats, servers: int, _chance: np.random.Generator
) -> Floats:
    """Return the waits where each customer joins a line with the fewest present, ties in turn."""
    lines: list[deque[float]] = [deque() for _ in range(servers)]  # times of leaving, in order
    waited, turn = [], 0
    for now, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        for line in lines:
            while line and line[0] <= now:
                line.popleft()
        best = min(
            range(servers), key=lambda number: (len(lines[number]), (number - turn) % servers)
        )
        turn = best + 1
        start = lines[best][-1] if lines[best] else now
        lines[best].append(start + service)
        waited.append(start - now)
    return np.array(waited)


ROUTINGS: dict[str, Lines] = {
    "one line": _one_line,
    "fewest": _fewest,
    "turns": _turns,
    "random": _random,
}
