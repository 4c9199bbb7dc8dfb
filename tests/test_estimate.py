"""Estimates: Student's interval, pairs, Welch; and that intervals keep their word."""

import math

import numpy as np
import pytest
from scipy import stats

from queueing.simulation.estimate import Estimate


def test_the_interval_is_students() -> None:
    sample = [4.2, 4.6, 4.5, 4.4, 4.9]
    low, high = stats.t.interval(0.95, 4, np.mean(sample), stats.sem(sample))
    estimate = Estimate.of(sample)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), rel=1e-12)
    assert estimate.replications == 5


@pytest.mark.parametrize(("sample_mean", "covered"), [(0.0, True), (0.8, False)])
def test_intervals_cover_as_often_as_they_say(sample_mean: float, *, covered: bool) -> None:
    """2 000 intervals of 8 normal values: 95 % within four standard errors, or the mean is off."""
    rng = np.random.default_rng(5)
    inside = sum(0 in Estimate.of(rng.normal(sample_mean, 1, 8)) for _ in range(2000))
    error = math.sqrt(0.95 * 0.05 / 2000)
    assert (abs(inside / 2000 - 0.95) < 4 * error) is covered


def test_pairs_of_one_seed_are_narrower() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 10, 20)
    one, other = noise + 1, noise + rng.normal(0, 0.1, 20)
    paired = Estimate.of(one, seed=7) - Estimate.of(other, seed=7)
    apart = Estimate.of(one, seed=7) - Estimate.of(other, seed=8)
    assert 1 in paired
    assert paired.half_width < apart.half_width / 20


def test_without_a_common_seed_the_difference_is_welchs() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.normal(5, 1, 12), rng.normal(3, 4, 9)
    welch = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    difference = Estimate.of(one) - Estimate.of(other)
    assert (difference.low, difference.high) == pytest.approx((welch.low, welch.high), rel=1e-9)


def test_one_replication_has_no_interval_and_says_so() -> None:
    alone = Estimate.of([3.0])
    assert math.isnan(alone.half_width)
    assert repr(alone) == "3 (n=1, no interval)"
    with pytest.raises(ValueError, match="one replication has no interval"):
        _ = 3.0 in alone


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.0725, 0.0741, 0.0757], "0.0741 ± 0.0040 (95 %, n=3)"),
        ([101_000, 99_000, 104_000], "101,300 ± 6,300 (95 %, n=3)"),
        ([2.0, 2.0], "2.000000 ± 0.000000 (95 %, n=2)"),
    ],
)
def test_it_is_written_to_two_digits_of_its_half_width(values: list[float], written: str) -> None:
    assert repr(Estimate.of(values)) == written


def test_nothing_is_no_estimate() -> None:
    with pytest.raises(ValueError, match="at least one replication"):
        Estimate.of([])
    with pytest.raises(ValueError, match="confidence"):
        Estimate.of([1.0, 2.0], confidence=95)
