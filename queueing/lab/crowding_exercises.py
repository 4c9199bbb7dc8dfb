"""The exercises of 07_backpressure: a room, a rush read from its refusals, and a slow boot."""

import math
from functools import cache

from queueing.lab import words
from queueing.lab.crowded import Crowded, Flash, flash, rush
from queueing.lab.crowding import crowded_case
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.pooling import milliseconds
from queueing.scenario import Scenario

_SHORT, _LONG = 30, 300  # places, of the prediction
_PROMISE_MS = 400
_REFUSED = 0.3  # of the requests, in the diagnosis
_RISE_S = 60.0
_SLOWEST_S = 3600.0


def _case(scenario: Scenario) -> Crowded:
    return crowded_case(scenario, promise_ms=_PROMISE_MS)


def _refused(scenario: Scenario, room: int) -> float:
    """Of 1,000 requests of the rush, how many a line with so much room turns away."""
    return 1000 * crowded_case(scenario, room=room).view.shed


def _thumb(scenario: Scenario) -> float:
    """The places by the lesson's rule of thumb."""
    places = _case(scenario).promise * _case(scenario).full_rate
    return round(places - 1.5 * math.sqrt(places))


def _room(scenario: Scenario) -> float:
    return _case(scenario).largest or math.inf


def _came(scenario: Scenario) -> float:
    """Requests a second of which the processors could do all but the refused."""
    return _case(scenario).full_rate / (1 - _REFUSED)


def _lacking(scenario: Scenario) -> int:
    line = rush(scenario)
    return math.ceil(_came(scenario) / line.service_rate) - line.servers


@cache
def _slowest(case: Flash, promise: float) -> float:
    """The longest boot, seconds, with which no mail gets older than promised."""
    low, high = 0.0, _SLOWEST_S
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (middle, high) if case.booting(middle).oldest <= promise else (low, middle)
    return low


def _boot(scenario: Scenario) -> float:
    return _slowest(flash(scenario, rise=_RISE_S), scenario.contract.freshness_s) / 60


def _until_old(scenario: Scenario) -> float:
    """Minutes until the head of the line is as old as promised, if no worker is added."""
    case = flash(scenario, rise=_RISE_S)
    served = case.rule.minimum * case.full_rate / case.high
    return scenario.contract.freshness_s / (1 - served) / 60


def _predict_question(scenario: Scenario) -> str:
    line, full = rush(scenario), _case(scenario).full_rate
    return (
        f"{line.arrival_rate:.0f} requests a second come to processors that can do {full:.0f}. "
        f"The line has room for {_SHORT}; who finds no place is turned away: "
        f"{_refused(scenario, _SHORT):.0f} of 1,000. Now the line gets room for {_LONG}, ten times "
        "as many. How many of 1,000 are turned away?"
    )


def _predict_solution(scenario: Scenario) -> str:
    line, full = rush(scenario), _case(scenario).full_rate
    waits = [crowded_case(scenario, room=room).waits[0] for room in (_SHORT, _LONG)]
    return (
        f"{line.arrival_rate:.0f} come and {full:.0f} can be served, so {full:.0f} are, and "
        f"{100 * (1 - full / line.arrival_rate):.1f} % are not, however many may wait. What the "
        "places change is how long those wait who get one: 95 % of them at most "
        f"{milliseconds(waits[0])} before and {milliseconds(waits[1])} now."
    )


def _room_solution(scenario: Scenario) -> str:
    case = _case(scenario)
    places = case.promise * case.full_rate
    found = case.largest or 0
    waits = [milliseconds(case.at(room).waits[0]) for room in (found, found + 1)]
    return (
        f"Within {milliseconds(case.promise)} the processors complete {places:.0f}, in the mean. "
        "In a rush nearly everybody finds a line that is nearly full, and half of those at its end "
        f"would wait longer. With {found} places 95 % wait at most {waits[0]}, with one more "
        f"{waits[1]}."
    )


def _refused_solution(scenario: Scenario) -> str:
    full, line = _case(scenario).full_rate, rush(scenario)
    needed = math.ceil(_came(scenario) / line.service_rate)
    return (
        f"The line was never empty, so {full:.0f} a second were served: "
        f"{100 * (1 - _REFUSED):.0f} % of those who came. {full:.0f} / {1 - _REFUSED:g} = "
        f"{_came(scenario):.0f} a second came. One processor does {line.service_rate:.1f}: "
        f"{needed} keep up, {_lacking(scenario)} more than the {line.servers} there are. "
        f"{100 * _REFUSED:.0f} % refused are {100 / (1 - _REFUSED) - 100:.0f} % more than they do."
    )


def _boot_solution(scenario: Scenario) -> str:
    case, promise = flash(scenario, rise=_RISE_S), scenario.contract.freshness_s
    few = case.rule.minimum * case.full_rate
    return (
        f"{few:.0f} of {case.high:.0f} attempts a second are done by the first "
        f"{case.rule.minimum} workers. So for each minute of the rush the mail at the head gets "
        f"{1 - few / case.high:.2f} minutes older, and is {words.duration(promise)} old after "
        f"{_until_old(scenario):.1f} minutes. Of these the rule needs a few until it has looked, "
        "once a minute, and has seen a backlog that asks for enough workers; what is left is for "
        f"the boot: {_boot(scenario):.1f} minutes."
    )


EXERCISES = (
    Exercise(
        key="07-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="requests",
        answer=lambda scenario: _refused(scenario, _LONG),
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _refused(scenario, _SHORT) * _SHORT / _LONG,
                "A longer line takes in a crowd that passes. These requests go on coming, and what "
                "the processors cannot do has to go, from a long line as from a short one.",
            ),
            NearMiss(
                lambda _: 0.0,
                "Room enough for everybody would have to grow for as long as they come.",
            ),
        ),
    ),
    Exercise(
        key="07-room",
        title="Exercise 1: as many places as the promise has",
        question=lambda scenario: (
            f"A design. In a rush of {rush(scenario).arrival_rate:.0f} requests a second before "
            f"processors that can do {_case(scenario).full_rate:.0f}, 95 % of the accepted are to "
            f"wait at most {_PROMISE_MS} ms. How many places may the line have at most?"
        ),
        unit="places",
        tolerance=0.0,
        answer=_room,
        solution=_room_solution,
        near_misses=(
            NearMiss(
                lambda scenario: math.floor(_case(scenario).promise * _case(scenario).full_rate),
                "So many are completed within the promise in the mean. Half of the time it is "
                "fewer, and the promise is for 95 of 100.",
            ),
            NearMiss(
                lambda scenario: math.floor(_case(scenario).promise * rush(scenario).arrival_rate),
                "So many come within the promise. The line gets shorter by those who are served.",
            ),
            NearMiss(
                _thumb,
                "The rule of thumb says so, and stays on the safe side. Exactly a few more may be.",
            ),
        ),
        hints=(
            "A place is a time: how many does the station complete within the promise?",
            "That is the mean. Some luck is needed for 95 of 100, so it must be a few fewer.",
            "The board finds it; or use MMcK and its wait.ppf in a cell.",
        ),
    ),
    Exercise(
        key="07-refused",
        title="Exercise 2: what the refusals tell",
        question=lambda scenario: (
            "A diagnosis. The log of an hour: the line was never empty, and "
            f"{100 * _REFUSED:.0f} % of all requests were turned away. The log does not say how "
            f"many came. There are {words.many(rush(scenario).servers, 'processor')}, each does "
            f"{rush(scenario).service_rate:.1f} requests a second. How many more would it have "
            "taken to keep up?"
        ),
        unit="processors",
        tolerance=0.0,
        answer=_lacking,
        solution=_refused_solution,
        near_misses=(
            NearMiss(
                lambda scenario: math.ceil(_REFUSED * rush(scenario).servers),
                f"That is {100 * _REFUSED:.0f} % of the processors. But {100 * _REFUSED:.0f} % of "
                "those who came were turned away, and that is more than the same share of those "
                "who were served.",
            ),
            NearMiss(
                lambda scenario: rush(scenario).servers + _lacking(scenario),
                "So many keep up. How many more are that than there were?",
            ),
        ),
        hints=(
            "The processors were never idle: how many requests a second did they serve?",
            "Which share of those who came is that? So how many came?",
        ),
    ),
    Exercise(
        key="07-boot",
        title="Exercise 3: the slowest boot",
        question=lambda scenario: (
            "A design. Workers follow the backlog by the rule of this lesson, and the mails rise "
            f"to {flash(scenario).high:.0f} attempts a second within a minute. The oldest mail "
            f"may be {words.duration(scenario.contract.freshness_s)} old. How many minutes may a "
            "new worker take to boot?"
        ),
        unit="minutes",
        tolerance=0.05,
        answer=_boot,
        solution=_boot_solution,
        near_misses=(
            NearMiss(
                _until_old,
                "Then the mail at the head is as old as promised, if nobody is added. But the "
                "rule does not ask for workers at once: it looks once a minute, at a backlog that "
                "must first be there.",
            ),
            NearMiss(
                lambda scenario: scenario.contract.freshness_s / 60,
                "The head of the line does not get a minute older in each minute: the workers who "
                "are there move it.",
            ),
        ),
        hints=(
            "How many attempts a second do the first workers do, and how many come?",
            "While they are too few, how much older does the head of the line get in a minute?",
            "Take off the minutes until the rule asks: try flash(forge).booting(seconds).oldest.",
        ),
    ),
)
