"""The exercises of 10_uptime_and_cost: spares, weak parts and the price of a nine."""

import math
from functools import cache

from queueing import KOutOfN
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.nines import Nines, downtimes, month_minutes
from queueing.lab.remembered import remembered
from queueing.lab.uptime import minutes_of, percent
from queueing.scenario import Scenario
from queueing.scenario.availability import k_out_of_n, needed_parts
from queueing.scenario.plan import SLOTS, PlanPart

_NINE = 0.999
_FEW_SECONDS = 1.0  # minutes a month that servers may be short, in the exercise of one repairer


def servers(scenario: Scenario) -> tuple[PlanPart, int]:
    """Return the servers as a part that fails, and how many of them are needed."""
    return next(
        (part, needed)
        for part, needed in needed_parts(scenario, scenario.base)
        if SLOTS in part.resources
    )


def server_group(scenario: Scenario, number: int, repairers: int) -> KOutOfN:
    """Return so many servers of which the needed ones must be up; rates are per hour."""
    part, needed = servers(scenario)
    return KOutOfN(
        n=number,
        k=needed,
        failure_rate=(1 - part.availability) / part.availability / part.mttr_h,
        repair_rate=1 / part.mttr_h,
        repairers=repairers,
    )


@remembered
def _nines(scenario: Scenario) -> Nines:
    return Nines(scenario)


def _short_s(scenario: Scenario, spare: int) -> float:
    """Seconds of a run in which too few servers are up."""
    part, needed = servers(scenario)
    up = k_out_of_n(needed, needed + spare, part.availability)
    return 3600 * scenario.traffic.horizon_h * (1 - up)


@cache
def _with_one_repairer(failure_rate: float, repair_rate: float, needed: int, month: float) -> int:
    number = needed
    while True:
        group = KOutOfN(
            n=number, k=needed, failure_rate=failure_rate, repair_rate=repair_rate, repairers=1
        )
        if month * group.unavailability <= _FEW_SECONDS:
            return number
        number += 1


def _one_repairer(scenario: Scenario) -> int:
    group = server_group(scenario, servers(scenario)[1], 1)
    month = month_minutes(scenario)
    return _with_one_repairer(group.failure_rate, group.repair_rate, group.k, month)


def _down(scenario: Scenario) -> float:
    """Minutes a month in which a needed part of the scenario's own design is short."""
    up = math.prod(
        k_out_of_n(needed, part.n, part.availability)
        for part, needed in needed_parts(scenario, scenario.base)
    )
    return month_minutes(scenario) * (1 - up)


def _weakest(scenario: Scenario) -> tuple[str, float]:
    found = downtimes(scenario, scenario.base)
    return max(found.items(), key=lambda item: item[1])


def _others(scenario: Scenario) -> float:
    """Per cent of uptime if the weakest part were never down."""
    share = _weakest(scenario)[1] / month_minutes(scenario)
    return 100 * (1 - _down(scenario) / month_minutes(scenario)) / (1 - share)


def _nine(scenario: Scenario) -> float:
    card = _nines(scenario).cheapest((1 - _NINE) * month_minutes(scenario) * (1 + 1e-12))
    return card.cost if card else math.inf


def _predict_solution(scenario: Scenario) -> str:
    part, needed = servers(scenario)
    lack = 100 * (1 - k_out_of_n(needed, needed + 1, part.availability))
    return (
        f"With a spare, two servers have to be away at once, and that is so {lack:.3f} % of the "
        f"time: {_short_s(scenario, 1):.0f} seconds instead of {_short_s(scenario, 0) / 60:.0f} "
        "minutes."
    )


def _others_solution(scenario: Scenario) -> str:
    name, minutes = _weakest(scenario)
    month = month_minutes(scenario)
    return (
        f"All parts together are up {100 * (1 - _down(scenario) / month):.3f} % of the time, the "
        f"{name} {100 * (1 - minutes / month):.3f} %. Divided, {_others(scenario):.3f} % are left "
        "for the others: parts in series are a product."
    )


def _repairer_solution(scenario: Scenario) -> str:
    number, month = _one_repairer(scenario), month_minutes(scenario)
    fewer, enough = (
        month * server_group(scenario, n, 1).unavailability for n in (number - 1, number)
    )
    return (
        f"With {number - 1} servers they are short {minutes_of(fewer)} a month, with {number} "
        f"{minutes_of(enough)}. One repairer doubles what {number - 1} servers lack: with two "
        "down, one of them waits."
    )


def _nine_solution(scenario: Scenario) -> str:
    nines = _nines(scenario)
    card = nines.cheapest((1 - _NINE) * month_minutes(scenario))
    if card is None:
        return "None of these designs reaches it."
    own = nines.card(scenario.base)
    return (
        f"{card.cost:,.2f} USD a month for an uptime of {percent(card.uptime)}, and P95 is "
        f"{card.p95_ms:.0f} ms. The scenario's own design costs {own.cost:,.2f} USD and is up "
        f"{percent(own.uptime)}: the nine is not dearer, it wants the weakest part out of the "
        "way. What it costs is in the small print: a queue on Redis may lose the last second of "
        "jobs when it crashes."
    )


EXERCISES = (
    Exercise(
        key="10-predict",
        title="Predict",
        prediction=True,
        question=lambda scenario: (
            f"At the peak {servers(scenario)[1]} servers are needed, and each is up "
            f"{100 * servers(scenario)[0].availability:g} % of the time. With "
            f"{servers(scenario)[1]} servers one is missing for "
            f"{_short_s(scenario, 0) / 60:.0f} minutes of the {scenario.traffic.horizon_h:g} "
            "hours, in the mean. Now buy one more, a spare. For how many seconds are there still "
            "too few?"
        ),
        unit="seconds",
        answer=lambda scenario: _short_s(scenario, 1),
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _short_s(scenario, 0) / 2,
                "A spare does not halve the lack: now two servers must be away at the same "
                "time, and that is rare.",
            ),
            NearMiss(
                lambda scenario: _short_s(scenario, 0),
                "That is what it was without the spare, in seconds.",
            ),
            NearMiss(
                lambda _: 0.0,
                "Nearly never is not never: two servers can be away at once.",
            ),
        ),
    ),
    Exercise(
        key="10-others",
        title="Exercise 1: without the weakest",
        question=lambda scenario: (
            f"A diagnosis. The {_weakest(scenario)[0]} is the weakest part of our design. If it "
            "were never down, what would the uptime be, all other parts as they are?"
        ),
        unit="%",
        tolerance=0.00005,
        answer=_others,
        solution=_others_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 100 * (1 - _down(scenario) / month_minutes(scenario)),
                "That is the uptime with it. Take its share out.",
            ),
            NearMiss(
                lambda scenario: 100 * (1 - _weakest(scenario)[1] / month_minutes(scenario)),
                "That is the uptime of the weakest part alone.",
            ),
        ),
        hints=(
            "Parts in series are a product. Which factor falls away?",
            "Give three digits after the point: nines are made of them.",
        ),
    ),
    Exercise(
        key="10-repairer",
        title="Exercise 2: one pair of hands",
        question=lambda scenario: (
            f"A design. {servers(scenario)[1]} servers are needed, as before, but now a single "
            "person mends them, one after the other. How many servers must there be, so that too "
            "few are up for no more than a minute a month?"
        ),
        unit="servers",
        tolerance=0.0,
        answer=_one_repairer,
        solution=_repairer_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _one_repairer(scenario) - 1,
                "Nearly: with so many it is some minutes a month.",
            ),
            NearMiss(
                lambda scenario: servers(scenario)[1],
                "So many are needed, and none may fail then.",
            ),
        ),
        hints=(
            "server_group(forge, number, repairers=1).unavailability is a share of any time.",
            "Try one server more at a time.",
        ),
    ),
    Exercise(
        key="10-nine",
        title="Exercise 3: the third nine",
        question=lambda _: (
            f"A design. An uptime of {100 * _NINE:g} % is wanted, with P95 and mails as in the "
            "contract. What does the cheapest design of the board cost that keeps it?"
        ),
        unit="USD a month",
        tolerance=0.002,
        answer=_nine,
        solution=_nine_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _nines(scenario).card(scenario.base).cost,
                "That is our own design. It keeps the contract, but not the third nine.",
            ),
            NearMiss(
                lambda scenario: (
                    _nines(scenario).card(scenario.design(servers=scenario.base.servers + 1)).cost
                ),
                "Another server is another spare for servers. Which part is down the most?",
            ),
        ),
        hints=(
            "A month has forge.cost.hours_per_month hours; how many minutes may be lost?",
            "Set that on the board and read the lower left.",
        ),
    ),
)
