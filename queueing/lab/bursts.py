"""Runs with bursts, drawn window by window: how long the oldest mail waits, how many workers do.

From window to window work comes in and the workers take out what they can: what is left is
V(k + 1) = max(V(k) + work(k) - capacity, 0) (D. V. Lindley, "The theory of queues with a single
server", Proceedings of the Cambridge Philosophical Society 48, 1952). What comes is Poisson around
a rate that is random itself.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from queueing import checks
from queueing.lab.sizing import smallest
from queueing.scenario import Design, Scenario
from queueing.scenario.plan import plan

Floats = NDArray[np.float64]

MOST = 20  # workers that a solution may ask for
KEPT = 0.95  # share of the runs on which a promise has to be kept
_SEED = 2026


class PlannedMails:
    """What theory says of a scenario's mails, as Poisson, by workers and by scale of the rate."""

    def __init__(self, scenario: Scenario, design: Design) -> None:
        self.scenario, self.design = scenario, design
        flow = scenario.evaluate(design).mails
        if flow is None:
            raise ValueError("design needs a queue: without one no mail waits")
        self._flow = flow
        self._oldest: dict[tuple[int, float], float] = {}

    @property
    def threads_each(self) -> int:
        """Mails that one worker has in hand at once."""
        return self.scenario.catalogue.the("worker").slots

    @property
    def attempt(self) -> tuple[float, float]:
        """Mean (s) and SCV of the time that an attempt keeps a thread."""
        return self._flow.attempt

    def attempt_rate(self, hours: Floats) -> Floats:
        """Return the attempts per second, retries included, at some hours."""
        return np.asarray(np.interp(hours, self._flow.hours, self._flow.attempt_rate))

    @property
    def mean_load(self) -> float:
        """Threads that are busy in the mean of the horizon, in Erlang."""
        return float(self._flow.attempt_rate.mean()) * self.attempt[0]

    @property
    def peak_load(self) -> float:
        """Threads that are busy when the rate is highest."""
        return float(self._flow.attempt_rate.max()) * self.attempt[0]

    def oldest_s(self, workers: int, scale: float = 1.0) -> float:
        """Return how long the oldest mail waits with so many workers, seconds."""
        key = workers, scale
        if key not in self._oldest:
            made = plan(self.scenario, replace(self.design, workers=workers))
            rate = scale * self._flow.mail_rate
            flow = replace(self._flow, plan=made, mail_rate=rate)
            self._oldest[key] = flow.longest_wait
        return self._oldest[key]

    def fewest(self, scale: float = 1.0) -> int | None:
        """Return the fewest workers that keep the promised wait; None where `MOST` do not."""
        limit = self.scenario.contract.freshness_s
        return smallest(lambda workers: self.oldest_s(workers, scale) <= limit, 1, MOST)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bursts:
    """Mails at `scale` times their rate, times a random factor that is new in every window.

    The factor is gamma, its mean 1 and its SCV `scv`: with 0 arrivals are Poisson. `runs` runs of
    the scenario's horizon are drawn, the same ones for every number of workers.
    """

    mails: PlannedMails
    window_s: float
    scv: float
    scale: float = 1.0
    runs: int = 200

    @cached_property
    def hours(self) -> Floats:
        """Where windows begin and end; what is left of the horizon makes no window."""
        window = self.window_s / 3600
        number = max(int(self.mails.scenario.traffic.horizon_h / window * (1 + 1e-12)), 1)
        return np.asarray(window * np.arange(number + 1))

    @property
    def index(self) -> float:
        """Variance over mean of a window's requests, at the mean rate: 1 is Poisson."""
        mean = self.scale * self.mails.scenario.traffic.mean_rate * self.window_s
        return 1 + self.scv * mean

    def load(self, workers: int) -> float:
        """Return the offered load over the threads, when the mean rate is highest."""
        return self.scale * self.mails.peak_load / (workers * self.mails.threads_each)

    def waits_s(self, workers: int) -> Floats:
        """Return how long a mail of each of `hours` (rows) waits in each run, seconds.

        What waits when a window ends; the run's end cuts short whoever waits still.
        """
        threads = workers * self.mails.threads_each
        left = np.zeros((len(self._work) + 1, self.runs))
        for row, work in enumerate(self._work):
            np.maximum(left[row] + (work - threads * self.window_s), 0.0, out=left[row + 1])
        still = 3600 * (self.mails.scenario.traffic.horizon_h - self.hours)
        return np.minimum(left / threads, np.maximum(still, 0.0)[:, None])

    def oldest_s(self, workers: int) -> Floats:
        """Return for each run how long the oldest mail waits: as long as under Poisson, or more."""
        least = self.mails.oldest_s(workers, self.scale)
        return np.maximum(self.waits_s(workers).max(axis=0), least)

    def kept(self, workers: int) -> float:
        """Return the share of the runs on which no mail waits longer than promised."""
        limit = self.mails.scenario.contract.freshness_s
        return float((self.oldest_s(workers) <= limit).mean())

    @cached_property
    def fewest(self) -> int | None:
        """The fewest workers that keep the promise on `KEPT` of the runs, and as Poisson."""
        least = self.fewest_if_poisson
        if least is None:
            return None
        return smallest(lambda workers: self.kept(workers) >= KEPT, least, MOST)

    @property
    def fewest_if_poisson(self) -> int | None:
        """The fewest that keep it by theory: the rate moves, but it is not random."""
        return self.mails.fewest(self.scale)

    @property
    def fewest_by_the_mean(self) -> int:
        """The fewest that could do all the work if it came evenly over the run."""
        return math.floor(self.scale * self.mails.mean_load / self.mails.threads_each) + 1

    @cached_property
    def _work(self) -> Floats:
        """Seconds of threads that are asked for in each window (rows) of each run."""
        mean, scv = self.mails.attempt
        middles = (self.hours[1:] + self.hours[:-1]) / 2
        rate = self.scale * self.mails.attempt_rate(middles)
        factor, normal = _drawn(middles.size, self.runs, self.scv)
        number = rate[:, None] * self.window_s * factor
        return np.maximum(mean * (number + np.sqrt(number * (1 + scv)) * normal), 0.0)


@lru_cache(16)
def _drawn(windows: int, runs: int, scv: float) -> tuple[Floats, Floats]:
    """Return the factors of the rate, and normal numbers for the chance within the windows."""
    rng = np.random.default_rng(_SEED)
    normal = rng.standard_normal((windows, runs))
    factor = rng.gamma(1 / scv, scv, (windows, runs)) if scv else np.ones((windows, runs))
    return factor, normal


def bursts(
    scenario: Scenario,
    design: Design,
    *,
    window_s: float | None = None,
    scv: float | None = None,
    runs: int = 200,
) -> Bursts:
    """Return drawn runs of a scenario whose rate has a random factor of an SCV in every window.

    What is not given is the scenario's own: its trace's, or none. Raises `ValueError` for a design
    without a queue, and for a window or an SCV that make no sense.
    """
    traffic = scenario.traffic
    window = 3600 * traffic.rate_window_h if window_s is None else window_s
    return Bursts(
        mails=PlannedMails(scenario, design),
        window_s=checks.real("window_s", window, above=0),
        scv=checks.real("scv", traffic.rate_scv if scv is None else scv, at_least=0),
        runs=checks.whole("runs", runs, at_least=1),
    )
