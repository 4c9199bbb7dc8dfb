"""Storms drawn attempt by attempt, against theory, sums by hand and a loop of their own."""

import math

import numpy as np
import pytest

from queueing import MMc, RetryPolicy, exponential_backoff, retry_fixed_points
from queueing.simulation.storms import StormStation, draw_retries, draw_storm, work_through

WAIT = exponential_backoff(base=1, factor=2, jitter="full")


def station(**changes):
    plain = {
        "arrival_rate": 6.5,
        "service_rate": 1,
        "servers": 10,
        "room": 4,
        "timeout": 3,
        "policy": RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=60, factor=1)),
    }
    return StormStation(**plain | changes)


def points(**changes):
    storm = {"arrival_rate": 6.5, "service_rate": 1, "servers": 10, "capacity": 14} | changes
    return retry_fixed_points(**{"timeout": 3, "max_attempts": 3} | storm)


# By hand


class Dice:
    """Services of so many seconds each, in place of random ones."""

    def __init__(self, seconds):
        self.seconds = seconds

    def exponential(self, _mean, size):
        return np.full(size, self.seconds)

    def uniform(self, low, high):
        return (low + high) / 2


def by_hand(arrivals, *, service=1.0, stalled=(0.0, 0.0), **changes):
    policy = RetryPolicy(max_attempts=2, backoff=exponential_backoff(base=10, factor=2))
    made = station(**{"servers": 1, "room": 1, "timeout": 1.5, "policy": policy} | changes)
    return work_through(made, np.array(arrivals), stalled, Dice(service))


def test_one_is_served_one_waits_and_one_finds_no_place():
    """The third is turned away at 0.2 and comes again ten seconds later, to an empty station."""
    assert by_hand([0.0, 0.1, 0.2], timeout=2) == ([0.0, 0.1, 0.2, 10.2], [1.0, 2.0, 11.2])


def test_who_waited_too_long_comes_back_and_his_work_stays():
    """The second would leave at 2.0, 1.9 s after he came: at 1.6 he gives up, yet is served."""
    made, answered = by_hand([0.0, 0.1, 1.7])
    assert made == [0.0, 0.1, 1.7, 11.6]
    assert answered == [1.0, 3.0, 12.6]  # the third waits for the work of nobody


def test_the_last_attempt_is_the_last():
    made, answered = by_hand([0.0], service=5.0)
    assert (made, answered) == ([0.0, 11.5], [])


def test_nothing_begins_during_a_stall():
    made, answered = by_hand([0.0, 2.0], stalled=(1.5, 2.5))
    assert (made, answered) == ([0.0, 2.0], [1.0, 3.5])


def test_an_answer_in_the_last_moment_counts():
    assert by_hand([0.0], service=1.5)[1] == [1.5]


@pytest.mark.parametrize(
    ("last", "made", "answered"),
    [
        (False, [0.0, 0.1, 11.0, 11.6, 11.7, 23.2], [1.0, 12.0, 13.0, 24.2]),
        (True, [0.0, 0.1, 11.0, 11.6, 11.7], [1.0, 12.0, 13.0]),
    ],
)
def test_retries_last_wait_behind_first_attempts(last, made, answered):
    """A retry of 11.6 and a first attempt of 11.7 wait; who goes second at 13.0 is too late."""
    found = by_hand([0.0, 0.1, 11.0, 11.7], room=9, retries_last=last)
    assert found == (made, answered)


# Against theory


def test_patience_without_end_and_one_attempt_are_the_plain_station():
    once = RetryPolicy(max_attempts=1, backoff=WAIT)
    drawn = draw_storm(
        station(room=1000, timeout=1000, policy=once), horizon=3000, since=300, seed=3
    )
    assert 6.5 in drawn.attempt_rate
    late = MMc(arrival_rate=8, service_rate=1, servers=10).time_in_system.sf(3)
    busy = station(arrival_rate=8, room=1000, policy=once)
    drawn = draw_storm(busy, horizon=3000, since=300, replications=10, seed=4)
    assert 8 * (1 - late) in drawn.goodput


def rejected(busier, groups=10):
    """The share of groups of runs whose interval misses theory's attempts."""
    (x,) = points().attempt_rate
    policy = RetryPolicy(
        max_attempts=3, backoff=exponential_backoff(base=60, factor=1, jitter="full")
    )
    made = station(arrival_rate=6.5 * busier, policy=policy)
    found = [
        draw_storm(made, horizon=800, since=300, replications=4, seed=seed)
        for seed in range(groups)
    ]
    return np.mean([x not in each.attempt_rate for each in found])


def test_chance_agrees_with_the_fixed_point_and_tells_a_station_ten_per_cent_busier():
    assert rejected(1.0) <= 0.2
    assert rejected(1.1) >= 0.9


def test_a_stall_pushes_a_metastable_station_into_its_other_state():
    """Ten servers and a line of 400: 5 a second, three attempts; the collapse makes 15."""
    table = points(arrival_rate=5, capacity=410)
    assert table.stable.tolist() == [True, False, True]
    made = station(arrival_rate=5, room=400, policy=RetryPolicy(max_attempts=3, backoff=WAIT))
    times = {"horizon": 1200, "since": 700, "stall_at": 50.0, "seed": 5}
    calm, pushed = draw_storm(made, **times), draw_storm(made, stall=60, **times)
    assert calm.attempt_rate.mean == pytest.approx(table.attempt_rate[0], rel=0.02)
    assert pushed.attempt_rate.mean == pytest.approx(table.attempt_rate[2], rel=0.02)
    assert pushed.goodput.mean < 0.05
    short = draw_storm(station(arrival_rate=5, room=15, policy=made.policy), stall=60, **times)
    assert short.goodput.mean > 4.8
    first = draw_storm(
        station(arrival_rate=5, room=400, policy=made.policy, retries_last=True), stall=60, **times
    )
    assert first.goodput.mean > 4.8


# Retries of a crowd


def test_a_crowd_without_jitter_comes_back_as_a_crowd():
    policy = RetryPolicy(max_attempts=4, backoff=exponential_backoff(base=30, factor=2))
    assert draw_retries(policy, 2).tolist() == [[30, 90, 210], [30, 90, 210]]


def test_full_jitter_has_half_the_mean_and_the_variance_of_uniform_pauses():
    policy = RetryPolicy(
        max_attempts=3, backoff=exponential_backoff(base=30, factor=2, jitter="full")
    )
    first, second = draw_retries(policy, 20_000, seed=1).T
    assert first.mean() == pytest.approx(15, rel=0.02)
    assert second.mean() == pytest.approx(45, rel=0.02)
    assert second.var() == pytest.approx((30**2 + 60**2) / 12, rel=0.04)


def test_one_attempt_has_no_retries():
    once = RetryPolicy(max_attempts=1, backoff=WAIT)
    assert draw_retries(once, 3).shape == (3, 0)


def test_decorrelated_waits_follow_the_one_before():
    backoff = exponential_backoff(base=1, factor=2, cap=50, jitter="decorrelated")
    policy = RetryPolicy(max_attempts=6, backoff=backoff)
    waits = np.diff(draw_retries(policy, 5000, seed=2), axis=1, prepend=0)
    assert waits.mean(axis=0) == pytest.approx(policy.delays(), rel=0.05)


# The seed, and mistakes


def test_the_same_seed_gives_the_same_storm():
    one, two, other = (draw_storm(station(), seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(one.attempts, two.attempts)
    assert not np.array_equal(one.attempts, other.attempts)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"arrival_rate": 0}, "arrival_rate must be a finite number above 0, got 0"),
        ({"timeout": math.inf}, "timeout must be a finite number above 0, got inf"),
        ({"room": -1}, "room must be a whole number of at least 0, got -1"),
        ({"servers": 0}, "servers must be a whole number of at least 1, got 0"),
    ],
)
def test_a_station_that_cannot_be_is_refused(mistake, words):
    with pytest.raises(ValueError, match=words):
        station(**mistake)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"stall": -1}, "stall must be"),
        ({"since": 120}, "since must lie before the horizon of 120 s, got 120"),
        ({"replications": 0}, "replications must be"),
        ({"seed": True}, "seed must be"),
    ],
)
def test_a_run_that_cannot_be_is_refused(mistake, words):
    with pytest.raises(ValueError, match=words):
        draw_storm(station(), **mistake)
