"""Theory beside chance: each number inside the interval or outside it, and then why."""

import pandas as pd

from queueing.scenario.scorecard import Scorecard
from queueing.scenario.surge import Surge

_FAILURES = "theory keeps every part up; in a run some fail and are repaired"
_MEAN_LINE = "theory tells the mean line at its longest, a run its longest moment; " + _FAILURES
_WORKERS = "theory follows the backlog's mean; in a run chance adds workers as well"
_APPROXIMATION = "an approximation: {}"
_UPTIME = (
    "theory takes promised availabilities in series, a run has few outages, or none; "
    "see queueing.scenario.outages"
)


def beside(card: Scorecard, surge: Surge) -> pd.DataFrame:
    """Return a scorecard's numbers beside those of the simulation of the same design.

    Columns: theory, simulated, low, high, inside, reason. Raises `ValueError` for two different
    designs, and where one replication has no interval.
    """
    if card.design != surge.design:
        raise ValueError("theory and simulation are of two different designs")
    latency = _APPROXIMATION.format(card.basis[0].quality.removeprefix("approximation, "))
    rows = {
        "P95 latency, ms": (card.p95_ms, surge.p95_ms, latency),
        **{
            f"P95 {name}, ms": (card.class_p95_ms[name], estimate, latency)
            for name, estimate in surge.class_p95_ms.items()
        },
        "P95 of the run, ms": (card.p95_run_ms, surge.p95_run_ms, latency),
        "uptime": (card.uptime, surge.uptime, _UPTIME),
        "cost, USD a month": (card.cost, surge.cost, _WORKERS),
        "oldest mail, s": (card.oldest_mail_s, surge.oldest_mail_s, _FAILURES),
        "most mails waiting": (card.worst_backlog, surge.worst_backlog, _MEAN_LINE),
        "delivery P95, s": (card.delivery_p95_s, surge.delivery_p95_s, _FAILURES),
        **{
            f"delivery P95 {name}, s": (card.delivery_by_priority_p95_s[name], estimate, _FAILURES)
            for name, estimate in surge.delivery_by_priority_p95_s.items()
        },
    }
    table = pd.DataFrame(
        {
            name: {
                "theory": theory,
                "simulated": estimate.mean,
                "low": estimate.low,
                "high": estimate.high,
                "inside": theory in estimate,
                "reason": "" if theory in estimate else reason,
            }
            for name, (theory, estimate, reason) in rows.items()
        }
    ).T
    table.index.name = "number"
    return table.infer_objects()
