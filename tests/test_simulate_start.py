"""Customers who are there at time 0, and wishes refused before anything runs."""

import numpy as np
import pytest

from queueing import MM1, ErlangA, FiniteSource, MMc, MMcK, MMInf, PriorityMMc
from queueing.nonstationary import MtMc, PiecewiseConstant
from queueing.simulation.station import run as run_room
from queueing.simulation.station import simulate

RUN = {"horizon": 4.0, "warmup": 0, "replications": 3000, "seed": 6, "steps": 4}


@pytest.mark.parametrize("start", [0, 3, 12])
@pytest.mark.parametrize(
    "model",
    [
        MMc(arrival_rate=3, service_rate=1, servers=4),
        MMcK(arrival_rate=5, service_rate=1, servers=4, capacity=12),
        MtMc(arrival_rate=3, service_rate=1, servers=PiecewiseConstant([(0, 5), (2, 3)])),
    ],
    ids=["plain", "limited", "ranked"],
)
def test_the_number_over_time_is_that_of_kolmogorovs_equations(model, start):
    twin = model if isinstance(model, MtMc) else MtMc(
        arrival_rate=model.arrival_rate, service_rate=1, servers=4,
        capacity=getattr(model, "capacity", None) if isinstance(model, MMcK) else None,
    )  # fmt: skip
    table = simulate(model, start=start, **RUN).over_time
    for name in ("mean_number_in_system", "mean_queue_length", "wait_probability"):
        off = (table[name, "mean"] - twin.exact([1, 2, 3, 4], start)[name]).abs()
        assert (off <= 2 * table[name, "half_width"] + 1e-12).all(), name
    wrong = twin.exact([1], start + 1)["mean_number_in_system"].iloc[0] if start < 12 else 0
    seen = table["mean_number_in_system", "mean"].iloc[0]
    assert abs(seen - wrong) > 3 * table["mean_number_in_system", "half_width"].iloc[0]


def test_the_present_decay_where_servers_have_no_end():
    endless = MMInf(arrival_rate=2, service_rate=1)
    table = simulate(endless, start=20, **RUN).over_time["mean_number_in_system"]
    exact = endless.transient([1, 2, 3, 4], 20)
    assert (np.abs(table["mean"] - exact) <= 2 * table["half_width"]).all()


def test_those_present_are_no_arrivals_and_the_arrivals_are_the_same():
    line = MM1(arrival_rate=0.5, service_rate=1)
    run = {"horizon": 200.0, "warmup": 0, "replications": 3, "seed": 1}
    empty, full = simulate(line, **run), simulate(line, start=5, **run)
    for one, other in zip(empty.runs, full.runs, strict=True):
        assert one.sums[0, 0] == other.sums[0, 0]
        assert one.timeline["came"].sum() == other.timeline["came"].sum()
        served = [run.sums[0, 5] - run.sums[0, 4] for run in (one, other)]
        assert served[0] == pytest.approx(served[1])
        assert other.sums[0, 8] - one.sums[0, 8] == pytest.approx(5, abs=3)
    assert (full.mean_wait - empty.mean_wait).low > 0 or full.mean_wait.mean > empty.mean_wait.mean


@pytest.mark.parametrize(
    "model",
    [
        ErlangA(arrival_rate=3, service_rate=1, servers=3, patience_rate=1),
        FiniteSource(population=9, think_time=3, service_rate=1, servers=2),
        PriorityMMc(arrival_rates=[1, 1], service_rate=1, servers=3),
    ],
)
def test_every_kind_of_line_starts_with_customers(model):
    result = simulate(model, start=6, horizon=0.001, warmup=0, replications=50, seed=1, steps=1)
    level = result.over_time["mean_number_in_system", "mean"].iloc[0]
    assert level == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize(
    ("start", "extent", "complaint"),
    [
        (-1, {"horizon": 9.0}, "start must be a whole number of at least 0"),
        (1.5, {"horizon": 9.0}, "start must be a whole number"),
        (7, {"horizon": 9.0}, "start must be at most 6"),
        (1, {"customers": 100}, "start= needs horizon="),
    ],
)
def test_a_start_that_cannot_be_is_refused(start, extent, complaint):
    room = MMcK(arrival_rate=3, service_rate=1, servers=4, capacity=6)
    with pytest.raises(ValueError, match=complaint):
        simulate(room, start=start, **extent)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"blocking_probability": 0.1}, "until cannot judge blocking_probability"),
        ({"mean_wait": 1, "abandonment_probability": 1}, "nobody loses patience"),
        ({("wait_ppf", 95): 0.1}, "p is a fraction"),
    ],
)
def test_until_refuses_what_the_model_lacks_before_anything_runs(monkeypatch, wish, complaint):
    module = __import__("sys").modules["queueing.simulation.station.simulate"]
    monkeypatch.setattr(module, "run", lambda *_: pytest.fail("it ran"))
    assert run_room.run is not module.run
    with pytest.raises(ValueError, match=complaint):
        simulate(MM1(arrival_rate=0.5, service_rate=1), customers=100, until=wish)
