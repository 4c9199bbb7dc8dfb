"""Rates that move against quadrature and root finding, and the pictures that need no chain."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from queueing import MMc, erlang_b, erlang_c
from queueing.nonstationary import MtMc, PiecewiseConstant, PiecewiseLinear, Sinusoid

RATES = {
    "steps": PiecewiseConstant([(-2, 1), (1, 0), (4, 9), (4.5, 2)]),
    "lines": PiecewiseLinear([(0.5, 2), (3, 7), (4, 0), (5, 0), (9, 4)]),
    "wave": Sinusoid(mean=3, amplitude=3, period=2.5),
    "calm": Sinusoid(mean=3, amplitude=0, period=2.5),
}
rates = pytest.mark.parametrize("rate", RATES.values(), ids=RATES)


def pieces(rate, a, b):
    edges = [a, *(t for t in rate.breaks if a < t < b), b]
    return pairwise(edges)


def area(rate, a, b, weight=lambda _: 1.0):
    return sum(
        integrate.quad(
            lambda u: rate(u) * weight(u),
            x,
            y,
            epsabs=1e-13,
            limit=200,
        )[0]
        for x, y in pieces(rate, a, b)
    )


@rates
def test_the_integral_is_the_area(rate):
    for a, b in [(-5, -3), (-5, 2), (0, 1), (0.7, 4.2), (3, 30)]:
        assert rate.integral(a, b) == pytest.approx(area(rate, a, b), rel=1e-12, abs=1e-13)
    assert rate.cumulative(0) == 0
    assert rate.cumulative([1, 2]).tolist() == [rate.cumulative(1), rate.cumulative(2)]


@rates
@given(y=st.floats(0, 200))
def test_the_inverse_is_the_first_time_of_so_many(rate, y):
    t = float(rate.inverse(y))
    assert t >= 0
    assert rate.cumulative(t) == pytest.approx(y, rel=1e-12, abs=1e-12)
    assert rate.cumulative(max(t - 1e-5, 0)) < y or t == 0 or rate(max(t - 5e-6, 0)) < 1e-3


def test_a_rate_that_dries_up_never_reaches_more():
    rate = PiecewiseConstant([(0, 2), (3, 0)])
    assert rate.inverse([5.9, 6, 6.1]).tolist() == [2.95, 3, math.inf]
    assert PiecewiseLinear([(0, 2), (2, 0)]).inverse([2, 2.1])[1] == math.inf
    assert Sinusoid(mean=0, amplitude=0, period=1).inverse([0, 1]).tolist() == [0, math.inf]
    assert PiecewiseConstant([(5, 0), (7, 1)]).inverse(2) == 9


def test_steps_belong_to_the_right_and_ends_hold_for_ever():
    steps, lines = PiecewiseConstant([(1, 4), (2, 6)]), PiecewiseLinear([(1, 4), (2, 6)])
    assert steps([-9, 1, 1.5, 2, 99]).tolist() == [4, 4, 4, 6, 6]
    assert lines([-9, 1, 1.5, 2, 99]).tolist() == [4, 4, 5, 6, 6]
    assert steps == PiecewiseConstant([[1, 4.0], [2, 6]])
    assert steps != lines


@rates
@pytest.mark.parametrize("service_rate", [1e-3, 0.8, 50.0])
def test_the_load_of_plenty_of_servers_is_the_integral_over_the_past(rate, service_rate):
    times = np.array([0, 0.5, 2.2, 4.1, 7, 30])
    loads = rate.offered_load(service_rate, times)
    past = 45 / service_rate
    for t, load in zip(times, loads, strict=True):
        since = -(round(past / 2.5) + 1) * 2.5 if isinstance(rate, Sinusoid) else t - past
        if isinstance(rate, Sinusoid) and service_rate < 0.1:
            continue  # ten thousands of waves: the closed form is judged by the others
        exact = area(rate, min(since, -2.5), t, lambda u, t=t: math.exp(-service_rate * (t - u)))
        assert load == pytest.approx(exact, rel=1e-10)


def test_a_callables_load_is_that_of_the_rate_that_it_is():
    lines = RATES["lines"]
    station = MtMc(arrival_rate=lines, service_rate=0.8, servers=9)
    times = [0, 2.2, 4.1, 7, 30]
    known = station.modified_offered_load(times)
    called = station.replace(arrival_rate=lambda t: float(lines(t))).modified_offered_load(times)
    assert called.to_numpy() == pytest.approx(known.to_numpy(), rel=1e-5)


def test_the_inverse_of_a_callable_is_refused():
    station = MtMc(arrival_rate=lambda t: 1 + t, service_rate=1, servers=1)
    with pytest.raises(ValueError, match="inverse of a callable's integral"):
        station._rate.inverse(1)
    assert station._rate.integral(1, 3) == pytest.approx(6, rel=1e-13)
    assert station._rate.cumulative([0, 2]).tolist() == pytest.approx([0, 4], rel=1e-13)


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        ([], "at least one point"),
        (5, r"takes points \[\(t, value\), ...\], got 5"),
        ([(0, 1), (2,)], r"takes points"),
        ([(0, 1), (3, -2)], r"point 1, \(3, -2\): the value must be a finite number of at least 0"),
        ([(0, math.nan)], "point 0"),
        ([(math.inf, 1)], "the time must be a finite number"),
        ([(0, True)], "point 0, "),
        ([(0, 1), (0, 2)], "times must increase, but the point before is at 0"),
        ([(4, 1), (3, 2)], "times must increase, but the point before is at 4"),
    ],
)
@pytest.mark.parametrize("kind", [PiecewiseConstant, PiecewiseLinear])
def test_points_that_describe_no_rate_are_refused(kind, points, complaint):
    with pytest.raises(ValueError, match=complaint):
        kind(points)


def test_a_wave_below_zero_is_refused():
    with pytest.raises(ValueError, match=r"amplitude must be at most mean.*got 4 around 3"):
        Sinusoid(mean=3, amplitude=4, period=1)
    with pytest.raises(ValueError, match="period must be a finite number above 0, got 0"):
        Sinusoid(mean=3, amplitude=1, period=0)
    with pytest.raises(ValueError, match="t must hold finite numbers, got nan"):
        RATES["wave"](math.nan)


# Pictures that need no chain

DAY = MtMc(arrival_rate=Sinusoid(mean=8, amplitude=6, period=40), service_rate=1, servers=12)
COLUMNS = ["mean_number_in_system", "mean_queue_length", "wait_probability"]


def test_pointwise_is_the_station_of_the_moment():
    table = DAY.pointwise([0, 5, 10, 30])
    for t, row in table.iterrows():
        station = MMc(arrival_rate=float(DAY.arrival_rate(t)), service_rate=1, servers=12)
        for name in COLUMNS:
            expected = getattr(station, name)
            assert row[name] == pytest.approx(expected, rel=1e-12)
        assert row["variance"] == pytest.approx(station.number_in_system.var(), rel=1e-12)
    assert table.loc[10, "mean_queue_length"] == math.inf  # 14 of 12
    assert table.loc[10, "wait_probability"] == 1


def test_modified_offered_load_is_the_station_at_the_lagging_load():
    """Eick, Massey and Whitt's wave (1993): 8 + 6 (sin wt - w cos wt) / (1 + w^2)."""
    w = 2 * math.pi / 40
    for t, row in DAY.modified_offered_load([0, 3, 29]).iterrows():
        load = 8 + 6 * (math.sin(w * t) - w * math.cos(w * t)) / (1 + w**2)
        assert row["wait_probability"] == pytest.approx(erlang_c(12, load), rel=1e-11)
        assert row["mean_number_in_system"] - row["mean_queue_length"] == pytest.approx(load)


def test_with_a_capacity_the_moments_station_is_erlangs_or_the_finite_one():
    loss = DAY.replace(capacity=12)
    rates = DAY.arrival_rate([0, 10, 30])
    assert loss.pointwise([0, 10, 30])["blocking_probability"].to_numpy() == pytest.approx(
        erlang_b(12, rates), rel=1e-12
    )
    steady = MtMc(arrival_rate=3, service_rate=1, servers=2, capacity=5)
    weights = np.array([1, 3, 9 / 2, 27 / 4, 81 / 8, 243 / 16])
    p = weights / weights.sum()
    row = steady.modified_offered_load([7]).iloc[0]
    assert row["blocking_probability"] == pytest.approx(p[-1], rel=1e-13)
    assert row["mean_number_in_system"] == pytest.approx(p @ np.arange(6), rel=1e-13)
    assert row["mean_queue_length"] == pytest.approx(p[3:] @ [1, 2, 3], rel=1e-13)
    assert row["wait_probability"] == pytest.approx(p[2:].sum(), rel=1e-13)
    assert steady.exact([500]).iloc[0].to_numpy() == pytest.approx(row.to_numpy(), rel=1e-11)


def test_closed_servers_let_the_line_grow_or_stay_empty():
    closed = MtMc(arrival_rate=2, service_rate=1, servers=PiecewiseConstant([(0, 0), (10, 3)]))
    assert closed.pointwise([1]).iloc[0].tolist() == [math.inf, math.inf, 1, 0, math.inf]
    assert closed.replace(arrival_rate=0).pointwise([1]).iloc[0].tolist() == [0, 0, 1, 0, 0]
    assert closed.replace(capacity=4).pointwise([1]).iloc[0].tolist() == [4, 4, 1, 1, 0]
    assert closed.exact([9]).iloc[0]["mean_number_in_system"] == pytest.approx(18, rel=1e-12)
    assert closed.fluid([9]).iloc[0]["mean_number_in_system"] == pytest.approx(18, rel=1e-9)


def test_the_fluid_rises_drains_and_relaxes_as_its_equation_says():
    """30 into 20 for 100 s: 20 at ln 3 s, 10 a second from then on; then out of 20 to nothing."""
    rate = PiecewiseConstant([(0, 30), (100, 0)])
    station = MtMc(arrival_rate=rate, service_rate=1, servers=20)
    full = math.log(3)
    top = 20 + 10 * (100 - full)
    empty = 100 + (top - 20) / 20
    times = [0, 0.5, full, 50, 100, 120, empty + 2]
    expected = [0, 30 * (1 - math.exp(-0.5)), 20, 20 + 10 * (50 - full), top, top - 400]
    expected += [20 * math.exp(-2)]
    table = station.fluid(times)
    assert table["mean_number_in_system"].to_numpy() == pytest.approx(expected, rel=1e-7, abs=1e-9)
    queue = np.maximum(table["mean_number_in_system"] - 20, 0)
    assert table["mean_queue_length"].to_numpy() == pytest.approx(queue.to_numpy(), rel=1e-12)
    assert table["wait_probability"].tolist()[3:] == [1, 1, 1, 0]
    bounded = station.replace(capacity=120).fluid([5, 50, 99, 101])
    assert bounded["mean_number_in_system"].to_numpy() == pytest.approx(
        [20 + 10 * (5 - full), 120, 120, 100], rel=1e-6
    )
    assert bounded["blocking_probability"].to_numpy() == pytest.approx([0, 1 / 3, 1 / 3, 0])


def test_errors_are_the_differences_from_exact():
    times = [0, 5, 25]
    errors, exact = DAY.errors(times, start=3), DAY.exact(times, start=3)
    for method, table in [
        ("pointwise", DAY.pointwise(times)),
        ("modified_offered_load", DAY.modified_offered_load(times)),
        ("fluid", DAY.fluid(times, start=3)),
    ]:
        for name in COLUMNS:
            assert errors[method, name].tolist() == (table[name] - exact[name]).tolist()


def test_a_slow_rate_makes_all_pictures_agree_and_a_fast_one_parts_them():
    """Massey and Whitt's order: the lagging load is nearer than the moment's rate."""
    slow = DAY.replace(arrival_rate=Sinusoid(mean=6, amplitude=3, period=4000))
    fast = DAY.replace(arrival_rate=Sinusoid(mean=6, amplitude=3, period=10))
    times = np.linspace(8000, 12000, 41) + 17
    worst = slow.errors(times).abs().max()
    assert worst["pointwise", "mean_number_in_system"] < 0.01
    assert worst["modified_offered_load", "mean_number_in_system"] < 0.005
    times = np.linspace(200, 210, 41)
    worst = fast.errors(times).abs().max()
    assert (
        worst["pointwise", "wait_probability"]
        > 3 * worst["modified_offered_load", "wait_probability"]
    )


def test_staffing_holds_the_probability_of_waiting():
    """Jennings, Mandelbaum, Massey and Whitt's (1996) finding: steady where the load is not."""
    times = np.arange(0, 120, 0.5)
    demand = DAY.replace(arrival_rate=Sinusoid(mean=80, amplitude=40, period=60))
    staffed = demand.replace(servers=demand.staff(times, wait_probability=0.2))
    for t in [0, 17.5, 44]:
        c = int(staffed.servers(t))
        m = float(demand.arrival_rate.offered_load(1.0, np.array([t]))[0])
        assert erlang_c(c, m) <= 0.2 < erlang_c(c - 1, m)
    waiting = staffed.exact(times[80:], start=80)["wait_probability"]
    assert waiting.between(0.1, 0.25).all()
    assert (
        demand.replace(servers=90).exact(times[80:])["wait_probability"].between(0.1, 0.25).mean()
        < 0.3
    )
    with pytest.raises(ValueError, match="wait_probability must be a finite number above 0"):
        demand.staff(times, wait_probability=0)
    with pytest.raises(ValueError, match="at least one time"):
        demand.staff([], wait_probability=0.2)
