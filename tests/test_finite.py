"""M/M/c/K and c servers for N customers, against chains, forty digits and what they contain."""

import math
import time

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from queueing import MMc, erlang_b
from queueing.stations.finite import FiniteSource, MMcK

STATIONS = [
    MMcK(arrival_rate=2, service_rate=1, servers=1, capacity=1),
    MMcK(arrival_rate=9, service_rate=10, servers=1, capacity=6),
    MMcK(arrival_rate=3, service_rate=1, servers=3, capacity=12),
    MMcK(arrival_rate=70, service_rate=2, servers=20, capacity=60),
    MMcK(arrival_rate=0.01, service_rate=1, servers=4, capacity=9),
    FiniteSource(population=1, think_time=3, service_rate=2, servers=1),
    FiniteSource(population=12, think_time=5, service_rate=1, servers=2),
    FiniteSource(population=60, think_time=0.4, service_rate=0.5, servers=25),
    FiniteSource(population=5, think_time=1e-3, service_rate=1, servers=5),
]
stations = pytest.mark.parametrize("station", STATIONS, ids=str)
MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
QUANTITIES = [*MEANS, "wait_probability", "utilization", "throughput", "traffic_intensity"]

rates = st.floats(1e-3, 1e3)
ratios = st.floats(1e-6, 1e6)
sizes = st.integers(1, 60)


def chain(station, customers=None):
    """The rates up and the law of the number present, its equations solved by linear algebra."""
    if isinstance(station, MMcK):
        up = np.full(station.capacity, float(station.arrival_rate))
    else:
        up = np.arange(customers or station.population, 0, -1) / station.think_time
    down = station.service_rate * np.minimum(np.arange(1, up.size + 1), station.servers)
    flow = np.diag(up, 1) + np.diag(down, -1)
    flow -= np.diag(flow.sum(axis=1))
    flow[:, 0] = 1
    return np.append(up, 0), linalg.solve(flow.T, np.append(1, np.zeros(up.size)))


@stations
def test_means_and_probabilities_are_the_chains(station):
    """An arrival meets n as often as the chain goes up from n: p_n up_n."""
    up, p = chain(station)
    k, servers = np.arange(p.size), station.servers
    waiting, busy = np.maximum(k - servers, 0), np.minimum(k, servers)
    entering = p @ up
    near = {"rel": 1e-9, "abs": 1e-15}
    assert station.mean_queue_length == pytest.approx(p @ waiting, **near)
    assert station.mean_number_in_system == pytest.approx(p @ k, **near)
    assert station.utilization == pytest.approx(p @ busy / servers, **near)
    assert station.throughput == pytest.approx(entering, **near)
    assert station.wait_probability == pytest.approx((p * up)[servers:].sum() / entering, **near)
    assert station.mean_wait == pytest.approx(p @ waiting / entering, **near)
    assert station.mean_time_in_system == pytest.approx(p @ k / entering, **near)
    law = station.number_in_system
    assert law.pmf(k) == pytest.approx(p, **near)
    assert law.sf(k) == pytest.approx(1 - p.cumsum(), abs=1e-12)
    assert law.mean() == station.mean_number_in_system
    assert law.var() == pytest.approx(p @ k**2 - (p @ k) ** 2, **near)
    if isinstance(station, MMcK):
        assert station.blocking_probability == pytest.approx(p[-1], rel=1e-9)
    else:
        cycle = station.population / station.throughput
        assert station.mean_time_in_system == pytest.approx(cycle - station.think_time, rel=1e-9)


@stations
def test_wait_and_time_are_first_passages_of_an_arrival(station):
    """Who finds n waits for n - c + 1 ends of service, then for his own: a chain to 0."""
    up, p = chain(station)
    found, servers = (p * up)[:-1] / (p @ up), station.servers
    ahead, pace = found[servers:], servers * station.service_rate
    size = ahead.size + 1
    flow = np.diag(np.full(size - 1, pace), -1)
    flow -= np.diag(np.append(station.service_rate, np.full(size - 1, pace)))
    start = np.append(found[:servers].sum(), ahead)
    for t in np.array([0.05, 0.3, 1, 4]) * station.mean_time_in_system:
        alive = (start @ linalg.expm(flow * t)).sum()
        waiting = ahead @ stats.poisson(pace * t).cdf(np.arange(size - 1))
        assert station.wait.sf(t) == pytest.approx(waiting, rel=1e-8, abs=1e-14)
        assert station.time_in_system.sf(t) == pytest.approx(alive, rel=1e-8)
        if 1e-9 < alive < 0.9999:
            assert station.time_in_system.ppf(1 - alive) == pytest.approx(t, rel=1e-8)
        if 1e-9 < waiting < 0.999 * station.wait_probability:
            assert station.wait.ppf(1 - waiting) == pytest.approx(t, rel=1e-8)


@pytest.mark.parametrize("servers", [1, 30, 1000, 1_000_000])
@pytest.mark.parametrize("ratio", [0.5, 0.999, 1, 1.001, 2, 1e9])
def test_large_and_overloaded_stations_keep_nine_digits(servers, ratio):
    """In forty digits, outwards from the likeliest state, to where nothing is left."""
    places = servers + min(2 * servers, 3000)
    station = MMcK(arrival_rate=ratio * servers, service_rate=1, servers=servers, capacity=places)
    with mpmath.workdps(40):
        a = mpmath.mpf(station.arrival_rate)
        top = min(int(a), servers) if a < servers else places
        weights = {top: mpmath.mpf(1)}
        for step in (1, -1):
            n, weight = top, mpmath.mpf(1)
            while weight > mpmath.mpf(10) ** -25 and 0 <= n + step <= places:
                ratio_up = a / min(n + (step > 0), servers)
                weight *= ratio_up if step > 0 else 1 / ratio_up
                n += step
                weights[n] = weight
        total = mpmath.fsum(weights.values())
        number = mpmath.fsum(n * w for n, w in weights.items()) / total
        line = mpmath.fsum(max(n - servers, 0) * w for n, w in weights.items()) / total
        assert station.mean_number_in_system == pytest.approx(float(number), rel=1e-9)
        assert station.mean_queue_length == pytest.approx(float(line), rel=1e-9, abs=1e-20)
        blocked = weights.get(places, 0) / total
        assert station.blocking_probability == pytest.approx(float(blocked), rel=1e-9, abs=1e-20)
        through = (number - line) / servers
        assert station.utilization == pytest.approx(float(through), rel=1e-9)


# What they contain


@given(rates, ratios, sizes)
def test_without_room_to_wait_it_is_erlangs_loss_system(rate, load, servers):
    station = MMcK(arrival_rate=load * rate, service_rate=rate, servers=servers, capacity=servers)
    near = {"rel": 1e-10, "abs": 1e-290}
    blocked = erlang_b(servers, station.offered_load)
    assert station.blocking_probability == pytest.approx(blocked, **near)
    assert station.wait_probability == station.mean_wait == station.mean_queue_length == 0
    assert station.wait.ppf([0, 0.999]).tolist() == [0, 0]
    assert station.time_in_system.ppf(0.5) == pytest.approx(math.log(2) / rate, rel=1e-9)


@settings(max_examples=30)
@given(rates, st.floats(0.01, 0.9), st.integers(1, 40))
def test_with_much_room_it_is_the_station_without_limit(rate, ratio, servers):
    endless = MMc(arrival_rate=ratio * servers * rate, service_rate=rate, servers=servers)
    room = servers + int(-40 / math.log(ratio))
    roomy = MMcK(
        arrival_rate=endless.arrival_rate, service_rate=rate, servers=servers, capacity=room
    )
    for name in QUANTITIES:
        value = getattr(endless, name)
        assert getattr(roomy, name) == pytest.approx(value, rel=1e-9, abs=1e-290)
    p = [0.5, 0.95, 0.999]
    assert roomy.time_in_system.ppf(p) == pytest.approx(endless.time_in_system.ppf(p), rel=1e-8)
    assert roomy.wait.sf(1 / rate) == pytest.approx(endless.wait.sf(1 / rate), rel=1e-8, abs=1e-17)


@pytest.mark.parametrize("capacity", [1, 2, 5, 100])
def test_at_full_load_of_one_server_all_states_are_alike(capacity):
    station = MMcK(arrival_rate=3, service_rate=3, servers=1, capacity=capacity)
    assert station.blocking_probability == pytest.approx(1 / (capacity + 1), rel=1e-13)
    assert station.mean_number_in_system == pytest.approx(capacity / 2, rel=1e-13)
    assert station.mean_wait == pytest.approx((capacity - 1) / 2 / 3, rel=1e-13, abs=1e-15)


@given(rates, rates, sizes)
def test_who_is_alone_never_waits(think_time, rate, servers):
    alone = FiniteSource(population=1, think_time=think_time, service_rate=rate, servers=servers)
    assert alone.mean_wait == alone.wait_probability == 0
    assert alone.throughput == pytest.approx(1 / (think_time + 1 / rate), rel=1e-12)


@given(rates, rates, sizes)
def test_as_many_servers_as_customers_leave_a_binomial_number(think_time, rate, population):
    station = FiniteSource(
        population=population, think_time=think_time, service_rate=rate, servers=population
    )
    inside = stats.binom(population, 1 / (1 + rate * think_time))
    k = np.arange(population + 1)
    assert station.number_in_system.pmf(k) == pytest.approx(inside.pmf(k), rel=1e-9, abs=1e-280)
    assert station.offered_load == pytest.approx(station.mean_number_in_system, rel=1e-11)
    assert station.mean_wait == 0


def test_a_multitude_of_rare_customers_is_a_poisson_stream():
    endless = MMc(arrival_rate=12, service_rate=6, servers=3)
    errors = []
    for population in (1e3, 1e4, 1e5):
        finite = FiniteSource(
            population=int(population), think_time=population / 12, service_rate=6, servers=3
        )
        errors.append(abs(finite.mean_wait / endless.mean_wait - 1))
    assert errors[0] < 0.03
    assert errors[2] < errors[1] / 9 < errors[0] / 81


# Laws


@st.composite
def any_station(draw):
    rate, servers, ratio = draw(rates), draw(sizes), draw(ratios)
    if draw(st.booleans()):
        capacity = servers + draw(st.integers(0, 60))
        return MMcK(
            arrival_rate=ratio * rate, service_rate=rate, servers=servers, capacity=capacity
        )
    return FiniteSource(
        population=draw(sizes), think_time=ratio / rate, service_rate=rate, servers=servers
    )


@given(any_station())
def test_little_holds_for_the_queue_and_for_the_station(station):
    through = station.throughput
    near = {"rel": 1e-11, "abs": 1e-290}
    assert station.mean_queue_length == pytest.approx(through * station.mean_wait, **near)
    inside = through * station.mean_time_in_system
    assert station.mean_number_in_system == pytest.approx(inside, **near)
    assert 0 <= station.utilization <= 1 + 1e-15
    assert station.wait.mean() == station.mean_wait
    assert station.wait.sf(0) == pytest.approx(station.wait_probability, **near)
    assert station.time_in_system.mean() == pytest.approx(station.mean_time_in_system, rel=1e-11)


@given(any_station())
def test_a_server_more_never_lengthens_a_wait(station):
    if isinstance(station, MMcK) and station.servers == station.capacity:
        return
    more, slack = station.with_servers(station.servers + 1), 1 + 1e-11
    assert more.throughput * slack >= station.throughput
    for name in ("mean_wait", "wait_probability", "mean_queue_length", "mean_number_in_system"):
        assert getattr(more, name) <= getattr(station, name) * slack
    for t in np.array([0, 0.3, 2]) / station.service_rate:
        assert more.wait.sf(t) <= station.wait.sf(t) * (1 + 1e-10)


@settings(max_examples=30)
@given(any_station(), st.floats(1e-3, 1e3))
def test_rates_times_k_divide_times_by_k(station, k):
    rate = {"service_rate": k * station.service_rate}
    if isinstance(station, MMcK):
        faster = station.replace(arrival_rate=k * station.arrival_rate, **rate)
        assert faster.blocking_probability == pytest.approx(station.blocking_probability, rel=1e-9)
    else:
        faster = station.replace(think_time=station.think_time / k, **rate)
    near = {"rel": 1e-10, "abs": 1e-280}
    assert faster.mean_wait * k == pytest.approx(station.mean_wait, **near)
    assert faster.throughput == pytest.approx(station.throughput * k, **near)
    assert faster.mean_queue_length == pytest.approx(station.mean_queue_length, **near)
    p = [0.1, 0.9, 0.999]
    times = station.time_in_system.ppf(p)
    assert faster.time_in_system.ppf(p) * k == pytest.approx(times, rel=1e-8)


# Extremes, speed, values and mistakes


@pytest.mark.parametrize("rate", [1e-9, 1, 1e9])
@pytest.mark.parametrize("other", [0, 1e-9, 1, 1e9])
def test_extremes_neither_warn_nor_leave_the_possible(rate, other):
    pair = [MMcK(arrival_rate=other, service_rate=rate, servers=3, capacity=40)]
    if other:
        pair.append(FiniteSource(population=40, think_time=other, service_rate=rate, servers=3))
    for station in pair:
        assert all(0 <= getattr(station, name) < math.inf for name in QUANTITIES)
        assert station.is_stable
        for law in (station.wait, station.time_in_system):
            ends = law.sf([-1, 0, 1e-300, law.mean(), 1e300, math.inf])
            assert np.all((ends >= 0) & (ends <= 1) & (np.append(ends[1:], 0) <= ends + 1e-12))
            assert np.all(law.ppf([0, 0.5, 0.99]) >= 0)
            assert law.var() >= 0


def test_a_station_of_a_thousand_servers_answers_at_once():
    station = MMcK(arrival_rate=990, service_rate=1, servers=1000, capacity=1200)
    start = time.perf_counter()
    for _ in range(20):
        assert station.replace().mean_number_in_system > 900
    assert time.perf_counter() - start < 0.1
    start = time.perf_counter()
    assert station.time_in_system.ppf(0.95) > 2
    assert time.perf_counter() - start < 0.5


def test_stations_are_values_and_change_makes_new_ones():
    assert STATIONS[2].with_servers(4).servers == 4
    assert STATIONS[2].replace(capacity=13.0).capacity == 13
    assert STATIONS[6].with_servers(3) == STATIONS[6].replace(servers=3)
    assert hash(STATIONS[6]) == hash(STATIONS[6].replace())
    both = STATIONS[2].time_in_system + STATIONS[6].time_in_system
    assert both.mean() == pytest.approx(
        STATIONS[2].mean_time_in_system + STATIONS[6].mean_time_in_system, rel=1e-12
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"capacity": 2}, "capacity counts all places, .* at least servers, 3, got 2"),
        ({"servers": 13}, "capacity counts all places, .* at least servers, 13, got 12"),
        ({"capacity": 2.5}, "capacity must be a whole number of at least 1, got 2.5"),
        ({"servers": 0}, "servers must be a whole number of at least 1, got 0"),
        ({"servers": True}, "servers must be a whole number of at least 1, got True"),
        ({"arrival_rate": -1}, "arrival_rate must be a finite number of at least 0, got -1"),
        ({"arrival_rate": math.nan}, "arrival_rate must be a finite number of at least 0, got nan"),
        ({"service_rate": 0}, "service_rate must be a finite number above 0, got 0"),
        ({"service_rate": "3"}, "service_rate must be a finite number above 0, got '3'"),
        ({"capacity": 10**8}, "capacity must be at most 10000000, .* got 100000000"),
    ],
)
def test_parameters_that_cannot_be_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        STATIONS[2].replace(**change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"population": 0}, "population must be a whole number of at least 1, got 0"),
        ({"population": 10**8}, "population must be at most 10000000, .* got 100000000"),
        ({"think_time": 0}, "think_time must be a finite number above 0, got 0"),
        ({"think_time": math.inf}, "think_time must be a finite number above 0, got inf"),
        ({"service_rate": -1}, "service_rate must be a finite number above 0, got -1"),
        ({"servers": 1.5}, "servers must be a whole number of at least 1, got 1.5"),
    ],
)
def test_customers_that_cannot_be_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        STATIONS[6].replace(**change)


def test_what_a_station_has_not_is_refused_with_its_reason():
    with pytest.raises(AttributeError, match="MMcK has no abandonment_probability: nobody loses"):
        _ = STATIONS[2].abandonment_probability
    with pytest.raises(AttributeError, match="FiniteSource has no blocking_probability: nobody is"):
        _ = STATIONS[6].blocking_probability
