"""A line simulated in thousands of systems at once, for the tests that set a station beside chance.

The systems are independent, so the mean of their means is normal and its interval honest.
"""

import math

import numpy as np

SYSTEMS, WARM_UP, CUSTOMERS, GROUPS = 4000, 150, 60, 20


def simulated_waits(*, arrival_rate, service, servers, faster=1.0, seed=2026):
    """Return the mean wait of `CUSTOMERS` customers in each system, after `WARM_UP` others."""
    rng = np.random.default_rng(seed)
    free_at = np.zeros((SYSTEMS, servers))  # from now, a column a server, sorted
    waits = np.zeros(SYSTEMS)
    for number in range(WARM_UP + CUSTOMERS):
        free_at -= rng.exponential(1 / (arrival_rate * faster), (SYSTEMS, 1))
        np.maximum(free_at, 0, out=free_at)
        if number >= WARM_UP:
            waits += free_at[:, 0] / CUSTOMERS
        free_at[:, 0] += service.rvs(size=SYSTEMS, random_state=rng)
        free_at.sort(axis=1)
    return waits


def deviations(waits, exact):
    """Return how many standard errors the mean of the systems lies from the exact one."""
    return abs(waits.mean() - exact) / (waits.std() / math.sqrt(waits.size))


def accepted(waits, exact):
    """Whether all systems together are within 4 standard errors of the exact mean."""
    return deviations(waits, exact) < 4


def power(waits, exact):
    """Return the fraction of groups of systems that reject the exact mean at 95 %."""
    return np.mean([deviations(group, exact) > 1.96 for group in np.split(waits, GROUPS)])
