"""The exercises of the first lesson: an unseen backlog, events, slow receivers."""

import math
from dataclasses import replace

from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.figures import peak_hours
from queueing.lab.house import capacity
from queueing.lab.sizing import Sizing, short_of_workers
from queueing.scenario import Scenario
from queueing.scenario.plan import expected_attempts, plan

# Facts that the exercises share


def _mails(scenario: Scenario) -> float:
    """Mails a second at the peak."""
    return scenario.traffic.peak_rate * scenario.mails_per_request


def _attempts(scenario: Scenario) -> float:
    """Attempts that a mail takes, in the mean."""
    job = plan(scenario, scenario.base).job
    return expected_attempts(job) if job else 1.0


def _events(scenario: Scenario) -> float:
    """Events a second at the peak."""
    return scenario.traffic.peak_rate * plan(scenario, scenario.base).events_per_request


_SLOWER = 1.5  # times as long as usual that the receiving servers take


def _slow(scenario: Scenario) -> Scenario:
    """The same scenario with slow receivers."""
    smtp = scenario.job.smtp
    slow = smtp.model_copy(update={"mean_ms": _SLOWER * smtp.mean_ms})
    return replace(scenario, job=scenario.job.model_copy(update={"smtp": slow}))


def _slow_workers(scenario: Scenario) -> float:
    slow = _slow(scenario)
    return Sizing(slow, 4 * max(scenario.base.workers, 3)).fewest_workers(slow.base) or math.inf


def _slow_load(scenario: Scenario) -> float:
    """Threads that slow receivers keep busy at the peak."""
    slow = _slow(scenario)
    return plan(slow, slow.base).work["workers"] * slow.traffic.peak_rate


def _threads(scenario: Scenario) -> int:
    return scenario.catalogue.the("worker").slots


def _surplus(scenario: Scenario) -> float:
    """Per cent by which the work exceeds what too few workers can do."""
    return 100 * (short_of_workers(scenario).worker_load - 1)


def _peak_h(scenario: Scenario) -> float:
    """Hours that the peak lasts."""
    start, end = peak_hours(scenario)
    return end - start


def _prediction_question(scenario: Scenario) -> str:
    hours = _peak_h(scenario)
    long = "a day" if round(hours) in range(22, 27) else f"{hours:.0f} hours"
    return (
        f"For about {long} the workers are handed {_surplus(scenario):.0f} % more work than they "
        "can do. Nothing breaks, nothing else is short. How old is the oldest mail in the queue "
        "when things are at their worst? A guess will do."
    )


def _prediction_solution(scenario: Scenario) -> str:
    card, surplus = short_of_workers(scenario), _surplus(scenario)
    rate, hours = capacity(scenario, card.design.workers), _peak_h(scenario)
    return (
        f"{words.mails(card)} That is the time in which the workers get through so many, at "
        f"{rate:.1f} a second. Without a computer: {surplus:.0f} % too much for the {hours:.1f} "
        f"hours of the peak leaves {surplus:.0f} % of them over, "
        f"{words.duration(surplus / 100 * hours * 3600)}. At either end of the peak a little less "
        "comes."
    )


def _events_solution(scenario: Scenario) -> str:
    per_mail = scenario.tracking.events_per_mail
    return (
        f"{scenario.traffic.peak_rate:.1f} requests a second, of which "
        f"{scenario.mails_per_request:g} send a mail: {_mails(scenario):.1f} mails a second. Each "
        f"is delivered once, however many attempts that takes, and brings {per_mail:g} events: "
        f"{_events(scenario):.0f} events a second. One shard takes "
        f"{scenario.catalogue.the('stream').records_per_s:,.0f}."
    )


def _slow_solution(scenario: Scenario) -> str:
    slow, load = _slow(scenario), _slow_load(scenario)
    workers = round(_slow_workers(scenario))
    seconds = load / (_mails(slow) * _attempts(slow))
    cost = slow.evaluate(replace(slow.base, workers=workers)).cost
    budget = scenario.contract.budget_usd_month
    over = f", {cost - budget:.2f} over the budget" if cost > budget else ", within the budget"
    return (
        f"An attempt now takes {seconds:.3f} s. {_mails(slow):.1f} mails a second × "
        f"{_attempts(slow):.3f} attempts × {seconds:.3f} s keep {load:.1f} threads busy. "
        f"{workers - 1} workers have {(workers - 1) * _threads(slow)} threads, {workers} have "
        f"{workers * _threads(slow)}: load {load / workers / _threads(slow):.2f}. The bill is then "
        f"{cost:.2f} USD a month{over}."
    )


EXERCISES = (
    Exercise(
        key="00-predict",
        title="Predict",
        prediction=True,
        question=_prediction_question,
        unit="minutes",
        answer=lambda scenario: short_of_workers(scenario).oldest_mail_s / 60,
        solution=_prediction_solution,
        near_misses=(
            NearMiss(
                _surplus,
                "So many per cent are not so many minutes: what is left over every minute waits, "
                "and hours of it add up.",
            ),
            NearMiss(
                lambda scenario: scenario.contract.freshness_s / 60,
                "That is what was promised. Nothing in the system knows of the promise.",
            ),
        ),
    ),
    Exercise(
        key="00-events",
        title="Exercise 1: events",
        question=lambda scenario: (
            f"Every delivered mail brings back {scenario.tracking.events_per_mail:g} events: "
            "delivered, opened, clicked. How many events a second is that at the peak?"
        ),
        unit="events per second",
        answer=_events,
        solution=_events_solution,
        near_misses=(
            NearMiss(
                lambda scenario: scenario.traffic.peak_rate * scenario.tracking.events_per_mail,
                "You counted every request, but not every request sends a mail.",
            ),
            NearMiss(
                lambda scenario: _events(scenario) * _attempts(scenario),
                "You counted attempts. One that fails delivers nothing and brings no event.",
            ),
        ),
        hints=(
            "Go the way of the mails: users, requests, mails, events.",
            "The notebook has the mails a second at the peak in a variable.",
        ),
    ),
    Exercise(
        key="00-slow-receivers",
        title="Exercise 2: slow receivers",
        question=lambda scenario: (
            "On the day of the sale everybody sends, and the receiving servers are slow: the "
            f"SMTP conversation takes {_SLOWER * scenario.job.smtp.mean_ms / 1000:g} seconds "
            f"instead of {scenario.job.smtp.mean_ms / 1000:g}. How many workers keep the mails "
            "fresh?"
        ),
        unit="workers",
        tolerance=0.0,
        answer=_slow_workers,
        solution=_slow_solution,
        near_misses=(
            NearMiss(
                lambda scenario: math.floor(_slow_load(scenario) / _threads(scenario)),
                "Nearly: with so many the load is still a little above 1, and a queue that is "
                "offered more than it can do grows as long as that lasts.",
            ),
            NearMiss(
                lambda scenario: math.ceil(_SLOWER * scenario.base.workers),
                "You scaled the number of workers. Scale their work: rendering is as quick as "
                "before, and the workers had some room.",
            ),
        ),
        hints=(
            "How many seconds does an attempt take now, with rendering and acknowledging?",
            "Mails a second × attempts a mail × seconds an attempt: so many are busy.",
            "How many threads has a worker? Round up to whole workers; what is their load?",
        ),
    ),
)
