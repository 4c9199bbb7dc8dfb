"""What becomes of the mails: the backlog and its age over the run, and the time to delivery.

The rate of mails moves over hours, a mail takes a second: where the workers cannot keep up, the
backlog is a fluid, q' = attempts(t) - capacity(t); where they can, the stationary line of M/G/c,
with Allen and Cunneen's wait.
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
from queueing.scenario import fluid
from queueing.scenario.latency import distribution
from queueing.scenario.plan import WORKERS, Job, Plan, expected_attempts

Floats = NDArray[np.float64]

_FLUID_FROM = 0.98  # load above which a line grows for so long that only the fluid tells how far
_BINS = 20  # of equally likely delays within a window
_NEVER = 1e15  # seconds: what would take longer is never done
_LIKELY = 1e-4  # attempts less likely than this cannot move a 95th percentile


@dataclass(frozen=True, kw_only=True)
class MailFlow:
    """The mails of a run: `hours` is an even grid, `mail_rate` what is enqueued per second."""

    plan: Plan
    job: Job
    hours: Floats
    mail_rate: Floats

    @property
    def workers(self) -> Floats:
        """Workers that are ready, at each hour."""
        return self._workers[0]

    @property
    def wanted_workers(self) -> Floats:
        """Workers that are paid, at each hour: those that boot included."""
        return self._workers[1]

    @cached_property
    def _workers(self) -> tuple[Floats, Floats]:
        rule, seconds = self.plan.autoscaling, self.hours * 3600
        if rule is None:
            bought = np.full(seconds.size, float(self.plan.workers))
            return bought, bought
        one = self._threads_each / self.attempt[0]
        path = rule.respond(seconds, self.attempt_rate, service_rate=one)
        return path["workers"].to_numpy(dtype=float), path["asked_for"].to_numpy(dtype=float)

    @property
    def threads(self) -> Floats:
        """Jobs that all workers can have in hand at once, at each hour."""
        return self.workers * self._threads_each

    @property
    def capacity(self) -> Floats:
        """Attempts per second that the workers can make, at each hour."""
        return self.threads / self.attempt[0]

    @cached_property
    def attempt_rate(self) -> Floats:
        """Attempts per second, retries included, at each hour."""
        return self.mail_rate * expected_attempts(self.job)

    @cached_property
    def attempt(self) -> tuple[float, float]:
        """Mean (seconds) and SCV of an attempt's time on a thread, records of events included."""
        mean = self.plan.attempt_s
        variance = math.fsum(law.scv * law.mean_s**2 for law in self.job.attempt)
        return mean, variance / mean**2

    @cached_property
    def load(self) -> Floats:
        """Offered load over threads, at each hour."""
        return self.attempt_rate / self.capacity

    @cached_property
    def backlog(self) -> Floats:
        """Mails waiting, at each hour."""
        mean, scv = self.attempt
        steady = np.minimum(self.load, _FLUID_FROM) * self.capacity
        waiting = steady * allen_cunneen(steady, 1 / mean, self.threads, 1.0, scv)
        return sum((line.waiting for line in self.lines), waiting)

    @cached_property
    def oldest(self) -> Floats:
        """Seconds that the mail at the head of a backlog has waited, at each hour."""
        return np.max([line.oldest for line in self.lines], axis=0)

    @cached_property
    def longest_wait(self) -> float:
        """The wait (seconds) that no mail exceeds but about one in the run."""
        worst = int(self.load.argmax())
        attempts = fluid.integral(self.attempt_rate, self.hours * 3600)[-1]
        load = min(float(self.load[worst]), _FLUID_FROM)
        chance, given = self._waits(self.lines[-1], float(self.threads[worst]), load)
        once = given * math.log(max(chance * max(attempts, 2.0), 1.0))  # P(W > t) of one attempt
        return max(float(self.oldest.max()), once)

    @cached_property
    def lines(self) -> tuple[fluid.Line, ...]:
        """The lines as fluids: one, or the urgent mails' and the others'."""
        return fluid.lines(
            self.hours * 3600, self.attempt_rate, self.capacity, self.job.urgent_share
        )

    def delivery_p95(self, window: NDArray[np.bool_]) -> float:
        """Return within which time, seconds, 95 % of those delivered at all are; `inf` if never."""
        return self._p95(self.delivery(window)) if self._some_succeed else math.inf

    def delivery_p95_by_line(self, window: NDArray[np.bool_]) -> list[float]:
        """Return the same for each of the `lines`."""
        if not self._some_succeed:
            return [math.inf for _ in self.lines]
        return [self._p95(law) for law in self.delivery_by_line(window)]

    @property
    def _some_succeed(self) -> bool:
        return self.job.failure_probability < 1

    @staticmethod
    def _p95(law: Distribution) -> float:
        found = float(law.ppf(95 / 100))
        return found if found < _NEVER else math.inf

    def delivery(self, window: NDArray[np.bool_]) -> Distribution:
        """Return the time from enqueued to delivered, of mails enqueued in a window.

        Of those that are delivered in the end. Behind a backlog, where a mail waits for minutes,
        the seconds of its attempts are taken at their mean.
        """
        laws = self.delivery_by_line(window)
        return mixture([(line.share, law) for line, law in zip(self.lines, laws, strict=True)])

    def delivery_by_line(self, window: NDArray[np.bool_]) -> list[Distribution]:
        """Return the same for each of the `lines`."""
        chances = self.job.failure_probability ** np.arange(self.job.max_attempts)
        chances /= chances.sum()
        chances = chances[chances >= _LIKELY] / chances[chances >= _LIKELY].sum()
        return [
            mixture(
                [
                    (float(chance), self._delivery(line, window, retries))
                    for retries, chance in enumerate(chances)
                ]
            )
            for line in self.lines
        ]

    def _delivery(self, line: fluid.Line, window: NDArray[np.bool_], retries: int) -> Distribution:
        if line.waiting[window].any():
            return self._behind_a_backlog(line.delay[window], retries)
        return self._without_a_backlog(line, window, retries)

    def _without_a_backlog(
        self, line: fluid.Line, window: NDArray[np.bool_], retries: int
    ) -> Distribution:
        """Return the time to a delivery after retries, each behind the stationary line again."""
        threads = float(self.threads[window].mean())
        load = min(float(self.load[window].mean()), _FLUID_FROM)
        wait = self._wait(line, threads, load)
        *before, acknowledge = [distribution(law) for law in self.job.attempt]
        sent = sum(before, wait)
        return sum([sent, acknowledge] * retries + self._backoffs(retries), sent)

    def _behind_a_backlog(self, delays: Floats, retries: int) -> Distribution:
        """Return the same where each attempt waits behind the backlog that the mail found."""
        edges = (retries + 1) * (
            np.quantile(np.minimum(delays, _NEVER), np.linspace(0, 1, _BINS + 1)) + self.attempt[0]
        )
        pauses = 2 * sum(pause.mean() for pause in self._backoffs(retries))
        return mixture(
            [
                (1 / _BINS, uniform(low=low, high=max(high, low * (1 + 1e-9)) + pauses))
                for low, high in pairwise(edges)
            ]
        )

    def _wait(self, line: fluid.Line, threads: float, load: float) -> Distribution:
        """Return the wait in M/G/c, exponential for those who wait at all."""
        chance, given = self._waits(line, threads, load)
        if not chance:
            return deterministic(mean=0)
        return mixture([(1 - chance, deterministic(mean=0)), (chance, exponential(mean=given))])

    def _waits(self, line: fluid.Line, threads: float, load: float) -> tuple[float, float]:
        """Return how many wait in M/G/c and how long they do: Erlang's and Allen and Cunneen's.

        The urgent are slowed down by their own load alone, the others by theirs as well as by that
        of all (A. Cobham, 1954).
        """
        mean, scv = self.attempt
        chance = float(erlang_c(threads, load * threads))
        if chance < _LIKELY**3:
            return 0.0, 0.0
        urgent = load * self.job.urgent_share
        spare = 1 - urgent if line is not self.lines[-1] else (1 - urgent) * (1 - load)
        return chance, (1 + scv) / 2 * mean / (threads * spare)

    def _backoffs(self, retries: int) -> list[Distribution]:
        """Return the pauses before the first retries: full jitter on a doubling base."""
        if not self.job.backoff_base_s:
            return []
        return [uniform(low=0, high=self.job.backoff_base_s * 2**n) for n in range(retries)]

    @property
    def _threads_each(self) -> float:
        return self.plan.shared_places[WORKERS] / self.plan.workers
