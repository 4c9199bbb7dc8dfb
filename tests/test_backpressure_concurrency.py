"""Limits on concurrency: by Little's law, by gradient, and what they come to."""

import math
from functools import cache
from heapq import heappop, heappush

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing.backpressure import BoundedQueue, ConcurrencyLimit, GradientLimit

STATION = {"service_rate": 10, "servers": 10}


def test_littles_law_gives_the_least_limit_that_lets_the_rate_through():
    cases = [
        (46, 0.5, 23),
        (46.1, 0.5, 24),
        (0, 1, 1),
        (0.1, 30, 3),
        (1e-9, 1, 1),
        (8.3, 30, 249),  # which it is but for rounding
    ]
    for rate, time, limit in cases:
        assert ConcurrencyLimit.littles_law(rate=rate, time=time).limit == limit
    for bad in (-1, math.nan, math.inf, "3", None):
        with pytest.raises(ValueError, match=r"rate"):
            ConcurrencyLimit.littles_law(rate=bad, time=1)


def test_a_fixed_limit_does_not_move():
    assert ConcurrencyLimit(limit=7).next_limit(7, round_trip=99, shortest=1) == 7


@pytest.mark.parametrize(
    ("limit", "round_trip", "after"),
    [
        (25, 1.0, 26),  # nobody waits: a fifth of the way to 25 + 5
        (25, 0.5, 26),  # shorter than the shortest counts as it
        (25, 1.25, 25),  # 25 * 0.8 + 5: the queue that it allows is full
        (25, 2.0, 23.5),
        (25, 1e9, 23.5),  # at most halved
        (1, 1e9, 1.1),  # 1/2 + 1
        (64, 1.6, 60.8),
        (999.5, 1.0, 1000),
    ],
)
def test_the_gradient_rule_by_hand(limit, round_trip, after):
    rule = ConcurrencyLimit.gradient()
    assert rule.next_limit(limit, round_trip=round_trip, shortest=1) == pytest.approx(after)
    tolerant = ConcurrencyLimit.gradient(tolerance=2)
    trips = {"round_trip": 2 * round_trip, "shortest": 1}
    assert tolerant.next_limit(limit, **trips) == pytest.approx(after)
    steep = ConcurrencyLimit.gradient(smoothing=1)
    if after < 1000:
        moved = steep.next_limit(limit, round_trip=round_trip, shortest=1) - limit
        assert moved == pytest.approx(5 * (after - limit))


@given(st.floats(1, 500), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1, 10))
def test_a_longer_round_trip_never_raises_the_limit_and_it_keeps_its_bounds(limit, trip, r0, more):
    rule = ConcurrencyLimit.gradient(limit=20, minimum=4, maximum=200)
    short = rule.next_limit(limit, round_trip=trip, shortest=r0)
    longer = rule.next_limit(limit, round_trip=trip * more, shortest=r0)
    assert 4 <= longer <= short <= 200
    scaled = rule.next_limit(limit, round_trip=trip * 1000, shortest=r0 * 1000)
    assert scaled == pytest.approx(short)


@cache
def trip(limit, arrival_rate):
    view = BoundedQueue(capacity=limit).evaluate(
        arrival_rate=arrival_rate, service_rate=10, servers=min(10, limit)
    )
    return view.mean_wait + 0.1


@pytest.mark.parametrize("arrival_rate", [90, 110, 150, 1000, 1e6])
@pytest.mark.parametrize("tolerance", [1, 1.5])
def test_the_limit_settles_where_its_steps_come_to_rest(arrival_rate, tolerance):
    rule = ConcurrencyLimit.gradient(tolerance=tolerance, maximum=300, smoothing=0.05)
    settled = rule.settled(arrival_rate=arrival_rate, **STATION)
    for start in (1, 300):
        limit = float(start)
        for _ in range(3000):
            measured = trip(math.floor(limit), arrival_rate)
            limit = rule.next_limit(limit, round_trip=measured, shortest=0.1)
        assert limit == pytest.approx(settled, abs=1)
    fixed = ConcurrencyLimit(limit=settled)
    assert rule.evaluate(arrival_rate=arrival_rate, **STATION) == fixed.evaluate(
        arrival_rate=arrival_rate, **STATION
    )


def test_more_load_is_let_in_less():
    rule = ConcurrencyLimit.gradient()
    limits = [rule.settled(arrival_rate=rate, **STATION) for rate in (1, 90, 100, 150, 1e3, 1e9)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == 1000  # nothing ever waits: the limit grows to its end
    assert limits[-1] > 10  # and never so low that a server stands idle


def adaptive(rule, arrival_rate, windows=400, window=200):
    """The limit after each window of completions, of which it is told the mean round trip."""
    rng = np.random.default_rng(2026)
    limit, limits, trips = float(rule.limit), [], []
    line, ends, now = [], [], 0.0
    while len(limits) < windows:
        now += rng.exponential(1 / arrival_rate)
        while ends and ends[0][0] <= now:
            end, came = heappop(ends)
            trips.append(end - came)
            if line:
                heappush(ends, (end + rng.exponential(0.1), line.pop(0)))
            if len(trips) == window:
                limit = rule.next_limit(limit, round_trip=np.mean(trips), shortest=0.1)
                limits.append(limit)
                trips.clear()
        if len(ends) + len(line) < math.floor(limit):
            if len(ends) < 10:
                heappush(ends, (now + rng.exponential(0.1), now))
            else:
                line.append(now)
    return np.array(limits)


@pytest.mark.parametrize("tolerance", [1, 2])
def test_a_simulated_limit_hovers_about_the_settled_one(tolerance):
    rule = ConcurrencyLimit.gradient(tolerance=tolerance)
    late = adaptive(rule, 150)[100:]
    assert late.mean() == pytest.approx(rule.settled(arrival_rate=150, **STATION), abs=1)
    other = ConcurrencyLimit.gradient(tolerance=1.3 * tolerance)
    assert abs(late.mean() - other.settled(arrival_rate=150, **STATION)) > 1


def test_a_gradient_is_a_limit():
    rule = ConcurrencyLimit.gradient(limit=5)
    assert isinstance(rule, GradientLimit)
    assert isinstance(rule, ConcurrencyLimit)
    assert rule == GradientLimit(limit=5)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("limit", bad) for bad in (0, 2.5, True, "3", 1001)),
        *(("minimum", bad) for bad in (0, -1, 1.5, 21)),
        *(("maximum", bad) for bad in (0, 19, 20.5, math.inf)),
        *(("tolerance", bad) for bad in (0.9, math.nan, math.inf, "3", True)),
        *(("smoothing", bad) for bad in (0, -0.1, 1.1, math.nan, "3", True)),
    ],
)
def test_gradients_that_cannot_be_are_refused(name, bad):
    with pytest.raises(ValueError, match=r"must be|is a fraction"):
        ConcurrencyLimit.gradient(**{name: bad})


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, True, "3", None])
def test_round_trips_that_cannot_be_are_refused(bad):
    for rule in (ConcurrencyLimit(limit=3), ConcurrencyLimit.gradient()):
        with pytest.raises(ValueError, match=r"^round_trip must be a finite number above 0, got"):
            rule.next_limit(3, round_trip=bad, shortest=1)
        with pytest.raises(ValueError, match=r"^shortest must be a finite number above 0, got"):
            rule.next_limit(3, round_trip=1, shortest=bad)
        with pytest.raises(ValueError, match=r"^limit must be a finite number of at least 1, got"):
            rule.next_limit(0.5, round_trip=1, shortest=1)
