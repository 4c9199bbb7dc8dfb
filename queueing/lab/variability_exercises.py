"""The exercises of 04_variability: services that are unlike, one line, and lanes."""

import math
from dataclasses import replace

import numpy as np
from scipy import optimize

from queueing import MDc
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.lanes import Lanes, same_work
from queueing.lab.mixed import Mixed, requests
from queueing.lab.pooling import milliseconds
from queueing.lab.sizing import smallest
from queueing.scenario import Scenario

_SLOWER = 2  # times as slow, and as rare, as the slow ones of the riddle
_SHORT_S, _SLOW_S = 0.002, 0.05  # mean waits promised to the short and to the slow ones
_MOST = 40  # processors


def _single(scenario: Scenario) -> Mixed:
    """One processor with a line of its own and an equal share of the requests."""
    case = requests(scenario)
    return replace(case, arrival_rate=case.arrival_rate / case.servers, servers=1)


def _even(scenario: Scenario) -> float:
    """The mean wait if all services took the mean, seconds."""
    one = _single(scenario)
    return MDc(arrival_rate=one.arrival_rate, service_time=one.mean_service, servers=1).mean_wait


def _predict_question(scenario: Scenario) -> str:
    one = _single(scenario)
    return (
        f"One processor with a line of its own, busy {100 * one.load:.0f} % of the time. If every "
        f"request took exactly {1000 * one.mean_service:.1f} ms, they would wait "
        f"{milliseconds(_even(scenario))} in the mean. In truth {100 * (1 - one.share):.0f} of 100 "
        f"are short, {1000 * one.short:.1f} ms, and {100 * one.share:.0f} are {one.name}s of "
        f"{1000 * one.slow:.0f} ms. The mean is still {1000 * one.mean_service:.1f} ms, the "
        "processor still as busy. How long is the mean wait now?"
    )


def _predict_solution(scenario: Scenario) -> str:
    one, even = _single(scenario), _even(scenario)
    return (
        f"The services have cs² = {one.scv:.2f}, constant ones have 0, and the wait grows with "
        f"1 + cs²: {milliseconds(even)} × {1 + one.scv:.2f} = {milliseconds(one.mean_wait)}. The "
        f"{one.name}s cause {100 * one.slow_parts['waiting']:.0f} % of it, and everybody bears it."
    )


def _halved(scenario: Scenario) -> float:
    """The milliseconds that a slow one may take so that the mean wait is halved."""
    one = _single(scenario)
    return 1000 * float(
        optimize.brentq(
            lambda slow: replace(one, slow=slow).mean_wait - one.mean_wait / 2, 1e-6, one.slow
        )
    )


def _halved_by_the_mean(scenario: Scenario) -> float:
    """The same if services were exponential, so that only their mean counted."""
    one = _single(scenario)
    return 1000 * float(
        optimize.brentq(
            lambda slow: replace(one, slow=slow).alike.mean_wait - one.alike.mean_wait / 2,
            1e-6,
            one.slow,
        )
    )


def _halved_at_the_load(scenario: Scenario) -> float:
    """The preview, ms, that halves the mean square of the services: the load forgotten."""
    case = _single(scenario)
    square = (1 + case.scv) * case.mean_service**2
    short = square - case.share * (case.kinds[1].var() + case.slow**2)
    return 1000 * case.slow * math.sqrt((square / 2 - short) / (square - short))


_ONE_SHRINKS = (
    "You let one thing shrink and left the other: a shorter template lowers the load ρ and the "
    "spread cs² as well, and both count."
)


def _template_question(scenario: Scenario) -> str:
    one = _single(scenario)
    return (
        f"A design. A processor with a line of its own gets {one.arrival_rate:.1f} requests a "
        "second. Their mean wait shall be halved, "
        f"and nothing but the template may change: {100 * one.share:.0f} % of the requests stay "
        f"{one.name}s, but they may take less than {1000 * one.slow:.0f} ms. How long may a "
        f"{one.name} take at most, in the mean?"
    )


def _template_solution(scenario: Scenario) -> str:
    one, right = _single(scenario), _halved(scenario)
    new = replace(one, slow=right / 1000)
    return (
        f"With {right:.1f} ms the mean service is {1000 * new.mean_service:.1f} ms, the load "
        f"{new.load:.2f} and cs² = {new.scv:.2f}: the mean wait is {milliseconds(new.mean_wait)}. "
        f"The {one.name}s need not be halved, since their time counts squared and lowers the load "
        "as well."
    )


def _riddle(scenario: Scenario) -> Mixed:
    """The same work, with slow ones that are slower and rarer."""
    one = _single(scenario)
    return same_work(one, _SLOWER * one.slow)


def _log_question(scenario: Scenario) -> str:
    one, now = _single(scenario), _riddle(scenario)
    return (
        f"A diagnosis. The processor gets {one.arrival_rate:.1f} random requests a second, as "
        f"ever, they take {1000 * one.mean_service:.1f} ms in the mean, as ever, and it is busy "
        f"{100 * one.load:.0f} % of the time, as ever. But since last night they wait "
        f"{milliseconds(now.mean_wait)} in the mean, much longer than before. What "
        "is cs², the squared coefficient of variation of the services, now?"
    )


def _log_solution(scenario: Scenario) -> str:
    one, now = _single(scenario), _riddle(scenario)
    return (
        f"Exponential services, cs² = 1, would wait {milliseconds(one.alike.mean_wait)}. The log "
        f"has {now.mean_wait / one.alike.mean_wait:.2f} times that, so (1 + cs²) / 2 is that "
        f"number and cs² = {now.scv:.2f}. Here {one.name}s became {_SLOWER} times as slow and "
        "half as many: the same work, the same mean, the same load. No chart of means shows it."
    )


def _fewest(scenario: Scenario) -> tuple[int, int]:
    """The fewest processors of the short lane and of the slow one."""
    case = replace(requests(scenario), servers=2 * _MOST)
    short = smallest(
        lambda n: Lanes(case=case, slow_servers=case.servers - n).short_wait <= _SHORT_S, 1, _MOST
    )
    slow = smallest(lambda n: Lanes(case=case, slow_servers=n).slow_wait <= _SLOW_S, 1, _MOST)
    return short or _MOST, slow or _MOST


def _pooled(scenario: Scenario) -> int:
    """The fewest processors of one line with which all wait as briefly as the short ones should."""
    case = requests(scenario)
    least = int(case.load * case.servers) + 1
    return next(n for n in range(least, _MOST) if replace(case, servers=n).mean_wait <= _SHORT_S)


def _lanes_question(scenario: Scenario) -> str:
    case = requests(scenario)
    return (
        f"A design. At the peak {case.arrival_rate:.0f} requests a second come. Somebody wants two "
        f"lanes, one line before the processors of the short requests and one before those of the "
        f"{case.name}s. The short ones should wait at most {milliseconds(_SHORT_S)} in the mean, "
        f"the {case.name}s at most {1000 * _SLOW_S:.0f} ms. How many processors does that take "
        "altogether?"
    )


def _lanes_solution(scenario: Scenario) -> str:
    case, (short, slow) = requests(scenario), _fewest(scenario)
    made = Lanes(case=replace(case, servers=short + slow), slow_servers=slow)
    pooled = _pooled(scenario)
    wait = replace(case, servers=pooled).mean_wait
    return (
        f"{short} for the short ones, who then wait {milliseconds(made.short_wait)}, and {slow} "
        f"for the {case.name}s, who wait {milliseconds(made.slow_wait)}: {short + slow}. In one "
        f"line {pooled} are enough, and all wait {milliseconds(wait)}, the {case.name}s too."
    )


EXERCISES = (
    Exercise(
        key="04-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="ms",
        answer=lambda scenario: 1000 * _single(scenario).mean_wait,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 1000 * _even(scenario),
                "The same mean and the same load, but not the same wait: whoever comes finds a "
                "long one at work more often than its share says.",
            ),
            NearMiss(
                lambda scenario: 2000 * _even(scenario),
                "That is the wait if services were exponential, their spread as large as their "
                "mean. These are spread wider.",
            ),
        ),
    ),
    Exercise(
        key="04-template",
        title="Exercise 1: half the wait",
        question=_template_question,
        unit="ms",
        tolerance=0.02,
        answer=_halved,
        solution=_template_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 500 * _single(scenario).slow,
                "You halved the template. That is more than it takes: its time counts squared, and "
                "it lowers the load as well.",
            ),
            NearMiss(_halved_by_the_mean, _ONE_SHRINKS),
            NearMiss(_halved_at_the_load, _ONE_SHRINKS),
        ),
        hints=(
            "The mean wait is half the arrival rate times E[S²], divided by what is idle, 1 − ρ.",
            "Both E[S²] and ρ depend on the template. Try a shorter one, and compare.",
            "The board can find it: one processor, its arrivals, and half the wait as the promise.",
        ),
    ),
    Exercise(
        key="04-log",
        title="Exercise 2: nothing has changed",
        question=_log_question,
        unit="squared means",
        answer=lambda scenario: _riddle(scenario).scv,
        solution=_log_solution,
        near_misses=(
            NearMiss(
                lambda scenario: (1 + _riddle(scenario).scv) / 2,
                "That is (1 + cs²) / 2, by which exponential services' wait is multiplied. What is "
                "cs² then?",
            ),
            NearMiss(
                lambda scenario: 1 + _riddle(scenario).scv,
                "That is 1 + cs². Take the 1 away.",
            ),
        ),
        hints=(
            "Pollaczek and Khinchine's formula holds three numbers. Which one is not known?",
            "How long would exponential services wait? The log has so many times that.",
        ),
    ),
    Exercise(
        key="04-lanes",
        title="Exercise 3: a lane for the slow ones",
        question=_lanes_question,
        unit="processors",
        tolerance=0.0,
        answer=lambda scenario: sum(_fewest(scenario)),
        solution=_lanes_solution,
        near_misses=(
            NearMiss(
                _pooled,
                "So many are enough if all stand in one line. Two lanes do not help each other.",
            ),
            NearMiss(
                lambda scenario: float(
                    np.ceil(requests(scenario).load * requests(scenario).servers)
                ),
                "So many are busy in the mean, rounded up. A lane needs some to spare.",
            ),
        ),
        hints=(
            "Each lane is a station of its own: its arrivals, its services, its processors.",
            "In code: MMc(…).mean_wait for the short ones, GGc(…).mean_wait for the others.",
        ),
    ),
)
