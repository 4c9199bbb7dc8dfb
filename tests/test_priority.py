"""Priorities against chains of two classes, Kleinrock's conservation law, limits and chance."""

import heapq
import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from scipy.sparse.linalg import spsolve

from queueing import (
    MMc,
    cobham,
    deterministic,
    exponential,
    gamma,
    hyperexponential,
    pollaczek_khinchine,
    uniform,
)
from queueing.stations.priority import PriorityMG1, PriorityMMc

MEANS = ["mean_wait", "mean_time_in_system", "mean_queue_length", "mean_number_in_system"]
rates_of = st.lists(st.floats(1e-3, 1), min_size=1, max_size=5)
either = pytest.mark.parametrize("preemptive", [False, True])


def stationary(moves, shape):
    """The chances of the states of a box, from {(shift): rates of every state}."""
    states = np.arange(math.prod(shape)).reshape(shape)
    places = np.indices(shape)
    flow = sparse.csr_array((states.size, states.size))
    for shift, rates in moves.items():
        to = [place + step for place, step in zip(places, shift, strict=True)]
        inside = np.all([(t >= 0) & (t < n) for t, n in zip(to, shape, strict=True)], axis=0)
        inside &= rates > 0
        target = states[tuple(t[inside] for t in to)]
        entries = np.broadcast_to(rates, shape)[inside], (states[inside], target)
        flow += sparse.csr_array(entries, shape=flow.shape)
    flow -= sparse.diags_array(flow.sum(axis=1))
    right = -flow.T[1:, [0]].toarray().ravel()
    weights = np.append(1, spsolve(sparse.csc_array(flow.T)[1:, 1:], right)).reshape(shape)
    return weights / weights.sum()


# Two classes in M/M/c, as a chain


@pytest.mark.parametrize("servers", [1, 2, 5])
def test_interrupting_classes_are_a_chain_of_their_numbers(servers):
    station = PriorityMMc(
        arrival_rates=[0.4 * servers, 0.3 * servers],
        service_rate=1,
        servers=servers,
        preemptive=True,
    )
    high, low = np.indices((50, 90))
    served = np.minimum(high, servers)
    chances = stationary(
        {
            (1, 0): np.full(high.shape, station.arrival_rates[0]),
            (0, 1): np.full(high.shape, station.arrival_rates[1]),
            (-1, 0): 1.0 * served,
            (0, -1): 1.0 * np.minimum(low, servers - served),
        },
        high.shape,
    )
    present = [(chances * high).sum(), (chances * low).sum()]
    assert station.mean_number_in_system == pytest.approx(present, rel=1e-8)
    blocked = [chances[high >= servers].sum(), chances[high + low >= servers].sum()]
    assert station.wait_probability == pytest.approx(blocked, rel=1e-8)


@pytest.mark.parametrize("servers", [1, 2, 5])
def test_waiting_classes_are_a_chain_of_their_queues(servers):
    """With all servers busy the queues (high, low) leave at c mu, the high one first."""
    first, second = 0.4 * servers, 0.3 * servers
    station = PriorityMMc(arrival_rates=[first, second], service_rate=1, servers=servers)
    high, low = np.indices((50, 90))
    queues = stationary(
        {
            (1, 0): np.full(high.shape, first),
            (0, 1): np.full(high.shape, second),
            (-1, 0): servers * (high > 0),
            (0, -1): servers * (high == 0),
        },
        high.shape,
    )
    load = first + second
    busy = stats.poisson(load).pmf(np.arange(servers + 1))
    # the chance of "all busy, none waits" is joined to the busy servers below by a cut
    all_busy = busy[-1] / queues[0, 0]
    waits = all_busy / (busy[:-1].sum() + all_busy)
    assert station.wait_probability == pytest.approx([waits, waits], rel=1e-8)
    lengths = [waits * (queues * high).sum(), waits * (queues * low).sum()]
    assert station.mean_queue_length == pytest.approx(lengths, rel=1e-8)


# Two classes of unlike exponential services in M/M/1, as a chain


def test_interrupting_services_that_differ_are_a_chain():
    arrivals, means = [0.3, 0.25], [0.8, 1.6]
    station = PriorityMG1(
        arrival_rates=arrivals, services=[exponential(mean=m) for m in means], preemptive=True
    )
    high, low = np.indices((60, 120))
    chances = stationary(
        {
            (1, 0): np.full(high.shape, arrivals[0]),
            (0, 1): np.full(high.shape, arrivals[1]),
            (-1, 0): (high > 0) / means[0],
            (0, -1): (high == 0) * (low > 0) / means[1],
        },
        high.shape,
    )
    present = [(chances * high).sum(), (chances * low).sum()]
    assert station.mean_number_in_system == pytest.approx(present, rel=1e-8)


def test_waiting_services_that_differ_are_a_chain():
    """The third coordinate is whom the server serves: 0 nobody, 1 the high class, 2 the low."""
    arrivals, means = [0.3, 0.25], [0.8, 1.6]
    station = PriorityMG1(arrival_rates=arrivals, services=[exponential(mean=m) for m in means])
    high, low, who = np.indices((40, 70, 3))
    ends = np.where(who == 1, 1 / means[0], np.where(who == 2, 1 / means[1], 0))
    moves = {
        (1, 0, 0): arrivals[0] * (who > 0),
        (0, 1, 0): arrivals[1] * (who > 0),
        (0, 0, 1): arrivals[0] * (who == 0) * (high + low == 0),
        (0, 0, 2): arrivals[1] * (who == 0) * (high + low == 0),
        (-1, 0, 0): ends * (who == 1) * (high > 0) + (who == 0) * (high > 0),  # never entered
        (-1, 0, -1): ends * (who == 2) * (high > 0),
        (0, -1, 1): ends * (who == 1) * (high == 0) * (low > 0),
        (0, -1, 0): (ends * (who == 2) * (high == 0) + (who == 0)) * (low > 0),
        (0, 0, -1): ends * (who == 1) * (high + low == 0),
        (0, 0, -2): ends * (who == 2) * (high + low == 0),
    }
    chances = stationary(moves, high.shape)
    lengths = [(chances * high).sum(), (chances * low).sum()]
    assert station.mean_queue_length == pytest.approx(lengths, rel=1e-7)


# Laws


@either
@settings(max_examples=30)
@given(rates_of, st.floats(0.01, 0.999), st.integers(1, 40))
def test_work_is_conserved(preemptive, weights, ratio, servers):
    """Whoever goes first, with one exponential service all together are an M/M/c."""
    rates = np.array(weights) / sum(weights) * ratio * servers
    station = PriorityMMc(
        arrival_rates=rates, service_rate=1, servers=servers, preemptive=preemptive
    )
    together = MMc(arrival_rate=rates.sum(), service_rate=1, servers=servers)
    queue = station.mean_queue_length.sum()
    assert queue == pytest.approx(together.mean_queue_length, rel=1e-8, abs=1e-300)
    assert station.throughput == pytest.approx(rates)
    waits = station.mean_wait
    assert np.all(np.diff(waits) >= -1e-12 * waits[1:])
    assert station.mean_time_in_system == pytest.approx(waits + 1)
    assert station.utilization == pytest.approx(ratio)


@given(rates_of, st.floats(0.01, 0.99), st.floats(0, 5))
def test_kleinrocks_conservation_law(weights, ratio, spread):
    """Sum of rho_k Wq_k = rho R / (1 - rho), R the work left in service."""
    services = [gamma(mean=1 + k, scv=0.1 + spread * k) for k in range(len(weights))]
    means = np.array([service.mean() for service in services])
    rates = np.array(weights) / (np.array(weights) @ means) * ratio
    station = PriorityMG1(arrival_rates=rates, services=services)
    left = sum(r * (s.var() + s.mean() ** 2) / 2 for r, s in zip(rates, services, strict=True))
    work = station.offered_loads @ station.mean_wait
    assert work == pytest.approx(ratio * left / (1 - ratio), rel=1e-9)
    scvs = [service.scv() for service in services]
    assert station.mean_wait == pytest.approx(cobham(rates, 1 / means, scvs), rel=1e-12)


@either
@settings(max_examples=30)
@given(rates_of, st.floats(0.01, 0.99))
def test_exponential_services_are_mm1(preemptive, weights, ratio):
    rates = np.array(weights) / sum(weights) * ratio / 2
    general = PriorityMG1(
        arrival_rates=rates, services=[exponential(mean=2)] * rates.size, preemptive=preemptive
    )
    plain = PriorityMMc(arrival_rates=rates, service_rate=0.5, servers=1, preemptive=preemptive)
    for name in [*MEANS, "throughput", "wait_probability"]:
        assert getattr(general, name) == pytest.approx(getattr(plain, name), rel=1e-7)


def test_one_class_is_the_line_without_priorities():
    for service in (deterministic(mean=1), hyperexponential(mean=1, scv=4), stats.uniform(0, 2)):
        for preemptive in (False, True):
            line = PriorityMG1(arrival_rates=[0.7], services=[service], preemptive=preemptive)
            scv = line.services[0].scv()
            assert line.mean_wait == pytest.approx([pollaczek_khinchine(0.7, 1, scv)], rel=1e-12)


@settings(max_examples=40)
@given(st.floats(1e-12, 1e-2), st.floats(0.05, 0.9), st.integers(1, 30))
def test_a_rare_class_keeps_its_digits(share, ratio, servers):
    """Preemption subtracts two almost equal queues, so here in sixty digits."""
    rates = [ratio * servers, share * servers * (1 - ratio)]
    rare = PriorityMMc(arrival_rates=rates, service_rate=1, servers=servers, preemptive=True)

    def queue(load):
        term = total = mpmath.mpf(1)
        for left in range(servers, 0, -1):
            term *= left / load
            total += term  # at last 1 / B
        waits = servers / (servers - load + load / total) / total
        return waits * load / (servers - load)

    with mpmath.workdps(60):
        low, new = mpmath.mpf(rates[0]), mpmath.mpf(rates[1])
        exact = float((queue(low + new) - queue(low)) / new)
    assert rare.mean_wait[1] == pytest.approx(exact, rel=1e-7)


# Overload


@either
def test_overload_leaves_the_higher_classes_served(preemptive):
    station = PriorityMMc(
        arrival_rates=[1, 1.5, 2, 1], service_rate=1, servers=3, preemptive=preemptive
    )
    waits = station.mean_wait
    assert np.isinf(waits).tolist() == [False, False, True, True]
    if preemptive:
        alone = MMc(arrival_rate=1, service_rate=1, servers=3)
        both = MMc(arrival_rate=2.5, service_rate=1, servers=3)
        assert waits[0] == pytest.approx(alone.mean_wait)
        assert station.mean_queue_length[1] == pytest.approx(
            both.mean_queue_length - alone.mean_queue_length
        )
    else:  # always busy: the first class is an M/M/1 of rate c mu that always finds a service
        assert waits[0] == pytest.approx(1 / (3 - 1))
        assert station.wait_probability.tolist() == [1] * 4
    assert station.throughput == pytest.approx([1, 1.5, 0.5, 0])
    assert station.utilization == 1
    assert not station.is_stable
    assert np.isinf(station.mean_number_in_system).tolist() == [False, False, True, True]


@either
def test_overload_is_the_limit_of_high_load(preemptive):
    services = [uniform(low=0, high=1), hyperexponential(mean=2, scv=4), exponential(mean=1)]

    def waits(second):
        rates = [0.6, second, 0.1]
        return PriorityMG1(arrival_rates=rates, services=services, preemptive=preemptive).mean_wait

    assert waits(0.35 - 0.05 - 1e-9)[0] == pytest.approx(waits(0.3 + 1e-9)[0], rel=1e-6)
    assert waits(0.35)[0] == pytest.approx(waits(5)[0], rel=1e-9)  # exactly full, and overfull
    assert np.isinf(waits(5)).tolist() == [False, True, True]


@either
def test_a_class_that_nobody_is_of(preemptive):
    for station in (
        PriorityMMc(arrival_rates=[0, 1, 0, 2], service_rate=2, servers=2, preemptive=preemptive),
        PriorityMG1(
            arrival_rates=[0, 0.3, 0, 0.1],
            services=[exponential(mean=2)] * 4,
            preemptive=preemptive,
        ),
    ):
        assert np.all(np.isfinite(station.mean_wait))
        assert np.all(np.diff(station.mean_wait) >= 0)
        assert station.mean_number_in_system[[0, 2]].tolist() == [0, 0]
    crowded = PriorityMMc(arrival_rates=[3, 0], service_rate=1, servers=2, preemptive=preemptive)
    assert crowded.mean_wait.tolist() == [math.inf, math.inf]
    assert crowded.mean_number_in_system.tolist() == [math.inf, 0]
    idle = PriorityMMc(arrival_rates=[0, 0], service_rate=1, servers=2, preemptive=preemptive)
    assert idle.mean_wait.tolist() == [0, 0]


def test_services_of_infinite_variance_make_those_wait_whom_they_meet():
    services = [exponential(mean=1), stats.pareto(1.5), exponential(mean=1)]
    rates = [0.2, 0.1, 0.2]
    waits = PriorityMG1(arrival_rates=rates, services=services).mean_wait
    assert waits.tolist() == [math.inf] * 3
    waits = PriorityMG1(arrival_rates=rates, services=services, preemptive=True).mean_wait
    assert waits.tolist() == [pytest.approx(0.25), math.inf, math.inf]


# Chance


def simulated_times(station, services, *, servers, faster=1.0, customers=600, warm_up=200, seed=0):
    """The mean time in system of each class, one history; interrupted services are resumed."""
    rng = np.random.default_rng(seed)
    total = sum(station.arrival_rates)
    arrivals = np.cumsum(rng.exponential(1 / total / faster, warm_up + customers))
    chances = np.array(station.arrival_rates) / total
    kinds = rng.choice(chances.size, arrivals.size, p=chances)
    drawn = [service.rvs(size=arrivals.size, random_state=rng) for service in services]
    lengths = np.choose(kinds, drawn).tolist()
    arrivals, kinds = arrivals.tolist(), kinds.tolist()
    waiting, serving, times = [], [], [[] for _ in chances]  # serving: (end, customer)

    def start_next(now):
        while waiting and len(serving) < servers:
            _, who, left = heapq.heappop(waiting)
            heapq.heappush(serving, (now + left, who))

    for who, now in enumerate(itertools.chain(arrivals, [math.inf])):
        while serving and serving[0][0] <= now:
            end, done = heapq.heappop(serving)
            if done >= warm_up:
                times[kinds[done]].append(end - arrivals[done])
            start_next(end)
        if who == len(arrivals):
            return [np.mean(each) for each in times]
        if station.preemptive and len(serving) == servers:
            worst = max(serving, key=lambda each: (kinds[each[1]], each[1]))
            if kinds[worst[1]] > kinds[who]:
                serving.remove(worst)
                heapq.heapify(serving)
                heapq.heappush(waiting, (kinds[worst[1]], worst[1], worst[0] - now))
        heapq.heappush(waiting, (kinds[who], who, lengths[who]))
        start_next(now)
    raise AssertionError


@either
@pytest.mark.parametrize("kind", ["M/M/3", "M/G/1"])
def test_simulated_times_are_the_stations_and_not_those_of_a_busier_one(preemptive, kind):
    if kind == "M/M/3":
        servers, services = 3, [exponential(mean=1)] * 2
        station = PriorityMMc(
            arrival_rates=[1, 1.3], service_rate=1, servers=3, preemptive=preemptive
        )
    else:
        servers, services = 1, [uniform(low=0, high=1), gamma(mean=1, scv=0.5)]
        station = PriorityMG1(arrival_rates=[0.6, 0.47], services=services, preemptive=preemptive)

    def runs(number, faster):
        line = {"servers": servers, "faster": faster}
        return np.array(
            [simulated_times(station, services, **line, seed=seed) for seed in range(number)]
        )

    exact, near = station.mean_time_in_system, runs(200, faster=1.0)
    assert np.all(abs(near.mean(axis=0) - exact) < 4 * near.std(axis=0) / math.sqrt(len(near)))
    groups = runs(400, faster=1.1)[:, 1].reshape(20, 20)
    errors = groups.std(axis=1, ddof=1) / math.sqrt(20)
    misses = abs(groups.mean(axis=1) - exact[1]) / errors
    assert np.mean(misses > stats.t(19).ppf(0.975)) >= 0.9


# Values, and mistakes


def test_stations_are_values():
    station = PriorityMMc(arrival_rates=[1, 2], service_rate=2, servers=3)
    assert station.with_servers(4) == station.replace(servers=4)
    assert hash(station) == hash(station.replace(arrival_rates=(1.0, 2.0)))
    assert station.replace(preemptive=True) != station
    with pytest.raises(AttributeError, match="PriorityMMc has no wait: it gives the means of the"):
        station.wait  # noqa: B018
    with pytest.raises(AttributeError, match="nobody is turned away"):
        station.blocking_probability  # noqa: B018


@pytest.mark.parametrize("bad", [[-1], [], [[1, 2]], [math.nan], "3", None, [True], [1, "2"]])
def test_arrival_rates_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"^arrival_rates must (hold|be)"):
        PriorityMMc(arrival_rates=bad, service_rate=1, servers=1)
    with pytest.raises(ValueError, match=r"^(arrival_rates|services) must (hold|be)"):
        PriorityMG1(arrival_rates=bad, services=[exponential(mean=1)])


@pytest.mark.parametrize("bad", [0, -1, True, math.nan, math.inf, "3", None, [3]])
def test_other_parameters_that_cannot_be_are_refused(bad):
    station = PriorityMMc(arrival_rates=[1, 2], service_rate=2, servers=3)
    for name in ("service_rate", "servers"):
        with pytest.raises(ValueError, match=f"^{name} must be a"):
            station.replace(**{name: bad})
    if bad is not True:
        with pytest.raises(ValueError, match=r"^preemptive must be True or False, got"):
            station.replace(preemptive=bad)
    with pytest.raises(ValueError, match=r"^services must be a"):
        PriorityMG1(arrival_rates=[1], services=[bad])


def test_services_are_as_many_as_arrival_rates():
    with pytest.raises(ValueError, match="one a class, got 1 for 2 arrival_rates"):
        PriorityMG1(arrival_rates=[1, 2], services=exponential(mean=1))
    with pytest.raises(ValueError, match="services must have a finite mean above 0, got 0"):
        PriorityMG1(arrival_rates=[1], services=[deterministic(mean=0)])
