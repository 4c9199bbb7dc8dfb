"""A rush before a station, drawn customer by customer: who is answered in time, and who is told.

Nobody gives up: the servers work through every request they accepted, also those that are late.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.backpressure import BoundedQueue
from queueing.paths import waits
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds
from queueing.simulation.station.gates import SERVED
from queueing.simulation.station.pressure import Pressed, work
from queueing.simulation.station.translate import plan_of
from queueing.stations.markov import MMc

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rush:
    """Requests come at the station's rate, and from `start` to `end` (s) at `arrival_rate`.

    An answer is in time within `deadline` seconds. Raises `ValueError` for bad parameters.
    """

    station: MMc
    arrival_rate: float
    start: int
    end: int
    horizon: int
    deadline: float

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, above=0)
        checks.real("deadline", self.deadline, above=0)
        if not 0 <= self.start < self.end <= self.horizon:
            raise ValueError(
                "a rush needs 0 <= start < end <= horizon, got "
                f"{self.start}, {self.end}, {self.horizon}"
            )


@dataclass(frozen=True, eq=False)
class DrawnRush:
    """What was counted in each second of each run (rows)."""

    came: Floats
    refused: Floats
    in_time: Floats  # answers
    late: Floats  # answers
    rush: Rush
    seed: int

    @property
    def refused_share(self) -> Estimate:
        """The share of those who come in the rush that is turned away."""
        inside = slice(self.rush.start, self.rush.end)
        share = self.refused[:, inside].sum(axis=1) / self.came[:, inside].sum(axis=1)
        return Estimate.of(share.tolist(), seed=self.seed)

    def goodput(self, start: int, end: int) -> Estimate:
        """Return the answers in time a second, from one second to another."""
        return Estimate.of(self.in_time[:, start:end].mean(axis=1).tolist(), seed=self.seed)

    @property
    def again_at(self) -> int:
        """The second, after the rush, from which at least 9 of 10 answers are in time again."""
        in_time, late = self.in_time.sum(axis=0), self.late.sum(axis=0)
        behind = np.flatnonzero(in_time < 0.9 * (in_time + late))
        return int(behind[-1]) + 1 if behind.size else self.rush.end


def draw_rush(
    rush: Rush,
    queue: BoundedQueue | None = None,
    *,
    replications: int = 5,
    seed: int | None = None,
) -> DrawnRush:
    """Return what becomes of a rush before a queue; None stands for one without a last place.

    Runs that share a seed meet the same requests.
    """
    root, streams = seeds(seed, replications)
    pressed = None if queue is None else _pressed(rush, queue)
    counts = []
    for stream in streams:
        chance = np.random.default_rng(stream)
        came = _arrivals(rush, chance)
        services = chance.exponential(1 / rush.station.service_rate, came.size)
        if pressed is None:
            waited, accepted = (
                waits(came, services, rush.station.servers),
                np.ones(came.shape, dtype=bool),
            )
        else:
            fates = work(pressed, came, services)
            waited, accepted = fates.waited, fates.fates == SERVED
        taken = waited + services
        good, ends = taken <= rush.deadline, came + taken
        kinds = (came, came[~accepted], ends[accepted & good], ends[accepted & ~good])
        counts.append([_by_second(times, rush.horizon) for times in kinds])
    runs = np.array(counts)
    return DrawnRush(runs[:, 0], runs[:, 1], runs[:, 2], runs[:, 3], rush, root)


def _pressed(rush: Rush, queue: BoundedQueue) -> Pressed:
    if queue.when_full != "reject":
        raise ValueError(f"a rush is drawn for a queue that rejects, got {queue.when_full!r}")
    plan = plan_of(rush.station)
    return Pressed(plan=plan, policy=queue, customers=None, horizon=rush.horizon, warmup=0.0)


def _arrivals(rush: Rush, chance: np.random.Generator) -> Floats:
    parts = [
        (0, rush.start, rush.station.arrival_rate),
        (rush.start, rush.end, rush.arrival_rate),
        (rush.end, rush.horizon, rush.station.arrival_rate),
    ]
    return np.concatenate(
        [
            np.sort(chance.uniform(start, end, chance.poisson(rate * (end - start))))
            for start, end, rate in parts
        ]
    )


def _by_second(times: Floats, horizon: int) -> Floats:
    inside = times[times < horizon].astype(np.int64)
    return np.bincount(inside, minlength=horizon).astype(np.float64)
