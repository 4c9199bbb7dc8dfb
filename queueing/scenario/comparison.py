"""Designs side by side: by theory, and by chance with the same customers for each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from queueing.scenario.design import Design
from queueing.scenario.errors import ScenarioError
from queueing.scenario.scenario import Scenario

if TYPE_CHECKING:
    from queueing.scenario.surge import Surge

NUMBERS = {  # rows of the table, by the name that scorecard and surge have for them
    "P95 latency, ms": "p95_ms",
    "uptime": "uptime",
    "cost, USD a month": "cost",
    "oldest mail, s": "oldest_mail_s",
    "most mails waiting": "worst_backlog",
    "delivery P95, s": "delivery_p95_s",
}


def side_by_side(scenario: Scenario, designs: Mapping[str, Design]) -> pd.DataFrame:
    """Return what theory says of some designs: a row a number and the verdict, a column a design.

    Raises `ScenarioError` where there is nothing to compare.
    """
    _refuse_none(designs)
    cards = {name: scenario.evaluate(design) for name, design in designs.items()}
    columns = {
        name: [*(getattr(card, number) for number in NUMBERS.values()), card.passes]
        for name, card in cards.items()
    }
    return pd.DataFrame(columns, index=pd.Index([*NUMBERS, "passes"], name="number"))


def by_chance(
    scenario: Scenario,
    designs: Mapping[str, Design],
    *,
    replications: int,
    seed: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Return what chance says of some designs, and how each differs from the first.

    A row a design and number: `mean`, `low` and `high` of 95 %, and `difference`, `least` and
    `most` of it against the first design. All have the same seeds, so that the same customers come:
    the difference of two runs varies less than the runs. Ctrl-C keeps the designs that are
    finished, or what there is of the first, and says so in `attrs["stopped_early"]`. Raises
    `ScenarioError` where there is nothing to compare and `ValueError` for bad numbers of runs or
    seeds.
    """
    _refuse_none(designs)
    surges: list[Surge] = []
    early = False
    for design in designs.values():
        common = surges[0].seed if surges else seed
        try:
            surge = scenario.simulate(
                design, replications=replications, seed=common, progress=progress
            )
        except KeyboardInterrupt:
            if not surges:
                raise
            early = True
            break
        early = surge.stopped_early
        if not early or not surges:
            surges.append(surge)
        if early:
            break
    rows = {}
    for name, surge in zip(designs, surges, strict=False):
        for label, number in NUMBERS.items():
            here, first = (getattr(each, number) for each in (surge, surges[0]))
            apart = here - first
            rows[name, label] = (
                here.mean,
                here.low,
                here.high,
                apart.mean,
                apart.low,
                apart.high,
            )
    columns = ["mean", "low", "high", "difference", "least", "most"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(rows, names=["design", "number"])
    table.attrs["stopped_early"] = early
    return table


def _refuse_none(designs: Mapping[str, Design]) -> None:
    if not designs:
        raise ScenarioError("there is no design to compare: name at least one")
