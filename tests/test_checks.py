"""A parameter that cannot be is refused in words: the argument, the value and what is allowed."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from queueing import checks

NO_NUMBERS = [True, False, np.True_, "3", None, 3 + 0j, Decimal(3), [3], np.array([3.0])]
NOT_FINITE = [math.nan, math.inf, -math.inf, np.float64("nan")]


def refusal(check, *arguments, **limits):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are looked at by the caller
        check(*arguments, **limits)
    return str(caught.value)


@pytest.mark.parametrize("value", [6, 6.0, np.int8(6), np.uint64(6), np.float32(6), Fraction(6)])
def test_any_kind_of_real_number_is_returned_as_a_float(value):
    number = checks.real("service_rate", value, above=0)
    assert number == 6
    assert type(number) is float


@pytest.mark.parametrize("value", NO_NUMBERS + NOT_FINITE)
def test_what_is_no_finite_number_is_refused(value):
    words = refusal(checks.real, "service_rate", value, above=0)
    assert words == f"service_rate must be a finite number above 0, got {value!r}"


@pytest.mark.parametrize(
    ("limits", "good", "bad", "allowed"),
    [
        ({"above": 0}, 5e-324, 0, "above 0"),
        ({"at_least": 0}, 0, -5e-324, "of at least 0"),
        ({"below": 1}, 0.999, 1, "below 1"),
        ({"above": 0, "below": 1}, 0.5, 1.0, "above 0 and below 1"),
        ({"at_least": 1.5, "below": 2}, 1.5, 2, "of at least 1.5 and below 2"),
        ({}, -1e308, math.inf, ""),
    ],
)
def test_a_limit_is_kept_on_the_right_side_and_named(limits, good, bad, allowed):
    assert checks.real("x", good, **limits) == good
    assert checks.array("x", [good], **limits) == [good]
    words = f"a finite number {allowed}".strip()
    assert refusal(checks.real, "x", bad, **limits) == f"x must be {words}, got {bad!r}"
    words = f"finite numbers {allowed}".strip()
    got = f"{bad:g}"
    assert refusal(checks.array, "x", [good, bad], **limits) == f"x must hold {words}, got {got}"


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3), Fraction(3)])
def test_a_whole_number_is_returned_as_an_int(value):
    number = checks.whole("servers", value)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [0, -1, 2.5, Fraction(5, 2), *NO_NUMBERS, *NOT_FINITE])
def test_what_is_no_whole_number_or_too_small_is_refused(value):
    words = refusal(checks.whole, "servers", value)
    assert words == f"servers must be a whole number of at least 1, got {value!r}"


def test_the_least_whole_number_may_be_another():
    assert checks.whole("backlog", 0, at_least=0) == 0
    assert refusal(checks.whole, "backlog", 1, at_least=2).endswith("of at least 2, got 1")


def test_a_whole_number_beyond_what_floats_can_count_is_refused():
    assert checks.whole("servers", 10**15) == 10**15
    assert refusal(checks.whole, "servers", 10**30).startswith("servers must be at most 1,000,0")
    assert refusal(checks.whole, "n", 11, at_most=10) == "n must be at most 10, got 11"


@pytest.mark.parametrize("value", [4, [1, 2], ((1.5,), (2,)), np.arange(3, dtype=np.uint8), []])
def test_an_array_keeps_its_shape_and_holds_floats(value):
    floats = checks.array("offered_load", value, at_least=0)
    assert floats.shape == np.shape(value)
    assert floats.dtype == np.float64
    assert np.array_equal(floats, value)


@pytest.mark.parametrize("value", [True, "3", None, ["a"], [True, False], 1j, [None]])
def test_an_array_of_no_numbers_is_refused(value):
    words = refusal(checks.array, "offered_load", value, at_least=0)
    assert words == f"offered_load must hold finite numbers of at least 0, got {value!r}"


@pytest.mark.parametrize("value", [0, 0.0, 0.95, np.float32(0.5), [0, 0.5], []])
def test_a_fraction_is_accepted(value):
    assert np.array_equal(checks.fractions("p", value), np.asarray(value, dtype=float))


@pytest.mark.parametrize("value", [95, 1, 1.0, -0.1, math.nan, math.inf, True, "0.5", None])
def test_a_percentage_or_worse_is_refused_as_a_fraction(value):
    assert refusal(checks.fractions, "p", value) == f"p is a fraction in [0, 1), got {value}"


def test_one_bad_fraction_among_good_ones_is_refused():
    assert re.search("got .*95", refusal(checks.fractions, "p", [0.5, 95]))


@pytest.mark.parametrize("value", [[True, 2.0], (1, False), [np.True_, 1]])
def test_a_truth_among_numbers_is_no_number(value):
    with pytest.raises(ValueError, match="rates must hold finite numbers"):
        checks.array("rates", value)
