"""Traces: reading and refusing them, telling Poisson from what is not, running them."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from queueing.command_line import main
from queueing.distributions import deterministic
from queueing.scenario import Scenario, ScenarioError, Trace
from queueing.scenario.translate import engine_users
from queueing.simulation import engine

FORGE = Scenario.load("mailforge")
DAY = 86400.0
YEAR = 365.25 * DAY


def poisson(rate: float, horizon_s: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0, horizon_s, rng.poisson(rate * horizon_s)))


def moving(horizon_s: float, seed: int) -> np.ndarray:
    """Return a Poisson process whose rate goes from 0.2 to 1.8 and back, four times."""
    rng = np.random.default_rng(seed)
    many = poisson(1.8, horizon_s, seed)
    rate = 1 + 0.8 * np.sin(2 * np.pi * 4 * many / horizon_s)
    return many[rng.random(many.size) * 1.8 < rate]


# What comes with the kit


def test_the_coal_mines_grew_safer() -> None:
    """191 explosions in 40 549 days (Jarrett, 1979), and fewer of them after 1890."""
    coal = Trace.load("coal-mine-explosions")
    assert (coal.number, coal.horizon_s / DAY) == (191, pytest.approx(40549))
    rate = coal.rate(10 * YEAR)["rate_per_s"] * YEAR
    assert rate.iloc[:4].mean() > 2.8
    assert rate.iloc[-5:].mean() < 1.2
    wide = coal.dispersion([5 * YEAR]).iloc[0]
    assert wide["index"] > 3 > wide["high"] > wide["local"] > wide["low"]
    assert coal.rate_scv(YEAR) < 0.05


def test_departures_follow_the_clock() -> None:
    """A week at JFK: hour by hour too uneven for Poisson, day by day far too even."""
    departures = Trace.load("jfk-departures")
    assert (departures.number, round(departures.horizon_s / DAY)) == (2175, 7)
    assert departures.poisson_test(300).is_believable
    assert not departures.poisson_test(3600).is_believable
    days = np.histogram(departures.instants_s, bins=7, range=(0, 7 * DAY))[0]
    assert days.var(ddof=1) / days.mean() < 0.5


# Telling Poisson from what is not


@pytest.mark.parametrize("make", [lambda seed: poisson(1.0, 2000, seed), lambda s: moving(2000, s)])
def test_a_poisson_process_is_believed(make) -> None:
    """Of 200 at a level of 5 % 2 to 18 are doubted (probability 0.998 for a right test)."""
    traces = [Trace.of_instants(make(seed), horizon_s=2000) for seed in range(200)]
    doubted = sum(not trace.poisson_test(20).is_believable for trace in traces)
    assert 2 <= doubted <= 18


@pytest.mark.parametrize("mean", [0.7, 3.0, 30.0])
def test_poisson_counts_are_believed(mean: float) -> None:
    rng = np.random.default_rng(5)
    traces = [Trace.of_counts(rng.poisson(mean, 300), step_s=60) for _ in range(200)]
    doubted = sum(not trace.poisson_test(60).is_believable for trace in traces)
    assert 2 <= doubted <= 18


def test_what_is_too_even_or_too_uneven_is_doubted() -> None:
    rng = np.random.default_rng(1)
    even = np.cumsum(rng.gamma(4, 1 / 4, 2000))
    uneven = np.cumsum(rng.gamma(1 / 4, 4, 2000))
    for times in (even, uneven):
        trace = Trace.of_instants(times)
        assert trace.poisson_test(20).p_value < 1e-3
        counts = np.histogram(times, bins=np.arange(0, times[-1], 20.0))[0]
        assert Trace.of_counts(counts, step_s=20).poisson_test(20).p_value < 1e-2
    assert Trace.of_instants(even).dispersion([20]).iloc[0]["local"] < 0.7
    assert Trace.of_instants(uneven).dispersion([20]).iloc[0]["local"] > 1.5


def test_a_clock_too_coarse_for_gaps_is_tested_by_counts() -> None:
    times = poisson(1.0, 2000, 3)
    assert Trace.of_instants(times).poisson_test(20).method == "gaps within windows"
    coarse = Trace.of_instants(np.floor(times), horizon_s=2000).poisson_test(20)
    assert coarse.method == "pairs of windows"
    assert coarse.is_believable


@pytest.mark.parametrize("scv", [0.0, 0.05, 0.25])
def test_a_random_rate_is_found(scv: float) -> None:
    rng = np.random.default_rng(7)
    factors = rng.gamma(1 / scv, scv, 4000) if scv else np.ones(4000)
    trace = Trace.of_counts(rng.poisson(40 * factors), step_s=60)
    assert trace.rate_scv(60) == pytest.approx(scv, rel=0.1, abs=0.002)


def test_an_interval_of_a_rate_covers_it() -> None:
    """Garwood's 95 % contains 4 for counts of 1 to 8: 0 reaches to 3.69 only, 9 begins at 4.12."""
    rng = np.random.default_rng(2)
    rate = Trace.of_counts(rng.poisson(4.0, 20_000), step_s=2).rate(2)
    covered = ((rate["low"] <= 2) & (rate["high"] >= 2)).mean()
    exact = stats.poisson.cdf(8, 4) - stats.poisson.cdf(0, 4)
    assert covered == pytest.approx(exact, abs=0.006)


# Reading, and refusing to


def written(folder: Path, text: str, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_arrivals_with_services(tmp_path: Path) -> None:
    path = written(tmp_path, "# my queue\ntime_min, service_s\n0,3\n1,5\n1.5,4\n", "my.csv")
    trace = Trace.load(path)
    assert trace.instants_s.tolist() == [0, 60, 90]
    assert (trace.mean_service_s, trace.service_scv) == (4, pytest.approx(1 / 16))
    assert trace.mean_rate == pytest.approx(3 / 90)


def test_a_file_of_counts(tmp_path: Path) -> None:
    trace = Trace.load(written(tmp_path, "start_h,count\n0,5\n1,7\n2,0\n3,4\n"))
    assert (trace.number, trace.horizon_s, trace.step_s) == (16, 4 * 3600, 3600)
    assert trace.counts(7200).tolist() == [12, 4]
    assert np.isnan(trace.mean_service_s)


def test_a_parquet_file_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    pd.DataFrame({"time_s": [0.0, 1.0, 5.0]}).to_parquet(path)
    assert Trace.load(path).instants_s.tolist() == [0, 1, 5]


ARRIVALS = [0.0, 60.0, 90.5]
DATED = {
    "dates": "timestamp\n2026-11-28T09:00\n2026-11-28 09:01:00\n2026-11-28T09:01:30.5\n",
    "a zone that changes": (
        "Time\n2026-10-25T02:59:00+02:00\n2026-10-25T02:00:00+01:00\n2026-10-25T01:00:30.5Z\n"
    ),
    "seconds since 1970": "timestamp\n1764320000\n1764320060\n1764320090.5\n",
    "milliseconds since 1970": "timestamp\n1764320000000\n1764320060000\n1764320090500\n",
    "nanoseconds since 1970": (
        "timestamp\n1764320000000000000\n1764320060000000000\n1764320090500000000\n"
    ),
    "a spreadsheet's": "\ufefftime_s;service_s\r\n0;1,5\r\n60;2\r\n90,5;3\r\n",
}


@pytest.mark.parametrize("text", DATED.values(), ids=DATED.keys())
def test_files_as_people_have_them(tmp_path: Path, text: str) -> None:
    trace = Trace.load(written(tmp_path, text))
    assert trace.instants_s == pytest.approx(ARRIVALS)


def test_counts_by_date(tmp_path: Path) -> None:
    rows = ["2026-11-28 09:00,5", "2026-11-28 09:01,0", "2026-11-28 09:02,7"]
    trace = Trace.load(written(tmp_path, "\r\n".join(["timestamp,count", *rows]), "mine.csv"))
    assert (trace.step_s, trace.fine_counts.tolist()) == (60, [5, 0, 7])


def test_dates_in_parquet(tmp_path: Path) -> None:
    dates = pd.Timestamp("2026-10-25T00:59Z") + pd.to_timedelta(ARRIVALS, unit="s")
    for number, column in enumerate((dates, dates.tz_convert("Europe/Berlin"))):
        path = tmp_path / f"{number}.parquet"
        pd.DataFrame({"timestamp": column}).to_parquet(path)
        assert Trace.load(path).instants_s == pytest.approx(ARRIVALS)
    counts = pd.DataFrame({"count": [3, 4]}, index=pd.Index(dates[:2], name="timestamp"))
    counts.to_parquet(tmp_path / "counts.parquet")
    assert Trace.load(tmp_path / "counts.parquet").fine_counts.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start_h;count\n0;1.000\n1;2\n", "does 1.000 mean 1000 or 1,000?"),
        ("time_s\n1\n3\n2\n", "row 3 is out of order: 2 s follows 3 s"),
        ("time_s\n1\n", "at least 2 arrivals, got 1"),
        ("time_s\n1\nsoon\n", "row 2 must be a finite number, got 'soon'"),
        ("time_s\n1\n\n2,3,4\n", "is no table"),
        ("time_s\n1\ninf\n", "row 2 must be a finite number"),
        ("time_s\n-1\n2\n", "between 0 and the end"),
        ("when\n1\n2\n", "needs one column of times"),
        ("time_s,time_h\n1,1\n2,2\n", "needs one column of times"),
        ("start_s\n0\n1\n", "need a column count"),
        ("start_s,count\n0,1\n1,2\n3,1\n", "must rise by one and the same length"),
        ("start_s,count\n0,1\n1,-2\n", "row 2: a count must be a whole number"),
        ("start_s,count\n0,1\n1,2.5\n", "row 2: a count must be a whole number"),
        ("start_s,count\n0,0\n1,0\n", "nobody came"),
        ("time_s,service_s\n0,1\n1,-1\n", "service times must be at least 0 s"),
        ("", "is no table"),
        ("time_s\n1764320000\n1764320010\n", "subtract when you began to watch"),
        ("time_s\n2026-11-28T09:00\n2026-11-28T09:01\n", "a column of dates is called timestamp"),
        ("time_s\tservice_s\n1\t3\n2\t4\n", "commas between them"),
        ("timestamp\n28.11.2026 09:00\n", "row 1 must be a date such as 2026-11-28T09:00:05"),
        ("timestamp\n2026-11-28T09:00\n2026-11-28T08:59\n", "T08:59 follows 2026-11-28T09:00"),
        ("timestamp\n2026-11-28T09:00Z\n2026-11-28T09:01\n", "row 2: some dates have a zone"),
        ("timestamp\n1\n2\n", "times since you began to watch are time_s"),
        ("timestamp\n", "at least 2 arrivals, got 0"),
        ("timestamp,count\n2026-01-01,3\n", "at least 2 windows, got 1"),
        ("date,count\n2026-01,3\n2026-02,3\n2026-03,3\n", "months are not of one length"),
        ("time_s,count\n0,5\n60,7\n", "call time_s start_s"),
        ("time_s,hits\n0,5\n60,7\n120,6\n", "call the column of how many came count"),
        ("timestamp,hits\n2026-01-01,5\n2026-01-02,7\n2026-01-03,6\n", "or leave out hits"),
        ("time_s\n0,5\n1,5\n2,7\n", "more cells than there are columns"),
        ("time_s,service_ms\n1,3\n2,4\n", "seconds in service_s, got service_ms"),
        ("start_s,count\n0,1\n1,2\n2,1\n4,1\n", "look at row 4"),
        ("start_s,count\n0,1\n1,\n", "count: row 2 must be a finite number"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ScenarioError) as caught:
        Trace.load(path)
    assert said in str(caught.value)
    assert "mine.csv" in str(caught.value)


@pytest.mark.parametrize("source", ["coal", "missing.csv", 7, "mine.xlsx", "a\0.csv"])
def test_what_is_no_file_is_refused(source: object) -> None:
    with pytest.raises(ScenarioError):
        Trace.load(source)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [0.0, -1.0, 1e9, float("nan"), 1e-6])
def test_windows_that_make_no_sense_are_refused(step: float) -> None:
    trace = Trace.of_instants(poisson(1.0, 100, 1))
    with pytest.raises(ValueError, match="step_s"):
        trace.counts(step)


# Running it in place of the formula


def test_as_many_come_as_in_the_trace() -> None:
    trace = Trace.of_instants(moving(7200, 4), horizon_s=7200)
    traffic = FORGE.with_trace(trace, step_s=300).traffic
    assert traffic.horizon_h == pytest.approx(2)
    assert traffic.requests == pytest.approx(trace.number)
    stretched = FORGE.with_trace(trace, step_s=300, horizon_h=10, peak_users=500).traffic
    hours = np.linspace(0, 10, 2001)
    assert stretched.users(hours).max() == pytest.approx(500, rel=1e-3)
    assert stretched.mean_rate * 3600 * 10 == pytest.approx(stretched.requests)
    assert stretched.peak_h == pytest.approx(5 * traffic.peak_h)
    with pytest.raises(ScenarioError, match="horizon_h"):
        FORGE.with_trace(Trace.load("coal-mine-explosions"))


def test_a_scenario_file_names_its_trace(tmp_path: Path, capsys) -> None:
    written(tmp_path, "start_h,count\n" + "".join(f"{k},{900 + k}\n" for k in range(12)), "my.csv")
    own = 'extends = "mailforge"\n[trace]\nfile = "my.csv"\nstep_s = 3600\npeak_users = 900\n'
    scenario = Scenario.load(written(tmp_path, own, "own.toml"))
    assert scenario.traffic.horizon_h == 12
    assert float(scenario.traffic.users(scenario.traffic.peak_h)) == pytest.approx(900)
    assert main(["evaluate", str(tmp_path / "own.toml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passes"]
    for line, said in (
        ('file = "your.csv"', "trace: 'your.csv'"),
        ('file = "my.csv"\nstep = 3', "trace.step"),
        ("file = 3", "trace.file"),
        ('file = "my.csv"\nhorizon_h = -1', "trace.horizon_h"),
        ('file = "my.csv"\nstep_s = 90000', "step_s must be at most half"),
        ('file = "coal"', "no trace 'coal' comes with the kit"),
    ):
        bad = written(tmp_path, f'extends = "mailforge"\n[trace]\n{line}\n', "bad.toml")
        with pytest.raises(ScenarioError) as caught:
            Scenario.load(bad)
        assert said.replace("'your.csv'", "") in str(caught.value), str(caught.value)


def quick(users: engine.Users) -> engine.Plan:
    """Return a plan with one class of requests, whose only step is short, and nothing behind."""
    step = engine.Step(action="delay", law=deterministic(mean=0.001))
    return engine.Plan(
        users=users,
        classes=[engine.RequestClass(name="list", share=1.0, steps=[step])],
        servers=engine.Servers(count=1, slots=5, processors=2, waiting_room=100),
    )


def arrivals(users: engine.Users, seed: int) -> np.ndarray:
    """Return how many requests came in each hour of a run whose only step is a delay."""
    outcome = engine.replicate(quick(users), np.random.SeedSequence(seed), step=3600)
    return outcome.timeline["arrived"]


def test_a_random_rate_comes_out_of_the_engine() -> None:
    """100 hours of 3600 requests: the SCV of hourly counts is 1/3600 plus that of the factor."""
    plain = engine.Users.steady(request_rate=1, horizon=100 * 3600)
    mixed = replace(plain, rate_scv=0.09)
    even, uneven = (
        np.concatenate([arrivals(users, seed) for seed in (1, 2)]) for users in (plain, mixed)
    )
    assert even.var() / even.mean() == pytest.approx(1, abs=0.3)
    assert uneven.var() / uneven.mean() ** 2 == pytest.approx(0.09, rel=0.3)
    assert uneven.mean() == pytest.approx(3600, rel=0.07)
    assert not np.array_equal(*np.split(uneven, 2))
    assert np.array_equal(arrivals(mixed, 1), uneven[:100])


def test_chance_counts_once_where_the_rate_is_taken_over_longer_windows() -> None:
    """A trace with jumps every 5 minutes, run again: as many jumps, and not those of two days."""
    rng = np.random.default_rng(3)
    trace = Trace.of_counts(rng.poisson(400 * rng.gamma(4, 0.25, 576)), step_s=300)
    found = {}
    for step in (300, 7200):
        traffic = FORGE.with_trace(trace, step_s=step, factor_s=300).traffic
        assert (traffic.rate_scv, traffic.rate_window_h) == (trace.rate_scv(300), 300 / 3600)
        users = engine_users(FORGE.with_trace(trace, step_s=step, factor_s=300))
        runs = [engine.replicate(quick(users), np.random.SeedSequence(k), step=300) for k in (1, 2)]
        counts = np.concatenate([run.timeline["arrived"][:576] for run in runs]).astype(int)
        found[step] = counts.var() / counts.mean() ** 2
    assert found[7200] == pytest.approx(trace.rate_scv(300), rel=0.25)
    assert found[300] > 1.4 * found[7200]
    stretched = FORGE.with_trace(trace, step_s=7200, factor_s=300, horizon_h=96).traffic
    assert stretched.rate_window_h == pytest.approx(600 / 3600)
    with pytest.raises(ValueError, match="factor_s"):
        FORGE.with_trace(trace, factor_s=-1)


def test_the_peak_is_that_of_the_mean_rate() -> None:
    """A factor on the rate moves nobody into the peak or out of it."""
    times, users = [0.0, 3600.0, 3601.0, 7200.0], [1.0, 1.0, 0.5, 0.5]
    curve = engine.Users(times=times, users=users, think_time=1, rate_scv=0.5, rate_window=600)
    outcome = engine.replicate(quick(curve), np.random.SeedSequence(1), step=600)
    at_peak = outcome.counts["arrived"][1].sum()
    assert at_peak == pytest.approx(outcome.timeline["arrived"][:6].sum(), abs=2)


def test_closed_users_make_their_rate_themselves() -> None:
    mixed = FORGE.with_trace(Trace.load("jfk-departures"), horizon_h=54, peak_users=2600)
    assert engine_users(mixed).rate_scv == mixed.traffic.rate_scv > 0
    assert engine_users(mixed, closed=True).rate_scv == 0
    with pytest.raises(ValueError, match="closed"):
        engine.Users(times=[0, 1], users=[1, 1], think_time=1, closed=True, rate_scv=0.1)
    plain = FORGE.with_trace(
        Trace.load("jfk-departures"), horizon_h=54, peak_users=2600, random_rate=False
    )
    assert plain.traffic.rate_scv == 0
    assert "the rate is random, by ± " in mixed.evaluate(mixed.base).basis[-1].quality
    assert len(plain.evaluate(plain.base).basis) == len(mixed.evaluate(mixed.base).basis) - 1
    pairs = itertools.pairwise(plain.traffic.knots_h)
    assert all(first < second for first, second in pairs)
