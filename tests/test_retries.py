"""Retry policies against sums, quadrature, the tools' documentation and chance."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing.retries import RetryPolicy, exponential_backoff

NONE = exponential_backoff(base=1, factor=2)
JITTERS = ["none", "full", "equal", "decorrelated"]

probabilities = st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1), st.floats(1 - 1e-6, 1))


# Attempts and dead letters


@given(probabilities, st.integers(1, 60))
def test_attempts_are_a_cut_geometric_law(p, attempts):
    policy = RetryPolicy(max_attempts=attempts, backoff=NONE)
    with mpmath.workdps(40):
        fails = mpmath.mpf(p)
        exact = mpmath.fsum(fails**k for k in range(attempts))
        assert abs(policy.expected_attempts(p) / exact - 1) < 1e-14
    pmf, k = policy.attempts_pmf(p), np.arange(1, attempts + 1)
    assert pmf.shape == (attempts,)
    assert pmf.sum() == pytest.approx(1, rel=1e-13)
    assert pmf @ k == pytest.approx(policy.expected_attempts(p), rel=1e-13)
    assert policy.dead_letter_fraction(p) == pytest.approx(p**attempts, rel=1e-14)
    assert pmf[-1] >= policy.dead_letter_fraction(p)
    assert pmf[0] == (1 - p if attempts > 1 else 1)


def test_a_sum_done_by_hand():
    policy = RetryPolicy(max_attempts=3, backoff=NONE)
    assert policy.attempts_pmf(0.5).tolist() == [0.5, 0.25, 0.25]
    assert policy.expected_attempts(0.5) == 1.75
    assert policy.dead_letter_fraction(0.5) == 0.125
    assert policy.expected_attempts([0, 1]).tolist() == [1, 3]


def test_the_known_example_is_met_to_its_last_digit():
    """Five retries at 30 %: 1.428 attempts and 7.29e-4 dead letters."""
    policy = RetryPolicy(max_attempts=6, backoff=NONE)
    assert policy.expected_attempts(0.3) == pytest.approx(1.428, abs=5e-4)
    assert policy.dead_letter_fraction(0.3) == pytest.approx(7.29e-4, rel=1e-12)


def test_arrays_of_probabilities_broadcast():
    policy = RetryPolicy(max_attempts=4, backoff=NONE)
    p = np.array([[0.1, 0.5, 1], [0, 0.2, 0.9]])
    assert policy.expected_attempts(p).shape == policy.dead_letter_fraction(p).shape == (2, 3)
    assert policy.attempts_pmf(p).shape == (4, 2, 3)
    assert policy.attempts_pmf(p)[:, 1, 2].tolist() == policy.attempts_pmf(0.9).tolist()
    assert policy.attempts_pmf(0.9).shape == (4,)
    assert policy.expected_attempts(0.9).shape == ()


@pytest.mark.parametrize(("busier", "accepted"), [(1, True), (1.1, False)])
def test_chance_agrees_and_tells_attempts_that_fail_ten_per_cent_more(busier, accepted):
    policy, p = RetryPolicy(max_attempts=4, backoff=NONE), 0.3
    fails = np.random.default_rng(2).random((20, 10_000, 4)) < busier * p
    attempts = 1 + fails[..., :3].cumprod(axis=-1).sum(axis=-1)
    error = 1.96 * attempts.std(axis=1) / 100
    missed = np.abs(attempts.mean(axis=1) - policy.expected_attempts(p)) > error
    assert missed.mean() <= 0.2 if accepted else missed.mean() >= 0.9
    dead = fails.all(axis=-1).mean() / policy.dead_letter_fraction(p)
    assert (abs(dead - 1) < 0.1) == accepted


# Waits between attempts


def test_jitters_have_their_means():
    waits = np.array([1, 3, 9, 20, 20])
    for jitter, share in (("none", 1), ("full", 0.5), ("equal", 0.75)):
        backoff = exponential_backoff(base=1, factor=3, cap=20, jitter=jitter)
        assert backoff.means(5) == pytest.approx(share * waits, rel=1e-15)
    constant = exponential_backoff(base=7, factor=1)
    assert RetryPolicy(max_attempts=4, backoff=constant).delays().tolist() == [7, 7, 7]
    assert RetryPolicy(max_attempts=4, backoff=constant).horizon == 21
    assert RetryPolicy(max_attempts=1, backoff=constant).delays().tolist() == []
    assert RetryPolicy(max_attempts=1, backoff=constant).horizon == 0


def mean_decorrelated(waits, last, base, cap):
    """E[the wait after so many], by quadrature within quadrature."""
    end = min(3 * last, cap)
    if waits == 1:
        return ((end**2 - base**2) / 2 + (3 * last - end) * cap) / (3 * last - base)
    corners = [cap / mpmath.mpf(3) ** i for i in range(1, 9)]
    corners = sorted({base, end, *(x for x in corners if base < x < end)})
    mean = mpmath.quad(lambda u: mean_decorrelated(waits - 1, u, base, cap), corners)
    cut = 3 * last - end
    return (mean + (cut and cut * mean_decorrelated(waits - 1, cap, base, cap))) / (3 * last - base)


@pytest.mark.parametrize(("base", "cap"), [(1, 10), (2, 14), (1, 2.5), (1, 3), (0.1, 100)])
def test_decorrelated_means_are_exact(base, cap):
    backoff = exponential_backoff(base=base, factor=2, cap=cap, jitter="decorrelated")
    start, limit = mpmath.mpf(base), mpmath.mpf(cap)
    for n, mean in enumerate(backoff.means(3), start=1):
        assert abs(mean / mean_decorrelated(n, start, start, limit) - 1) < 1e-12


def test_decorrelated_means_without_a_cap_and_with_one_that_is_never_reached():
    free = exponential_backoff(base=2, factor=2, jitter="decorrelated").means(12)
    last = 2.0
    for mean in free:
        last = (2 + 3 * last) / 2
        assert mean == pytest.approx(last, rel=1e-14)
    far = exponential_backoff(base=2, factor=2, cap=2 * 3**13, jitter="decorrelated").means(12)
    assert far == pytest.approx(free, rel=1e-12)
    tight = exponential_backoff(base=2, factor=2, cap=2, jitter="decorrelated").means(4)
    assert tight.tolist() == [2, 2, 2, 2]
    close = exponential_backoff(base=2, factor=2, cap=2 + 1e-9, jitter="decorrelated").means(4)
    assert close == pytest.approx([2 + 1e-9] * 4, rel=1e-12)


@pytest.mark.parametrize("jitter", JITTERS)
@pytest.mark.parametrize("cap", [None, 25])
def test_draws_have_the_means_and_ten_per_cent_more_is_told(jitter, cap):
    backoff = exponential_backoff(base=3, factor=2, cap=cap, jitter=jitter)
    rng, draws = np.random.default_rng(8), []
    for _ in range(4000):
        waits, last = [], None
        for attempt in range(1, 6):
            last = backoff.draw(attempt, rng, last)
            waits.append(last)
        draws.append(waits)
    draws = np.array(draws)
    assert draws.min() >= (0 if jitter == "full" else 1.5)
    assert draws.max() <= (cap or 3 * 3**5)
    errors = 4 * draws.std(axis=0) / 4000**0.5 + 1e-12
    means = backoff.means(5)
    assert (np.abs(draws.mean(axis=0) - means) < errors).all()
    assert (np.abs(draws.mean(axis=0) - 1.1 * means) > errors).mean() >= 0.8


@given(
    st.floats(1e-3, 1e3),
    st.floats(1, 5),
    st.one_of(st.none(), st.floats(1, 1e4)),
    st.sampled_from(JITTERS),
)
def test_laws_of_every_backoff(base, factor, times, jitter):
    cap = None if times is None else times * base
    means = exponential_backoff(base=base, factor=factor, cap=cap, jitter=jitter).means(15)
    assert (np.diff(means) >= -1e-11 * means[1:]).all()
    assert (means <= (cap or math.inf) * (1 + 1e-12)).all()
    doubled = exponential_backoff(base=2 * base, factor=factor, cap=cap and 2 * cap, jitter=jitter)
    assert doubled.means(15) == pytest.approx(2 * means, rel=1e-11)


def test_long_policies_neither_overflow_nor_warn():
    for jitter in JITTERS:
        capped = exponential_backoff(base=1, factor=10, cap=60, jitter=jitter)
        policy = RetryPolicy(max_attempts=401, backoff=capped)
        assert policy.delays()[-1] == pytest.approx(capped.means(99)[-1], rel=1e-9)
        free = exponential_backoff(base=1, factor=10, jitter=jitter)
        assert RetryPolicy(max_attempts=3001, backoff=free).horizon == math.inf


# The tools' defaults


def test_sidekiq_waits_three_weeks():
    """25 retries; without jitter 1 763 395 s, that is 20.41 days."""
    policy, n = RetryPolicy.sidekiq(), np.arange(25)
    assert policy.max_attempts == 26
    assert policy.delays().tolist() == (n**4 + 15 + 5 * (n + 1)).tolist()
    assert policy.horizon - 5 * 325 == 1_763_395
    rng = np.random.default_rng(1)
    drawn = [policy.backoff.draw(3, rng) for _ in range(500)]
    assert 31 <= min(drawn) < 33
    assert 59 < max(drawn) <= 61


def test_celery_jitters_up_to_a_doubling_second():
    policy = RetryPolicy.celery()
    assert policy.max_attempts == 4
    assert policy.delays().tolist() == [0.5, 1, 2]
    assert policy.backoff.means(12)[-1] == 300  # half of the 600 s at most


def test_sqs_shows_a_message_ten_times_every_half_minute():
    policy = RetryPolicy.sqs()
    assert policy.max_attempts == 10
    assert policy.delays().tolist() == [30] * 9


def test_postfix_waits_as_long_as_the_message_is_old_for_five_days():
    policy = RetryPolicy.postfix()
    ages = np.append(0, np.cumsum(policy.delays()))
    assert policy.delays().tolist() == np.clip(ages[:-1], 300, 4000).tolist()
    assert ages[-2] < 5 * 86400 <= ages[-1] == policy.horizon
    assert policy.max_attempts == ages.size == 113


def test_policies_are_values():
    assert RetryPolicy.sidekiq() == RetryPolicy.sidekiq()
    assert RetryPolicy.postfix() != RetryPolicy.sidekiq()
    assert hash(RetryPolicy.celery()) == hash(RetryPolicy.celery())


# Mistakes


@pytest.mark.parametrize("bad", [-0.1, 1.1, 95, True, math.nan, "1", None, [0.5, 2]])
def test_probabilities_that_cannot_be_are_refused(bad):
    policy = RetryPolicy.celery()
    for question in (policy.expected_attempts, policy.dead_letter_fraction, policy.attempts_pmf):
        with pytest.raises(ValueError, match=r"^p (must hold|is a probability in \[0, 1\], got)"):
            question(bad)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base": 0}, "base must be a finite number above 0, got 0"),
        ({"base": math.nan}, "base must be a finite number above 0, got nan"),
        ({"factor": 0.5}, "factor must be a finite number of at least 1, got 0.5"),
        ({"cap": 0.5}, "cap must be a finite number of at least 1, got 0.5"),
        ({"cap": math.inf}, "cap must be a finite number of at least 1, got inf"),
        ({"jitter": "some"}, "jitter must be one of none, full, equal, decorrelated, got 'some'"),
    ],
)
def test_backoffs_that_cannot_be_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        exponential_backoff(**({"base": 1, "factor": 2} | changes))


@pytest.mark.parametrize("bad", [0, 2.5, True, math.inf, "3"])
def test_attempts_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match="max_attempts must be a whole number of at least 1, got"):
        RetryPolicy(max_attempts=bad, backoff=NONE)
    with pytest.raises(ValueError, match="backoff must be a backoff such as exponential_backoff"):
        RetryPolicy(max_attempts=3, backoff=bad)


def test_attempts_that_nobody_could_list_are_refused():
    with pytest.raises(ValueError, match="max_attempts must be at most 100,000, got 1000000000"):
        RetryPolicy(max_attempts=10**9, backoff=NONE)
