"""Where a scorecard's numbers come from, and how good the theory is for a design."""

import math
from typing import NamedTuple

from queueing.scenario.design import Design
from queueing.scenario.latency import NEAR_SATURATION
from queueing.scenario.traffic import Curve

_CROWDED = 4 / 5  # load of the slots from which the theory gets worse


class Basis(NamedTuple):
    """Where a number comes from, and how good it is here."""

    number: str
    model: str
    quality: str


def rate_basis(traffic: Curve) -> tuple[Basis, ...]:
    """Warn where requests come less evenly than theory takes them."""
    if not traffic.rate_scv:
        return ()
    return (
        Basis(
            "everything that waits",
            "Poisson arrivals at the mean rate",
            f"too good: the rate is random, by ± {math.sqrt(traffic.rate_scv):.0%} from one "
            f"{60 * traffic.rate_window_h:.3g} minutes to the next; simulate",
        ),
    )


def latency_quality(slot_load: float) -> str:
    """Say how good the theory of the request path is, measured against an event simulation."""
    if slot_load >= 1:
        quality = "saturated, the waiting rooms decide: good to about 50 %"
    elif slot_load >= NEAR_SATURATION:
        quality = "near saturation, where slots wait for slots: good to about 50 %"
    elif slot_load >= _CROWDED:
        quality = "crowded: good to about 20 %"
    else:
        quality = "good to about 5 %"
    return f"approximation, slots at {slot_load:.2f}, {quality}"


def backlog_quality(load: float, design: Design) -> str:
    """Say how good the fluid is at a load of the workers."""
    if math.isnan(load):
        return "mails are sent inside the request: there is no backlog"
    if design.maximum_workers is not None:
        return "all workers up, their number follows the backlog; good to about 10 %"
    return (
        "all workers up; good to about 5 %"
        if load >= 1
        else "all workers up; no backlog beyond seconds"
    )
