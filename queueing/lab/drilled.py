"""The seven steps of a drill as numbers: demand, work, workers, tail, bill, failure, alarm."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from queueing import MMc, erlang_c, servers_for
from queueing.backpressure import drain_time
from queueing.distributions import Distribution
from queueing.lab.house import sending
from queueing.lab.retried import mail_policy
from queueing.scenario import Scenario
from queueing.scenario.latency import distribution
from queueing.scenario.plan import WORKERS, plan
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds

SHARE = 0.95  # of the jobs, for whom a start is promised
PROMISE_S = 1.0  # until their start, where a scenario's contract names none
OUTAGE_S = 600.0  # all workers away, in the sixth step
_DRAWN = 100_000  # attempts of a replication


@dataclass(frozen=True, kw_only=True)
class Drill:
    """A system as an interviewer gives it: who asks, what is done later, how soon, by whom.

    Each of `users` asks once in `round_s` seconds; a request leaves `jobs_per_request` jobs, a job
    takes `attempts` of `attempt_s` seconds on one thread. A worker has `threads`, costs `price` USD
    a month of `month_h` hours, and is away `repair_s` when it fails. 95 % of the attempts should
    start within `promise_s`, and no job may wait longer than `oldest_s`.
    """

    users: float
    round_s: float
    jobs_per_request: float
    attempts: float
    attempt_s: float
    threads: int
    price: float
    month_h: float
    repair_s: float
    promise_s: float
    oldest_s: float
    workers: int

    @property
    def requests(self) -> float:
        """Requests a second."""
        return self.users / self.round_s

    @property
    def jobs(self) -> float:
        """Jobs a second."""
        return self.requests * self.jobs_per_request

    @property
    def attempt_rate(self) -> float:
        """Attempts a second."""
        return self.jobs * self.attempts

    @property
    def erlangs(self) -> float:
        """Threads that are busy in the mean."""
        return self.attempt_rate * self.attempt_s

    @property
    def least(self) -> int:
        """Workers that keep up, whatever the wait."""
        return math.floor(self.erlangs / self.threads) + 1

    @cached_property
    def fewest_threads(self) -> int:
        """The fewest threads with which 95 % of the attempts start within the promise."""
        return servers_for(
            arrival_rate=self.attempt_rate,
            service_rate=1 / self.attempt_s,
            wait_within=(SHARE, self.promise_s),
        )

    @property
    def fewest(self) -> int:
        """The fewest workers that have so many."""
        return math.ceil(self.fewest_threads / self.threads)

    @property
    def by_rule(self) -> int:
        """The workers for a + sqrt(a) threads."""
        return math.ceil((self.erlangs + math.sqrt(self.erlangs)) / self.threads)

    @property
    def bought(self) -> int:
        """The fewest workers that keep both promises, also while one of them is repaired."""
        enough = self.with_workers(self.fewest).oldest_in_repair_s <= self.oldest_s
        return self.fewest if enough else self.fewest + 1

    @property
    def station(self) -> MMc:
        """The workers' threads as M/M/c."""
        return MMc(
            arrival_rate=self.attempt_rate,
            service_rate=1 / self.attempt_s,
            servers=self.workers * self.threads,
        )

    @property
    def load(self) -> float:
        """Rho of the workers."""
        return self.station.traffic_intensity

    @property
    def capacity(self) -> float:
        """Attempts a second that the workers make when they have no rest."""
        return self.workers * self.threads / self.attempt_s

    @property
    def tail_s(self) -> float:
        """The wait that 95 % of the attempts stay within, seconds; inf where it has no end.

        P(W > t) = C e^(-theta t), solved for t.
        """
        spare = self.capacity - self.attempt_rate
        if spare <= 0:
            return math.inf
        waiting = float(erlang_c(self.workers * self.threads, self.erlangs))
        return math.log(max(waiting / (1 - SHARE), 1.0)) / spare

    @property
    def bill(self) -> float:
        """USD a month for the workers."""
        return self.workers * self.price

    @property
    def bill_of_a_million(self) -> float:
        """USD for a million jobs that are done."""
        jobs = min(self.attempt_rate, self.capacity) / self.attempts
        return 1e6 * self.bill / (3600 * self.month_h * jobs)

    @property
    def oldest_in_repair_s(self) -> float:
        """Age of the oldest job at the end of the repair of one worker, seconds.

        The depth by then, (lambda - capacity left) times the repair, over lambda: the oldest came
        when all that is waiting had yet to come. The short line of a steady day is left out.
        """
        left = self.capacity - self.threads / self.attempt_s
        return max(1 - left / self.attempt_rate, 0.0) * self.repair_s

    @property
    def left_behind(self) -> float:
        """Attempts that wait after an outage of all the workers."""
        return self.attempt_rate * OUTAGE_S

    @property
    def drain_s(self) -> float:
        """Seconds until they are caught up, in the mean; inf where they never are."""
        return drain_time(
            backlog=round(self.left_behind),
            arrival_rate=self.attempt_rate,
            service_rate=1 / self.attempt_s,
            servers=self.workers * self.threads,
        ).mean

    @property
    def alarm(self) -> float:
        """The depth at which the job that joins now will be as old as any may get."""
        return self.capacity * self.oldest_s

    def with_workers(self, workers: int) -> "Drill":
        """Return the same with another number of workers."""
        return replace(self, workers=workers)

    def with_users(self, users: float) -> "Drill":
        """Return the same with another number of users."""
        return replace(self, users=users)


def mail_drill(scenario: Scenario) -> Drill:
    """Return the scenario's mails at the peak as a drill."""
    traffic, worker = scenario.traffic, scenario.catalogue.the("worker")
    made = plan(scenario, scenario.base)
    policy, fails = mail_policy(scenario), scenario.job.failure_probability
    round_s = traffic.think_time_s + traffic.nominal_response_s
    return Drill(
        users=traffic.peak_rate * round_s,
        round_s=round_s,
        jobs_per_request=scenario.mails_per_request,
        attempts=float(policy.expected_attempts(fails)),
        attempt_s=made.attempt_s,
        threads=worker.slots,
        price=worker.price_usd_month,
        month_h=scenario.cost.hours_per_month,
        repair_s=3600 * worker.mttr_h,
        promise_s=PROMISE_S,
        oldest_s=scenario.contract.freshness_s,
        workers=made.shared_places[WORKERS] // worker.slots,
    )


def attempt_law(scenario: Scenario) -> Distribution:
    """Return the law of one attempt: rendering, the receiver's conversation, the receipt."""
    job = plan(scenario, scenario.base).job
    if job is None:
        raise ValueError("the scenario's own design has no queue, and so no attempts of workers")
    first, *others = map(distribution, job.attempt)
    return sum(others, start=first)


def duplicates_a_day(scenario: Scenario, timeout_s: float) -> float:
    """Return the mails a day at the peak that a visibility timeout hands out a second time.

    An attempt that takes longer is taken for lost, and the mail is given to another worker.
    """
    late = float(attempt_law(scenario).sf(timeout_s))
    return 86400 * sending(scenario).arrival_rate * late


def draw_duplicates(
    scenario: Scenario, timeout_s: float, *, replications: int = 20, seed: int | None = None
) -> Estimate:
    """Return the same from attempts that are drawn one by one, so many times 100,000 of them."""
    law = attempt_law(scenario)
    root, streams = seeds(seed, replications)
    a_day = 86400 * sending(scenario).arrival_rate
    found = [
        a_day * float(np.mean(law.draw(_DRAWN, np.random.default_rng(stream)) > timeout_s))
        for stream in streams
    ]
    return Estimate.of(found, seed=root)
