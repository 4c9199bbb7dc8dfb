"""Draining a backlog against its chain and chance; what every policy's view obeys."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from queueing.backpressure import (
    BacklogAutoscaler,
    BoundedQueue,
    ConcurrencyLimit,
    TokenBucket,
    UserView,
    drain_time,
)


def agreeing(groups, exact):
    """Which groups (a row each) of independent values have `exact` in their 99 % interval."""
    count = groups.shape[1]
    half_widths = special.stdtrit(count - 1, 0.995) * groups.std(axis=1, ddof=1) / count**0.5
    return np.abs(groups.mean(axis=1) - exact) <= half_widths


# Draining: the first passage of the birth-death chain, by linear algebra


def passage(backlog, arrival_rate, service_rate, servers):
    """Mean and variance of the time from servers + backlog down to servers, from the generator."""
    most = backlog + 400
    up, down = arrival_rate, servers * service_rate
    generator = np.diag(np.full(most, -(up + down)))
    generator += np.diag(np.full(most - 1, up), 1) + np.diag(np.full(most - 1, down), -1)
    generator[-1, -1] = -down  # nobody comes in at the far end, which is never reached
    mean = np.linalg.solve(generator, -np.ones(most))
    second = np.linalg.solve(generator, -2 * mean)
    return mean[backlog - 1], second[backlog - 1] - mean[backlog - 1] ** 2


@pytest.mark.parametrize(
    "drain",
    [(1, 3.0, 1.0, 4), (30, 40, 1, 50), (200, 0.5, 0.3, 2), (7, 0, 2, 3), (50, 8.5, 10, 1)],
    ids=str,
)
def test_a_drain_is_the_first_passage_of_the_chain(drain):
    names = ("backlog", "arrival_rate", "service_rate", "servers")
    answer = drain_time(**dict(zip(names, drain, strict=True)))
    mean, variance = passage(*drain)
    assert answer.mean == pytest.approx(mean, rel=1e-9)
    assert answer.variance == pytest.approx(variance, rel=1e-8)
    assert answer.fluid == answer.mean


def drains(arrival_rate, size):
    """Simulated drains of 20 jobs at 2 servers of rate 5: a walk of every path, jump by jump."""
    rng = np.random.default_rng(7)
    times, waiting = np.zeros(size), np.full(size, 20)
    while (open_ := waiting > 0).any():
        times[open_] += rng.exponential(1 / (arrival_rate + 10), open_.sum())
        comes = rng.random(open_.sum()) < arrival_rate / (arrival_rate + 10)
        waiting[open_] += np.where(comes, 1, -1)
    return times


def test_simulated_drains_are_these_and_not_those_of_a_busier_station():
    answer = drain_time(backlog=20, arrival_rate=7, service_rate=5, servers=2)
    groups = drains(7, 100 * 200).reshape(100, 200)
    assert agreeing(groups, answer.mean).mean() >= 0.95
    squares = (groups - groups.mean()) ** 2
    assert squares.mean() == pytest.approx(answer.variance, rel=0.05)
    busier = drains(7.7, 100 * 200).reshape(100, 200)
    assert agreeing(busier, answer.mean).mean() <= 0.1


def test_without_arrivals_a_drain_is_erlangs_law():
    answer = drain_time(backlog=9, arrival_rate=0, service_rate=3, servers=2)
    assert (answer.mean, answer.variance) == (1.5, 0.25)


def test_a_backlog_that_does_not_shrink_never_drains_and_none_is_gone():
    for rate in (10, 10.1, 1e9):
        answer = drain_time(backlog=3, arrival_rate=rate, service_rate=5, servers=2)
        assert (answer.mean, answer.variance, answer.fluid) == (math.inf,) * 3
        answer = drain_time(backlog=0, arrival_rate=rate, service_rate=5, servers=2)
        assert (answer.mean, answer.variance, answer.fluid) == (0, 0, 0)
    rounded = drain_time(backlog=1, arrival_rate=0.3, service_rate=0.1, servers=3)
    assert rounded.mean == math.inf  # 3 * 0.1 is not 0.3, but all but


@given(st.integers(1, 10**7), st.floats(1e-9, 1e9), st.floats(0, 0.999999), st.integers(1, 10**6))
def test_twice_the_backlog_takes_twice_as_long_and_twice_the_rates_half(jobs, rate, rho, servers):
    def ask(jobs, rate):
        return drain_time(
            backlog=jobs, arrival_rate=rho * rate * servers, service_rate=rate, servers=servers
        )

    one, longer, faster = ask(jobs, rate), ask(2 * jobs, rate), ask(jobs, 2 * rate)
    assert 0 < one.mean < math.inf
    assert 0 < one.variance < math.inf
    assert longer.mean == pytest.approx(2 * one.mean)
    assert longer.variance == pytest.approx(2 * one.variance)
    assert faster.mean == pytest.approx(one.mean / 2)
    assert faster.variance == pytest.approx(one.variance / 4)


@pytest.mark.parametrize(
    ("name", "bad"),
    [(name, bad) for name in ("backlog", "arrival_rate") for bad in (-1, math.nan, math.inf, "3")]
    + [("backlog", 1.5), ("backlog", True), ("service_rate", 0), ("servers", 0), ("servers", 1.5)],
)
def test_a_drain_that_cannot_be_is_refused(name, bad):
    good = {"backlog": 3, "arrival_rate": 1, "service_rate": 1, "servers": 2}
    with pytest.raises(ValueError, match=rf"^{name} must be .* got"):
        drain_time(**(good | {name: bad}))


# Every policy

POLICIES = [
    BoundedQueue(capacity=12),
    BoundedQueue(capacity=12, when_full="block"),
    BoundedQueue(capacity=12, when_full="shed-lowest"),
    TokenBucket(rate=10, burst=5.5),
    ConcurrencyLimit(limit=2),
    ConcurrencyLimit.gradient(),
    BacklogAutoscaler(target_per_worker=20, minimum=1, maximum=4),
]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("arrival_rate", [0, 1e-9, 8, 14.9, 20, 1e9])
def test_every_arrival_is_accepted_shed_or_lost(policy, arrival_rate):
    view = policy.evaluate(arrival_rate=arrival_rate, service_rate=3, servers=4)
    assert view.accepted + view.shed + view.lost == pytest.approx(1, abs=1e-12)
    assert 0 <= view.delayed <= view.accepted <= 1
    assert min(view.shed, view.lost, view.mean_wait, view.held) >= 0
    assert view.throughput <= arrival_rate * view.accepted * (1 + 1e-12)
    if math.isfinite(view.mean_wait):
        assert view.throughput == pytest.approx(arrival_rate * view.accepted)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_rates_times_k_keep_the_shares_and_divide_the_waits(policy):
    if isinstance(policy, BacklogAutoscaler):
        pytest.skip("its own times do not scale")
    one = policy.evaluate(arrival_rate=11, service_rate=3, servers=4)
    if isinstance(policy, TokenBucket):
        policy = TokenBucket(rate=1000 * policy.rate, burst=policy.burst)
    many = policy.evaluate(arrival_rate=11_000, service_rate=3000, servers=4)
    for name in ("accepted", "delayed", "shed", "lost"):
        assert getattr(many, name) == pytest.approx(getattr(one, name), rel=1e-9)
    assert many.mean_wait == pytest.approx(one.mean_wait / 1000, rel=1e-9)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("arrival_rate", bad) for bad in (-1, math.nan, math.inf, "3", True)),
        *(("service_rate", bad) for bad in (0, -1)),
        *(("servers", bad) for bad in (0, 2.5, True)),
    ],
)
def test_rates_and_servers_that_cannot_be_are_refused(policy, name, bad):
    good = {"arrival_rate": 8, "service_rate": 3, "servers": 4}
    with pytest.raises(ValueError, match=rf"^{name} must .* got"):
        policy.evaluate(**(good | {name: bad}))


def test_a_view_is_read_as_a_sentence_and_as_a_table():
    part = UserView(
        accepted=0.5, delayed=0.25, shed=0.3, lost=0.2, throughput=1.5, mean_wait=math.inf
    )
    whole = UserView(
        accepted=0.75, delayed=0.5, shed=0.25, lost=0, throughput=4, mean_wait=2, classes=(part,)
    )
    assert repr(whole).splitlines() == [
        "accepted 75 %, delayed 50 %, shed 25 %, lost 0 %; 4/s, mean wait 2 s",
        "  accepted 50 %, delayed 25 %, shed 30 %, lost 20 %; 1.5/s, mean wait inf s",
    ]
    assert whole.to_frame().index.tolist() == ["all", "class 1"]
    assert whole.to_frame().loc["class 1", "lost"] == 0.2
    assert "<td>75.00%</td>" in whole._repr_html_()
