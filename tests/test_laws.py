"""Sums and mixtures of times: percentiles against closed forms, convolutions and random draws.

The bar for a percentile is a relative error of 1e-4; what is held to here is what was measured, a
thousand times less.
"""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from queueing import (
    MMc,
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
from queueing.distributions import hypoexponential
from queueing.transforms import tail

P = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999])
BAR = 1e-7
SECOND = exponential(mean=1)


def gamma_ppf(p, shape, scale):
    return stats.gamma(shape, scale=scale).ppf(p)


def solved(sf, most):
    """The percentiles of a law by its tail, each by bisection and secants."""
    return lambda p: np.array(
        [optimize.brentq(lambda t, q=q: sf(t) - (1 - q), 0, most, xtol=1e-15) for q in p]
    )


def irwin_hall(n):
    """The tail of the sum of n uniform times between 0 and 1, from the end that is nearer."""

    def below(x):
        signs = (-1.0) ** np.arange(n + 1) * special.binom(n, np.arange(n + 1))
        return signs @ np.maximum(x - np.arange(n + 1), 0) ** n / math.factorial(n)

    return lambda t: below(n - t) if t > n / 2 else 1 - below(t)


def uniform_and_exponential(mean):
    """The tail of a uniform time between 0 and 1 plus an exponential one."""

    def sf(t):
        if t < 1:
            return 1 - t - mean * math.expm1(-t / mean)
        return -mean * math.expm1(-1 / mean) * math.exp((1 - t) / mean)

    return sf


def summed(law, times):
    return sum([law] * times)


STATION = MMc(arrival_rate=12, service_rate=6, servers=3)
BUSY = MMc(arrival_rate=99, service_rate=1, servers=100)
CLOSED = {
    "exponentials": (SECOND + SECOND, lambda p: gamma_ppf(p, 2, 1)),
    "three and a constant": (summed(SECOND, 3) + 7, lambda p: 7 + gamma_ppf(p, 3, 1)),
    "erlangs": (
        erlang(mean=1, shape=10) + erlang(mean=3, shape=30),
        lambda p: gamma_ppf(p, 40, 0.1),
    ),
    "very sharp": (summed(erlang(mean=1, shape=1000), 2), lambda p: gamma_ppf(p, 2000, 1e-3)),
    "sharper and a constant": (
        erlang(mean=1, shape=10_000) + 2 + erlang(mean=2, shape=20_000),
        lambda p: 2 + gamma_ppf(p, 30_000, 1e-4),
    ),
    "gammas": (
        gamma(mean=1.5, scv=2) + gamma(mean=4.5, scv=2 / 3),
        lambda p: gamma_ppf(p, 2, 3),
    ),
    "nearly equal rates": (
        exponential(mean=1) + exponential(mean=1 + 1e-7),
        hypoexponential(first_rate=1, second_rate=1 / (1 + 1e-7)).ppf,
    ),
    "very different rates": (
        exponential(mean=1) + exponential(mean=1e-4),
        solved(lambda t: (1e4 * math.exp(-t) - math.exp(-1e4 * t)) / 9999, 60),
    ),
    "wait and service": (STATION.wait + exponential(mean=1 / 6), STATION.time_in_system.ppf),
    "wait and service, busy": (BUSY.wait + exponential(mean=1), BUSY.time_in_system.ppf),
    "two uniforms": (summed(uniform(low=0, high=1), 2), solved(irwin_hall(2), 2)),
    "three uniforms": (summed(uniform(low=0, high=1), 3), solved(irwin_hall(3), 3)),
    "six uniforms": (summed(uniform(low=0, high=1), 6), solved(irwin_hall(6), 6)),
    "uniform and exponential": (
        uniform(low=5, high=6) + exponential(mean=0.3),
        lambda p: 5 + solved(uniform_and_exponential(0.3), 20)(p),
    ),
    "poll and a short call": (
        uniform(low=0, high=1) + exponential(mean=0.01),
        solved(uniform_and_exponential(0.01), 3),
    ),
    "lognormal and a constant": (
        lognormal(mean=1, scv=10) + 5,
        lambda p: 5 + np.exp(math.sqrt(math.log(11)) * special.ndtri(p)) / math.sqrt(11),
    ),
    "phases": (
        PhaseType(initial=[1, 0], generator=[[-2, 2], [0, -2]]) + erlang(mean=1.5, shape=3),
        lambda p: gamma_ppf(p, 5, 0.5),
    ),
    "hyperexponential and its twin": (
        hyperexponential(mean=1, scv=4) + deterministic(mean=0) + 1,
        lambda p: 1 + hyperexponential(mean=1, scv=4).ppf(p),
    ),
}


@pytest.mark.parametrize(("law", "exact"), CLOSED.values(), ids=CLOSED)
def test_percentiles_of_sums_are_those_of_the_closed_form(law, exact):
    assert law.ppf(P) == pytest.approx(exact(P), rel=BAR, abs=0)
    low = np.array([0.001, 0.01])
    assert law.ppf(low) == pytest.approx(exact(low), rel=1e-5, abs=0)


@pytest.mark.parametrize(("law", "exact"), CLOSED.values(), ids=CLOSED)
def test_the_bar_tells_a_law_that_is_a_millionth_longer(law, exact):
    assert np.all(np.abs(law.ppf(P) / (exact(P) * (1 + 1e-6)) - 1) > BAR)


def test_rough_laws_are_summed_too():
    law = summed(gamma(mean=1, scv=50), 2)  # half of it is below a thousandth of the mean
    assert law.ppf(P[1:]) == pytest.approx(gamma_ppf(P[1:], 0.04, 50), rel=1e-6)


# Convolved by quadrature, from both ends so that no digit of the tail is lost


def convolved(first, second, t):
    """P(X + Y > t) = int_0^{t/2} f_X P(Y > t - x) + int_0^{t/2} f_Y P(X > t - y) + both > t/2."""

    def half(law, other):
        cuts = np.clip(np.append(law.ppf([1e-12, 0.05, 0.5, 0.95, 1 - 1e-9]), [0, t / 2]), 0, t / 2)
        cuts = np.unique(cuts)
        pieces = integrate.tanhsinh(
            lambda x: law.pdf(x) * other.sf(t - x), cuts[:-1], cuts[1:], rtol=1e-12
        )
        return pieces.integral.sum()

    with np.errstate(all="ignore"):
        both = first.sf(t / 2) * second.sf(t / 2)
        return half(first, second) + half(second, first) + both


def frozen_lognormal(mean, scv):
    sigma = math.sqrt(math.log1p(scv))
    return stats.lognorm(s=sigma, scale=mean * math.exp(-(sigma**2) / 2))


PAIRS = {
    "gamma 1.5 + lognormal 2": (
        (gamma(mean=1, scv=1.5), stats.gamma(1 / 1.5, scale=1.5)),
        (lognormal(mean=1, scv=2), frozen_lognormal(1, 2)),
    ),
    "lognormal 10 + lognormal 2": (
        (lognormal(mean=1, scv=10), frozen_lognormal(1, 10)),
        (lognormal(mean=3, scv=2), frozen_lognormal(3, 2)),
    ),
    "lognormal 0.01 + gamma 10": (
        (lognormal(mean=1, scv=0.01), frozen_lognormal(1, 0.01)),
        (gamma(mean=1, scv=10), stats.gamma(0.1, scale=10)),
    ),
    "uniform + lognormal 0.1": (
        (uniform(low=0, high=1), stats.uniform()),
        (lognormal(mean=1, scv=0.1), frozen_lognormal(1, 0.1)),
    ),
}


@pytest.mark.parametrize(("first", "second"), PAIRS.values(), ids=PAIRS)
def test_percentiles_of_sums_are_those_of_the_convolution(first, second):
    p = np.array([0.1, 0.5, 0.95, 0.99, 0.9999])
    found = (first[0] + second[0]).ppf(p)
    for t, q in zip(found, 1 - p, strict=True):
        exact = convolved(first[1], second[1], t)
        step = 1e-4 * t
        falls = [convolved(first[1], second[1], t + side * step) for side in (-1, 1)]
        density = (falls[0] - falls[1]) / (2 * step)
        assert abs(exact - q) / (density * t) < 1e-6


# Against draws: the band of Dvoretzky, Kiefer and Wolfowitz is left once in a million seeds


def test_a_request_path_with_constants_and_atoms_is_the_law_of_its_draws():
    draws, rng = 1_000_000, np.random.default_rng(2026)
    wait = MMc(arrival_rate=80, service_rate=10, servers=10)
    redis = mixture([(0.85, deterministic(mean=0.002)), (0.15, lognormal(mean=0.08, scv=2))])
    path = wait.wait + 0.004 + gamma(mean=0.018, scv=1.5) + redis + uniform(low=0, high=0.01)

    waits = rng.random(draws) < wait.wait_probability
    times = 0.004 + waits * rng.exponential(1 / 20, draws) + rng.uniform(0, 0.01, draws)
    times += rng.gamma(1 / 1.5, 0.018 * 1.5, draws)
    sigma = math.sqrt(math.log(3))
    database = rng.lognormal(math.log(0.08) - sigma**2 / 2, sigma, draws)
    times += np.where(rng.random(draws) < 0.85, 0.002, database)

    band = math.sqrt(math.log(2 / 1e-6) / (2 * draws))
    times = np.sort(times)
    ranks = np.arange(0, draws, 5000)
    assert np.abs(path.cdf(times[ranks]) - ranks / draws).max() < band
    assert np.abs(path.cdf(1.01 * times[ranks]) - ranks / draws).max() > band  # 1 % longer
    drawn = np.sort(path.rvs(draws, random_state=1))
    assert np.abs(path.cdf(drawn[ranks]) - ranks / draws).max() < band


# Atoms


CACHE = mixture([(0.75, deterministic(mean=1)), (0.25, exponential(mean=3) + 2)])


def test_percentiles_rest_on_atoms_and_start_at_the_least_time():
    assert CACHE.ppf([0, 0.5, 0.75]).tolist() == [1, 1, 1]
    assert CACHE.ppf(0.75 + 1e-9) == pytest.approx(2, abs=1e-7)
    assert CACHE.ppf(0.95) == pytest.approx(2 + 3 * math.log(5), rel=1e-14)
    assert (CACHE + SECOND).ppf(0) == 1
    assert CACHE.sf([0.999, 1, 1.5, 2]).tolist() == [1, 0.25, 0.25, 0.25]


def test_atoms_in_the_middle_of_a_sum_are_found():
    """Two caches: 1 + 1 is an atom at 2, the rest begins at 3."""
    both = CACHE + CACHE
    assert both.cdf([1.999999, 2]) == pytest.approx([0, 0.5625], abs=1e-9)
    assert both.ppf([0, 0.3, 0.5625 - 1e-9]).tolist() == [2, 2, 2]
    assert both.ppf(0.5625 + 1e-6) == pytest.approx(3, abs=1e-4)
    slow, slower = math.exp(-4 / 3), math.exp(-1)  # exp. time > 4; two of them > 3 have Erlang's
    exact = 2 * 0.75 * 0.25 * slow + 0.0625 * 2 * slower
    assert both.sf(7) == pytest.approx(exact, rel=1e-8)


def test_an_atom_within_a_continuous_part_is_found():
    law = mixture([(0.5, SECOND + SECOND), (0.5, deterministic(mean=2))])
    around = law.cdf([2 - 1e-9, 2])
    assert around == pytest.approx([0.5 * (1 - 3 / math.e**2), 1 - 1.5 / math.e**2], abs=1e-8)
    assert law.ppf([0.3, 0.5, 0.79]).tolist() == [2, 2, 2]
    assert law.ppf(0.9) == pytest.approx(gamma_ppf(0.8, 2, 1), rel=BAR)


def test_sums_of_constants_are_a_binomial_law():
    coin = mixture([(0.75, deterministic(mean=0)), (0.25, deterministic(mean=1))])
    flips = summed(coin, 8)
    exact = stats.binom(8, 0.25)
    assert flips.cdf(np.arange(-1, 10)) == pytest.approx(exact.cdf(np.arange(-1, 10)), abs=1e-14)
    assert flips.cdf(np.arange(9) + 0.5) == pytest.approx(exact.cdf(np.arange(9)), abs=1e-14)
    p = np.array([0, 0.05, 0.3, 0.5, 0.9, 0.99, 0.9999])
    assert flips.ppf(p).tolist() == np.maximum(exact.ppf(p), 0).tolist()


def test_a_percentile_that_an_atom_ends_is_the_atom():
    dice = mixture([(0.25, deterministic(mean=side)) for side in (1, 2, 3, 4)])
    assert dice.ppf([0.25, 0.5, 0.75]).tolist() == [1, 2, 3]
    assert dice.ppf([0.2500001, 0.4999999]).tolist() == [2, 2]


def test_two_waits_are_both_nothing_with_the_product_of_the_chances():
    both = STATION.wait + STATION.wait
    assert both.atom() == both.cdf(0) == pytest.approx((5 / 9) ** 2)
    assert both.ppf([0, 0.3]).tolist() == [0, 0]
    assert both.ppf(0.31) > 0


def test_where_a_law_rests_its_percentile_is_the_first_time():
    law = mixture([(0.5, uniform(low=0, high=1)), (0.5, uniform(low=2, high=3))])
    assert law.ppf([0.25, 0.5, 0.75]) == pytest.approx([0.5, 1, 2.5], rel=1e-12)


def test_a_wait_has_its_atom_at_0():
    wait = STATION.wait  # 4 of 9 wait
    assert wait.ppf([0, 0.3, 5 / 9]).tolist() == [0, 0, 0]
    assert wait.ppf(0.95) == pytest.approx(math.log(0.05 * 9 / 4) / -6, rel=1e-13)
    assert (wait + 2).ppf([0, 0.3]).tolist() == [2, 2]


# The inversion itself


def test_a_tail_is_inverted_next_to_its_kinks_and_off_the_axis():
    times = np.array([-math.inf, -1, 0, 0.5, 1 - 1e-6, 1, 1 + 1e-6, 1.5, math.inf])
    found = tail(uniform(low=0, high=1).lst, times)
    assert found == pytest.approx(np.clip(1 - times, 0, 1), abs=1e-4)
    assert np.isnan(tail(SECOND.lst, np.array([math.nan]))[0])
    t = np.geomspace(1e-6, 20, 50)
    assert tail(SECOND.lst, t) == pytest.approx(np.exp(-t), abs=5e-9)
    assert tail(SECOND.lst, np.array([])).shape == (0,)
