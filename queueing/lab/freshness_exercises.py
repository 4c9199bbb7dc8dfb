"""The exercises of 06_workers: what it takes to be clear again, who pays, and who is at work."""

import math
from dataclasses import replace
from functools import partial

from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.fresh import Staffing, Standstill, staffing, standstill
from queueing.lab.house import capacity, sending
from queueing.scenario import Scenario

_CLEAR_S = 900.0  # after a standstill, until nobody waits
_CALLED_URGENT = 0.6  # of all mails, in the exercise on priorities
_HOUR_S = 3600


def _stood_still(scenario: Scenario) -> Standstill:
    return standstill(scenario)


def _minutes(scenario: Scenario) -> float:
    """Minutes from the end of the standstill until nobody waits."""
    case = _stood_still(scenario)
    return (case.clear - case.length) / 60


def _workers_for(scenario: Scenario, rate: float) -> float:
    """Workers, not rounded, that make so many attempts a second."""
    return rate / capacity(scenario, 1)


def _needed(scenario: Scenario) -> float:
    """What has to be sent a second, so that the backlog is gone in time: it and what comes."""
    case = _stood_still(scenario)
    return case.backlog / _CLEAR_S + case.line.arrival_rate


def _short(scenario: Scenario, urgent: float) -> Staffing:
    return replace(staffing(scenario), urgent=urgent)


def _oldest_min(scenario: Scenario, urgent: float) -> float:
    return _short(scenario, urgent).oldest / 60


def _at_work(scenario: Scenario) -> int:
    """Workers at work in the diagnosis: two fewer than the load takes."""
    return max(math.floor(_workers_for(scenario, sending(scenario).arrival_rate)) - 1, 1)


def _grows(scenario: Scenario) -> float:
    """What the backlog then grows by in an hour of the peak, to the nearest hundred."""
    surplus = sending(scenario).arrival_rate - capacity(scenario, _at_work(scenario))
    return round(max(surplus, 0.0) * _HOUR_S, -2)


def _predict_question(scenario: Scenario) -> str:
    case = _stood_still(scenario)
    return (
        f"It is the peak, and the {words.many(scenario.base.workers, 'worker')} are busy "
        f"{100 * case.line.traffic_intensity:.0f} % of the time. A new version is rolled out, and "
        f"for {case.length / 60:.0f} minutes no mail is sent; then all of them work again. How "
        "many minutes later is the backlog gone?"
    )


def _predict_solution(scenario: Scenario) -> str:
    case = _stood_still(scenario)
    rho = case.line.traffic_intensity
    return (
        f"{case.backlog:,.0f} attempts wait, and only what the workers have to spare works them "
        f"off: {case.capacity:.1f} − {case.line.arrival_rate:.1f} a second. That is "
        f"ρ / (1 − ρ) = {rho / (1 - rho):.1f} times as long as the standstill."
    )


def _clear_solution(scenario: Scenario) -> str:
    case, rate = _stood_still(scenario), _needed(scenario)
    exact = _workers_for(scenario, rate)
    return (
        f"{case.backlog:,.0f} attempts in {_CLEAR_S / 60:.0f} minutes are "
        f"{case.backlog / _CLEAR_S:.1f} a second, and {case.line.arrival_rate:.1f} a second come "
        f"meanwhile: {rate:.1f}. A worker makes {capacity(scenario, 1):.1f}, so it takes "
        f"{exact:.2f} workers, which is {math.ceil(exact)}."
    )


def _share_question(scenario: Scenario) -> str:
    case = _short(scenario, scenario.job.transactional_share)
    return (
        f"With {words.many(case.workers, 'worker')} for the whole run and transactional mails "
        f"first, {100 * case.urgent:.0f} % of all, the oldest bulk mail waits "
        f"{words.duration(case.oldest)}. Now the newsletters call themselves transactional as "
        f"well, and {100 * _CALLED_URGENT:.0f} % of all mails go first. How old does the oldest of "
        "the others get?"
    )


def _left(scenario: Scenario) -> float:
    """Attempts a second that the mails that go first leave to the others at the peak."""
    case = _short(scenario, _CALLED_URGENT)
    return float(case.capacity[0]) - _CALLED_URGENT * float(case.attempt_rate.max())


def _share_solution(scenario: Scenario) -> str:
    case = _short(scenario, _CALLED_URGENT)
    others = case.lines[-1]
    return (
        f"The backlog is as large as ever, {words.count(float(case.waiting.max()))} at its worst, "
        f"but {100 * (1 - _CALLED_URGENT):.0f} % of the mails carry all of it. At the peak the "
        f"first ones leave them {_left(scenario):.1f} attempts a second, and a little more as the "
        f"users go: the oldest waits {float(others.oldest.max()) / 60:.0f} minutes. Priority makes "
        "no capacity; the more go first, the less it is worth and the more the others pay."
    )


def _log_question(scenario: Scenario) -> str:
    return (
        f"A diagnosis. You pay for {words.many(scenario.base.workers, 'worker')}. Yet in the log "
        f"of the peak the backlog grows by {_grows(scenario):,.0f} attempts an hour, as straight "
        "as a ruler. How many of your workers are at work?"
    )


def _log_solution(scenario: Scenario) -> str:
    come, grows = sending(scenario).arrival_rate, _grows(scenario) / _HOUR_S
    return (
        f"The backlog grows by {grows:.2f} a second. {come:.2f} come, so {come - grows:.2f} are "
        f"sent, and a worker makes {capacity(scenario, 1):.2f}: {_at_work(scenario)} are at work. "
        "A straight line means a steady lack; users who come and go draw curves."
    )


EXERCISES = (
    Exercise(
        key="06-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="minutes",
        answer=_minutes,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _stood_still(scenario).length / 60,
                "As long as it stood still, if the workers had nothing else to do. But the mails "
                "of the day go on coming, and take most of them.",
            ),
            NearMiss(
                lambda scenario: (
                    _stood_still(scenario).backlog / _stood_still(scenario).capacity / 60
                ),
                "That is the backlog over all that the workers can do. Only what the new mails "
                "leave over works it off.",
            ),
        ),
    ),
    Exercise(
        key="06-clear",
        title="Exercise 1: a quarter of an hour",
        question=lambda scenario: (
            "A design. After the standstill of "
            f"{_stood_still(scenario).length / 60:.0f} minutes at the peak you may start more "
            "workers at once. How many must there be, all together, so that nobody waits any more "
            f"{_CLEAR_S / 60:.0f} minutes after the mails flow again?"
        ),
        unit="workers",
        tolerance=0.0,
        answer=lambda scenario: math.ceil(_workers_for(scenario, _needed(scenario))),
        solution=_clear_solution,
        near_misses=(
            NearMiss(
                lambda scenario: math.ceil(
                    _workers_for(scenario, _stood_still(scenario).backlog / _CLEAR_S)
                ),
                "So many work off the backlog alone. Who sends the mails that come meanwhile?",
            ),
            NearMiss(
                lambda scenario: math.floor(_workers_for(scenario, _needed(scenario))),
                "Nearly: with so many it takes a little longer. Round up.",
            ),
            NearMiss(
                lambda scenario: (
                    scenario.base.workers
                    + math.ceil(_workers_for(scenario, _stood_still(scenario).backlog / _CLEAR_S))
                ),
                "You gave the backlog workers of its own. But those who were there before have "
                "something to spare for it.",
            ),
        ),
        hints=(
            "How many attempts wait when the mails flow again?",
            "In how many seconds must they be gone? So many a second are needed beside what comes.",
            "How many attempts a second does one worker make? Threads over seconds an attempt.",
        ),
    ),
    Exercise(
        key="06-share",
        title="Exercise 2: everything is urgent",
        question=_share_question,
        unit="minutes",
        tolerance=0.02,
        answer=partial(_oldest_min, urgent=_CALLED_URGENT),
        solution=_share_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _oldest_min(scenario, scenario.job.transactional_share),
                "That was before: now more mails go first, and fewer pay for all of them.",
            ),
            NearMiss(
                partial(_oldest_min, urgent=0.0),
                "That is for one line, where all wait alike.",
            ),
            NearMiss(
                lambda scenario: (
                    float(_short(scenario, _CALLED_URGENT).waiting.max()) / _left(scenario) / 60
                ),
                "That would be it if the peak went on. But the users go meanwhile, and the first "
                "mails leave more and more to the others.",
            ),
        ),
        hints=(
            "What does the backlog of all mails together do when the order changes?",
            "What the workers can do, less the mails that go first, is what the others get.",
            "The board can find it: put every control but one where it began.",
        ),
    ),
    Exercise(
        key="06-log",
        title="Exercise 3: a straight line",
        question=_log_question,
        unit="workers",
        tolerance=0.0,
        answer=_at_work,
        solution=_log_solution,
        near_misses=(
            NearMiss(
                lambda scenario: round(
                    scenario.base.workers - _workers_for(scenario, _grows(scenario) / _HOUR_S)
                ),
                "You took what piles up for the work of those who are missing. But all of your "
                "workers together have something to spare: that was lost before anything piled up.",
            ),
            NearMiss(
                lambda scenario: scenario.base.workers - _at_work(scenario),
                "So many stand still. How many are at work?",
            ),
        ),
        hints=(
            "What piles up is what comes less what is sent, a second.",
            "The notebook has what comes in line.arrival_rate.",
            "How many attempts a second does one worker make?",
        ),
    ),
)
