"""M/M/1 and M/M/c against chains solved by linear algebra, forty digits, textbooks and chance."""

import dataclasses
import math
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import linalg, stats

from queueing import MM1, MMc, littles_law

TABLE = pd.read_csv(
    Path(__file__).parent / "authorities" / "textbook_stations.csv", comment="#", index_col=0
)
STATIONS = [
    MM1(arrival_rate=3, service_rate=10),
    MM1(arrival_rate=0.9, service_rate=1),
    MMc(arrival_rate=12, service_rate=6, servers=3),
    MMc(arrival_rate=0.1, service_rate=1, servers=4),
    MMc(arrival_rate=9.2, service_rate=1, servers=10),
    MMc(arrival_rate=50, service_rate=2, servers=40),
]
stations = pytest.mark.parametrize("station", STATIONS, ids=str)
MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]

rates = st.floats(1e-3, 1e3)
ratios = st.floats(1e-6, 0.999999)


def station_of(rate, ratio, servers):
    return MMc(arrival_rate=ratio * servers * rate, service_rate=rate, servers=servers)


# The chain, cut where its probability has vanished


def chain(station):
    """P(N = n) of the birth-death chain, from its balance equations by linear algebra."""
    most = station.servers + int(34 / -math.log(station.traffic_intensity)) + 2
    up = np.full(most - 1, float(station.arrival_rate))
    down = station.service_rate * np.minimum(np.arange(1, most), station.servers)
    bands = np.zeros((3, most - 1))  # the unknown states 1, 2, ... by the equations of 0, 1, ...
    bands[0, 1:] = 0
    bands[1] = down
    bands[2, :-1] = -up[1:]
    weights = linalg.solve_banded((1, 1), bands, np.append(up[0], np.zeros(most - 2)))
    weights = np.append(1, weights)
    return weights / weights.sum()


@stations
def test_the_number_present_is_the_chains(station):
    exact = chain(station)
    law, k = station.number_in_system, np.arange(exact.size)
    assert law.pmf(k) == pytest.approx(exact, rel=1e-9, abs=1e-18)
    assert law.cdf(k) == pytest.approx(exact.cumsum(), abs=1e-12)
    beyond = exact[::-1].cumsum()[::-1][1:]
    assert law.sf(k[:10]) == pytest.approx(beyond[:10], rel=1e-9, abs=1e-18)
    assert law.mean() == pytest.approx(exact @ k, rel=1e-9)
    assert law.var() == pytest.approx(exact @ k**2 - (exact @ k) ** 2, rel=1e-9)


@stations
def test_means_and_probabilities_are_the_chains(station):
    exact = chain(station)
    k, servers = np.arange(exact.size), station.servers
    waiting, busy = np.maximum(k - servers, 0), np.minimum(k, servers)
    assert station.mean_queue_length == pytest.approx(exact @ waiting, rel=1e-9)
    assert station.mean_number_in_system == pytest.approx(exact @ k, rel=1e-9)
    assert station.wait_probability == pytest.approx(exact[servers:].sum(), rel=1e-9)
    assert station.utilization == pytest.approx(exact @ busy / servers, rel=1e-9)
    assert station.throughput == pytest.approx(station.service_rate * (exact @ busy), rel=1e-9)


@stations
def test_wait_and_time_are_first_passages_of_an_arrival(station):
    """Who finds n present waits for n - c + 1 ends of service, then for his own: a chain to 0."""
    found, servers = chain(station), station.servers
    ahead = found[servers:]
    pace = servers * station.service_rate
    size = ahead.size + 1  # state 0: in service; state j: j ends of service before that
    flow = np.zeros((size, size))
    flow[np.arange(1, size), np.arange(size - 1)] = pace
    flow -= np.diag(np.append(station.service_rate, np.full(size - 1, pace)))
    for t in np.array([0.05, 1, 4]) * station.time_in_system.mean():
        alive = np.append(found[:servers].sum(), ahead) @ linalg.expm(flow * t)
        waiting = ahead @ stats.poisson(pace * t).cdf(np.arange(size - 1))
        assert station.wait.sf(t) == pytest.approx(waiting, rel=1e-8, abs=1e-12)
        assert station.time_in_system.sf(t) == pytest.approx(alive.sum(), rel=1e-8)
        assert station.time_in_system.ppf(1 - alive.sum()) == pytest.approx(t, rel=1e-8)
        if waiting > 1e-9:
            assert station.wait.ppf(1 - waiting) == pytest.approx(t, rel=1e-8)


@pytest.mark.parametrize("servers", [1, 2, 30, 1000, 1_000_000])
@pytest.mark.parametrize("ratio", [0.975, 0.99, 0.999999])
def test_large_and_busy_stations_keep_nine_digits(servers, ratio):
    """In forty digits, with 1/B = sum_j c (c-1) ... (c-j+1) / a^j."""
    station = MMc(arrival_rate=ratio * servers * 0.7, service_rate=0.7, servers=servers)
    with mpmath.workdps(40):
        arrival, service = mpmath.mpf(station.arrival_rate), mpmath.mpf(station.service_rate)
        a = arrival / service
        term = total = mpmath.mpf(1)
        for left in range(servers, 0, -1):
            term *= left / a
            total += term
            if left < a and term < total * mpmath.mpf(10) ** -25:
                break
        waits = servers / (servers - a + a / total) / total
        spare, ratio = servers * service - arrival, a / servers
        squares = a * (1 + waits) + waits * ratio * (1 + ratio - waits * ratio) / (1 - ratio) ** 2
        exact = {
            "wait_probability": waits,
            "mean_wait": waits / spare,
            "mean_time_in_system": waits / spare + 1 / service,
            "mean_number_in_system": arrival * waits / spare + a,
        }
        for name, value in exact.items():
            assert abs(getattr(station, name) / value - 1) < 1e-9
        law = station.number_in_system
        assert abs(law.var() / squares - 1) < 1e-9
        assert abs(law.pmf(servers) / (waits * (1 - ratio)) - 1) < 1e-9
        before = waits * (1 - ratio) / ratio  # P(c - 1), by the balance of a step
        assert abs(law.pmf(servers - 1) / before - 1) < 1e-9


# Published examples


@pytest.mark.parametrize("example", list(TABLE.index))
def test_the_textbooks_example_is_met(example):
    row = TABLE.loc[example]
    station = MMc(arrival_rate=row.arrival_rate, service_rate=row.service_rate, servers=row.servers)
    for name in MEANS:
        assert getattr(station, name) == pytest.approx(row[name], rel=1e-7)
        assert getattr(station.with_servers(station.servers + 1), name) < 0.9 * row[name]


# Laws


@given(rates, ratios, st.integers(1, 300))
def test_little_holds_for_the_queue_and_for_the_station(rate, ratio, servers):
    station = station_of(rate, ratio, servers)
    queue = littles_law(rate=station.arrival_rate, time=station.mean_wait)
    inside = littles_law(rate=station.arrival_rate, time=station.mean_time_in_system)
    assert station.mean_queue_length == pytest.approx(queue, rel=1e-12, abs=1e-300)
    assert station.mean_number_in_system == pytest.approx(inside, rel=1e-12)
    assert station.number_in_system.mean() == station.mean_number_in_system


@given(rates, ratios, st.integers(1, 300))
def test_a_server_more_never_lengthens_a_wait(rate, ratio, servers):
    station = station_of(rate, ratio, servers)
    more = station.with_servers(servers + 1)
    for name in [*MEANS, "wait_probability"]:
        assert getattr(more, name) <= getattr(station, name) * (1 + 1e-12)
    for t in np.array([0, 0.1, 1, 5]) / rate:
        assert more.wait.sf(t) <= station.wait.sf(t) * (1 + 1e-12)
        assert more.time_in_system.sf(t) <= station.time_in_system.sf(t) * (1 + 1e-10)


@given(rates, ratios, st.integers(1, 300), st.floats(1e-3, 1e3))
def test_rates_times_k_divide_times_by_k(rate, ratio, servers, k):
    station = station_of(rate, ratio, servers)
    faster = MMc(arrival_rate=k * station.arrival_rate, service_rate=k * rate, servers=servers)
    near = {"rel": 1e-8, "abs": 1e-290}  # rounding of the rates, magnified by 1 / (1 - rho)
    assert faster.mean_wait * k == pytest.approx(station.mean_wait, **near)
    assert faster.mean_time_in_system * k == pytest.approx(station.mean_time_in_system, **near)
    assert faster.mean_queue_length == pytest.approx(station.mean_queue_length, **near)
    p = [0.1, 0.9, 0.999]
    assert faster.wait.ppf(p) * k == pytest.approx(station.wait.ppf(p), rel=1e-7, abs=1e-7 / rate)
    assert faster.time_in_system.ppf(p) * k == pytest.approx(station.time_in_system.ppf(p), **near)


@given(rates, ratios, st.integers(1, 300))
def test_laws_have_the_means_that_are_stated(rate, ratio, servers):
    station = station_of(rate, ratio, servers)
    assert station.wait.mean() == pytest.approx(station.mean_wait, rel=1e-12, abs=1e-300)
    assert station.time_in_system.mean() == pytest.approx(station.mean_time_in_system, rel=1e-9)
    assert station.wait.sf(0) == pytest.approx(station.wait_probability, abs=1e-15)
    k = np.arange(servers + 40)
    law = station.number_in_system
    assert law.cdf(k) == pytest.approx(law.pmf(k).cumsum(), abs=1e-9)
    assert np.all(law.pmf(k) >= 0)
    assert np.all(np.diff(law.cdf(k)) >= -1e-15)
    assert law.sf(servers - 1) == pytest.approx(station.wait_probability, rel=1e-12)


@given(rates, st.floats(0, 1.5))
def test_one_server_of_many_is_the_one(rate, ratio):
    one = MM1(arrival_rate=ratio * rate, service_rate=rate)
    same = MMc(arrival_rate=ratio * rate, service_rate=rate, servers=1)
    for name in [*MEANS, "wait_probability", "utilization", "throughput", "traffic_intensity"]:
        assert getattr(one, name) == getattr(same, name)
    assert one.wait == same.wait
    assert one.time_in_system == same.time_in_system
    assert np.array_equal(one.number_in_system.pmf([0, 1, 5]), same.number_in_system.pmf([0, 1, 5]))


@given(rates, ratios)
def test_one_server_has_its_textbook_laws(rate, ratio):
    station = MM1(arrival_rate=ratio * rate, service_rate=rate)
    rho, spare = station.traffic_intensity, station.service_rate - station.arrival_rate
    assume(spare > 0)
    assert station.mean_wait == pytest.approx(rho / spare, rel=1e-9)
    assert station.number_in_system.pmf([0, 3]) == pytest.approx(
        [1 - rho, (1 - rho) * rho**3], rel=1e-9
    )
    assert station.number_in_system.var() == pytest.approx(rho / (1 - rho) ** 2, rel=1e-8)
    p = np.array([0.05, 0.5, 0.95, 0.9999])
    assert station.time_in_system.ppf(p) == pytest.approx(-np.log1p(-p) / spare, rel=1e-9)


# Against chance: systems that start in equilibrium stay in it, so their mean wait has no bias.
# The mean of 4000 independent systems is normal; 5 of its deviations are missed once in a million.

SYSTEMS, CUSTOMERS = 4000, 60


def simulated(station, faster=1.0):
    """Mean waits of customers in `SYSTEMS` systems, first come first served, a column a server."""
    rng = np.random.default_rng(2026)
    servers = station.servers
    law = station.number_in_system
    found = np.searchsorted(law.cdf(np.arange(400)), rng.random(SYSTEMS))
    free_at = np.zeros((SYSTEMS, servers))
    waits = np.zeros(SYSTEMS)
    for number in range(found.max() + CUSTOMERS):
        late = number - found  # those before are there at time 0
        arrives = late >= 0
        free_at[arrives] -= rng.exponential(1 / station.arrival_rate / faster, (arrives.sum(), 1))
        free_at = np.maximum(free_at, 0)
        waits += np.where(arrives & (late < CUSTOMERS), free_at[:, 0], 0)
        free_at[:, 0] += rng.exponential(1 / station.service_rate, SYSTEMS)
        free_at.sort(axis=1)
    return waits / CUSTOMERS


@pytest.mark.parametrize("station", [STATIONS[1], STATIONS[2]], ids=str)
def test_simulated_waits_are_the_stations_and_not_those_of_a_busier_one(station):
    waits = simulated(station)
    deviation = waits.std() / math.sqrt(SYSTEMS)
    assert abs(waits.mean() - station.mean_wait) < 5 * deviation
    busier = simulated(station, faster=1.1)
    deviation = busier.std() / math.sqrt(SYSTEMS)
    assert abs(busier.mean() - station.mean_wait) > 5 * deviation


# Overload is a fact


@pytest.mark.parametrize(
    "station",
    [
        MM1(arrival_rate=2, service_rate=1),
        MM1(arrival_rate=1, service_rate=1),
        MMc(arrival_rate=1e9, service_rate=1e-9, servers=7),
        MMc(arrival_rate=0.3, service_rate=0.1, servers=3),  # 3 * 0.1 is not 0.3, but all but
    ],
    ids=str,
)
def test_a_station_that_cannot_keep_up_says_so_without_a_warning(station):
    assert not station.is_stable
    assert [getattr(station, name) for name in MEANS] == [math.inf] * 4
    assert station.wait_probability == station.utilization == 1
    assert station.throughput == pytest.approx(station.servers * station.service_rate)
    for law in (station.wait, station.time_in_system):
        assert law.mean() == law.var() == math.inf
        assert law.ppf([0, 0.5]).tolist() == [math.inf, math.inf]
        assert law.cdf([0, 1e300]).tolist() == [0, 0]
    number = station.number_in_system
    assert number.mean() == number.var() == math.inf
    assert number.pmf([0, 5]).tolist() == [0, 0]
    assert number.sf([-1, 5]).tolist() == [1, 1]


def test_a_station_that_nobody_visits_is_empty():
    station = MMc(arrival_rate=0, service_rate=2, servers=3)
    assert station.mean_wait == station.mean_queue_length == station.wait_probability == 0
    assert station.utilization == station.throughput == station.mean_number_in_system == 0
    assert station.mean_time_in_system == 0.5
    assert station.wait.ppf(0.99) == 0
    assert station.number_in_system.pmf([0, 1]).tolist() == [1, 0]
    assert station.number_in_system.var() == 0


def test_the_number_present_is_whole_and_not_negative():
    law = STATIONS[2].number_in_system
    assert law.pmf([-1, 0.5, math.nan]).tolist() == [0, 0, 0]
    assert law.sf(1.9) == law.sf(1) == 1 - law.cdf(1)
    assert law.sf(-0.1) == law.sf(-5) == 1
    assert law.pmf([[1, 2]]).shape == law.cdf([[1, 2]]).shape == (1, 2)
    assert law.pmf(1).shape == ()


# Values, and mistakes


def test_stations_are_values_and_change_makes_new_ones():
    bank = STATIONS[2]
    assert bank.with_servers(4) == MMc(arrival_rate=12, service_rate=6, servers=4)
    assert bank.replace(arrival_rate=13).arrival_rate == 13
    assert bank.arrival_rate == 12
    assert hash(bank) == hash(bank.replace())
    assert MMc(arrival_rate=1, service_rate=2, servers=3.0).servers == 3
    assert STATIONS[0].replace(service_rate=4) == MM1(arrival_rate=3, service_rate=4)
    assert STATIONS[0].with_servers(2) == MMc(arrival_rate=3, service_rate=10, servers=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        bank.servers = 4
    with pytest.raises(TypeError):
        MM1(1, 2)


def test_replacing_what_a_station_has_not_names_what_it_has():
    words = "MMc has no parameter 'server', only arrival_rate, service_rate, servers"
    with pytest.raises(ValueError, match=words):
        STATIONS[2].replace(server=4)
    with pytest.raises(ValueError, match="MM1 has no parameter 'servers', only arrival_rate, serv"):
        STATIONS[0].replace(servers=2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("blocking_probability", "MMc has no blocking_probability: nobody is turned away in this"),
        ("abandonment_probability", "MMc has no abandonment_probability: nobody loses patience in"),
        ("mean_waits", "MMc has no attribute 'mean_waits'"),
    ],
)
def test_a_quantity_that_a_station_has_not_is_refused_with_its_reason(name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(STATIONS[2], name)


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, math.nan, math.inf, "3", None, [3]])
def test_servers_that_cannot_be_are_refused(bad):
    for call in (STATIONS[2].with_servers, lambda c: STATIONS[2].replace(servers=c)):
        with pytest.raises(ValueError, match=r"^servers must be a whole number of at least 1, got"):
            call(bad)


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3], 3j])
def test_rates_that_cannot_be_are_refused(bad):
    for station in (STATIONS[0], STATIONS[2]):
        words = r"^arrival_rate must be a finite number of at least 0, got"
        with pytest.raises(ValueError, match=words):
            station.replace(arrival_rate=bad)
        for worse in (bad, 0):
            with pytest.raises(ValueError, match=r"^service_rate must be a finite number above 0,"):
                station.replace(service_rate=worse)


@pytest.mark.parametrize("p", [95, 1, -0.1, math.nan])
def test_percentiles_want_fractions(p):
    for law in (STATIONS[2].wait, STATIONS[2].time_in_system, STATIONS[2].with_servers(1).wait):
        with pytest.raises(ValueError, match=r"^p is a fraction in \[0, 1\), got "):
            law.ppf(p)
