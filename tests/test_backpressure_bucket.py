"""Token buckets against exact fractions, forty digits, an embedded chain, and chance."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_backpressure import agreeing

from queueing import MMc
from queueing.backpressure import TokenBucket
from queueing.paths import waits

# Who is let in


def literally(rate, burst, times):
    """Tokens drip in and overflow; an arrival takes one: in fractions, without any rounding."""
    tokens, last, passes = burst, times[0], []
    for now in times:
        tokens, last = min(tokens + rate * (now - last), burst), now
        passes.append(tokens >= 1)
        tokens -= passes[-1]
    return passes


sixths = st.integers(0, 60).map(lambda n: Fraction(n, 6))


@given(st.integers(1, 30), st.integers(3, 15), st.lists(sixths, min_size=1, max_size=40))
def test_admission_is_that_of_tokens_in_exact_fractions(rate, burst, gaps):
    rate, burst = Fraction(rate, 10), Fraction(burst, 3)
    times = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    bucket = TokenBucket(rate=float(rate), burst=float(burst))
    passes = bucket.admitted([float(time) for time in times])
    assert passes.tolist() == literally(rate, burst, times)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_leaky_bucket_is_a_line_with_constant_service_and_a_last_place(burst, seed):
    times = np.cumsum(np.random.default_rng(seed).exponential(size=60))
    ends, passes = [], []
    for now in times:
        passes.append(sum(end > now for end in ends) < burst)
        if passes[-1]:
            ends.append(max(now, ends[-1] if ends else 0.0) + 1 / 0.9)
    assert TokenBucket(rate=0.9, burst=burst).admitted(times).tolist() == passes


def test_a_bucket_lets_in_its_burst_at_once_and_its_rate_in_the_long_run():
    bucket = TokenBucket(rate=2, burst=4.7)
    assert bucket.admitted(np.zeros(9)).sum() == 4
    assert bucket.admitted(np.arange(0, 1000, 0.01)).sum() == 4 + 2000 - 1 + 1
    assert bucket.admitted(np.arange(0, 100, 0.5)).all()
    assert bucket.admitted([]).size == 0
    late = bucket.admitted(1e9 + np.zeros(9))  # full at first, whenever that is
    assert late.sum() == 4


def test_tokens_that_are_there_but_for_rounding_are_there():
    assert TokenBucket(rate=0.1, burst=1).admitted(np.arange(0, 10_000, 10.0)).all()
    assert TokenBucket(rate=3, burst=1).admitted(np.arange(3000) / 3).all()


# The law


def forty_digits(rho, x):
    """G / (1 + rho G) by Erlang's alternating sum, in as many digits as it cancels."""
    with mpmath.workdps(60 + int(rho * x)):
        rho, x = mpmath.mpf(rho), mpmath.mpf(x)
        terms = [
            (-rho * (x - k)) ** k / mpmath.factorial(k) * mpmath.exp(rho * (x - k))
            for k in range(int(mpmath.floor(x)) + 1)
        ]
        total = mpmath.fsum(terms)
        return float(total / (1 + rho * total))


@pytest.mark.parametrize("rho", [1e-9, 0.01, 0.8, 0.99, 1, 1.0001, 1.3, 5, 40])
@pytest.mark.parametrize("burst", [1, 1.25, 2, 3.5, 7, 20.75, 64])
def test_admission_is_erlangs_sum_in_forty_digits(rho, burst):
    bucket = TokenBucket(rate=3, burst=burst)
    exact = forty_digits(3 * rho / 3, burst - 1)
    assert bucket.admission_probability(arrival_rate=3 * rho) == pytest.approx(exact, abs=2e-15)


def embedded(rho, places):
    """What M/D/1 with `places` in the system lets in, from its chain at departures."""
    numbers = np.arange(places)
    chain = np.zeros((places, places))
    for left in numbers:
        stay = max(left, 1) - 1
        come = stats.poisson.pmf(numbers - stay, rho)
        come[-1] = stats.poisson.sf(places - 2 - stay, rho)
        chain[left] = come
    balance = (chain - np.eye(places)).T
    balance[0] = 1
    nobody = np.linalg.solve(balance, np.eye(places)[0])[0]
    return 1 / (nobody + rho)


@pytest.mark.parametrize("rho", [0.3, 0.95, 1, 1.2, 3])
@pytest.mark.parametrize("burst", [1, 2, 5, 30, 200])
def test_a_whole_burst_is_the_last_place_of_an_embedded_chain(rho, burst):
    bucket = TokenBucket(rate=10, burst=burst)
    exact = embedded(rho, burst)
    assert bucket.admission_probability(arrival_rate=10 * rho) == pytest.approx(exact, rel=1e-12)


def test_one_token_is_erlangs_one_line():
    for rate in (1e-9, 0.5, 7, 1e9):
        share = TokenBucket(rate=1, burst=1).admission_probability(arrival_rate=rate)
        assert share == pytest.approx(1 / (1 + rate), rel=1e-14)  # B(1, rho), any service


@pytest.mark.parametrize("burst", [1, 4.5], ids=str)
def test_simulated_admission_is_this_and_not_that_of_a_busier_stream(burst):
    bucket = TokenBucket(rate=10, burst=burst)
    exact = bucket.admission_probability(arrival_rate=9)

    def groups(rate):
        rng = np.random.default_rng(2026)
        times = np.cumsum(rng.exponential(1 / rate, (200, 2000)), axis=1)
        shares = [bucket.admitted(row)[100:].mean() for row in times]
        return np.reshape(shares, (20, 10))

    assert agreeing(groups(9), exact).mean() >= 0.9
    assert agreeing(groups(9.9), exact).mean() <= 0.1


# What the users see


def test_the_station_behind_waits_no_longer_than_it_is_said_to():
    for burst, rate in [(5, 8), (1, 8), (5, 20), (50, 11)]:
        bucket = TokenBucket(rate=10, burst=burst)
        view = bucket.evaluate(arrival_rate=rate, service_rate=6, servers=2)
        rng = np.random.default_rng(1)
        times = np.cumsum(rng.exponential(1 / rate, 60_000))
        passes = bucket.admitted(times)
        found = waits(times[passes], rng.exponential(1 / 6, passes.sum()), 2)
        assert found.mean() < view.mean_wait
        assert (found > 0).mean() * passes.mean() < view.delayed
        assert view.throughput == pytest.approx(rate * passes.mean(), rel=0.02)


def test_a_bucket_that_is_never_empty_is_not_there():
    station = {"arrival_rate": 9, "service_rate": 6, "servers": 2}
    view = TokenBucket(rate=10, burst=900).evaluate(**station)
    assert view.shed == 0
    assert view.delayed == pytest.approx(MMc(**station).wait_probability, rel=1e-12)
    assert view.mean_wait == pytest.approx(MMc(**station).mean_wait, rel=1e-12)


def test_a_bucket_does_not_help_a_station_slower_than_it():
    view = TokenBucket(rate=10, burst=5).evaluate(arrival_rate=20, service_rate=2, servers=2)
    assert view.mean_wait == math.inf
    assert view.delayed == view.accepted
    assert view.throughput == 4


# Laws


@given(st.floats(1e-3, 100), st.floats(1, 300), st.floats(0.01, 5))
def test_more_tokens_let_more_in_and_never_more_than_their_rate(rho, burst, more):
    def share(rate, burst):
        return TokenBucket(rate=rate, burst=burst).admission_probability(arrival_rate=rho)

    assert share(1, burst) <= share(1, burst + more) + 1e-14
    assert share(1, burst) <= share(1 + more, burst) + 1e-14
    assert rho * share(1, burst) <= 1 + 1e-12
    assert share(7, burst) == pytest.approx(
        TokenBucket(rate=7e6, burst=burst).admission_probability(arrival_rate=rho * 1e6), rel=1e-12
    )


@pytest.mark.parametrize("burst", [1, 1.5, 2, 1e4 + 0.5, 1e5])
def test_extremes_are_right_without_a_warning(burst):
    bucket = TokenBucket(rate=1e-9, burst=burst)
    assert bucket.admission_probability(arrival_rate=0) == 1
    assert bucket.admission_probability(arrival_rate=1e9) == pytest.approx(1e-18)
    assert bucket.admission_probability(arrival_rate=3e-9) >= 1 / 4
    assert TokenBucket(rate=1e9, burst=burst).admission_probability(arrival_rate=1e-9) == 1


@given(st.floats(499, 501), st.floats(1, 3))
def test_nothing_jumps_where_the_flood_begins(rho, burst):
    share = TokenBucket(rate=1, burst=burst).admission_probability(arrival_rate=rho)
    assert share == pytest.approx(forty_digits(rho, burst - 1), rel=1e-13)


def test_a_huge_bucket_sheds_the_excess_or_is_refused():
    huge = TokenBucket(rate=10, burst=1e9)
    assert huge.admission_probability(arrival_rate=9) == 1
    assert huge.admission_probability(arrival_rate=40) == 0.25
    with pytest.raises(ValueError, match="burst must be at most 1000001 tokens where the arrivals"):
        huge.admission_probability(arrival_rate=10)


# Mistakes


@pytest.mark.parametrize("bad", [0, -1, True, math.nan, math.inf, "3", None])
def test_buckets_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"^rate must be a finite number above 0, got"):
        TokenBucket(rate=bad, burst=2)
    with pytest.raises(ValueError, match=r"^burst must be a finite number of at least 1, got"):
        TokenBucket(rate=1, burst=bad)
    if bad != 0:
        with pytest.raises(ValueError, match=r"^arrival_rate must be a finite number of at least"):
            TokenBucket(rate=1, burst=2).admission_probability(arrival_rate=bad)


@pytest.mark.parametrize("times", [[1, 0], [[0, 1]], 3.0, [0, math.nan], [0, math.inf]])
def test_times_that_cannot_be_are_refused(times):
    with pytest.raises(ValueError, match=r"^arrival_times must "):
        TokenBucket(rate=1, burst=2).admitted(times)
