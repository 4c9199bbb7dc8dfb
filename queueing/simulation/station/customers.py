"""Who comes and how much work each brings: the customers of a station, whatever they meet there."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.station.lines import visits
from queueing.simulation.station.plan import StationPlan

Floats = NDArray[np.float64]


def everybody(
    plan: StationPlan, seed: np.random.SeedSequence, *, customers: int | None, horizon: float
) -> Iterator[tuple[Floats, Floats]]:
    """Yield when customers come and how long their services take, block after block.

    They are those of every other run with this seed: a station that serves all at once is asked.
    """
    alone = replace(
        plan,
        servers=math.inf,
        room=None,
        patience=None,
        services=plan.services[:1],
        shares=(1.0,),
        server_changes=(),
    )
    for block in visits(alone, seed, customers=customers, horizon=horizon):
        yield block.came, block.stayed


def open_plan(plan: StationPlan, what: str) -> StationPlan:
    """Return a plan if it is of one line of patient customers from outside, c servers before it.

    Raises `ValueError` that names what `what` cannot be combined with.
    """
    trouble = {
        "think between their visits": plan.population > 0,
        "lose patience by a law of their own": plan.patience is not None,
        "come in classes": plan.classes > 1,
        "find a number of servers that moves": bool(plan.server_changes),
        "never wait": math.isinf(plan.servers),
    }
    for words, true in trouble.items():
        if true:
            raise ValueError(
                f"{what} runs M/M/1, M/M/c, M/M/c/K, M/G/1, M/D/c, M/PH/c and G/G/c, "
                f"not {plan.name}, whose customers {words}"
            )
    return plan
