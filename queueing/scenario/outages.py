"""Outages alone, in thousands of runs: what uptime a run keeps, where a few full runs cannot tell.

A run of 54 hours has no outage at all or one or two, so that its uptime is far from its mean. A few
full runs give latency and backlog within a hair and say next to nothing about uptime; thousands of
runs of nothing but failures and repairs give the uptime, and know no latency. Together they judge
the contract.
"""

from dataclasses import dataclass

from queueing import checks
from queueing.scenario.availability import needed_parts
from queueing.scenario.design import Design
from queueing.scenario.scenario import Scenario
from queueing.scenario.translate import engine_users, outages_of
from queueing.simulation.engine import Group, uptimes
from queueing.simulation.estimate import Estimate


@dataclass(frozen=True, kw_only=True)
class UptimeRuns:
    """The uptimes of many runs: `uptime` in the mean, `passes` the share that keeps it."""

    uptime: Estimate
    passes: Estimate


def outages(scenario: Scenario, design: Design, *, runs: int = 4000, seed: int = 0) -> UptimeRuns:
    """Draw the failures and repairs of the parts that requests need, over `runs` surges.

    All parts are up at the start. A request is answered while every part in series and enough
    servers are up, by the rule of `queueing.scenario.availability`. Raises `ValueError` for counts
    that are none.
    """
    checks.whole("runs", runs)
    checks.whole("seed", seed, at_least=0)
    groups = [
        Group(count=part.n, needed=count, outages=failing)
        for part, count in needed_parts(scenario, design)
        if (failing := outages_of(part)) is not None
    ]
    kept = uptimes(groups, engine_users(scenario), runs=runs, seed=seed)
    promised = scenario.contract.uptime
    return UptimeRuns(
        uptime=Estimate.of(kept.tolist(), seed=seed),
        passes=Estimate.of((kept >= promised).astype(float).tolist(), seed=seed),
    )
