"""M/M/inf against Poisson's law, the chain of its number in time, and M/M/c with many servers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats

from queueing import MMc
from queueing.stations.infinite import MMInf

STATION = MMInf(arrival_rate=12, service_rate=6)
rates = st.floats(1e-3, 1e3)


@pytest.mark.parametrize("load", [1e-6, 0.3, 2, 40, 1e4, 1e6])
def test_the_number_present_is_poissons(load):
    law, exact = MMInf(arrival_rate=load, service_rate=1).number_in_system, stats.poisson(load)
    k = np.unique(np.floor(load + np.linspace(-8, 8, 41) * math.sqrt(load))) + 0.0
    k = np.append(k[k >= 0], [0, 1, 2, 9])
    seen = exact.pmf(k) > 1e-290
    assert law.pmf(k)[seen] == pytest.approx(exact.pmf(k)[seen], rel=1e-8)
    assert law.sf(k) == pytest.approx(exact.sf(k), rel=1e-9, abs=1e-290)
    assert law.cdf(k) == pytest.approx(exact.cdf(k), rel=1e-9, abs=1e-290)
    assert law.mean() == law.var() == load


def test_the_number_present_is_whole_and_not_negative():
    law = STATION.number_in_system
    assert law.pmf([-1, 0.5, math.nan, math.inf]).tolist() == [0, 0, 0, 0]
    assert law.sf([-1, -0.5]).tolist() == [1, 1]
    assert law.cdf([-1, -0.5]).tolist() == [0, 0]
    assert law.sf(1.5) == law.sf(1) == pytest.approx(1 - 3 * math.exp(-2))
    assert law.pmf([[0, 1]]).shape == (1, 2)


@pytest.mark.parametrize("start", [0, 3, 11])
def test_the_mean_in_time_is_the_chains(start):
    size = 60  # holds all but 1e-40 of Poisson's law with mean 2
    flow = np.diag(np.full(size - 1, 12.0), 1) + np.diag(6.0 * np.arange(1, size), -1)
    flow -= np.diag(flow.sum(axis=1))
    times = np.array([0, 0.01, 0.1, 0.5, 2])
    exact = [linalg.expm(flow * t)[start] @ np.arange(size) for t in times]
    assert STATION.transient(times, start=start) == pytest.approx(exact, rel=1e-10, abs=1e-12)
    assert STATION.transient(times, start) == pytest.approx(exact, rel=1e-10, abs=1e-12)


def test_the_mean_in_time_keeps_its_shape_and_its_ends():
    assert STATION.transient(0.5).shape == ()
    assert STATION.transient([[0, 1, 2]]).shape == (1, 3)
    assert STATION.transient([0, 1e300], start=7).tolist() == [7, 2]
    assert MMInf(arrival_rate=1e9, service_rate=1e-9).transient(1e-9) == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, True, "3", None])
def test_times_and_starts_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"^t must hold finite numbers of at least 0, got"):
        STATION.transient(bad)
    with pytest.raises(ValueError, match=r"^start must be a finite number of at least 0, got"):
        STATION.transient(1, start=bad)


@given(rates, rates)
def test_nobody_waits_and_little_holds(arrival, service):
    station = MMInf(arrival_rate=arrival, service_rate=service)
    assert station.mean_wait == station.wait_probability == station.mean_queue_length == 0
    assert station.wait.ppf(0.99) == station.wait.mean() == 0
    number = arrival * station.mean_time_in_system
    assert station.mean_number_in_system == pytest.approx(number, rel=1e-14)
    assert station.number_in_system.mean() == station.mean_number_in_system
    assert station.time_in_system.mean() == station.mean_time_in_system
    assert station.throughput == arrival
    assert station.offered_load == arrival / service


def test_many_servers_are_as_good_as_any_number():
    many = STATION.with_servers(60)
    assert many == MMc(arrival_rate=12, service_rate=6, servers=60)
    assert STATION.mean_number_in_system == pytest.approx(many.mean_number_in_system, rel=1e-14)
    k = np.arange(20)
    near = pytest.approx(many.number_in_system.pmf(k), rel=1e-12)
    assert STATION.number_in_system.pmf(k) == near
    assert STATION.servers == math.inf
    assert STATION.is_stable
    assert STATION.replace(service_rate=3).offered_load == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("utilization", "MMInf has no utilization: there are always more servers than customers"),
        ("traffic_intensity", "MMInf has no traffic_intensity: there are always more servers"),
        ("blocking_probability", "MMInf has no blocking_probability: nobody is turned away"),
        ("abandonment_probability", "MMInf has no abandonment_probability: nobody loses patience"),
        ("served_wait", "MMInf has no served_wait: nobody loses patience, and all are served"),
    ],
)
def test_what_it_has_not_is_refused_with_its_reason(name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(STATION, name)


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3], 3j])
def test_rates_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"^arrival_rate must be a finite number of at least 0"):
        STATION.replace(arrival_rate=bad)
    with pytest.raises(ValueError, match=r"^service_rate must be a finite number above 0"):
        STATION.replace(service_rate=bad)
    with pytest.raises(ValueError, match=r"^service_rate must be a finite number above 0"):
        STATION.replace(service_rate=0)
