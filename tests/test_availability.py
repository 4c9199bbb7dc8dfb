"""k out of n with repair against chains in many digits, closed forms, quadrature and chance."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from queueing.availability import KOutOfN, series

SYSTEMS = [
    KOutOfN(n=1, k=1, failure_rate=0.5, repair_rate=4, repairers=1),
    KOutOfN(n=2, k=1, failure_rate=1, repair_rate=3, repairers=1),
    KOutOfN(n=4, k=3, failure_rate=1e-3, repair_rate=1, repairers=4),
    KOutOfN(n=6, k=2, failure_rate=2, repair_rate=1, repairers=2),
    KOutOfN(n=5, k=5, failure_rate=1e-9, repair_rate=1e9, repairers=3),
    KOutOfN(n=7, k=3, failure_rate=1e3, repair_rate=1e-3, repairers=1),
]
systems = pytest.mark.parametrize("system", SYSTEMS, ids=str)


def chain(system):
    """The generator on 0 ... n units down, and how many of the first states are up."""
    n, flow = system.n, mpmath.zeros(system.n + 1)
    for j in range(n + 1):
        if j < n:
            flow[j, j + 1] = (n - j) * mpmath.mpf(system.failure_rate)
        if j > 0:
            flow[j, j - 1] = min(j, system.repairers) * mpmath.mpf(system.repair_rate)
        flow[j, j] = -sum(flow[j, i] for i in range(n + 1) if i != j)
    return flow, n - system.k + 1


def solved(matrix, right):
    return mpmath.lu_solve(matrix, mpmath.matrix(right))


def stationary(flow):
    balance = flow.T.copy()
    for j in range(flow.rows):
        balance[0, j] = 1
    return solved(balance, [1] + [0] * (flow.rows - 1))


def after(flow, time):
    """The exponential by squarings, in digits enough for all of them."""
    norm = max(-flow[j, j] for j in range(flow.rows)) * time
    doublings = max(0, int(mpmath.ceil(mpmath.log(norm + 1, 2)))) + 4
    with mpmath.workdps(60 + doublings):
        step, term, total = flow * time / 2**doublings, mpmath.eye(flow.rows), mpmath.eye(flow.rows)
        for k in range(1, 40):
            term = term * step / k
            total += term
        for _ in range(doublings):
            total = total * total
        return total


@systems
def test_long_run_figures_are_the_chains(system):
    with mpmath.workdps(80):
        flow, up = chain(system)
        law = stationary(flow)
        available, down = mpmath.fsum(law[:up]), mpmath.fsum(law[up:])
        failures = law[up - 1] * flow[up - 1, up]
        times = solved(-flow[:up, :up], [1] * up)
        exact = {
            "availability": available,
            "unavailability": down,
            "mean_up_time": available / failures,
            "mean_down_time": down / failures,
            "mean_time_to_failure": times[0],
            "mean_units_up": mpmath.fsum((system.n - j) * law[j] for j in range(system.n + 1)),
        }
        for name, value in exact.items():
            assert abs(getattr(system, name) / value - 1) < 1e-12, name


@systems
def test_reliability_and_point_availability_are_the_chains(system):
    """From a thousandth of the first failure's time to ten times the mean life."""
    first = 1 / (system.n * system.failure_rate)
    times = np.array([1e-3 * first, first, system.mean_time_to_failure, 3 / system.repair_rate])
    times = np.append(times[times < 1e40], 10 * min(system.mean_time_to_failure, 1e40))
    reliable, available = system.reliability(times), system.point_availability(times)
    with mpmath.workdps(80):
        flow, up = chain(system)
        for i, time in enumerate(times.tolist()):
            survives = mpmath.fsum(after(flow[:up, :up], time)[0, j] for j in range(up))
            is_up = mpmath.fsum(after(flow, time)[0, j] for j in range(up))
            assert abs(reliable[i] - survives) < 1e-11 * survives + 1e-290
            assert abs(available[i] / is_up - 1) < 1e-11


@pytest.mark.parametrize("ratio", [1e-6, 0.01, 1, 30])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 2), (20, 15), (120, 117)])
def test_with_a_repairer_each_the_units_are_independent(n, k, ratio):
    system = KOutOfN(n=n, k=k, failure_rate=ratio, repair_rate=1, repairers=n)
    up = 1 / (1 + ratio)
    assert system.availability == pytest.approx(stats.binom.sf(k - 1, n, up), rel=1e-10)
    assert system.unavailability == pytest.approx(
        stats.binom.sf(n - k, n, ratio / (1 + ratio)), rel=1e-10
    )
    assert system.mean_units_up == pytest.approx(n * up, rel=1e-12)
    now_up = up + (1 - up) * math.exp(-(1 + ratio) * 0.7)
    exact = stats.binom.sf(k - 1, n, now_up)
    assert system.point_availability(0.7) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 1), (10, 4)])
def test_without_repair_the_lives_are_order_statistics(n, k):
    system = KOutOfN(n=n, k=k, failure_rate=0.2, repair_rate=0, repairers=2)
    t = np.array([0, 0.5, 3, 20])
    survives = stats.binom.sf(k - 1, n, np.exp(-0.2 * t))
    assert system.reliability(t) == pytest.approx(survives, rel=1e-11)
    assert system.point_availability(t) == pytest.approx(survives, rel=1e-11)
    harmonic = sum(1 / (0.2 * j) for j in range(k, n + 1))
    assert system.mean_time_to_failure == pytest.approx(harmonic, rel=1e-13)
    assert (system.availability, system.unavailability, system.mean_units_up) == (0, 1, 0)
    assert system.mean_down_time == math.inf


def test_what_never_fails_is_always_up():
    for repair_rate in (0, 3):
        system = KOutOfN(n=3, k=2, failure_rate=0, repair_rate=repair_rate, repairers=1)
        assert (system.availability, system.unavailability, system.mean_units_up) == (1, 0, 3)
        assert system.mean_up_time == system.mean_time_to_failure == math.inf
        assert system.reliability([0, 1e300]).tolist() == [1, 1]
        assert system.point_availability([0, 1e300]).tolist() == [1, 1]


rates = st.floats(1e-9, 1e9)
shapes = st.tuples(st.integers(1, 8), st.integers(1, 8), st.integers(1, 9)).map(
    lambda t: {"n": max(t[:2]), "k": min(t[:2]), "repairers": t[2]}
)


@given(rates, rates, shapes, st.floats(1e-3, 1e3))
def test_laws_of_every_system(failure_rate, repair_rate, shape, times):
    system = KOutOfN(failure_rate=failure_rate, repair_rate=repair_rate, **shape)
    assert system.availability + system.unavailability == pytest.approx(1, rel=1e-12)
    assert 0 <= system.availability <= 1
    assert 0 < system.mean_units_up <= system.n * (1 + 1e-12)
    cycle = system.mean_up_time + system.mean_down_time
    assert system.availability * cycle == pytest.approx(system.mean_up_time, rel=1e-12)
    assert system.mean_time_to_failure >= system.mean_up_time * (1 - 1e-12)
    more = system.replace(n=system.n + 1)
    hands = system.replace(repairers=system.repairers + 1)
    for better in (more, hands):
        assert better.unavailability <= system.unavailability * (1 + 1e-12)
        assert better.mean_time_to_failure >= system.mean_time_to_failure * (1 - 1e-12)
    faster = system.replace(failure_rate=times * failure_rate, repair_rate=times * repair_rate)
    assert faster.mean_down_time * times == pytest.approx(system.mean_down_time, rel=1e-11)
    assert faster.availability == pytest.approx(system.availability, rel=1e-11)
    moments = np.array([0, 0.1, 1, 30]) / failure_rate
    reliable = system.reliability(moments)
    assert reliable[0] == system.point_availability(0) == 1
    assert (np.diff(reliable) <= 1e-15).all()
    assert (system.point_availability(moments) >= reliable * (1 - 1e-11)).all()
    assert faster.reliability(moments / times) == pytest.approx(reliable, rel=1e-9, abs=1e-290)
    if system.availability > 0.5:
        late = system.point_availability(1e6 / min(failure_rate, repair_rate))
        assert late == pytest.approx(system.availability, rel=1e-10)


def test_the_mean_life_is_the_area_below_reliability():
    system = SYSTEMS[3]
    nodes, weights = np.polynomial.laguerre.laggauss(60)
    slow = 3 * system.mean_time_to_failure
    reliable = system.reliability(nodes * slow / 9)
    area = slow / 9 * (weights * np.exp(nodes)) @ reliable
    assert area == pytest.approx(system.mean_time_to_failure, rel=1e-6)


# Against chance


def simulated(system, *, paths, seed):
    """Times to the first failure of the service, all units up at 0: a race per change, by path."""
    rng = np.random.default_rng(seed)
    down, clock = np.zeros(paths, dtype=int), np.zeros(paths)
    alive = np.arange(paths)
    while alive.size:
        fails = (system.n - down[alive]) * system.failure_rate
        mends = np.minimum(down[alive], system.repairers) * system.repair_rate
        clock[alive] += rng.exponential(1 / (fails + mends))
        down[alive] += np.where(rng.random(alive.size) * (fails + mends) < fails, 1, -1)
        alive = alive[down[alive] <= system.n - system.k]
    return clock


@pytest.mark.parametrize(("busier", "accepted"), [(1, True), (1.1, False)])
def test_chance_agrees_and_tells_units_that_fail_ten_per_cent_more(busier, accepted):
    system = KOutOfN(n=4, k=2, failure_rate=1, repair_rate=3, repairers=1)
    lives = simulated(system.replace(failure_rate=busier), paths=20_000, seed=3)
    groups = lives.reshape(20, -1)
    errors = groups.std(axis=1, ddof=1) / groups.shape[1] ** 0.5
    missed = np.abs(groups.mean(axis=1) - system.mean_time_to_failure) > 1.96 * errors
    assert missed.mean() <= 0.2 if accepted else missed.mean() >= 0.9
    survive = (lives > 2).mean()
    assert (abs(survive - system.reliability(2)) < 0.012) == accepted


# Series, and mistakes


def test_parts_in_series_multiply():
    assert series(0.9, 0.8) == pytest.approx(0.72, rel=1e-15)
    assert series() == series(1, 1.0) == 1
    assert series(0.5, 0) == 0


@pytest.mark.parametrize("bad", [-0.1, 1.1, 99.9, True, math.nan, math.inf, "1", None, [0.9]])
def test_an_availability_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match=r"^availability must be a (finite number|probability)"):
        series(0.9, bad)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"n": 10**9}, "n must be at most 1,000,000, got 1000000000"),
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"k": 5}, "k must be at most n = 4, got 5"),
        ({"k": 2.5}, "k must be a whole number of at least 1, got 2.5"),
        ({"repairers": 0}, "repairers must be a whole number of at least 1, got 0"),
        ({"failure_rate": -1}, "failure_rate must be a finite number of at least 0, got -1"),
        ({"repair_rate": math.nan}, "repair_rate must be a finite number of at least 0, got nan"),
        ({"repair_rate": True}, "repair_rate must be a finite number of at least 0, got True"),
    ],
)
def test_systems_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        SYSTEMS[2].replace(**changes)


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "1", [1, -1]])
def test_times_that_cannot_be_are_refused(bad):
    for question in (SYSTEMS[0].reliability, SYSTEMS[0].point_availability):
        with pytest.raises(ValueError, match=r"^t must hold finite numbers of at least 0, got"):
            question(bad)


def test_answers_have_the_shape_of_the_times():
    assert SYSTEMS[0].reliability([[0, 1, 2]]).shape == (1, 3)
    assert SYSTEMS[0].reliability(1).shape == ()
