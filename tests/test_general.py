"""M/G/1 against its integral equation stepped in time, bounds on a grid, exact kin and chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from line_simulation import accepted, power, simulated_waits
from scipy import integrate, stats

from queueing import (
    MM1,
    deterministic,
    erlang,
    exponential,
    gamma,
    hyperexponential,
    lognormal,
    mixture,
    uniform,
)
from queueing.stations.deterministic import MDc
from queueing.stations.general import MG1
from queueing.stations.phases import MPHc

MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
TWO_CONSTANTS = mixture([(0.7, deterministic(mean=0.5)), (0.3, deterministic(mean=2))])
CACHED = mixture([(0.5, deterministic(mean=0.5)), (0.5, uniform(low=0, high=2))])


def line(ratio, service):
    return MG1(arrival_rate=ratio / service.mean(), service=service)


def by_inversion(ratio, service):
    """The station without the exact one that would answer for it."""
    station = line(ratio, service)
    station.__dict__["_twin"] = None
    return station


# F'(t) = lambda F(t) - lambda E[F(t - S)], L. Takacs (1955), stepped in time on a grid of corners


def stepped(ratio, constants, spans, end, steps=400):
    """P(W <= t) on a grid: `constants` are (p, d), `spans` (p, high) of uniforms from 0."""
    mean = sum(p * d for p, d in constants) + sum(p * high / 2 for p, high in spans)
    rate, h = ratio / mean, 1 / (2 * steps)  # Runge and Kutta's steps are of 2 h
    n = int(end / h) // 2 * 2
    law, area = np.zeros(n + 1), np.zeros(n + 1)  # F and its integral
    law[0] = 1 - ratio

    def before(values, i, *, left):
        return 0.0 if i < 0 or (left and i == 0) else values[i]

    def slope(i, now, total, *, left=False):
        falls = sum(p * before(law, i - round(d / h), left=left) for p, d in constants)
        falls += sum(
            p / high * (total - before(area, i - round(high / h), left=left)) for p, high in spans
        )
        return rate * (now - falls)

    for i in range(0, n, 2):
        f, g, step = law[i], area[i], 2 * h
        k1, m1 = slope(i, f, g), f
        k2, m2 = slope(i + 1, f + h * k1, g + h * m1), f + h * k1
        k3, m3 = slope(i + 1, f + h * k2, g + h * m2), f + h * k2
        k4, m4 = slope(i + 2, f + step * k3, g + step * m3, left=True), f + step * k3
        law[i + 2] = f + step * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        area[i + 2] = g + step * (m1 + 2 * m2 + 2 * m3 + m4) / 6
        at_end = slope(i + 2, law[i + 2], area[i + 2], left=True)
        law[i + 1] = (f + law[i + 2]) / 2 + step * (k1 - at_end) / 8  # Hermite's midpoint
        area[i + 1] = g + step * (5 * f + 8 * law[i + 1] - law[i + 2]) / 24
    return np.arange(n + 1) * h, law


@pytest.mark.parametrize("ratio", [0.3, 0.8, 0.95])
@pytest.mark.parametrize(
    ("service", "constants", "spans"),
    [
        (deterministic(mean=1), [(1, 1)], []),
        (TWO_CONSTANTS, [(0.7, 0.5), (0.3, 2)], []),
        (uniform(low=0, high=2), [], [(1, 2)]),
        (CACHED, [(0.5, 0.5)], [(0.5, 2)]),
    ],
    ids=["constant", "two constants", "uniform", "constant or uniform"],
)
def test_the_wait_solves_takacs_equation(ratio, service, constants, spans):
    station = by_inversion(ratio, service)
    times, exact = stepped(ratio, constants, spans, end=6)
    some = slice(None, None, 97)
    assert station.wait.cdf(times[some]) == pytest.approx(exact[some], abs=2e-8)
    corners = np.array([0.5, 1, 1.5, 2, 2.5, 4])  # and next to them
    for t in np.concatenate([corners, corners - 1 / 800, corners + 1 / 800]):
        assert station.wait.cdf(t) == pytest.approx(exact[round(t * 800)], abs=2e-8)
    for t in (0.25, 0.5, 2.0, 5.0):
        assert station.wait.ppf(exact[round(t * 800)]) == pytest.approx(t, rel=1e-6)


# A wait is a geometric number of services left: rounded down and up to a grid, two bounds


def bounds(ratio, survival, mean, h, size):
    """Bounds on P(W > j h), by Panjer's recursion (1981) for the sum of a geometric number."""
    fine = np.linspace(0, h * size, 16 * size + 1)
    left = integrate.cumulative_simpson(survival(fine), x=fine, initial=0)[::16] / mean
    for masses in (np.diff(left), np.append(0, np.diff(left))):
        scale = 1 / (1 - ratio * masses[0])
        law = np.zeros(size)
        law[0] = (1 - ratio) * scale
        for n in range(1, size):
            law[n] = ratio * scale * (masses[1 : n + 1] @ law[n - 1 :: -1])
        yield 1 - law.cumsum()


HEAVY = {
    "lognormal": (lognormal(mean=1, scv=3), 1.0),
    "gamma": (gamma(mean=1, scv=1.3), 1.0),
    "weibull": (stats.weibull_min(1.6), math.gamma(1 + 1 / 1.6)),
    "lomax": (stats.lomax(1.5), 2.0),  # of infinite variance
    "triangle": (stats.triang(0.3, loc=0.5, scale=2), (0.5 + 1.1 + 2.5) / 3),
    "lognormal of scipy": (stats.lognorm(0.8, loc=0.25), 0.25 + math.exp(0.32)),
}


@pytest.mark.parametrize(("service", "mean"), HEAVY.values(), ids=HEAVY)
def test_the_wait_lies_between_its_bounds(service, mean):
    ratio, h, size = 0.7, 0.004, 3000
    station = MG1(arrival_rate=ratio / mean, service=service)
    low, high = bounds(ratio, service.sf, mean, h, size)
    j = np.array([100, 250, 500, 1000, 2500])
    late = station.wait.sf(j * h)
    assert np.all(low[j] < late)
    assert np.all(late < high[j])
    middle = (low[j] + high[j]) / 2  # P(W > (j + 1/2) h) up to h^2
    assert station.wait.sf((j + 0.5) * h) == pytest.approx(middle, abs=2e-6)
    assert station.wait.ppf(1 - middle[3]) == pytest.approx(1000.5 * h, rel=1e-4)


# The number present, by the chain that departures leave behind


@pytest.mark.parametrize(
    "service", [lognormal(mean=1, scv=2), uniform(low=0, high=2), CACHED, stats.weibull_min(1.5)]
)
def test_the_number_present_is_the_chain_of_departures(service):
    """p_n a_0 = p_0 P(A >= n) + sum_{0 < j < n} p_j P(A > n - j), A the arrivals of a service."""
    ratio, most = 0.75, 40
    station = MG1(arrival_rate=ratio / service.mean(), service=service)
    rate = station.arrival_rate

    def more(n):
        """P(A > n) = int rate Poisson(n; rate t) P(S > t) dt."""
        density = stats.poisson.pmf
        parts = [(0, 0.5), (0.5, 2), (2, 8), (8, 40), (40, 400)]
        return sum(
            integrate.quad(
                lambda t: rate * density(n, rate * t) * service.sf(t), *part, epsabs=1e-13
            )[0]
            for part in parts
        )

    beyond = [more(n) for n in range(most)]
    exact = [1 - ratio]
    for n in range(1, most):
        inflow = exact[0] * beyond[n - 1]
        inflow += sum(exact[j] * beyond[n - j] for j in range(1, n))
        exact.append(inflow / (1 - beyond[0]))
    law, k = station.number_in_system, np.arange(most)
    assert law.pmf(k) == pytest.approx(exact, abs=1e-9)
    assert law.cdf(k) == pytest.approx(np.cumsum(exact), abs=1e-8)


def test_the_number_present_has_the_moments_stated():
    for service in (lognormal(mean=1, scv=0.5), TWO_CONSTANTS, stats.weibull_min(1.5)):
        station = MG1(arrival_rate=0.7 / service.mean(), service=service)
        law, k = station.number_in_system, np.arange(1000)
        chances = law.pmf(k)
        assert chances.sum() == pytest.approx(1, abs=1e-9)
        assert law.mean() == pytest.approx(chances @ k, rel=1e-7)
        assert law.var() == pytest.approx(chances @ k**2 - (chances @ k) ** 2, rel=1e-6)


# Kin that are exact at any load


@pytest.mark.parametrize("ratio", [0.1, 0.8, 0.997])
def test_inversion_meets_the_exact_stations(ratio):
    constant = MDc(arrival_rate=ratio, service_time=1, servers=1)
    for service, exact in [
        (deterministic(mean=1), constant),
        *(
            (law, MPHc(arrival_rate=ratio, service=law, servers=1))
            for law in (exponential(mean=1), hyperexponential(mean=1, scv=4))
        ),
        (stats.weibull_min(1), MPHc(arrival_rate=ratio, service=exponential(mean=1), servers=1)),
    ]:
        station = by_inversion(ratio, service)
        t = np.array([0, 0.1, 0.999, 1, 1.001, 2, 3.5]) / (1 - ratio)
        assert station.wait.sf(t) == pytest.approx(exact.wait.sf(t), abs=5e-8)
        assert station.time_in_system.sf(t) == pytest.approx(exact.time_in_system.sf(t), abs=5e-8)
        p = [0.9, 0.999]
        assert station.wait.ppf(p) == pytest.approx(exact.wait.ppf(p), rel=1e-6, abs=1e-7)
        assert station.wait.var() == pytest.approx(exact.wait.var(), rel=1e-7)
        k = np.array([0, 1, 5, 20, 300])
        number, same = station.number_in_system, exact.number_in_system
        assert number.pmf(k) == pytest.approx(same.pmf(k), abs=1e-9)
        assert number.sf(k) == pytest.approx(same.sf(k), abs=1e-8)
        assert number.var() == pytest.approx(same.var(), rel=1e-7)


@pytest.mark.parametrize("ratio", [0.2, 0.99, 0.999999])
def test_exponential_services_are_mm1(ratio):
    plain = MM1(arrival_rate=ratio, service_rate=1)
    for service in (exponential(mean=1), stats.expon(), stats.gamma(1), erlang(mean=1, shape=1)):
        station = MG1(arrival_rate=ratio, service=service)
        for name in [*MEANS, "wait_probability", "utilization", "throughput"]:
            assert getattr(station, name) == pytest.approx(getattr(plain, name), rel=1e-9)
        p = [0.5, 0.95, 0.999]
        assert station.wait.ppf(p) == pytest.approx(plain.wait.ppf(p), rel=1e-8)
        assert station.time_in_system.ppf(p) == pytest.approx(plain.time_in_system.ppf(p), rel=1e-8)
        assert station.number_in_system.pmf(3) == pytest.approx(plain.number_in_system.pmf(3))


# Laws


@given(st.floats(0.01, 0.99), st.floats(0.1, 5), st.floats(1e-3, 1e3))
@settings(max_examples=8)
def test_little_scale_and_moments(ratio, scv, scale):
    base = line(ratio, lognormal(mean=1, scv=scv))
    scaled = line(ratio, lognormal(mean=scale, scv=scv))
    exact = ratio / (1 - ratio) * (1 + scv) / 2
    assert base.mean_wait == pytest.approx(exact, rel=1e-9)
    assert scaled.mean_wait == pytest.approx(exact * scale, rel=1e-9)
    assert base.wait.mean() == pytest.approx(exact, rel=1e-9)
    assert base.time_in_system.mean() == pytest.approx(exact + 1, rel=1e-9)
    assert base.wait_probability == pytest.approx(base.wait.sf(0), abs=1e-9)
    third = (1 + scv) ** 3  # E[S^3]
    assert base.wait.var() == pytest.approx(exact**2 + ratio * third / (3 * (1 - ratio)), rel=1e-8)
    assert scaled.wait.ppf(0.95) == pytest.approx(base.wait.ppf(0.95) * scale, rel=1e-6)
    assert base.mean_queue_length == base.arrival_rate * base.mean_wait
    busier = line(ratio + 0.005, lognormal(mean=1, scv=scv))
    t = np.array([0, 0.5, 2, 10])
    assert np.all(busier.wait.sf(t) > base.wait.sf(t))


# Chance


@pytest.mark.parametrize(
    "service",
    [lognormal(mean=1, scv=0.7), stats.uniform(0.5, 1), TWO_CONSTANTS],
    ids=["lognormal", "uniform", "two constants"],
)
def test_simulated_waits_are_the_stations_and_not_those_of_a_busier_one(service):
    station = MG1(arrival_rate=0.7 / service.mean(), service=service)
    drawn = {"arrival_rate": station.arrival_rate, "service": station.service, "servers": 1}
    assert accepted(simulated_waits(**drawn), station.mean_wait)
    assert power(simulated_waits(**drawn, faster=1.1), station.mean_wait) >= 0.9


# Extremes and mistakes


def test_services_of_infinite_variance_wait_forever_on_average_only():
    station = MG1(arrival_rate=0.2, service=stats.pareto(1.5))
    assert station.mean_wait == station.mean_number_in_system == math.inf
    assert station.wait.mean() == station.wait.var() == station.number_in_system.var() == math.inf
    assert station.wait_probability == pytest.approx(0.6)
    assert station.wait.ppf(0.3) == 0
    assert station.wait.cdf(station.wait.ppf(0.9)) == pytest.approx(0.9)
    finite = MG1(arrival_rate=0.2, service=stats.pareto(2.5))  # but no third moment
    assert finite.mean_wait == pytest.approx(0.2 * 5 / (2 * (1 - 1 / 3)))
    assert finite.wait.var() == finite.number_in_system.var() == math.inf
    assert finite.wait.cdf(finite.wait.ppf(0.9)) == pytest.approx(0.9)


def test_overload_and_emptiness():
    for service in (lognormal(mean=1, scv=2), deterministic(mean=1), stats.uniform(0, 2)):
        station = MG1(arrival_rate=1.0, service=service)
        assert [getattr(station, name) for name in MEANS] == [math.inf] * 4
        assert station.wait_probability == station.utilization == 1
        assert station.wait.ppf(0.1) == station.time_in_system.ppf(0.5) == math.inf
        number = station.number_in_system
        assert number.mean() == number.var() == math.inf
        assert (number.pmf(3), number.sf(3)) == (0, 1)
        empty = MG1(arrival_rate=0, service=service)
        assert empty.mean_wait == empty.wait_probability == empty.number_in_system.var() == 0
        assert empty.wait.ppf(0.99) == 0
        assert empty.time_in_system.mean() == 1
        assert empty.number_in_system.pmf([0, 1]).tolist() == [1, 0]
        assert empty.number_in_system.sf([-1, 0]).tolist() == [1, 0]


def test_what_the_inversion_cannot_give_is_refused():
    station = line(0.999, lognormal(mean=1, scv=2))
    assert station.mean_wait == pytest.approx(999 * 1.5)
    assert station.number_in_system.var() > 0
    for ask in (
        lambda: station.wait,
        lambda: station.time_in_system,
        lambda: station.number_in_system.pmf(3),
    ):
        with pytest.raises(ValueError, match=r"inverted for rho <= 0.997, where the service is"):
            ask()
    with pytest.raises(ValueError, match="worked out below 1048576 customers, got 2e"):
        line(0.5, lognormal(mean=1, scv=2)).number_in_system.sf(2_000_000)


def test_numbers_are_whole_and_times_any():
    station = line(0.6, lognormal(mean=1, scv=2))
    law = station.number_in_system
    assert law.pmf([-1, 0.5, math.nan]).tolist() == [0, 0, 0]
    assert law.sf([-1, 1.9]).tolist() == [1, law.sf(1)]
    assert law.pmf([[1, 2]]).shape == law.sf([[1, 2]]).shape == (1, 2)
    assert station.wait.sf([-1, math.inf]).tolist() == [1, 0]
    assert math.isnan(station.wait.sf(math.nan))


@pytest.mark.parametrize("bad", [-1, True, math.nan, math.inf, "3", None, [3]])
def test_arrival_rates_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"^arrival_rate must be a"):
        MG1(arrival_rate=bad, service=exponential(mean=1))
