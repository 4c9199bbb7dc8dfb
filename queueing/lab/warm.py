"""Compile every loop of the simulation, so that the first lesson need not wait for it.

`python -m queueing.lab.warm` makes a short run of each kind; Numba keeps what it compiled.
"""

from typing import Any

import numpy as np

from queueing.backpressure import BacklogAutoscaler, BoundedQueue, ConcurrencyLimit, TokenBucket
from queueing.nonstationary import MtMc, PiecewiseConstant
from queueing.retries import RetryPolicy, exponential_backoff
from queueing.scenario import Scenario
from queueing.scenario.translate import engine_plan
from queueing.simulation.engine import Replication
from queueing.simulation.station import simulate
from queueing.stations import FiniteSource, MMc, MMcK, PriorityMMc


def warm_up() -> None:
    """Run each kind of station once, for a moment."""
    line = MMc(arrival_rate=1, service_rate=1, servers=2)
    _briefly(line, customers=100)
    _briefly(line, horizon=100)
    _briefly(MMcK(arrival_rate=1, service_rate=1, servers=2, capacity=3), horizon=100)
    _briefly(FiniteSource(population=3, think_time=1, service_rate=1, servers=1), horizon=9)
    classes = PriorityMMc(arrival_rates=(0.5, 0.5), service_rate=1, servers=2)
    _briefly(classes, horizon=100)
    moving = MtMc(arrival_rate=PiecewiseConstant([(0, 1), (9, 2)]), service_rate=1, servers=2)
    _briefly(moving, horizon=100)
    policy = RetryPolicy(max_attempts=2, backoff=exponential_backoff(base=1, factor=2))
    _briefly(line, retries=policy, timeout=1, horizon=100)
    for rule in (
        ConcurrencyLimit(limit=3),
        TokenBucket(rate=1, burst=1),
        BacklogAutoscaler(target_per_worker=5, minimum=1, maximum=2),
    ):
        _briefly(line, backpressure=rule, customers=100)
    lowest = BoundedQueue(capacity=3, when_full="shed-lowest")
    _briefly(classes, backpressure=lowest, customers=100)
    forge = Scenario.load("mailforge")
    plan = engine_plan(forge, forge.designs["E"])
    Replication(plan, np.random.SeedSequence(1)).run(1.0)


def _briefly(model: Any, **wishes: Any) -> None:
    simulate(model, replications=1, seed=1, **wishes)


if __name__ == "__main__":
    warm_up()
