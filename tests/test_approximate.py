"""G/G/c by two moments against published values, the stations that it approximates, and limits."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from queueing import MMc, allen_cunneen, erlang_c, hyperexponential
from queueing.stations.approximate import GGc
from queueing.stations.deterministic import MDc
from queueing.stations.phases import MPHc

TABLE = pd.read_csv(
    Path(__file__).parent / "authorities" / "whitt_probability_of_wait.csv",
    comment="#",
    index_col=0,
)
MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
either = pytest.mark.parametrize("approximation", ["allen-cunneen", "whitt"])
scvs = st.floats(0, 20)


def bank(servers, ratio, ca2, cs2, approximation="whitt"):
    return GGc(
        arrival_rate=ratio * servers,
        service_rate=1,
        servers=servers,
        interarrival_scv=ca2,
        service_scv=cs2,
        approximation=approximation,
    )


@pytest.mark.parametrize("name", list(TABLE.index))
def test_whitts_table_is_met(name):
    row = TABLE.loc[name]
    station = bank(int(row.servers), row.traffic_intensity, row.interarrival_scv, row.service_scv)
    assert station.wait_probability == pytest.approx(row.approximation, abs=0.006)
    busier = station.replace(arrival_rate=station.arrival_rate * 1.02)
    assert busier.wait_probability > row.approximation + 0.006


@pytest.mark.parametrize("servers", [2, 4, 10, 50])
@pytest.mark.parametrize("ratio", [0.5, 0.7, 0.9, 0.95])
def test_constant_services_are_within_two_percent(servers, ratio):
    """With ca2 = 1 and cs2 = 0 phi is phi1, Cosmetatos' correction for M/D/c."""
    exact = MDc(arrival_rate=ratio * servers, service_time=1, servers=servers)
    station = bank(servers, ratio, 1, 0)
    if exact.wait_probability > 0.1:
        assert station.mean_wait == pytest.approx(exact.mean_wait, rel=0.02)
        plain = bank(servers, ratio, 1, 0, "allen-cunneen").mean_wait
        assert abs(station.mean_wait / exact.mean_wait - 1) < abs(plain / exact.mean_wait - 1)


@pytest.mark.parametrize(("servers", "ratio"), [(2, 0.8), (10, 0.9), (30, 0.95)])
def test_variable_services_are_near_the_exact_chain(servers, ratio):
    service = hyperexponential(mean=1, scv=4)
    exact = MPHc(arrival_rate=ratio * servers, service=service, servers=servers)
    station = bank(servers, ratio, 1, 4)
    assert station.mean_wait == pytest.approx(exact.mean_wait, rel=0.08)
    assert station.wait_probability == pytest.approx(exact.wait_probability, abs=0.05)
    assert station.wait.ppf(0.99) == pytest.approx(exact.wait.ppf(0.99), rel=0.1)


@given(st.integers(1, 60), st.floats(0.05, 0.999), scvs, scvs)
def test_the_mean_wait_is_whitts_interpolation(servers, ratio, ca2, cs2):
    """Equations (2.16) to (2.25) once more, by weights."""
    station = bank(servers, ratio, ca2, cs2)
    rho, m = station.traffic_intensity, servers
    gamma = min(0.24, (1 - rho) * (m - 1) * (math.sqrt(4 + 5 * m) - 2) / (16 * m * rho))
    few, many = 1 + gamma, (1 - 4 * gamma) / math.exp((2 - 2 * rho) / (3 * rho))
    average = (ca2 + cs2) / 2
    same = 1.0 if average > 1 else min(1, (few + many) / 2) ** (2 - 2 * average)
    if ca2 == cs2:
        factor = same
    elif ca2 > cs2:
        weight = cs2 / (4 * ca2 - 3 * cs2)
        factor = weight * same + (1 - weight) * few
    else:
        weight = (cs2 - ca2) / (cs2 + ca2) / 2
        factor = weight * many + (1 - weight) * same
    plain = allen_cunneen(station.arrival_rate, 1, servers, ca2, cs2)
    assert station.mean_wait == pytest.approx(factor * plain, rel=1e-9, abs=1e-300)


@given(
    st.integers(1, 60), st.floats(0.3, 0.99), st.floats(0, 2).map(lambda x: x**2), st.floats(0.1, 9)
)
def test_the_wait_probability_is_whitts_interpolation(servers, ratio, ca2, cs2):
    """Equations (3.5) to (3.11) once more, from pi6 to pi1."""
    station, far = bank(servers, ratio, ca2, cs2), stats.norm.sf
    rho, m = station.traffic_intensity, servers
    z, slack = (ca2 + cs2) / (1 + cs2), (1 - rho) * math.sqrt(m)
    gamma = (m - m * rho - 0.5) / math.sqrt(m * rho * z)
    often = float(erlang_c(m, m * rho)) / far(slack)
    pi6, pi5 = far(gamma), min(1, often * far(2 * slack / (1 + ca2)))
    pi4 = min(1, often * far((1 + cs2) * slack / (ca2 + cs2)))
    pi1 = rho**2 * pi4 + (1 - rho**2) * pi5
    pi2 = ca2 * pi1 + (1 - ca2) * pi6
    pi3 = 2 * (1 - ca2) * (gamma - 0.5) * pi2 + (1 - 2 * (1 - ca2) * (gamma - 0.5)) * pi1
    exact = pi1 if m <= 6 or ca2 >= 1 or gamma <= 0.5 else pi2 if gamma >= 1 else pi3
    assert station.wait_probability == pytest.approx(min(exact, 1), rel=1e-8)


@pytest.mark.parametrize("servers", [1, 3, 8, 40])
@pytest.mark.parametrize("ratio", [0.3, 0.8, 0.99])
@either
def test_exponential_times_are_mmc(servers, ratio, approximation):
    station = bank(servers, ratio, 1, 1, approximation)
    exact = MMc(arrival_rate=ratio * servers, service_rate=1, servers=servers)
    for name in [*MEANS, "wait_probability", "utilization", "throughput"]:
        assert getattr(station, name) == pytest.approx(getattr(exact, name), rel=1e-9)
    p = [0.1, 0.9, 0.999]
    assert station.wait.ppf(p) == pytest.approx(exact.wait.ppf(p), rel=1e-9)


@given(st.integers(1, 60), st.floats(0.01, 0.999), scvs)
def test_poisson_arrivals_wait_as_often_as_erlang_says(servers, ratio, cs2):
    exact = float(erlang_c(servers, ratio * servers))
    assert bank(servers, ratio, 1, cs2).wait_probability == pytest.approx(exact, rel=1e-9)


@given(st.integers(1, 200), st.floats(0, 1.2), scvs, scvs)
@either
def test_answers_are_probabilities_and_times(approximation, servers, ratio, ca2, cs2):
    station = bank(servers, ratio, ca2, cs2, approximation)
    assert 0 <= station.wait_probability <= 1
    assert station.mean_wait >= 0
    wait = station.wait
    if station.is_stable and station.wait_probability > 0:
        assert wait.mean() == pytest.approx(station.mean_wait, rel=1e-9, abs=1e-300)
        if station.mean_wait > 0:
            assert wait.sf(0) == pytest.approx(station.wait_probability, abs=1e-12)
    assert wait.ppf(0.9) <= wait.ppf(0.99)
    slower = station.replace(service_rate=0.5, arrival_rate=station.arrival_rate / 2)
    assert slower.mean_wait == pytest.approx(2 * station.mean_wait, rel=1e-6, abs=1e-290)
    assert slower.wait_probability == pytest.approx(station.wait_probability, rel=1e-6)


@pytest.mark.parametrize(
    ("ratio", "cs2", "scv"),
    [  # 2 rho - 1 + 4 (1 - rho) d / (3 (1 + cs2)^2), d = 3 cs2 (1 + cs2) or (1 + 2 cs2) (1 + cs2)
        (0.5, 4, 1.6),
        (0.9, 1, 1.0),
        (0.9, 0, 0.8 + 0.4 / 3),
        (0.5, 0.5, 8 / 9),
        (0.2, 0, 0.5),  # below 0.501 Erlang's law of two stages
    ],
)
def test_those_who_wait_do_so_with_whitts_variability(ratio, cs2, scv):
    station = bank(4, ratio, 0.8, cs2)
    waits, mean = station.wait_probability, station.mean_wait
    squares = (station.wait.var() + mean**2) / waits
    assert squares / (mean / waits) ** 2 - 1 == pytest.approx(scv, rel=1e-7)


def test_regular_arrivals_to_many_servers_hardly_wait():
    """The three regimes of (3.10): few or busy servers, many idle ones, and between them."""
    waits = [bank(30, ratio, 0.2, 1).wait_probability for ratio in np.linspace(0.5, 0.999, 400)]
    assert np.abs(np.diff(waits)).max() < 0.02  # without a jump
    assert waits[0] < 1e-4
    assert bank(30, 0.5, 0, 0).wait_probability == bank(30, 0.5, 0, 0).mean_wait == 0
    assert bank(30, 0.5, 0, 0).wait.ppf(0.99) == 0


@either
def test_overload_emptiness_and_extremes(approximation):
    crowded = bank(3, 1.0, 0.5, 2, approximation)
    assert [getattr(crowded, name) for name in MEANS] == [math.inf] * 4
    assert crowded.wait_probability == crowded.utilization == 1
    assert crowded.wait.ppf(0.2) == math.inf
    empty = bank(3, 0, 0.5, 2, approximation)
    assert empty.mean_wait == empty.wait_probability == empty.wait.ppf(0.99) == 0
    for servers, ratio in ((1_000_000, 0.9), (1000, 1e-9), (5, 0.999999)):
        station = bank(servers, ratio, 0.5, 2, approximation)
        assert 0 <= station.mean_wait < math.inf
        assert 0 <= station.wait_probability <= 1
        assert 0 <= station.wait.ppf(0.999) < math.inf


def test_laws_that_two_moments_do_not_give_are_refused():
    for name in ("number_in_system", "time_in_system"):
        with pytest.raises(AttributeError, match=f"GGc has no {name}: two moments do not give"):
            getattr(bank(3, 0.5, 1, 1), name)
    with pytest.raises(AttributeError, match="nobody is turned away"):
        bank(3, 0.5, 1, 1).blocking_probability  # noqa: B018


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3]])
def test_parameters_that_cannot_be_are_refused(bad):
    station = bank(3, 0.8, 1, 1)
    for name in ("arrival_rate", "service_rate", "servers", "interarrival_scv", "service_scv"):
        with pytest.raises(ValueError, match=f"^{name} must be a"):
            station.replace(**{name: bad})
    with pytest.raises(
        ValueError, match=r"^approximation must be one of allen-cunneen, whitt, got"
    ):
        station.replace(approximation=bad)
    assert station.with_servers(5) == station.replace(servers=5)
