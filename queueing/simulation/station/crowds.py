"""Customers who try again, and backpressure: the wishes that have runs of their own."""

import math
from dataclasses import replace
from typing import Any

from queueing import checks
from queueing.simulation.station.arrivals import bounded
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.storm import RetryResult, simulate_retries
from queueing.simulation.station.view import SimulatedView, simulate_pressure


def crowded(
    model: Any,
    plan: StationPlan,
    *,
    retries: Any,
    timeout: float,
    backpressure: Any,
    until: Any,
    customers: int | None,
    horizon: float | None,
    warmup: float | None,
    steps: int,
    **how: Any,
) -> RetryResult | SimulatedView:
    """Run what `simulate` was asked for: retries or backpressure, one of the two."""
    if until is not None:
        raise ValueError("until= is for a plain station: here give replications=")
    if backpressure is not None and (retries is not None or timeout != math.inf):
        raise ValueError(
            "give either retries= with timeout=, or backpressure=; a last place beside retries is "
            "MMcK(capacity=...)"
        )
    end = math.inf if horizon is None else checks.real("horizon", horizon, above=0)
    if plan.rate is not None:
        if customers is not None:
            raise ValueError(
                f"{plan.name} changes with the clock: say up to when by horizon=, not customers="
            )
        plan = replace(plan, rate=bounded(plan.rate, end))
    if backpressure is not None:
        if customers is not None:
            customers = checks.whole("customers", customers, at_least=10)
        return simulate_pressure(
            model,
            plan,
            policy=backpressure,
            customers=None
            if customers is None
            else checks.whole("customers", customers, at_least=10),
            horizon=end,
            warmup=warmup,
            **how,
        )
    if customers is not None:
        raise ValueError(
            "a station with retries changes with the clock: say up to when by horizon=, not "
            "customers="
        )
    return simulate_retries(
        plan,
        retries=retries,
        timeout=timeout,
        horizon=end,
        warmup=warmup or 0.0,
        steps=checks.whole("steps", steps),
        **how,
    )
