"""The exercises of 05_request_path: a mixture, slots that are held, and a cache gone cold."""

import math

from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.journey import P95, Journey, inside
from queueing.lab.pooling import milliseconds
from queueing.lab.request_path import share
from queueing.scenario import Scenario
from queueing.scenario.plan import CPU, DATABASE, SLOTS, plan

_ROOMY, _ROOMIER = 0.75, 0.6  # share of its slots that a server should have busy at most
_COLD = 62  # per cent of the lookups that a cold cache answers


# A first plan, and twice its servers


def _first_plan(scenario: Scenario) -> Journey:
    """Return the plan that sends inside the request, with servers enough for the slots it holds."""
    return Journey(scenario, inside(scenario, _servers(scenario, SLOTS, _ROOMY)))


def _twice(scenario: Scenario) -> Journey:
    return Journey(scenario, inside(scenario, 2 * _first_plan(scenario).design.servers))


def _servers(scenario: Scenario, station: str, most_busy: float) -> int:
    """Return the fewest servers of which no more than a share of a station is busy in the mean."""
    made = plan(scenario, inside(scenario, 1))
    busy = scenario.traffic.peak_rate * made.work[station]
    return math.ceil(busy / (most_busy * made.server_places[station]))


def _p95(journey: Journey) -> str:
    return milliseconds(journey.card.peak.p95_s)


def _predict_question(scenario: Scenario) -> str:
    first = _first_plan(scenario)
    busy, places = first.busy[CPU]
    return (
        "A first plan for MailForge sends each mail inside the request: it renders the mail, "
        "talks to the receiving server, and then answers. With "
        f"{first.design.servers} servers P95 at the peak is {_p95(first)}, and a processor is "
        f"busy {share(busy / places)} of the time. Promised are "
        f"{milliseconds(first.promise)}. Now double the servers. What is P95 then?"
    )


def _predict_solution(scenario: Scenario) -> str:
    twice = _twice(scenario)
    smtp = scenario.job.smtp.mean_ms
    return (
        f"{twice.design.servers} servers cost {twice.cost:,.0f} USD a month, and P95 is "
        f"{_p95(twice)} instead of {_p95(_first_plan(scenario))}. If nobody ever waited it would "
        f"be {milliseconds(float(twice.bare.ppf(P95)))}: {share(scenario.mails_per_request)} of "
        "the requests send a mail, and talking to the receiving server takes "
        f"{smtp:g} ms by itself."
    )


# Another mix


def _late(scenario: Scenario) -> dict[str, float]:
    return Journey(scenario, scenario.base).late


def _shares(scenario: Scenario) -> dict[str, float]:
    return {name: kind.share for name, kind in scenario.classes.items()}


def _ends(scenario: Scenario) -> tuple[str, str]:
    """Return the class that is late most often, and the one that is least often."""
    late = _late(scenario)
    return max(late, key=lambda name: late[name]), min(late, key=lambda name: late[name])


def _new_shares(scenario: Scenario) -> dict[str, float]:
    """Return the shares with twice as many of the slowest class, taken from the quickest."""
    shares, (slow, quick) = _shares(scenario), _ends(scenario)
    moved = min(shares[slow], shares[quick])
    return shares | {slow: shares[slow] + moved, quick: shares[quick] - moved}


def _late_of(scenario: Scenario, shares: dict[str, float]) -> float:
    """Return the late share of a mix, per cent."""
    return 100 * math.fsum(shares[name] * late for name, late in _late(scenario).items())


def _mix_question(scenario: Scenario) -> str:
    late, new, (slow, quick) = _late(scenario), _new_shares(scenario), _ends(scenario)
    told = words.listed([f"{name} {100 * part:.2f} %" for name, part in late.items()])
    return (
        f"Later than {scenario.contract.p95_ms:g} ms are, in our design at the peak: {told}. A "
        f"new customer changes the mix: {slow} becomes {share(new[slow])} of all requests, {quick} "
        f"only {share(new[quick])}, the others stay. Take each class's times as they are. What "
        "share of all requests is late then?"
    )


def _mix_solution(scenario: Scenario) -> str:
    late, new = _late(scenario), _new_shares(scenario)
    terms = " + ".join(f"{new[name]:g} × {100 * part:.2f}" for name, part in late.items())
    before, after = _late_of(scenario, _shares(scenario)), _late_of(scenario, new)
    verdict = "more" if after > 100 * (1 - P95) else "not more"
    return (
        f"{terms} = {after:.2f} % instead of {before:.2f} %, and that is {verdict} than the 5 % "
        "that P95 allows. Tails are averaged, and by the classes' shares."
    )


# Slots


def _slots_question(scenario: Scenario) -> str:
    made = plan(scenario, inside(scenario, 1))
    return (
        "A design. The owner insists: mails are sent inside the request. At the peak come "
        f"{scenario.traffic.peak_rate:.1f} requests a second, and without any wait each holds its "
        f"slot for {milliseconds(made.work[SLOTS])} in the mean, of which a processor works "
        f"{milliseconds(made.work[CPU])}. A server has {made.server_places[SLOTS]} slots and "
        f"{made.server_places[CPU]} processors. How many servers keep both slots and processors "
        f"busy at most {share(_ROOMIER)} of the time?"
    )


def _slots_solution(scenario: Scenario) -> str:
    made, rate = plan(scenario, inside(scenario, 1)), scenario.traffic.peak_rate
    servers = _servers(scenario, SLOTS, _ROOMIER)
    slots = rate * made.work[SLOTS]
    processors = rate * made.work[CPU] / (servers * made.server_places[CPU])
    return (
        f"{rate:.1f} × {made.work[SLOTS]:.4f} s = {slots:.1f} slots are busy; of a server's "
        f"{made.server_places[SLOTS]} only {_ROOMIER * made.server_places[SLOTS]:g} may be, so it "
        f"takes {servers} servers. Their processors are then busy {share(processors)} of the time: "
        "the money is spent on places to wait in."
    )


# A cold cache


def _cold(scenario: Scenario) -> Journey:
    cache = scenario.base.cache or next(iter(scenario.catalogue["redis"]))
    return Journey(scenario, scenario.design(cache=cache, hit_ratio=_COLD / 100))


def _cold_question(scenario: Scenario) -> str:
    usual, cold = Journey(scenario, scenario.base), _cold(scenario)
    processors, places = cold.busy[CPU]
    return (
        f"A diagnosis. After a restart P95 is {_p95(cold)} instead of {_p95(usual)}. As many "
        f"requests come as ever, and the processors are busy {share(processors / places)} of the "
        f"time, as ever. But of {cold.busy[SLOTS][1]} slots {cold.busy[SLOTS][0]:.1f} are busy "
        f"instead of {usual.busy[SLOTS][0]:.1f}, and of the {cold.busy[DATABASE][1]} places of the "
        f"database {cold.busy[DATABASE][0]:.2f} instead of {usual.busy[DATABASE][0]:.2f}. What "
        "share of its lookups does the cache still answer, if it is the same for all classes?"
    )


def _cold_solution(scenario: Scenario) -> str:
    usual, cold = Journey(scenario, scenario.base), _cold(scenario)
    return (
        f"{_COLD} %. Each miss goes to the database. A request now holds its slot for "
        f"{milliseconds(cold.held)} instead of {milliseconds(usual.held)}, and so many more slots "
        "are busy, by Little's law. The processors know nothing of it: who watches them alone "
        "sees a healthy system."
    )


EXERCISES = (
    Exercise(
        key="05-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="ms",
        answer=lambda scenario: 1000 * _twice(scenario).card.peak.p95_s,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 500 * _first_plan(scenario).card.peak.p95_s,
                "Twice the servers halve what waits for a server. Here hardly anybody does: the "
                "receiving server takes the time.",
            ),
            NearMiss(
                lambda scenario: scenario.contract.p95_ms,
                "That is what was promised. Servers cannot shorten what another server takes.",
            ),
        ),
    ),
    Exercise(
        key="05-mix",
        title="Exercise 1: another mix",
        question=_mix_question,
        unit="%",
        tolerance=0.01,
        answer=lambda scenario: _late_of(scenario, _new_shares(scenario)),
        solution=_mix_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 100 * sum(_late(scenario).values()) / len(_late(scenario)),
                "That is the plain mean of the classes. Some are asked more often than others.",
            ),
            NearMiss(
                lambda scenario: _late_of(scenario, _shares(scenario)),
                "That is the share before the new customer came.",
            ),
        ),
        hints=(
            "Of a mixture the tails are averaged: each class's late share times its part of all.",
            "forge.classes[name].share is the part of a class today; two of them change.",
        ),
    ),
    Exercise(
        key="05-slots",
        title="Exercise 2: places to wait in",
        question=_slots_question,
        unit="servers",
        tolerance=0.0,
        answer=lambda scenario: max(
            _servers(scenario, station, _ROOMIER) for station in (SLOTS, CPU)
        ),
        solution=_slots_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _servers(scenario, CPU, _ROOMIER),
                "That is enough for the processors. But a request keeps its slot while it talks "
                "to the receiving server, and no processor works then.",
            ),
            NearMiss(
                lambda scenario: _servers(scenario, SLOTS, 1.0),
                "With so many nearly all slots are busy all the time. Some room was asked for.",
            ),
        ),
        hints=(
            "Little's law: busy slots = requests a second × seconds for which each is held.",
            "How many slots of a server may be busy in the mean? Divide, and round up.",
        ),
    ),
    Exercise(
        key="05-cold",
        title="Exercise 3: the processors are fine",
        question=_cold_question,
        unit="%",
        tolerance=0.0,
        answer=lambda _: _COLD,
        solution=_cold_solution,
        near_misses=(NearMiss(lambda _: 100 - _COLD, "So many miss. How many hit?"),),
        hints=(
            "Processors as ever, the database busier: more requests go there than usual.",
            "The board can find it: turn the cache hits until P95 is what was measured.",
        ),
    ),
)
