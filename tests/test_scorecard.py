"""The scorecard against an independent event simulation of its rules, and against arithmetic."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from queueing import MMc
from queueing.scenario import Scenario, Scorecard, report
from queueing.scenario.plan import plan

FORGE = Scenario.load("mailforge")
SCALED = {"E with 4 to 8 workers", "E with 4 workers, priority"}  # see test_scenario_scaling
SIMULATED = pd.read_csv(
    Path(__file__).parent / "authorities" / "mailforge_simulation.csv",
    comment="#",
    index_col="design",
)
STABLE = SIMULATED.dropna(subset="p95_ms")


def card(**changes: int | bool | str | None) -> Scorecard:
    return FORGE.evaluate(FORGE.design(**changes))


def named(name: str) -> Scorecard:
    return FORGE.evaluate(FORGE.designs[name])


@pytest.mark.parametrize("name", SIMULATED.index)
def test_the_verdict_is_that_of_the_simulation(name: str) -> None:
    broken = {check.clause for check in named(name).checks if not check.passes}
    simulated = SIMULATED.verdict.fillna("")[name]
    assert broken == set(filter(None, simulated.split(";")))


@pytest.mark.parametrize("name", STABLE.index)
def test_p95_is_within_five_percent_of_the_simulation(name: str) -> None:
    assert named(name).p95_ms == pytest.approx(STABLE.p95_ms[name], rel=0.05)


def test_p95_by_class_is_within_six_percent_of_the_simulation() -> None:
    simulated = {"send": 101, "preview": 221, "stats": 110, "list": 52}
    assert named("E").class_p95_ms == pytest.approx(simulated, rel=0.06)


def test_every_named_design_is_simulated() -> None:
    assert set(FORGE.designs) - SCALED == set(SIMULATED.index)


def test_users_who_think_for_a_second_less() -> None:
    """Simulated: P95 115 ms, workers at 0.89."""
    hasty = FORGE.traffic.model_copy(update={"think_time_s": 13.0})
    e = dataclasses.replace(FORGE, traffic=hasty).evaluate(FORGE.base)
    assert e.p95_ms == pytest.approx(115, rel=0.05)
    assert e.worker_load == pytest.approx(0.89, abs=0.01)


def test_four_workers_fall_behind_under_green_api_numbers() -> None:
    """Simulated: 101 000 mails at hour 32, the oldest 36 minutes old, clear at hour 35."""
    behind = named("E with 4 workers")
    assert behind.p95_ms == pytest.approx(named("E").p95_ms, rel=1e-3)
    assert behind.worst_backlog == pytest.approx(101_000, rel=0.05)
    assert behind.timeline.backlog[32.0] == pytest.approx(101_000, rel=0.05)
    assert behind.oldest_mail_s == pytest.approx(36 * 60, rel=0.05)
    late = behind.timeline.oldest_mail_s
    assert late[late > 0].index.max() == pytest.approx(35, abs=0.5)


def test_three_workers_fall_a_working_day_behind() -> None:
    """Simulated: 1.08 million mails, the oldest 8.5 hours old."""
    behind = named("E with 3 workers")
    assert behind.worst_backlog == pytest.approx(1.08e6, rel=0.05)
    assert behind.oldest_mail_s == pytest.approx(8.5 * 3600, rel=0.05)


def test_the_backlog_is_what_came_less_what_went() -> None:
    """While there is one the threads are busy all the time: mass balance, hour by hour."""
    flow = named("E with 4 workers").mails
    assert flow
    full = (flow.hours > 11) & (flow.hours < 34)
    came = np.trapezoid(flow.attempt_rate[full], flow.hours[full] * 3600)
    went = flow.threads / flow.attempt[0] * (flow.hours[full][-1] - flow.hours[full][0]) * 3600
    grown = flow.backlog[full][-1] - flow.backlog[full][0]
    assert grown == pytest.approx(came - went, abs=100)  # the stationary line comes and goes


def test_the_line_of_a_stable_design_is_that_of_a_station() -> None:
    """With exponential attempts the stationary line would be M/M/c's."""
    flow = named("E with stream, no sink").mails
    assert flow
    mean, scv = flow.attempt
    station = MMc(
        arrival_rate=float(flow.attempt_rate.max()), service_rate=1 / mean, servers=flow.threads[0]
    )
    assert flow.backlog.max() == pytest.approx(station.mean_queue_length * (1 + scv) / 2, rel=1e-9)


def delivery_times(failure_probability: float, n: int, seed: int) -> np.ndarray:
    """Draw attempts (render, SMTP, acknowledge) with pauses of full jitter, for delivered mails."""
    rng = np.random.default_rng(seed)
    sigma = np.sqrt(np.log(3))

    def attempt() -> np.ndarray:
        smtp = rng.lognormal(np.log(0.8) - sigma**2 / 2, sigma, n)
        return rng.gamma(1 / 0.6, 0.035 * 0.6, n) + smtp

    time, failed = attempt(), rng.random(n) < failure_probability
    for retry in range(4):
        time += failed * (0.012 + rng.uniform(0, 30 * 2**retry, n) + attempt())
        failed &= rng.random(n) < failure_probability
    return time[~failed]


@pytest.mark.parametrize(("failure_probability", "agrees"), [(0.05, True), (0.055, False)])
def test_a_mail_takes_as_long_as_its_attempts(failure_probability: float, *, agrees: bool) -> None:
    """Where nobody waits (C) delivery is attempts and pauses; a tenth more failures are noticed.

    Each of four shares lies within 4.5 standard errors of the truth, but for a chance below 3e-5.
    """
    flow = named("C").mails
    assert flow
    law = flow.delivery(FORGE.peak_window(flow.hours))
    times = delivery_times(failure_probability, 1_000_000, seed=7)
    seconds = np.array([0.5, 3, 6, 20])
    later = law.sf(seconds)
    error = np.sqrt(later * (1 - later) / times.size)
    found = (times[:, None] > seconds).mean(axis=0)
    assert bool((np.abs(found - later) < 4.5 * error).all()) is agrees


def test_synchronous_sending_delivers_with_the_reply() -> None:
    a = named("A")
    assert a.mails is None
    assert (a.worst_backlog, a.oldest_mail_s) == (0, 0)
    assert a.delivery_p95_s == pytest.approx(a.class_p95_ms["send"] / 1000)
    assert np.isnan(a.worker_load)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("E", "good to about 5 %"),
        ("A", "crowded"),
        ("E without stream and sink", "near saturation"),
        ("E without Redis", "saturated"),
    ],
)
def test_the_scorecard_says_how_good_its_latency_is(name: str, words: str) -> None:
    latency = named(name).basis[0]
    assert latency.quality.startswith("approximation")
    assert words in latency.quality


def test_a_saturated_design_sheds_what_its_slots_cannot_take() -> None:
    """Simulated: one server sheds 52.6 % at the peak; E without Redis 16.3 %, its P95 3200 ms."""
    one = named("B")
    assert one.peak.network.shed_probability == pytest.approx(0.526, abs=0.01)
    assert named("E without Redis").peak.network.shed_probability == pytest.approx(0.163, abs=0.01)
    assert one.uptime < 0.9945
    assert one.answered == pytest.approx(
        one.timeline.answered @ one.timeline.requests_per_s / one.timeline.requests_per_s.sum()
    )


def test_uptime_is_availability_times_what_is_answered() -> None:
    assert named("E").uptime == pytest.approx(0.99815, abs=5e-6)
    assert named("E").answered == pytest.approx(1, abs=1e-6)


def test_more_of_a_part_never_hurts_what_it_serves() -> None:
    p95 = [card(servers=n).p95_ms for n in range(3, 9)]
    assert p95 == sorted(p95, reverse=True)
    oldest = [card(workers=n).oldest_mail_s for n in range(2, 8)]
    assert oldest == sorted(oldest, reverse=True)


def test_overload_everywhere_is_a_fact() -> None:
    worst = card(servers=1, workers=1, cache=None)
    assert not worst.passes
    assert worst.worst_backlog > 9e5
    numbers = [
        worst.p95_ms,
        worst.uptime,
        worst.oldest_mail_s,
        worst.delivery_p95_s,
        worst.p95_run_ms,
    ]
    assert np.isfinite(numbers).all()


def test_nobody_comes() -> None:
    quiet = FORGE.traffic.model_copy(update={"baseline_users": 0.0, "peak_users": 1e-6})
    idle = dataclasses.replace(FORGE, traffic=quiet).evaluate(FORGE.base)
    assert idle.passes
    assert idle.p95_ms == pytest.approx(107.1, abs=0.1)  # the steps alone


def test_the_whole_run_lies_between_its_quietest_and_its_busiest_hour() -> None:
    e = named("E")
    assert 107 < e.p95_run_ms < e.p95_ms


def test_stations_over_time_follow_the_plan() -> None:
    e = named("E")
    at_peak = e.stations.max()
    loads = plan(FORGE, FORGE.base).load(FORGE.traffic.peak_rate)
    for name in ("cpu", "database", "workers", "sink"):
        assert at_peak[name] == pytest.approx(loads[name], rel=1e-3)
    assert at_peak["slots"] > loads["slots"]  # with the waits behind them


def test_the_sister_scenario_is_judged_by_its_own_contract() -> None:
    guided = Scenario.load("guided-queues-and-workers")
    passes = {name: guided.evaluate(design).passes for name, design in guided.designs.items()}
    assert passes["E"]
    assert passes["E with 3 servers"]  # 95 % uptime needs no spare
    assert (
        not passes["E with 4 workers"]
        or guided.evaluate(guided.designs["E with 4 workers"]).worker_load < 1
    )


def test_the_report_says_the_same_to_people_and_to_programs() -> None:
    behind = named("E with 4 workers")
    told = json.loads(json.dumps(report.data(behind), allow_nan=False))
    assert told["passes"] is False
    assert told["p95_ms"] == behind.p95_ms
    assert told["cost"] == pytest.approx(sum(line["usd_month"] for line in told["cost_lines"]))
    text = report.text(behind)
    assert "FAILS the contract: oldest mail" in text
    assert f"{behind.cost:.2f} USD a month" in text
    assert "<caption>" in report.markup(behind)


def test_a_scorecard_shows_itself() -> None:
    card = named("E with 4 workers")
    assert str(card) == report.text(card)
    assert "BROKEN" in card._repr_html_()
    table = card.to_frame()
    assert table.loc["oldest mail", "kept"] == card.oldest_mail_s
    assert table["passes"].tolist() == [check.passes for check in card.checks]


def test_a_number_without_end_is_null_in_json() -> None:
    card = FORGE.evaluate(FORGE.design())
    card.__dict__["p95_ms"] = np.inf
    told = json.loads(json.dumps(report.data(card), allow_nan=False))
    assert told["p95_ms"] is None
    (latency,) = [check for check in told["checks"] if check["clause"] == "P95 latency"]
    assert (latency["kept"], latency["margin"], latency["passes"]) == (None, None, False)
