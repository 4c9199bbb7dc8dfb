"""Outages alone: what uptime a run keeps, in thousands of runs a second.

A system is up while every group of alike parts has enough of them up. The uptime of a run is the
share of its requests that come while the system is up: what a run of the whole engine loses too,
but for queues, deadlines and the requests under way when a part fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.simulation.engine.plan import Outages, Users

Times = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Parts of a kind, of which `needed` must be up; a part in series is a group of one."""

    count: int
    needed: int
    outages: Outages

    def __post_init__(self) -> None:
        checks.whole("count", self.count)
        checks.whole("needed", self.needed, at_least=0)
        if self.needed > self.count:
            raise ValueError(f"needed must be at most count, {self.count}, got {self.needed}")


def uptimes(groups: Sequence[Group], users: Users, *, runs: int, seed: int) -> Times:
    """Return each run's uptime: the share of its requests that come while every group is up.

    The requests are taken at their mean rate; all parts are up at time 0.
    """
    checks.whole("runs", runs)
    sources = np.random.SeedSequence(seed).spawn(len(groups))
    histories = [
        _moments(group, runs, users.horizon, np.random.Generator(np.random.SFC64(source)))
        for group, source in zip(groups, sources, strict=True)
    ]
    moments = np.concatenate([np.zeros((runs, 1)), *histories], axis=1)
    order = np.argsort(moments, axis=1)
    down = np.zeros(moments.shape, dtype=bool)
    first = 1
    for group, history in zip(groups, histories, strict=True):
        change = np.zeros(moments.shape[1], dtype=np.int64)
        change[first : first + history.shape[1]] = np.tile([1, -1], history.shape[1] // 2)
        first += history.shape[1]
        down |= np.cumsum(change[order], axis=1) > group.count - group.needed
    ends = np.append(
        np.take_along_axis(moments, order, axis=1), np.full((runs, 1), users.horizon), axis=1
    )
    requests = users.requests_until(ends)
    return 1 - np.sum(np.diff(requests, axis=1) * down, axis=1) / requests[:, -1]


def _moments(group: Group, runs: int, horizon: float, rng: np.random.Generator) -> Times:
    """Return when the parts of a group fail and are repaired, in turn, a row a run.

    What happens after the horizon happens at the horizon.
    """
    means = [group.outages.mean_up, group.outages.mean_down]
    expected = horizon / sum(means)
    cycles = int(expected + 6 * np.sqrt(expected)) + 10
    times = np.zeros((runs, group.count, 0))
    while times.shape[2] == 0 or times[:, :, -1].min() < horizon:
        lengths = rng.exponential(np.tile(means, cycles), (runs, group.count, 2 * cycles))
        before = times[:, :, -1:] if times.shape[2] else 0.0
        times = np.concatenate([times, before + np.cumsum(lengths, axis=2)], axis=2)
    return np.minimum(times, horizon).reshape(runs, -1)
