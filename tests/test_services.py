"""Laws of services: frozen ones of scipy.stats, their transforms and their third moments."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from queueing import (
    PhaseType,
    deterministic,
    erlang,
    exponential,
    gamma,
    hyperexponential,
    lognormal,
    mixture,
    uniform,
)
from queueing.distributions import Gamma, Lognormal, hypoexponential
from queueing.laws import Distribution
from queueing.stations.services import as_law, third_moment

FROZEN = [
    stats.expon(scale=2),
    stats.gamma(2.5, scale=3),
    stats.erlang(3, loc=1),
    stats.lognorm(0.5, scale=2),
    stats.lognorm(1.2, loc=0.5),
    stats.uniform(1, 2),
    stats.weibull_min(0.6),
    stats.triang(0.3, loc=1, scale=2),
    stats.beta(2, 5),
    stats.halfnorm(scale=3),
    stats.invgauss(1.5),
    stats.pareto(2.5),
    stats.lomax(3.5, scale=4),
]
names = [f"{law.dist.name}{law.args}{law.kwds}" for law in FROZEN]
frozen = pytest.mark.parametrize("law", FROZEN, ids=names)


def integral(function, law):
    """Return int_0^inf function(t) P(T > t) dt, on pieces that double."""
    low, high = law.support()
    ends = [0, low, *(low + law.mean() * 2.0 ** np.arange(-16, 40))]
    ends = [end for end in ends if end < high] + ([high] if high < math.inf else [])
    with np.errstate(all="ignore"):
        return sum(
            integrate.quad(
                lambda t: function(t) * np.nan_to_num(law.sf(t)), a, b, limit=400, epsabs=1e-12
            )[0]
            for a, b in itertools.pairwise(ends)
            if b > a
        )


@frozen
def test_a_frozen_law_is_the_same_law(law):
    same = as_law("service", law)
    assert isinstance(same, Distribution)
    t = np.array([-1, 0, 0.3, 1, 1.5, 2.9, 7])
    assert same.sf(t) == pytest.approx(law.sf(t), abs=1e-12)
    assert same.mean() == pytest.approx(law.mean(), rel=1e-9)
    assert same.var() == pytest.approx(law.var(), rel=1e-9)
    assert same.ppf(0.9) == pytest.approx(law.ppf(0.9), rel=1e-8)
    drawn = same.rvs(3000, random_state=1)
    assert stats.ks_1samp(drawn, law.cdf).pvalue > 1e-3


@frozen
@pytest.mark.parametrize("s", [0.01, 1 + 3j, 4 - 9j, 1 + 60j])
def test_its_transform_is_the_integral(law, s):
    same = as_law("service", law)
    real = integral(lambda t: (np.exp(-s * t)).real, law)
    imaginary = integral(lambda t: (np.exp(-s * t)).imag, law)
    exact = 1 - s * (real + 1j * imaginary)
    assert same.lst(s) == pytest.approx(exact, abs=1e-9)
    assert same.lst([[s, s]]).shape == (1, 2)


@frozen
def test_its_third_moment_is_the_integral(law):
    found = third_moment(as_law("service", law))
    if law.dist.name == "pareto":
        assert found == math.inf
    elif law.dist.name == "lomax":  # 6 scale^3 / ((a - 1) (a - 2) (a - 3))
        assert found == pytest.approx(6 * 64 / (2.5 * 1.5 * 0.5), rel=1e-4)
    else:
        assert found == pytest.approx(integral(lambda t: 3 * t**2, law), rel=1e-8)


def test_families_of_scipy_become_those_of_the_kit():
    assert isinstance(as_law("service", stats.expon(scale=3)), Gamma)
    assert isinstance(as_law("service", stats.erlang(3)), Gamma)
    assert isinstance(as_law("service", stats.lognorm(0.4)), Lognormal)
    assert as_law("service", stats.uniform(1, 2)) == uniform(low=1, high=3)
    own = erlang(mean=1, shape=2)
    assert as_law("service", own) is own


@pytest.mark.parametrize(
    "law",
    [
        deterministic(mean=2),
        gamma(mean=2, scv=0.3),
        uniform(low=1, high=4),
        hypoexponential(first_rate=1, second_rate=3),
        PhaseType(initial=[0.5, 0.3], generator=[[-2, 1], [0, -1]]),
        hyperexponential(mean=2, scv=5),
        mixture(
            [(0.2, deterministic(mean=3)), (0.8, exponential(mean=1) + uniform(low=0, high=1))]
        ),
        gamma(mean=1, scv=2) + 4 + hyperexponential(mean=1, scv=3),
    ],
    ids=str,
)
def test_third_moments_are_those_of_the_transform(law):
    """E[T^3] by Cauchy's integral around 0, to whose left the same formulas hold."""
    circle = 0.05 * np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)
    exact = (-6 * law.lst(circle) / circle**3).mean().real
    assert third_moment(law) == pytest.approx(exact, rel=1e-8)


def test_the_third_moment_of_a_lognormal_is_the_textbooks():
    assert third_moment(lognormal(mean=2, scv=3)) == pytest.approx(8 * 4**3, rel=1e-12)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (stats.norm(3), "must be a law of times >= 0, got one that starts at -inf"),
        (stats.uniform(-1, 3), "must be a law of times >= 0, got one that starts at -1"),
        (stats.poisson(3), "must be a law of queueing.distributions or a frozen continuous one"),
        (stats.expon, "must be a law of queueing.distributions or a frozen continuous one"),
        (3.0, "must be a law of queueing.distributions or a frozen continuous one"),
        ("exponential", "must be a law of queueing.distributions or a frozen continuous one"),
        (None, "must be a law of queueing.distributions or a frozen continuous one"),
        (stats.pareto(0.9), "must have a finite mean above 0, got inf"),
        (stats.halfcauchy(), "must have a finite mean above 0, got inf"),
        (deterministic(mean=0), "must have a finite mean above 0, got 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_services_that_cannot_be_are_refused(service, words):
    with pytest.raises(ValueError, match=f"^service {words}"):
        as_law("service", service)
