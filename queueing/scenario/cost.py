"""What a design costs: provisioned for a month, with volumes at the run's mean rates."""

from typing import NamedTuple

import pandas as pd

from queueing.scenario.catalogue import Part
from queueing.scenario.design import Design
from queueing.scenario.plan import plan
from queueing.scenario.scenario import Scenario


class CostLine(NamedTuple):
    """A line of the bill."""

    component: str
    what: str
    usd_month: float


def cost_lines(scenario: Scenario, design: Design, workers: float | None = None) -> pd.DataFrame:
    """Return the bill, a row a line: component, what, usd_month and usd_run.

    `workers` is how many are paid in the mean, where the backlog decides; None: those that there
    always are. `usd_month` is the run rate over a month of the scenario's hours, which the budget
    judges; `usd_run` is the same pro rata for the hours of the run alone.
    """
    lines = pd.DataFrame(bill(scenario, design, workers), columns=CostLine._fields)
    share = scenario.traffic.horizon_h / scenario.cost.hours_per_month
    return lines.assign(usd_run=lines["usd_month"] * share)


def usd_month(scenario: Scenario, design: Design, workers: float | None = None) -> float:
    """Return the provisioned run rate of a design in USD a month; `workers` as in `cost_lines`."""
    return sum(line.usd_month for line in bill(scenario, design, workers))


def bill(scenario: Scenario, design: Design, workers: float | None = None) -> list[CostLine]:
    """Return the lines of the bill; `workers` as in `cost_lines`."""
    rules, catalogue, requests = scenario.cost, scenario.catalogue, scenario.traffic.mean_rate
    seconds = rules.hours_per_month * 3600
    lines = [_provisioned(catalogue.the("server"), design.servers)]
    if design.load_balancer:
        lb = catalogue.the("lb")
        units = max(rules.minimum_lcu, requests / rules.requests_per_s_per_lcu)
        lines += [_provisioned(lb, 1), _used(lb, units)]
    lines.append(_provisioned(catalogue["postgres"][design.database], 1))
    if design.cache:
        lines.append(_provisioned(catalogue["redis"][design.cache], 1))
    if design.queue:
        queue = catalogue["queue"][design.queue]
        calls = requests * scenario.mails_per_request * rules.queue_calls_per_mail * seconds
        lines += [_provisioned(queue, 1), _used(queue, calls / 1e6)]
        lines.append(
            _provisioned(catalogue.the("worker"), design.workers if workers is None else workers)
        )
    if design.shards:
        stream = catalogue.the("stream")
        puts = (
            requests
            * plan(scenario, design).events_per_request
            * rules.put_units_per_event
            * seconds
        )
        lines += [_provisioned(stream, design.shards), _used(stream, puts / 1e6)]
    if design.sinks:
        lines.append(_provisioned(catalogue.the("analytics"), design.sinks))
    return lines


def _provisioned(part: Part, number: float) -> CostLine:
    return CostLine(
        part.component, f"{number:.4g} x {part.unit} {part.variant}", number * part.price_usd_month
    )


def _used(part: Part, units: float) -> CostLine:
    return CostLine(
        part.component, f"{units:.4g} x {part.usage_unit}", units * part.usage_price_usd
    )
