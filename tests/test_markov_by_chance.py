"""Lost, impatient and returning customers, simulated one by one, beside what theory says of them.

Many systems run side by side, a row each, first come first served, and each gives one mean. Theirs
is a normal mean with a known error: the station is accepted, a station 10 % busier is told apart.
"""

import math

import numpy as np
import pytest

from queueing.stations.finite import FiniteSource, MMcK
from queueing.stations.impatient import ErlangA

GROUPS, SYSTEMS = 20, 150  # experiments, and systems in each
LIMIT = 4.0  # deviations: with 20 experiments missed by chance once in 800


def lost_customers(station, rng, customers):
    """Mean wait of who comes in, and share of who is lost; a column a place, when it gets free."""
    free_at = np.full((GROUPS * SYSTEMS, station.capacity), -1e300)
    now = np.zeros(len(free_at))
    came, waited = np.zeros(len(free_at)), np.zeros(len(free_at))
    for number in range(2 * customers):
        now += rng.exponential(1 / station.arrival_rate, now.size)
        enters = free_at[:, 0] <= now
        start = np.maximum(now, free_at[:, station.capacity - station.servers])
        if number >= customers:
            came += enters
            waited += np.where(enters, start - now, 0)
        leaves = start + rng.exponential(1 / station.service_rate, now.size)
        free_at[:, 0] = np.where(enters, leaves, free_at[:, 0])
        free_at.sort(axis=1)
    return {"mean_wait": waited / came.mean(), "blocking_probability": 1 - came / customers}


def impatient_customers(station, rng, customers):
    """Mean waits of all and of the served, and share of who left; a column a server."""
    free_at = np.zeros((GROUPS * SYSTEMS, station.servers))
    sums = {name: np.zeros(len(free_at)) for name in ("mean_wait", "abandonment_probability", "V")}
    for number in range(2 * customers):
        free_at -= rng.exponential(1 / station.arrival_rate, (len(free_at), 1))
        offered = np.maximum(free_at[:, 0], 0)
        patience = rng.exponential(1 / station.patience_rate, len(free_at))
        stays = offered < patience
        if number >= customers:
            sums["mean_wait"] += np.minimum(offered, patience)
            sums["abandonment_probability"] += ~stays
            sums["V"] += offered
        leaves = offered + rng.exponential(1 / station.service_rate, len(free_at))
        free_at[:, 0] = np.where(stays, leaves, free_at[:, 0])
        free_at.sort(axis=1)
    return {name: total / customers for name, total in sums.items()}


def returning_customers(station, rng, customers):
    """Mean wait and mean time inside; a column a customer, when he comes next."""
    rows = np.arange(GROUPS * SYSTEMS)
    comes = rng.exponential(station.think_time, (rows.size, station.population))
    free_at = np.zeros((rows.size, station.servers))
    waited = np.zeros(rows.size)
    for number in range(2 * customers):
        who = comes.argmin(axis=1)
        now = comes[rows, who]
        start = np.maximum(now, free_at[:, 0])
        free_at[:, 0] = start + rng.exponential(1 / station.service_rate, rows.size)
        comes[rows, who] = free_at[:, 0] + rng.exponential(station.think_time, rows.size)
        free_at.sort(axis=1)
        waited += (start - now) * (number >= customers)
    return {"mean_wait": waited / customers}


def distances(simulated, exact):
    """How many of its own errors each experiment's mean lies from the exact value."""
    groups = simulated.reshape(GROUPS, SYSTEMS)
    return np.abs(groups.mean(axis=1) - exact) * math.sqrt(SYSTEMS) / groups.std(axis=1, ddof=1)


def faster_thinking(station):
    return station.replace(think_time=station.think_time / 1.1)


def more_arrivals(station):
    return station.replace(arrival_rate=station.arrival_rate * 1.1)


@pytest.mark.parametrize(
    ("station", "simulate", "busier", "customers"),
    [
        (
            MMcK(arrival_rate=5, service_rate=2, servers=3, capacity=8),
            lost_customers,
            more_arrivals,
            200,
        ),
        (
            ErlangA(arrival_rate=6, service_rate=2, servers=3, patience_rate=1),
            impatient_customers,
            more_arrivals,
            200,
        ),
        (
            FiniteSource(population=8, think_time=3, service_rate=1, servers=2),
            returning_customers,
            faster_thinking,
            300,
        ),
    ],
    ids=["MMcK", "ErlangA", "FiniteSource"],
)
def test_simulated_customers_fare_as_stated_and_not_as_at_a_busier_station(
    station, simulate, busier, customers
):
    exact = {"V": station.offered_wait.mean()} if isinstance(station, ErlangA) else {}
    right = simulate(station, np.random.default_rng(2026), customers)
    wrong = simulate(busier(station), np.random.default_rng(2027), customers)
    for name, simulated in right.items():
        value = exact[name] if name in exact else getattr(station, name)
        assert np.all(distances(simulated, value) < LIMIT), name
        rejected = distances(wrong[name], value) > LIMIT
        assert rejected.mean() >= 0.9, name
