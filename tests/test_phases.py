"""M/PH/c against chains solved by plain linear algebra, M/M/c, M/G/1, M/D/c and chance."""

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from line_simulation import accepted, power, simulated_waits
from scipy import linalg, sparse
from scipy.sparse.linalg import spsolve

from queueing import (
    MMc,
    PhaseType,
    deterministic,
    erlang,
    exponential,
    gamma,
    hyperexponential,
    mixture,
    pollaczek_khinchine,
)
from queueing.distributions import hypoexponential
from queueing.stations.deterministic import MDc
from queueing.stations.phase_times import phase_type
from queueing.stations.phases import MPHc

MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
COXIAN = PhaseType(initial=[0.7, 0.1, 0.2], generator=[[-4, 3, 0], [0.5, -2, 1], [0, 0, -1.5]])
LAWS = {
    "hyperexponential": hyperexponential(mean=1, scv=4),
    "erlang": erlang(mean=1, shape=3),
    "coxian": COXIAN,
}
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def bank(servers, ratio, law):
    return MPHc(arrival_rate=ratio * servers / law.mean(), service=law, servers=servers)


# The chain written out: who is in which server, and how many wait, from an empty station on


def moves(station, most, state):
    """Where a state (waiting, phase of each busy server) goes to, and at which rates."""
    phases = phase_type(station.service)
    start, rates = np.array(phases.initial), np.array(phases.generator)
    leaving, (waiting, busy) = -rates.sum(axis=1), state
    free = len(busy) < station.servers
    if not free and waiting + len(busy) < most:
        yield (waiting + 1, busy), station.arrival_rate
    for phase, chance in enumerate(start if free else ()):
        yield (0, (*busy, phase)), station.arrival_rate * chance
    for server, phase in enumerate(busy):
        others = busy[:server] + busy[server + 1 :]
        if not waiting:
            yield (0, others), leaving[phase]
        for other in range(start.size):
            if other != phase:
                yield (waiting, (*others, other)), rates[phase, other]
            if waiting:
                yield (waiting - 1, (*others, other)), leaving[phase] * start[other]


def chain(station, most):
    """The states that can be reached, servers sorted, and their chances, by a sparse solve."""
    station = station.replace(service=phase_type(station.service))
    index, todo, flows = {(0, ()): 0}, deque([(0, ())]), []
    while todo:
        state = todo.popleft()
        for (waiting, busy), rate in moves(station, most, state):
            to = waiting, tuple(sorted(busy))
            if rate > 0:
                if to not in index:
                    index[to] = len(index)
                    todo.append(to)
                flows.append((index[state], index[to], rate))
    rows, columns, values = zip(*flows, strict=True)
    flow = sparse.csr_array((values, (rows, columns)), shape=(len(index), len(index)))
    flow -= sparse.diags_array(flow.sum(axis=1))
    weights = spsolve(sparse.csc_array(flow.T)[1:, 1:], -flow.T[1:, [0]].toarray().ravel())
    weights = np.append(1, weights)
    return list(index), weights / weights.sum()


@laws
@pytest.mark.parametrize(("servers", "ratio"), [(1, 0.7), (2, 0.8), (3, 0.5), (4, 0.85)])
def test_the_station_is_the_chain_written_out(law, servers, ratio):
    station = bank(servers, ratio, law)
    states, exact = chain(station, 500)
    present = np.array([waiting + len(busy) for waiting, busy in states])
    by_number = np.bincount(present, exact)
    k = np.arange(60)
    number = station.number_in_system
    assert number.pmf(k) == pytest.approx(by_number[:60], abs=1e-10)
    assert number.sf(k) == pytest.approx(1 - by_number.cumsum()[:60], abs=1e-9)
    n = np.arange(by_number.size)
    assert number.var() == pytest.approx(by_number @ n**2 - (by_number @ n) ** 2, rel=1e-6)
    queue = by_number @ np.maximum(n - servers, 0)
    assert station.mean_wait == pytest.approx(queue / station.arrival_rate, rel=1e-7)
    assert station.mean_number_in_system == pytest.approx(by_number @ n, rel=1e-8)
    assert station.wait_probability == pytest.approx(by_number[servers:].sum(), rel=1e-9)


@pytest.mark.parametrize("law", [LAWS["hyperexponential"], COXIAN], ids=str)
def test_the_wait_is_the_passage_of_those_ahead(law):
    """Who arrives waits until so many have left: the chain without arrivals, to its own start."""
    station = bank(2, 0.6, law)
    states, exact = chain(station, 120)
    phases = phase_type(law)
    start, rates = np.array(phases.initial), np.array(phases.generator)
    leaving, ahead = -rates.sum(axis=1), [s for s in states if len(s[1]) == 2]
    index = {state: row for row, state in enumerate(ahead)}
    flow = np.zeros((len(ahead), len(ahead)))
    for (waiting, busy), row in index.items():
        for server, phase in enumerate(busy):
            flow[row, row] += rates[phase, phase]
            for other in range(start.size):
                to = tuple(sorted((busy[1 - server], other)))
                if other != phase:
                    flow[row, index[waiting, to]] += rates[phase, other]
                if waiting:
                    flow[row, index[waiting - 1, to]] += leaving[phase] * start[other]
    found = np.array([exact[states.index(state)] for state in ahead])
    for t in [0, 0.2, 1, 3]:
        late = (found @ linalg.expm(flow * t)).sum()
        assert station.wait.sf(t) == pytest.approx(late, abs=1e-9)
        if t > 0:
            assert station.wait.ppf(1 - late) == pytest.approx(t, rel=1e-7)


@laws
def test_time_in_system_is_the_wait_plus_the_service(law):
    station = bank(3, 0.8, law)
    both = station.wait + station.service  # by transforms
    t = np.array([0, 0.1, 0.5, 2, 5, 10])
    assert station.time_in_system.sf(t) == pytest.approx(both.sf(t), abs=1e-8)
    assert station.time_in_system.mean() == pytest.approx(station.mean_time_in_system, rel=1e-12)
    assert station.time_in_system.var() == pytest.approx(both.var(), rel=1e-9)


# Kin


@pytest.mark.parametrize("servers", [1, 2, 10, 50])
@pytest.mark.parametrize("ratio", [0.01, 0.7, 0.99, 0.9999, 0.999999])
@pytest.mark.parametrize(
    "law",
    [
        exponential(mean=0.5),
        PhaseType(initial=[0.3, 0.7], generator=[[-3, 1], [0.4, -2.4]]),  # leaves at 2 from either
    ],
    ids=["one phase", "two phases alike"],
)
def test_exponential_phases_are_mmc(servers, ratio, law):
    station = bank(servers, ratio, law)
    plain = MMc(arrival_rate=station.arrival_rate, service_rate=2, servers=servers)
    for name in [*MEANS, "wait_probability"]:
        assert getattr(station, name) == pytest.approx(getattr(plain, name), rel=1e-8)
    p = [0.1, 0.5, 0.95, 0.999]
    assert station.wait.ppf(p) == pytest.approx(plain.wait.ppf(p), rel=1e-8)
    assert station.time_in_system.ppf(p) == pytest.approx(plain.time_in_system.ppf(p), rel=1e-8)
    k = np.array([0, 1, servers - 1, servers, 3 * servers, 100 * servers])
    assert station.number_in_system.pmf(k) == pytest.approx(
        plain.number_in_system.pmf(k), rel=1e-7, abs=1e-14
    )
    assert station.number_in_system.sf(k) == pytest.approx(
        plain.number_in_system.sf(k), rel=1e-8, abs=1e-300
    )
    assert station.number_in_system.var() == pytest.approx(plain.number_in_system.var(), rel=1e-7)


@given(st.sampled_from(list(LAWS.values())), st.floats(1e-3, 0.99999))
@settings(max_examples=30)
def test_one_server_waits_as_pollaczek_and_khinchine_say(law, ratio):
    station = bank(1, ratio, law)
    exact = pollaczek_khinchine(station.arrival_rate, 1 / law.mean(), law.scv())
    assert station.mean_wait == pytest.approx(exact, rel=1e-8)
    assert station.wait_probability == pytest.approx(station.traffic_intensity, rel=1e-8)


def test_many_stages_approach_a_constant_service():
    """The mean wait tends to that in M/D/c in proportion to the scv 1 / k."""
    exact = MDc(arrival_rate=1.6, service_time=1, servers=2).mean_wait
    gaps = [bank(2, 0.8, erlang(mean=1, shape=k)).mean_wait - exact for k in (8, 16, 32)]
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.03)
    assert gaps[2] / gaps[1] == pytest.approx(0.5, abs=0.02)


# Which laws are phase types


@pytest.mark.parametrize(
    "law",
    [
        exponential(mean=2),
        erlang(mean=2, shape=4),
        hyperexponential(mean=2, scv=9),
        hypoexponential(first_rate=1, second_rate=3),
        COXIAN,
        exponential(mean=1) + erlang(mean=2, shape=2),
        mixture([(0.3, erlang(mean=1, shape=2)), (0.7, COXIAN + exponential(mean=1))]),
        PhaseType(initial=[0.5], generator=[[-1]]) + exponential(mean=1),
    ],
    ids=str,
)
def test_a_law_in_phases_is_the_same_law(law):
    t = np.array([0, 0.3, 1, 4])
    same = phase_type(law)
    assert same.sf(t) == pytest.approx(law.sf(t), abs=1e-8)
    assert (same.mean(), same.var()) == pytest.approx((law.mean(), law.var()))


@pytest.mark.parametrize(
    "law",
    [
        deterministic(mean=1),
        gamma(mean=1, scv=0.7),
        exponential(mean=1) + 1,
        mixture([(0.5, deterministic(mean=0)), (0.5, exponential(mean=1))]),
        PhaseType(initial=[0.5], generator=[[-1]]),
        None,
        3,
    ],
    ids=str,
)
def test_other_services_are_refused(law):
    with pytest.raises(ValueError, match=r"^service must be a PhaseType that takes time, or an"):
        MPHc(arrival_rate=1, service=law, servers=2)


# Laws


@given(st.sampled_from(list(LAWS)), st.integers(1, 6), st.floats(0.01, 0.999), st.floats(1e-3, 1e3))
@settings(max_examples=30)
def test_little_scale_and_servers(name, servers, ratio, scale):
    law = LAWS[name]
    slow = phase_type(law)
    slow = PhaseType(initial=slow.initial, generator=np.array(slow.generator) / scale)
    base, scaled = bank(servers, ratio, law), bank(servers, ratio, slow)
    assert scaled.mean_wait == pytest.approx(base.mean_wait * scale, rel=1e-7)
    assert scaled.wait_probability == pytest.approx(base.wait_probability, rel=1e-7)
    p = [0.5, 0.95, 0.999]
    assert scaled.wait.ppf(p) == pytest.approx(base.wait.ppf(p) * scale, rel=1e-6)
    assert base.mean_queue_length == base.arrival_rate * base.mean_wait
    more = base.with_servers(servers + 1)
    for each in [*MEANS, "wait_probability"]:
        assert getattr(more, each) <= getattr(base, each) * (1 + 1e-9)
    k, number = np.arange(200), base.number_in_system
    assert np.all(number.pmf(k) >= 0)
    assert number.cdf(k) == pytest.approx(number.pmf(k).cumsum(), abs=1e-10)
    assert number.sf(servers - 1) == pytest.approx(base.wait_probability)
    t = np.linspace(0, 10 * base.mean_time_in_system, 200)
    assert np.all(np.diff(base.wait.sf(t)) <= 1e-14)


# Chance


@pytest.mark.parametrize("law", [LAWS["erlang"], hyperexponential(mean=1, scv=2)], ids=str)
def test_simulated_waits_are_the_stations_and_not_those_of_a_busier_one(law):
    station = bank(3, 0.75, law)
    line = {"arrival_rate": station.arrival_rate, "service": law, "servers": 3}
    assert accepted(simulated_waits(**line), station.mean_wait)
    assert power(simulated_waits(**line, faster=1.1), station.mean_wait) >= 0.9


# Extremes and mistakes


def test_overload_and_emptiness():
    station = MPHc(arrival_rate=3, service=COXIAN, servers=2)
    assert [getattr(station, name) for name in MEANS] == [math.inf] * 4
    assert station.wait_probability == station.utilization == 1
    assert station.wait.ppf(0.1) == station.time_in_system.ppf(0.5) == math.inf
    number = station.number_in_system
    assert number.mean() == number.var() == math.inf
    assert (number.pmf(3), number.sf(3)) == (0, 1)
    empty = station.replace(arrival_rate=0)
    assert empty.mean_wait == empty.wait_probability == empty.number_in_system.var() == 0
    assert empty.wait.ppf(0.99) == 0
    assert empty.mean_time_in_system == COXIAN.mean() == empty.time_in_system.mean()
    assert empty.number_in_system.pmf([0, 1]).tolist() == [1, 0]
    assert empty.number_in_system.sf([-1, 0, 5]).tolist() == [1, 0, 0]


def test_rates_from_one_end_to_the_other():
    for scale in (1e-9, 1e9):
        law = hyperexponential(mean=scale, scv=4)
        station = MPHc(arrival_rate=1.6 / scale, service=law, servers=2)
        assert station.mean_wait / scale == pytest.approx(
            MPHc(arrival_rate=1.6, service=LAWS["hyperexponential"], servers=2).mean_wait
        )
    rare = MPHc(arrival_rate=1e-9, service=COXIAN, servers=3)
    assert rare.wait_probability == pytest.approx((1e-9 * COXIAN.mean()) ** 3 / 6, rel=1e-6)
    assert rare.wait.ppf(0.999) == 0


def test_a_chain_too_large_is_refused_with_its_size():
    with pytest.raises(ValueError, match="at most 3000 states a level, but 10 servers in 8 phases"):
        MPHc(arrival_rate=1, service=erlang(mean=1, shape=8), servers=10)
    with pytest.raises(ValueError, match=r"1.3e\+08 numbers together, but 2000 servers in 2 phase"):
        MPHc(arrival_rate=1, service=LAWS["hyperexponential"], servers=2000)


def test_fifty_servers_of_very_variable_services():
    station = bank(50, 0.9, hyperexponential(mean=1, scv=100))
    plain = MMc(arrival_rate=45, service_rate=1, servers=50)
    assert 10 < station.mean_wait / plain.mean_wait < 50
    assert station.wait.sf(station.wait.ppf(0.99)) == pytest.approx(0.01, rel=1e-9)


def test_numbers_are_whole_and_times_any():
    station = bank(3, 0.8, COXIAN)
    number = station.number_in_system
    assert number.pmf([-1, 0.5, math.nan]).tolist() == [0, 0, 0]
    assert number.sf([-1, 1.9]).tolist() == [1, number.sf(1)]
    assert number.pmf([[1, 2]]).shape == number.sf([[1, 2]]).shape == (1, 2)
    assert number.pmf(10**9) == number.sf(10**9) == 0
    assert station.wait.sf([-1, math.inf]).tolist() == [1, 0]
    assert math.isnan(station.wait.sf(math.nan))
    draws = station.wait.rvs(4000, random_state=1)
    assert np.mean(draws == 0) == pytest.approx(1 - station.wait_probability, abs=0.04)


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3]])
def test_parameters_that_cannot_be_are_refused(bad):
    station = bank(3, 0.8, COXIAN)
    for name in ("arrival_rate", "servers"):
        with pytest.raises(ValueError, match=f"^{name} must be a"):
            station.replace(**{name: bad})
