"""Notifications behind somebody's crowd: one line, the urgent first, or a line for each sender."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pandas as pd

from queueing import MMc, PriorityMMc
from queueing.backpressure import drain_time
from queueing.lab.fresh import by_priority
from queueing.lab.house import sending
from queueing.scenario import Scenario
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds

_WARM = 1 / 10  # of a run, in which fewer wait than usual: left out
_CROWD = -1  # whose turn it is


@dataclass(frozen=True, kw_only=True)
class TwoClasses:
    """Notifications in two classes on the same threads; one sender may bring a crowd of them.

    While the crowd waits all threads are busy, and somebody is taken on c mu times a second.
    """

    station: MMc
    ordered: PriorityMMc  # the urgent go first; nobody is interrupted

    @property
    def capacity(self) -> float:
        """Jobs a second that the threads do when they have no rest, c mu."""
        return self.station.servers * self.station.service_rate

    def behind(self, crowd: int) -> float:
        """Return how long a job waits that comes right behind a crowd, in one line: n / (c mu).

        Seconds; what waited before the crowd is left out.
        """
        return crowd / self.capacity

    @property
    def urgent_first(self) -> float:
        """The mean wait of an urgent job while a crowd waits, seconds.

        Cobham's with C = 1: 1 / (c mu - lambda_1).
        """
        return 1 / (self.capacity - self.ordered.arrival_rates[0])

    def bulk_behind(self, crowd: int) -> float:
        """Return how long a job waits that is not urgent: those who are overtake it, too."""
        return crowd * self.urgent_first

    @property
    def in_turn(self) -> float:
        """The mean wait if each sender has a line and the lines take turns, seconds.

        The others send one job each. Those who wait, and the crowd that is always among them, are
        an M/M/1 with a guest who never leaves: P(n others) ~ (n + 1) rho^n, 2 rho / (1 - rho) in
        the mean (BCMP 1975), which Little's law makes 2 / (c mu - lambda).
        """
        return 2 / (self.capacity - self.station.arrival_rate)

    def through(self, crowd: int) -> float:
        """Return the seconds until a crowd is through, everybody else's jobs included."""
        return drain_time(
            backlog=crowd,
            arrival_rate=self.station.arrival_rate,
            service_rate=self.station.service_rate,
            servers=self.station.servers,
        ).mean

    def behind_table(self, crowd: int) -> pd.DataFrame:
        """Return the seconds that a receipt and another sender's newsletter wait, by order."""
        rows = {
            "one line": (self.behind(crowd), self.behind(crowd)),
            "urgent first": (self.urgent_first, self.bulk_behind(crowd)),
            "a line each, in turn": (self.in_turn, self.in_turn),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["receipt", "newsletter"])


def two_classes(scenario: Scenario) -> TwoClasses:
    """Return the scenario's mails in two classes: transactional ones, and all others."""
    return TwoClasses(station=sending(scenario), ordered=by_priority(scenario))


def draw_turns(
    case: TwoClasses, *, jobs: int = 20_000, replications: int = 20, seed: int | None = None
) -> Estimate:
    """Return the others' mean wait while a crowd without end takes its turns; none is computed.

    Each of the `jobs` is another sender's only one, and waits in a line of its own.
    """
    root, streams = seeds(seed, replications)
    return Estimate.of([_turns(case, jobs, np.random.default_rng(s)) for s in streams], seed=root)


def _turns(case: TwoClasses, jobs: int, dice: np.random.Generator) -> float:
    came = np.cumsum(dice.exponential(1 / case.station.arrival_rate, jobs)).tolist()
    lines, waits, now, joined = deque([_CROWD]), np.zeros(jobs), 0.0, 0
    served = 0
    while served < jobs:
        now += dice.exponential(1 / case.capacity)  # all threads are busy: one of them is free
        while joined < jobs and came[joined] <= now:
            lines.append(joined)
            joined += 1
        turn = lines.popleft()
        if turn == _CROWD:
            lines.append(_CROWD)
        else:
            waits[turn] = now - came[turn]
            served += 1
    return float(waits[int(_WARM * jobs) :].mean())
