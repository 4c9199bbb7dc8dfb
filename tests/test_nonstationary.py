"""M(t)/M/c(t)/K exact against dense matrix exponentials, tight integrators and closed forms."""

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, linalg, stats

from queueing import MMc, MMcK
from queueing.nonstationary import MtMc, PiecewiseConstant, PiecewiseLinear, Sinusoid

MEANS = ["mean_number_in_system", "mean_queue_length", "variance"]
PROBABILITIES = ["wait_probability", "blocking_probability"]


def generator(birth, service_rate, servers, most):
    """The dense generator on 0, ..., `most`; rows sum up to 0."""
    n = np.arange(most + 1)
    flow = np.diag(np.full(most, float(birth)), 1)
    flow += np.diag(service_rate * np.minimum(n[1:], servers), -1)
    return flow - np.diag(flow.sum(axis=1))


def by_exponentials(station, most, start, times):
    """The law at each time, by matrix exponentials from step to step."""
    rates, shifts, mu = station.arrival_rate, station.servers, station.service_rate
    stops = sorted({0.0, *times, *(t for t in rates.breaks + shifts.breaks if t > 0)})
    law, laws = np.eye(most + 1)[start], {}
    for a, b in zip(stops, [*stops[1:], math.inf], strict=True):
        laws[a] = law
        if math.isfinite(b):
            law = law @ linalg.expm(generator(rates(a), mu, shifts(a), most) * (b - a))
            law /= law.sum()  # which rounding has left
    return [laws[t] for t in times]


def by_integrator(station, most, start, times):
    """The law at each time, by an explicit method of order eight at the tightest tolerance."""
    rate, servers = station.arrival_rate, station.servers
    still = generator(0, station.service_rate, servers, most)
    births = generator(1, 0, servers, most)
    law, laws = np.eye(most + 1)[start], []
    stops = sorted({0.0, *times, *(b for b in rate.breaks if 0 < b < times[-1])})
    for a, b in pairwise(stops):
        law = integrate.solve_ivp(
            lambda t, p: p @ still + float(rate(t)) * (p @ births),
            (a, b),
            law,
            "DOP853",
            rtol=3e-14,
            atol=1e-18,
        ).y[:, -1]
        laws += [law] * (b in times)
    return laws


def answers(law, servers, capacity=math.inf):
    n = np.arange(law.size)
    mean = law @ n
    return {
        "mean_number_in_system": mean,
        "mean_queue_length": law @ np.maximum(n - servers, 0),
        "variance": law @ (n - mean) ** 2,
        "wait_probability": law[int(servers) :].sum(),
        "blocking_probability": law[-1] if capacity < math.inf else 0.0,
    }


def agree(table, laws, servers, capacity=math.inf, slack=1e-14):
    for (_, row), law, c in zip(table.iterrows(), laws, servers, strict=True):
        expected = answers(law, c, capacity)
        for name in MEANS:
            assert row[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name
        for name in PROBABILITIES:
            assert row[name] == pytest.approx(expected[name], rel=0, abs=slack), name


STEPS = PiecewiseConstant([(0, 3), (1, 0), (4, 9), (4.5, 1), (9, 5)])
SHIFTS = PiecewiseConstant([(0, 2), (2, 5), (4.25, 0), (5, 1), (7, 4)])
TIMES = [0, 0.3, 1, 2, 3.1, 4, 4.25, 4.3, 5, 6.9, 7, 12, 400]


@pytest.mark.parametrize("start", [0, 7, 40])
@pytest.mark.parametrize("service_rate", [0.4, 3.0])
def test_steps_of_rate_and_servers_are_matrix_exponentials(start, service_rate):
    station = MtMc(arrival_rate=STEPS, service_rate=service_rate, servers=SHIFTS, capacity=40)
    laws = by_exponentials(station, 40, start, TIMES)
    agree(station.exact(TIMES, start=start), laws, SHIFTS(TIMES), 40, slack=3e-14)


def test_without_a_capacity_the_chain_is_long_enough():
    station = MtMc(arrival_rate=STEPS, service_rate=1, servers=SHIFTS)
    table = station.exact(TIMES[:-1])
    laws = by_exponentials(station, 150, 0, TIMES[:-1])
    agree(table, laws, SHIFTS(TIMES[:-1]), slack=3e-14)
    assert 10 < table.attrs["states"] < 150
    assert 0 <= table.attrs["mass_lost"] < 1e-14
    assert (table["blocking_probability"] == 0).all()


SMOOTH = {
    "sinusoid": Sinusoid(mean=5, amplitude=4, period=7),
    "to nothing": Sinusoid(mean=3, amplitude=3, period=2),
    "ramp": PiecewiseLinear([(0, 0), (3, 9), (5, 2), (9, 2), (10, 8)]),
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("capacity", [12, None])
def test_smooth_rates_are_what_a_tight_integrator_gives(name, capacity):
    rate, times = SMOOTH[name], np.array([0.1, 1, 2.5, 3, 4.9, 10, 17])
    station = MtMc(arrival_rate=rate, service_rate=1.2, servers=5, capacity=capacity)
    callable_ = station.replace(arrival_rate=rate.__call__)
    most = capacity or 90
    laws = by_integrator(station, most, 3, times)
    for each in [station, callable_]:
        table = each.exact(times, start=3)
        agree(table, laws, np.full(7, 5), capacity or math.inf, slack=1e-13)


def arrived_and_stayed(rate, service_rate, now):
    """The integral of lambda(u) e^(-mu (t - u)), by quadrature between the breaks."""
    edges = [0.0, *(b for b in rate.breaks if 0 < b < now), now]
    parts = (
        integrate.quad(lambda u: rate(u) * math.exp(-service_rate * (now - u)), a, b, epsabs=1e-13)
        for a, b in pairwise(edges)
    )
    return sum(part for part, _ in parts)


@pytest.mark.parametrize("rate", [SMOOTH["sinusoid"], SMOOTH["ramp"], STEPS])
def test_plenty_of_servers_carry_a_poisson_number(rate):
    """From N(0) = s: Poisson(m(t) - e^(-mu t) m(0)) plus the binomial rest of s."""
    times, mu, start = np.array([0, 0.5, 3, 4.2, 11]), 0.7, 6
    table = MtMc(arrival_rate=rate, service_rate=mu, servers=300).exact(times, start=start)
    for t, row in table.iterrows():
        came = arrived_and_stayed(rate, mu, t)
        stay = math.exp(-mu * t)
        mean, variance = came + start * stay, came + start * stay * (1 - stay)
        assert row["mean_number_in_system"] == pytest.approx(mean, rel=1e-11)
        assert row["variance"] == pytest.approx(variance, rel=1e-10, abs=1e-12)
        assert row["mean_queue_length"] == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize(("load", "servers"), [(0.7, 1), (18, 20), (95, 100), (950, 1000)])
def test_a_steady_rate_ends_in_the_stationary_station(load, servers):
    station = MMc(arrival_rate=2 * load, service_rate=2, servers=servers)
    row = MtMc(arrival_rate=2 * load, service_rate=2, servers=servers).exact([1e4]).iloc[0]
    for name in ["mean_number_in_system", "mean_queue_length", "wait_probability"]:
        assert row[name] == pytest.approx(getattr(station, name), rel=1e-9)
    assert row["variance"] == pytest.approx(station.number_in_system.var(), rel=1e-9)


def test_close_to_saturation_the_law_keeps_fourteen_digits():
    station = MMc(arrival_rate=0.99 * 60, service_rate=1, servers=60)
    moving = MtMc(arrival_rate=0.99 * 60, service_rate=1, servers=60).exact([1e7]).iloc[0]
    assert moving["wait_probability"] == pytest.approx(station.wait_probability, abs=1e-13)


def test_what_changes_with_time_balances():
    """(d/dt) E N = lambda (1 - P_K) - mu E min(N, c), integrated."""
    rate = Sinusoid(mean=9, amplitude=8, period=50)
    station = MtMc(arrival_rate=rate, service_rate=1, servers=8, capacity=30)
    nodes, weights = np.polynomial.legendre.leggauss(80)
    times = 20 + 20 * nodes
    table = station.exact(times)
    ends = station.exact([0, 40])["mean_number_in_system"]
    busy = table["mean_number_in_system"] - table["mean_queue_length"]
    flow = rate(times) * (1 - table["blocking_probability"].to_numpy()) - busy.to_numpy()
    assert ends[40] - ends[0] == pytest.approx(20 * weights @ flow, rel=1e-10)


def test_a_gap_without_arrivals_empties_the_station_and_is_not_overlooked():
    """After ten days of silence ten minutes of arrivals, then silence again."""
    day = 86400.0
    rate = PiecewiseConstant([(0, 0), (10 * day, 0.5), (10 * day + 600, 0)])
    station = MtMc(arrival_rate=rate, service_rate=0.01, servers=4)
    table = station.exact([5 * day, 10 * day, 10 * day + 600, 10 * day + 700, 20 * day], start=2)
    mean = table["mean_number_in_system"].to_numpy()
    assert mean[[0, 1]] == pytest.approx([0, 0], abs=1e-14)
    short = PiecewiseConstant([(0, 0.5), (600, 0)])
    steady = PiecewiseConstant([(0, 4)])
    laws = by_exponentials(station.replace(arrival_rate=short, servers=steady), 450, 0, [600, 700])
    assert mean[2] == pytest.approx(laws[0] @ np.arange(451), rel=1e-10)
    assert mean[3] == pytest.approx(laws[1] @ np.arange(451), rel=1e-10)
    assert mean[4] == pytest.approx(0, abs=1e-12)


def test_a_large_backlog_is_a_random_walk_while_everybody_is_busy():
    """N(t) - N(0) is the difference of two Poisson numbers, far from the servers."""
    rate = PiecewiseLinear([(0, 40), (40_000, 60)])
    station = MtMc(arrival_rate=rate, service_rate=1, servers=20)
    times = [1_000, 20_000, 60_000]
    table = station.exact(times, start=100_000)
    came, left = rate.cumulative(times), 20.0 * np.array(times)
    assert table["mean_number_in_system"].to_numpy() == pytest.approx(
        100_000 + came - left, rel=1e-12
    )
    assert table["variance"].to_numpy() == pytest.approx(came + left, rel=1e-9)
    assert table.attrs["states"] < 60_000


def test_overload_that_starts_from_empty_and_drains_again():
    """Beyond reach of dense algebra; the mean is the balance of who came and who was served."""
    rate = PiecewiseConstant([(0, 30), (2_000, 0)])
    station = MtMc(arrival_rate=rate, service_rate=1, servers=20)
    table = station.exact([1_000, 2_000, 2_500, 6_000])
    mean, spread = table["mean_number_in_system"], np.sqrt(table["variance"])
    still_empty = 60  # service lost at first, at most about 20 / (30 - 20) services of 20 a second
    assert 10_000 <= mean[1_000] <= 10_000 + still_empty
    assert mean[2_000] - mean[1_000] == pytest.approx(10_000, rel=1e-12)
    assert mean[2_500] - mean[2_000] == pytest.approx(-10_000, rel=1e-12)
    assert spread[2_000] == pytest.approx(math.sqrt(50 * 2_000), rel=0.01)
    assert mean[6_000] == pytest.approx(0, abs=1e-12)
    exact = stats.poisson.sf(10**9, 1)
    assert table.loc[1_000, "wait_probability"] == pytest.approx(1 - exact, abs=1e-12)


def test_what_no_window_holds_is_refused_and_the_fluid_named():
    station = MtMc(arrival_rate=2e9, service_rate=1, servers=1)
    with pytest.raises(ValueError, match=r"states at t = .*more than 300000: ask \.fluid"):
        station.exact([1e5], start=10_000)
    assert station.fluid([1e5]).iloc[0]["mean_number_in_system"] == pytest.approx(2e14, rel=1e-9)


@settings(max_examples=25)
@given(st.floats(0.2, 5), st.integers(1, 6), st.floats(1e-3, 1e3))
def test_rates_times_k_divide_times_by_k(load, servers, k):
    slow = MtMc(
        arrival_rate=Sinusoid(mean=load, amplitude=load / 2, period=5),
        service_rate=1,
        servers=servers,
        capacity=20,
    )
    fast = MtMc(
        arrival_rate=Sinusoid(mean=load * k, amplitude=load / 2 * k, period=5 / k),
        service_rate=k,
        servers=servers,
        capacity=20,
    )
    times = np.array([0, 0.7, 3, 8])
    one, other = slow.exact(times), fast.exact(times / k)
    assert other.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-9, abs=1e-12)


@settings(max_examples=25)
@given(st.floats(0.2, 8), st.integers(1, 6))
def test_a_server_or_a_place_more_is_felt(load, servers):
    rate = PiecewiseLinear([(0, load), (2, 0), (3, 2 * load)])
    station = MtMc(arrival_rate=rate, service_rate=1, servers=servers, capacity=15)
    times = [0.5, 2, 4, 9]
    one = station.exact(times)
    more = station.replace(servers=servers + 1).exact(times)
    wide = station.replace(capacity=16).exact(times)
    for name in ["mean_queue_length", "wait_probability"]:
        assert (more[name] <= one[name] + 1e-13).all()
    assert (wide["blocking_probability"] <= one["blocking_probability"] + 1e-13).all()
    assert (wide["mean_number_in_system"] >= one["mean_number_in_system"] - 1e-13).all()


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("load", [0.0, 1e-12, 0.999999, 1.0, 3.0])
@pytest.mark.parametrize("capacity", [None, 4])
def test_extremes_are_silent_and_in_range(scale, load, capacity):
    station = MtMc(arrival_rate=2 * load * scale, service_rate=scale, servers=2, capacity=capacity)
    times = np.array([0, 1e-9, 1e-3, 1, 300]) / scale
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = station.exact(times)
    values = table.to_numpy()
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (table[PROBABILITIES].to_numpy() <= 1 + 1e-12).all()


def test_a_mistake_is_refused_in_words():
    with pytest.raises(ValueError, match="service_rate must be a finite number above 0"):
        MtMc(arrival_rate=1, service_rate=0, servers=1)
    with pytest.raises(ValueError, match="arrival_rate must be a finite number of at least 0"):
        MtMc(arrival_rate=-1, service_rate=1, servers=1)
    with pytest.raises(ValueError, match="servers must be a whole number of at least 1, got 0"):
        MtMc(arrival_rate=1, service_rate=1, servers=0)
    with pytest.raises(ValueError, match=r"servers at t = 5 must be a whole number"):
        MtMc(arrival_rate=1, service_rate=1, servers=PiecewiseConstant([(0, 1), (5, 1.5)]))
    with pytest.raises(ValueError, match="capacity must be a whole number of at least 3"):
        MtMc(arrival_rate=1, service_rate=1, servers=3, capacity=2)
    station = MtMc(arrival_rate=1, service_rate=1, servers=3, capacity=5)
    with pytest.raises(ValueError, match="start must be at most the capacity 5, got 6"):
        station.exact([1], start=6)
    with pytest.raises(ValueError, match="start must be a whole number of at least 0"):
        station.fluid([1], start=-1)
    for wrong in [[-1], [math.nan], ["a"], True]:
        with pytest.raises(ValueError, match="times must hold finite numbers of at least 0"):
            station.exact(wrong)
    with pytest.raises(ValueError, match=r"arrival_rate must return .* got -1 at t = 0"):
        station.replace(arrival_rate=lambda t: t - 1).exact([3])
    with pytest.raises(AttributeError, match=r"MtMc has no mean_queue_length: it moves with time"):
        _ = station.mean_queue_length
    with pytest.raises(AttributeError, match="MtMc has no attribute 'patience'"):
        _ = station.patience


def test_times_come_in_any_order_and_more_than_once():
    station = MtMc(arrival_rate=3, service_rate=1, servers=4)
    table = station.exact([5, 0, 5, 2.5])
    assert table.index.tolist() == [5, 0, 5, 2.5]
    assert table.iloc[0].equals(table.iloc[2])
    assert station.exact(5).equals(table.iloc[[0]])
    assert station.exact([]).empty


@pytest.mark.parametrize("rate", [1e-9, 1e-3, 5.0])
def test_a_fluid_below_the_servers_fills_as_exactly_at_any_rate(rate):
    """For mu = 1 it is x = lambda (1 - e^-t)."""
    times = np.array([0.5, 1.0, 3.0])
    station = MtMc(arrival_rate=rate, service_rate=1, servers=6)
    found = station.fluid(times)["mean_number_in_system"].to_numpy()
    assert found == pytest.approx(rate * -np.expm1(-times), rel=1e-8, abs=0)


@pytest.mark.parametrize(("rate", "servers", "capacity"), [(3, 5, 5), (8, 3, 7), (0, 2, 4)])
def test_with_a_capacity_each_moment_is_that_of_the_loss_station(rate, servers, capacity):
    """A rate that stands still: pointwise and by modified offered load it is M/M/c/K."""
    plain = {"arrival_rate": rate, "service_rate": 1, "servers": servers, "capacity": capacity}
    moving, still = MtMc(**plain), MMcK(**plain)
    for table in (moving.pointwise([1.0]), moving.modified_offered_load([1.0])):
        found = table.iloc[0]
        assert found["mean_number_in_system"] == pytest.approx(still.mean_number_in_system)
        assert found["mean_queue_length"] == pytest.approx(still.mean_queue_length)
        assert found["blocking_probability"] == pytest.approx(still.blocking_probability)
        assert found["variance"] == pytest.approx(still.number_in_system.var())
