"""What each command does: options in, an answer out, for a person and for programs."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from queueing.command_line.parts import PARTS
from queueing.scenario import Design, Scenario, ScenarioError, report
from queueing.scenario.comparison import by_chance, side_by_side
from queueing.scenario.design import build
from queueing.scenario.errors import nearest


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command has to say, in every form that may be asked for."""

    passes: bool
    text: str
    data: Any  # for JSON
    table: pd.DataFrame  # for CSV
    svg: Callable[[], str]


def evaluate(scenario: Scenario, options: argparse.Namespace) -> Answer:
    """Judge a design by theory."""
    card = scenario.evaluate(_design(scenario, options))

    def svg() -> str:
        from queueing.lab.layouts import design_picture  # noqa: PLC0415, pictures take long to load

        return design_picture(card).svg

    return Answer(
        passes=card.passes,
        text=report.text(card),
        data=report.data(card),
        table=card.to_frame().reset_index(),
        svg=svg,
    )


def simulate(scenario: Scenario, options: argparse.Namespace) -> Answer:
    """Run a design through the surge by chance."""
    design = _design(scenario, options)
    surge = scenario.simulate(
        design,
        replications=options.replications,
        seed=options.seed,
        closed=options.closed,
        progress=sys.stderr.isatty(),
    )
    card = scenario.evaluate(design)

    def svg() -> str:
        from queueing.lab.surge import surge_picture  # noqa: PLC0415

        return surge_picture(card, surge, width=800).svg

    return Answer(
        passes=surge.keeps_contract,
        text=report.surge_text(card, surge),
        data=report.surge_data(surge),
        table=surge.to_frame().reset_index(),
        svg=svg,
    )


def search(scenario: Scenario, options: argparse.Namespace) -> Answer:
    """Rank every design on a grid."""
    found = scenario.search(progress=sys.stderr.isatty(), **_given(options))

    def svg() -> str:
        from queueing.lab.searched import frontier_picture  # noqa: PLC0415

        return frontier_picture(found).svg

    cheapest = found.cheapest
    data = {
        "scenario": scenario.title,
        "grid": {name: list(values) for name, values in found.axes.items()},
        "designs": len(found.designs),
        "pass": int(found.designs["passes"].sum()),
        "cheapest": None if cheapest is None else report.design_data(cheapest),
        "binding": found.binding.reset_index().to_dict("records"),
        "frontier": report.plain_records(found.frontier),
    }
    return Answer(
        passes=cheapest is not None, text=repr(found), data=data, table=found.designs, svg=svg
    )


def compare(scenario: Scenario, options: argparse.Namespace) -> Answer:
    """Set designs side by side."""
    named = {name: _named(scenario, name) for name in options.designs or scenario.designs}
    table = side_by_side(scenario, named)
    rows = table.T.rename_axis("design")
    texts = [_shown(rows.infer_objects())]
    data: dict[str, Any] = {"theory": report.plain_records(rows)}
    flat = rows.reset_index()
    if options.replications is not None:
        flat = by_chance(
            scenario,
            named,
            replications=options.replications,
            seed=options.seed,
            progress=sys.stderr.isatty(),
        )
        early = flat.attrs["stopped_early"]
        told = ", stopped early" if early else ""
        texts += ["", f"By chance{told}, and the difference to {next(iter(named))}:", _shown(flat)]
        data |= {"chance": report.plain_records(flat), "stopped_early": early}
        flat = flat.reset_index()

    def svg() -> str:
        from queueing.lab.layouts import designs_picture  # noqa: PLC0415

        return designs_picture([scenario.evaluate(design) for design in named.values()]).svg

    return Answer(
        passes=bool(table.loc["passes"].all()),
        text="\n".join([f"{scenario.title}, by theory:", *texts]),
        data=data,
        table=flat,
        svg=svg,
    )


def postmortem(scenario: Scenario, options: argparse.Namespace) -> Answer:
    """Say what went wrong, with evidence and a remedy."""
    design = _design(scenario, options)
    card = scenario.evaluate(design)
    passes, judged = card.passes, scenario.postmortem(card)
    if options.replications is not None:
        surge = scenario.simulate(
            design,
            replications=options.replications,
            seed=options.seed,
            progress=sys.stderr.isatty(),
        )
        passes, judged = surge.keeps_contract, scenario.postmortem(surge)

    def svg() -> str:
        from queueing.lab.layouts import design_picture  # noqa: PLC0415

        return design_picture(card).svg

    return Answer(
        passes=passes, text=judged.text(), data=judged.data(), table=judged.to_frame(), svg=svg
    )


def _design(scenario: Scenario, options: argparse.Namespace) -> Design:
    """Return the design that the options describe: the scenario's own, or a named one, changed."""
    base = (
        scenario.base if options.design is None else _named(scenario, options.design, "--design: ")
    )
    return build(scenario.catalogue, base, _given(options))


def _given(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name in PARTS if (value := getattr(options, name)) is not None}


def _named(scenario: Scenario, name: str, where: str = "") -> Design:
    if name not in scenario.designs:
        raise ScenarioError(f"{where}no design {name!r}; {nearest(name, scenario.designs)}")
    return scenario.designs[name]


def _shown(table: pd.DataFrame) -> str:
    with pd.option_context("display.width", 200, "display.max_columns", 50):
        return table.to_string(float_format=lambda number: f"{round(number, 9):,.5g}")
