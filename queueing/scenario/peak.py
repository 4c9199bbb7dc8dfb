"""An hour of the peak by chance, and what the load balancer's habit does to it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from queueing import checks
from queueing.scenario.design import Design
from queueing.scenario.plan import SLOTS
from queueing.scenario.scenario import Scenario
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import replicate, seeds

Routing = Literal["fewest", "turns", "random"]
ROUTINGS: tuple[Routing, ...] = ("fewest", "turns", "random")

_WARM = 120.0  # seconds until nobody remembers that the run began empty
_TRAILING = 6  # times their mean delay, until web-hooks come as often as they ever will
_P95 = 95 / 100


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What the users met at a steady peak: P95 of all and of each class, and the slots taken."""

    p95_ms: Estimate
    class_p95_ms: dict[str, Estimate]
    slots_busy: Estimate


def peak(
    scenario: Scenario,
    design: Design,
    *,
    routing: Routing = "fewest",
    minutes: float = 30,
    replications: int = 4,
    seed: int | None = None,
) -> Peak:
    """Return the latency of the users' requests at a steady peak, every request simulated.

    All parts are up. `routing` is what the load balancer does: "fewest" sends to the server with
    the fewest requests present, "turns" to each in turn, "random" to any. Raises `ValueError`.
    """
    if routing not in ROUTINGS:
        raise ValueError(f"routing is one of {', '.join(ROUTINGS)}, got {routing!r}")
    seconds = 60 * checks.real("minutes", minutes, above=0)
    made = engine_plan(scenario, design)
    warm = _WARM
    if made.events and made.events.consumer == "hooks":
        warm += _TRAILING * made.events.hook_delay
    steady = _steady(scenario, made, warm + seconds)
    balanced = replace(steady, servers=replace(steady.servers, routing=routing))
    root, streams = seeds(seed, replications)
    runs = replicate(partial(_run, balanced, warm, tuple(scenario.classes)), streams)
    everybody, slots, *classes = (
        Estimate.of(values, seed=root) for values in zip(*runs, strict=True)
    )
    return Peak(
        p95_ms=everybody,
        class_p95_ms=dict(zip(scenario.classes, classes, strict=True)),
        slots_busy=slots,
    )


def peak_p95_ms(
    scenario: Scenario,
    design: Design,
    *,
    routing: Routing = "fewest",
    minutes: float = 30,
    replications: int = 4,
    seed: int | None = None,
) -> Estimate:
    """Return the P95 latency of all users' requests at a steady peak, ms; options as in `peak`."""
    found = peak(
        scenario, design, routing=routing, minutes=minutes, replications=replications, seed=seed
    )
    return found.p95_ms


def _run(
    plan: engine.Plan,
    warm: float,
    classes: tuple[str, ...],
    seed: np.random.SeedSequence,
    _stop: Callable[[], bool],
) -> tuple[float, ...]:
    """Return P95 of all, slots taken, P95 of each class."""
    replication = engine.Replication(plan, seed, failures=False)
    replication.run(warm)
    replication.forget()
    replication.run(plan.users.horizon)
    outcome = replication.outcome()
    return (
        1000 * outcome.response(_P95),
        outcome.busy(SLOTS),
        *(1000 * outcome.response(_P95, kind=name) for name in classes),
    )


def p95_course_ms(
    scenario: Scenario,
    design: Design,
    *,
    minutes: int = 60,
    step: int = 5,
    replications: int = 8,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return the P95 latency of the users' requests in each `step` of minutes, milliseconds.

    The peak's users are there from the start, and no mail was sent before: its events are still to
    come. A column a replication, all parts up; the index is the minute in the middle of a step.
    Raises `ValueError`.
    """
    width = 60 * checks.whole("step", step)
    steps = checks.whole("minutes", minutes, at_least=step) // step
    plan = _steady(scenario, engine_plan(scenario, design), _WARM + steps * width)
    ends = _WARM + width * np.arange(steps + 1)
    _, streams = seeds(seed, replications)
    found = replicate(partial(_p95_ms, plan, ends.tolist()), streams)
    middle = pd.Index(step * (np.arange(steps) + 0.5), name="minute")
    return pd.DataFrame(np.transpose(found), index=middle)


def _steady(scenario: Scenario, made: engine.Plan, seconds: float) -> engine.Plan:
    """Return a plan with the peak's users from the start to the end."""
    users = float(scenario.traffic.users(scenario.traffic.peak_h))
    return replace(made, users=replace(made.users, times=(0.0, seconds), users=(users, users)))


def _p95_ms(
    plan: engine.Plan, edges: list[float], seed: np.random.SeedSequence, _stop: Callable[[], bool]
) -> list[float]:
    """Return the P95 between each two edges, in milliseconds."""
    replication = engine.Replication(plan, seed, failures=False)
    found = []
    replication.run(edges[0])
    for edge in edges[1:]:
        replication.forget()
        replication.run(edge)
        found.append(1000 * replication.outcome().response(_P95))
    return found
