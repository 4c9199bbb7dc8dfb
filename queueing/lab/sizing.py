"""Boards solve as well as show: the smallest numbers that keep a promise."""

from collections.abc import Callable
from dataclasses import replace

from queueing.lab import words
from queueing.lab.remembered import remembered
from queueing.scenario import Design, Scenario, Scorecard


def smallest(keeps: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the smallest number that keeps a promise; None if `high` does not.

    Every number above one that keeps it must keep it too.

    >>> smallest(lambda n: n * n >= 50, 1, 12), smallest(lambda n: n > 12, 1, 12)
    (8, None)
    """
    if not keeps(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(middle) else (middle + 1, high)
    return high


@remembered
def short_of_workers(scenario: Scenario) -> Scorecard:
    """Return the scorecard of the scenario's design with the most workers that are too few.

    It is the design with one worker less, unless that many keep up at the peak. Raises `ValueError`
    where even one keeps up.
    """
    for workers in range(max(scenario.base.workers - 1, 1), 0, -1):
        card = scenario.evaluate(replace(scenario.base, workers=workers))
        if card.worker_load > 1:
            return card
    raise ValueError(f"a single worker keeps up with the peak of {scenario.title}")


class Sizing:
    """The designs of a scenario with up to `most` servers and workers; each is judged once."""

    def __init__(self, scenario: Scenario, most: int = 12) -> None:
        self.scenario, self.most = scenario, most
        self._cards: dict[Design, Scorecard] = {}
        self._advice: dict[Design, str] = {}

    def card(self, design: Design) -> Scorecard:
        """Return the scorecard of a design."""
        if design not in self._cards:
            self._cards[design] = self.scenario.evaluate(design)
        return self._cards[design]

    def fewest_servers(self, design: Design) -> int | None:
        """Return the fewest servers that keep uptime and P95, with the other parts of a design."""
        contract = self.scenario.contract

        def keeps(servers: int) -> bool:
            card = self.card(replace(design, servers=servers))
            return (  # from the cheapest question to the dearest
                card.availability >= contract.uptime
                and card.uptime >= contract.uptime
                and card.p95_ms <= contract.p95_ms
            )

        return smallest(keeps, 1, self.most)

    def fewest_workers(self, design: Design) -> int | None:
        """Return the fewest workers that keep the mails fresh, with the other parts of a design."""
        limit = self.scenario.contract.freshness_s

        def keeps(workers: int) -> bool:
            return self.card(replace(design, workers=workers)).oldest_mail_s <= limit

        return smallest(keeps, 1, self.most)

    def advice(self, design: Design) -> str:
        """Return in words the smallest numbers that keep the promise with a design's other parts.

        The servers come first: those that turn requests away would leave the workers too little.
        """
        alike = (
            replace(design, servers=1, workers=1) if design.queue else replace(design, servers=1)
        )
        if alike not in self._advice:
            self._advice[alike] = self._advise(alike)
        return self._advice[alike]

    def _advise(self, design: Design) -> str:
        servers = self.fewest_servers(design)
        if servers is None:
            name, load = words.bottleneck(self.card(replace(design, servers=self.most)))
            return (
                f"No number of servers up to {self.most} keeps uptime and P95: {name} "
                f"{words.runs(name)} at {load:.2f}."
            )
        best = replace(design, servers=servers)
        if design.queue:
            workers = self.fewest_workers(best)
            if workers is None:
                return f"No number of workers up to {self.most} keeps the mails fresh."
            best = replace(best, workers=workers)
        return (
            f"The smallest numbers that keep the promise: {words.many(best.servers, 'server')} and "
            f"{words.many(best.workers, 'worker')}, for {self.card(best).cost:.0f} USD a month."
        )
