"""Workers by the backlog: one for every so many waiting jobs, asked for now and there a boot later.

The rule itself is in `scaling_rule`. Here it drives a fluid: jobs come and are worked off at their
mean rates, the backlog stays at 0 or above, and workers come and go one by one at the rule's times.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from queueing import checks
from queueing.backpressure.scaling_rule import decision, workers_wanted
from queueing.backpressure.view import UserView
from queueing.stations.markov import MMc

_LOOKS = 20_000  # at the backlog, of which the later half is taken for the long run


@dataclass(frozen=True, kw_only=True, repr=False)
class ScalingView(UserView):
    """What users see of a queue whose workers follow its backlog, and what the workers do.

    `workers` are up in the mean of a long run. `largest_backlog` jobs wait at most after the
    arrivals set in at an empty system, and `catch_up_time` seconds after that nobody waits again.
    """

    workers: float
    largest_backlog: float
    catch_up_time: float

    def __repr__(self) -> str:
        """Say it in two sentences."""
        return (
            f"{super().__repr__()}\n  {self.workers:.4g} workers, at most "
            f"{self.largest_backlog:.4g} waiting, caught up after {self.catch_up_time:.4g} s"
        )


class _Stretch(NamedTuple):
    """A time without a jump: the fluid backlog at its ends, workers up and asked for throughout."""

    start: float
    end: float
    before: float
    after: float
    workers: int
    asked_for: int


@dataclass(frozen=True, kw_only=True)
class BacklogAutoscaler:
    """One worker for every `target_per_worker` waiting jobs, looked at every `interval` seconds.

    More workers are asked for at once and take `boot_time`; fewer are kept when that wish has stood
    for `scale_in_after`: they finish what they do. The last to be asked for go first.

    `target_per_worker` and `interval` > 0, times >= 0, whole 0 <= minimum <= maximum; anything else
    raises `ValueError`.

    >>> BacklogAutoscaler(target_per_worker=50, minimum=1, maximum=8).wanted(101)
    3
    """

    target_per_worker: float
    minimum: int
    maximum: int
    interval: float = 60.0
    boot_time: float = 180.0
    scale_in_after: float = 300.0

    def __post_init__(self) -> None:
        checks.real("target_per_worker", self.target_per_worker, above=0)
        for name, least in (("minimum", 0), ("maximum", self.minimum)):
            object.__setattr__(self, name, checks.whole(name, getattr(self, name), at_least=least))
        checks.real("interval", self.interval, above=0)
        checks.real("boot_time", self.boot_time, at_least=0)
        checks.real("scale_in_after", self.scale_in_after, at_least=0)

    def wanted(self, backlog: float) -> int:
        """Return how many workers a backlog asks for; `ValueError` if it is negative."""
        jobs = checks.real("backlog", backlog, at_least=0)
        return workers_wanted(jobs, self.target_per_worker, self.minimum, self.maximum)

    def evaluate(
        self, *, arrival_rate: float, service_rate: float, servers: int = 1
    ) -> ScalingView:
        """Return what users see at a constant rate, each worker with `servers` threads.

        Fluid: from an empty system with the minimum of workers, 20 000 looks at the backlog long,
        the later half taken for the long run, in which workers may come and go for ever. There
        `delayed` is the share of time with a backlog and `mean_wait` the mean backlog over the
        arrival rate. Where the minimum suffices a fluid has no backlog, and only chance makes one
        wait: as in M/M/c with those workers, exact if minimum and maximum agree. Nobody is shed or
        lost; beyond what the maximum can do, the backlog grows for ever.

        `arrival_rate` >= 0 and `service_rate` > 0 (of a thread) per second, `servers` >= 1;
        otherwise `ValueError`.

        >>> rule = BacklogAutoscaler(target_per_worker=100, minimum=1, maximum=6)
        >>> rule.evaluate(arrival_rate=40, service_rate=1, servers=10)
        accepted 100 %, delayed 71.44 %, shed 0 %, lost 0 %; 40/s, mean wait 64.31 s
          4.572 workers, at most 7200 waiting, caught up after 600 s
        """
        worker = MMc(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
        if arrival_rate == 0:
            return self._view(self.minimum, 0.0, 0.0)
        if self.minimum and (least := worker.with_servers(self.minimum * servers)).is_stable:
            return self._view(
                self.minimum, least.wait_probability, least.mean_wait, throughput=arrival_rate
            )
        if not self.maximum or not worker.with_servers(self.maximum * servers).is_stable:
            most = self.maximum * servers * service_rate
            never = math.inf
            return self._view(self.maximum, 1.0, never, never, never, throughput=most)
        return self._long_run(arrival_rate, servers * service_rate)

    def respond(
        self,
        times: ArrayLike,
        arrival_rates: ArrayLike,
        *,
        service_rate: float,
        servers: int = 1,
    ) -> pd.DataFrame:
        """Return the fluid backlog and the workers at `times` (s), for a rate that moves.

        `arrival_rates` (1/s) is linear between the `times`, which increase; the rule first looks an
        interval after the first of them, when nobody waits and the minimum of workers is up. Each
        worker works off `servers` * `service_rate` a second. The table has a row a time: `backlog`,
        `workers` up and `asked_for`. Raises `ValueError` for rows that do not match.

        >>> rule = BacklogAutoscaler(target_per_worker=100, minimum=1, maximum=6)
        >>> rule.respond([0, 60, 239, 240], [30, 30, 30, 30], service_rate=1, servers=10)
               backlog  workers  asked_for
        time
        0.0         0.0        1          1
        60.0     1200.0        1          6
        239.0    4780.0        1          6
        240.0    4800.0        6          6
        """
        knots, rates = (
            checks.array("times", times),
            checks.array("arrival_rates", arrival_rates, at_least=0),
        )
        if knots.ndim != 1 or knots.shape != rates.shape or knots.size < 2:
            raise ValueError(
                "times and arrival_rates must be two rows of one length, at least 2, "
                f"got {knots.shape} and {rates.shape}"
            )
        if (late := np.flatnonzero(np.diff(knots) <= 0)).size:
            raise ValueError(
                f"times must increase, but {knots[late[0] + 1]:g} follows {knots[late[0]]:g}"
            )
        threads = checks.whole("servers", servers)
        capacity = threads * checks.real("service_rate", service_rate, above=0)
        stretches = self._stretches(knots.tolist(), rates.tolist(), capacity)
        at = {stretch.start: stretch for stretch in stretches}
        rows = [(at[t].before, at[t].workers, at[t].asked_for) for t in knots.tolist()]
        return pd.DataFrame(
            rows, columns=["backlog", "workers", "asked_for"], index=pd.Index(knots, name="time")
        )

    def _long_run(self, arrival_rate: float, capacity: float) -> ScalingView:
        """Follow the fluid from rest, and take means over the later half of the looks."""
        times = [0.0, _LOOKS * self.interval]
        path = list(self._stretches(times, [arrival_rate, arrival_rate], capacity))
        start, end, before, after, workers, _ = np.array(path, dtype=float).T
        waiting = np.where(after > 0, end - start, 0.0)  # for how long there is a backlog
        empties = (before > 0) & (after == 0)
        waiting[empties] = (before / (workers * capacity - arrival_rate))[empties]
        empty = np.flatnonzero(empties)
        late = start >= times[1] / 2
        mean_backlog = (waiting * (before + after) / 2)[late].sum() / (times[1] / 2)
        return self._view(
            float((workers * (end - start))[late].sum() / (times[1] / 2)),
            float(waiting[late].sum() / (times[1] / 2)),
            float(mean_backlog / arrival_rate),
            float(after.max()),
            float((start + waiting)[empty[0]]) if empty.size else math.inf,
            throughput=arrival_rate,
        )

    def _stretches(
        self, times: Sequence[float], rates: Sequence[float], capacity: float
    ) -> Iterator[_Stretch]:
        """Yield the fluid's path, cut at the times, the looks and the ends of boots."""
        now = fewer_since = times[0]
        ready = [now] * self.minimum  # when each worker that is asked for is up, in their order
        backlog, looks = 0.0, 1
        for (first, last), (low, high) in zip(pairwise(times), pairwise(rates), strict=True):
            slope = (high - low) / (last - first)
            while now < last:
                workers = bisect_right(ready, now)
                look = times[0] + looks * self.interval
                end = min([last, look, *ready[workers : workers + 1]])
                fed, leaves = low + slope * (now - first), workers * capacity
                before, backlog = backlog, _reflected(backlog, fed - leaves, slope, end - now)
                yield _Stretch(now, end, before, backlog, workers, len(ready))
                now = end
                if now == look:
                    looks += 1
                    need = self.wanted(backlog)
                    count, fewer_since = decision(
                        need, len(ready), fewer_since, now, self.scale_in_after
                    )
                    ready[count:] = [now + self.boot_time] * (count - len(ready))
        yield _Stretch(now, now, backlog, backlog, bisect_right(ready, now), len(ready))

    @staticmethod
    def _view(
        workers: float,
        delayed: float,
        mean_wait: float,
        largest_backlog: float = 0.0,
        catch_up_time: float = 0.0,
        *,
        throughput: float = 0.0,
    ) -> ScalingView:
        return ScalingView(
            accepted=1.0,
            delayed=delayed,
            shed=0.0,
            lost=0.0,
            throughput=throughput,
            mean_wait=mean_wait,
            workers=workers,
            largest_backlog=largest_backlog,
            catch_up_time=catch_up_time,
        )


def _reflected(backlog: float, net: float, slope: float, time: float) -> float:
    """Return the backlog after `time`, fed at the rate net + slope * t, negative or not.

    X - min(0, min X), the reflection of a path X (A. V. Skorokhod, 1961).
    """
    change = (net + slope * time / 2) * time
    lowest = min(change, 0.0)
    if net < 0 < net + slope * time:  # it turns on the way
        lowest = -(net**2) / (2 * slope)
    return backlog + change - min(backlog + lowest, 0.0)
