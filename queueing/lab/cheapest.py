"""The whole grid of a scenario, searched once: what is the cheapest, what is the nearest."""

from queueing.lab.remembered import remembered
from queueing.scenario import Design, Scenario, Search
from queueing.scenario.neighbours import Nearest


@remembered
def whole_grid(scenario: Scenario) -> Search:
    """Return the search of a scenario's default grid; it takes seconds the first time."""
    return scenario.search()


def nearest(scenario: Scenario, design: Design) -> Nearest:
    """Return the passing design that takes the fewest changes from another."""
    return whole_grid(scenario).nearest(design)
