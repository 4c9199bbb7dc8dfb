"""Stations by chance against their exact chains, and stations 10 % busier, which must be told."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from queueing import MM1, MMc, erlang_c, hyperexponential, lognormal
from queueing.distributions import deterministic, exponential, gamma
from queueing.simulation.station import StationPlan, plan_of, simulate

RUN = {"customers": 40_000, "replications": 20, "seed": 2026}


def station(kind, **fields):
    """A station of the theory as the simulation sees it: its name and its fields."""
    return type(kind, (SimpleNamespace,), {})(**fields)


def chain(up, down, states):
    """The stationary law of a birth-death chain on 0, ..., states."""
    weights = np.cumprod([1.0, *(up(n) / down(n + 1) for n in range(states))])
    return weights / weights.sum()


def m_m_c_k(rate, servers, room):
    p = chain(lambda _: rate, lambda n: min(n, servers), room)
    n = np.arange(room + 1)
    accepted, line = rate * (1 - p[room]), np.maximum(n - servers, 0) @ p
    return {
        "blocking_probability": p[room],
        "mean_number_in_system": n @ p,
        "mean_queue_length": line,
        "mean_wait": line / accepted,
        "mean_time_in_system": n @ p / accepted,
        "throughput": accepted,
        "utilization": accepted / servers,
        "wait_probability": p[servers:room].sum() / (1 - p[room]),
    }


def erlang_a(rate, servers, patience):
    p = chain(lambda _: rate, lambda n: min(n, servers) + max(n - servers, 0) * patience, 300)
    line = np.maximum(np.arange(301) - servers, 0) @ p
    return {
        "abandonment_probability": patience * line / rate,
        "mean_wait": line / rate,
        "mean_queue_length": line,
        "wait_probability": p[servers:].sum(),
        "throughput": rate - patience * line,
        "utilization": (rate - patience * line) / servers,
    }


def finite_source(population, think, servers):
    p = chain(lambda n: (population - n) / think, lambda n: min(n, servers), population)
    n = np.arange(population + 1)
    throughput = np.minimum(n, servers) @ p
    seen = (population - n) * p / ((population - n) @ p)
    return {
        "throughput": throughput,
        "mean_number_in_system": n @ p,
        "mean_time_in_system": population / throughput - think,
        "wait_probability": seen[servers:].sum(),
    }


def of(model):
    names = ("mean_wait", "mean_number_in_system", "wait_probability", "utilization", "throughput")
    return {name: getattr(model, name) for name in names}


CASES = {
    "M/M/1": (MM1(arrival_rate=0.5, service_rate=1), of(MM1(arrival_rate=0.5, service_rate=1))),
    "M/M/10": (
        MMc(arrival_rate=9, service_rate=1, servers=10),
        of(MMc(arrival_rate=9, service_rate=1, servers=10)),
    ),
    "M/M/300": (
        MMc(arrival_rate=290, service_rate=1, servers=300),
        of(MMc(arrival_rate=290, service_rate=1, servers=300)),
    ),
    "M/M/8/12": (
        station("MMcK", arrival_rate=9, service_rate=1, servers=8, capacity=12),
        m_m_c_k(9, 8, 12),
    ),
    "M/M/3/3": (
        station("MMcK", arrival_rate=4, service_rate=1, servers=3, capacity=3),
        {"blocking_probability": m_m_c_k(4, 3, 3)["blocking_probability"], "mean_wait": 0.0},
    ),
    "Erlang-A": (
        station("ErlangA", arrival_rate=12, service_rate=1, servers=10, patience_rate=0.5),
        erlang_a(12, 10, 0.5),
    ),
    "M/M/inf": (
        station("MMInf", arrival_rate=7, service_rate=1),
        {"mean_number_in_system": 7, "mean_wait": 0, "throughput": 7},
    ),
    "finite source": (
        station("FiniteSource", population=20, think_time=5, service_rate=1, servers=3),
        finite_source(20, 5, 3),
    ),
    "M/G/1": (
        station("MG1", arrival_rate=0.6, service=lognormal(mean=1, scv=2)),
        {"mean_wait": 0.6 * 3 / 2 / 0.4, "wait_probability": 0.6},
    ),
    "M/D/1": (
        station("MDc", arrival_rate=0.8, service_time=1, servers=1),
        {"mean_wait": 0.8 / 2 / 0.2, "mean_time_in_system": 3.0},
    ),
    "M/H2/1": (
        station("MPHc", arrival_rate=0.5, service=hyperexponential(mean=1, scv=4), servers=1),
        {"mean_wait": 0.5 * 5 / 2 / 0.5},
    ),
    "M/G/1 by two moments": (
        station("GGc", arrival_rate=0.7, service_rate=1, servers=1, interarrival_scv=1,
                service_scv=0.5),
        {"mean_wait": 0.7 * 1.5 / 2 / 0.3},
    ),
}  # fmt: skip


def strays(model, exact, **run):
    """How many standard errors each estimate lies off the exact value."""
    result = simulate(model, **(RUN | run))
    off = {}
    for name, value in exact.items():
        estimate = getattr(result, name)
        error = np.std(estimate.values, ddof=1) / math.sqrt(estimate.replications)
        off[name] = abs(estimate.mean - value) / (error or 1e-12)
    return off


@pytest.mark.parametrize("case", CASES)
def test_a_station_gives_its_exact_numbers(case):
    model, exact = CASES[case]
    assert max(strays(model, exact).values()) < 4


@pytest.mark.parametrize("case", ["M/M/10", "M/M/8/12", "Erlang-A", "finite source"])
def test_the_clock_gives_the_same_as_the_count(case):
    model, exact = CASES[case]
    off = strays(model, exact, customers=None, horizon=4000.0, warmup=200.0)
    assert max(off.values()) < 4


@pytest.mark.parametrize("case", ["M/M/1", "M/M/10", "M/M/8/12", "Erlang-A", "M/G/1"])
def test_a_station_ten_per_cent_busier_is_told_apart(case):
    model, exact = CASES[case]
    plan = plan_of(model)
    busier = dataclasses.replace(plan, gaps=exponential(mean=plan.gaps.mean() / 1.1))
    names = ("mean_wait", "blocking_probability", "abandonment_probability")
    rejected = 0
    for seed in range(20):
        result = simulate(busier, customers=20_000, warmup=1000, replications=5, seed=seed)
        rejected += any(exact[name] not in getattr(result, name) for name in names if name in exact)
    assert rejected >= 18


@pytest.mark.parametrize("p", [0.2, 0.5, 0.95, 0.99])
def test_percentiles_are_those_of_the_exact_laws(p):
    model = MMc(arrival_rate=9, service_rate=1, servers=10)
    result = simulate(model, customers=100_000, seed=1)
    for estimate, law in (
        (result.wait_ppf(p), model.wait),
        (result.time_in_system_ppf(p), model.time_in_system),
    ):
        error = np.std(estimate.values, ddof=1) / math.sqrt(20)
        assert abs(estimate.mean - law.ppf(p)) <= 4 * error
    assert (result.wait_ppf(p).mean == 0) == (p < 0.33)


def test_constant_stays_are_found_within_half_a_per_cent():
    plan = StationPlan(
        name="D/D/inf",
        gaps=deterministic(mean=1),
        services=(deterministic(mean=3.3),),
        servers=math.inf,
    )
    result = simulate(plan, customers=100, warmup=0, seed=1, replications=2)
    assert result.time_in_system_ppf(0.5).mean == pytest.approx(3.3, rel=0.005)
    assert result.mean_wait.mean == 0


def near(estimate, exact):
    """Whether an estimate is within four of its standard errors."""
    error = np.std(estimate.values, ddof=1) / math.sqrt(estimate.replications)
    return abs(estimate.mean - exact) < 4 * error


def test_priorities_follow_cobham_and_preemption_hides_the_lower_classes():
    rates, servers = np.array([2.0, 3.0, 4.0]), 10
    before = np.append(0, np.cumsum(rates) / servers)
    waits = erlang_c(servers, 9) / servers / ((1 - before[:-1]) * (1 - before[1:]))
    model = station("PriorityMMc", arrival_rates=rates, service_rate=1, servers=servers,
                    preemptive=False)  # fmt: skip
    run = {"customers": 100_000, "seed": 7}
    for estimate, exact in zip(simulate(model, **run).mean_wait, waits, strict=True):
        assert near(estimate, exact)
    model.preemptive = True
    numbers = [MMc(arrival_rate=r, service_rate=1, servers=servers) for r in np.cumsum(rates)]
    alone = np.diff([0, *(one.mean_number_in_system for one in numbers)]) / rates
    result = simulate(model, **run)
    for estimate, wait, exact in zip(
        result.mean_time_in_system, result.mean_wait, alone, strict=True
    ):
        assert near(estimate, exact)
        assert near(wait, exact - 1)


def test_one_server_with_priorities_has_its_services_by_class():
    rates, services = [0.3, 0.4], [lognormal(mean=1, scv=0.5), gamma(mean=1, scv=3)]
    model = station("PriorityMG1", arrival_rates=rates, services=services, preemptive=False)
    busy = 0.3 * 1.5 / 2 + 0.4 * 4 / 2
    result = simulate(model, customers=100_000, seed=3)
    assert near(result.mean_wait[0], busy / 0.7)
    assert near(result.mean_wait[1], busy / (0.7 * 0.3))
    model.preemptive = True
    stays = simulate(model, customers=100_000, seed=3).mean_time_in_system
    assert near(stays[0], 1 + 0.3 * 1.5 / 2 / 0.7)
    assert near(stays[1], 1 / 0.7 + busy / (0.7 * 0.3))


class Steps:
    """A rate of steps, with the inverse of its integral: a stand-in for the theory's."""

    def __init__(self, points):
        self.points = points
        self.times, self.rates = (
            np.array(column, dtype=float) for column in zip(*points, strict=True)
        )
        self.sums = np.append(0, np.cumsum(np.diff(self.times) * self.rates[:-1]))

    def __call__(self, t):
        return self.rates[np.searchsorted(self.times, t, side="right") - 1]

    def cumulative(self, t):
        piece = np.searchsorted(self.times, t, side="right") - 1
        return self.sums[piece] + (t - self.times[piece]) * self.rates[piece]

    def inverse(self, y):
        piece = np.searchsorted(self.sums, y, side="left") - 1
        with np.errstate(divide="ignore"):
            return self.times[piece] + (np.asarray(y) - self.sums[piece]) / self.rates[piece]


def kolmogorov(rate, servers, room, times):
    """Mean number, line and P(all busy) at each time, from M(t)/M/c(t)/K's equations."""
    n = np.arange(room + 1)

    def slope(t, p):
        up, down = float(rate(t)) * p, np.minimum(n, int(servers(t))) * p
        up[-1] = 0
        change = -up - down
        change[1:] += up[:-1]
        change[:-1] += down[1:]
        return change

    p, rows, last = np.eye(room + 1)[0], [], 0.0
    for t in times:
        span = (last, t - 1e-9)
        p, last = solve_ivp(slope, span, p, method="LSODA", rtol=1e-8, max_step=0.1).y[:, -1], t
        level = int(servers(t))
        rows.append((n @ p, np.maximum(n - level, 0) @ p, p[n >= level].sum()))
    return np.array(rows).T


def swing(t):
    return 8 + 6 * np.sin(t)


@pytest.mark.parametrize(
    ("rate", "servers", "room"),
    [
        (Steps([(0, 5), (3, 0), (8, 14), (11, 2)]), 8, None),  # with a gap of five seconds
        (swing, 10, None),
        (swing, Steps([(0, 12), (4, 6), (7, 15), (11, 3), (13, 10)]), 15),
    ],
)
def test_what_moves_follows_kolmogorovs_equations(rate, servers, room):
    model = station("MtMc", arrival_rate=rate, service_rate=1, servers=servers, capacity=room)
    table = simulate(model, horizon=15.0, steps=15, replications=1500, seed=5).over_time
    level = servers if isinstance(servers, Steps) else lambda _t: servers
    exact = kolmogorov(rate, level, room or 90, table.index)
    names = ("mean_number_in_system", "mean_queue_length", "wait_probability")
    for name, values in zip(names, exact, strict=True):
        error = np.maximum(table[name, "half_width"] / 1.96, 0.003)
        assert np.max(np.abs(table[name, "mean"] - values) / error) < 4.2, name
        assert np.max(table[name, "mean"]) > 0.1


def test_arrivals_are_as_many_as_the_rate_says_window_by_window():
    rate = Steps([(0, 30), (1, 0), (50, 30), (51, 0), (52, 10)])
    for given in (rate, rate.__call__):
        model = station("MtMc", arrival_rate=given, service_rate=1, servers=500, capacity=None)
        result = simulate(model, horizon=54.0, steps=54, replications=400, seed=8)
        came = np.array([run.timeline["came"] for run in result.runs])
        expected = np.diff(rate.cumulative(np.arange(55.0)))
        error = np.sqrt(expected / 400)
        assert np.all(np.abs(came.mean(axis=0) - expected) <= 4.5 * error)
        assert np.abs(came[:, 50].var() / 30 - 1) < 0.35  # Poisson: variance = mean


def test_a_rate_that_jumps_above_what_was_seen_is_refused():
    def spike(t):
        return np.where(np.abs(np.asarray(t) - 3.33343) < 0.0001, 1e6, 500.0)

    model = station("MtMc", arrival_rate=spike, service_rate=1, servers=5, capacity=None)
    with pytest.raises(ValueError, match=r"arrival rate is 1e\+06 at t = 3\.33.*PiecewiseLinear"):
        simulate(model, horizon=10.0, replications=100, seed=1)
