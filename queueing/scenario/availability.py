"""How much of the time a design can answer, from the promises of its parts.

The parts' figures are service level agreements: promises, not measurements.
"""

import math
from dataclasses import replace

from scipy import special

from queueing.scenario.design import Design
from queueing.scenario.latency import RequestPath, slot_servers
from queueing.scenario.plan import CACHE, DATABASE, SLOTS, Plan, PlanPart, plan
from queueing.scenario.scenario import Scenario


def availability(scenario: Scenario, design: Design) -> float:
    """Return the share of time with enough servers and every part that requests cannot do without.

    Parts in series times k-out-of-n servers, where k is `servers_needed`. A design that is short of
    servers with all of them up needs all of them here: the parts allow this much at most.
    """
    needed = needed_parts(scenario, design)
    return math.prod(k_out_of_n(count, part.n, part.availability) for part, count in needed)


def needed_parts(scenario: Scenario, design: Design) -> list[tuple[PlanPart, int]]:
    """Return the parts that requests need, and how many of each must be up."""
    made = plan(scenario, design)
    servers = servers_needed(scenario, design) or design.servers
    return [
        (part, servers if SLOTS in part.resources else part.n)
        for part in made.parts
        if SLOTS in part.resources or _in_series(scenario, design, made, part.resources)
    ]


def servers_needed(scenario: Scenario, design: Design) -> int | None:
    """Return the fewest servers that keep every station below the limit at the peak.

    A slot is held through every wait downstream, so the slots are the fullest station: their load
    is the rate over what all of them complete together. None where all servers together are too
    few, or the database is too small for any number.
    """
    return _fewest(scenario, plan(scenario, design))


def k_out_of_n(k: int, n: int, availability: float) -> float:
    """Return the probability that at least `k` of `n` independent parts are up.

    >>> round(k_out_of_n(3, 4, 0.995), 6)
    0.999851
    """
    return float(special.bdtrc(k - 1, n, availability))


def _fewest(scenario: Scenario, made: Plan) -> int | None:
    rate, limit = scenario.traffic.peak_rate, scenario.rules.station_limit
    loads = made.load(rate)
    if loads[DATABASE] >= limit:
        return None
    busiest = max(loads[name] for name in made.server_places) * made.servers
    path = RequestPath.of(made)
    for servers in range(max(1, math.ceil(busiest / limit)), made.servers + 1):
        if slot_servers(replace(path, servers=servers), rate).slot_load < limit:
            return servers
    return None


def _in_series(scenario: Scenario, design: Design, made: Plan, resources: tuple[str, ...]) -> bool:
    """Tell whether requests fail while these resources are down."""
    visited = {step.resource for kind in made.classes for step in kind.steps}
    if any(name in visited and name != CACHE for name in resources):
        return True
    return (
        CACHE in resources
        and _fewest(scenario, plan(scenario, replace(design, cache=None, hit_ratio=None))) is None
    )
