"""What `simulate` promises: seeds, executors, stopping, pairing, warm-up, errors that advise."""

import math
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from queueing import MM1, MMc
from queueing.distributions import exponential, gamma
from queueing.simulation.station import StationPlan, plan_of, simulate
from queueing.simulation.station import run as run_room

BANK = MMc(arrival_rate=9, service_rate=1, servers=10)
SMALL = {"customers": 3000, "replications": 12, "seed": 5}
LIMITED = StationPlan(
    name="limited",
    gaps=exponential(mean=0.1),
    services=(gamma(mean=1, scv=2),),
    servers=8,
    room=14,
    patience=exponential(mean=1),
)
RANKED = StationPlan(
    name="ranked",
    gaps=exponential(mean=0.2),
    services=(exponential(mean=1), gamma(mean=0.5, scv=0.5)),
    shares=(0.5, 0.5),
    servers=5,
    preemptive=True,
    load=0.75,
)
THINKERS = StationPlan(
    name="thinkers",
    services=(exponential(mean=1),),
    servers=2,
    population=9,
    thinking=exponential(mean=3),
)


def swing(t):
    return 5 + 4 * np.sin(t)


MOVING = StationPlan(name="moving", rate=swing, services=(exponential(mean=1),), servers=7)


def bits(result):
    """Everything that a result counted, as bytes."""
    return [
        (run.number, run.warmup, run.sums.tobytes(), *(h.counts.tobytes() for h in run.stays))
        for run in result.runs
    ]


@pytest.mark.parametrize("plan", [BANK, LIMITED, RANKED, THINKERS, MOVING])
def test_a_seed_gives_the_same_bits_on_one_core_on_two_and_in_other_processes(plan):
    run = {"replications": 12, "seed": 5}
    run |= {"horizon": 60.0} if plan is MOVING else {"customers": 3000}
    expected = bits(simulate(plan, **run))
    with ThreadPoolExecutor(1) as one:
        assert bits(simulate(plan, executor=one, **run)) == expected
    if plan in (BANK, RANKED):
        with ProcessPoolExecutor(2) as two:
            assert bits(simulate(plan, executor=two, **run)) == expected
    assert bits(simulate(plan, **(run | {"seed": 6}))) != expected


def test_more_replications_begin_with_the_same():
    few, many = (simulate(BANK, **(SMALL | {"replications": n})) for n in (12, 25))
    assert bits(many)[:12] == bits(few)


def test_a_fresh_seed_is_told():
    first = simulate(BANK, customers=1000, replications=2)
    assert bits(simulate(BANK, customers=1000, replications=2, seed=first.seed)) == bits(first)


def test_models_that_share_a_seed_meet_the_same_customers():
    ten, eleven = (simulate(BANK.with_servers(c), **SMALL) for c in (10, 11))
    paired = ten.mean_wait - eleven.mean_wait
    other = simulate(BANK.with_servers(11), **(SMALL | {"seed": 6})).mean_wait
    apart = ten.mean_wait - other
    exact = BANK.mean_wait - BANK.with_servers(11).mean_wait
    assert paired.half_width < 0.8 * apart.half_width
    assert abs(paired.mean - exact) < 3 * paired.half_width
    np.testing.assert_array_equal(ten.paths["arrived"], eleven.paths["arrived"])
    services = [r.paths["stayed"] - r.paths["waited"] for r in (ten, eleven)]
    np.testing.assert_allclose(*services, atol=1e-12)
    slower = simulate(BANK.replace(arrival_rate=4.5), **SMALL)
    np.testing.assert_allclose(slower.paths["arrived"], 2 * ten.paths["arrived"])


@pytest.mark.parametrize("width", [0.05, "8 %"])
def test_until_stops_when_the_interval_is_narrow_enough(width):
    result = simulate(BANK, customers=20_000, replications=500, until={"mean_wait": width}, seed=1)
    half_width = result.mean_wait.half_width
    assert half_width <= (0.05 if width == 0.05 else 0.08 * result.mean_wait.mean)
    assert result.is_narrow
    assert 10 <= result.replications < 500
    assert "narrow enough after" in result.ending


def test_until_says_so_when_it_could_not():
    wish = {"mean_wait": 10.0, ("wait_ppf", 0.95): 1e-6}
    result = simulate(BANK, until=wish, **SMALL)
    assert result.is_narrow is False
    assert "still too wide after 12 replications" in repr(result)


def test_until_means_every_class():
    done = simulate(RANKED, customers=2000, replications=60, until={"mean_wait": "20 %"}, seed=2)
    assert all(e.half_width <= 0.2 * e.mean for e in done.mean_wait)


def test_one_replication_has_no_interval_and_says_so():
    result = simulate(BANK, customers=5000, replications=1, seed=1)
    assert math.isnan(result.mean_wait.half_width)
    assert "no interval" in result.ending
    assert "no interval" in repr(result.mean_wait)
    with pytest.raises(ValueError, match="no interval: ask for two"):
        assert 1.0 in result.mean_wait
    with pytest.raises(ValueError, match="no interval for until="):
        simulate(BANK, customers=5000, replications=1, until={"mean_wait": 1})


def test_an_interruption_keeps_what_is_finished(monkeypatch):
    calls, true_run, lock = [], run_room.run, threading.Lock()

    def interrupt(plan, extent, seed, stop):
        with lock:
            calls.append(seed)
            number = len(calls)
        if number == 15:
            raise KeyboardInterrupt
        if number > 15:
            while not stop():
                threading.Event().wait(0.01)
            raise run_room.Stopped
        return true_run(plan, extent, seed, stop)

    module = __import__("sys").modules["queueing.simulation.station.simulate"]
    monkeypatch.setattr(module, "run", interrupt)
    result = simulate(BANK, **(SMALL | {"replications": 40}))
    assert 10 <= result.replications < 15
    assert result.mean_wait.replications == result.replications
    assert f"interrupted, {result.replications} replications of 40 kept" in result.ending


def test_a_workers_error_arrives_with_its_cause():
    def bad(t):
        return np.where(np.asarray(t) > 3, np.nan, 1.0)

    plan = StationPlan(name="bad", rate=bad, services=(exponential(mean=1),), servers=1)
    with pytest.raises(ValueError, match="finite number of at least 0 at all times, got nan"):
        simulate(plan, horizon=10, replications=3)
    broken = StationPlan(name="broken", gaps=None, services=(exponential(mean=1),), servers=1)
    with ProcessPoolExecutor(1) as pool, pytest.raises(AttributeError) as caught:
        simulate(broken, customers=100, replications=2, executor=pool)
    assert "streams.py" in str(caught.value.__cause__)


def test_a_result_and_a_plan_can_be_sent_to_another_process():
    result = simulate(RANKED, customers=500, replications=2, seed=1)
    again = pickle.loads(pickle.dumps(result))  # noqa: S301, our own
    assert bits(again) == bits(result)
    assert repr(again) == repr(result)


def test_the_table_names_what_the_model_has():
    table = simulate(BANK, **SMALL).to_frame()
    assert "blocking_probability" not in table.index
    assert list(table.columns)[:2] == ["mean", "half_width"]
    assert table.loc["P95 wait", "mean"] > table.loc["mean_wait", "mean"]
    limited = simulate(LIMITED, **SMALL)
    assert 0 < limited.to_frame().loc["blocking_probability", "mean"] < 1
    assert "abandonment_probability" in repr(limited)
    ranked = simulate(RANKED, **SMALL)
    assert ranked.mean_wait.shape == (2,)
    assert ranked.to_frame().loc[[("mean_wait", 2)], "mean"].iloc[0] == ranked.mean_wait[1].mean
    assert "mean_wait of class 2" in repr(ranked)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("blocking_probability", "nobody is turned away"),
        ("abandonment_probability", "nobody loses patience"),
        ("mean_weight", "only mean_wait"),
    ],
)
def test_a_quantity_that_the_model_lacks_says_why(name, reason):
    with pytest.raises(AttributeError, match=reason):
        getattr(simulate(BANK, **SMALL), name)


def test_servers_without_end_are_not_used_up():
    endless = type("MMInf", (SimpleNamespace,), {})(arrival_rate=3, service_rate=1)
    result = simulate(endless, **SMALL)
    with pytest.raises(AttributeError, match="no end"):
        _ = result.utilization
    with pytest.raises(AttributeError, match="over_time needs horizon="):
        _ = result.over_time


def test_given_warm_ups_are_left_out():
    count = simulate(BANK, customers=3000, warmup=1000, replications=2, seed=1)
    assert [run.sums[0, 0] for run in count.runs] == [2000, 2000]
    assert count.warmup.mean == 1000
    clock = simulate(BANK, horizon=300.0, warmup=100.0, replications=2, seed=1)
    assert [run.seconds for run in clock.runs] == [200, 200]
    assert simulate(BANK, customers=3000, replications=20, seed=1).warmup.mean <= 1500


def test_runs_that_are_too_short_are_said_to_be():
    busy = MM1(arrival_rate=0.999, service_rate=1)
    assert "remembers about 1e+06 s" in simulate(busy, customers=10_000, seed=1).ending
    assert "remembers" in simulate(busy, horizon=1e4, warmup=100, seed=1).ending
    assert simulate(busy, horizon=1e4, warmup=0, seed=1).ending == "20 replications"
    assert simulate(BANK, customers=20_000, seed=1).ending == "20 replications"


def test_those_to_whom_nobody_came_do_not_spoil_the_rest():
    rare = MM1(arrival_rate=0.05, service_rate=1)
    result = simulate(rare, horizon=20.0, warmup=0, replications=400, seed=4, steps=10)
    assert min(run.sums[0, 0] for run in result.runs) == 0
    assert 1.0 in simulate(rare, horizon=20.0, warmup=0, seed=1).mean_time_in_system
    shares = [run.sums[0, 3] / run.sums[0, 0] for run in result.runs if run.sums[0, 0]]
    assert result.wait_probability.mean != np.mean(shares)
    total = sum(run.sums[0] for run in result.runs)
    assert result.wait_probability.mean == pytest.approx(total[3] / total[0])
    assert not result.over_time.isna().any().any()


def test_a_run_from_empty_counts_everybody_and_conserves_them():
    overload = MM1(arrival_rate=2, service_rate=1)
    result = simulate(overload, horizon=200.0, warmup=0, seed=3, steps=10)
    table = result.over_time
    assert len(table) == 10
    assert table["mean_number_in_system", "mean"].iloc[-1] == pytest.approx(200, rel=0.1)
    assert result.throughput.mean == pytest.approx(1, rel=0.05)
    for run in result.runs:
        came, left = run.timeline["came"].sum(), run.sums[0, 8]
        assert came - left == run.timeline["present"][-1]
        area = run.timeline["present"].mean()
        assert run.sums[0, 6] / run.seconds == pytest.approx(area, rel=0.25)


def test_servers_that_leave_for_good_strand_those_who_wait():
    plan = StationPlan(
        name="closing", gaps=exponential(mean=0.1), services=(exponential(mean=1),), servers=5,
        server_changes=((20.0, 0),),
    )  # fmt: skip
    result = simulate(plan, horizon=30.0, replications=3, seed=1)
    assert result.mean_wait.mean == math.inf
    assert result.wait_ppf(0.2).mean < math.inf
    assert result.mean_number_in_system.mean < 300
    assert result.utilization.mean == pytest.approx(1, abs=0.1)  # of the seconds they were there
    assert "inf (n=3, no interval)" in repr(result)
    assert 5 not in result.mean_wait


def test_names_are_there_to_be_completed():
    assert {"mean_wait", "wait_ppf", "over_time"} <= set(dir(simulate(BANK, **SMALL)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "either customers= or horizon="),
        ({"customers": 100, "horizon": 5.0}, "either customers= or horizon="),
        ({"customers": 5}, "customers must be a whole number of at least 10"),
        ({"customers": math.inf}, "customers must be a whole number"),
        ({"horizon": -1.0}, "horizon must be a finite number above 0"),
        ({"customers": 100, "warmup": 100}, "warmup must leave something of the 100"),
        ({"customers": 100, "warmup": -1}, "warmup must be a whole number of at least 0"),
        ({"customers": 100, "warmup": "mser"}, 'warmup is "mser5", or a number'),
        ({"customers": 100, "replications": 0}, "replications must be a whole number"),
        ({"customers": 100, "seed": -4}, "seed must be a whole number of at least 0"),
        ({"customers": 100, "until": ("mean_wait", 1)}, "until is a dict such as"),
        ({"customers": 100, "until": {"weight": 1}}, "until knows mean_wait"),
        ({"customers": 100, "until": {"mean_wait": -1}}, "until's mean_wait must be"),
        ({"customers": 100, "until": {"mean_wait": "fast"}}, 'a share such as "1 %"'),
        ({"customers": 100, "until": {"blocking_probability": 1}}, "nobody is turned away"),
        ({"horizon": 9.0, "steps": 0}, "steps must be a whole number"),
    ],
)
def test_bad_arguments_are_refused_in_words(arguments, complaint):
    with pytest.raises((ValueError, AttributeError), match=complaint):
        simulate(BANK, **arguments)


@pytest.mark.parametrize("run", [{"customers": 1000}, {"horizon": 99.0}])
def test_an_unstable_station_has_no_stationary_state(run):
    overload = MMc(arrival_rate=11, service_rate=1, servers=10)
    with pytest.raises(ValueError, match=r"rho = 1\.1.*horizon=\.\.\., warmup=0 shows"):
        simulate(overload, **run)


def test_models_of_another_kind_are_refused_by_name():
    with pytest.raises(
        ValueError, match=r"simulate runs MM1, MMc, .*got 'bank'.*Scenario.simulate"
    ):
        simulate("bank", customers=100)
    with pytest.raises(ValueError, match="nobody comes"):
        simulate(MM1(arrival_rate=0, service_rate=1), customers=100)
    with pytest.raises(ValueError, match=r"changes with the clock: .* horizon="):
        simulate(MOVING, customers=100)


@pytest.mark.parametrize("p", [95, 1.0, -0.1, math.nan])
def test_percentiles_are_fractions(p):
    with pytest.raises(ValueError, match="p is a fraction"):
        simulate(BANK, **SMALL).wait_ppf(p)


def test_a_plan_is_its_own_plan():
    assert plan_of(LIMITED) is LIMITED
    assert LIMITED.is_stable
    assert plan_of(BANK).is_stable
    assert not plan_of(BANK.replace(arrival_rate=10)).is_stable
