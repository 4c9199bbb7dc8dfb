"""Outages alone: against closed forms, the whole engine, and the figure that is a lesson."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from test_engine import WHOLE, inside

from queueing.simulation.engine import Group, Outages, Users, replicate, uptimes

HOUR = 3600
STEADY = Users.steady(request_rate=100, horizon=54 * HOUR)


def part(availability, hours):
    return Outages.of(availability=availability, mean_down=hours * HOUR)


def surge():
    hours = np.arange(0, 54.05, 0.1)
    ramp = 1 / (1 + np.exp(-(hours - 8) / 0.5))
    fade = np.where(hours <= 32, 1, np.exp(-(hours - 32) / 5))
    return Users(times=hours * HOUR, users=150 + 2450 * ramp * fade, think_time=14.06)


BALANCED = [  # four servers of which three are needed, and what every request passes
    Group(count=4, needed=3, outages=part(0.995, 0.5)),
    Group(count=1, needed=1, outages=part(0.9999, 0.083)),
    Group(count=1, needed=1, outages=part(0.9995, 0.033)),
    Group(count=1, needed=1, outages=part(0.9999, 0.017)),
    Group(count=1, needed=1, outages=part(0.999, 0.25)),
]


def batches(values):
    return np.mean(np.reshape(values, (20, -1)), axis=1)


def test_one_part_from_up_is_the_textbooks_transient():
    """Mean share up until T: A + (1 - A)(1 - e^(-rT)) / (rT), r = 1 / up + 1 / down."""
    outages = Outages(mean_up=3 * HOUR, mean_down=HOUR)
    group = Group(count=1, needed=1, outages=outages)
    rate = 1 / outages.mean_up + 1 / outages.mean_down
    day = Users.steady(request_rate=100, horizon=24 * HOUR)
    relaxed = (1 - np.exp(-rate * day.horizon)) / (rate * day.horizon)
    share = batches(uptimes([group], day, runs=20_000, seed=1))
    assert inside(0.75 + 0.25 * relaxed, share)
    assert not inside(0.75, share)


def test_k_out_of_n_and_series():
    long = Users.steady(request_rate=1, horizon=3000 * HOUR)
    outages = Outages(mean_up=3 * HOUR, mean_down=HOUR)
    groups = [
        Group(count=5, needed=3, outages=outages),
        Group(count=1, needed=1, outages=outages),
    ]
    exact = stats.binom.sf(2, 5, 0.75) * 0.75
    assert np.mean(uptimes(groups, long, runs=400, seed=1)) == pytest.approx(exact, abs=2e-3)


def test_an_outage_weighs_what_comes_while_it_lasts():
    """Nobody comes in the first half: outages there cost nothing."""
    users = Users(times=[0, 100, 101, 200], users=[0, 0, 1, 1], think_time=1)
    early = Group(count=1, needed=1, outages=Outages(mean_up=1e-6, mean_down=1e9))
    assert uptimes([early], users, runs=3, seed=1) == pytest.approx(0, abs=1e-6)
    often = Group(count=1, needed=1, outages=Outages(mean_up=50, mean_down=1e9))
    lost = 1 - uptimes([often], users, runs=20_000, seed=1)
    assert np.mean(lost == 1) == pytest.approx(1 - np.exp(-100 / 50), abs=0.02)


def test_a_mean_that_passes_is_not_a_run_that_passes():
    share = uptimes(BALANCED, surge(), runs=4000, seed=1)
    assert np.mean(share) == pytest.approx(0.99815, abs=2e-4)
    assert np.mean(share >= 0.997) == pytest.approx(0.84, abs=0.02)


def test_four_thousand_runs_take_seconds():
    start = time.perf_counter()
    uptimes(BALANCED, surge(), runs=4000, seed=2)
    assert time.perf_counter() - start < 10


def test_the_whole_engine_loses_what_the_outages_say():
    """A lone server at low load: requests fail while it is down, and the few under way with it."""
    outages = Outages(mean_up=2000, mean_down=200)
    users = Users.steady(request_rate=2, horizon=20_000)
    plan = replace(
        WHOLE,
        users=users,
        servers=replace(WHOLE.servers, count=1, entry_part=None, outages=outages),
        parts=dict.fromkeys(WHOLE.parts),
    )
    seeds = np.random.SeedSequence(1).spawn(100)
    answered = batches([replicate(plan, seed).answered() for seed in seeds])
    group = Group(count=1, needed=1, outages=outages)
    alone = np.mean(uptimes([group], users, runs=20_000, seed=1))
    assert inside(alone, answered)


def test_the_same_seed_gives_the_same_runs():
    first, again = (uptimes(BALANCED, STEADY, runs=50, seed=3) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, uptimes(BALANCED, STEADY, runs=50, seed=4))


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="needed must be at most count, 2, got 3"):
        Group(count=2, needed=3, outages=part(0.99, 1))
    with pytest.raises(ValueError, match="runs must be"):
        uptimes(BALANCED, STEADY, runs=0, seed=1)
