"""Each rule with a design that it is about and one that it is not, its numbers by hand."""

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queueing.scenario import Design, Scenario
from queueing.scenario.mistakes.case import Finding
from queueing.scenario.postmortem import RULES, Postmortem
from queueing.scenario.surge import Surge

FORGE = Scenario.load("mailforge")
NO_QUEUE = {"queue": None, "workers": 0, "shards": 0, "sinks": 0}
BARE = {"shards": 0, "sinks": 0}
SMALL = "t3.medium multi-AZ 50 GB"
LARGE = "m6i.large multi-AZ 50 GB"

Changes = dict[str, Any]


def altered(**tables: Changes) -> Scenario:
    """Return MailForge with other keys in its tables."""
    new = {
        name: getattr(FORGE, name).model_copy(update=changes) for name, changes in tables.items()
    }
    return dataclasses.replace(FORGE, **new)


KEPT: dict[tuple[int, Design], Postmortem] = {}  # several tests look at one


def told(scenario: Scenario, **changes: Any) -> Postmortem:
    design = scenario.design(**changes)
    key = id(scenario), design
    if key not in KEPT:
        KEPT[key] = scenario.postmortem(scenario.evaluate(design))
    return KEPT[key]


def found(scenario: Scenario, rule: str, **changes: Any) -> Finding:
    (finding,) = [one for one in told(scenario, **changes) if one.rule == rule]
    return finding


FAILING = altered(job={"failure_probability": 0.3})
NO_BACKOFF = altered(job={"backoff_base_s": 0.0})
IMPATIENT = altered(job={"visibility_timeout_s": 2.0})
NOISY = altered(tracking={"events_per_mail": 30.0})
STRICT = altered(contract={"uptime": 0.999})
FRESH = altered(contract={"freshness_s": 1.0})
SLOW_BOOT = dataclasses.replace(
    FORGE,
    rules=FORGE.rules.model_copy(
        update={"autoscaling": FORGE.rules.autoscaling.model_copy(update={"boot_s": 1800.0})}
    ),
)

# A rule, a scenario with a design that it is about, and a scenario with one that it is not
CASES: list[tuple[str, Scenario, Changes, Scenario, Changes]] = [
    ("sending inside the request", FORGE, {"servers": 12, **NO_QUEUE}, FORGE, {}),
    ("telemetry in the database", FORGE, BARE, FORGE, {}),
    ("telemetry in the database", FORGE, BARE, altered(tracking={"events_per_mail": 0.0}), BARE),
    ("no cache", FORGE, {"cache": None}, FORGE, {}),
    ("no cache", FORGE, {"cache": None, "database": LARGE}, FORGE, {"database": LARGE}),
    (
        "no cache",
        FORGE,
        {"cache": None},
        altered(contract={"p95_ms": 400.0}),
        {"cache": None, "database": LARGE},
    ),
    ("servers short", FORGE, {"servers": 2}, FORGE, {}),
    ("servers short", FORGE, {"servers": 1, "load_balancer": False}, FORGE, {"cache": None}),
    ("database short", FORGE, {"hit_ratio": 0.0}, FORGE, {"hit_ratio": 0.5}),
    ("bottleneck", FORGE, {"cache": None, "database": LARGE}, FORGE, {"workers": 4}),
    ("metastable without the cache", FORGE, {}, FORGE, {"database": LARGE}),
    ("metastable without the cache", FORGE, {"workers": 4}, FORGE, {"cache": None}),
    ("invisible failure", FORGE, {"workers": 4}, FORGE, {}),
    ("invisible failure", SLOW_BOOT, {"workers": 1, "maximum_workers": 8}, FORGE, {}),
    ("invisible failure", FORGE, {"workers": 3}, FORGE, {"workers": 4, "servers": 2}),
    ("workers short", FORGE, {"workers": 4}, FORGE, {}),
    ("workers short", FORGE, {"workers": 2, "maximum_workers": 4}, FORGE, {"maximum_workers": 5}),
    ("workers without a spare", FRESH, {}, FORGE, {}),
    ("workers without a spare", FRESH, {}, FORGE, {"workers": 4}),
    ("workers without a spare", FRESH, {}, SLOW_BOOT, {"workers": 1, "maximum_workers": 8}),
    (
        "workers too late",
        SLOW_BOOT,
        {"workers": 1, "maximum_workers": 8},
        FORGE,
        {"workers": 1, "maximum_workers": 8},
    ),
    ("one line for all mails", FORGE, {"workers": 4}, FORGE, {"workers": 4, "priority": True}),
    (
        "one line for all mails",
        FORGE,
        {"workers": 4},
        altered(job={"transactional_share": 1.0}),
        {"workers": 4},
    ),
    ("retry storm", FAILING, {}, FAILING, {"workers": 6}),
    ("retry storm", FAILING, {"workers": 5}, FAILING, {"max_attempts": 1}),
    ("retry storm", FAILING, {}, FORGE, {"workers": 4}),
    ("retries without backoff", NO_BACKOFF, {}, FORGE, {}),
    ("retries without backoff", NO_BACKOFF, {}, NO_BACKOFF, {"max_attempts": 1}),
    ("dead letters", FORGE, {"max_attempts": 1}, FORGE, {"max_attempts": 3}),
    ("dead letters", FORGE, {"servers": 12, **NO_QUEUE}, FORGE, {}),
    ("visibility timeout", IMPATIENT, {}, FORGE, {}),
    ("no spare", FORGE, {"servers": 3}, FORGE, {}),
    ("no spare", FORGE, {"servers": 3}, altered(contract={"uptime": 0.95}), {"servers": 3}),
    ("no load balancer", FORGE, {"servers": 1, "load_balancer": False}, FORGE, {}),
    ("single point", FORGE, {"database": "single-AZ"}, FORGE, {}),
    (
        "single point",
        FORGE,
        {"cache": "one node"},
        FORGE,
        {"cache": "one node", "database": LARGE},
    ),
    ("parts in series", STRICT, {}, STRICT, {"queue": "on redis"}),
    ("stream without readers", FORGE, {"sinks": 0}, FORGE, {}),
    ("stream full", NOISY, {}, NOISY, {"shards": 2}),
    ("sink short", NOISY, {}, NOISY, {"sinks": 2}),
    ("sink without a stream", FORGE, {"shards": 0}, FORGE, {}),
    ("over budget", FORGE, {"servers": 8, "workers": 12, "database": LARGE}, FORGE, {}),
    ("least margin", FORGE, {}, FORGE, {"workers": 4}),
]


@pytest.mark.parametrize(("rule", "scenario", "changes", "other", "fine"), CASES)
def test_a_rule_finds_what_it_is_about_and_nothing_else(
    rule: str, scenario: Scenario, changes: Changes, other: Scenario, fine: Changes
) -> None:
    finding = found(scenario, rule, **changes)
    assert all(isinstance(value, int | float) for value in finding.evidence.values())
    assert finding.evidence
    for text in (finding.sentence, finding.remedy, finding.lesson):
        assert re.match(r"[A-Z0-9].*\.$", text), text
        assert "nan" not in text
        assert len(text) < 330
    assert rule not in [one.rule for one in told(other, **fine)]


def test_every_rule_is_tested() -> None:
    rules = {rule.__name__.replace("_", " ") for rule in RULES}
    assert rules == {case[0] for case in CASES} | {"a mean is not a run"}


@pytest.mark.parametrize(("rule", "scenario", "changes", "other", "fine"), CASES)
def test_the_remedy_mends_it(
    rule: str, scenario: Scenario, changes: Changes, other: Scenario, fine: Changes
) -> None:
    """The design that a finding proposes has not the same finding, and costs what it says."""
    del other, fine
    finding = found(scenario, rule, **changes)
    if finding.instead is None:
        assert rule in {
            "bottleneck",
            "invisible failure",
            "retries without backoff",
            "visibility timeout",
            "least margin",
        } or (rule, changes) == ("dead letters", {"servers": 12, **NO_QUEUE})
        return
    then = scenario.evaluate(finding.instead)
    if rule != "workers without a spare":  # a promise of one second asks for more than one worker
        assert rule not in [one.rule for one in scenario.postmortem(then)]
    if match := re.search(r"\(([\d,.]+) USD a month (more|less)\)", finding.remedy):
        more = float(match[1].replace(",", "")) * (1 if match[2] == "more" else -1)
        now = scenario.evaluate(scenario.design(**changes))
        assert then.cost - now.cost == pytest.approx(more, abs=0.006)


def test_a_design_that_passes_says_what_nearly_broke() -> None:
    *risks, last = told(FORGE)
    assert last.rule == "least margin"
    assert not any(one.broken for one in [*risks, last])
    assert last.evidence["margin"] == pytest.approx(580 - 521.77, abs=0.01)
    assert "budget" in last.sentence
    erlangs = 2600 / 14.06 / 4 * 1.05263 * 0.847
    assert last.evidence["growth_to_full"] == pytest.approx(50 / erlangs - 1, rel=1e-4)
    tight = found(altered(contract={"p95_ms": 115.0}), "least margin")
    assert "P95 latency" in tight.sentence
    assert tight.evidence["margin"] < 2


def test_what_broke_the_contract_comes_first() -> None:
    for _rule, scenario, changes, _other, _fine in CASES:
        broken = [one.broken for one in told(scenario, **changes)]
        assert broken == sorted(broken, reverse=True)


DESIGNS = st.fixed_dictionaries(
    {
        "servers": st.integers(1, 8),
        "database": st.sampled_from(["single-AZ", SMALL, LARGE]),
        "cache": st.sampled_from(["one node", "two nodes", None]),
        "workers": st.integers(2, 9),
        "priority": st.booleans(),
        "shards": st.integers(0, 2),
        "sinks": st.integers(0, 2),
        "max_attempts": st.sampled_from([None, 1, 2]),
        "maximum_workers": st.sampled_from([None, 9]),
    }
)


@settings(max_examples=6, deadline=None)
@given(DESIGNS)
def test_every_broken_clause_has_a_cause(changes: Changes) -> None:
    card = FORGE.evaluate(FORGE.design(**changes))
    findings = FORGE.postmortem(card)
    assert any(one.broken for one in findings) is not card.passes
    assert (findings[-1].rule == "least margin") is card.passes
    for one in findings:
        assert "nan" not in str(one)
        assert "inf" not in str(one)


# After a run


def brief(scenario: Scenario, hours: float = 0.3) -> Scenario:
    """Return the scenario at its peak for a while."""
    still = {"baseline_users": 2600.0, "horizon_h": hours, "plateau_end_h": 1e3}
    return dataclasses.replace(scenario, traffic=scenario.traffic.model_copy(update=still))


@pytest.fixture(scope="module")
def surge() -> Surge:
    here = brief(FORGE)
    return here.simulate(here.design(workers=2), replications=2, seed=4)


def with_uptimes(surge: Surge, *uptimes: float) -> Surge:
    runs = tuple(
        dataclasses.replace(run, uptime=uptime)
        for run, uptime in zip(surge.runs, uptimes, strict=True)
    )
    return dataclasses.replace(surge, runs=runs)


def test_after_a_run_its_means_are_told(surge: Surge) -> None:
    here = surge.scenario
    first = here.postmortem(with_uptimes(surge, 1.0, 1.0))[0]
    assert first.rule == "invisible failure"
    assert first.evidence["oldest_mail_s"] == surge.oldest_mail_s.mean
    assert first.evidence["worst_backlog"] == surge.worst_backlog.mean
    assert first.evidence["delivery_p95_s"] == surge.delivery_p95_s.mean
    assert first.evidence["acknowledged_p95_ms"] == surge.class_p95_ms["send"].mean
    assert first.hour == surge.timeline[("backlog", "mean")].idxmax()
    assert "mean of 2 runs" in here.postmortem(surge).text()


@pytest.mark.parametrize(("uptimes", "keep"), [((1.0, 0.98), 1), ((0.9, 0.98), 0)])
def test_a_mean_is_not_a_run(surge: Surge, uptimes: tuple[float, float], keep: int) -> None:
    rules = {one.rule: one for one in surge.scenario.postmortem(with_uptimes(surge, *uptimes))}
    finding = rules["a mean is not a run"]
    assert finding.broken
    assert finding.evidence["runs_that_pass"] == keep
    assert finding.evidence["least_uptime"] == min(uptimes)
    assert "invisible failure" not in rules  # the API is not green
    fine = surge.scenario.postmortem(with_uptimes(surge, 1.0, 0.998))
    assert "a mean is not a run" not in [one.rule for one in fine]


def test_dead_letters_of_a_run_are_counted() -> None:
    here = brief(FORGE, 0.2)
    run = here.simulate(here.design(max_attempts=1), replications=2, seed=4)
    (finding,) = [one for one in here.postmortem(run) if one.rule == "dead letters"]
    assert finding.evidence["dead_letters"] == run.count("dead").mean > 0


# How it is told


def test_it_is_a_sequence_and_tells_the_same_everywhere() -> None:
    findings = told(FORGE, workers=4)
    assert len(findings) == len(list(findings)) == len(findings.to_frame())
    assert findings[:2] == (findings[0], findings[1])
    text, page = findings.text(), findings._repr_html_()
    data = json.loads(json.dumps(findings.data(), allow_nan=False))
    assert str(findings) == text
    for one, row in zip(findings, data, strict=True):
        assert one.sentence in text
        assert one.remedy in text
        assert row["sentence"] == one.sentence
        assert f"<p>{one.remedy}</p>" in page
    assert "Breaks the contract: oldest mail." in text
    assert "(broke the contract, hour 32)" in text


def test_a_title_cannot_break_the_page() -> None:
    page = dataclasses.replace(told(FORGE), title="<b>&").markup()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page


def test_what_is_judged_elsewhere_is_refused() -> None:
    guided = Scenario.load("guided-queues-and-workers")
    with pytest.raises(ValueError, match="judged by another scenario"):
        guided.postmortem(FORGE.evaluate(FORGE.base))
    with pytest.raises(ValueError, match="of a Scorecard or a Surge, got 5"):
        FORGE.postmortem(5)  # type: ignore[arg-type]
    again = Scenario.load("mailforge")
    assert again.postmortem(FORGE.evaluate(FORGE.base))


def test_the_guided_sister_is_told_in_its_own_numbers() -> None:
    guided = Scenario.load("guided-queues-and-workers")
    spare = {one.rule for one in guided.postmortem(guided.evaluate(guided.design(servers=3)))}
    assert "no spare" not in spare  # 95 % needs none
    short = guided.postmortem(guided.evaluate(guided.design(workers=3)))
    assert short[0].hour == pytest.approx(guided.traffic.plateau_end_h, abs=2)


def test_the_least_design_has_most_to_learn() -> None:
    worst = Design(
        servers=1,
        load_balancer=False,
        database="t3.medium single-AZ 50 GB",
        cache=None,
        queue=None,
        workers=0,
        shards=0,
        sinks=0,
    )
    rules = [one.rule for one in FORGE.postmortem(FORGE.evaluate(worst))]
    assert rules[0] == "sending inside the request"
    assert {"no cache", "no load balancer", "single point", "bottleneck"} <= set(rules)
