"""Erlang A against its chain and its incomplete gamma functions in forty digits, and its limits."""

import math
import time

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from queueing import MMc, erlang_b, exponential, mixture
from queueing.stations.impatient import ErlangA
from queueing.stations.infinite import MMInf

STATIONS = [
    ErlangA(arrival_rate=0.3, service_rate=1, servers=1, patience_rate=0.5),
    ErlangA(arrival_rate=5, service_rate=1, servers=1, patience_rate=0.01),
    ErlangA(arrival_rate=12, service_rate=6, servers=3, patience_rate=2),
    ErlangA(arrival_rate=95, service_rate=1, servers=100, patience_rate=0.05),
    ErlangA(arrival_rate=110, service_rate=1, servers=100, patience_rate=0.5),
    ErlangA(arrival_rate=500, service_rate=0.5, servers=300, patience_rate=20),
    ErlangA(arrival_rate=2, service_rate=3, servers=2, patience_rate=900),
    ErlangA(arrival_rate=8, service_rate=1, servers=10, patience_rate=1e-3),
    ErlangA(arrival_rate=40, service_rate=1, servers=2, patience_rate=400),
    ErlangA(arrival_rate=600, service_rate=1e-3, servers=2, patience_rate=2),
]
stations = pytest.mark.parametrize("station", STATIONS, ids=str)
MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
PROBABILITIES = ["wait_probability", "abandonment_probability", "utilization"]

rates = st.floats(1e-3, 1e3)
ratios = st.floats(1e-3, 30)
patience = st.floats(1e-4, 1e4)
sizes = st.integers(1, 200)


@pytest.fixture(autouse=True, scope="module")
def forty_digits():
    with mpmath.workdps(40):
        yield


def near(value, exact, bar=1e-9):
    return abs(value - exact) <= bar * abs(exact) + mpmath.mpf(10) ** -290


def parameters(station):
    names = ("arrival_rate", "service_rate", "patience_rate")
    return [mpmath.mpf(getattr(station, name)) for name in names] + [station.servers]


def chain(station):
    """P(N = n), by the balance of each step, to where nothing is left."""
    arrival, service, leaving, c = parameters(station)
    weights, n = [mpmath.mpf(1)], 0
    while n <= c or weights[-1] > mpmath.mpf(10) ** -30 * max(weights[c:]):
        n += 1
        weights.append(weights[-1] * arrival / (min(n, c) * service + max(n - c, 0) * leaving))
    total = mpmath.fsum(weights)
    return [weight / total for weight in weights]


# Against the chain


@stations
def test_means_and_probabilities_are_the_chains(station):
    arrival, service, leaving, c = parameters(station)
    p = chain(station)
    line = mpmath.fsum((n - c) * x for n, x in enumerate(p) if n > c)
    number = mpmath.fsum(n * x for n, x in enumerate(p))
    exact = {
        "wait_probability": mpmath.fsum(p[c:]),
        "abandonment_probability": leaving * line / arrival,
        "utilization": (number - line) / c,
        "throughput": (number - line) * service,
        "mean_wait": line / arrival,
        "mean_time_in_system": number / arrival,
        "mean_queue_length": line,
        "mean_number_in_system": number,
    }
    for name, value in exact.items():
        assert near(getattr(station, name), value), name
    law = station.number_in_system
    assert near(law.mean(), number)
    assert near(law.var(), mpmath.fsum((n - number) ** 2 * x for n, x in enumerate(p)))


@stations
def test_the_number_present_is_the_chains(station):
    p, law = chain(station), station.number_in_system
    k = np.arange(len(p))
    beyond = np.cumsum([0, *p[:0:-1]])[::-1]
    below = np.cumsum(p)
    known = sum(x > mpmath.mpf(10) ** -18 * sum(p[station.servers :]) for x in beyond)
    assert known > station.servers + 3
    assert law.cdf(k) == pytest.approx(np.array(below, dtype=float), rel=1e-9, abs=1e-13)
    for got, exact in ((law.pmf(k), p), (law.sf(k)[:known], beyond[:known])):
        assert [n for n, (x, y) in enumerate(zip(got, exact, strict=True)) if not near(x, y)] == []


@stations
def test_waits_of_those_who_stay_are_the_chains(station):
    """Who finds j in line waits for j + 1 departures, and outlasts each with pace : pace + 1."""
    _, service, leaving, c = parameters(station)
    p = chain(station)
    mean = square = kept_mean = mean_kept = rest = mpmath.mpf(0)
    kept, served = mpmath.mpf(1), mpmath.fsum(p[:c])
    offered = offered_square = mpmath.mpf(0)
    for j, x in enumerate(p[c:]):
        pace = c * service + j * leaving
        mean, rest = mean + 1 / pace, rest + 1 / pace**2
        offered, offered_square = offered + x * mean, offered_square + x * (rest + mean**2)
        kept, mean_kept = kept * pace / (pace + leaving), mean_kept + 1 / (pace + leaving)
        served, kept_mean = served + x * kept, kept_mean + x * kept * mean_kept
    square = offered_square - offered**2
    assert near(station.offered_wait.mean(), offered)
    assert near(station.offered_wait.var(), square)
    assert near(station.served_wait.mean(), kept_mean / served)
    assert near(station.throughput, served * station.arrival_rate)


def found_and_gammas(station):
    """P(N >= c), and P(V > t) and P(V > t | served) of who waits: V is a gamma law's logarithm."""
    arrival, service, leaving, c = parameters(station)
    p = chain(station)
    x, y = arrival / leaving, c * service / leaving

    def tail(t, more):
        end = x * mpmath.exp(-leaving * t)
        return mpmath.gammainc(y + more, 0, end) / mpmath.gammainc(y + more, 0, x)

    return mpmath.fsum(p[c:]), tail


@stations
def test_laws_of_the_wait_are_gamma_functions(station):
    waits, tail = found_and_gammas(station)
    lost = mpmath.mpf(station.abandonment_probability)
    late = (waits - lost) / (1 - lost)  # of the served: those who waited and did not leave
    for t in np.array([0.01, 0.3, 1, 5, 20]) * station.offered_wait.mean() / float(waits):
        offered, served = waits * tail(t, 0), late * tail(t, 1)
        everyone = offered * mpmath.exp(-station.patience_rate * t)
        for law, exact in (
            (station.offered_wait, offered),
            (station.wait, everyone),
            (station.served_wait, served),
        ):
            assert near(law.sf(t), exact, 1e-8)
            assert near(law.cdf(t), 1 - exact, 1e-8)
            if 1e-6 < exact < 0.999 * law.sf(0):
                assert law.ppf(float(1 - exact)) == pytest.approx(t, rel=1e-8)


@pytest.mark.parametrize("station", [STATIONS[0], STATIONS[2], STATIONS[4]], ids=str)
def test_the_time_in_system_is_a_first_passage(station):
    """State j > 0: j departures until service; 1: in service; 0: gone."""
    found = np.array([float(x) for x in chain(station)])
    c, service, leaving = station.servers, station.service_rate, station.patience_rate
    j = np.arange(found.size - c)
    pace = c * service + j * leaving
    size = j.size + 2
    flow = np.zeros((size, size))
    flow[1, 0] = service
    flow[j + 2, j + 1] = pace
    flow[j + 2, 0] += leaving
    flow -= np.diag(flow.sum(axis=1))
    start = np.concatenate(([0, found[:c].sum()], found[c:]))
    for t in np.array([0.02, 0.5, 6]) * station.mean_time_in_system:
        alive = 1 - (start @ linalg.expm(flow * t))[0]
        assert station.time_in_system.sf(t) == pytest.approx(alive, rel=1e-8, abs=1e-13)
        assert station.time_in_system.ppf(1 - alive) == pytest.approx(t, rel=1e-8)


@pytest.mark.parametrize("station", [STATIONS[1], STATIONS[2], STATIONS[3]], ids=str)
@pytest.mark.parametrize("name", ["wait", "offered_wait", "served_wait", "time_in_system"])
def test_each_law_is_one_in_all_its_answers(station, name):
    law = getattr(station, name)
    end = law.ppf(1 - 1e-14) * 1.01
    edges = np.union1d(np.linspace(0, end, 40), end * 2.0 ** np.arange(-22, 1))
    nodes, weights = np.polynomial.legendre.leggauss(10)
    half = np.diff(edges)[:, None] / 2
    t = (edges[:-1, None] + half * (1 + nodes)).ravel()
    w = (half * weights).ravel() * law.sf(t)
    assert law.mean() == pytest.approx(w.sum(), rel=1e-8)
    assert law.var() == pytest.approx(2 * t @ w - w.sum() ** 2, rel=1e-7)
    for s in (0, 0.4 / law.mean(), (1 + 3j) / law.mean()):
        assert law.lst(s) == pytest.approx(1 - s * (np.exp(-s * t) @ w), rel=1e-8)
    drawn = law.rvs(20_000, random_state=11)
    for p in (0.5, 0.9):
        at = law.ppf(p)
        assert np.mean(drawn > at) == pytest.approx(law.sf(at), abs=0.015)
    assert math.isnan(law.sf(math.nan))
    assert law.sf([-1, math.inf]).tolist() == [1, 0]


@pytest.mark.parametrize("station", [STATIONS[0], STATIONS[2]], ids=str)
def test_times_add_up_to_those_of_a_path(station):
    both = station.time_in_system + exponential(mean=0.3)
    t, served = station.mean_time_in_system, station.time_in_system
    nodes, weights = np.polynomial.legendre.leggauss(60)
    v = t * (1 + nodes) / 2
    within = served.cdf(t - v) * np.exp(-v / 0.3) / 0.3 @ weights * t / 2
    assert both.cdf(t) == pytest.approx(within, rel=1e-8)
    assert both.ppf(within) == pytest.approx(t, rel=1e-8)
    late = mixture([(0.5, station.served_wait), (0.5, station.wait + station.offered_wait)])
    assert late.mean() == pytest.approx(
        (station.served_wait.mean() + station.mean_wait + station.offered_wait.mean()) / 2
    )
    assert late.sf(0) == pytest.approx(
        (station.served_wait.sf(0) + 1 - (1 - station.wait_probability) ** 2) / 2, rel=1e-9
    )


# What it contains


@given(rates, ratios, sizes)
def test_with_the_patience_of_a_service_it_is_as_if_all_were_served(rate, ratio, servers):
    arrival = ratio * servers * rate
    station = ErlangA(arrival_rate=arrival, service_rate=rate, servers=servers, patience_rate=rate)
    plenty = MMInf(arrival_rate=arrival, service_rate=rate)
    assert station.mean_number_in_system == pytest.approx(plenty.offered_load, rel=1e-11)
    law, same = station.number_in_system, plenty.number_in_system
    k = np.append(np.arange(servers + 3), int(plenty.offered_load) + np.arange(-2, 40))
    assert law.pmf(k) == pytest.approx(same.pmf(k), rel=1e-9, abs=1e-280)
    assert law.sf(k) == pytest.approx(same.sf(k), rel=1e-9, abs=1e-280)
    assert law.var() == pytest.approx(plenty.offered_load, rel=1e-9)
    assert station.wait_probability == pytest.approx(same.sf(servers - 1), rel=1e-10, abs=1e-280)


@pytest.mark.parametrize("leaving", [0, 1e-15, 1e-30])
@pytest.mark.parametrize(("servers", "ratio"), [(1, 0.5), (10, 0.9), (300, 0.99), (1000, 0.5)])
def test_with_endless_patience_it_is_the_station_where_all_are_served(servers, ratio, leaving):
    arrival = 3 * servers * ratio
    station = ErlangA(arrival_rate=arrival, service_rate=3, servers=servers, patience_rate=leaving)
    endless = MMc(arrival_rate=arrival, service_rate=3, servers=servers)
    for name in [*MEANS, "wait_probability", "utilization", "throughput"]:
        assert getattr(station, name) == pytest.approx(getattr(endless, name), rel=1e-10)
    assert station.abandonment_probability <= 1e-10
    k, t = np.arange(servers + 30), np.array([0, 0.1, 0.5, 3])
    exact = endless.number_in_system
    assert station.number_in_system.pmf(k) == pytest.approx(exact.pmf(k), rel=1e-9)
    assert station.number_in_system.sf(k) == pytest.approx(exact.sf(k), rel=1e-9)
    assert station.number_in_system.var() == pytest.approx(exact.var(), rel=1e-9)
    for name in ("wait", "offered_wait", "served_wait"):
        assert getattr(station, name).sf(t) == pytest.approx(endless.wait.sf(t), rel=1e-9)
    times = endless.time_in_system
    assert station.time_in_system.sf(t) == pytest.approx(times.sf(t), rel=1e-9, abs=1e-290)
    assert station.time_in_system.var() == pytest.approx(times.var(), rel=1e-9)
    assert station.time_in_system.lst(1 + 1j) == pytest.approx(times.lst(1 + 1j), rel=1e-9)


def test_patience_too_small_to_wait_is_erlangs_loss_system():
    for load in (0.1, 20, 1e6):
        station = ErlangA(arrival_rate=load, service_rate=1, servers=20, patience_rate=1e16)
        blocked = erlang_b(20, load)
        assert station.abandonment_probability == pytest.approx(blocked, rel=1e-9)
        assert station.utilization == pytest.approx(load * (1 - blocked) / 20, rel=1e-9)
        assert station.mean_wait == pytest.approx(blocked / 1e16, rel=1e-9)


@pytest.mark.parametrize(("arrival", "service"), [(1e6, 1e-12), (1e9, 1e-9), (50.0, 1e-3)])
def test_in_a_flood_the_servers_are_always_busy_and_serve_their_share(arrival, service):
    station = ErlangA(arrival_rate=arrival, service_rate=service, servers=2, patience_rate=1)
    assert station.utilization == pytest.approx(1, rel=1e-12)
    assert station._served == pytest.approx(2 * service / arrival, rel=1e-12, abs=0)
    assert station.throughput == pytest.approx(2 * service, rel=1e-12, abs=0)


# Laws


@st.composite
def any_station(draw):
    rate, servers = draw(rates), draw(sizes)
    arrival = draw(ratios) * servers * rate
    leaving = draw(patience) * rate
    return ErlangA(arrival_rate=arrival, service_rate=rate, servers=servers, patience_rate=leaving)


@given(any_station())
def test_little_holds_for_the_queue_the_station_and_the_servers(station):
    arrival, tiny = station.arrival_rate, 1e-290
    line = arrival * station.wait.mean()
    assert station.mean_queue_length == pytest.approx(line, rel=1e-12, abs=tiny)
    inside = arrival * station.mean_time_in_system
    assert station.mean_number_in_system == pytest.approx(inside, rel=1e-11)
    assert station.number_in_system.mean() == pytest.approx(inside, rel=1e-11)
    busy = station.servers * station.utilization
    assert station.throughput == pytest.approx(busy * station.service_rate, rel=1e-14)
    leaving = station.patience_rate * station.mean_queue_length
    assert station.throughput + leaving == pytest.approx(arrival, rel=1e-11)
    assert leaving == pytest.approx(arrival * station.abandonment_probability, rel=1e-12, abs=tiny)
    assert station.wait.sf(0) == pytest.approx(station.wait_probability, rel=1e-12, abs=tiny)
    assert station.wait.mean() <= station.offered_wait.mean() * (1 + 1e-12)
    assert all(0 <= getattr(station, name) <= 1 + 1e-14 for name in PROBABILITIES)


@given(any_station())
def test_a_server_more_never_lengthens_a_wait(station):
    more, slack = station.with_servers(station.servers + 1), 1 + 1e-11
    assert more.throughput * slack >= station.throughput
    for name in ("mean_wait", "mean_queue_length", "wait_probability", "abandonment_probability"):
        assert getattr(more, name) <= getattr(station, name) * slack
    for t in np.array([0, 0.3, 2]) / station.service_rate:
        assert more.wait.sf(t) <= station.wait.sf(t) * (1 + 1e-10)


@settings(max_examples=20)
@given(any_station(), st.floats(1e-3, 1e3))
def test_rates_times_k_divide_times_by_k(station, k):
    names = ("arrival_rate", "service_rate", "patience_rate")
    faster = station.replace(**{name: k * getattr(station, name) for name in names})
    close = {"rel": 1e-9, "abs": 1e-280}
    for name in ("mean_wait", "mean_time_in_system"):
        assert getattr(faster, name) * k == pytest.approx(getattr(station, name), **close)
    for name in ("mean_queue_length", *PROBABILITIES):
        assert getattr(faster, name) == pytest.approx(getattr(station, name), **close)
    times = station.time_in_system.ppf([0.1, 0.99])
    assert faster.time_in_system.ppf([0.1, 0.99]) * k == pytest.approx(times, rel=1e-8)


# Extremes, speed, values and mistakes


@pytest.mark.parametrize("servers", [1, 1000])
@pytest.mark.parametrize("arrival", [0, 1e-9, 1, 1e9])
@pytest.mark.parametrize("leaving", [0, 1e-9, 1, 1e9])
def test_extremes_neither_warn_nor_leave_the_possible(arrival, leaving, servers):
    for service in (1e-9, 1e9):
        station = ErlangA(
            arrival_rate=arrival, service_rate=service, servers=servers, patience_rate=leaving
        )
        assert all(getattr(station, name) >= 0 for name in MEANS)
        assert all(0 <= getattr(station, name) <= 1 + 1e-14 for name in PROBABILITIES)
        for law in (station.wait, station.served_wait, station.time_in_system):
            ends = law.sf([-1, 0, 1e-300, min(law.mean(), 1e300), 1e300, math.inf])
            assert np.all((ends >= 0) & (ends <= 1) & (np.append(ends[1:], 0) <= ends + 1e-9))
            assert np.all(law.ppf([0, 0.5, 0.99]) >= 0)
            assert law.var() >= 0
        beyond = station.number_in_system.sf([-1, 0, servers, 1e6, 1e18])
        assert np.all((beyond >= 0) & (beyond <= 1) & (np.append(beyond[1:], 0) <= beyond + 1e-9))


def test_a_station_without_patience_or_room_to_breathe_waits_for_ever():
    station = ErlangA(arrival_rate=4, service_rate=1, servers=3, patience_rate=0)
    assert not station.is_stable
    assert [getattr(station, name) for name in MEANS] == [math.inf] * 4
    assert station.wait_probability == station.utilization == 1
    assert station.abandonment_probability == 0
    assert station.throughput == 3
    for law in (station.wait, station.offered_wait, station.served_wait, station.time_in_system):
        assert law.ppf(0.5) == law.mean() == math.inf
    assert station.number_in_system.sf(1e9) == 1
    assert station.replace(patience_rate=1e-6).is_stable


def test_a_million_servers_answer_at_once():
    start = time.perf_counter()
    station = ErlangA(arrival_rate=1e6, service_rate=1, servers=1_000_000, patience_rate=1)
    assert station.mean_number_in_system == pytest.approx(1e6, rel=1e-10)
    assert station.number_in_system.var() == pytest.approx(1e6, rel=1e-9)
    assert station.wait_probability == pytest.approx(0.5, abs=1e-3)
    assert station.served_wait.ppf(0.9) > 0
    assert time.perf_counter() - start < 3


def test_a_line_too_long_to_be_followed_is_refused_in_words():
    station = ErlangA(arrival_rate=2e9, service_rate=1, servers=10**9, patience_rate=1e-3)
    assert station.mean_queue_length == pytest.approx(1e12, rel=1e-6)
    with pytest.raises(ValueError, match="a line of more than 2000000 customers is too long"):
        station.wait.rvs(3)


def test_stations_are_values_and_change_makes_new_ones():
    station = STATIONS[2]
    assert station.with_servers(4) == station.replace(servers=4.0)
    assert hash(station) == hash(station.replace())
    with pytest.raises(AttributeError, match="ErlangA has no blocking_probability: nobody is turn"):
        _ = station.blocking_probability


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3], 3j])
def test_parameters_that_cannot_be_are_refused(bad):
    for name in ("arrival_rate", "patience_rate"):
        with pytest.raises(ValueError, match=f"^{name} must be a finite number of at least 0, got"):
            STATIONS[2].replace(**{name: bad})
    with pytest.raises(ValueError, match=r"^service_rate must be a finite number above 0, got"):
        STATIONS[2].replace(service_rate=bad)
    if bad != [3]:
        with pytest.raises(ValueError, match=r"^servers must be a whole number of at least 1, got"):
            STATIONS[2].replace(servers=bad)


def test_nobody_waits_where_nobody_comes():
    idle = ErlangA(arrival_rate=0, service_rate=2, servers=2, patience_rate=1)
    times = idle.time_in_system.rvs(20_000, 1)
    assert times.mean() == pytest.approx(0.5, abs=0.02)
