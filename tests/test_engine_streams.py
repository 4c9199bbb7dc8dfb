"""Streams of random numbers that keep to themselves: the same customers and failures for all."""

from dataclasses import replace

import numba
import numpy as np
from scipy import stats
from test_engine import WHOLE

from queueing.simulation.engine import replicate, tables
from queueing.simulation.engine.chance import own_exponential, own_uniform


@numba.njit
def numbers(rows, count):
    uniform, exponential = np.empty(count), np.empty(count)
    for place in range(count):
        uniform[place] = own_uniform(rows[0])
        exponential[place] = own_exponential(rows[0])
    return uniform, exponential


def test_the_same_customers_and_failures_come_whatever_the_design():
    more = replace(WHOLE, jobs=replace(WHOLE.jobs, workers=WHOLE.jobs.workers + 3))
    wider = replace(WHOLE, servers=replace(WHOLE.servers, slots=WHOLE.servers.slots + 2))
    first, *others = [replicate(plan, np.random.SeedSequence(8)) for plan in (WHOLE, more, wider)]
    for other in others:
        assert np.array_equal(first.timeline["arrived"], other.timeline["arrived"])
        assert np.array_equal(first.counts["arrived"], other.counts["arrived"])
        for name in [*WHOLE.parts, "servers"]:
            assert first.downtime[name] == other.downtime[name]
        assert first.totals["served"] != other.totals["served"]
    stranger = replicate(WHOLE, np.random.SeedSequence(9))
    assert not np.array_equal(first.timeline["arrived"], stranger.timeline["arrived"])
    assert first.downtime["servers"] != stranger.downtime["servers"]


def test_a_stream_of_its_own_is_uniform():
    """A hundred thousand of each by Kolmogorov and Smirnov, and no neighbour alike."""
    rows = np.zeros(1, tables.PART_ROW)
    rows["key"] = 12345
    uniform, exponential = numbers(rows, 100_000)
    assert rows["drawn"] == 200_000
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    assert stats.kstest(exponential, "expon").pvalue > 1e-3
    for drawn in (uniform, exponential):
        assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 4 / np.sqrt(drawn.size)


def test_splitmix_gives_its_published_numbers():
    """The first outputs for the seed 1234567, as the reference program prints them."""
    rows = np.zeros(1, tables.PART_ROW)
    rows["key"] = 1234567
    uniform, _ = numbers(rows, 2)
    first, third = 6457827717110365317, 9817491932198370423
    assert uniform.tolist() == [(first >> 11) * 2.0**-53, (third >> 11) * 2.0**-53]
