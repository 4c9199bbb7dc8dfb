"""The retry storm's fixed points against the station solved in fifty digits, scans and chance."""

import heapq
import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from queueing import MMc
from queueing.retries import (
    RetryPolicy,
    attempt_failure_probability,
    exponential_backoff,
    retry_fixed_points,
)

STORM = {
    "arrival_rate": 7.5,
    "service_rate": 1,
    "servers": 10,
    "capacity": 50,
    "timeout": 3,
    "max_attempts": 3,
}

MAILFORGE = {  # sums of thousands of weights: P(failed) may round to more than 1
    "arrival_rate": 184.9217638691323,
    "service_rate": 44.24778761061947,
    "servers": 6,
    "capacity": 2006,
    "timeout": 2,
}


def in_time(rate, *, service_rate, servers, capacity, timeout):
    """P(accepted and served in time), in the arithmetic of `rate`, with no term negative.

    Who finds n waits for j = n - c + 1 ends of service; each after that is his own with probability
    1 / c. So his stages of rate c mu are j plus a geometric number, and in time they are over if a
    Poisson number of mean c mu t is as large.
    """
    real, c = type(rate), servers
    weights = [real(1)]
    for n in range(1, capacity + 1):
        weights.append(weights[-1] * rate / (real(service_rate) * min(n, c)))
    total = sum(weights)
    if timeout == math.inf:
        return 1 - weights[-1] / total
    mean = c * real(service_rate) * timeout
    most = int(capacity + mean + 12 * mean**0.5 + 60)
    poisson = [mpmath.exp(-mean) if real is mpmath.mpf else math.exp(-mean)]
    for k in range(1, most + 60):
        poisson.append(poisson[-1] * mean / k)
    at_least = np.cumsum(poisson[::-1])[::-1]
    waits = [real(0)] * most
    for n, weight in enumerate(weights[:-1]):
        waits[max(0, n - c + 1)] += weight / total
    answer = stages = real(0)
    for k in range(1, most):
        stages = stages * (1 - real(1) / c) + waits[k - 1] / c
        answer += stages * at_least[k]
    return answer


def mapped(rate, storm):
    """The attempts' rate lambda (1 + q + ... + q^(m-1)) and the goodput, from an attempt rate."""
    station = {k: v for k, v in storm.items() if k not in {"arrival_rate", "max_attempts"}}
    success = in_time(rate, **station)
    tries = sum((1 - success) ** k for k in range(storm["max_attempts"]))
    return storm["arrival_rate"] * tries, storm["arrival_rate"] * success * tries


def test_the_classic_storm_has_a_collapse_beside_its_good_point():
    """Ten servers, three seconds, three attempts and a long line: 7.5 a second hang by a thread."""
    table = retry_fixed_points(**STORM | {"capacity": 1000})
    assert list(table.columns) == ["attempt_rate", "goodput", "stable"]
    assert table.stable.tolist() == [True, False, True]
    assert table.attempt_rate[2] == pytest.approx(22.5, rel=1e-12)
    assert table.goodput[2] < 1e-100
    assert table.goodput[0] > 7.49
    late = MMc(arrival_rate=table.attempt_rate[0], service_rate=1, servers=10).time_in_system.sf(3)
    expected = 7.5 * RetryPolicy(
        max_attempts=3, backoff=exponential_backoff(base=1, factor=1)
    ).expected_attempts(late)
    assert table.attempt_rate[0] == pytest.approx(expected, rel=1e-9)


def test_eight_a_second_collapse_and_five_with_a_short_line_do_not():
    assert retry_fixed_points(**STORM | {"arrival_rate": 8}).stable.tolist() == [True]
    assert retry_fixed_points(**STORM | {"arrival_rate": 8}).attempt_rate[0] > 23
    calm = retry_fixed_points(**STORM | {"arrival_rate": 5, "capacity": 20})
    assert calm.stable.tolist() == [True]
    assert calm.goodput[0] > 4.99


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"capacity": 10},
        {"capacity": 400, "arrival_rate": 5},
        {"timeout": math.inf},
        {"timeout": math.inf, "arrival_rate": 14},
        {"servers": 1, "arrival_rate": 0.6, "timeout": 8},
        {"servers": 2, "arrival_rate": 1.2, "timeout": 0.1},
        {"service_rate": 1e-6, "arrival_rate": 7.5e-6, "timeout": 3e6},
        {"max_attempts": 20, "arrival_rate": 7},
        MAILFORGE | {"max_attempts": 2},
        {"max_attempts": 1, "arrival_rate": 12},
    ],
    ids=str,
)
def test_points_are_fixed_in_many_digits(changes):
    storm = STORM | changes
    table = retry_fixed_points(**storm)
    assert len(table) % 2 == 1
    with mpmath.workdps(60):
        for row in table.itertuples():
            x = mpmath.mpf(row.attempt_rate)
            image, goodput = mapped(x, storm)
            nearby, _ = mapped(x * (1 + mpmath.mpf(10) ** -8), storm)
            slope = (nearby - image) / (x * mpmath.mpf(10) ** -8)
            assert abs((image - x) / (1 - slope) / x) < 1e-11  # how far the true point is
            assert row.stable == (slope < 1)
            assert abs(row.goodput / goodput - 1) < 1e-9


@given(
    st.floats(0.05, 1.5),
    st.integers(1, 12),
    st.integers(0, 60),
    st.floats(0.05, 20),
    st.integers(1, 6),
)
@settings(max_examples=60)
def test_no_point_is_missed_and_stable_ones_alternate(load, servers, room, timeout, attempts):
    """The map only grows, so its sign changes on a fine grid are where it crosses the diagonal."""
    storm = {
        "arrival_rate": load * servers,
        "service_rate": 1,
        "servers": servers,
        "capacity": servers + room,
        "timeout": timeout,
        "max_attempts": attempts,
    }
    table = retry_fixed_points(**storm)
    rates = table.attempt_rate.to_numpy()
    assert (np.diff(rates) > 0).all()
    assert table.stable.tolist() == [i % 2 == 0 for i in range(len(table))]
    lowest, highest = storm["arrival_rate"], storm["arrival_rate"] * attempts
    assert ((rates >= lowest) & (rates <= highest)).all()
    assert (table.goodput <= lowest * (1 + 1e-12)).all()
    assert (table.goodput <= servers * (1 + 1e-9)).all()
    assume(attempts > 1)
    grid = np.linspace(lowest, highest, 60)
    above = [mapped(x, storm)[0] > x for x in grid[1:-1].tolist()]
    for (a, b), (left, right) in zip(pairwise(grid[1:-1]), pairwise(above), strict=True):
        inside = ((rates > a) & (rates <= b)).sum()
        assert inside % 2 == (left != right)


def test_a_pair_that_is_about_to_meet_is_told_from_none():
    """Bisect for the arrival rate at which the good point and the unstable one vanish."""
    low, high = 7.5, 8.0
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        many = len(retry_fixed_points(**STORM | {"arrival_rate": middle})) > 1
        low, high = (middle, high) if many else (low, middle)
    touch = retry_fixed_points(**STORM | {"arrival_rate": low})
    assert touch.stable.tolist() == [False, True]
    pair = retry_fixed_points(**STORM | {"arrival_rate": low * (1 - 1e-12)})
    assert pair.stable.tolist() == [True, False, True]
    gap = pair.attempt_rate[1] - pair.attempt_rate[0]
    assert 1e-6 < gap < 1e-5  # it goes with the root of the distance in lambda
    none = retry_fixed_points(**STORM | {"arrival_rate": low * (1 + 1e-12)})
    assert none.stable.tolist() == [True]
    assert none.attempt_rate[0] > 20


def test_one_attempt_and_no_limit_are_the_plain_station():
    once = retry_fixed_points(**STORM | {"max_attempts": 1, "timeout": math.inf})
    assert once.attempt_rate.tolist() == [7.5]
    assert once.stable.tolist() == [True]
    assert once.goodput[0] == pytest.approx(7.5, rel=1e-6)
    easy = retry_fixed_points(**STORM | {"arrival_rate": 0.01, "timeout": math.inf})
    assert easy.attempt_rate.tolist() == [0.01]


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e9])
def test_rates_times_k_multiply_the_points_by_k(scale):
    plain = retry_fixed_points(**STORM)
    scaled = retry_fixed_points(
        **STORM | {"arrival_rate": 7.5 * scale, "service_rate": scale, "timeout": 3 / scale}
    )
    for name in ("attempt_rate", "goodput"):
        assert scaled[name].to_numpy() / scale == pytest.approx(plain[name].to_numpy(), rel=1e-10)


def test_extremes_neither_warn_nor_fail():
    for timeout in (1e-9, 1e300, math.inf):
        for capacity in (10, 5000):
            table = retry_fixed_points(**STORM | {"timeout": timeout, "capacity": capacity})
            assert len(table)
            assert np.isfinite(table.to_numpy(dtype=float)).all()


def test_the_failure_probability_is_the_stations():
    rates = np.array([[1.0, 7.5], [9.5, 22.0]])
    station = {k: v for k, v in STORM.items() if k not in {"arrival_rate", "max_attempts"}}
    found = attempt_failure_probability(rates, **station)
    exact = [1 - float(in_time(mpmath.mpf(rate), **station)) for rate in rates.ravel().tolist()]
    assert found.ravel() == pytest.approx(exact, abs=1e-13)
    assert found.shape == (2, 2)
    assert attempt_failure_probability(7.5, **station).shape == ()
    with pytest.raises(ValueError, match="attempt_rate must hold finite numbers above 0, got 0"):
        attempt_failure_probability(0, **station)


# Against chance: customers who do come back, after long random waits, to a station of their own


def simulated(storm, *, customers, seed):
    """The attempts a second and the successes a second of a whole run; timed out work stays."""
    rng, c = np.random.default_rng(seed), storm["servers"]
    first = np.cumsum(rng.exponential(1 / storm["arrival_rate"], customers))
    events = [(t, 1) for t in first.tolist()]  # when an attempt is made, and which it is
    heapq.heapify(events)
    busy, attempts, served = [], 0, 0  # `busy`: when each accepted customer leaves
    free = [0.0] * c
    start, end = first[customers // 5], first[-1]
    while events:
        now, attempt = heapq.heappop(events)
        if now > end:
            break
        while busy and busy[0] <= now:
            heapq.heappop(busy)
        counts = now > start
        attempts += counts
        late = True
        if len(busy) < storm["capacity"]:
            leaves = max(now, free[0]) + rng.exponential(1 / storm["service_rate"])
            heapq.heapreplace(free, leaves)
            heapq.heappush(busy, leaves)
            late = leaves - now > storm["timeout"]
        served += counts and not late
        if late and attempt < storm["max_attempts"]:
            again = now + storm["timeout"] + rng.exponential(60 / storm["service_rate"])
            heapq.heappush(events, (again, attempt + 1))
    return attempts / (end - start), served / (end - start)


@pytest.mark.parametrize(("busier", "accepted"), [(1, True), (1.1, False)])
def test_chance_agrees_and_tells_a_storm_ten_per_cent_busier(busier, accepted):
    storm = STORM | {"arrival_rate": 6.5, "capacity": 14}
    row = retry_fixed_points(**storm).iloc[0]
    runs = np.array(
        [
            simulated(storm | {"arrival_rate": 6.5 * busier}, customers=3000, seed=seed)
            for seed in range(40)
        ]
    ).reshape(10, 4, 2)
    errors = runs.std(axis=1, ddof=1) / 2
    missed = np.abs(runs.mean(axis=1) - [row.attempt_rate, row.goodput]) > 3.18 * errors
    assert missed.mean() <= 0.2 if accepted else missed.mean() >= 0.9


# Mistakes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arrival_rate": 0}, "arrival_rate must be a finite number above 0, got 0"),
        ({"service_rate": -1}, "service_rate must be a finite number above 0, got -1"),
        ({"servers": 0}, "servers must be a whole number of at least 1, got 0"),
        ({"capacity": 9}, "capacity must be a whole number of at least 10, got 9"),
        ({"capacity": math.inf}, "capacity must be a whole number of at least 10, got inf"),
        ({"timeout": 0}, "timeout must be a finite number above 0, got 0"),
        ({"timeout": True}, "timeout must be a finite number above 0, got True"),
        ({"timeout": -math.inf}, "timeout must be a finite number above 0, got -inf"),
        ({"max_attempts": 2.5}, "max_attempts must be a whole number of at least 1, got 2.5"),
    ],
)
def test_storms_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        retry_fixed_points(**STORM | changes)
