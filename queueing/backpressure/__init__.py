"""Backpressure: what a full queue says, who may come in, and when workers are added.

Each policy is one frozen value. Its `.evaluate(arrival_rate=, service_rate=, servers=)` asks theory
what the users see, a `UserView`; a simulation is given the same value and calls its small steps.
"""

from queueing.backpressure.autoscaler import BacklogAutoscaler, ScalingView
from queueing.backpressure.bounded import BoundedQueue
from queueing.backpressure.bucket import TokenBucket
from queueing.backpressure.concurrency import ConcurrencyLimit, GradientLimit
from queueing.backpressure.drain import DrainTime, drain_time
from queueing.backpressure.view import UserView
from queueing.backpressure.waiting import waits_longer, waits_within

__all__ = [
    "BacklogAutoscaler",
    "BoundedQueue",
    "ConcurrencyLimit",
    "DrainTime",
    "GradientLimit",
    "ScalingView",
    "TokenBucket",
    "UserView",
    "drain_time",
    "waits_longer",
    "waits_within",
]
