"""Sums and mixtures obey their algebra, overload in a branch is a fact, and mistakes are named."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from queueing import (
    MM1,
    deterministic,
    exponential,
    gamma,
    hyperexponential,
    lognormal,
    mixture,
    uniform,
)

SECOND = exponential(mean=1)
NEVER = MM1(arrival_rate=2, service_rate=1).wait
parts = st.one_of(
    st.builds(gamma, mean=st.floats(0.1, 10), scv=st.floats(0.05, 5)),
    st.builds(lognormal, mean=st.floats(0.1, 10), scv=st.floats(0.05, 5)),
    st.builds(deterministic, mean=st.floats(0, 5)),
    st.builds(
        lambda low, wide: uniform(low=low, high=low + wide), st.floats(0, 5), st.floats(1, 5)
    ),
    st.builds(hyperexponential, mean=st.floats(0.1, 10), scv=st.floats(1, 5)),
)
TIMES = np.array([0.0, 0.7, 2.1, 5.3, 13.9, 40.1])


@given(parts, parts, parts)
def test_sums_commute_and_associate(a, b, c):
    law = (a + b) + c
    for other in (a + (b + c), (c + a) + b):
        assert law.sf(TIMES) == pytest.approx(other.sf(TIMES), abs=1e-8)
        assert law.mean() == pytest.approx(a.mean() + b.mean() + c.mean())
        assert law.var() == pytest.approx(other.var())
    s = np.array([0.3, 1 + 2j])
    assert law.lst(s) == pytest.approx(a.lst(s) * b.lst(s) * c.lst(s), abs=1e-13)


@given(parts, parts, st.floats(0, 1))
def test_mixtures_mix_and_a_mixture_of_equals_is_itself(a, b, weight):
    law = mixture([(weight, a), (1 - weight, b)])
    mixed = weight * a.sf(TIMES) + (1 - weight) * b.sf(TIMES)
    assert law.sf(TIMES) == pytest.approx(mixed, abs=1e-13)
    assert law.mean() == pytest.approx(weight * a.mean() + (1 - weight) * b.mean())
    second = weight * (a.var() + a.mean() ** 2) + (1 - weight) * (b.var() + b.mean() ** 2)
    assert law.var() + law.mean() ** 2 == pytest.approx(second)
    same = mixture([(weight, a), (1 - weight, a)])
    assert same.sf(TIMES) == pytest.approx(a.sf(TIMES), abs=1e-13)
    assert same.ppf([0.2, 0.9]) == pytest.approx(a.ppf([0.2, 0.9]), rel=1e-9)


@given(parts, parts, parts, st.floats(0.01, 0.99))
def test_sums_distribute_over_mixtures(a, b, c, weight):
    outside = mixture([(weight, a), (1 - weight, b)]) + c
    inside = mixture([(weight, a + c), (1 - weight, b + c)])
    assert outside.sf(TIMES) == pytest.approx(inside.sf(TIMES), abs=1e-8)


@settings(max_examples=40)
@given(parts, parts)
def test_the_distribution_function_of_a_sum_rises_and_its_percentile_inverts_it(a, b):
    law = a + b
    t = np.linspace(0, law.mean() + 5 * math.sqrt(law.var()) + 1, 40)
    rises = law.cdf(t)
    assert np.all(np.diff(rises) > -1e-8)
    assert np.all((rises >= 0) & (rises <= 1))
    middle = law.ppf(0.6)
    step = 1e-6 * (1 + middle)
    assert law.cdf(middle - step) - 1e-8 <= 0.6 <= law.cdf(middle + step) + 1e-8


def test_constants_are_added_exactly():
    assert (SECOND + 3).sf([2, 3, 4]) == pytest.approx([1, 1, math.exp(-1)], rel=1e-15)
    assert (3 + SECOND).ppf(0.5) == (SECOND + 1 + 2).ppf(0.5) == 3 + SECOND.ppf(0.5)
    assert (deterministic(mean=1) + 2.5).ppf(0.99) == 3.5
    assert sum([SECOND, SECOND, 1]).mean() == 3


# Times that never come, and what lies beyond the digits


def test_a_branch_that_overloads_is_a_fact():
    law = mixture([(0.75, SECOND), (0.25, NEVER)])
    assert law.ppf([0.5, 0.75, 0.9]) == pytest.approx([math.log(3), math.inf, math.inf], rel=1e-14)
    assert law.mean() == law.var() == math.inf
    assert math.isnan(law.scv())
    later = law + SECOND + 2
    assert later.ppf([0.3, 0.8]) == pytest.approx([2 + stats.gamma(2).ppf(0.4), math.inf], rel=1e-7)
    assert later.cdf([100, 1e300, math.inf]) == pytest.approx([0.75, 0.75, 0.75])
    assert (NEVER + SECOND).ppf(0) == math.inf
    assert NEVER.sf([0, 1e300]).tolist() == [1, 1]
    slow = mixture([(0.5, exponential(mean=1e6)), (0.5, NEVER)])
    assert slow.ppf(0.25) == pytest.approx(1e6 * math.log(2), rel=1e-12)
    assert mixture([(1, SECOND), (0, NEVER)]).mean() == 1
    assert NEVER.lst([1, 0]).tolist() == [0, 0]


def test_a_percentile_beyond_the_digits_of_a_sum_is_refused():
    law = SECOND + SECOND
    assert law.ppf(1 - 1e-9) == pytest.approx(stats.gamma(2).isf(1e-9), rel=1e-3)
    with pytest.raises(ValueError, match=r"good to 1e-09: p must be at most 0.999999999, got 0.99"):
        law.ppf([0.5, 1 - 1e-10])
    assert SECOND.ppf(1 - 1e-15) == pytest.approx(34.5, abs=0.1)


# Mistakes


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(0.5, SECOND)], "the probabilities of a mixture must sum to 1, got 0.5"),
        ([(0.5, SECOND), (0.5005, SECOND)], "the probabilities of a mixture must sum to 1, got 1"),
        ([(0.5, SECOND), (0.6, SECOND)], "the probabilities of a mixture must sum to 1, got 1.1"),
        ([(-0.5, SECOND), (1.5, SECOND)], "probability must be a finite number of at least 0, "),
        ([(math.nan, SECOND)], "probability must be a finite number of at least 0, got nan"),
        ([(True, SECOND)], "probability must be a finite number of at least 0, got True"),
        ([], r"mixture needs pairs \(probability, distribution\), got \[\]"),
        ([(1, 3)], r"mixture needs pairs \(probability, distribution\), got \[\(1, 3\)\]"),
        ([SECOND], r"mixture needs pairs \(probability, distribution\), got \[Gamma"),
        (SECOND, r"mixture needs pairs \(probability, distribution\), got Gamma"),
        ([(1, SECOND, 2)], r"mixture needs pairs \(probability, distribution\), got "),
    ],
)
def test_what_is_no_mixture_is_refused(pairs, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        mixture(pairs)


def test_probabilities_that_sum_to_1_but_for_rounding_are_made_to():
    law = mixture([(0.3 + 1e-10, SECOND), (0.7, SECOND)])
    assert law.sf(0) == 1
    assert mixture([(1 / 3, SECOND)] * 3).ppf(0) == 0


@pytest.mark.parametrize("other", [-1, math.inf, math.nan, "3", None, True, [1]])
def test_only_times_are_added(other):
    with pytest.raises(ValueError, match="must be a finite number of at least 0, got "):
        SECOND + other
