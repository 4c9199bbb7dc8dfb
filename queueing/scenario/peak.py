"""An hour of the peak by chance, and what the load balancer's habit does to it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from queueing import checks
from queueing.scenario.design import Design
from queueing.scenario.scenario import Scenario
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import replicate, seeds

Routing = Literal["fewest", "turns", "random"]
ROUTINGS: tuple[Routing, ...] = ("fewest", "turns", "random")

_WARM = 120.0  # seconds until nobody remembers that the run began empty


def peak_p95_ms(
    scenario: Scenario,
    design: Design,
    *,
    routing: Routing = "fewest",
    minutes: float = 30,
    replications: int = 4,
    seed: int | None = None,
) -> Estimate:
    """Return the P95 latency of all users' requests at a steady peak, milliseconds.

    Every request on the event engine, all parts up. `routing` is what the load balancer does:
    "fewest" sends to the server with the fewest requests present, "turns" to each in turn, "random"
    to any. Raises `ValueError`.
    """
    if routing not in ROUTINGS:
        raise ValueError(f"routing is one of {', '.join(ROUTINGS)}, got {routing!r}")
    seconds = 60 * checks.real("minutes", minutes, above=0)
    made = engine_plan(scenario, design)
    users = float(scenario.traffic.users(scenario.traffic.peak_h))
    steady = replace(
        made,
        users=replace(made.users, times=(0.0, _WARM + seconds), users=(users, users)),
        servers=replace(made.servers, routing=routing),
    )
    root, streams = seeds(seed, replications)
    return Estimate.of(replicate(partial(_p95_ms, steady), streams), seed=root)


def _p95_ms(plan: engine.Plan, seed: np.random.SeedSequence, _stop: Callable[[], bool]) -> float:
    replication = engine.Replication(plan, seed, failures=False)
    replication.run(_WARM)
    replication.forget()
    replication.run(plan.users.horizon)
    return 1000 * replication.outcome().response(95 / 100)
