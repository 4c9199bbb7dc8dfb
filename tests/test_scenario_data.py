"""The shipped data: explained number by number, and worth what was worked out by hand."""

import csv
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from queueing.scenario import Scenario
from queueing.scenario.availability import availability, k_out_of_n, servers_needed
from queueing.scenario.catalogue import Part
from queueing.scenario.cost import cost_lines, usd_month
from queueing.scenario.design import COUNTS, MOST
from queueing.scenario.errors import annotation_at
from queueing.scenario.plan import plan
from queueing.scenario.scenario import ScenarioFile

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
DICTIONARY = (DATA / "README.md").read_text(encoding="utf-8")
SCALED = {"E with 4 to 8 workers", "E with 4 workers, priority"}  # see test_scenario_scaling
TABLE = pd.read_csv(
    Path(__file__).parent / "authorities" / "mailforge_designs.csv", comment="#", index_col="design"
)
FORGE = Scenario.load("mailforge")
PEAK = FORGE.traffic.peak_rate


def stated(column: str) -> list[str]:
    return list(TABLE.index[TABLE[column].notna()])


# What a design costs, promises and carries


def test_the_table_and_the_file_name_the_same_designs() -> None:
    assert [name for name in FORGE.designs if name not in SCALED] == list(TABLE.index)


@pytest.mark.parametrize("name", stated("usd_month"))
def test_cost_to_the_dollar(name: str) -> None:
    assert round(usd_month(FORGE, FORGE.designs[name])) == TABLE.usd_month[name]


@pytest.mark.parametrize("name", stated("uptime_percent"))
def test_uptime(name: str) -> None:
    assert 100 * availability(FORGE, FORGE.designs[name]) == pytest.approx(
        TABLE.uptime_percent[name], abs=0.005
    )


@pytest.mark.parametrize("station", ["cpu", "database", "workers"])
def test_loads_at_the_peak(station: str) -> None:
    for name in stated(station):
        load = plan(FORGE, FORGE.designs[name]).load(PEAK)[station]
        digits = len(f"{TABLE[station][name]:g}".split(".")[1])
        assert round(load, digits) == TABLE[station][name], name


def test_the_figures_would_notice_another_design() -> None:
    card = {
        name: (usd_month(FORGE, d), availability(FORGE, d)) for name, d in FORGE.designs.items()
    }
    more = FORGE.design(servers=5)
    assert usd_month(FORGE, more) == pytest.approx(card["E"][0] + 30.37)
    assert 100 * availability(FORGE, more) > TABLE.uptime_percent["E"] + 0.01
    assert plan(FORGE, more).load(PEAK)["cpu"] == pytest.approx(0.522 * 4 / 5, abs=5e-4)


def test_the_bill_of_e_line_by_line() -> None:
    lines = cost_lines(FORGE, FORGE.designs["E"])
    assert list(lines.columns) == ["component", "what", "usd_month", "usd_run"]
    by_part = lines.groupby("component").usd_month.sum().to_dict()
    assert by_part == pytest.approx(
        {
            "server": 4 * 30.37,
            "lb": 28.58,
            "postgres": 116.62,
            "redis": 23.36,
            "queue": 32.80,
            "worker": 5 * 30.37,
            "stream": 10.95 + 5.74,
            "analytics": 30.37,
        },
        abs=0.02,
    )
    assert lines.usd_run.sum() == pytest.approx(521.75 * 54 / 730, abs=0.01)


def test_a_quiet_load_balancer_pays_one_unit() -> None:
    quiet = FORGE.traffic.model_copy(update={"peak_users": 200.0})
    calm = replace(FORGE, traffic=quiet)
    assert quiet.mean_rate < FORGE.cost.requests_per_s_per_lcu
    lb = cost_lines(calm, FORGE.base).query("component == 'lb'").usd_month.sum()
    assert lb == pytest.approx(16.43 + 5.84)


# Uptime's rule


def test_too_few_servers_are_told_and_bounded() -> None:
    one = FORGE.designs["B"]
    assert servers_needed(FORGE, one) is None
    assert availability(FORGE, one) <= 0.9945
    assert servers_needed(FORGE, FORGE.designs["E without Redis"]) is None


@pytest.mark.parametrize(
    ("name", "needed"), [("A", 11), ("C", 3), ("E", 3), ("E without stream and sink", 4)]
)
def test_servers_needed(name: str, needed: int) -> None:
    """An event simulation of the same rules sheds at the peak with one server less than these."""
    assert servers_needed(FORGE, FORGE.designs[name]) == needed


def test_k_out_of_n_by_hand() -> None:
    a = 0.9
    assert k_out_of_n(2, 3, a) == pytest.approx(a**3 + 3 * a**2 * (1 - a))
    assert k_out_of_n(3, 3, a) == pytest.approx(a**3)
    assert k_out_of_n(1, 3, a) == pytest.approx(1 - (1 - a) ** 3)


def test_redis_counts_in_series_only_where_it_is_needed() -> None:
    worse = FORGE.design(cache="one node")
    assert availability(FORGE, worse) < availability(FORGE, FORGE.base)
    big = {"database": "m6i.large multi-AZ 50 GB"}
    assert availability(FORGE, FORGE.design(cache="one node", **big)) == availability(
        FORGE, FORGE.design(**big)
    )
    queue = {"queue": "on redis", **big}
    assert availability(FORGE, FORGE.design(cache="one node", **queue)) < availability(
        FORGE, FORGE.design(**queue)
    )


# The plan


def test_the_plan_of_e() -> None:
    made = plan(FORGE, FORGE.designs["E"])
    assert made.places == {"slots": 20, "cpu": 8, "database": 4, "workers": 50, "sink": 10}
    stats = next(kind for kind in made.classes if kind.name == "stats")
    assert [step.resource for step in stats.steps] == ["lb", "cpu", "cache", "database"]
    assert [step.when for step in stats.steps] == ["always", "always", "always", "miss"]
    assert [step.holds_slot for step in stats.steps] == [False, True, True, True]
    assert stats.hit_probability == 0.85
    send = next(kind for kind in made.classes if kind.sends_mail)
    assert [step.resource for step in send.steps] == ["lb", "cpu", "database", "enqueue"]
    assert made.job is not None
    assert sum(law.mean_s for law in made.job.attempt) == pytest.approx(0.847)
    assert [law.kind for law in made.job.attempt] == ["gamma", "lognormal", "constant"]
    assert (made.events.route, made.events.buffer, made.events.hook) == ("sink", None, None)
    assert made.stream_records_per_s == 1000


def test_every_request_and_event_has_its_rate() -> None:
    for name, design in FORGE.designs.items():
        made = plan(FORGE, design)
        assert sum(kind.rate for kind in made.classes) == pytest.approx(1), name
        assert made.delivered_share == pytest.approx(1 - 0.05 ** (5 if design.queue else 1))
        hook = made.events.hook
        assert (hook is not None) == (design.shards == design.sinks == 0)
        if hook:
            assert hook.rate == pytest.approx(0.25 * 6 * made.delivered_share)


def test_a_synchronous_design_renders_and_sends_inside_the_request() -> None:
    send = next(kind for kind in plan(FORGE, FORGE.designs["A"]).classes if kind.sends_mail)
    assert [step.resource for step in send.steps] == ["lb", "cpu", "database", "cpu", "smtp"]
    assert plan(FORGE, FORGE.designs["A"]).job is None


def test_without_redis_every_question_reaches_the_database() -> None:
    made = plan(FORGE, FORGE.designs["E without Redis"])
    assert all(step.when == "always" for kind in made.classes for step in kind.steps)
    assert made.work["database"] == pytest.approx(
        0.25 * 0.012 + 0.1 * 0.003 + 0.25 * 0.08 + 0.4 * 0.006
    )


@pytest.mark.parametrize(
    ("changes", "route", "buffer"),
    [
        ({}, "sink", None),
        ({"shards": 0}, "sink", 10_000),
        ({"sinks": 0}, "workers", None),
        ({"shards": 0, "sinks": 0}, "servers", None),
    ],
)
def test_four_ways_of_an_event(changes: dict[str, int], route: str, buffer: int | None) -> None:
    events = plan(FORGE, FORGE.design(**changes)).events
    assert (events.route, events.buffer) == (route, buffer)
    assert (events.put is not None) == bool(FORGE.design(**changes).shards)


def test_what_fails_takes_its_resources_along() -> None:
    parts = {part.name: part for part in plan(FORGE, FORGE.base).parts}
    assert parts["Redis"].resources == ("cache",)
    assert parts["queue"].resources == ("enqueue",)
    assert (parts["servers"].n, parts["workers"].n) == (4, 5)
    on_redis = plan(FORGE, FORGE.designs["E with queue on Redis"]).parts
    assert "queue" not in {part.name for part in on_redis}
    assert ("cache", "enqueue") in {part.resources for part in on_redis}


# The traffic


def test_the_surge() -> None:
    traffic = FORGE.traffic
    assert traffic.request_rate(0) == pytest.approx(10.7, abs=0.05)
    assert traffic.peak_rate == pytest.approx(184.9, abs=0.05)
    assert traffic.mean_rate == pytest.approx(104.0, abs=0.06)
    assert traffic.requests == pytest.approx(20.2e6, abs=0.05e6)
    assert traffic.requests * FORGE.mails_per_request == pytest.approx(5.06e6, abs=0.01e6)
    hours = np.linspace(0, 54, 54_001)
    assert FORGE.peak_window(hours).mean() * 54 == pytest.approx(23.5, abs=0.01)


def test_hours_outside_the_peak_are_told_so_however_few_are_asked():
    assert not FORGE.peak_window([0, 1, 2]).any()
    assert not FORGE.peak_window(0.0)
    assert FORGE.peak_window(20.0)


def test_a_grid_over_the_run_has_a_peak_though_it_lies_between_two_steps():
    coarse = np.array([0.0, 8.0, 50.0])  # the peak lasts from hour 9 to 32
    assert not FORGE.peak_window(coarse).any()
    assert FORGE.peak_on(coarse).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"plateau_end_h": 2.0},
        {"plateau_end_h": 7.0, "ramp_width_h": 2.0},
        {"decay_h": 0.001},
        {"ramp_width_h": 0.001},
        {"horizon_h": 6.0},
        {"ramp_width_h": 100.0, "decay_h": 20.0},
        {"baseline_users": 2600.0},
    ],
)
def test_peak_and_mean_agree_with_a_fine_grid(changes: dict[str, float]) -> None:
    traffic = FORGE.traffic.model_copy(update=changes)
    hours = np.linspace(0, traffic.horizon_h, 1_000_001)
    rates = traffic.request_rate(hours)
    assert traffic.peak_rate == pytest.approx(rates.max(), rel=1e-6)
    assert traffic.peak_rate >= rates.max() * (1 - 1e-12)
    assert traffic.mean_rate == pytest.approx(np.trapezoid(rates) / 1_000_000, rel=1e-5)


def test_users_keep_the_shape_of_the_hours() -> None:
    assert FORGE.traffic.users(np.zeros((2, 3))).shape == (2, 3)
    assert FORGE.traffic.users(8) == pytest.approx(1375)


# The sister


def test_the_sister_differs_where_it_says() -> None:
    sister = Scenario.load("guided-queues-and-workers")
    assert (sister.contract.uptime, sister.contract.p95_ms) == (0.95, 260)
    assert sister.contract.freshness_s == FORGE.contract.freshness_s
    assert sister.traffic.baseline_users == 150
    assert sister.traffic.horizon_h == 30
    assert sister.classes == FORGE.classes
    assert sister.catalogue == FORGE.catalogue
    assert sister.designs == FORGE.designs
    assert usd_month(sister, sister.base) < sister.contract.budget_usd_month


# The dictionary


def numbers(tables: dict[str, Any], above: tuple[str, ...] = ()) -> dict[str, float]:
    """Return every number of a TOML file by its key path; those of named designs are changes."""
    found: dict[str, float] = {}
    for key, value in tables.items():
        if isinstance(value, dict) and (*above, key) != ("designs",):
            found |= numbers(value, (*above, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[".".join((*above, key))] = value
    return found


def rows(heading: str) -> list[list[str]]:
    """Return the rows of the dictionary's tables under a heading, cell by cell."""
    section = DICTIONARY.split(f"## `{heading}`")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def interval(field: FieldInfo) -> str:
    """Return the limits of a field as the dictionary writes them."""
    metadata = list(field.metadata) or list(field.annotation.__args__[0].__metadata__[0].metadata)  # type: ignore[union-attr]
    low = next((f"[{m.ge:g}" for m in metadata if isinstance(m, Ge)), "")
    low = low or next(f"({m.gt:g}" for m in metadata if isinstance(m, Gt))
    high = next(f"{m.le:g}]" for m in metadata if isinstance(m, Le))
    return f"{'whole, ' if field.annotation is int else ''}{low}, {high}"


def test_every_number_of_mailforge_is_in_the_dictionary_and_no_other() -> None:
    told = {row[0].strip("`"): float(row[1]) for row in rows("mailforge.toml")}
    assert told == numbers(tomllib.loads((DATA / "mailforge.toml").read_text(encoding="utf-8")))


def test_every_number_of_the_sister_is_in_the_dictionary_and_no_other() -> None:
    heading = "guided-queues-and-workers.toml"
    told = {row[0].strip("`"): float(row[1]) for row in rows(heading)}
    assert told == numbers(tomllib.loads((DATA / heading).read_text(encoding="utf-8")))


def test_every_number_has_unit_meaning_evidence_and_source() -> None:
    for row in rows("mailforge.toml"):
        key, _, unit, meaning, evidence, source, _ = row
        assert all((unit, meaning, source)), key
        assert evidence in {"sourced", "recalled", "assumption"}, key
    for _, _, evidence, source in rows("guided-queues-and-workers.toml"):
        assert evidence in {"sourced", "recalled", "assumption"}
        assert source


def test_the_ranges_of_the_dictionary_are_those_of_the_code() -> None:
    for row in rows("mailforge.toml"):
        keys = row[0].strip("`").split(".")
        if keys[0] == "design":
            assert row[-1] == f"whole, [{COUNTS[keys[1]]}, {MOST}]"
        else:
            assert row[-1] == interval(
                annotation_at(ScenarioFile, keys[:-1]).model_fields[keys[-1]]
            )


def numeric_columns() -> list[str]:
    return [name for name, field in Part.model_fields.items() if field.annotation in (int, float)]


def test_every_column_of_the_catalogue_is_in_the_dictionary_and_no_other() -> None:
    told = {row[0].strip("`"): row[-1] for row in rows("catalogue.csv")}
    assert told == {name: interval(Part.model_fields[name]) for name in numeric_columns()}
    section = DICTIONARY.split("## `catalogue.csv`")[1]
    assert set(Part.model_fields) <= set(re.findall(r"`(\w+)`", section))


def test_every_number_of_the_catalogue_says_its_evidence() -> None:
    label = {row[0].strip("`"): row[3] for row in rows("catalogue.csv")}
    with (DATA / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        for part in csv.DictReader(file):
            said = evidence(part["evidence"])
            needed = {label[name] for name in numeric_columns() if part[name]}
            assert needed <= set(said) or said == {"all": "assumption"}, part
            assert set(said) <= needed or said == {"all": "assumption"}, part
            assert set(said.values()) <= {"sourced", "recalled", "assumption"}, part


def evidence(text: str) -> dict[str, str]:
    """Return the kind of evidence for each label of a catalogue's cell."""
    pairs = [part.split(":") for part in re.sub(r"\(.*?\)", "", text).split(";")]
    if len(pairs) == 1 and len(pairs[0]) == 1:
        return {"all": pairs[0][0].strip()}
    return {label.strip(): kind.strip() for labels, kind in pairs for label in labels.split(",")}


def test_python_holds_no_price_and_no_promise_of_a_part() -> None:
    """Whole numbers and one half are too common to tell anything."""
    parts = FORGE.catalogue.to_frame()
    figures = {f"{value:g}" for name in numeric_columns() for value in parts[name].dropna()}
    telling = {figure for figure in figures if "." in figure} - {"0.5"}
    assert {"30.37", "0.9995"} <= telling
    for path in (ROOT / "queueing" / "scenario").rglob("*.py"):
        code = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not telling & set(re.findall(r"\b\d+\.\d+\b", code)), path


def test_the_catalogue_as_a_table() -> None:
    frame = FORGE.catalogue.to_frame()
    assert frame.loc[("redis", "t4g.micro one node"), "price_usd_month"] == 11.68
    assert frame["availability"].isna().sum() == 1
