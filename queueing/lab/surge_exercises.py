"""The exercises of 11_the_surge: what a run of 54 hours may bring."""

import math
from typing import Any

from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.remembered import remembered
from queueing.lab.sizing import short_of_workers
from queueing.scenario import Scenario
from queueing.scenario.plan import ENQUEUE, PlanPart, plan

_LOST = 0.006  # of a run's requests, in the diagnosis
_SEED, _RUNS = 2026, 4000


@remembered
def _outages(scenario: Scenario) -> Any:
    """The runs of outages alone."""
    from queueing.scenario.outages import outages  # noqa: PLC0415, drawn only when it is asked for

    return outages(scenario, scenario.base, runs=_RUNS, seed=_SEED)


def _kept(scenario: Scenario) -> float:
    """Runs of a hundred that keep their uptime."""
    return 100 * float(_outages(scenario).passes.mean)


def _clear_h(scenario: Scenario) -> float:
    """The hour at which the backlog of too few workers is gone."""
    backlog = short_of_workers(scenario).timeline["backlog"]
    after = backlog.loc[backlog.idxmax() :]
    return float(after.index[(after < 1).to_numpy()][0])


def _worst_h(scenario: Scenario) -> float:
    backlog = short_of_workers(scenario).timeline["backlog"]
    return float(backlog.index[int(backlog.to_numpy().argmax())])


def _last_in_line_h(scenario: Scenario) -> float:
    """The hour at which the mail that waited longest would have been sent."""
    return _worst_h(scenario) + short_of_workers(scenario).oldest_mail_s / 3600


def _minutes(scenario: Scenario) -> float:
    """Minutes of the peak in which so many of the requests arrive as were lost."""
    return _LOST * scenario.traffic.requests / scenario.traffic.peak_rate / 60


def _queue(scenario: Scenario) -> PlanPart:
    """The part without which no mail is taken."""
    parts = plan(scenario, scenario.base).parts
    return next(part for part in parts if ENQUEUE in part.resources)


def _outages_a_run(scenario: Scenario) -> float:
    part = _queue(scenario)
    return scenario.traffic.horizon_h * (1 - part.availability) / (part.mttr_h * part.availability)


def _share_too_long(scenario: Scenario) -> float:
    """The share of the queue's outages that outlast what was promised for the oldest mail."""
    return math.exp(-scenario.contract.freshness_s / 3600 / _queue(scenario).mttr_h)


def _broken(scenario: Scenario, share: float) -> float:
    """Runs of a hundred with at least one such outage."""
    return 100 * -math.expm1(-_outages_a_run(scenario) * share)


def _predict_solution(scenario: Scenario) -> str:
    drawn = _outages(scenario)
    return (
        f"Over {_RUNS:,} runs the mean uptime is {100 * drawn.uptime.mean:.2f} %, and "
        f"{_kept(scenario):.0f} of 100 keep {100 * scenario.contract.uptime:g} %. Most runs see "
        "hardly an outage and do better than the mean; a few see a long one and pay for all."
    )


def _clear_solution(scenario: Scenario) -> str:
    card, worst = short_of_workers(scenario), _worst_h(scenario)
    return (
        f"At hour {worst:.1f} {words.count(card.worst_backlog)} mails wait. The users leave step "
        "by step, and until they are gone their mails take a part of what the workers can do: "
        f"the backlog is gone at hour {_clear_h(scenario):.1f}."
    )


def _outage_solution(scenario: Scenario) -> str:
    traffic = scenario.traffic
    lost = _LOST * traffic.requests
    return (
        f"A run has {traffic.requests / 1e6:.1f} million requests; {100 * _LOST:g} % are "
        f"{lost:,.0f}. At the peak {traffic.peak_rate:.1f} arrive a second, so that takes "
        f"{lost / traffic.peak_rate:.0f} seconds, or {_minutes(scenario):.1f} minutes. A night's "
        "outage could last much longer for the same loss."
    )


def _queue_solution(scenario: Scenario) -> str:
    part, limit = _queue(scenario), words.duration(scenario.contract.freshness_s)
    return (
        f"The queue is up {100 * part.availability:g} % of the time and away for "
        f"{60 * part.mttr_h:g} minutes in the mean: {_outages_a_run(scenario):.3f} outages a run. "
        f"Of them {100 * _share_too_long(scenario):.0f} % last longer than {limit}. The "
        "probability of at least one of those is 1 − "
        f"exp(−{_outages_a_run(scenario) * _share_too_long(scenario):.3f}): "
        f"{_broken(scenario, _share_too_long(scenario)):.1f} runs of 100. More workers do not "
        "help."
    )


EXERCISES = (
    Exercise(
        key="11-predict",
        title="Predict",
        prediction=True,
        question=lambda scenario: (
            "Theory gives the design an uptime of "
            f"{100 * scenario.evaluate(scenario.base).uptime:.2f} % in the mean; promised are "
            f"{100 * scenario.contract.uptime:g} %. Imagine 100 such sales, "
            f"{scenario.traffic.horizon_h:g} hours each. In how many of them is the promise kept?"
        ),
        unit="runs of 100",
        answer=_kept,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda _: 100.0,
                "A mean that keeps the promise is made of runs that keep it and runs that do not.",
            ),
            NearMiss(
                lambda _: 50.0,
                "Half and half would be right if outages were spread evenly round the mean. "
                "They are not: most runs have nearly none.",
            ),
        ),
    ),
    Exercise(
        key="11-clear",
        title="Exercise 1: the end of the backlog",
        question=lambda scenario: (
            f"With {words.many(short_of_workers(scenario).design.workers, 'worker')} the backlog "
            f"is largest at hour {_worst_h(scenario):.1f}, when the users begin to leave. At which "
            "hour is it gone, by theory?"
        ),
        unit="h",
        tolerance=0.005,
        answer=_clear_h,
        solution=_clear_solution,
        near_misses=(
            NearMiss(
                _last_in_line_h,
                "By then those are sent who waited when it was worst. But mails keep coming, and "
                "stand in line behind them.",
            ),
            NearMiss(_worst_h, "Then it stops growing. It must still be worked off."),
        ),
        hints=(
            "The board, the figure or a table shows it: evaluate the design with fewer workers.",
            "card.timeline.backlog is the backlog by hour. Where is it below 1 again?",
        ),
    ),
    Exercise(
        key="11-outage",
        title="Exercise 2: one outage",
        question=lambda _: (
            f"A diagnosis. A run ends with an uptime of {100 * (1 - _LOST):.1f} %. Nothing was "
            "too slow and nothing was turned away; there was one outage, at the peak, and during "
            "it no request was answered. How many minutes did it last?"
        ),
        unit="minutes",
        tolerance=0.02,
        answer=_minutes,
        solution=_outage_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 60 * _LOST * scenario.traffic.horizon_h,
                "You took a share of the hours. Uptime counts requests, and at the peak an hour "
                "has more of them than at night.",
            ),
        ),
        hints=(
            "How many requests has a run? forge.traffic.requests.",
            "How many were lost, and how long does it take at the peak until so many arrive?",
        ),
    ),
    Exercise(
        key="11-queue",
        title="Exercise 3: old mail, few mails",
        question=lambda scenario: (
            "A diagnosis. In one of the full runs the oldest mail was far too old, though there "
            "were workers enough and few mails waited: the queue itself was away. It is up "
            f"{100 * _queue(scenario).availability:g} % of the time, and an outage takes "
            f"{60 * _queue(scenario).mttr_h:g} minutes in the mean (exponential). In how many of "
            "100 runs is it away for more than the promised "
            f"{words.duration(scenario.contract.freshness_s)} at a stretch?"
        ),
        unit="runs of 100",
        tolerance=0.03,
        answer=lambda scenario: _broken(scenario, _share_too_long(scenario)),
        solution=_queue_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _broken(scenario, 1.0),
                "You counted every outage. A short one makes no mail too old.",
            ),
            NearMiss(
                lambda scenario: 100 * (1 - _queue(scenario).availability),
                "That is the share of the time. A run is long: most outages fall into some run.",
            ),
        ),
        hints=(
            "Away for so long each time, and for so small a share of all time: how often is that?",
            "How many outages has a run, then, and which share of them lasts longer than promised?",
            "With m such outages in the mean, a run has none of them with probability exp(−m).",
        ),
    ),
)
