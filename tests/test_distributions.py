"""The named laws against scipy.stats, quadrature in the complex plane and a million draws."""

import math
from itertools import pairwise

import mpmath
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
    uniform,
)
from queueing.distributions import hypoexponential

P = np.array([0, 1e-6, 0.01, 0.5, 0.9, 0.95, 0.99, 0.9999, 1 - 1e-9])
TIMES = np.array([-math.inf, -1, 0, 1e-9, 0.01, 0.5, 1, 1.5, 3, 10, 100, 1e300, math.inf])


def scipy_lognormal(mean, scv):
    sigma = math.sqrt(math.log1p(scv))
    return stats.lognorm(s=sigma, scale=mean * math.exp(-(sigma**2) / 2))


def cox(first, onward, second):
    """A stage of rate `first`, with probability `onward` a second of rate `second`."""
    return PhaseType(initial=[1, 0], generator=[[-first, onward * first], [0, -second]])


TWINS = {
    "exponential": (exponential(mean=2), stats.expon(scale=2)),
    "erlang": (erlang(mean=3, shape=4), stats.erlang(4, scale=0.75)),
    "sharp erlang": (erlang(mean=1, shape=1000), stats.gamma(1000, scale=1e-3)),
    "gamma": (gamma(mean=2, scv=1.5), stats.gamma(1 / 1.5, scale=3)),
    "rough gamma": (gamma(mean=2, scv=10), stats.gamma(0.1, scale=20)),
    "lognormal": (lognormal(mean=0.8, scv=2), scipy_lognormal(0.8, 2)),
    "sharp lognormal": (lognormal(mean=1, scv=1e-4), scipy_lognormal(1, 1e-4)),
    "heavy lognormal": (lognormal(mean=1, scv=10), scipy_lognormal(1, 10)),
    "uniform": (uniform(low=0.5, high=3), stats.uniform(0.5, 2.5)),
    "equal phases": (
        PhaseType(initial=[1, 0], generator=[[-2, 2], [0, -2]]),
        stats.erlang(2, scale=0.5),
    ),
    "equal stages": (hypoexponential(first_rate=2, second_rate=2), stats.erlang(2, scale=0.5)),
    "almost equal stages": (
        hypoexponential(first_rate=2, second_rate=2 * (1 + 1e-13)),
        stats.erlang(2, scale=0.5),
    ),
}
LAWS = {name: law for name, (law, _) in TWINS.items()} | {
    "hyperexponential": hyperexponential(mean=2, scv=4),
    "unequal stages": hypoexponential(first_rate=1, second_rate=30),
    "cox": cox(1, 0.3, 0.2),
    "phases from 0": PhaseType(initial=[0.5, 0.2], generator=[[-1, 1], [0.5, -2]]),
}
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
twins = pytest.mark.parametrize(("law", "twin"), TWINS.values(), ids=TWINS)


# Against scipy.stats


@twins
def test_probabilities_are_those_of_scipy(law, twin):
    with np.errstate(all="ignore"):  # scipy's own logarithms of 0
        expected = twin.sf(TIMES)
    assert law.sf(TIMES) == pytest.approx(expected, rel=1e-10, abs=1e-15)
    assert law.cdf(TIMES) == pytest.approx(1 - expected, abs=1e-13)


@twins
def test_percentiles_are_those_of_scipy(law, twin):
    assert law.ppf(P) == pytest.approx(twin.ppf(P), rel=2e-8)
    assert law.ppf(P[3:-1]) == pytest.approx(twin.ppf(P[3:-1]), rel=1e-11)


@twins
def test_moments_are_those_of_scipy(law, twin):
    assert law.mean() == pytest.approx(twin.mean(), rel=1e-12)
    assert law.var() == pytest.approx(twin.var(), rel=1e-12)
    assert law.scv() == pytest.approx(twin.var() / twin.mean() ** 2, rel=1e-12)


@pytest.mark.parametrize("scv", [1, 1.5, 4, 1e4, 1e12, 1e20])
def test_hyperexponential_has_its_moments_and_balanced_means(scv):
    law = hyperexponential(mean=3, scv=scv)
    (p, often), (q, rare) = law.parts
    assert p * often.mean() == pytest.approx(1.5, rel=1e-14)
    assert q * rare.mean() == pytest.approx(1.5, rel=1e-14)
    assert (law.mean(), law.scv()) == pytest.approx((3, scv), rel=1e-12)
    assert law.sf(2) == pytest.approx(p * often.sf(2) + q * rare.sf(2), rel=1e-14)


def test_unequal_stages_have_their_textbook_tail():
    law = hypoexponential(first_rate=1, second_rate=30)
    t = np.array([0.01, 1.0, 40.0])
    assert law.sf(t) == pytest.approx((30 * np.exp(-t) - np.exp(-30 * t)) / 29, rel=1e-13)
    assert hypoexponential(first_rate=30, second_rate=1).sf(t) == pytest.approx(law.sf(t))
    assert law.mean() == pytest.approx(31 / 30)
    assert law.var() == pytest.approx(1 + 1 / 900)


def test_phases_agree_with_the_mixture_that_they_are():
    law = cox(1, 0.3, 0.2)  # 0.7 exponential and 0.3 the sum of two
    both = hypoexponential(first_rate=1, second_rate=0.2)
    assert law.sf(TIMES[2:]) == pytest.approx(
        0.7 * np.exp(-TIMES[2:]) + 0.3 * both.sf(TIMES[2:]), rel=1e-12
    )
    assert law.mean() == pytest.approx(1 + 0.3 / 0.2)
    assert law.var() == pytest.approx(1 + 0.3 * 2 / 0.2**2 - (0.3 / 0.2) ** 2)


def test_phases_may_start_at_the_end():
    law = LAWS["phases from 0"]
    assert law.atom() == 1 - law.sf(0) == pytest.approx(0.3)
    assert np.all(law.ppf([0, 0.1, 0.299]) == 0)
    assert law.ppf(0.301) > 0
    assert law.lst(1e9) == pytest.approx(0.3, abs=1e-8)
    nothing = PhaseType(initial=[0], generator=[[-1]])
    assert nothing.mean() == nothing.var() == nothing.ppf(0.9) == 0
    assert math.isnan(nothing.scv())


# What holds for every law


@laws
def test_the_percentile_is_the_inverse_of_the_probability(law):
    p = np.array([0.31, 0.5, 0.95, 0.999])
    assert law.cdf(law.ppf(p)) == pytest.approx(p, rel=1e-12)


@laws
def test_the_distribution_function_rises_from_0_to_1(law):
    t = np.concatenate([np.linspace(0, 5, 500), np.geomspace(5, 1e6, 100)])
    rises = law.cdf(t)
    assert np.all(np.diff(rises) >= 0)
    assert rises[0] == law.atom()
    assert rises[-1] == pytest.approx(1, abs=1e-7)
    assert law.sf([-1, -math.inf, math.inf]).tolist() == [1, 1, 0]
    assert np.isnan(law.sf(math.nan))


@laws
def test_moments_are_integrals_of_the_tail(law):
    end = law.ppf(1 - 1e-12)
    cuts = [0, *law.ppf([0.05, 0.5, 0.95, 0.9999, 1 - 1e-8]), end]

    def integral(f):
        return sum(integrate.quad(f, a, b, epsrel=1e-11, limit=200)[0] for a, b in pairwise(cuts))

    assert law.mean() == pytest.approx(integral(law.sf), rel=1e-6)
    second = 2 * integral(lambda t: t * law.sf(t))
    assert law.var() + law.mean() ** 2 == pytest.approx(second, rel=2e-4)


@laws
def test_shapes_are_those_of_scipy(law):
    assert law.sf(1.0).shape == law.ppf(0.5).shape == law.rvs(random_state=1).shape == ()
    assert law.cdf([[1.0, 2.0]]).shape == law.ppf([[0.1, 0.2]]).shape == (1, 2)
    assert law.rvs((2, 3), random_state=1).shape == (2, 3)
    assert law.ppf([]).shape == law.sf([]).shape == law.rvs(0, random_state=1).shape == (0,)


@laws
def test_the_same_seed_draws_the_same_times(law):
    assert np.array_equal(law.rvs(5, random_state=7), law.rvs(5, random_state=7))
    again = np.random.default_rng(7)
    assert np.array_equal(law.rvs(5, random_state=again), law.rvs(5, random_state=7))
    assert not np.array_equal(law.rvs(5, random_state=again), law.rvs(5, random_state=7))


def test_laws_are_values():
    assert exponential(mean=2) == erlang(mean=2, shape=1) != exponential(mean=3)
    assert hash(cox(1, 0.3, 2)) == hash(cox(1, 0.3, 2))
    assert cox(1, 0.3, 2) == cox(1.0, 0.3, 2.0)
    with pytest.raises(AttributeError):
        exponential(mean=2).shape = 3


# Draws: by the inequality of Dvoretzky, Kiefer and Wolfowitz (Massart 1990) the empirical
# distribution function of n draws leaves the band of sqrt(log(2 / e) / 2n) with probability e.

DRAWS = 200_000
BAND = math.sqrt(math.log(2 / 1e-6) / (2 * DRAWS))  # a right law fails once in a million seeds


def distance(times, law):
    """The largest distance between an empirical distribution function and a law's without atoms."""
    times = np.sort(times[times > 0])
    share = times.size / DRAWS
    steps = 1 - share + np.arange(times.size + 1) / DRAWS
    exact = law.cdf(times[::400])
    return max(np.abs(exact - steps[:-1:400]).max(), np.abs(exact - steps[1::400]).max())


@laws
def test_draws_follow_the_law_and_not_one_that_is_a_little_longer(law):
    times = law.rvs(DRAWS, random_state=2026)
    assert np.all(times >= 0)
    assert distance(times, law) < BAND
    assert distance(1.1 * times, law) > BAND


# Transforms


@pytest.mark.parametrize("scv", [1e-6, 1e-2, 0.3, 1, 2, 10, 100])
def test_the_lognormal_transform_is_the_integral_in_thirty_digits(scv):
    law = lognormal(mean=1, scv=scv)
    with mpmath.workdps(30):
        sigma = mpmath.sqrt(mpmath.log1p(mpmath.mpf(scv)))
        for s in [0.01, 1 + 1j, 10 + 3j, 10 + 300j, 0.1 - 30j, 1 + 2000j]:
            exact = turned_integral(mpmath.mpc(s), sigma)
            assert abs(complex(law.lst(s)) - exact) < 3e-13


def turned_integral(s, sigma):
    """E[e^-sT] over the turned contour on which e^-sT falls fastest, by a fine trapezoid."""
    angle = mpmath.arg(s) * min(1, 8 * sigma / (abs(mpmath.arg(s)) or 1))
    shift = -1j * angle / sigma
    step = mpmath.mpf(1) / 40

    def f(z):
        z = z + shift
        return mpmath.exp(-(z**2) / 2 - s * mpmath.exp(sigma * z - sigma**2 / 2))

    total = mpmath.fsum(f(k * step) for k in range(-520, 521))
    return complex(step * total / mpmath.sqrt(2 * mpmath.pi))


@laws
def test_the_transform_is_the_integral_of_the_tail(law):
    """E[e^(-sT)] = 1 - s int e^(-st) P(T > t) dt, for s on a line to the right of 0."""
    cuts = [0, *law.ppf([0.05, 0.35, 0.5, 0.9, 0.99, 0.9999, 1 - 1e-9])]
    for s in (0.5, 1 + 2j, 3 - 7j):
        parts = sum(
            integrate.quad(
                lambda t, s=s: np.exp(-s * t) * law.sf(t), a, b, complex_func=True, epsrel=1e-12
            )[0]
            for a, b in pairwise(cuts)
        )
        assert complex(law.lst(s)) == pytest.approx(complex(1 - s * parts), abs=3e-8)


@laws
def test_the_transform_at_0_is_1_and_conjugates(law):
    assert law.lst(0) == pytest.approx(1)
    assert law.lst([1 - 2j]).shape == (1,)
    assert law.lst(1 - 2j) == pytest.approx(law.lst(1 + 2j).conjugate())
    s = 1e-6 / law.mean()
    second = (law.scv() + 1) * 1e-12 / 2
    assert law.lst(s) == pytest.approx(1 - 1e-6 + second, abs=2e-13 + second / 1e3)


# Mistakes


@pytest.mark.parametrize("p", [95, 1, -0.1, math.nan, "0.5", True, None, [0.5, 1]])
def test_a_percentile_wants_a_fraction(p):
    with pytest.raises(ValueError, match=r"^p is a fraction in \[0, 1\), got "):
        exponential(mean=2).ppf(p)


@pytest.mark.parametrize("bad", [0, -1, math.inf, math.nan, "3", True, None])
@pytest.mark.parametrize(
    ("law", "name", "rest"),
    [
        (exponential, "mean", {}),
        (erlang, "mean", {"shape": 2}),
        (gamma, "mean", {"scv": 2}),
        (gamma, "scv", {"mean": 2}),
        (hyperexponential, "mean", {"scv": 2}),
        (hyperexponential, "scv", {"mean": 2}),
        (lognormal, "mean", {"scv": 2}),
        (lognormal, "scv", {"mean": 2}),
        (erlang, "shape", {"mean": 2}),
        (uniform, "high", {"low": 0}),
        (hypoexponential, "first_rate", {"second_rate": 1}),
        (hypoexponential, "second_rate", {"first_rate": 1}),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(law, name, rest, bad):
    with pytest.raises(ValueError, match=rf"^{name} must be a (finite|whole) number .*, got "):
        law(**{name: bad}, **rest)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: erlang(mean=1, shape=2.5), "shape must be a whole number of at least 1, got 2.5"),
        (lambda: hyperexponential(mean=1, scv=0.9), "scv must be a finite number of at least 1"),
        (lambda: uniform(low=2, high=1), "high must be a finite number above 2, got 1"),
        (lambda: uniform(low=-1, high=1), "low must be a finite number of at least 0, got -1"),
        (lambda: deterministic(mean=-1), "mean must be a finite number of at least 0, got -1"),
    ],
)
def test_limits_that_hang_together_are_named(call, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        call()


@pytest.mark.parametrize(
    ("initial", "generator", "words"),
    [
        ([0.7, 0.7], [[-1, 1], [0, -1]], "initial must be a row of probabilities"),
        ([[1, 0]], [[-1, 0], [0, -1]], "initial must be a row of probabilities"),
        ([], [], "initial must be a row of probabilities"),
        ([-0.1, 1], [[-1, 1], [0, -1]], "initial must hold finite numbers of at least 0, got -0.1"),
        (["a"], [[-1]], "initial must hold finite numbers"),
        ([1], [[math.nan]], "generator must hold finite numbers, got nan"),
        ([1], [[-1, 1], [0, -1]], r"generator must be 1 x 1, as initial is, got \(2, 2\)"),
        ([1, 0], [[-1, 2], [0, -1]], "generator must have rates >= 0 off its diagonal and rows"),
        ([1, 0], [[-1, -1], [0, -1]], "generator must have rates >= 0 off its diagonal and rows"),
        ([1, 0], [[1, 0], [0, -1]], "generator must have rates >= 0 off its diagonal and rows"),
        ([1], [[0]], "generator must let the chain leave every phase in the end"),
        ([1, 0], [[-1, 1], [1, -1]], "generator must let the chain leave every phase in the end"),
    ],
)
def test_what_is_no_phase_type_is_refused(initial, generator, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        PhaseType(initial=initial, generator=generator)
