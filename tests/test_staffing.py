"""The servers found keep the promise and one fewer does not, judged without the code under test."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from queueing import MMc, erlang_c, erlang_c_servers, servers_for

rates = st.floats(1e-3, 1e3)
loads = st.floats(0.01, 200)
fractions = st.floats(0.01, 0.9999)


def waiting(arrival_rate, service_rate, servers):
    """C(c, a) in thirty digits, from the sums of its definition; 1 in overload."""
    a = mpmath.mpf(arrival_rate) / mpmath.mpf(service_rate)
    if a >= servers:
        return mpmath.mpf(1)
    full = mpmath.mpf(1)
    below = mpmath.mpf(0)
    for k in range(1, servers + 1):
        below += full
        full *= a / k
    full *= servers / (servers - a)
    return full / (below + full)


def waits_longer(arrival_rate, service_rate, servers, seconds):
    """P(wait > t) = C e^(-theta t)."""
    spare = max(servers * mpmath.mpf(service_rate) - mpmath.mpf(arrival_rate), mpmath.mpf(0))
    return waiting(arrival_rate, service_rate, servers) * mpmath.exp(-spare * seconds)


def takes_longer(arrival_rate, service_rate, servers, seconds):
    """P(wait + service > t), by quadrature over the service."""
    mu, t = mpmath.mpf(service_rate), mpmath.mpf(seconds)
    late = mpmath.quad(
        lambda s: (
            mu * mpmath.exp(-mu * s) * waits_longer(arrival_rate, service_rate, servers, t - s)
        ),
        [0, t],
    )
    return mpmath.exp(-mu * t) + late


@pytest.fixture(autouse=True, scope="module")
def thirty_digits():
    with mpmath.workdps(30):
        yield


CASES = [(12, 6), (0.3, 1), (0.95, 1), (9.5, 1), (100 / 3600, 1 / 300), (480, 4)]
cases = pytest.mark.parametrize(("arrival_rate", "service_rate"), CASES)


@cases
@pytest.mark.parametrize("target", [0.5, 0.2, 0.01, 1e-9])
def test_no_fewer_servers_keep_a_probability_of_waiting(arrival_rate, service_rate, target):
    promise = {"arrival_rate": arrival_rate, "service_rate": service_rate}
    servers = servers_for(**promise, wait_probability=target)
    assert isinstance(servers, int)
    assert waiting(*promise.values(), servers) <= target
    assert servers == 1 or waiting(*promise.values(), servers - 1) > target


@cases
@pytest.mark.parametrize(("fraction", "services"), [(0.8, 0.05), (0.95, 1), (0.999, 0), (0.5, 3)])
def test_no_fewer_servers_keep_a_bound_on_the_wait(arrival_rate, service_rate, fraction, services):
    seconds = services / service_rate
    rates_ = (arrival_rate, service_rate)
    servers = servers_for(
        arrival_rate=arrival_rate, service_rate=service_rate, wait_within=(fraction, seconds)
    )
    assert waits_longer(*rates_, servers, seconds) <= 1 - fraction
    assert servers == 1 or waits_longer(*rates_, servers - 1, seconds) > 1 - fraction


@cases
@pytest.mark.parametrize(("fraction", "services"), [(0.8, 2), (0.95, 3.2), (0.5, 0.7), (0.999, 9)])
def test_no_fewer_servers_keep_a_bound_on_the_time(arrival_rate, service_rate, fraction, services):
    seconds = services / service_rate
    rates_ = (arrival_rate, service_rate)
    servers = servers_for(
        arrival_rate=arrival_rate, service_rate=service_rate, time_within=(fraction, seconds)
    )
    assert takes_longer(*rates_, servers, seconds) <= 1 - fraction
    assert servers == 1 or takes_longer(*rates_, servers - 1, seconds) > 1 - fraction


@given(rates, loads, fractions, st.floats(0, 5))
def test_the_servers_found_are_the_fewest(rate, load, fraction, services):
    arrival, seconds = load * rate, services / rate
    servers = servers_for(arrival_rate=arrival, service_rate=rate, wait_within=(fraction, seconds))
    station = MMc(arrival_rate=arrival, service_rate=rate, servers=servers)
    assert station.wait.cdf(seconds) >= fraction - 1e-12
    assert servers == 1 or station.with_servers(servers - 1).wait.cdf(seconds) < fraction + 1e-12


@given(rates, loads, fractions, st.floats(0.01, 5))
def test_a_bound_on_the_time_wants_at_least_the_servers_of_the_same_bound_on_the_wait(
    rate, load, fraction, services
):
    assume(-math.expm1(-services) > fraction * (1 + 1e-9))
    arrival, promise = load * rate, (fraction, services / rate)
    time = servers_for(arrival_rate=arrival, service_rate=rate, time_within=promise)
    wait = servers_for(arrival_rate=arrival, service_rate=rate, wait_within=promise)
    assert time >= wait
    station = MMc(arrival_rate=arrival, service_rate=rate, servers=time)
    assert station.time_in_system.cdf(promise[1]) >= fraction - 1e-12
    if time > 1:
        assert station.with_servers(time - 1).time_in_system.cdf(promise[1]) < fraction + 1e-12


@given(rates, loads, fractions)
def test_not_to_wait_at_all_is_the_promise_of_erlang_c(rate, load, fraction):
    arrival = load * rate
    servers = servers_for(arrival_rate=arrival, service_rate=rate, wait_within=(fraction, 0))
    chance = servers_for(arrival_rate=arrival, service_rate=rate, wait_probability=1 - fraction)
    assert servers == chance == erlang_c_servers(arrival / rate, 1 - fraction)


@pytest.mark.parametrize("hundredths", range(1, 100))
def test_a_promise_that_is_kept_to_rounding_is_kept(hundredths):
    load = hundredths / 100
    promise = {"arrival_rate": load, "service_rate": 1}
    assert servers_for(**promise, wait_probability=load) == 1
    assert servers_for(**promise, wait_within=(1 - load, 0)) == 1
    target = float(erlang_c(5, 5 * load))
    if target > 1e-9:
        crowd = {"arrival_rate": 5 * load, "service_rate": 1}
        assert servers_for(**crowd, wait_within=(1 - target, 0)) == 5


def test_a_thousand_times_the_traffic_is_staffed_at_once():
    servers = servers_for(arrival_rate=1e6, service_rate=1, wait_within=(0.9, 0))
    assert erlang_c(servers, 1e6) <= 0.1 < erlang_c(servers - 1, 1e6)
    assert servers_for(arrival_rate=0, service_rate=1, wait_probability=1e-9) == 1
    assert servers_for(arrival_rate=0, service_rate=1, time_within=(0.9, 3)) == 1


def test_the_call_centre_of_the_doctest_by_hand():
    """100 calls an hour of five minutes: 12 agents answer 80 % within 20 s, 11 do not."""
    kept = [waits_longer(100 / 3600, 1 / 300, c, 20) <= 0.2 for c in (11, 12)]
    assert kept == [False, True]
    assert servers_for(arrival_rate=100 / 3600, service_rate=1 / 300, wait_within=(0.8, 20)) == 12


# Mistakes


def test_a_time_that_the_service_alone_exceeds_is_refused_with_its_reason():
    words = (
        r"time_within: no number of servers will do, since the service alone takes longer than 2 s "
        r"with probability 0.135, and 0.1 is allowed"
    )
    with pytest.raises(ValueError, match=words):
        servers_for(arrival_rate=1, service_rate=1, time_within=(0.9, 2))
    just_enough = (0.9, math.log(10) * (1 + 1e-9))
    assert servers_for(arrival_rate=1, service_rate=1, time_within=just_enough) < 20


@pytest.mark.parametrize(
    "promises",
    [
        {},
        {"wait_probability": 0.1, "wait_within": (0.9, 1)},
        {"wait_within": (0.9, 1), "time_within": (0.9, 5)},
    ],
)
def test_exactly_one_promise_is_wanted(promises):
    with pytest.raises(ValueError, match="keeps exactly one promise: give one of wait_probability"):
        servers_for(arrival_rate=1, service_rate=1, **promises)


@pytest.mark.parametrize("bad", [0, 1, 95, -0.1, math.nan, "0.1", True, [0.1, 0.2]])
def test_a_probability_that_cannot_be_is_refused(bad):
    words = r"^wait_probability must be a finite number above 0 and below 1, got "
    with pytest.raises(ValueError, match=words):
        servers_for(arrival_rate=1, service_rate=1, wait_probability=bad)


@pytest.mark.parametrize("promise", ["wait_within", "time_within"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.95, r" is a pair \(fraction, seconds\) such as \(0.95, 2.0\), got 0.95"),
        ((0.95,), r" is a pair \(fraction, seconds\) such as "),
        (np.array([0.95, 1]), r" is a pair \(fraction, seconds\) such as "),
        ((95, 1), "'s fraction must be a finite number above 0 and below 1, got 95"),
        ((0.95, -1), "'s seconds must be a finite number of at least 0, got -1"),
        ((0.95, math.inf), "'s seconds must be a finite number of at least 0, got inf"),
        (("a", 1), "'s fraction must be a finite number above 0 and below 1, got 'a'"),
    ],
)
def test_a_pair_that_cannot_be_is_refused(promise, value, words):
    with pytest.raises(ValueError, match=f"^{promise}{words}"):
        servers_for(arrival_rate=1, service_rate=1, **{promise: value})


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "3", True])
def test_rates_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"^arrival_rate must be a finite number of at least 0, "):
        servers_for(arrival_rate=bad, service_rate=1, wait_probability=0.1)
    with pytest.raises(ValueError, match=r"^service_rate must be a finite number above 0, got "):
        servers_for(arrival_rate=1, service_rate=bad, wait_probability=0.1)
