"""The exercises of 08_retries: attempts that are work, and a line that may be too long."""

import math
from functools import cache

from scipy.optimize import brentq

from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.retried import Retrying, clients, mail_policy, workers_load
from queueing.lab.retrying import rate
from queueing.lab.sizing import smallest
from queueing.scenario import Scenario

STALL_S = 5  # of the prediction
_MOST_PROCESSORS = 200


def _bearable(scenario: Scenario) -> float:
    """Per cent of the attempts that may fail until the workers are full."""
    if workers_load(scenario, 1.0) <= 1:
        return 100.0
    return 100 * float(brentq(lambda p: workers_load(scenario, p) - 1, 0, 1))


def _load(scenario: Scenario) -> float:
    return workers_load(scenario, scenario.job.failure_probability)


@cache
def _processors(case: Retrying) -> int:
    """The fewest processors with which the arrivals always recover."""

    def recovers(servers: int) -> bool:
        return _with(case, servers=servers).always_recovers >= case.station.arrival_rate

    found = smallest(recovers, 1, _MOST_PROCESSORS)
    return _MOST_PROCESSORS if found is None else found


def _with(case: Retrying, *, servers: int | None = None, room: int | None = None) -> Retrying:
    station = case.station if servers is None else case.station.with_servers(servers)
    return Retrying(
        station=station,
        room=case.room if room is None else room,
        timeout=case.timeout,
        max_attempts=case.max_attempts,
    )


def _needed(scenario: Scenario) -> int:
    return _processors(clients(scenario))


@cache
def _room_of(case: Retrying) -> int:
    """The most places in line with which the arrivals always recover."""
    arrivals = case.station.arrival_rate
    low, high = 0, case.room
    while low < high:
        middle = (low + high + 1) // 2
        recovers = _with(case, room=middle).always_recovers >= arrivals
        low, high = (middle, high) if recovers else (low, middle - 1)
    return low


def _room(scenario: Scenario) -> int:
    return _room_of(clients(scenario))


def _after_the_stall(scenario: Scenario) -> float:
    case = clients(scenario)
    return float((case.good if case.bad is None else case.bad)["goodput"])


def _predict_question(scenario: Scenario) -> str:
    case = clients(scenario)
    return (
        f"{rate(case.station.arrival_rate)} requests a second come to processors that can do "
        f"{rate(case.full_rate)}. Nobody is turned away unless {case.room:,} wait. Whoever has no "
        f"answer after {case.timeout:g} seconds tries again, {case.max_attempts} attempts in all. "
        f"Now the processors stand still for {STALL_S} seconds and then work on as before. An "
        "hour later: how many requests a second are answered in time?"
    )


def _predict_solution(scenario: Scenario) -> str:
    case, bad = clients(scenario), clients(scenario).bad
    attempts = case.good["attempt_rate"] if bad is None else bad["attempt_rate"]
    return (
        f"The stall made a line; who waited in it came back as a second and a third attempt, and "
        f"{rate(attempts)} attempts a second are more than the {rate(case.full_rate)} that can be "
        "served. So the line stays full, every answer comes too late, and everybody comes back. "
        "Nothing is broken any more, and nothing heals."
    )


def _refused_solution(scenario: Scenario) -> str:
    attempts = float(mail_policy(scenario).expected_attempts(_bearable(scenario) / 100))
    once = float(mail_policy(scenario).expected_attempts(scenario.job.failure_probability)) / _load(
        scenario
    )
    return (
        f"With one attempt a mail the load would be {1 / once:.3f}, so {once:.3f} attempts a mail "
        f"fill the workers. 1 + p + … + p^{scenario.job.max_attempts - 1} = {attempts:.3f} holds "
        f"for p = {_bearable(scenario):.1f} %."
    )


def _processors_solution(scenario: Scenario) -> str:
    case, needed = clients(scenario), _needed(scenario)
    most = case.max_attempts * case.station.arrival_rate
    return (
        f"If everybody makes {case.max_attempts} attempts, there are {rate(most)} a second, and "
        f"one processor does {case.station.service_rate:.1f}: "
        f"{most / case.station.service_rate:.1f} processors keep up with the worst. Exactly, "
        f"{needed} always recover from {rate(_with(case, servers=needed).always_recovers)} a "
        f"second and {needed - 1} only from "
        f"{rate(_with(case, servers=needed - 1).always_recovers)}. The calm needs "
        f"{math.ceil(case.station.offered_load)}: capacity is a dear way out of a storm."
    )


def _room_solution(scenario: Scenario) -> str:
    case, room = clients(scenario), _room(scenario)
    return (
        f"{rate(case.full_rate)} a second for {case.timeout:g} seconds: who finds more than "
        f"{case.timeout * case.full_rate:.0f} before him is too late. Exactly, with {room} places "
        f"{rate(_with(case, room=room).always_recovers)} a second always recover, and with one "
        "place more no longer all of them. A line that is longer than its patience holds nothing "
        "but work in vain."
    )


EXERCISES = (
    Exercise(
        key="08-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="requests a second",
        answer=_after_the_stall,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: clients(scenario).station.arrival_rate,
                "The stall is over, so all should be well. But the line that it left is fed by "
                "those who try again.",
            ),
            NearMiss(
                lambda scenario: clients(scenario).full_rate,
                "The processors do work all the time. They work on requests that nobody waits "
                "for any more.",
            ),
        ),
    ),
    Exercise(
        key="08-refused",
        title="Exercise 1: a bad day at the receivers",
        question=lambda scenario: (
            f"{words.many(scenario.base.workers, 'worker')} send the mails of the peak, and a mail "
            f"is tried {scenario.job.max_attempts} times at most. Usually "
            f"{100 * scenario.job.failure_probability:g} % of the attempts fail. From how many per "
            "cent on do the workers no longer keep up?"
        ),
        unit="%",
        answer=_bearable,
        solution=_refused_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 100 * (1 - _load(scenario)),
                "That is the spare time of the workers. How many attempts a mail fill it, and how "
                "often must an attempt fail for so many?",
            ),
            NearMiss(
                lambda scenario: 100 * (1 / _load(scenario) - 1),
                "By so much may the attempts grow. But today's load already holds some retries, "
                "and a retry may fail, too.",
            ),
        ),
        hints=(
            "The load is mails a second × attempts a mail × seconds an attempt / threads.",
            "Which number of attempts a mail makes the load 1?",
            "Then solve 1 + p + p² + … for p; trying a few values in a cell will do.",
        ),
    ),
    Exercise(
        key="08-processors",
        title="Exercise 2: buy the way out",
        question=lambda scenario: (
            f"A design. Programs wait {clients(scenario).timeout:g} seconds and make "
            f"{clients(scenario).max_attempts} attempts, and {clients(scenario).room:,} may wait. "
            "You may change nothing but the processors. How many does it take until the requests "
            f"of the peak, {rate(clients(scenario).station.arrival_rate)} a second, recover from "
            "every stall?"
        ),
        unit="processors",
        tolerance=0.0,
        answer=_needed,
        solution=_processors_solution,
        near_misses=(
            NearMiss(
                lambda scenario: clients(scenario).station.servers,
                "These are there already. They serve the calm, and a stall decides.",
            ),
            NearMiss(
                lambda scenario: clients(scenario).max_attempts * clients(scenario).station.servers,
                "You multiplied the processors by the attempts. Multiply the work: the processors "
                "had some spare.",
            ),
        ),
        hints=(
            "How many attempts a second come if every attempt fails?",
            "How many can one processor do? With enough of them the line gets shorter even then.",
        ),
    ),
    Exercise(
        key="08-room",
        title="Exercise 3: a line no longer than its patience",
        question=lambda scenario: (
            f"A design. Now nothing but the room may change: the "
            f"{words.many(clients(scenario).station.servers, 'processor')}, the timeout and the "
            f"{clients(scenario).max_attempts} attempts stay. How many places in line may there be "
            "at most, so that the requests of the peak recover from every stall?"
        ),
        unit="places",
        tolerance=0.02,
        answer=_room,
        solution=_room_solution,
        near_misses=(
            NearMiss(
                lambda scenario: clients(scenario).timeout * clients(scenario).station.arrival_rate,
                "So many arrive within the timeout. How many are served within it?",
            ),
            NearMiss(
                lambda scenario: clients(scenario).timeout * clients(scenario).station.service_rate,
                "So many does one processor serve within the timeout. All of them work.",
            ),
        ),
        hints=(
            "The last in line must be served before his patience is at an end.",
            "How many can all processors do within the timeout?",
            "The board tells it exactly: move the room until nothing but the calm is left.",
        ),
    ),
)
