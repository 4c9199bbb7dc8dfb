"""What becomes of the mails: the backlog and its age over the run, and the time to delivery.

The rate of mails moves over hours, a mail takes a second: where the workers cannot keep up, the
backlog is a fluid, q' = attempts(t) - capacity; where they can, the stationary line of M/G/c, with
Allen and Cunneen's wait.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from queueing.distributions import Distribution, deterministic, exponential, mixture, uniform
from queueing.erlang import erlang_c
from queueing.formulas import allen_cunneen
from queueing.scenario.latency import distribution
from queueing.scenario.plan import WORKERS, Job, Plan, expected_attempts

Floats = NDArray[np.float64]

_FLUID_FROM = 0.98  # load above which a line grows for so long that only the fluid tells how far
_BINS = 20  # of equally likely delays within a window
_LIKELY = 1e-4  # attempts less likely than this cannot move a 95th percentile


@dataclass(frozen=True, kw_only=True)
class MailFlow:
    """The mails of a run: `hours` is an even grid, `mail_rate` what is enqueued per second."""

    plan: Plan
    job: Job
    hours: Floats
    mail_rate: Floats

    @property
    def threads(self) -> int:
        """Jobs that all workers can have in hand at once."""
        return self.plan.shared_places[WORKERS]

    @cached_property
    def attempt_rate(self) -> Floats:
        """Attempts per second, retries included, at each hour."""
        return self.mail_rate * expected_attempts(self.job)

    @cached_property
    def attempt(self) -> tuple[float, float]:
        """Mean (seconds) and SCV of an attempt's time on a thread, records of events included."""
        mean = self.plan.work[WORKERS] / (self.job.rate * expected_attempts(self.job))
        variance = math.fsum(law.scv * law.mean_s**2 for law in self.job.attempt)
        return mean, variance / mean**2

    @cached_property
    def load(self) -> Floats:
        """Offered load over threads, at each hour."""
        return self.attempt_rate * self.attempt[0] / self.threads

    @cached_property
    def backlog(self) -> Floats:
        """Mails waiting, at each hour."""
        steady = np.minimum(self.load, _FLUID_FROM)
        capacity = self.threads / self.attempt[0]
        return self._fluid + steady * capacity * allen_cunneen(
            steady * capacity, 1 / self.attempt[0], self.threads, 1.0, self.attempt[1]
        )

    @cached_property
    def oldest(self) -> Floats:
        """Seconds that the mail at the head of a backlog has waited, at each hour."""
        seconds = self.hours * 3600
        put = _cumulative(self.attempt_rate, seconds)
        return np.maximum(seconds - np.interp(put - self._fluid, put, seconds), 0.0) * (
            self._fluid > 0
        )

    @cached_property
    def longest_wait(self) -> float:
        """The wait (seconds) that no mail exceeds but about one in the run."""
        steady = float(min(self.load.max(), _FLUID_FROM))
        attempts = _cumulative(self.attempt_rate, self.hours * 3600)[-1]
        return max(
            float(self.oldest.max()), float(self._wait(steady).ppf(1 - 1 / max(attempts, 2.0)))
        )

    def delivery(self, window: NDArray[np.bool_]) -> Distribution:
        """Return the time from enqueued to delivered, of mails enqueued in a window.

        Of those that are delivered in the end.         Behind a backlog, where a mail waits for
        minutes, the seconds of its attempts are taken at their mean.
        """
        p = self.job.failure_probability
        chances = np.array([(1 - p) * p**k for k in range(self.job.max_attempts)])
        chances = chances[chances >= _LIKELY] / chances[chances >= _LIKELY].sum()
        law = self._behind_a_backlog if self._fluid[window].any() else self._without_a_backlog
        return mixture(
            [(float(chance), law(window, retries)) for retries, chance in enumerate(chances)]
        )

    def _without_a_backlog(self, window: NDArray[np.bool_], retries: int) -> Distribution:
        """Return the time to a delivery after retries, each behind the stationary line again."""
        wait = self._wait(float(self.load[window].mean()))
        *before, acknowledge = [distribution(law) for law in self.job.attempt]
        sent = sum(before, wait)
        return sum([sent, acknowledge] * retries + self._backoffs(retries), sent)

    def _behind_a_backlog(self, window: NDArray[np.bool_], retries: int) -> Distribution:
        """Return the same where each attempt waits behind the backlog that the mail found."""
        delays = self._fluid[window] * self.attempt[0] / self.threads
        edges = (retries + 1) * (
            np.quantile(delays, np.linspace(0, 1, _BINS + 1)) + self.attempt[0]
        )
        pauses = 2 * sum(pause.mean() for pause in self._backoffs(retries))
        return mixture(
            [
                (1 / _BINS, uniform(low=low, high=max(high, low * (1 + 1e-9)) + pauses))
                for low, high in pairwise(edges)
            ]
        )

    @cached_property
    def _fluid(self) -> Floats:
        """The backlog of a fluid that cannot be negative."""
        net = _cumulative(self.attempt_rate - self.threads / self.attempt[0], self.hours * 3600)
        return net - np.minimum(np.minimum.accumulate(net), 0.0)

    def _wait(self, load: float) -> Distribution:
        """Return the wait in M/G/c: Erlang's probability, Allen and Cunneen's mean."""
        mean, scv = self.attempt
        chance = float(erlang_c(self.threads, load * self.threads))
        if chance < _LIKELY**3:
            return deterministic(mean=0)
        given = (1 + scv) / 2 * mean / (self.threads * (1 - load))
        return mixture([(1 - chance, deterministic(mean=0)), (chance, exponential(mean=given))])

    def _backoffs(self, retries: int) -> list[Distribution]:
        """Return the pauses before the first retries: full jitter on a doubling base."""
        if not self.job.backoff_base_s:
            return []
        return [uniform(low=0, high=self.job.backoff_base_s * 2**n) for n in range(retries)]


def _cumulative(rate: Floats, seconds: Floats) -> Floats:
    """Return the integral of a rate from the first instant to each, by the trapezoidal rule."""
    return np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(seconds))])
