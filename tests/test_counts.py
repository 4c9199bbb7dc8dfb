"""Tabled numbers, chains in equilibrium and times in stages, against sums done another way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, linalg, stats

from queueing.distributions import erlang, exponential
from queueing.stations.birth_death import equilibrium
from queueing.stations.counts import TabledNumber
from queueing.stations.stages import StagedTime, time_of, wait_of

FOUND = np.array([0.1, 0.2, 0.25, 0.2, 0.15, 0.1])


def test_a_table_answers_as_the_law_it_holds():
    law, exact = TabledNumber(stats.binom(40, 0.3).pmf(np.arange(41))), stats.binom(40, 0.3)
    k = np.array([-1, 0, 3, 3.5, 12, 39, 40, 41, 1e300])
    assert law.pmf(k) == pytest.approx(exact.pmf(k), rel=1e-12)
    assert law.sf(k) == pytest.approx(exact.sf(k), rel=1e-9)
    assert law.cdf(k) == pytest.approx(exact.cdf(k), rel=1e-12)
    assert law.mean() == pytest.approx(12, rel=1e-13)
    assert law.var() == pytest.approx(8.4, rel=1e-12)


def test_a_table_that_begins_late_is_the_same_moved():
    law, late = TabledNumber(FOUND), TabledNumber(FOUND, first=10)
    k = np.arange(-2, 9)
    for name in ("pmf", "sf", "cdf"):
        assert getattr(late, name)(k + 10).tolist() == getattr(law, name)(k).tolist()
    assert late.mean() == pytest.approx(law.mean() + 10)
    assert late.var() == law.var()


def test_both_tails_of_a_table_keep_their_digits():
    law = TabledNumber(np.array([1e-40, 1.0, 1e-30, 1e-50]))
    assert law.cdf([0, 2, 3]).tolist() == [1e-40, 1, 1]
    assert law.sf([-1, 0, 1, 2, 3]) == pytest.approx([1, 1, 1e-30, 1e-50, 0], rel=1e-15)


def test_what_is_no_number_of_customers_has_no_probability():
    law = TabledNumber(FOUND)
    assert law.pmf([0.5, -1, 6, math.inf, -math.inf, math.nan]).tolist() == [0] * 6
    assert law.pmf(2) == 0.25
    assert law.pmf([[1, 2]]).shape == law.sf([[1, 2]]).shape == law.cdf([[1, 2]]).shape == (1, 2)


@given(
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30),
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30),
)
def test_equilibrium_solves_the_chains_equations(up, down):
    size = min(len(up), len(down))
    up, down = np.sort(up[:size])[::-1], np.sort(down[:size])
    flow = np.diag(up, 1) + np.diag(down, -1)
    flow -= np.diag(flow.sum(axis=1))
    p = equilibrium(up, down)
    assert p @ flow == pytest.approx(np.zeros(size + 1), abs=1e-12 * flow.max())
    assert p.sum() == pytest.approx(1, rel=1e-14)
    assert (p >= 0).all()


def test_equilibrium_neither_overflows_nor_loses_small_chances():
    up, down = np.full(2000, 3.0), np.minimum(np.arange(1, 2001), 1000) * 1.0
    exact = stats.poisson(3).pmf(np.arange(100))
    assert equilibrium(up, down)[:100] == pytest.approx(exact, rel=1e-11)
    assert equilibrium(np.full(1000, 1e18), np.full(1000, 1e-9))[-2:] == pytest.approx([1e-27, 1])
    assert equilibrium(np.zeros(3), np.ones(3)).tolist() == [1, 0, 0, 0]
    assert equilibrium(np.zeros(0), np.zeros(0)).tolist() == [1]


@pytest.mark.parametrize("servers", [1, 2, 4])
def test_a_staged_wait_and_time_are_first_passages(servers):
    """Who finds n waits for n - c + 1 ends of service, then for his own: a chain to 0."""
    rate, ahead = 0.7, FOUND[servers:]
    size = ahead.size + 1
    flow = np.diag(np.full(size - 1, servers * rate), -1)
    flow -= np.diag(np.append(rate, np.full(size - 1, servers * rate)))
    wait = wait_of(FOUND, servers=servers, service_rate=rate)
    time = time_of(FOUND, servers=servers, service_rate=rate)
    start = np.append(FOUND[:servers].sum(), ahead)
    for t in (0.01, 0.5, 2, 9, 60):
        alive = start @ linalg.expm(flow * t)
        waiting = ahead @ stats.poisson(servers * rate * t).cdf(np.arange(size - 1))
        assert wait.sf(t) == pytest.approx(waiting, rel=1e-11)
        assert time.sf(t) == pytest.approx(alive.sum(), rel=1e-11)
    assert wait.mean() == pytest.approx(ahead @ np.arange(1, size) / servers / rate, rel=1e-13)
    assert time.mean() == pytest.approx(wait.mean() + 1 / rate, rel=1e-13)
    assert time.var() == pytest.approx(wait.var() + 1 / rate**2, rel=1e-12)


@pytest.mark.parametrize("law", [wait_of, time_of])
@pytest.mark.parametrize("servers", [1, 3])
def test_a_staged_time_is_one_law_in_all_its_answers(law, servers):
    staged = law(FOUND, servers=servers, service_rate=2.0)
    square = integrate.quad(lambda t: 2 * t * staged.sf(t), 0, 60, epsabs=1e-12)[0]
    assert staged.mean() == pytest.approx(integrate.quad(staged.sf, 0, 60)[0], rel=1e-8)
    assert staged.var() == pytest.approx(square - staged.mean() ** 2, rel=1e-8)
    for s in (0.0, 0.3, 5.0):
        inner = integrate.quad(lambda t, s=s: s * math.exp(-s * t) * staged.sf(t), 0, 60)[0]
        assert staged.lst(s) == pytest.approx(1 - inner, rel=1e-8)
    for p in (0.7, 0.99, 1 - 1e-12):
        if staged.sf(0) > 1 - p:
            assert staged.sf(staged.ppf(p)) == pytest.approx(1 - p, rel=1e-8)
    drawn = staged.rvs(100_000, random_state=5)
    for t in (0, 0.3, 1.0, 2.5):
        assert np.mean(drawn > t) == pytest.approx(staged.sf(t), abs=0.007)
    both = staged + exponential(mean=0.5)
    assert both.mean() == pytest.approx(staged.mean() + 0.5)
    assert both.sf(both.ppf(0.9)) == pytest.approx(0.1, rel=1e-6)


def test_a_sure_number_of_stages_is_erlangs_law():
    staged = StagedTime(4.0, np.ones(8))
    t = np.array([0.1, 1.0, 2.0, 5.0, 40.0])
    assert staged.sf(t) == pytest.approx(erlang(mean=2, shape=8).sf(t), rel=1e-11)
    many = StagedTime(1.0, np.ones(1_000_000))
    assert many.sf(1_001_000.0) == pytest.approx(stats.norm.sf(1.0), rel=1e-3)
    assert many.var() == pytest.approx(1e6, rel=1e-9)


def test_staged_times_know_their_ends():
    law = time_of(FOUND, servers=2, service_rate=1e9)
    assert law.sf([-1, -math.inf]).tolist() == [1, 1]
    assert law.sf([1e300, math.inf, 1.0]).tolist() == [0, 0, 0]
    assert math.isnan(law.sf(math.nan))
    assert wait_of(FOUND, servers=2, service_rate=1).atom() == pytest.approx(0.3)
    assert wait_of(FOUND, servers=9, service_rate=1).sf([0, 1]).tolist() == [0, 0]
