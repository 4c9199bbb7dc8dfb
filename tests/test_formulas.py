"""The one-line formulas against Markov chains that know nothing of them, and against each other."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import spsolve

from queueing import (
    MM1,
    MMc,
    allen_cunneen,
    cobham,
    erlang_c,
    kingman,
    littles_law,
    pollaczek_khinchine,
    square_root_quality,
    square_root_staffing,
)

rates = st.floats(0.01, 100)
scvs = st.floats(0, 20)
ratios = st.floats(0.01, 0.999)


def stationary(moves):
    """The stationary law of the chain with moves (from, to, rate), by linear algebra."""
    origin, target, rate = (np.array(column) for column in zip(*moves, strict=True))
    rows, columns = np.concatenate([target, origin]), np.concatenate([origin, origin])
    flow = sparse.csc_matrix((np.concatenate([rate, -rate]), (rows, columns)))
    weights = np.append(1, spsolve(flow[1:, 1:], -flow[1:, 0].toarray().ravel()))
    return weights / weights.sum()


# Little


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_any_two_of_little_give_the_third(rate, time):
    number = littles_law(rate=rate, time=time)
    assert number == rate * time
    assert littles_law(number=number, time=time) == pytest.approx(rate)
    assert littles_law(number=number, rate=rate) == pytest.approx(time)


def test_an_empty_system_is_no_mistake_but_nought_by_nought_is():
    assert littles_law(rate=0, time=5) == littles_law(number=0, rate=5) == 0
    for divisor in ("rate", "time"):
        with pytest.raises(ValueError, match=f"^{divisor} must be a finite number above 0 to div"):
            littles_law(**{"number": 0, divisor: 0})


@pytest.mark.parametrize("given_", [{}, {"rate": 1}, {"number": 1, "rate": 1, "time": 1}])
def test_little_wants_exactly_two(given_):
    with pytest.raises(ValueError, match="needs exactly two of number, rate and time"):
        littles_law(**given_)


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "3", True])
def test_little_refuses_what_is_no_amount(bad):
    with pytest.raises(ValueError, match=r"^time must be a finite number of at least 0, got "):
        littles_law(rate=1, time=bad)


# Pollaczek-Khinchine, Kingman, Allen-Cunneen


@pytest.mark.parametrize(("stages", "arrival_rate"), [(1, 0.5), (2, 0.7), (4, 0.3), (5, 0.6)])
def test_pollaczek_khinchine_is_the_chain_of_stages_of_erlangian_service(stages, arrival_rate):
    """M/E_k/1 counted in stages of work: an arrival brings k, the server takes one away."""
    most = 160 * stages
    arrivals = [(n, n + stages, arrival_rate) for n in range(most - stages)]
    ends = [(n, n - 1, float(stages)) for n in range(1, most)]
    probability = stationary(arrivals + ends)
    mean_wait = probability @ np.arange(most) / stages  # the stages found, each 1/k long
    exact = pollaczek_khinchine(arrival_rate, 1, 1 / stages)
    assert exact == pytest.approx(mean_wait, rel=1e-10)


@pytest.mark.parametrize(("servers", "arrival_rate"), [(1, 0.6), (2, 1.5), (5, 4.0)])
def test_allen_cunneen_is_the_chain_of_markovian_service(servers, arrival_rate):
    most = 250
    arrivals = [(n, n + 1, arrival_rate) for n in range(most - 1)]
    ends = [(n, n - 1, float(min(n, servers))) for n in range(1, most)]
    queue = stationary(arrivals + ends) @ np.maximum(np.arange(most) - servers, 0)
    mean_wait = allen_cunneen(arrival_rate, 1, servers, 1, 1)
    assert mean_wait == pytest.approx(queue / arrival_rate, rel=1e-10)


@given(rates, ratios, scvs, scvs)
def test_the_three_formulas_agree_where_they_overlap(service_rate, ratio, ca2, cs2):
    arrival_rate = ratio * service_rate
    wait = kingman(arrival_rate, service_rate, 1, cs2)
    assert wait == pollaczek_khinchine(arrival_rate, service_rate, cs2)
    assert kingman(arrival_rate, service_rate, ca2, cs2) == pytest.approx(
        ratio / (1 - ratio) * (ca2 + cs2) / 2 / service_rate, rel=1e-9
    )
    markovian = MM1(arrival_rate=arrival_rate, service_rate=service_rate)
    assert kingman(arrival_rate, service_rate, 1, 1) == pytest.approx(markovian.mean_wait, rel=1e-9)


@given(rates, ratios, st.integers(1, 500), scvs, st.floats(0.01, 100))
def test_rates_times_k_divide_the_wait_by_k(rate, ratio, servers, scv, k):
    arrival_rate = ratio * servers * rate
    once = allen_cunneen(arrival_rate, rate, servers, 1, scv)
    faster = allen_cunneen(k * arrival_rate, k * rate, servers, 1, scv)
    assert faster * k == pytest.approx(once, rel=1e-8, abs=1e-290)


@given(rates, ratios, st.integers(1, 500), st.floats(0.01, 20), scvs)
def test_a_server_more_and_less_variability_shorten_the_wait(rate, ratio, servers, ca2, cs2):
    wait = allen_cunneen(ratio * servers * rate, rate, servers, ca2, cs2)
    assert allen_cunneen(ratio * servers * rate, rate, servers + 1, ca2, cs2) <= wait
    assert allen_cunneen(ratio * servers * rate, rate, servers, ca2 / 2, cs2) <= wait


def test_overload_waits_for_ever_and_formulas_broadcast():
    assert pollaczek_khinchine(10, 10, 0) == kingman(11, 10, 1, 1) == math.inf
    table = allen_cunneen([0, 9, 10, 11], 1, [[10], [11]], 1, 1)
    assert table.shape == (2, 4)
    assert table[0].tolist() == [0, pytest.approx(0.668732, abs=1e-6), math.inf, math.inf]
    assert isinstance(kingman(8, 10, 1, 1), np.float64)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "3", True, None])
def test_allen_cunneen_refuses_by_name(place, bad):
    names = ["arrival_rate", "service_rate", "servers", "interarrival_scv", "service_scv"]
    arguments = [8, 1, 10, 1, 1]
    arguments[place] = bad
    with pytest.raises(ValueError, match=f"^{names[place]} must hold finite numbers .*, got "):
        allen_cunneen(*arguments)


# Priority


def test_cobham_is_the_chain_of_two_classes():
    """M/M/1 whose idle server takes the first class first: states (first, second, in service)."""
    rates_, most = (0.3, 0.4), 60
    index = {}
    for first in range(most):
        for second in range(most):
            index |= {(first, second, kind): len(index) + kind for kind in (0, 1)}
    index["idle"] = len(index)
    moves = []
    for state, number in index.items():
        if state == "idle":
            moves += [(number, index[0, 0, kind], rates_[kind]) for kind in (0, 1)]
            continue
        first, second, kind = state
        if first + 1 < most:
            moves.append((number, index[first + 1, second, kind], rates_[0]))
        if second + 1 < most:
            moves.append((number, index[first, second + 1, kind], rates_[1]))
        after = "idle"
        if first or second:
            after = (first - 1, second, 0) if first else (first, second - 1, 1)
        moves.append((number, index[after], 1.0))
    probability = stationary(moves)
    waiting = np.array([(0, 0) if state == "idle" else state[:2] for state in index])
    waits = probability @ waiting / rates_
    assert cobham(rates_, [1, 1]) == pytest.approx(waits, rel=1e-6)


@given(st.lists(st.tuples(rates, st.floats(0.01, 0.3), scvs), min_size=1, max_size=3))
def test_priority_conserves_the_work_that_waits(classes):
    """Kleinrock's conservation law: sum of rho_k Wq_k is that of first come first served."""
    services, loads, variabilities = (np.array(column) for column in zip(*classes, strict=True))
    arrivals = loads * services
    waits = cobham(arrivals, services, variabilities)
    remaining = np.sum(loads * (1 + variabilities) / (2 * services))
    in_turn = remaining / (1 - loads.sum())
    assert loads @ waits == pytest.approx(loads.sum() * in_turn, rel=1e-9)
    assert np.all(np.diff(waits) > 0)


@given(rates, ratios, scvs)
def test_one_class_alone_knows_no_priority(service_rate, ratio, scv):
    arrival_rate = ratio * service_rate
    (wait,) = cobham([arrival_rate], [service_rate], [scv])
    assert wait == pytest.approx(pollaczek_khinchine(arrival_rate, service_rate, scv), rel=1e-9)


def test_a_class_that_overloads_takes_what_is_left_and_waits_for_ever():
    """The second class never runs out, the server never idles: states (first waiting, kind)."""
    most = 80
    moves = []
    for first in range(most):
        for kind in (0, 1):
            number = 2 * first + kind
            if first + 1 < most:
                moves.append((number, number + 2, 0.5))
            moves.append((number, 2 * (first - 1) if first else 1, 1.0))
    probability = stationary(moves)
    exact = probability @ np.repeat(np.arange(most), 2) / 0.5
    waits = cobham([0.5, 0.8, 0.1], [1, 1, 1])
    assert waits[0] == pytest.approx(exact, rel=1e-10)
    assert waits[1] == waits[2] == math.inf


@pytest.mark.parametrize("arguments", [([-1], [1]), ([1], [0]), ([1], [2], [-1]), (["a"], [1])])
def test_cobham_refuses_by_name(arguments):
    with pytest.raises(ValueError, match=r"^(arrival_rates|service_rates|service_scvs) must hold"):
        cobham(*arguments)


# Square-root staffing


@pytest.mark.parametrize("probability", [1e-200, 1e-9, 0.05, 0.2, 0.5, 0.9, 0.999999])
def test_quality_keeps_halfin_and_whitts_probability(probability):
    with mpmath.workdps(40):
        beta = mpmath.mpf(float(square_root_quality(probability)))
        density = mpmath.exp(-(beta**2) / 2) / mpmath.sqrt(2 * mpmath.pi)
        waits = 1 / (1 + beta * mpmath.ncdf(beta) / density)
        assert float(abs(waits / probability - 1)) < 1e-10


@pytest.mark.parametrize("probability", [0.01, 0.2, 0.5, 0.8])
def test_the_square_root_rule_comes_true_in_large_systems(probability):
    beta = square_root_quality(probability)
    errors = [abs(erlang_c(a + beta * a**0.5, a) / probability - 1) for a in (1e2, 1e4, 1e6)]
    assert errors[2] < 0.005
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


@given(st.floats(0, 1e6), st.floats(0.01, 5))
def test_the_rule_is_the_load_and_a_safety(load, beta):
    servers = square_root_staffing(load, beta)
    assert servers - 1 < load + beta * load**0.5 <= servers
    if servers > load:
        station = MMc(arrival_rate=load, service_rate=1, servers=max(int(servers), 1))
        assert station.is_stable


def test_the_rule_broadcasts_and_refuses_by_name():
    assert square_root_staffing([100, 400], [[1.0], [2.0]]).tolist() == [[110, 420], [120, 440]]
    assert square_root_quality([0.2, 0.5]).shape == (2,)
    with pytest.raises(ValueError, match=r"^quality must hold finite numbers above 0, got 0"):
        square_root_staffing(100, 0)
    with pytest.raises(ValueError, match=r"^offered_load must hold"):
        square_root_staffing(-1, 1)
    for bad in (0, 1, 20, math.nan):
        with pytest.raises(
            ValueError, match=r"^wait_probability must hold finite numbers above 0 "
        ):
            square_root_quality(bad)


def test_the_square_root_rule_stops_where_numbers_are_no_longer_whole():
    assert square_root_staffing(1e15, 1) == 1e15 + math.ceil(math.sqrt(1e15))
    for load, quality in ((1e300, 1), (100, 1e300)):
        with pytest.raises(ValueError, match="fewer than 9"):
            square_root_staffing(load, quality)
