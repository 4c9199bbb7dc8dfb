"""Mails that grow old: workers who stand still, workers too few, and workers who come late."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing import MMc, PriorityMMc
from queueing.lab.house import sending
from queueing.lab.sizing import smallest
from queueing.scenario import Scenario, ScenarioError, fluid
from queueing.scenario.mails import MailFlow
from queueing.scenario.plan import WORKERS

Floats = NDArray[np.float64]

MOST_WORKERS = 60
_STANDSTILL_MIN = 10.0  # where the lesson begins
_DEEP_S = 60.0  # of work in the queue: when the alarm on its depth rings


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """Workers who stand still from second 0 to `length`, then work on; attempts come on steadily.

    Means alone: a fluid. `line` keeps up as long as its workers work.
    """

    line: MMc
    length: float

    @property
    def backlog(self) -> float:
        """The attempts that wait when the workers work again, lambda D."""
        return self.line.arrival_rate * self.length

    @property
    def capacity(self) -> float:
        """What the workers can do, attempts a second."""
        return self.line.servers * self.line.service_rate

    @property
    def clear(self) -> float:
        """When nobody waits any more, seconds: D + lambda D / (c mu - lambda)."""
        return self.length + self.backlog / (self.capacity - self.line.arrival_rate)

    @property
    def pace(self) -> float:
        """How much faster than they come attempts are sent: c mu / lambda."""
        return self.capacity / self.line.arrival_rate

    def too_old(self, promise: float) -> tuple[float, float] | None:
        """Return from when to when the oldest is older than promised, seconds; None if never.

        After the standstill the one being sent at t came at s = (t - D) c mu / lambda.
        """
        if promise >= self.length:
            return None
        return promise, (self.pace * self.length - promise) / (self.pace - 1)


def standstill(scenario: Scenario, minutes: float = _STANDSTILL_MIN) -> Standstill:
    """Return the scenario's workers at the peak, who stand still for so many minutes."""
    return Standstill(line=sending(scenario), length=60 * minutes)


def by_priority(scenario: Scenario) -> PriorityMMc:
    """Return the attempts of the peak with transactional mails first and the others after them."""
    line, share = sending(scenario), scenario.job.transactional_share
    return PriorityMMc(
        arrival_rates=(share * line.arrival_rate, (1 - share) * line.arrival_rate),
        service_rate=line.service_rate,
        servers=line.servers,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Staffing:
    """The mails of a run before so many workers, and `added` more from an `hour` on: a fluid.

    A share `urgent` of the mails goes first. `smtp` and `users` are how long a conversation takes,
    and how many users there are, in parts of what `flow`, the scenario's own, has. `promise` is for
    the oldest mail, seconds.
    """

    flow: MailFlow
    promise: float
    workers: int
    added: int = 0
    hour: float = 0.0
    urgent: float = 0.0
    smtp: float = 1.0
    users: float = 1.0

    @property
    def hours(self) -> Floats:
        """The instants of everything over time."""
        return self.flow.hours

    @cached_property
    def attempt_rate(self) -> Floats:
        """Attempts a second that come, at each hour."""
        return self.flow.attempt_rate * self.users

    @property
    def attempt_s(self) -> float:
        """The time of an attempt on a thread, seconds."""
        _, talk, _ = self.flow.job.attempt
        return self.flow.attempt[0] + (self.smtp - 1) * talk.mean_s

    @property
    def offered_load(self) -> float:
        """The threads that the attempts of the peak would keep busy."""
        return float(self.attempt_rate.max()) * self.attempt_s

    @property
    def threads_each(self) -> int:
        """Threads of a worker."""
        plan = self.flow.plan
        return plan.shared_places[WORKERS] // plan.workers

    @property
    def load(self) -> float:
        """Rho at the peak, of the workers who are there from the first hour."""
        return self.offered_load / (self.workers * self.threads_each)

    @cached_property
    def capacity(self) -> Floats:
        """Attempts a second that can be made, at each hour."""
        there = self.workers + self.added * (self.hours >= self.hour)
        return there * self.threads_each / self.attempt_s

    @cached_property
    def lines(self) -> tuple[fluid.Line, ...]:
        """What waits and how old it is: of all, or of the urgent and the others."""
        return fluid.lines(3600 * self.hours, self.attempt_rate, self.capacity, self.urgent)

    @cached_property
    def waiting(self) -> Floats:
        """All that wait, at each hour."""
        return np.sum([line.waiting for line in self.lines], axis=0)

    @cached_property
    def oldest(self) -> float:
        """How old the oldest mail of the run gets, seconds."""
        return max(float(line.oldest.max()) for line in self.lines)

    @property
    def keeps(self) -> bool:
        """Whether no mail gets older than promised."""
        return self.oldest <= self.promise

    @property
    def worst_h(self) -> float:
        """The hour at which most wait."""
        return float(self.hours[self.waiting.argmax()])

    @property
    def clear_h(self) -> float | None:
        """The hour from which on nobody waits; None where it is not in the run."""
        waits = np.flatnonzero(self.waiting >= 1)
        if not waits.size:
            return float(self.hours[0])
        last = int(waits[-1])
        return None if last + 1 == self.hours.size else float(self.hours[last + 1])

    @cached_property
    def fewest(self) -> int | None:
        """The fewest workers, there from the first hour, that keep the promise."""
        return smallest(lambda count: replace(self, workers=count, added=0).keeps, 1, MOST_WORKERS)

    @cached_property
    def latest_h(self) -> float | None:
        """The last hour at which those to be added, or one, may start and the promise is kept.

        None where they are too few at any hour; the end of the run where they are not needed.
        """
        joining = max(self.added, 1)
        last = self.hours.size - 1

        def too_late(at: int) -> bool:
            return not replace(self, added=joining, hour=float(self.hours[at])).keeps

        found = smallest(too_late, 0, last)
        if found is None:
            return float(self.hours[last])
        return float(self.hours[found - 1]) if found else None

    def first_h(self, over: NDArray[np.bool_]) -> float | None:
        """Return the first hour at which something is so, None if it never is."""
        found = np.flatnonzero(over)
        return float(self.hours[found[0]]) if found.size else None


def staffing(scenario: Scenario, workers: int | None = None, **changes: Any) -> Staffing:
    """Return the scenario's mails before so many workers, by default one too few for the promise.

    Raises `ScenarioError` for a scenario whose design has no queue.
    """
    base = scenario.base
    flow = scenario.evaluate(base).mails
    if flow is None:
        raise ScenarioError("mails that wait need a queue: this scenario's design has none")
    start = Staffing(flow=flow, promise=scenario.contract.freshness_s, workers=1, **changes)
    if workers is None:
        workers = max((start.fewest or MOST_WORKERS) - 1, 1)
    return replace(start, workers=workers)


def alarms(scenario: Scenario) -> Mapping[str, Staffing]:
    """Return one worker too few, and one more who starts when an alarm rings, by the alarm.

    It rings for a minute of work in the queue, for an oldest mail that is older than promised, or
    when the users begin to leave; from then a worker takes the scenario's time to start.
    """
    short = staffing(scenario)
    boot = scenario.rules.autoscaling.boot_s / 3600
    rings: dict[str, float | None] = {
        "a minute is queued": short.first_h(short.waiting > _DEEP_S * short.capacity),
        "the promise is broken": short.first_h(short.lines[0].oldest > short.promise),
        "the users leave": scenario.traffic.peak_h,
    }
    return {
        name: replace(short, added=1, hour=hour + boot)
        for name, hour in rings.items()
        if hour is not None
    }
