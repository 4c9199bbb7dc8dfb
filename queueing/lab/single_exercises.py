"""The exercises of 02_one_server: how busy, how slow, how many."""

import math

from queueing.lab.busy import Busy, service_time
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.pooling import milliseconds
from queueing.scenario import Scenario

_QUIET = 0.45  # load of the server before its traffic doubles
_REPORTED = 2.6  # services that an answer takes in the mean, in the report


def _case(scenario: Scenario, arrival_rate: float) -> Busy:
    """One processor and the contract's P95."""
    return Busy(
        arrival_rate=arrival_rate,
        service=service_time(scenario),
        promise=scenario.contract.p95_ms / 1000,
    )


def _quiet(scenario: Scenario) -> Busy:
    return _case(scenario, round(_QUIET / service_time(scenario)))


def _doubled(scenario: Scenario) -> Busy:
    return _case(scenario, 2 * _quiet(scenario).arrival_rate)


def _most(scenario: Scenario) -> float:
    """Requests a second with which 95 % of the answers keep the contract's time."""
    return _case(scenario, 0).most


def _reported_ms(scenario: Scenario) -> float:
    """The mean answer in the report, a round number."""
    return round(_REPORTED * 1000 * service_time(scenario), -1)


def _idle(scenario: Scenario) -> float:
    """Per cent of the time in which the reported server has nothing to do."""
    return 100 * 1000 * service_time(scenario) / _reported_ms(scenario)


def _processors(scenario: Scenario) -> int:
    """Processors with a line each that keep the contract's time at the peak."""
    return math.ceil(scenario.traffic.peak_rate / _most(scenario))


def _predict_question(scenario: Scenario) -> str:
    quiet, doubled = _quiet(scenario), _doubled(scenario)
    return (
        f"One processor, {milliseconds(quiet.service)} of work a request, everything at random. "
        f"At {quiet.arrival_rate:g} requests a second it is busy {100 * quiet.load:.0f} % of the "
        f"time, and an answer takes {milliseconds(quiet.mean)} in the mean, waiting included. Now "
        f"the traffic doubles to {doubled.arrival_rate:g} a second: it is busy "
        f"{100 * doubled.load:.0f} % of the time. How long does an answer take now?"
    )


def _predict_solution(scenario: Scenario) -> str:
    quiet, doubled = _quiet(scenario), _doubled(scenario)
    return (
        f"Twice the traffic, {doubled.mean / quiet.mean:.1f} times the answer. Idle time shrinks "
        f"from {100 - 100 * quiet.load:.1f} % to {100 - 100 * doubled.load:.1f} % of all time, "
        "and the answer grows by the same factor: W = S / (1 - ρ)."
    )


def _most_solution(scenario: Scenario) -> str:
    case = _case(scenario, _most(scenario))
    return (
        f"95 % are answered within {case.tail:.3f} × W, so W may be {milliseconds(case.promise)} / "
        f"{case.tail:.3f} = {milliseconds(case.mean)}. W = 1 / (μ - λ): λ = "
        f"{1 / case.service:.2f} - {1 / case.mean:.2f} = {case.most:.1f} a second, "
        f"{100 * case.load:.0f} % busy."
    )


def _processors_solution(scenario: Scenario) -> str:
    peak, count = scenario.traffic.peak_rate, _processors(scenario)
    fewer, enough = (_case(scenario, peak / n) for n in (count - 1, count))
    return (
        f"One bears {_most(scenario):.1f} requests a second, and {peak:.1f} / "
        f"{_most(scenario):.1f} = {peak / _most(scenario):.2f}. With {count - 1} processors 95 % "
        f"are answered within {milliseconds(fewer.within)}, with {count} within "
        f"{milliseconds(enough.within)}, each busy {100 * enough.load:.0f} % of the time. That is "
        "dear, and 03_many_servers finds something cheaper."
    )


EXERCISES = (
    Exercise(
        key="02-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="ms",
        answer=lambda scenario: 1000 * _doubled(scenario).mean,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 2000 * _quiet(scenario).mean,
                "Twice the traffic would be twice the answer if waiting grew in step with the "
                "load. It grows with one over the idle time.",
            ),
            NearMiss(
                lambda scenario: 1000 * _quiet(scenario).mean,
                "The service takes as long as before; the line before it does not.",
            ),
        ),
    ),
    Exercise(
        key="02-most",
        title="Exercise 1: the most traffic",
        question=lambda scenario: (
            f"One processor, {milliseconds(service_time(scenario))} a request. The contract wants "
            f"95 % of the answers within {scenario.contract.p95_ms:g} ms. How many requests a "
            "second may there be at most?"
        ),
        unit="requests per second",
        answer=_most,
        solution=_most_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _case(scenario, 0).most_for_the_mean,
                "You used the mean, not the P95: then more than a third of the answers take "
                "longer than was promised.",
            ),
            NearMiss(
                lambda scenario: 1 / service_time(scenario),
                "So many it completes when it never rests. Then the line grows without end.",
            ),
            NearMiss(
                lambda scenario: 0.95 / service_time(scenario),
                "You let the processor be busy 95 % of the time. The 95 % are of the answers.",
            ),
        ),
        hints=(
            "The P95 is ln 20, about three, times the mean. How long may the mean be?",
            "W = 1 / (μ - λ), and μ is one over the service time in seconds.",
            "The board solves it, but in whole milliseconds: it comes close.",
        ),
    ),
    Exercise(
        key="02-report",
        title="Exercise 2: a report with one number",
        question=lambda scenario: (
            "A diagnosis. The report has one number about a processor: an answer takes "
            f"{_reported_ms(scenario):.0f} ms in the mean. A request is "
            f"{milliseconds(service_time(scenario))} of work. How many per cent of the time is "
            "the processor busy?"
        ),
        unit="%",
        answer=lambda scenario: 100 - _idle(scenario),
        solution=lambda scenario: (
            f"1 - ρ = S / W = {1000 * service_time(scenario):.1f} / {_reported_ms(scenario):.0f} = "
            f"{_idle(scenario) / 100:.3f}: it is idle {_idle(scenario):.1f} % of the time and busy "
            f"{100 - _idle(scenario):.1f} %."
        ),
        near_misses=(
            NearMiss(_idle, "That is how long it is idle. The rest of the time it is busy."),
            NearMiss(
                lambda scenario: 100 / _idle(scenario),
                "So many times as long as its service does an answer take. How busy is that?",
            ),
        ),
        hints=(
            "How many times as long as its service does an answer take?",
            "W = S / (1 - ρ), solved for ρ.",
        ),
    ),
    Exercise(
        key="02-processors",
        title="Exercise 3: before latency climbs",
        question=lambda scenario: (
            f"A design. At the peak {scenario.traffic.peak_rate:.0f} requests a second are shared "
            "out evenly among processors, each with a line of its own, and 95 % of the answers "
            f"must take at most {scenario.contract.p95_ms:g} ms. A request is "
            f"{milliseconds(service_time(scenario))} of work. How many processors does that take?"
        ),
        unit="processors",
        tolerance=0.0,
        answer=_processors,
        solution=_processors_solution,
        near_misses=(
            NearMiss(
                lambda scenario: math.ceil(scenario.traffic.peak_rate * service_time(scenario)),
                "With so many they keep up, for each is busy less than all the time. But far more "
                "than 5 % of the answers take longer than promised.",
            ),
            NearMiss(
                lambda scenario: _processors(scenario) - 1,
                "You rounded down. One too few, and every one of them is a little too busy.",
            ),
        ),
        hints=(
            "How many requests a second does one processor bear? Exercise 1 has it.",
            "Divide the peak by that, and round up: there is no part of a processor.",
        ),
    ),
)
