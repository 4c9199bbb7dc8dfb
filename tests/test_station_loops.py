"""The loops under the simulation of stations: the same customers give the same history."""

import heapq
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queueing.distributions import exponential, gamma, lognormal, uniform
from queueing.paths import waits
from queueing.simulation.station import tally
from queueing.simulation.station.loops import ABANDONED, BLOCKED, first_come, limited, sources
from queueing.simulation.station.ranked import Ranked
from queueing.simulation.station.streams import Stream, stream_seed
from queueing.simulation.station.warmup import mser, shares

NEVER = np.zeros(0)


def customers(seed, number=400, rate=3.0, mean=1.0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.exponential(1 / rate, number)), rng.exponential(mean, number)


@pytest.mark.parametrize("servers", [1, 2, 3, 16, 17, 40, 100, 101, 256, 257, 300])
def test_first_come_first_served_is_that_of_paths(servers):
    arrivals, services = customers(servers, 3000, rate=1.02 * servers)
    waited, free = np.empty(arrivals.size), np.zeros(servers)
    for half in np.array_split(np.arange(arrivals.size), 2):  # the state goes over between blocks
        part = np.empty(half.size)
        first_come(arrivals[half], services[half], free, part)
        waited[half] = part
    expected = waits(arrivals, services, servers)
    assert np.max(expected) > 0
    np.testing.assert_allclose(waited, expected, atol=1e-9)
    np.testing.assert_array_equal(waited == 0, expected == 0)


def by_events(arrivals, services, patience, servers, room):
    """Waits, stays and outcomes by a list of events: who is in line, who is served, one by one."""
    waited, stayed, outcome = (np.full(arrivals.size, np.nan) for _ in range(3))
    line, busy, order = [], 0, itertools.count()
    events = [(t, next(order), "comes", k) for k, t in enumerate(arrivals)]
    heapq.heapify(events)
    while events:
        now, _, what, who = heapq.heappop(events)
        if what == "comes":
            if room and busy + len(line) >= room:
                waited[who], stayed[who], outcome[who] = 0, 0, BLOCKED
                continue
            line.append(who)
            heapq.heappush(events, (now + patience[who], next(order), "goes", who))
        elif what == "goes" and who in line:
            line.remove(who)
            waited[who] = stayed[who] = now - arrivals[who]
            outcome[who] = ABANDONED
        elif what == "ends":
            busy -= 1
        while line and busy < servers:
            first = line.pop(0)
            busy += 1
            waited[first] = now - arrivals[first]
            stayed[first], outcome[first] = waited[first] + services[first], 0
            heapq.heappush(events, (now + services[first], next(order), "ends", first))
    return waited, stayed, outcome


@pytest.mark.parametrize(("servers", "room"), [(1, 0), (1, 1), (2, 2), (2, 5), (3, 0), (20, 24)])
@pytest.mark.parametrize("patient", [False, True])
def test_short_room_and_short_patience_are_those_of_a_list_of_events(servers, room, patient):
    arrivals, services = customers(servers + room, rate=1.4 * servers)
    patience = np.random.default_rng(9).exponential(0.7, arrivals.size)
    waited, stayed = np.empty(arrivals.size), np.empty(arrivals.size)
    outcome = np.empty(arrivals.size, dtype=np.int8)
    given = NEVER if patient else patience
    limited(
        arrivals, services, given, np.zeros(servers), np.zeros(room), 0, waited, stayed, outcome
    )
    forever = np.full(arrivals.size, 1e9)
    expected = by_events(arrivals, services, forever if patient else patience, servers, room)
    assert len(set(outcome.tolist())) > 1 or (patient and not room)
    np.testing.assert_array_equal(outcome, expected[2])
    np.testing.assert_allclose(waited, expected[0], atol=1e-9)
    np.testing.assert_allclose(stayed, expected[1], atol=1e-9)


def test_thinkers_ask_again_after_their_answer():
    rng = np.random.default_rng(4)
    thinking, services = rng.exponential(2, 500), rng.exponential(1, 500)
    arrivals, waited = np.empty(500), np.empty(500)
    sources(thinking, services, np.zeros(5), np.zeros(2), arrivals, waited)
    assert np.all(np.diff(arrivals) >= 0)
    np.testing.assert_allclose(waited, waits(arrivals, services, 2), atol=1e-9)
    leaves = arrivals + waited + services
    present = [np.sum((arrivals <= t) & (leaves > t)) for t in arrivals]
    assert max(present) == 5
    again = np.sort(np.concatenate([np.zeros(5), leaves + thinking]))[:500]
    np.testing.assert_allclose(arrivals, again, atol=1e-9)


def small_steps(arrivals, services, kinds, levels, *, preemptive, step=1e-3):
    """Stays where time goes on in small steps and servers look at whom to serve in each."""
    left, done = services.copy(), np.full(arrivals.size, np.nan)
    served = np.zeros(arrivals.size, dtype=bool)
    now = 0.0
    while np.isnan(done).any():
        here = np.flatnonzero((arrivals <= now) & np.isnan(done))
        rank = here[np.lexsort((here, kinds[here]))]
        if not preemptive:
            rank = rank[np.argsort(~served[rank], kind="stable")]
        served[:] = False
        chosen = rank[: levels(now)]
        served[chosen] = True
        left[chosen] -= step
        done[chosen[left[chosen] <= step / 2]] = now + step
        now += step
    return done - arrivals


@pytest.mark.parametrize("preemptive", [False, True])
@pytest.mark.parametrize("servers", [1, 3])
def test_priorities_are_those_of_small_steps_of_time(preemptive, servers):
    rng = np.random.default_rng(5)
    arrivals = np.cumsum(np.round(rng.exponential(0.35 / servers, 60), 3))
    services = np.round(rng.exponential(0.3, 60) + 0.002, 3)
    kinds = rng.integers(3, size=60)
    line = Ranked(servers=servers, changes=(), preemptive=preemptive, room=0)
    parts = [line.work(arrivals[:25], services[:25], kinds[:25], last=False)]
    parts += [line.work(arrivals[25:], services[25:], kinds[25:], last=True)]
    over = np.sort(np.concatenate([part[0] for part in parts]), order="arrived")
    spells = np.concatenate([part[1] for part in parts])
    stays = small_steps(arrivals, services, kinds, lambda _: servers, preemptive=preemptive)
    np.testing.assert_allclose(over["stayed"], stays, atol=0.01)
    assert np.sum(spells["end"] - spells["begin"]) == pytest.approx(services.sum())
    np.testing.assert_allclose(over["waited"], over["stayed"] - services, atol=1e-9)
    assert (spells.size > 60) == preemptive


def test_leaving_servers_put_the_last_back_and_the_next_take_him_up_again():
    changes = [(1.0, 1), (4.0, 0), (5.0, 3)]
    line = Ranked(servers=2, changes=changes, preemptive=False, room=0)
    over, spells = line.work(
        np.array([0.0, 0.5, 0.7]), np.array([2.0, 3.0, 1.0]), np.zeros(3, dtype=int), last=True
    )
    over = np.sort(over, order="arrived")
    # the second is put back at 1, goes on from 2 to 4, and has 0.5 left for 5 to 5.5
    np.testing.assert_allclose(over["arrived"] + over["stayed"], [2.0, 5.5, 6.0])
    np.testing.assert_allclose(over["waited"], [0.0, 0.0, 4.3])  # until a first service
    assert sorted(spells["begin"].tolist()) == [0.0, 0.5, 2.0, 5.0, 5.0]


def test_exponential_streams_are_those_of_numpy():
    seed = np.random.SeedSequence(11)
    stream = Stream(exponential(mean=3.0), seed)
    ours = np.concatenate([stream.draw(1000), stream.draw(299_000)])
    theirs = 3.0 * np.random.Generator(np.random.SFC64(seed)).standard_exponential(300_000)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    moments = Stream(exponential(mean=3.0), seed).draw_moments(1003, 50.0)
    np.testing.assert_allclose(moments, 50.0 + np.cumsum(theirs[:1003]), rtol=1e-12)


@pytest.mark.parametrize("law", [gamma(mean=2, scv=0.4), lognormal(mean=1, scv=3)])
def test_other_streams_are_those_of_their_law(law):
    seed = stream_seed(np.random.SeedSequence(3), 7)
    expected = law.draw(100, np.random.Generator(np.random.SFC64(seed)))
    np.testing.assert_array_equal(Stream(law, seed).draw(100), expected)


@settings(max_examples=30, deadline=None)
@given(
    p=st.floats(0.001, 0.999),
    mean=st.sampled_from([1e-3, 1.0, 1e3]),
    zeros=st.integers(0, 2000),
)
def test_percentiles_of_a_histogram_are_those_of_the_times(p, mean, zeros):
    rng = np.random.default_rng(1)
    times = np.sort(np.concatenate([np.zeros(zeros), rng.exponential(mean, 4000)]))
    counts = np.zeros((2, tally.BINS), dtype=np.int32)
    sums = np.zeros(tally.SUMS)
    tally.count(times, times, 1.0, sums, counts[0], counts[1])
    found = tally.quantile(counts[0], zeros, p)
    exact = times[max(math.ceil(p * times.size) - 1, 0)]
    near = times[[max(int(p * times.size) - 2, 0), min(int(p * times.size) + 1, times.size - 1)]]
    assert found == pytest.approx(exact, rel=0.005, abs=2e-5) or near[0] <= found <= near[1]
    assert sums[tally.WAITED] == 4000
    assert (found == 0) == (p * times.size <= zeros)


def test_batches_keep_all_waits_in_a_row_of_one_length():
    times = np.random.default_rng(2).exponential(1, 200_000)
    row, state = np.zeros(64), np.array([0, 0, 5])
    for part in np.array_split(times, 77):
        tally.batch(part, row, state)
    full, _, size = state
    assert full < 64
    assert size == 5 * 2**10
    expected = times[: full * size].reshape(full, size).sum(axis=1)
    np.testing.assert_allclose(row[:full], expected)


def test_mser_is_its_definition_and_finds_the_end_of_a_slope():
    rng = np.random.default_rng(3)
    series = rng.normal(size=300) + 8 * np.maximum(0, 1 - np.arange(300) / 60)
    by_hand = [series[d:].var() / (300 - d) for d in range(151)]
    assert mser(series) == int(np.argmin(by_hand))
    assert 40 <= mser(series) <= 70
    assert mser(rng.normal(size=3000)) < 1500


def test_no_replication_chooses_its_own_cut():
    rng = np.random.default_rng(6)
    series = list(rng.normal(size=(5, 400)))
    before, _ = shares(series)
    series[2] = series[2] + 50 * (np.arange(400) < 100)  # high at first by chance
    after, common = shares(series)
    assert after[2] == before[2]
    assert min(after[:2]) >= 0.25
    assert common >= 0.25


def test_spread_adds_intervals_to_stretches_and_steps():
    rng = np.random.default_rng(8)
    begin = rng.uniform(0, 10, 300)
    end = begin + rng.exponential(2, 300)
    borders = np.array([0.0, 2.5, 7.0, 9.0])
    areas, changes = np.zeros(3), np.zeros(20)
    tally.spread(begin, end, borders, areas, 0.5, changes)
    for place in range(3):
        inside = np.clip(end, *borders[place : place + 2]) - np.clip(
            begin, *borders[place : place + 2]
        )
        assert areas[place] == pytest.approx(inside.sum())
    at = [np.sum((begin <= t) & (end > t)) for t in np.arange(19) * 0.5]
    np.testing.assert_array_equal(np.cumsum(changes)[:19], at)


def test_a_uniform_law_has_no_shortcut():
    drawn = Stream(uniform(low=1, high=2), np.random.SeedSequence(1)).draw(1000)
    assert drawn.min() >= 1
    assert drawn.max() <= 2
