"""02: why a busy server is slow."""

import math

from queueing.lab.busy import Busy, service_time
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.journey import Journey
from queueing.lab.picture import Picture, draw
from queueing.lab.single import ramp_picture, slowness
from queueing.scenario import Scenario
from queueing.scenario.plan import CPU

_COUNT = 4  # processors that share out the requests, a line each
_AHEAD = 0.1  # of the load: so long before the promise is broken the alarm should ring


def _question(scenario: Scenario) -> str:
    busy, places = Journey(scenario, scenario.base).busy[CPU]
    return (
        "The bill for the servers is on the table, and somebody has circled a number: even at the "
        f'peak the processors are busy {100 * busy / places:.0f} % of the time. "We pay for more '
        'than we need. Let them work at 90 %, that still leaves a tenth to spare." What would that '
        f"do to the answers, of which 95 in 100 are promised within {scenario.contract.p95_ms:g} "
        "ms?"
    )


def _curve(_: Scenario) -> Picture:
    """The board's curve for a request of 10 ms; the scenario's would give the prediction away."""
    case = Busy(arrival_rate=25, service=0.01, promise=0.06)
    return draw(slowness, case, width=560, height=216, aside=124)


def _ramp(scenario: Scenario) -> Picture:
    limit = Busy(
        arrival_rate=0,
        service=service_time(scenario),
        promise=scenario.contract.p95_ms / 1000,
    )
    alarm = math.floor(10 * (limit.most * limit.service - _AHEAD)) / 10
    return ramp_picture(scenario, count=_COUNT, alarm=max(alarm, _AHEAD))


SHEET = Sheet(
    lesson="02",
    question=_question,
    able=(
        "say how slow a server gets by how busy it is, tell a mean from a promise to 95 of 100, "
        "find the most traffic that one server bears, and order the next one in time."
    ),
    formulas=(
        Formula(
            name="Load",
            tex=r"\rho = \lambda S",
            spoken="the load rho is the arrival rate lambda times the service time S",
            symbols=(
                (r"\rho", "load: share of the time in which the server is busy"),
                (r"\lambda", "arrivals a second"),
                ("S", "mean service time, seconds"),
            ),
            valid="One server that keeps up: below 1. Above, it is what is asked of it.",
        ),
        Formula(
            name="What an arrival finds",
            tex=r"W = L S + S",
            spoken="the mean answer W is L times S, plus S",
            symbols=(
                ("W", "mean time of an answer, wait and service, seconds"),
                ("L", "requests that an arrival finds, in the mean"),
            ),
            valid="Random arrivals, exponential services, first come first served.",
        ),
        Formula(
            name="Mean answer",
            tex=r"W = \frac{S}{1 - \rho}",
            spoken="the mean answer W is the service time S over one minus rho",
            symbols=(),
            valid="M/M/1: random arrivals, exponential services, one server; load below 1.",
        ),
        Formula(
            name="Who takes longer than t",
            tex=r"P(T > t) = e^{-t / W}",
            spoken=(
                "the probability that an answer takes longer than t is e to the power of minus t "
                "over W"
            ),
            symbols=(("T", "time of one answer, seconds"), ("t", "a time, seconds")),
            valid="As the mean answer; other services have other tails.",
        ),
    ),
    figures=(_curve, _ramp),
    captions=(
        (
            "A request of 10 ms on one server, by how busy that is: mean answer (solid) and the "
            "time that 95 of 100 stay within (dashed). Promised are six services (dotted): the "
            "marks are the loads that bear it. Grey is a quiet hour."
        ),
        (
            "One of four processors, each with a line of its own, while the users come. Which of "
            "the signs comes first, and which too late?"
        ),
    ),
    rule=lambda _: (
        "Halve the idle time and you double the answer. To keep a P95 of k services, the server "
        "must be idle for the share 3 / k."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (5, "What an arrival finds; Little's law turns it into the mean answer."),
        (3, "The mean is not a promise, and percentiles are not averaged."),
        (4, "The board: what one request a second more costs."),
        (4, "Exercises, in pairs."),
        (1, "Latency is flat until it is a wall; the rule of thumb."),
    ),
    screen=(
        (
            "Arrivals upwards, one by one: each adds more to the mean than the one before, until "
            "nothing goes any more."
        ),
        (
            "Share to 50, then to 99: the more answers the promise covers, the less busy the server"
            " may be."
        ),
        (
            "Service to half of what it is: the server bears more than twice the traffic with the "
            "same promise."
        ),
    ),
)
