"""A station's fluid in equilibrium: no chance at all, only means, x' = in(x) - out(x) = 0.

Where the servers suffice nobody waits. Where they do not, the line grows until arrivals are turned
away, lose patience or stay thinking; without such limits it has no end. W. Whitt, "Fluid models for
multiserver queues with abandonments" (Operations Research 54, 2006).
"""

import math

from queueing.simulation.station.plan import StationPlan


def fluid(plan: StationPlan) -> dict[str, float]:
    """Return what the fluid of a station says; patience is taken as exponential.

    Raises `ValueError` for plans with classes, or that move.
    """
    if plan.classes > 1:
        raise ValueError("a fluid has no classes here")
    if plan.moves:
        raise ValueError("it moves with time: ask with times=")
    service, most = plan.mean_service, plan.servers / plan.mean_service
    if plan.population and plan.thinking:
        think = float(plan.thinking.mean())
        present = plan.population * service / (think + service)
        if present > plan.servers:
            present = plan.population - think * most
        rate = (plan.population - present) / think
    else:
        rate = 1 / float(plan.gaps.mean()) if plan.gaps else 0.0
        present = _level(plan, rate * service)
    line = max(present - plan.servers, 0.0)
    through = min(rate, most)
    full = plan.room is not None and present >= plan.room
    accepted = through if full else rate
    wait = line / accepted if accepted else 0.0
    answers = {
        "mean_wait": wait,
        "mean_time_in_system": present / accepted if accepted else service,
        "mean_queue_length": line,
        "mean_number_in_system": present,
        "wait_probability": float(present >= plan.servers),
        "throughput": through,
    }
    if math.isfinite(plan.servers):
        answers["utilization"] = through / most
    if plan.room is not None:
        answers["blocking_probability"] = 1 - accepted / rate
    if plan.patience is not None:
        answers["abandonment_probability"] = 1 - through / rate
    else:
        answers |= {"P95 wait": wait}
    return answers


def _level(plan: StationPlan, load: float) -> float:
    """Return the number present to which arrivals from outside lead."""
    if load <= plan.servers * (1 - 1e-13):
        return load
    if plan.patience is not None:
        ahead = (load - plan.servers) / plan.mean_service * float(plan.patience.mean())
        level = plan.servers + ahead
    else:
        level = math.inf if load > plan.servers * (1 + 1e-13) else plan.servers
    return min(level, plan.room if plan.room is not None else math.inf)
