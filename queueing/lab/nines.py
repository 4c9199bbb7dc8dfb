"""Uptime and what it costs: the downtime of each part, and the designs that buy a nine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from queueing.lab.sizing import Sizing
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.availability import k_out_of_n, needed_parts

_SPARES = 4  # servers beyond the fewest that are looked at


def month_minutes(scenario: Scenario) -> float:
    """Return the minutes of a month of the scenario's hours."""
    return 60 * scenario.cost.hours_per_month


def downtimes(scenario: Scenario, design: Design) -> dict[str, float]:
    """Return for how many minutes a month each needed part is short, by its name and number."""
    minutes = month_minutes(scenario)
    return {
        _named(part.name, needed, part.n): minutes * (1 - k_out_of_n(needed, part.n, up))
        for part, needed in needed_parts(scenario, design)
        for up in [part.availability]
    }


def _named(name: str, needed: int, number: int) -> str:
    return name if number == 1 else f"{name}, {needed} of {number}"


class Nines:
    """The designs that differ in servers, database, cache and queue, each judged once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self._sizing = scenario, Sizing(scenario)

    def card(self, design: Design) -> Scorecard:
        """Return the scorecard of a design."""
        return self._sizing.card(design)

    def down(self, card: Scorecard) -> float:
        """Return a design's downtime in minutes a month."""
        return month_minutes(self.scenario) * (1 - card.uptime)

    @cached_property
    def cards(self) -> tuple[Scorecard, ...]:
        """All of them, with as many workers and shards as the scenario's own, cheapest first."""
        base = self.scenario.base
        least = self._sizing.fewest_servers(base) or base.servers
        designs = [
            replace(base, servers=servers, database=database, cache=cache, queue=queue)
            for servers in range(max(least - 1, 1), least + _SPARES)
            for database in self.databases
            for cache in self.caches
            for queue in self.queues
        ]
        return tuple(sorted(map(self.card, designs), key=lambda card: (card.cost, card.p95_ms)))

    @property
    def databases(self) -> Sequence[str]:
        """One database, and two of the same kind."""
        return _two(self.scenario.catalogue["postgres"], self.scenario.base.database)

    @property
    def caches(self) -> Sequence[str]:
        """A cache of one node, and one of two."""
        return _two(self.scenario.catalogue["redis"], self.scenario.base.cache)

    @property
    def queues(self) -> Sequence[str]:
        """The queue on the cache, and the queue as a service."""
        return _two(self.scenario.catalogue["queue"], self.scenario.base.queue)

    @cached_property
    def frontier(self) -> tuple[Scorecard, ...]:
        """Designs that keep latency and mails, each with less downtime than all cheaper ones."""
        best: list[Scorecard] = []
        for card in self.cards:
            if keeps_pace(card) and (not best or card.uptime > best[-1].uptime):
                best.append(card)
        return tuple(best)

    def cheapest(self, minutes: float) -> Scorecard | None:
        """Return the cheapest design that is down for no longer, a month; None if none is."""
        return next((card for card in self.frontier if self.down(card) <= minutes), None)


def keeps_pace(card: Scorecard) -> bool:
    """Tell whether a design keeps latency and mails, whatever its uptime and its cost."""
    kept = {check.clause: check.passes for check in card.checks}
    return kept["P95 latency"] and kept["oldest mail"]


def _two(variants: Mapping[str, object], own: str | None) -> Sequence[str]:
    """Return the less available variant and the scenario's own, as far as there are two."""
    names = list(variants)
    other = next(name for name in names if name != own)
    return [other, own] if own in names else names[:2]
