"""Open and closed networks against chains solved by linear algebra, fifty digits and chance."""

import math
import time

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import spsolve

from queueing import MM1, MMc, erlang_b
from queueing.networks import ClosedNetwork, JacksonNetwork

FEEDBACK = JacksonNetwork(
    arrival_rates=[1.2, 0.4],
    service_rates=[3, 1.2],
    servers=[1, 3],
    routing=[[0.1, 0.7], [0.3, 0.05]],
)
MIXED = ClosedNetwork(
    population=7, think_time=2, visits=[1, 2, 0.5], service_times=[0.5, 0.4, 1], servers=[1, 2, 3]
)


def chain(moves, start):
    """The stationary law of a chain with `moves(state) -> {state: rate}`, and its states."""
    states, index = [start], {start: 0}
    rows, columns, rates = [], [], []
    for state in states:  # grows while it is walked
        for other, rate in moves(state).items():
            if other not in index:
                index[other] = len(states)
                states.append(other)
            rows += [index[other], index[state]]
            columns += [index[state]] * 2
            rates += [rate, -rate]
    flow = sparse.coo_matrix((rates, (rows, columns))).tolil()
    flow[0] = 1  # the balance of one state follows from the others'; instead, the sum is 1
    law = spsolve(flow.tocsc(), np.eye(len(states))[0])
    return law, np.array(states)


def moved(state, source, target):
    after = list(state)
    for node, change in ((source, -1), (target, 1)):
        if node is not None:
            after[node] += change
    return tuple(after)


# Open networks


def test_an_open_network_is_its_chain():
    """Two nodes with feedback, cut where the probability has vanished."""
    most, gamma, mu = 70, FEEDBACK.arrival_rates, FEEDBACK.service_rates
    servers, routing = FEEDBACK.servers, FEEDBACK.routing

    def moves(state):
        out = {}
        for i in range(2):
            if state[i] < most:
                out[moved(state, None, i)] = gamma[i]
            pace = mu[i] * min(state[i], servers[i])
            if pace:
                out[moved(state, i, None)] = pace * (1 - sum(routing[i]))
                if state[1 - i] < most:
                    out[moved(state, i, 1 - i)] = pace * routing[i][1 - i]
        return out

    law, states = chain(moves, (0, 0))
    busy = law @ np.minimum(states, servers)
    assert FEEDBACK.mean_number_in_system == pytest.approx(law @ states, rel=1e-8)
    assert FEEDBACK.throughput == pytest.approx(busy * mu, rel=1e-8)
    inside = (law @ states).sum() / sum(gamma)
    assert FEEDBACK.total_time == pytest.approx(inside, rel=1e-8)


def test_one_node_is_its_station_and_feedback_slows_it():
    alone = JacksonNetwork(arrival_rates=[3], service_rates=[4], servers=[1], routing=[[0]])
    same = MM1(arrival_rate=3, service_rate=4)
    assert alone.total_time == pytest.approx(same.mean_time_in_system, rel=1e-14)
    again = alone.replace(arrival_rates=[1.5], routing=[[0.5]])
    assert again.stations == (MMc(arrival_rate=3, service_rate=4, servers=1),)
    assert again.total_time == pytest.approx(2 * alone.total_time, rel=1e-14)


probabilities = st.lists(st.floats(0, 1), min_size=4, max_size=4)
routings = st.lists(probabilities, min_size=3, max_size=3).map(
    lambda rows: [[0.97 * p / max(sum(row), 1) for p in row[:3]] for row in rows]
)
triples = st.lists(st.floats(0.01, 10), min_size=3, max_size=3)


@given(triples, triples, st.lists(st.integers(1, 9), min_size=3, max_size=3), routings)
def test_rates_are_the_limit_of_passing_on_what_each_node_can(arrivals, services, servers, routing):
    network = JacksonNetwork(
        arrival_rates=arrivals, service_rates=services, servers=servers, routing=routing
    )
    capacity, rates = np.multiply(services, servers), np.zeros(3)
    for _ in range(1500):  # from below, monotonically
        rates = arrivals + np.minimum(rates, capacity) @ np.array(routing)
    offered = [node.arrival_rate for node in network.stations]
    assert offered == pytest.approx(rates, rel=1e-9)
    assert network.throughput == pytest.approx(np.minimum(rates, capacity), rel=1e-9)
    overloaded = rates > capacity * (1 + 1e-9)
    assert np.isinf(network.mean_number_in_system[overloaded]).all()
    assert np.isinf(network.mean_time_in_system[overloaded]).all()
    if overloaded.any():
        assert network.total_time == math.inf
    else:
        visits = rates / sum(arrivals)
        assert network.total_time == pytest.approx(visits @ network.mean_time_in_system, rel=1e-9)
    more = network.replace(servers=[c + 1 for c in servers])
    if not overloaded.any():  # otherwise the node behind may get more than before
        assert more.total_time <= network.total_time * (1 + 1e-12)
    faster = network.replace(
        arrival_rates=[7 * rate for rate in arrivals], service_rates=[7 * mu for mu in services]
    )
    if (rates < 0.999 * capacity).all():
        assert faster.total_time * 7 == pytest.approx(network.total_time, rel=1e-9)


def test_behind_an_overloaded_node_comes_what_it_completes():
    line = JacksonNetwork(
        arrival_rates=[12, 1],
        service_rates=[10, 6],
        servers=[1, 2],
        routing=[[0, 0.5], [0, 0]],
    )
    assert line.throughput.tolist() == [10, 6]
    behind = MMc(arrival_rate=6, service_rate=6, servers=2)
    assert line.mean_number_in_system.tolist() == [math.inf, behind.mean_number_in_system]
    assert line.mean_time_in_system.tolist() == [math.inf, behind.mean_time_in_system]
    assert line.total_time == math.inf


def test_a_node_freed_by_an_overloaded_one_before_it_keeps_up():
    """Uncapped, node 1 would get 20 and fail; behind a node of 5 it does not."""
    line = JacksonNetwork(
        arrival_rates=[20, 0], service_rates=[5, 6], servers=[1, 1], routing=[[0, 1], [0, 0]]
    )
    assert line.mean_number_in_system[1] == pytest.approx(5, rel=1e-12)


# Closed networks


def test_a_closed_network_is_its_chain():
    mu, servers, visits = 1 / np.array(MIXED.service_times), MIXED.servers, np.array([1, 2, 0.5])
    part = (
        visits / visits.sum()
    )  # thinking ends at a station, by its share; one stage in 3.5 thinks

    def moves(state):
        thinking = MIXED.population - sum(state)
        out = {}
        for j in range(3):
            if thinking:
                out[moved(state, None, j)] = thinking / MIXED.think_time * part[j]
            for i in range(3):
                if state[i] and i != j:
                    pace = mu[i] * min(state[i], servers[i]) * (1 - 1 / 3.5)
                    out[moved(state, i, j)] = pace * part[j]
        for i in range(3):
            if state[i]:
                out[moved(state, i, None)] = mu[i] * min(state[i], servers[i]) / 3.5
        return out

    law, states = chain(moves, (0, 0, 0))
    numbers = law @ states
    cycles = (MIXED.population - numbers.sum()) / MIXED.think_time
    assert MIXED.mean_number_in_system == pytest.approx(numbers, rel=1e-10)
    assert MIXED.throughput == pytest.approx(cycles, rel=1e-10)
    busy = law @ np.minimum(states, servers) / servers
    assert MIXED.utilization == pytest.approx(busy, rel=1e-10)
    assert MIXED.response_time == pytest.approx(numbers.sum() / cycles, rel=1e-10)


def with_station(constants, demand, servers):
    """The normalizing constants with one more station, whose weights are geometric from c on."""
    weights = [mpmath.mpf(1)]
    for k in range(1, servers + 1):
        weights.append(weights[-1] * demand / k)
    result, tail = [], mpmath.mpf(0)
    for n in range(len(constants)):
        head = mpmath.fdot(weights[: min(n + 1, servers)], constants[n::-1])
        tail *= demand / servers
        tail += weights[servers] * constants[n - servers] if n >= servers else 0
        result.append(head + tail)
    return result


def mean_number(others, demand, servers, total):
    """sum_n n f(n) G_others(N - n) / G(N)."""
    weight, terms = mpmath.mpf(1), []
    for n in range(1, len(others)):
        weight *= demand / min(n, servers)
        terms.append(n * weight * others[-1 - n])
    return mpmath.fsum(terms) / total


@pytest.mark.parametrize(
    ("population", "think_time", "demands", "servers"),
    [
        (5000, 10, [0.05, 0.06, 0.1], [40, 30, 60]),
        (3000, 0, [0.1, 0.1], [1, 50]),
        (2000, 1e6, [1e-3, 30], [1, 100]),
        (1000, 1e-3, [1, 1, 1e-6], [3, 3, 2]),
        (400, 7, [1], [400]),
    ],
)
def test_large_populations_keep_their_digits(population, think_time, demands, servers):
    network = ClosedNetwork(
        population=population,
        think_time=think_time,
        visits=[1 for _ in demands],
        service_times=demands,
        servers=servers,
    )
    table = network.sweep()
    with mpmath.workdps(50):
        thinking = [mpmath.mpf(1)]
        for n in range(1, population + 1):
            thinking.append(thinking[-1] * think_time / n)
        constants = thinking
        for demand, c in zip(demands, servers, strict=True):
            constants = with_station(constants, mpmath.mpf(demand), c)
        rates = np.array([constants[n - 1] / constants[n] for n in table.index], dtype=float)
        assert table.throughput.to_numpy() == pytest.approx(rates, rel=1e-12)
        others = thinking
        for demand, c in list(zip(demands, servers, strict=True))[1:]:
            others = with_station(others, mpmath.mpf(demand), c)
        inside = mean_number(others, mpmath.mpf(demands[0]), servers[0], constants[-1])
        assert abs(network.mean_number_in_system[0] / inside - 1) < 1e-12


@pytest.mark.parametrize("think_time", [0.5, 20, 3000])
@pytest.mark.parametrize("population", [1, 2, 30, 5000])
def test_the_repairman_is_idle_as_often_as_a_call_is_lost(population, think_time):
    """With one server P(empty) is Erlang's B(N, Z / s); with plenty nobody waits."""
    network = ClosedNetwork(
        population=population, think_time=think_time, visits=[1], service_times=[1], servers=[1]
    )
    assert network.throughput == pytest.approx(1 - erlang_b(population, think_time), rel=1e-11)
    free = network.replace(servers=[population])
    assert free.throughput == pytest.approx(population / (think_time + 1), rel=1e-12)
    assert free.response_time == pytest.approx(1, rel=1e-12)


def mean_value_analysis(population, think_time, demands):
    """R_i = D_i (1 + L_i), X = n / (Z + sum R), L_i = X R_i: exact for single servers."""
    numbers = np.zeros(len(demands))
    for n in range(1, population + 1):
        times = demands * (1 + numbers)
        rate = n / (think_time + times.sum())
        numbers = rate * times
    return rate, numbers


demands = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=4)


@given(st.integers(1, 300), st.floats(0, 1e4), demands)
@settings(max_examples=40)
def test_single_servers_follow_mean_value_analysis(population, think_time, times):
    network = ClosedNetwork(
        population=population,
        think_time=think_time,
        visits=[2 for _ in times],
        service_times=[t / 2 for t in times],
        servers=[1 for _ in times],
    )
    rate, numbers = mean_value_analysis(population, think_time, np.array(times))
    assert network.throughput == pytest.approx(rate, rel=1e-10)
    assert network.mean_number_in_system == pytest.approx(numbers, rel=1e-10)


any_servers = st.one_of(st.integers(1, 40), st.just(math.inf))


@given(
    st.integers(1, 60), st.floats(0, 100), demands, st.lists(any_servers, min_size=4, max_size=4)
)
@settings(max_examples=40)
def test_laws_of_every_closed_network(population, think_time, times, servers):
    network = ClosedNetwork(
        population=population,
        think_time=think_time,
        visits=[1 for _ in times],
        service_times=times,
        servers=servers[: len(times)],
    )
    table, slack = network.sweep(), 1 + 1e-11
    inside = table.filter(like="mean_number").to_numpy()
    n = table.index.to_numpy()
    assert n.tolist() == list(range(1, population + 1))
    rates, times_inside = table.throughput.to_numpy(), table.response_time.to_numpy()
    assert inside.sum(axis=1) + rates * think_time == pytest.approx(n, rel=1e-9)
    assert rates * times_inside == pytest.approx(inside.sum(axis=1), rel=1e-12)
    limits = [c / demand for demand, c in zip(times, network.servers, strict=True)]
    assert (rates <= min(limits) * slack).all()
    assert (rates <= n / (think_time + sum(times)) * slack).all()
    assert (rates * slack >= n / (think_time + n * sum(times))).all()
    assert (np.diff(rates) >= -1e-11 * rates[1:]).all()
    last = table.iloc[-1]
    assert (last.throughput, last.response_time) == (network.throughput, network.response_time)
    assert inside[-1].tolist() == network.mean_number_in_system.tolist()
    assert (network.utilization <= slack).all()
    more = network.replace(servers=[c + 1 for c in network.servers])
    assert more.throughput * slack >= network.throughput
    slower = network.replace(think_time=8 * think_time, service_times=[8 * t for t in times])
    assert slower.throughput * 8 == pytest.approx(network.throughput, rel=1e-11)
    fewer = network.replace(population=(population + 1) // 2)
    assert fewer.throughput == pytest.approx(table.throughput[fewer.population], rel=1e-11)


def test_a_sweep_of_thousands_is_quick():
    network = ClosedNetwork(
        population=5000,
        think_time=10,
        visits=[1, 2, 1],
        service_times=[0.05, 0.03, 0.1],
        servers=[40, 100, 150],
    )
    start = time.perf_counter()
    assert len(network.sweep()) == 5000
    assert time.perf_counter() - start < 3


# Mistakes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"routing": [[0, 1.2], [0, 0]]}, r"routing\[0\] must sum to at most 1, got 1.2"),
        ({"routing": [[0, 1], [1, 0]]}, "everybody out in the end, .* but from node 0, 1 no such"),
        ({"routing": [[0, 0], [0, 1]]}, "but from node 1 no such row can be reached"),
        ({"routing": [[0, 1]]}, "routing must list an entry for each of the 2 nodes, got"),
        ({"routing": [[0, 1], [0]]}, r"routing\[1\] must list an entry for each of the 2 nodes"),
        ({"routing": [[0, 1], [math.nan, 0]]}, r"routing\[1\] must be a finite number of at lea"),
        ({"servers": 3}, "servers must list an entry for each of the 2 nodes, got 3"),
        ({"servers": [1, 1.5]}, "servers must be a whole number of at least 1, got 1.5"),
        ({"servers": [1, True]}, "servers must be a whole number of at least 1, got True"),
        ({"arrival_rates": [0, 0]}, "arrival_rates must let somebody in, but all of them are 0"),
        ({"arrival_rates": [1, -1]}, "arrival_rates must be a finite number of at least 0, got -1"),
        ({"arrival_rates": []}, "arrival_rates must list an entry for each node, got"),
        ({"arrival_rates": "12"}, "arrival_rates must list an entry for each node, got '12'"),
    ],
)
def test_open_networks_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        FEEDBACK.replace(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"population": 0}, "population must be a whole number of at least 1, got 0"),
        ({"population": math.inf}, "population must be a whole number of at least 1, got inf"),
        ({"population": 10**9}, "population must be at most 10,000,000, got 1000000000"),
        ({"think_time": -1}, "think_time must be a finite number of at least 0, got -1"),
        ({"think_time": 0, "visits": [0, 0, 0]}, "a cycle must take some time, but think_time"),
        ({"visits": [1, 2]}, "service_times must list an entry for each of the 2 nodes, got"),
        ({"visits": [1, 2, -1]}, "visits must be a finite number of at least 0, got -1"),
        ({"service_times": [1, 1, 0]}, "service_times must be a finite number above 0, got 0"),
        ({"servers": [1, 2, 0]}, "servers must be a whole number of at least 1, got 0"),
        ({"servers": [1, 2, math.nan]}, "servers must be a whole number of at least 1, got nan"),
        ({"servers": [1, 2, "3"]}, "servers must be a whole number of at least 1, got '3'"),
    ],
)
def test_closed_networks_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        MIXED.replace(**changes)


def test_a_quantity_that_a_network_has_not_is_refused_with_its_reason():
    for network in (FEEDBACK, MIXED):
        with pytest.raises(AttributeError, match="nobody is turned away in this model"):
            network.blocking_probability  # noqa: B018


def test_what_belongs_to_a_node_is_to_be_asked_there():
    feedback = JacksonNetwork(arrival_rates=[1], service_rates=[3], servers=[1], routing=[[0.5]])
    closed = ClosedNetwork(population=2, think_time=1, visits=[1], service_times=[1], servers=[1])
    for name in ("utilization", "mean_wait", "number_in_system"):
        with pytest.raises(AttributeError, match=f"has no {name}: each node has its own"):
            getattr(feedback, name)
    with pytest.raises(AttributeError, match="has no mean_wait: only the mean numbers"):
        closed.mean_wait  # noqa: B018
