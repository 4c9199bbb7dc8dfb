"""The event engine: a plan in, every request, job and event of a run counted out.

It knows no component by name. `Plan` says what there is, `replicate` runs it once, `Replication`
does so step by step, and `uptimes` draws the outages alone.
"""

from queueing.simulation.engine.outages import Group, uptimes
from queueing.simulation.engine.plan import (
    Events,
    Jobs,
    Outages,
    Plan,
    Pool,
    RequestClass,
    Servers,
    Step,
    Users,
)
from queueing.simulation.engine.replication import Outcome, Replication, replicate

__all__ = [
    "Events",
    "Group",
    "Jobs",
    "Outages",
    "Outcome",
    "Plan",
    "Pool",
    "Replication",
    "RequestClass",
    "Servers",
    "Step",
    "Users",
    "replicate",
    "uptimes",
]
