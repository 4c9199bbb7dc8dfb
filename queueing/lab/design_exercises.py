"""The exercises of 12_design_board: the cheapest design, a card read backwards, a spare."""

import math
from dataclasses import replace

from queueing.lab import words
from queueing.lab.cheapest import whole_grid
from queueing.lab.exercises import Exercise, NearMiss
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.plan import WORKERS, plan

_FEWER = 2  # workers than the scenario's own design has, in the card that is read backwards


def _cheapest(scenario: Scenario) -> Scorecard:
    """The cheapest design of the whole grid, judged; the scenario's own where none passes."""
    return scenario.evaluate(whole_grid(scenario).cheapest or scenario.base)


def _cheapest_with(scenario: Scenario, queue: str | None) -> Scorecard:
    """The cheapest that passes of those with a certain queue."""
    found = whole_grid(scenario)
    rows = found.designs.index[found.designs["passes"] & (found.designs["queue"] == queue)]
    cards = (scenario.evaluate(found.listed[number]) for number in rows)
    return next((card for card in cards if card.passes), scenario.evaluate(scenario.base))


def _short(scenario: Scenario) -> Scorecard:
    """The card that is read backwards."""
    base = scenario.base
    return scenario.evaluate(replace(base, workers=max(base.workers - _FEWER, 1)))


def digesting(scenario: Scenario) -> Design:
    """Return a design whose workers digest the events too, as few as keep pace."""
    base = replace(scenario.base, shards=max(scenario.base.shards, 1), sinks=0, workers=1)
    one = plan(scenario, base).load(scenario.traffic.peak_rate)[WORKERS]
    return replace(base, workers=math.floor(one) + 1)


def _load(scenario: Scenario, away: int) -> float:
    """The load of those workers that are left."""
    design = digesting(scenario)
    made = plan(scenario, design).load(scenario.traffic.peak_rate)[WORKERS]
    return made * design.workers / (design.workers - away)


def _away_min(scenario: Scenario) -> float:
    """How many minutes one of them may be away until a mail is too old.

    A mail that is sent at time t, after the worker went, had come at t / rho: it waited the rest.
    """
    return scenario.contract.freshness_s / (1 - 1 / _load(scenario, 1)) / 60


def _predict_solution(scenario: Scenario) -> str:
    card = _cheapest(scenario)
    found = whole_grid(scenario)
    own = scenario.evaluate(scenario.base)
    return (
        f"Of {words.count(len(found.designs))} designs {int(found.designs['passes'].sum())} keep "
        f"the contract, and the cheapest is: {card.design.describe()}. Its P95 is "
        f"{card.p95_ms:.0f} ms, its uptime {100 * card.uptime:.2f} %. The scenario's own design "
        f"costs {own.cost:,.2f} USD."
    )


def _managed_solution(scenario: Scenario) -> str:
    card = _cheapest_with(scenario, scenario.base.queue)
    return (
        f"{card.cost:,.2f} USD a month: {card.design.describe()}. Whatever can be left out has "
        "been: each part that is left keeps a clause that would break without it."
    )


def _card_solution(scenario: Scenario) -> str:
    card = _short(scenario)
    return (
        f"{words.many(card.design.workers, 'worker')}. Latency and uptime do not see the workers; "
        f"the cost and the age of the mails do. They run at {card.worker_load:.2f}."
    )


def _away_solution(scenario: Scenario) -> str:
    design = digesting(scenario)
    repair = 60 * scenario.catalogue.the("worker").mttr_h
    share = math.exp(-_away_min(scenario) / repair)
    return (
        f"{design.workers} workers run at {_load(scenario, 0):.2f}, {design.workers - 1} at "
        f"{_load(scenario, 1):.2f}. So of t minutes' mails only t / {_load(scenario, 1):.2f} are "
        "sent, and the one that is sent at t has waited the rest, a share of "
        f"{1 - 1 / _load(scenario, 1):.2f}. It is {words.duration(scenario.contract.freshness_s)} "
        f"after {_away_min(scenario):.0f} minutes. A repair takes {repair:.0f} minutes in the "
        f"mean, and {100 * share:.0f} % of the repairs are not over by then."
    )


def _kept(card: Scorecard) -> str:
    return ", ".join(f"{check.clause} {words.kept(check)}" for check in card.checks)


EXERCISES = (
    Exercise(
        key="12-predict",
        title="Predict",
        prediction=True,
        question=lambda scenario: (
            "You may spend "
            f"{scenario.contract.budget_usd_month:,.0f} USD a month. What does the cheapest design "
            "cost that keeps every clause of the contract, by theory?"
        ),
        unit="USD a month",
        answer=lambda scenario: _cheapest(scenario).cost,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: scenario.contract.budget_usd_month,
                "That is what may be spent. Nothing says that the cheapest has to use it up.",
            ),
            NearMiss(
                lambda scenario: scenario.evaluate(scenario.base).cost,
                "That is the scenario's own design. It keeps the contract with something to spare, "
                "and some of its parts can do another's work.",
            ),
        ),
    ),
    Exercise(
        key="12-managed",
        title="Exercise 1: no job may be lost",
        question=lambda scenario: (
            "A design. The customer wants no job lost in a crash: the queue has to be "
            f"{scenario.base.queue or 'none'}. What does the cheapest design cost that keeps the "
            "contract with it?"
        ),
        unit="USD a month",
        tolerance=0.002,
        answer=lambda scenario: _cheapest_with(scenario, scenario.base.queue).cost,
        solution=_managed_solution,
        near_misses=(
            NearMiss(
                lambda scenario: scenario.evaluate(scenario.base).cost,
                "That is design E. It passes, but one of its parts can go, and its work is done "
                "by another.",
            ),
            NearMiss(
                lambda scenario: _cheapest(scenario).cost,
                "That is the cheapest of all, and it keeps its queue on Redis.",
            ),
        ),
        hints=(
            "Load design E, then take parts away one at a time and watch the verdict.",
            "Two components digest the events. Who else could?",
        ),
    ),
    Exercise(
        key="12-card",
        title="Exercise 2: a card read backwards",
        question=lambda scenario: (
            "A diagnosis. Somebody built design E with another number of workers and shows you "
            f"only the scorecard: {_kept(_short(scenario))}. How many workers are there?"
        ),
        unit="workers",
        tolerance=0.0,
        answer=lambda scenario: _short(scenario).design.workers,
        solution=_card_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _short(scenario).design.workers + 1,
                "With so many the oldest mail is not that old.",
            ),
        ),
        hints=(
            "Which of the clauses depend on the workers at all?",
            "What does a worker cost? Compare with the cost of design E.",
        ),
    ),
    Exercise(
        key="12-away",
        title="Exercise 3: a worker is away",
        question=lambda scenario: (
            "A diagnosis of a design that passes. In design E without the sink "
            f"{words.many(digesting(scenario).workers, 'worker')} digest the events as well. At "
            "the peak one of them breaks. For how many minutes may it be away until a mail is "
            f"older than {words.duration(scenario.contract.freshness_s)}?"
        ),
        unit="minutes",
        tolerance=0.06,
        answer=_away_min,
        solution=_away_solution,
        near_misses=(
            NearMiss(
                lambda scenario: scenario.contract.freshness_s / 60,
                "The others go on sending: the line grows more slowly than time passes.",
            ),
        ),
        hints=(
            "Build it and read the load of the workers. What is it for those that are left?",
            "Of t minutes' mails they send t / load. How long has the last of them waited?",
        ),
    ),
)
