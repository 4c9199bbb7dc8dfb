"""Paths: one history of a queue, worked out by hand and by the laws that every history obeys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing import MM1, MMc
from queueing.paths import departures, number_in_system, waits
from queueing.simulation.lines import ROUTINGS, draw_waits

LINE = MMc(arrival_rate=12, service_rate=3, servers=5)

HISTORIES = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=40).map(
    lambda pairs: (np.cumsum([gap for gap, _ in pairs]), np.array([s for _, s in pairs]))
)


def test_by_hand():
    arrivals, services = [0, 1, 2, 3], [4, 4, 1, 1]
    assert waits(arrivals, services, servers=2).tolist() == [0, 0, 2, 2]
    assert departures(arrivals, services, servers=2).tolist() == [4, 5, 5, 6]


@given(HISTORIES)
def test_one_server_is_lindleys_recursion(history):
    arrivals, services = history
    wait, lindley = 0.0, [0.0]
    for gap, service in zip(np.diff(arrivals), services[:-1], strict=True):
        wait = max(0.0, wait + service - gap)
        lindley.append(wait)
    assert waits(arrivals, services, servers=1) == pytest.approx(lindley, abs=1e-9)


@given(HISTORIES, st.integers(1, 5))
def test_one_server_more_never_lengthens_a_wait(history, servers):
    more, fewer = (waits(*history, servers=n) for n in (servers + 1, servers))
    assert (more <= fewer + 1e-9).all()
    assert (fewer >= 0).all()


@given(HISTORIES, st.integers(1, 5))
def test_never_more_at_work_than_servers(history, servers):
    arrivals, services = history
    leaving = departures(arrivals, services, servers)
    starts = leaving - services
    at_work = number_in_system(np.sort(starts), leaving[np.argsort(starts)], arrivals)
    assert (at_work <= servers).all()


def test_the_number_there_makes_littles_law():
    arrivals, services = np.arange(0, 100, 1.0), np.full(100, 2.5)
    leaving = departures(arrivals, services, servers=3)
    times = np.linspace(0, leaving.max(), 400_001)
    area = number_in_system(arrivals, leaving, times).mean() * leaving.max()
    assert area == pytest.approx(np.sum(leaving - arrivals), rel=1e-3)


@pytest.mark.parametrize(
    ("arrivals", "services", "servers", "words"),
    [
        ([1, 0], [1, 1], 1, "arrivals must be in order"),
        ([0, 1], [1], 1, "lists of one length"),
        ([0, 1], [1, -1], 1, "services must hold finite numbers of at least 0"),
        ([0, 1], [1, 1], 0, "servers must be a whole number of at least 1"),
    ],
)
def test_what_is_no_history_is_refused(arrivals, services, servers, words):
    with pytest.raises(ValueError, match=words):
        waits(arrivals, services, servers)


def test_nobody_leaves_before_he_came():
    with pytest.raises(ValueError, match="one lies before"):
        number_in_system([1, 2], [3, 1], [0])


def test_one_line_is_erlangs():
    drawn = draw_waits(LINE, seed=1)
    assert LINE.mean_wait in drawn.mean_wait
    assert LINE.wait_probability in drawn.wait_probability
    assert float(LINE.wait.ppf(0.95)) in drawn.wait_ppf(0.95)


def test_a_station_a_tenth_busier_is_told_apart():
    busier = LINE.replace(arrival_rate=13.2)
    assert busier.mean_wait not in draw_waits(LINE, seed=1).mean_wait


def test_random_lines_are_lines_of_one():
    drawn = draw_waits(LINE, routing="random", seed=1)
    alone = MM1(arrival_rate=12 / 5, service_rate=3)
    assert alone.mean_wait in drawn.mean_wait
    assert LINE.mean_wait not in drawn.mean_wait


def test_looking_beats_turns_beats_dice():
    one, fewest, turns, dice = (
        draw_waits(LINE, routing=name, seed=1).mean_wait
        for name in ("one line", "fewest", "turns", "random")
    )
    for less, more in ((one, fewest), (fewest, turns), (turns, dice)):
        assert (more - less).low > 0


def test_the_same_seed_gives_every_routing_the_same_customers():
    alone = LINE.with_servers(1).replace(arrival_rate=1)
    means = {draw_waits(alone, routing=name, customers=500, seed=7).mean_wait for name in ROUTINGS}
    assert len({round(estimate.mean, 12) for estimate in means}) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"routing": "fastest"}, "routing is one of one line, fewest, turns, random"),
        ({"customers": 3}, "customers must be a whole number of at least 10"),
        ({"replications": 0}, "replications must be a whole number of at least 1"),
    ],
)
def test_bad_draws_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        draw_waits(LINE, **options)


def test_overload_is_not_drawn():
    with pytest.raises(ValueError, match="cannot keep up"):
        draw_waits(LINE.with_servers(3))
