"""The rule of autoscaling on a backlog, as plain functions of numbers.

`BacklogAutoscaler` asks them, and the event engine compiles them as they stand: there is one rule.
"""

import math


def workers_wanted(backlog: float, target_per_worker: float, minimum: int, maximum: int) -> int:
    """Return ceil(backlog / target_per_worker), within the limits.

    >>> workers_wanted(101, 50, 1, 8)
    3
    """
    return max(math.ceil(min(backlog / target_per_worker, maximum)), minimum)


def decision(
    need: int, workers: int, fewer_since: float, now: float, scale_in_after: float
) -> tuple[int, float]:
    """Return how many workers to have from now on, and since when fewer would have done.

    `need` are wanted by the backlog now (s), `workers` were asked for so far. More are taken at
    once, fewer when the need has been below for `scale_in_after` seconds.

    >>> decision(2, workers=5, fewer_since=100.0, now=160.0, scale_in_after=300.0)
    (5, 100.0)
    >>> decision(2, workers=5, fewer_since=100.0, now=400.0, scale_in_after=300.0)
    (2, 100.0)
    """
    if need >= workers:
        fewer_since = now
    if need > workers or now - fewer_since >= scale_in_after:
        workers = need
    return workers, fewer_since
