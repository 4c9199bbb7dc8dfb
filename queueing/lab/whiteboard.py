"""The drill by hand: a slide rule's digits at every step, and rules of thumb."""

import math
from typing import NamedTuple

from queueing.lab.drilled import OUTAGE_S, Drill

_LN_20 = 3  # nearly: of waits that decay at a rate, 95 % are over within 3 / rate


class Step(NamedTuple):
    """A step of the drill, by hand and by theory."""

    name: str
    by_hand: float
    exact: float


def slide_rule(number: float) -> float:
    """Return a number to two digits, three where the first is a 1, to 2.5 %.

    >>> [slide_rule(number) for number in (184.92, 0.0917, 48.66, 1.0526, 0)]
    [185.0, 0.092, 49.0, 1.05, 0.0]
    """
    return float(f"{number:.3g}" if f"{number:e}".startswith("1") else f"{number:.2g}")


def by_hand(case: Drill) -> list[Step]:
    """Return the steps of a drill that keeps up, each rounded before the next is begun.

    Threads are a + sqrt(a), the tail is 3 over the capacity that is left, and what an outage
    leaves is worked off by that as well.
    """
    requests = slide_rule(case.users / slide_rule(case.round_s))
    jobs = slide_rule(requests * slide_rule(case.jobs_per_request))
    attempts = slide_rule(jobs * slide_rule(case.attempts))
    work = slide_rule(attempts * slide_rule(case.attempt_s))
    threads = math.ceil(work + math.sqrt(work))
    workers = math.ceil(threads / case.threads)
    one = case.threads / slide_rule(case.attempt_s)
    spare = slide_rule(workers * one) - attempts
    short = max(attempts - slide_rule((workers - 1) * one), 0.0)
    bought = case.with_workers(workers)
    return [
        Step("requests a second", requests, case.requests),
        Step("jobs a second", jobs, case.jobs),
        Step("attempts a second", attempts, case.attempt_rate),
        Step("threads busy (Erlang)", work, case.erlangs),
        Step("threads to have", threads, case.fewest_threads),
        Step("workers to buy", workers, case.bought),
        Step("95 % start within, s", _over(_LN_20, spare), bought.tail_s),
        Step("USD a month", slide_rule(workers * slide_rule(case.price)), bought.bill),
        Step(
            "oldest in a repair, s",
            slide_rule(short * case.repair_s / attempts),
            bought.oldest_in_repair_s,
        ),
        Step("all away: drain, s", _over(attempts * OUTAGE_S, spare), bought.drain_s),
    ]


def _over(amount: float, rate: float) -> float:
    return slide_rule(amount / rate) if rate > 0 else math.inf
