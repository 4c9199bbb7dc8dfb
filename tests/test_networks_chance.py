"""Open and closed networks against chance, with a network ten per cent busier told apart."""

import numpy as np
import pytest
from scipy import stats

from queueing.networks import ClosedNetwork, JacksonNetwork

FEEDBACK = JacksonNetwork(
    arrival_rates=[1.2, 0.4],
    service_rates=[3, 1.2],
    servers=[1, 3],
    routing=[[0.1, 0.7], [0.3, 0.05]],
)
MIXED = ClosedNetwork(
    population=7, think_time=2, visits=[1, 2, 0.5], service_times=[0.5, 0.4, 1], servers=[1, 2, 3]
)


def simulated_numbers(arrivals, services, servers, routing, start, *, steps, paths, seed):
    """Time averages of the numbers at each node, a row a path; the chain seen at a Poisson clock.

    A node's clock ticks c mu a second, and a tick of one of its idle servers does nothing.
    """
    rng, nodes = np.random.default_rng(seed), len(services)
    clocks = np.cumsum(np.append(arrivals, np.multiply(services, servers)))
    ways = np.cumsum(np.column_stack([routing, 1 - np.sum(routing, axis=1)]), axis=1)
    numbers, totals = np.tile(start, (paths, 1)), np.zeros((paths, nodes))
    rows = np.arange(paths)
    for step in range(steps):
        tick = np.searchsorted(clocks, clocks[-1] * rng.random(paths), side="right")
        node = tick % nodes
        arrives = tick < nodes
        busy = rng.random(paths) * np.take(servers, node) < numbers[rows, node]
        leaves = ~arrives & busy
        target = (rng.random(paths)[:, None] > ways[node]).sum(axis=1)
        numbers[rows[leaves], node[leaves]] -= 1
        goes_on = leaves & (target < nodes)
        numbers[rows[goes_on], target[goes_on]] += 1
        numbers[rows[arrives], node[arrives]] += 1
        if step >= steps // 4:
            totals += numbers
    return totals / (steps - steps // 4)


def rejections(samples, exact, group=10):
    """The share of groups of paths whose 95 % interval misses the exact value."""
    means = samples.reshape(-1, group).mean(axis=1)
    errors = samples.reshape(-1, group).std(axis=1, ddof=1) / group**0.5
    return np.mean(np.abs(means - exact) > stats.t.ppf(0.975, group - 1) * errors)


@pytest.mark.parametrize(("busier", "accepted"), [(1, True), (1.1, False)])
def test_chance_agrees_and_tells_a_network_ten_per_cent_busier(busier, accepted):
    arrivals = busier * np.array(FEEDBACK.arrival_rates)
    samples = simulated_numbers(
        arrivals,
        FEEDBACK.service_rates,
        FEEDBACK.servers,
        FEEDBACK.routing,
        [1, 1],
        steps=8000,
        paths=400,
        seed=5,
    )
    missed = rejections(samples.sum(axis=1), FEEDBACK.mean_number_in_system.sum())
    assert missed < 0.2 if accepted else missed >= 0.9


@pytest.mark.parametrize(("slower", "accepted"), [(1, True), (1.1, False)])
def test_chance_agrees_and_tells_a_closed_network_ten_per_cent_slower(slower, accepted):
    """Node 0 thinks; a cycle visits a station, then with the rest of its visits others."""
    part = np.array(MIXED.visits) / sum(MIXED.visits)
    stops = 1 / sum(MIXED.visits)
    rows = np.vstack([np.append(0, part), *(np.append(stops, (1 - stops) * part),) * 3])
    samples = simulated_numbers(
        [0, 0, 0, 0],
        [1 / MIXED.think_time, *(1 / (slower * np.array(MIXED.service_times)))],
        [MIXED.population, *MIXED.servers],
        rows,
        [MIXED.population, 0, 0, 0],
        steps=8000,
        paths=400,
        seed=6,
    )
    missed = rejections(samples[:, 0], MIXED.throughput * MIXED.think_time)
    assert missed < 0.2 if accepted else missed >= 0.9
