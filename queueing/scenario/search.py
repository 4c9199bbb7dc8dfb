"""Every design on a grid: which pass, what they cost, what keeps the others from passing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from queueing import checks
from queueing.scenario import grid
from queueing.scenario.confirm import Confirmation, confirm
from queueing.scenario.design import FIELDS, Design, check
from queueing.scenario.errors import ScenarioError
from queueing.scenario.neighbours import Nearest, changes
from queueing.scenario.ranking import Ranking
from queueing.scenario.scenario import Scenario
from queueing.scenario.scorecard import Scorecard

if TYPE_CHECKING:
    from concurrent.futures import Executor

_SHOWN = 12  # rows of a table in the text
_EVALUATED = ("cost", "p95_ms", "uptime", "oldest_mail_s", "worst_backlog", "delivery_p95_s")
# Numbers that people would call equal: to the cent, a tenth of a millisecond, a hundred thousandth
# and a second. The more of an uptime the better, of the others the less.
_EQUAL = {"cost": 0.01, "p95_ms": 0.1, "uptime": -1e-5, "oldest_mail_s": 1.0}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Search:
    """A scenario's grid of designs, ranked: those that pass before the others, the cheaper first.

    `axes` is the grid: the values tried of every part. `designs` has a row a design: its parts, its
    `cost` (USD a month), `p95_ms`, `uptime`, `oldest_mail_s` and the stations' loads at the peak,
    whether it `passes` and what it `breaks`. See `queueing.scenario.ranking` for how close these
    are to a scorecard's; what `frontier`, `cheapest`, `best` and `nearest` tell is the scorecard's.
    """

    scenario: Scenario
    axes: grid.Axes
    designs: pd.DataFrame
    listed: tuple[Design, ...]  # those of `designs`, in its order

    # What the grid holds

    @property
    def cheapest(self) -> Design | None:
        """The design of the least cost that keeps the contract; None if none does."""
        return next(iter(self.best(1)), None)

    def best(self, n: int) -> tuple[Design, ...]:
        """Return the `n` cheapest designs that keep the contract, or as many as there are."""
        return tuple(islice(self._passing, checks.whole("n", n)))

    @cached_property
    def frontier(self) -> pd.DataFrame:
        """Cost against P95: the designs of which none is both cheaper and quicker.

        Of those that keep uptime and freshness. A row a design, the cheapest first; its numbers are
        the scorecard's, over the whole run.
        """
        fit = self.designs[self._kept["uptime"] & self._kept["oldest mail"]]
        ordered = fit.sort_values(["cost", "p95_ms"], kind="stable")
        rounded = ordered["p95_ms"].round(1)
        leading = ordered.index[rounded < rounded.cummin().shift(fill_value=np.inf)]
        cards = {number: self._card(self.listed[number]) for number in leading}
        numbers = {
            number: [*(getattr(card, name) for name in _EVALUATED), card.passes]
            for number, card in cards.items()
            if {"uptime", "oldest mail"}.isdisjoint(_broken(card))
        }
        columns = [*_EVALUATED, "passes"]
        table = pd.DataFrame.from_dict(numbers, orient="index", columns=columns)
        return self.designs[list(FIELDS)].join(table, how="right")

    @cached_property
    def non_dominated(self) -> pd.DataFrame:
        """The rows of `designs` that no other equals or betters in every clause and beats in one.

        Numbers that people would call equal count as equal: to the cent, 0.1 ms, 0.00001 of uptime
        and a second.
        """
        units = np.array([self.designs[name] / unit for name, unit in _EQUAL.items()])
        numbers = np.unique(np.column_stack([units.round().T, self.designs.index]), axis=0)
        leading = np.empty((0, len(_EQUAL)))
        found: list[int] = []
        for row in numbers:  # the cheaper first, so that nobody is beaten by a later one
            beaten = (leading <= row[:-1]).all(axis=1)
            if not beaten.any() or (leading[beaten] == row[:-1]).all():
                leading = np.vstack([leading, row[:-1]])
                found.append(int(row[-1]))
        return self.designs.loc[sorted(found)]

    # What binds

    @cached_property
    def binding(self) -> pd.DataFrame:
        """By clause: how many designs break it, and how many break it alone."""
        broken = ~self._kept
        alone = broken.sum(axis=1) == 1
        table = pd.DataFrame({"fail": broken.sum(), "fail it alone": broken[alone].sum()})
        return table.rename_axis("clause")

    @cached_property
    def combinations(self) -> "pd.Series[int]":
        """How many designs break exactly these clauses, the most first; "" is none of them."""
        counts = self.designs["breaks"].value_counts()
        return counts.rename("designs").rename_axis("breaks")

    def nearest(self, design: Design) -> Nearest:
        """Return the passing design of this grid that takes the fewest changes.

        Of several, the one that costs the least. A change is a part that differs, be it by one or
        by three. `design` need not be on the grid. Raises `ScenarioError` for parts not for sale.

        >>> forge = Scenario.load("mailforge")
        >>> found = forge.search(servers=4, workers=range(3, 7), shards=1, sinks=1)
        >>> print(found.nearest(forge.designs["E with 4 workers"]))
        one more worker: +30.37 USD a month
        """
        check(self.scenario.catalogue, design)
        start = self._card(design)
        if start.passes:
            return Nearest(start=design, design=design, usd_month=0.0)
        passing = self.designs["passes"].to_numpy().nonzero()[0]
        differing = changes(design, [self.listed[number] for number in passing])
        for number in passing[np.argsort(differing, kind="stable")]:  # the cheaper first
            card = self._card(self.listed[number])
            if card.passes:
                return Nearest(start=design, design=card.design, usd_month=card.cost - start.cost)
        return Nearest(start=design, design=None, usd_month=0.0)

    # What to do with it

    def confirm(
        self,
        n: int = 3,
        *,
        replications: int = 10,
        seed: int | None = None,
        executor: "Executor | None" = None,
        progress: bool = False,
    ) -> Confirmation:
        """Return the simulated runs of the `n` cheapest designs that pass, on one seed.

        Every request of the whole surge, a few minutes a design. Raises `ScenarioError` where no
        design passes.
        """
        best = self.best(n)
        if not best:
            raise ScenarioError("no design of this grid keeps the contract: nothing to confirm")
        return confirm(
            self.scenario,
            best,
            replications=replications,
            seed=seed,
            executor=executor,
            progress=progress,
        )

    @cached_property
    def cost_against_p95(self) -> pd.DataFrame:
        """A row a point of the figure: cost, p95_ms, outcome, on_frontier, designs (how many).

        `outcome` is "passes", "too slow or too dear" or "unavailable or late with mails".
        """
        fit = self._kept["uptime"] & self._kept["oldest mail"]
        outcome = np.where(
            self.designs["passes"],
            "passes",
            np.where(fit, "too slow or too dear", "unavailable or late with mails"),
        )
        points = pd.DataFrame(
            {
                "cost": self.designs["cost"].round(2),
                "p95_ms": self.designs["p95_ms"].round(2),
                "outcome": outcome,
                "on_frontier": self.designs.index.isin(self.frontier.index),
            }
        )
        alike = points.groupby(["cost", "p95_ms", "outcome"], sort=True)["on_frontier"]
        counted = alike.agg(on_frontier="any", designs="size")
        return counted.reset_index()

    def __repr__(self) -> str:
        """Write what was tried, what passes, what binds and the frontier, for a terminal."""
        return "\n".join(self._text())

    def _text(self) -> Iterator[str]:
        passing = int(self.designs["passes"].sum())
        yield f"{self.scenario.title}: {len(self.designs):,} designs, {passing:,} keep the contract"
        yield "Tried:"
        yield from (f"  {name}: {_values(values)}" for name, values in self.axes.items())
        yield ""
        if best := self.cheapest:
            card = self._card(best)
            yield f"The cheapest that passes: {best.describe()}"
            yield (
                f"  {card.cost:,.2f} USD a month, P95 {card.p95_ms:.1f} ms, uptime "
                f"{card.uptime:.3%}, oldest mail {card.oldest_mail_s:,.0f} s"
            )
        else:
            yield "None passes."
        yield from ("", "What binds:", self.binding.to_string(), "")
        yield "Cost against P95, of those that keep uptime and freshness:"
        rows = self.frontier.head(_SHOWN)
        for row, number in zip(rows.itertuples(), rows.index, strict=True):
            mark = "passes" if row.passes else "fails "
            told = self.listed[number].describe()
            yield f"  {row.cost:9,.2f} USD  {row.p95_ms:7.1f} ms  {mark}  {told}"
        if (left := len(self.frontier) - len(rows)) > 0:
            yield f"  and {left} more"

    @cached_property
    def _kept(self) -> pd.DataFrame:
        return kept(self.scenario, self.designs)

    @property
    def _passing(self) -> Iterator[Design]:
        """Go through the designs that pass by their scorecards, the cheapest first."""
        ranked = (self.listed[number] for number in self.designs.index[self.designs["passes"]])
        return (design for design in ranked if self._card(design).passes)

    @cached_property
    def _card(self) -> Callable[[Design], Scorecard]:
        """Evaluates a design, each once."""
        cards: dict[Design, Scorecard] = {}

        def card(design: Design) -> Scorecard:
            if design not in cards:
                cards[design] = self.scenario.evaluate(design)
            return cards[design]

        return card


def search(scenario: Scenario, parts: Mapping[str, object], *, progress: bool = False) -> Search:
    """Rank every design of a grid; `parts` has the values to try, a value or several, by part.

    With `progress` a bar on standard error follows the request paths. Raises `ScenarioError` for
    unknown parts, impossible values and a grid that is too large.
    """
    axes = grid.axes(scenario, parts)
    found = grid.designs(scenario, axes, parts)
    if not found:
        raise ScenarioError("no design of this grid can be built: try more values of some parts")
    ranked = Ranking(scenario, found, progress).frame
    clauses = kept(scenario, ranked)
    ranked["passes"] = clauses.all(axis=1)
    named = [np.where(clauses[name], "", f", {name}").astype(object) for name in clauses]
    ranked["breaks"] = [told.removeprefix(", ") for told in np.add.reduce(named)]
    order = ranked.sort_values(["passes", "cost", "p95_ms"], ascending=[False, True, True]).index
    return Search(
        scenario=scenario,
        axes=axes,
        designs=ranked.loc[order].reset_index(drop=True),
        listed=tuple(found[number] for number in order),
    )


def kept(scenario: Scenario, ranked: pd.DataFrame) -> pd.DataFrame:
    """Return for each design of a ranking which clauses of the contract it keeps."""
    promise = scenario.contract
    return pd.DataFrame(
        {
            "uptime": ranked["uptime"] >= promise.uptime,
            "P95 latency": ranked["p95_ms"] <= promise.p95_ms,
            "budget": ranked["cost"] <= promise.budget_usd_month,
            "oldest mail": ranked["oldest_mail_s"] <= promise.freshness_s,
        }
    )


def _broken(card: Scorecard) -> set[str]:
    return {clause.clause for clause in card.checks if not clause.passes}


def _values(values: tuple[object, ...]) -> str:
    """Write the values of a part: a range as one."""
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) == len(values) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join("none" if value is None else str(value) for value in values)
