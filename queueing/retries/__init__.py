"""Attempts that fail and come back: retry policies, dead letters and the retry storm."""

from queueing.retries.policies import Backoff, RetryPolicy, exponential_backoff
from queueing.retries.storm import attempt_failure_probability, retry_fixed_points

__all__ = [
    "Backoff",
    "RetryPolicy",
    "attempt_failure_probability",
    "exponential_backoff",
    "retry_fixed_points",
]
