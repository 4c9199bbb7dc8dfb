"""The surge by chance: the figures of an independent simulation of the same rules, and theory's."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from queueing.command_line import BAD_INPUT, FAILS, PASSES, main
from queueing.scenario import Scenario
from queueing.scenario.beside import beside
from queueing.scenario.surge import Surge

FORGE = Scenario.load("mailforge")


def peak_hour(hours: float = 0.5, users: float = 2600.0) -> Scenario:
    """Return MailForge at a constant number of users for a while."""
    still = {"baseline_users": users, "peak_users": users, "horizon_h": hours, "plateau_end_h": 1e3}
    return dataclasses.replace(FORGE, traffic=FORGE.traffic.model_copy(update=still))


@pytest.fixture(scope="module")
def behind() -> Surge:
    """Return two full runs with four workers."""
    return FORGE.simulate(FORGE.designs["E with 4 workers"], replications=2, seed=3)


def test_four_workers_fall_behind_as_an_independent_simulation_says(behind: Surge) -> None:
    """101 000 mails at hour 32, the oldest 36 minutes, P95 112 ms; and what failing workers add.

    Ten threads that miss an hour leave 10 * 3600 / 0.847 mails undone.
    """
    for run in behind.runs:
        climb = run.timeline.loc[9:33]
        missing = float((4 - climb["workers"]).sum()) / 12  # hours, seen every five minutes
        expected = 101_000 + missing * 10 * 3600 / 0.847
        assert run.worst_backlog == pytest.approx(expected, rel=0.15)
        rate = 46.2 * 1.0526 / 1.03  # attempts per second that four workers make
        assert run.oldest_mail_s == pytest.approx(run.worst_backlog / rate, rel=0.1)
    assert behind.p95_ms.mean == pytest.approx(112, rel=0.02)
    assert behind.passes.mean == 0


def test_every_request_of_the_run_is_there(behind: Surge) -> None:
    assert behind.count("arrived").mean == pytest.approx(FORGE.traffic.requests, rel=5e-3)
    run = behind.runs[0]
    assert run.changes > 1.3e8
    hours = behind.timeline.index
    assert behind.timeline[("users", "mean")].to_numpy() == pytest.approx(
        FORGE.traffic.users(hours.to_numpy()), rel=1e-3, abs=0.5
    )


def test_the_latency_of_every_five_minutes(behind: Surge) -> None:
    latency = behind.timeline[("p95_ms", "mean")]
    assert len(latency) == 54 * 12
    calm, peak = latency.loc[:6].mean(), latency.loc[12:30].mean()
    assert calm == pytest.approx(107.1, rel=0.03)  # nobody waits: the steps alone
    assert peak == pytest.approx(112.6, rel=0.03)


def test_theory_lies_beside_it(behind: Surge) -> None:
    table = beside(FORGE.evaluate(behind.design), behind)
    assert bool(table.inside["cost, USD a month"])
    outside = table[~table.inside.astype(bool)]
    assert (outside.reason != "").all()
    assert (table.reason[table.inside.astype(bool)] == "").all()
    with pytest.raises(ValueError, match="two different designs"):
        beside(FORGE.evaluate(FORGE.base), behind)


@pytest.mark.parametrize(
    ("name", "p95_ms"),
    [("C", 107), ("E", 112), ("E with queue on Redis", 106), ("E with 3 servers", 132)],
)
def test_p95_at_the_peak(name: str, p95_ms: float) -> None:
    """Independent simulation: 107, 112, 106, 132 ms, each ± 0.3."""
    surge = peak_hour(0.75).simulate(FORGE.designs[name], replications=4, seed=11)
    assert surge.p95_ms.mean == pytest.approx(p95_ms, abs=1.5)


def test_a_design_that_is_a_tenth_busier_is_told_apart() -> None:
    """Negative control of the test above: 2 860 users instead of 2 600."""
    busier = peak_hour(0.75, users=2860).simulate(FORGE.designs["E"], replications=4, seed=11)
    assert abs(busier.p95_ms.mean - 112) > 1.5


def test_saturation_without_redis() -> None:
    """Independent simulation: the database at 1.19, requests are shed."""
    surge = peak_hour(0.5).simulate(FORGE.designs["E without Redis"], replications=2, seed=5)
    shed = surge.count("shed").mean / surge.count("arrived").mean
    card = FORGE.evaluate(FORGE.designs["E without Redis"])
    assert shed == pytest.approx(card.peak.network.shed_probability, abs=0.03)
    assert surge.p95_ms.mean > 2000


def test_synchronous_designs_run_too() -> None:
    """Independent simulation: 1 220 ms from an empty start."""
    surge = peak_hour(0.5).simulate(FORGE.designs["A"], replications=2, seed=5)
    assert surge.p95_ms.mean == pytest.approx(1220, rel=0.03)
    assert surge.count("submitted").mean == surge.count("delivered").mean + surge.count("dead").mean


def test_users_who_think_and_wait() -> None:
    """Below saturation both models agree; above it closed users wait instead of piling up."""
    quiet = peak_hour(0.5)
    one = quiet.simulate(FORGE.base, replications=2, seed=5, closed=True)
    # a cycle is 14 s of thought and the answer's 37 ms, where the open rate counts 60 ms
    assert one.count("arrived").mean == pytest.approx(2600 / 14.037 * 1800, rel=0.01)
    starved = FORGE.designs["E without Redis"]
    shed = [
        quiet.simulate(starved, replications=2, seed=5, closed=closed).count("shed").mean
        for closed in (False, True)
    ]
    assert shed[1] < shed[0]


def test_the_same_seed_gives_the_same_bits_on_one_core_and_on_two() -> None:
    short = peak_hour(0.1)
    runs = []
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as executor:
            surge = short.simulate(FORGE.base, replications=4, seed=9, executor=executor)
        runs.append([(run.changes, run.p95_ms, run.counts) for run in surge.runs])
    assert runs[0] == runs[1]
    other = short.simulate(FORGE.base, replications=4, seed=10)
    assert [run.changes for run in other.runs] != [run[0] for run in runs[0]]


def test_common_random_numbers_pair_designs() -> None:
    short = peak_hour(0.1)
    one, other = (short.simulate(FORGE.design(servers=n), replications=4, seed=9) for n in (4, 3))
    paired = other.p95_ms - one.p95_ms
    assert paired.seed == 9
    assert paired.mean > 0


def test_until_stops_when_the_interval_is_narrow_enough() -> None:
    short = peak_hour(0.1)
    wide = short.simulate(FORGE.base, replications=20, seed=1, until=("p95_ms", 1e3))
    assert len(wide.runs) == 2
    assert wide.stopped_early
    narrow = short.simulate(FORGE.base, replications=4, seed=1, until=("p95_ms", 1e-9))
    assert len(narrow.runs) == 4
    assert not narrow.stopped_early


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replications": 0}, "replications must be a whole number of at least 1, got 0"),
        ({"replications": 10**9}, "replications must be at most 1,000,000, got 1000000000"),
        ({"closed": "no"}, "closed must be True or False, got 'no'"),
        ({"executor": 3}, "executor must be one of concurrent.futures"),
        ({"seed": "seven"}, "seed must be a whole number of at least 0, got 'seven'"),
        ({"until": ("p59_ms", 1.0)}, "until is a pair"),
        ({"until": ("p95_ms", -1.0)}, "half width must be a finite number above 0"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FORGE.simulate(FORGE.base, **options)


@pytest.mark.parametrize(
    ("broken", "keeps"),
    [
        ({}, True),
        ({"uptime": 0.9969}, False),
        ({"p95_ms": 141.0}, False),
        ({"oldest_mail_s": 301.0}, False),
    ],
)
def test_a_run_keeps_the_contract_only_if_it_keeps_every_clause(
    broken: dict, *, keeps: bool
) -> None:
    """Two good runs and one with a clause broken: two thirds pass, alone it never does."""
    short = peak_hour(0.02).simulate(FORGE.base, replications=1, seed=1)
    good = dataclasses.replace(short.runs[0], uptime=1.0, p95_ms=112.0, oldest_mail_s=2.0)
    other = dataclasses.replace(good, **broken)
    three = dataclasses.replace(short, runs=(good, good, other))
    assert three.passes.mean == pytest.approx(1 if keeps else 2 / 3)
    assert dataclasses.replace(short, runs=(other,)).keeps_contract is keeps


def test_a_design_beyond_the_budget_passes_in_no_run() -> None:
    dear = peak_hour(0.02).simulate(FORGE.designs["C"], replications=1, seed=1)
    assert dear.cost.mean > FORGE.contract.budget_usd_month
    assert dear.passes.mean == 0


def test_a_name_that_is_no_count() -> None:
    surge = peak_hour(0.02).simulate(FORGE.base, replications=1, seed=1)
    with pytest.raises(ValueError, match="count is one of"):
        surge.count("lost")


def test_one_run_has_no_interval() -> None:
    surge = peak_hour(0.02).simulate(FORGE.base, replications=1, seed=1)
    assert np.isnan(surge.p95_ms.half_width)


def test_the_command_line(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "short.toml"
    file.write_text(
        'extends = "mailforge"\n[traffic]\nbaseline_users = 2000\npeak_users = 2600\n'
        "ramp_center_h = 0.01\nramp_width_h = 0.01\nhorizon_h = 0.1\n",
        encoding="utf-8",
    )
    short = ["simulate", str(file), "--replications", "2", "--seed", "1"]
    assert main(short) == PASSES
    assert "Runs that keep the whole contract: 100% of 2" in capsys.readouterr().out
    assert main([*short, "--json", "--servers", "2"]) == FAILS
    told = json.loads(capsys.readouterr().out)
    assert told["seed"] == 1
    assert told["estimates"][0]["replications"] == 2
    assert main(["simulate", "mailforge", "--replications", "0"]) == BAD_INPUT
    assert "replications" in capsys.readouterr().err


def test_a_mean_line_is_not_taken_for_the_longest_moment() -> None:
    """Half an hour of the peak: a mean of one mail waits, at some moment dozens do."""
    scenario = peak_hour()
    surge = scenario.simulate(scenario.base, replications=4, seed=2)
    row = beside(scenario.evaluate(scenario.base), surge).loc["most mails waiting"]
    assert row["theory"] < 2
    assert row["simulated"] > 10
    assert "the mean line at its longest" in row["reason"]
