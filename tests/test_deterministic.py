"""M/D/c against Crommelin's series, forty digits, the chain of its slots, M/G/1 and chance."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from line_simulation import accepted, power, simulated_waits
from scipy import integrate, stats

from queueing import MMc, deterministic, exponential, pollaczek_khinchine
from queueing.stations.deterministic import MDc

MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
servers_of = st.sampled_from([1, 2, 3, 7, 20, 60])
ratios = st.floats(1e-3, 0.999)
rates = st.floats(1e-3, 1e3)


def bank(servers, ratio, service_time=1.0):
    rate = ratio * servers / service_time
    return MDc(arrival_rate=rate, service_time=service_time, servers=servers)


# One server: the alternating series of Erlang and Crommelin, in sixty digits


@pytest.mark.parametrize("ratio", [0.05, 0.3, 0.5, 0.8, 0.9, 0.99])
def test_one_server_waits_as_erlangs_series_says(ratio):
    """P(W <= t) = (1 - rho) sum_{k <= t} (-lambda (t - k))^k e^(lambda (t - k)) / k!."""
    station = bank(1, ratio)
    for t in [0, 0.3, 0.999, 1, 1.001, 2.5, 7, 23.25]:
        with mpmath.workdps(80):
            rate = mpmath.mpf(ratio)
            terms = [
                (-rate * (t - k)) ** k * mpmath.exp(rate * (t - k)) / mpmath.factorial(k)
                for k in range(math.floor(t) + 1)
            ]
            within = float((1 - rate) * mpmath.fsum(terms))
        assert station.wait.cdf(t) == pytest.approx(within, abs=1e-12)
        if t > 0 and 1 - within > 1e-7:
            assert station.wait.ppf(within) == pytest.approx(t, abs=1e-8 * max(t, 1))


@given(st.floats(1e-3, 0.999999), rates)
def test_one_server_waits_as_pollaczek_and_khinchine_say(ratio, service_time):
    station = bank(1, ratio, service_time)
    exact = pollaczek_khinchine(station.arrival_rate, 1 / service_time, 0)
    assert station.mean_wait == pytest.approx(exact, rel=1e-9)
    assert station.wait_probability == pytest.approx(station.traffic_intensity, rel=1e-9)
    # E[W^2] = 2 Wq^2 + lambda E[S^3] / (3 (1 - rho))
    extra = station.arrival_rate * service_time**3 / (3 * (1 - station.traffic_intensity))
    assert station.wait.var() == pytest.approx(exact**2 + extra, rel=1e-8)


# Many servers: the chain of the number present at t, t + D, ..., cut where its probability is gone


def slots(servers, load, most):
    """P(N = n) with N' = max(N - c, 0) + Poisson(a), by linear algebra."""
    n = np.arange(most)
    step = stats.poisson(load).pmf(n - np.maximum(n - servers, 0)[:, None])
    step[:, -1] += 1 - step.sum(axis=1)
    equations = step.T - np.eye(most)
    equations[-1] = 1
    return np.linalg.solve(equations, np.append(np.zeros(most - 1), 1))


@pytest.mark.parametrize(
    ("servers", "ratio"), [(1, 0.6), (2, 0.3), (2, 0.9), (5, 0.8), (12, 0.6), (12, 0.9), (40, 0.85)]
)
def test_the_number_present_is_the_slots(servers, ratio):
    station, k = bank(servers, ratio), np.arange(400)
    exact = slots(servers, ratio * servers, 400)
    law = station.number_in_system
    assert law.pmf(k) == pytest.approx(exact, abs=1e-12)
    assert law.cdf(k) == pytest.approx(exact.cumsum(), abs=1e-12)
    assert law.mean() == pytest.approx(exact @ k, rel=1e-9)
    assert law.var() == pytest.approx(exact @ k**2 - (exact @ k) ** 2, rel=1e-8)
    queue = exact @ np.maximum(k - servers, 0)
    assert station.mean_wait == pytest.approx(queue / station.arrival_rate, rel=1e-9)
    assert station.wait_probability == pytest.approx(exact[servers:].sum(), rel=1e-9)


@pytest.mark.parametrize(("servers", "ratio"), [(2, 0.9), (5, 0.8), (12, 0.9)])
def test_the_wait_is_what_those_ahead_take(servers, ratio):
    """Who comes u after a slot's end waits m slots less u if the Q + Poisson before him fill m."""
    station = bank(servers, ratio)
    exact = slots(servers, ratio * servers, 400)
    queue = np.append(exact[: servers + 1].sum(), exact[servers + 1 :])
    for t in [0, 0.25, 0.999, 1.0, 1.75, 3.5]:
        slot = math.floor(t) + 1
        came = stats.poisson(station.arrival_rate * (slot - t))
        late = queue @ came.sf(slot * servers - 1 - np.arange(queue.size))
        assert station.wait.sf(t) == pytest.approx(late, abs=1e-12)
        assert station.time_in_system.sf(t + 1) == pytest.approx(late, abs=1e-12)
        if t > 0 and late > 1e-6:
            assert station.wait.ppf(1 - late) == pytest.approx(t, abs=1e-8)


@pytest.mark.parametrize("servers", [2, 10, 100])
@pytest.mark.parametrize("ratio", [0.01, 0.5, 0.9, 0.99, 0.9999, 0.999999])
def test_large_and_busy_stations_keep_their_digits(servers, ratio):
    """In sixty digits by the zeros z_k of z^c = e^(a (z - 1)) in the unit disk.

    E[Q] = (a^2 - c (c - 1)) / (2 (c - a)) + sum_k 1 / (1 - z_k)
    P(Q = 0) = (c - a) e^a prod_k z_k / (z_k - 1)
    """
    station = bank(servers, ratio)
    with mpmath.workdps(60):
        a = mpmath.mpf(station.arrival_rate)
        rho = a / servers
        angles = [2j * mpmath.pi * k / servers for k in range(1, servers)]
        zeros = [-mpmath.lambertw(-rho * mpmath.exp(angle - rho)) / rho for angle in angles]
        queue = (a**2 - servers * (servers - 1)) / (2 * (servers - a))
        queue = mpmath.re(queue + mpmath.fsum(1 / (1 - z) for z in zeros))
        empty = mpmath.re((servers - a) * mpmath.exp(a) * mpmath.fprod(z / (z - 1) for z in zeros))
    if queue > 1e-40:  # below, the sixty digits have cancelled
        assert abs(station.mean_queue_length / queue - 1) < 1e-9
    within = station.number_in_system.cdf(servers)  # all present are served
    assert abs(within - empty) < 1e-9


def test_the_waits_law_has_the_moments_stated_and_the_transform():
    for station in (bank(1, 0.7), bank(3, 0.9), bank(10, 0.9)):
        t = np.linspace(0, 60, 120001)
        alive = station.wait.sf(t)
        assert integrate.simpson(alive, x=t) == pytest.approx(station.mean_wait, rel=1e-8)
        square = station.wait.var() + station.mean_wait**2
        assert 2 * integrate.simpson(t * alive, x=t) == pytest.approx(square, rel=1e-7)
        for s in (0.3, 2 + 5j, 40j):
            real = 1 - s * integrate.simpson(np.exp(-s * t) * alive, x=t)
            assert station.wait.lst(s) == pytest.approx(real, abs=1e-6)


def test_a_wait_may_be_added_to_another_time():
    station, step = bank(3, 0.8), exponential(mean=2)
    t = np.linspace(0, 8, 1601)
    law = station.wait + step
    late = [
        integrate.simpson(
            station.wait.sf(each - t[t <= each]) * np.exp(-t[t <= each] / 2) / 2, x=t[t <= each]
        )
        + math.exp(-each / 2)
        for each in (2.0, 4.0, 8.0)
    ]
    assert law.sf([2.0, 4.0, 8.0]) == pytest.approx(late, abs=1e-5)


# Laws


@given(servers_of, ratios, rates)
@settings(max_examples=30)
def test_little_scale_and_bounds(servers, ratio, service_time):
    station = bank(servers, ratio, service_time)
    base = bank(servers, ratio)
    near = {"rel": 1e-7, "abs": 1e-290}
    assert station.mean_wait == pytest.approx(base.mean_wait * service_time, **near)
    assert station.wait_probability == pytest.approx(base.wait_probability, **near)
    p = [0.5, 0.95, 0.999]
    scaled = base.wait.ppf(p) * service_time
    assert station.wait.ppf(p) == pytest.approx(scaled, rel=1e-6, abs=1e-7 * service_time)
    assert station.mean_queue_length == station.arrival_rate * station.mean_wait
    plain = MMc(arrival_rate=ratio * servers, service_rate=1, servers=servers)
    assert plain.mean_wait / 2 * (1 - 1e-9) <= base.mean_wait <= plain.mean_wait
    more = base.with_servers(servers + 1)
    for name in [*MEANS, "wait_probability"]:
        assert getattr(more, name) <= getattr(base, name) * (1 + 1e-9)


@given(servers_of, ratios)
@settings(max_examples=30)
def test_laws_are_laws(servers, ratio):
    station, k = bank(servers, ratio), np.arange(3 * servers + 50)
    law = station.number_in_system
    assert np.all(law.pmf(k) >= 0)
    assert law.cdf(k) == pytest.approx(law.pmf(k).cumsum(), abs=1e-10)
    t = np.linspace(0, 5 * station.mean_time_in_system, 400)
    assert np.all(np.diff(station.wait.sf(t)) <= 1e-12)
    assert station.wait.sf(0) == pytest.approx(law.sf(servers - 1), rel=1e-9)
    assert station.time_in_system.mean() == pytest.approx(station.mean_time_in_system, rel=1e-9)


# Chance


@pytest.mark.parametrize("station", [bank(1, 0.7), bank(4, 0.8)], ids=str)
def test_simulated_waits_are_the_stations_and_not_those_of_a_busier_one(station):
    line = {
        "arrival_rate": station.arrival_rate,
        "service": deterministic(mean=1),
        "servers": station.servers,
    }
    assert accepted(simulated_waits(**line), station.mean_wait)
    assert power(simulated_waits(**line, faster=1.1), station.mean_wait) >= 0.9


# Extremes and mistakes


@pytest.mark.parametrize("rate", [1, 1.5, 1e9])
def test_a_station_that_cannot_keep_up_says_so(rate):
    station = MDc(arrival_rate=rate, service_time=2, servers=2)
    assert [getattr(station, name) for name in MEANS] == [math.inf] * 4
    assert station.wait_probability == station.utilization == 1
    assert station.throughput == 1
    assert station.wait.ppf(0.1) == station.time_in_system.ppf(0.5) == math.inf
    number = station.number_in_system
    assert number.mean() == number.var() == math.inf
    assert (number.pmf(3), number.sf(3)) == (0, 1)


@pytest.mark.parametrize("rate", [0, 1e-300, 1e-120, 1e-9])
def test_a_station_that_hardly_anybody_visits_is_empty(rate):
    station = MDc(arrival_rate=rate, service_time=2, servers=3)
    assert 0 <= station.mean_wait < 1e-26
    assert 0 <= station.wait_probability < 1e-24
    assert station.wait.ppf(0.99) == 0
    assert station.wait.var() < 1e-24
    assert station.time_in_system.ppf([0.1, 0.999]).tolist() == [2, 2]
    assert station.number_in_system.pmf(0) == pytest.approx(1)
    assert station.number_in_system.var() == pytest.approx(2 * rate)


def test_hundreds_and_thousands_of_servers():
    for servers in (300, 3000, 10_000):
        station = bank(servers, 1 - 1 / math.sqrt(servers))
        plain = MMc(arrival_rate=station.arrival_rate, service_rate=1, servers=servers)
        assert 0.5 < station.mean_wait / plain.mean_wait < 0.7
        assert station.wait.sf(station.wait.ppf(0.99)) == pytest.approx(0.01, rel=1e-9)
    with pytest.raises(ValueError, match="servers must be at most 10000, got 10001"):
        station.with_servers(10_001)


def test_numbers_are_whole_and_times_any():
    station = bank(3, 0.8)
    law = station.number_in_system
    assert law.pmf([-1, 0.5, math.nan]).tolist() == [0, 0, 0]
    assert law.sf([-1, 1.9]).tolist() == [1, law.sf(1)]
    assert law.pmf([[1, 2]]).shape == law.sf([[1, 2]]).shape == (1, 2)
    assert law.pmf(10**12) == 0
    assert station.wait.sf([-1, math.inf]).tolist() == [1, 0]
    assert math.isnan(station.wait.sf(math.nan))
    draws = station.wait.rvs(4000, random_state=1)
    assert np.mean(draws == 0) == pytest.approx(1 - station.wait_probability, abs=0.04)


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3]])
def test_parameters_that_cannot_be_are_refused(bad):
    station = bank(3, 0.8)
    for name in ("arrival_rate", "service_time", "servers"):
        with pytest.raises(ValueError, match=f"^{name} must be a"):
            station.replace(**{name: bad})
    with pytest.raises(ValueError, match=r"^p is a fraction"):
        station.wait.ppf(95)
    with pytest.raises(AttributeError, match="MDc has no blocking_probability: nobody is turned"):
        station.blocking_probability  # noqa: B018
