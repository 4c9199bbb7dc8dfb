"""Waits of virtual arrivals against dense chains and against chance; the whole against chance."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import linalg, optimize, stats

from queueing import MMc
from queueing.nonstationary import MtMc, PiecewiseConstant, PiecewiseLinear, Sinusoid
from queueing.paths import departures, number_in_system

SHIFTS = PiecewiseConstant([(0, 2), (2, 5), (4, 0), (5, 1), (7, 4), (7.5, 3), (20, 1)])
RATE = PiecewiseLinear([(0, 1), (3, 9), (6, 2)])


def still_waiting(found, shifts, service_rate, now, seconds):
    """P(W > seconds) by a dense chain of those ahead; below c service has begun."""
    law, ahead = np.array(found, dtype=float), np.arange(len(found))
    stops = [now, *(t for t in shifts.breaks if now < t <= now + seconds), now + seconds]
    for a, b in pairwise(stops):
        waiting = ahead >= shifts(a)
        law[~waiting] = 0  # their service has begun
        pace = service_rate * float(shifts(a))
        flow = np.diag(np.where(waiting, -pace, 0)) + np.diag(np.where(waiting[1:], pace, 0), -1)
        law = law @ linalg.expm(flow * (b - a))
        law[~waiting] = 0
    law[ahead < shifts(now + seconds)] = 0
    return law.sum()


@pytest.mark.parametrize("start", [0, 3, 25])
@pytest.mark.parametrize("now", [0.5, 1.9, 3.5, 4.0, 6.5, 7.2])
def test_waits_while_servers_come_and_go_are_those_of_a_dense_chain(start, now):
    constant = PiecewiseConstant([(0, 0), (0.1, 6), (3, 1)])
    station = MtMc(arrival_rate=constant, service_rate=0.8, servers=SHIFTS, capacity=30)
    found = law_at(station, now, start)
    found = found[:-1] / found[:-1].sum()
    for seconds in [0, 0.05, 0.5, 1.1, 3, 8, 30]:
        expected = 1 - still_waiting(found, SHIFTS, 0.8, now, seconds)
        got = station.wait_within(now, seconds, start=start)
        assert got == pytest.approx(expected, abs=1e-12)


def law_at(station, now, start):
    """The law of N, from matrix exponentials between the steps of rate and servers."""
    n, law, most = np.arange(station.capacity + 1), None, station.capacity
    law = np.eye(most + 1)[start]
    steps = {0.0, now, *station.arrival_rate.breaks, *station.servers.breaks}
    stops = sorted(t for t in steps if 0 <= t <= now)
    for a, b in pairwise(stops):
        flow = np.diag(np.full(most, float(station.arrival_rate(a))), 1)
        flow += np.diag(station.service_rate * np.minimum(n[1:], station.servers(a)), -1)
        flow -= np.diag(flow.sum(axis=1))
        law = law @ linalg.expm(flow * (b - a))
    return law


def test_percentiles_are_the_inverse_and_jump_with_the_servers():
    station = MtMc(arrival_rate=RATE, service_rate=0.8, servers=SHIFTS)
    times = np.array([0, 1, 3.9, 4.5, 6.8, 7])
    fractions = [0, 0.2, 0.5, 0.95, 0.999]
    percentiles = station.wait_ppf(times, fractions)
    assert percentiles.shape == (6, 5)
    for t, row in zip(times, percentiles, strict=True):
        for p, wait in zip(fractions, row, strict=True):
            if wait == 0:
                assert station.wait_within(t, 0) >= p - 1e-12
            else:
                assert station.wait_within(t, wait * (1 + 1e-9)) >= p - 1e-12
                assert station.wait_within(t, wait * (1 - 1e-6)) < p
    atom = station.wait_within(4.5, 0.5 - 1e-9), station.wait_within(4.5, 0.5)
    assert atom[0] == 0  # closed until 5
    assert station.wait_ppf(4.5, atom[1] / 2) == pytest.approx(0.5, abs=1e-12)


def test_a_steady_station_waits_like_the_stationary_one():
    for servers, load in [(1, 0.8), (3, 2.7), (40, 38)]:
        station = MMc(arrival_rate=load, service_rate=1, servers=servers)
        moving = MtMc(arrival_rate=load, service_rate=1, servers=servers)
        p = np.array([0, 0.5, 0.9, 0.99, 0.9999])
        assert moving.wait_ppf(5000, p) == pytest.approx(station.wait.ppf(p), rel=1e-8, abs=1e-12)
        seconds = [0, 0.1, 1, 10]
        within = moving.wait_within([5000], seconds)
        assert within[0] == pytest.approx(station.wait.cdf(seconds), abs=1e-11)


def test_a_known_backlog_waits_for_a_gamma_time():
    station = MtMc(arrival_rate=5, service_rate=2, servers=3)
    law = stats.gamma(1000 - 3 + 1, scale=1 / 6)
    p = [0.01, 0.5, 0.999]
    assert station.wait_ppf(0, p, start=1000) == pytest.approx(law.ppf(p), rel=1e-10)
    assert station.wait_within(0, 160, start=1000) == pytest.approx(law.cdf(160), abs=1e-13)
    far = station.wait_ppf(0, 0.5, start=1_000_000)
    assert far == pytest.approx(stats.gamma(999_998, scale=1 / 6).ppf(0.5), rel=1e-10)


def test_an_accepted_arrival_finds_a_place():
    full = MtMc(arrival_rate=1, service_rate=1, servers=2, capacity=4)
    assert full.wait_ppf(0, 0.5, start=4) == pytest.approx(stats.gamma(2, scale=0.5).ppf(0.5))
    loss = MtMc(arrival_rate=9, service_rate=1, servers=2, capacity=2)
    assert loss.wait_within([0, 1, 5], 0) == pytest.approx([1, 1, 1])


def test_who_is_never_served_waits_for_ever():
    closing = MtMc(arrival_rate=1, service_rate=1, servers=PiecewiseConstant([(0, 1), (10, 0)]))
    waits_ = closing.wait_ppf([9.99, 11], [0.05, 0.999])
    assert math.isinf(waits_[0, 1])
    assert waits_[1].tolist() == [math.inf, math.inf]
    assert closing.wait_within(11, 1e9) == 0


def test_what_is_asked_wrongly_is_refused():
    station = MtMc(arrival_rate=1, service_rate=1, servers=2)
    with pytest.raises(ValueError, match=r"p is a fraction in \[0, 1\), got 95"):
        station.wait_ppf([1], 95)
    with pytest.raises(ValueError, match="seconds must hold finite numbers of at least 0"):
        station.wait_within([1], -1)
    with pytest.raises(ValueError, match="times must hold finite numbers of at least 0"):
        station.wait_ppf([-1], 0.5)


def test_a_short_wait_of_a_tail_is_found_too():
    station = MtMc(arrival_rate=0.01, service_rate=1, servers=1)
    p = float(station.wait_within(1000, 0))
    just_more = p + 1e-9
    root = optimize.brentq(
        lambda t: MMc(arrival_rate=0.01, service_rate=1, servers=1).wait.cdf(t) - just_more, 0, 1
    )
    assert station.wait_ppf(1000, just_more) == pytest.approx(root, rel=1e-4)


# Chance

DAY = MtMc(arrival_rate=Sinusoid(mean=9, amplitude=6, period=24), service_rate=1, servers=11)
PEAK = 8.0


def observed(rate, runs, rng):
    """What `runs` days show at PEAK, by events: N, whether its next arrival waits, and how long."""
    present, waited = np.empty(runs), np.empty(runs)
    counts = rng.poisson(rate.cumulative(PEAK), runs)
    arrivals = rate.inverse(rng.uniform(0, rate.cumulative(PEAK), counts.sum()))
    for run, came in enumerate(np.split(arrivals, np.cumsum(counts)[:-1])):
        times = np.append(np.sort(came), PEAK)  # the last is the virtual one
        services = rng.exponential(1.0, times.size)
        left = departures(times, services, 11)
        present[run] = number_in_system(times[:-1], left[:-1], [PEAK])[0]
        waited[run] = left[-1] - services[-1] - PEAK
    return present, waited


def rejected(values, exact):
    """Whether Student's test at 5 % tells the mean of the values from `exact`."""
    return stats.ttest_1samp(values, exact).pvalue < 0.05


def test_days_drawn_at_random_accept_the_model_and_busier_days_are_told_apart():
    """Twenty groups of 300 days; two tests a group, each wrong in 5 %: at most 5 of 20."""
    rng, groups, runs = np.random.default_rng(2026), 20, 300
    mean = DAY.exact([PEAK]).iloc[0]["mean_number_in_system"]
    within = float(DAY.wait_within(PEAK, 0.3))
    same, busier = np.zeros((2, groups), bool), np.zeros((2, groups), bool)
    more = Sinusoid(mean=9.9, amplitude=6.6, period=24)
    for group in range(groups):
        for rate, verdicts in [(DAY.arrival_rate, same), (more, busier)]:
            present, waited = observed(rate, runs, rng)
            verdicts[:, group] = rejected(present, mean), rejected(waited <= 0.3, within)
    assert same.sum(axis=1).max() <= 5
    assert busier.mean(axis=1).min() >= 0.9


def drawn(rate, shifts, service_rate, now, rng):
    """One history by events: N at `now`, and the wait of who arrives then behind them."""
    count = rng.poisson(rate.cumulative(now))
    arrivals = rate.inverse(rng.uniform(0, rate.cumulative(now), count))
    ends = rng.uniform(0, 30, rng.poisson(30 * service_rate * 5))  # where 5 servers would end
    events = [(t, "arrival") for t in arrivals] + [(t, "end") for t in ends]
    events += [(t, "shift") for t in shifts.breaks] + [(now, "virtual")]
    present, found = 0, None
    for t, kind in sorted(events):
        servers = int(shifts(t))
        if kind == "end":
            present -= rng.uniform() < min(present, servers) / 5
        present += kind == "arrival"
        found = present if kind == "virtual" else found
        if found is not None and present < servers:
            return found, t - now
    raise AssertionError


def test_shifts_drawn_at_random_wait_as_the_law_says():
    """Nobody behind counts, a shift's end puts customers back; within four deviations."""
    rng, runs = np.random.default_rng(7), 2000
    shifts, now = PiecewiseConstant([(0, 2), (2, 5), (4, 1), (6, 4)]), 3.7
    rate = PiecewiseLinear([(0, 2), (3, 8), (5, 3)])
    found, waited = np.array([drawn(rate, shifts, 0.9, now, rng) for _ in range(runs)]).T
    station = MtMc(arrival_rate=rate, service_rate=0.9, servers=shifts)
    exact = station.exact([now]).iloc[0]["mean_number_in_system"]
    assert abs(found.mean() - exact) < 4 * found.std() / math.sqrt(runs)
    for seconds in [0, 0.2, 1, 2.25, 2.3, 4]:
        within = station.wait_within(now, seconds)
        share = (waited <= seconds).mean()
        assert abs(share - within) < 4 * math.sqrt(within * (1 - within) / runs)
