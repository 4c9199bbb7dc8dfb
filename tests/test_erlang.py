"""Erlang's formulas against sums of falling factorials and Fortet's integral in forty digits."""

import time
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing import erlang_b, erlang_b_load, erlang_b_servers, erlang_c, erlang_c_servers

BAR = 1e-10
TABLE = pd.read_csv(
    Path(__file__).parent / "authorities" / "erlang_b_loads.csv", comment="#", dtype=str
)

servers_upto = st.floats(0.01, 1e6)
loads = st.floats(1e-6, 1e6)
fractions = st.floats(1e-9, 0.999)


@pytest.fixture(autouse=True, scope="module")
def forty_digits():
    with mpmath.workdps(40):
        yield


def exact_b(servers, offered_load):
    """1/B = sum_j c (c-1) ... (c-j+1) / a^j: all terms positive, none subtracted."""
    a, term, total = mpmath.mpf(offered_load), mpmath.mpf(1), mpmath.mpf(1)
    for left in range(int(servers), 0, -1):
        term *= left / a
        total += term
        if left < a and term < total * mpmath.mpf(10) ** -25:
            break
    return 1 / total


def fortet_b(servers, offered_load):
    """1/B = int_0^inf e^-u (1 + u/a)^f du below one server, then B <- a B / (c + a B), upwards."""
    a, c = mpmath.mpf(offered_load), mpmath.mpf(servers)
    f = c - mpmath.floor(c)
    corners = sorted({mpmath.mpf(x) for x in (0, min(a, 1) / 10, min(a, 5), 20, 60, 150)})
    blocking = 1 / mpmath.quad(lambda u: mpmath.exp(-u) * (1 + u / a) ** f, corners)
    for k in range(1, int(c) + 1):
        blocking = a * blocking / (f + k + a * blocking)
    return blocking


def unrolled_b(servers, offered_load):
    """1/B(c) = 1 + c / a / B(c - 1), down to 1/B(f) = e^a a^-f Gamma(f + 1, a), f below 1."""
    a, c = mpmath.mpf(offered_load), mpmath.mpf(servers)
    term, total = mpmath.mpf(1), mpmath.mpf(0)
    while c >= 1:
        total += term
        term *= c / a
        c -= 1
        if c < a and term < total * mpmath.mpf(10) ** -25:
            return 1 / total
    return 1 / (total + term * mpmath.exp(a) * a**-c * mpmath.gammainc(c + 1, a))


def exact_c(servers, offered_load, blocking):
    """C = c B / (c - a + a B)."""
    a = mpmath.mpf(offered_load)
    return servers * blocking / (servers - a + a * blocking)


def error(value, exact):
    return float(abs(mpmath.mpf(float(value)) / exact - 1))


# Against forty digits


@pytest.mark.parametrize(
    "servers", [1, 2, 3, 7, 15, 16, 17, 40, 100, 300, 1000, 10_000, 100_000, 1_000_000]
)
def test_b_and_c_agree_with_forty_digits_for_whole_servers(servers):
    ratios = [1e-6, 1e-3, 0.1, 0.5, 0.8, 0.95, 0.99, 0.9999, 0.999999, 1, 1.0001, 1.1, 2, 1000]
    spread = [1 + k / servers**0.5 for k in (-30, -10, -3, 1.1, 2, 4, 8, 10.1, 12)]
    checked = 0
    for load in servers * np.array(ratios + spread):
        if not 1e-6 <= load <= 1e6 or (servers > 1e4 and float(erlang_b(servers, load)) < 1e-290):
            continue
        exact = exact_b(servers, load)
        if exact > 1e-300:
            assert error(erlang_b(servers, load), exact) < BAR
            checked += 1
            if load < servers:
                assert error(erlang_c(servers, load), exact_c(servers, load, exact)) < BAR
    assert checked >= 6


@pytest.mark.parametrize("servers", [1e-4, 0.01, 0.3, 0.5, 1.5, 2.7, 15.9, 16.1, 99.5, 730.2])
def test_b_and_c_agree_with_fortets_integral_for_fractional_servers(servers):
    near = [max(servers + k * servers**0.5, 1e-6) for k in (-3, 3, 9, 12)]
    for load in [1e-6, servers / 2, 0.999999 * servers, 30.0, 1e6, *near]:
        exact = fortet_b(servers, load)
        if exact > 1e-300:
            assert error(erlang_b(servers, load), exact) < BAR
            if load < servers:
                assert error(erlang_c(servers, load), exact_c(servers, load, exact)) < BAR


def test_b_c_and_the_load_agree_with_forty_digits_on_a_random_grid_and_at_its_corners():
    rng = np.random.default_rng(1917)
    servers = 10 ** rng.uniform(0, 3.5, 120)
    servers[::3] = np.floor(servers[::3])
    loads = 10 ** rng.uniform(-6, 6, servers.size)
    loads[40:80] = servers[40:80] * (1 - 10 ** rng.uniform(-6, 0, 40))
    loads[80:] = servers[80:] + rng.uniform(-0.999, 15, 40) * np.sqrt(servers[80:])
    corners = [(1, 1e-6), (1, 0.999999), (1, 1e6), (1.5, 1e-6), (1.5, 1e6), (20, 1e-6)]
    corners += [(999_999.5, 0.98e6), (1e6, 0.98e6), (5e5 + 0.25, 0.49e6), (1e5 + 0.5, 1e5 - 2e3)]
    checked = 0
    for c, a in [*zip(servers, loads, strict=True), *corners]:
        exact = unrolled_b(c, a)
        if exact < 1e-300:
            assert erlang_b(c, a) < 1e-299
            continue
        checked += 1
        assert error(erlang_b(c, a), exact) < BAR
        if a <= 0.9999995 * c:
            assert error(erlang_c(c, a), exact_c(mpmath.mpf(c), a, exact)) < BAR
        if exact < 0.999:
            assert error(erlang_b_load(c, float(exact)), mpmath.mpf(a)) < BAR
    assert checked > 100


def test_the_two_references_agree_with_each_other_and_with_a_value_done_by_hand():
    assert abs(fortet_b(3, 2) - mpmath.mpf(4) / 19) < mpmath.mpf(10) ** -20  # 8/6 : 1+2+2+8/6
    assert abs(exact_b(3, 2) - mpmath.mpf(4) / 19) < mpmath.mpf(10) ** -35
    assert abs(fortet_b(60, 50) / exact_b(60, 50) - 1) < mpmath.mpf(10) ** -20
    assert abs(fortet_b(9.7, 8) / unrolled_b(9.7, 8) - 1) < mpmath.mpf(10) ** -20
    assert abs(exact_b(90, 40) / unrolled_b(90, 40) - 1) < mpmath.mpf(10) ** -20


def test_tiny_probabilities_keep_their_digits():
    for servers, load in [(120, 0.5), (50, 1e-4), (165, 1.0), (1000, 400.0), (1_000_000, 970_000)]:
        exact = exact_b(servers, load)
        assert 1e-305 < exact < 1e-130
        assert error(erlang_b(servers, load), exact) < BAR


def test_a_million_values_take_seconds():
    rng = np.random.default_rng(7)
    servers = np.floor(10 ** rng.uniform(0, 6, 1_000_000))
    start = time.perf_counter()
    waiting = erlang_c(servers, servers * rng.uniform(0.5, 0.999999, servers.size))
    assert time.perf_counter() - start < 10
    assert np.all((waiting >= 0) & (waiting <= 1))


# Published numbers


@pytest.mark.parametrize("row", TABLE.to_numpy().tolist(), ids=" ".join)
def test_the_printed_table_is_met_to_its_last_digit(row):
    servers, target, printed = row
    digits = len(printed.partition(".")[2])
    load = erlang_b_load(int(servers), float(target))
    assert abs(load - float(printed)) < 0.5 * 10**-digits


def test_the_printed_table_tells_a_server_more_from_a_server_less():
    servers, target, printed = TABLE.astype(float).to_numpy().T
    for wrong in (servers - 1, servers + 1):
        assert np.all(np.abs(erlang_b_load(wrong, target) / printed - 1) > 0.01)


# Laws


@given(servers_upto, loads)
def test_a_server_more_follows_the_recursion(servers, load):
    blocking = erlang_b(servers, load)
    following = load * blocking / (servers + 1 + load * blocking)
    assert erlang_b(servers + 1, load) == pytest.approx(following, rel=1e-9, abs=1e-300)


@given(servers_upto, loads, st.floats(1.0001, 3))
def test_more_servers_block_less_and_more_load_blocks_more(servers, load, factor):
    slack = 1 + 1e-11
    assert erlang_b(servers * factor, load) <= erlang_b(servers, load) * slack
    assert erlang_b(servers, load * factor) * slack >= erlang_b(servers, load)
    assert erlang_c(servers * factor, load) <= erlang_c(servers, load) * slack
    assert erlang_c(servers, load * factor) * slack >= erlang_c(servers, load)


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_probabilities_stay_between_0_and_1(servers, load):
    assert 0 <= erlang_b(servers, load) <= 1
    assert 0 <= erlang_c(servers + 1e-9, load) <= 1


@given(servers_upto, loads)
def test_who_may_wait_waits_more_often_than_he_would_be_lost(servers, load):
    assert erlang_c(servers, load) >= erlang_b(servers, load) * (1 - 1e-14)


def test_functions_broadcast_and_return_numbers_for_numbers():
    table = erlang_b([1, 2, 3], [[0.5], [2.0]])
    assert table.shape == (2, 3)
    assert table[1, 2] == erlang_b(3, 2.0)
    assert erlang_c(np.float32(3), np.int8(2)) == erlang_c(3, 2)
    assert isinstance(erlang_b(3, 2), np.float64)
    assert isinstance(erlang_b_servers(3, 0.1), np.int64)
    assert erlang_b([], 1.0).shape == (0,)
    assert erlang_b_servers([1, 2], [[0.1], [0.2]]).shape == (2, 2)
    assert erlang_b_load([], 0.1).shape == (0,)


# Inverses


@pytest.mark.parametrize(("load", "target"), [(0.5, 1e-6), (9, 0.2), (84, 0.01), (980_000, 1e-5)])
def test_the_servers_found_are_enough_and_one_fewer_is_not(load, target):
    servers = int(erlang_b_servers(load, target))
    assert exact_b(servers, load) <= target < exact_b(servers - 1, load)
    servers = int(erlang_c_servers(load, target))
    waiting, fewer = (exact_c(c, load, exact_b(c, load)) for c in (servers, servers - 1))
    assert waiting <= target
    assert target < fewer or servers - 1 <= load


@given(st.floats(0, 1e5), st.floats(1e-300, 0.999))
def test_the_servers_found_are_the_fewest(load, target):
    lost, waiting = int(erlang_b_servers(load, target)), int(erlang_c_servers(load, target))
    assert 1 <= lost <= waiting
    assert erlang_b(lost, load) <= target * (1 + 1e-12) < erlang_b(lost - 1, load)
    assert erlang_c(waiting, load) <= target * (1 + 1e-12)
    assert waiting == 1 or target * (1 + 1e-12) < erlang_c(waiting - 1, load)


@pytest.mark.parametrize("servers", [1, 3, 12, 250, 30_000])
def test_servers_of_a_probability_are_the_servers_it_came_from(servers):
    load = 0.8 * servers
    assert erlang_b_servers(load, erlang_b(servers, load)) == servers
    assert erlang_c_servers(load, erlang_c(servers, load)) == servers


def test_a_target_missed_by_more_than_rounding_is_missed():
    for find, probability in ((erlang_b_servers, erlang_b), (erlang_c_servers, erlang_c)):
        target = probability(12, 9.0)
        assert find(9.0, target * (1 - 1e-10)) == 13
        assert find(9.0, target * (1 + 1e-10)) == find(9.0, target * (1 - 1e-13)) == 12


@pytest.mark.parametrize("servers", [1, 2, 10, 77, 1000, 1_000_000])
@pytest.mark.parametrize("target", [1e-300, 1e-9, 0.01, 0.5, 0.99])
def test_the_load_found_blocks_as_it_should(servers, target):
    load = mpmath.mpf(float(erlang_b_load(servers, target)))
    low, high = (exact_b(servers, load * (1 + side * BAR)) for side in (-1, 1))
    assert low < target < high


@given(st.floats(0.05, 1e5), fractions)
def test_load_is_the_inverse_of_blocking(servers, target):
    load = erlang_b_load(servers, target)
    if load > 1e-300:
        assert erlang_b(servers, load) == pytest.approx(target, rel=1e-9)


# Facts, extremes and mistakes


def test_overload_and_emptiness_are_facts():
    assert erlang_c(3, 3) == erlang_c(3, 1e6) == 1
    assert erlang_c(3, 0) == erlang_b(3, 0) == 0
    assert erlang_b(0, 5) == pytest.approx(1, rel=1e-15)
    assert erlang_b_servers(0, 0.5) == erlang_c_servers(0, 0.5) == 1
    assert erlang_c_servers(5, 1 - 1e-16) == 5  # C = 1 on five servers, but 1e-16 is rounding


def test_extremes_neither_warn_nor_leave_the_possible():
    assert erlang_b(1, 1e300) == erlang_b(1e-300, 1e300) == 1
    assert erlang_b(1e300, 1) == erlang_b(1e6, 1e-6) == 0
    assert erlang_b(1, 5e-324) == 5e-324
    assert erlang_c(1e-300, 1e-300) == 1
    assert 0 < erlang_b_load(100, 5e-324) < erlang_b_load(100, 1e-300)
    assert erlang_b_load(1e6, 1 - 1e-16) > 1e21
    assert erlang_b_servers(1e6, 1e-300) == 1_037_185


@pytest.mark.parametrize("bad", [True, "3", None, float("nan"), float("inf"), -1, 1j, 10**400])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("function", [erlang_b, erlang_c])
def test_what_is_no_number_is_refused_by_name(function, place, bad):
    name = ["servers", "offered_load"][place]
    arguments = [3, 2]
    arguments[place] = bad
    with pytest.raises(ValueError, match=f"^{name} must hold finite numbers .*, got "):
        function(*arguments)


@pytest.mark.parametrize("bad", [0, 1, 95, -0.1, float("nan"), True, None])
def test_a_target_outside_0_and_1_is_refused_by_name(bad):
    words = "must hold finite numbers above 0 and below 1, got "
    with pytest.raises(ValueError, match=f"^blocking_probability {words}"):
        erlang_b_servers(5, bad)
    with pytest.raises(ValueError, match=f"^blocking_probability {words}"):
        erlang_b_load(5, bad)
    with pytest.raises(ValueError, match=f"^wait_probability {words}"):
        erlang_c_servers(5, bad)


@pytest.mark.parametrize("function", [erlang_c, erlang_b_load])
def test_no_servers_at_all_are_refused_where_nobody_could_be_served(function):
    with pytest.raises(ValueError, match=r"^servers must hold finite numbers above 0, got 0"):
        function(0, 0.5)


@pytest.mark.parametrize("smallest", [erlang_b_servers, erlang_c_servers])
def test_a_load_beyond_whole_numbers_is_refused(smallest):
    assert smallest(1e15, 0.2) == pytest.approx(1e15, rel=0.3)
    with pytest.raises(ValueError, match="offered_load"):
        smallest(1e18, 0.2)
