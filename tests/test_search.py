"""The search against the scorecard, design by design, and against plain counting on small grids."""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest

from queueing.scenario import Design, Scenario, ScenarioError, Scorecard
from queueing.scenario.grid import axes, designs
from queueing.scenario.search import Search

FORGE = Scenario.load("mailforge")
GUIDED = Scenario.load("guided-queues-and-workers")
PARTS = ("servers", "load_balancer", "database", "cache", "queue", "workers", "shards", "sinks")
SMALL: dict[str, object] = {
    "servers": [3, 4, 5],
    "database": ["t3.medium single-AZ", "t3.medium multi-AZ"],
    "cache": "t4g.micro two nodes",
    "queue": "on redis",
    "workers": [3, 4, 5, 6],
    "shards": [0, 1],
    "sinks": 1,
}


@cache
def whole(scenario: str) -> Search:
    """The default grid; of the guided scenario the part that a first round would try."""
    if scenario == "mailforge":
        return FORGE.search()
    return GUIDED.search(servers=range(2, 9), load_balancer=True, shards=[0, 1], sinks=[0, 1])


@cache
def small() -> Search:
    return FORGE.search(**SMALL)


@cache
def card(design: Design) -> Scorecard:
    return FORGE.evaluate(design)


def broken(scored: Scorecard) -> str:
    return ", ".join(check.clause for check in scored.checks if not check.passes)


def breach(message: str) -> pytest.RaisesExc[ScenarioError]:
    return pytest.raises(ScenarioError, match=message)


# The grid


def test_the_default_grid_is_large_and_holds_no_design_twice() -> None:
    found = whole("mailforge")
    assert len(found.listed) == len(set(found.listed)) == len(found.designs) >= 6000


def test_the_default_grid_holds_the_named_designs() -> None:
    off_by_default = {"E with 4 to 8 workers", "E with 4 workers, priority"}
    listed = set(whole("mailforge").listed)
    assert {name for name, made in FORGE.designs.items() if made not in listed} == off_by_default


def test_what_cannot_be_built_is_left_out_and_nothing_else() -> None:
    found = whole("mailforge")

    possible = [
        (servers, balanced, database, cache, queue, workers, shards, sinks)
        for servers, balanced, database, cache, queue, workers, shards, sinks in product(
            *(found.axes[name] for name in PARTS)
        )
        if (servers == 1 or balanced)
        and bool(workers) == (queue is not None)
        and not (shards and not sinks and not workers)
        and not (queue == "on redis" and cache is None)
    ]
    listed = [tuple(getattr(design, name) for name in PARTS) for design in found.listed]
    assert sorted(map(str, listed)) == sorted(map(str, possible))


def test_a_large_scenario_has_a_grid_about_its_needs() -> None:
    crowd = FORGE.traffic.model_copy(update={"peak_users": 50_000.0})
    tried = axes(replace(FORGE, traffic=crowd), {})
    needed = 50_000 / 14.06 * 0.25 * 0.847 * 1.0526 / 10  # workers: attempts, threads
    workers = [count for count in tried["workers"] if isinstance(count, int)]
    assert min(workers[2:]) < needed < max(workers)
    assert all(len(values) <= 14 for values in tried.values())


def test_values_are_taken_alone_or_together_and_by_short_names() -> None:
    tried = axes(FORGE, {"servers": range(2, 5), "database": "single-AZ", "queue": [None, "SQS"]})
    assert tried["servers"] == (2, 3, 4)
    assert tried["database"] == ("t3.medium single-AZ 50 GB",)
    assert tried["queue"] == (None, "sqs")
    assert axes(FORGE, {"servers": np.array([4.0, 4])})["servers"] == (4,)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"sever": 3}, "no part 'sever' in a design; did you mean 'servers'"),
        ({"servers": 0}, "servers must be a whole number of at least 1, got 0"),
        ({"servers": [3, 2.5]}, "servers must be a whole number of at least 1, got 2.5"),
        ({"servers": float("nan")}, "servers must be a whole number"),
        ({"servers": True}, "servers must be a whole number"),
        ({"servers": "many"}, "servers must be a whole number"),
        ({"servers": [[3]]}, "servers must be a whole number"),
        ({"servers": []}, "servers: give from 1 to 100 values to try, got none"),
        ({"servers": range(1, 10**9)}, "servers: give from 1 to 100 values to try, got more"),
        ({"load_balancer": "yes"}, "load_balancer must be true or false"),
        ({"database": None}, "database must be the name of a variant"),
        ({"cache": ["t4g.micro"]}, "'t4g.micro' fits several of redis"),
        ({"queue": "rabbit"}, "queue: no queue 'rabbit'; known: sqs, on redis"),
        ({"queue": None, "workers": [5]}, "is in no design of this grid: workers need a queue"),
        (
            {"queue": "sqs", "workers": [0, 5]},
            "workers=0 is in no design .*: a queue needs workers",
        ),
        ({"load_balancer": False, "servers": [1, 2]}, "servers=2 .*: 2 servers need a load balanc"),
        ({"cache": None, "queue": "on redis"}, "'on redis' lives on Redis and needs one"),
        ({"servers": range(1, 90), "workers": range(1, 90)}, "combinations, at most 200,000"),
    ],
)
def test_a_bad_grid_is_refused_in_words(parts: dict[str, object], message: str) -> None:
    with breach(message):
        FORGE.search(**parts)


# The ranking


@pytest.mark.parametrize("name", ["mailforge", "guided-queues-and-workers"])
def test_the_ranking_agrees_with_the_scorecard(name: str) -> None:
    found = whole(name)
    some = np.random.default_rng(2026).choice(len(found.listed), 30, replace=False)
    for number in [*some, *range(3)]:
        row, scored = found.designs.loc[number], found.scenario.evaluate(found.listed[number])
        assert row.breaks == broken(scored), scored.design
        assert row.cost == pytest.approx(scored.cost, rel=1e-12)
        closeness = 1e-5 if row.slots_load < 1 else 2e-3
        assert row.p95_ms == pytest.approx(scored.p95_ms, rel=closeness)
        lost = scored.availability * (1 - scored.answered)
        factor = 3 if row.slots_load < 1.05 else 1.1
        assert lost / factor - 1e-9 < scored.availability - row.uptime < factor * lost + 1e-9
        loads = scored.stations.max()
        for station in loads.index:
            assert row[f"{station}_load"] == pytest.approx(loads[station], rel=1e-9)


def test_the_oldest_mail_of_what_passes_is_the_scorecards() -> None:
    found = whole("mailforge")
    for number in range(0, int(found.designs["passes"].sum()), 9):
        scored = FORGE.evaluate(found.listed[number])
        assert found.designs.oldest_mail_s[number] == pytest.approx(scored.oldest_mail_s, rel=0.01)


def test_workers_that_follow_the_backlog_and_priorities_are_ranked() -> None:
    e = {"servers": 4, "database": "t3.medium multi-AZ", "cache": "two", "queue": "sqs"}
    found = FORGE.search(
        **e, workers=[3, 4], shards=1, sinks=1, priority=[False, True], maximum_workers=[None, 5, 8]
    )
    assert len(found.listed) == 12
    for design, row in zip(found.listed, found.designs.itertuples(), strict=True):
        assert row.breaks == broken(card(design))
        assert row.cost == pytest.approx(card(design).cost, abs=0.01)
        assert row.oldest_mail_s == pytest.approx(card(design).oldest_mail_s, rel=1e-3)


def test_a_promise_between_designs_alike_is_judged_for_each() -> None:
    """Four workers: how old the mails grow depends on how many requests are answered."""
    parts: dict[str, object] = {"servers": [3, 4, 5], "workers": 4, "shards": 1, "sinks": 1}
    parts |= {"load_balancer": True, "queue": "sqs", "cache": ["one", "two"]}
    ages = sorted({card(design).oldest_mail_s for design in FORGE.search(**parts).listed})
    for age in ages[1::3]:
        promise = FORGE.contract.model_copy(update={"freshness_s": age * (1 - 1e-9)})
        found = replace(FORGE, contract=promise).search(**parts)
        for design, row in zip(found.listed, found.designs.itertuples(), strict=True):
            assert ("oldest mail" in row.breaks) == (card(design).oldest_mail_s >= age)


CROWDED = FORGE.design(servers=10, queue=None, workers=0, shards=0, sinks=0)  # sheds 3 %


@pytest.mark.parametrize(
    ("design", "clause", "number"),
    [
        (FORGE.base, "p95_ms", "p95_ms"),
        (FORGE.designs["E with 4 workers"], "freshness_s", "oldest_mail_s"),
        (CROWDED, "uptime", "uptime"),
    ],
)
def test_a_verdict_on_the_edge_is_the_scorecards(design: Design, clause: str, number: str) -> None:
    """A promise that a design keeps by a hair, or misses by one."""
    parts = {name: getattr(design, name) for name in PARTS}
    kept = getattr(card(design), number)
    for promised in (kept * (1 - 1e-7), kept * (1 + 1e-7)):
        strict = FORGE.contract.model_copy(update={clause: promised})
        scenario = replace(FORGE, contract=strict)
        assert scenario.search(**parts).designs.breaks[0] == broken(scenario.evaluate(design))


# What is found


def test_e_is_found_and_passes() -> None:
    found = whole("mailforge")
    assert found.designs.passes[found.listed.index(FORGE.designs["E"])]


@pytest.mark.parametrize("name", ["mailforge", "guided-queues-and-workers"])
def test_the_cheapest_passes_and_stands_first(name: str) -> None:
    found = whole(name)
    assert found.cheapest == found.listed[0]
    assert found.scenario.evaluate(found.listed[0]).passes
    costs = found.designs.cost[found.designs.passes]
    assert costs.is_monotonic_increasing
    assert not found.designs.passes[costs.size :].any()


def test_the_best_are_those_that_pass_one_by_one() -> None:
    passing = {d for d in small().listed if card(d).passes}
    assert set(small().best(100)) == passing
    assert [card(d).cost for d in small().best(100)] == sorted(card(d).cost for d in passing)
    assert small().best(2) == small().best(100)[:2]


def test_the_frontier_is_that_of_plain_comparison() -> None:
    cards = [card(d) for d in small().listed]
    fit = [c for c in cards if not {"uptime", "oldest mail"} & set(broken(c).split(", "))]
    ahead = [
        c
        for c in fit
        if not any(
            o.cost <= c.cost and round(o.p95_ms, 1) <= round(c.p95_ms, 1) and o is not c
            for o in fit
        )
    ]
    ahead.sort(key=lambda c: c.cost)
    rows = small().frontier
    assert len(ahead) > 1
    assert [small().listed[number] for number in rows.index] == [c.design for c in ahead]
    assert rows.p95_ms.tolist() == [c.p95_ms for c in ahead]
    assert rows.worst_backlog.tolist() == [c.worst_backlog for c in ahead]
    assert rows.passes.tolist() == [c.passes for c in ahead]


def test_the_non_dominated_are_those_of_plain_comparison() -> None:
    rows = small().designs
    numbers = list(
        zip(
            (rows.cost / 0.01).round(),
            (rows.p95_ms / 0.1).round(),
            (-rows.uptime / 1e-5).round(),
            rows.oldest_mail_s.round(),
            strict=True,
        )
    )
    left = [
        i
        for i, mine in enumerate(numbers)
        if not any(
            other != mine and all(a <= b for a, b in zip(other, mine, strict=True))
            for other in numbers
        )
    ]
    assert 1 < len(left) < len(numbers)
    assert small().non_dominated.index.tolist() == left


# What binds


@pytest.mark.parametrize("name", ["mailforge", "guided-queues-and-workers"])
def test_what_binds_adds_up(name: str) -> None:
    found = whole(name)
    told = Counter(found.designs.breaks)
    assert found.combinations.to_dict() == dict(told)
    assert sum(told.values()) == len(found.listed)
    for clause, row in found.binding.iterrows():
        assert row["fail"] == sum(n for text, n in told.items() if clause in text.split(", "))
        assert row["fail it alone"] == told[str(clause)]
    assert told[""] == found.designs.passes.sum()


def test_each_clause_binds_somewhere() -> None:
    assert (whole("mailforge").binding["fail it alone"] > 0).all()


# The nearest


def test_the_nearest_is_that_of_plain_comparison() -> None:
    passing = [d for d in small().listed if card(d).passes]
    for start in small().listed:
        found = small().nearest(start)
        if card(start).passes:
            assert found.design == start
            continue
        steps = {d: sum(getattr(d, n) != getattr(start, n) for n in PARTS) for d in passing}
        best = min(passing, key=lambda d: (steps[d], card(d).cost))
        assert found.design == best
        assert len(found.changes) == steps[best]
        assert found.usd_month == pytest.approx(card(best).cost - card(start).cost)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "passes as it is"),
        ({"workers": 4}, "one more worker: +30.37 USD a month"),
        ({"workers": 3}, "two more workers: +60.74 USD a month"),
        ({"workers": 4, "shards": 0, "sinks": 0}, "one more worker and the stream: +47.06 USD a"),
        ({"servers": 1, "load_balancer": False}, "three more servers and a load balancer: +119.69"),
        ({"servers": 14}, "ten fewer servers: -303.70 USD a month"),
        ({"cache": None}, "Redis t4g.micro two nodes: +23.36 USD a month"),
        ({"database": "single-AZ"}, "Postgres t3.medium multi-AZ 50 GB instead of t3.medium s"),
        ({"workers": 2, "maximum_workers": 4}, "three more workers and workers that stay as they"),
    ],
)  # fmt: skip
def test_the_nearest_in_words(changed: dict[str, int | bool | str | None], told: str) -> None:
    assert str(whole("mailforge").nearest(FORGE.design(**changed))).startswith(told)


def test_where_nothing_passes_it_says_so() -> None:
    poor = FORGE.contract.model_copy(update={"budget_usd_month": 100.0})
    found = replace(FORGE, contract=poor).search(**SMALL)
    assert found.cheapest is None
    assert found.best(3) == ()
    assert str(found.nearest(FORGE.base)) == "no design of this grid passes"
    assert "None passes." in repr(found)
    with breach("nothing to confirm"):
        found.confirm(1)
    late = FORGE.search(servers=4, workers=3, queue="sqs", shards=1, sinks=1)
    assert late.frontier.empty
    assert not late.cost_against_p95["on_frontier"].any()
    assert "0 keep the contract" in repr(late)


# To look at, and by chance


def test_the_text_says_what_matters() -> None:
    text = repr(whole("mailforge"))
    designs_, passing = len(whole("mailforge").listed), whole("mailforge").designs.passes.sum()
    assert f"MailForge: {designs_:,} designs, {passing:,} keep the contract" in text
    assert "servers: 1 to 12" in text
    assert "cache: none, t4g.micro one node, t4g.micro two nodes" in text
    assert "fail it alone" in text
    assert len(text.splitlines()) < 50


def test_the_points_of_the_figure_are_all_designs() -> None:
    found = whole("mailforge")
    points = found.cost_against_p95
    assert points["designs"].sum() == len(found.listed)
    assert points.query("outcome == 'passes'")["designs"].sum() == found.designs.passes.sum()
    ahead = points[points["on_frontier"]]
    assert ahead["cost"].round(2).tolist() == found.frontier["cost"].round(2).tolist()
    assert ahead["p95_ms"].is_monotonic_decreasing


def test_the_best_meet_the_same_luck() -> None:
    """A surge of twelve minutes; the paired difference is narrower than that of strangers."""
    brief = FORGE.traffic.model_copy(
        update={"ramp_center_h": 0.0, "ramp_width_h": 0.01, "plateau_end_h": 0.2, "horizon_h": 0.2}
    )
    found = replace(FORGE, traffic=brief).search(**SMALL | {"servers": 4})
    told = found.confirm(2, replications=3, seed=7)
    first, second = told.surges
    assert (first.design, second.design) == found.best(2)
    assert first.seed == second.seed == 7
    (more,) = told.differences("p95_ms")
    pairs = [two.p95_ms - one.p95_ms for one, two in zip(first.runs, second.runs, strict=True)]
    assert (more.mean, more.replications) == (pytest.approx(np.mean(pairs)), 3)
    assert more.half_width == pytest.approx(4.302653 * np.std(pairs, ddof=1) / 3**0.5)  # Student's
    rows = told.to_frame()
    assert rows.p95_ms_more.tolist() == pytest.approx([0, more.mean])
    assert rows.p95_ms_theory.tolist() == pytest.approx(rows.p95_ms.tolist(), rel=0.1)
    assert "3 runs of each design, seed 7" in repr(told)
    fresh = found.confirm(2, replications=1)
    assert fresh.surges[0].seed == fresh.surges[1].seed


def test_the_search_leaves_the_ranking_alone() -> None:
    pd.testing.assert_frame_equal(FORGE.search(**SMALL).designs, small().designs)
    assert designs(FORGE, small().axes)[0] in small().listed


def test_a_search_shows_its_progress_only_when_asked(
    capfd: pytest.CaptureFixture[str],
) -> None:
    parts = SMALL | {"servers": 4}
    FORGE.search(**parts)
    assert capfd.readouterr().err == ""
    FORGE.search(progress=True, **parts)
    shown = capfd.readouterr()
    assert "100%" in shown.err
    assert shown.out == ""
