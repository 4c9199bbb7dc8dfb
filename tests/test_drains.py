"""Backlogs drawn by chance, against theory, sums by hand and a wrong load."""

import numpy as np
import pytest

from queueing.backpressure import drain_time
from queueing.simulation.drains import draw_drains


def near(exact, estimate):
    """Whether an estimate is within about four standard errors of the truth."""
    return abs(exact - estimate.mean) < 2 * estimate.half_width


STATION = {"arrival_rate": 8.0, "service_rate": 1.0, "servers": 10}


@pytest.mark.parametrize("backlog", [1, 5, 60])
@pytest.mark.parametrize("servers", [1, 10])
def test_mean_and_variance_are_those_of_the_busy_periods(backlog, servers):
    station = {**STATION, "servers": servers, "service_rate": 10 / servers, "backlog": backlog}
    drawn, exact = draw_drains(**station, replications=2000, seed=4), drain_time(**station)
    assert near(exact.mean, drawn.mean)
    assert near(exact.variance, drawn.variance)


def test_a_busier_station_is_told_apart():
    drawn = draw_drains(**STATION, backlog=60, replications=400, seed=4)
    busier = drain_time(**{**STATION, "arrival_rate": 8.5}, backlog=60)
    assert not near(busier.mean, drawn.mean)
    assert busier.variance > drawn.variance.high


def test_without_a_backlog_it_takes_no_time():
    assert draw_drains(**STATION, backlog=0, replications=3, seed=1).times.tolist() == [0, 0, 0]


def test_hardly_anybody_comes_so_it_takes_as_long_as_the_sendings():
    """Two wait before one server: one service until the first is taken on, two until the second."""
    lonely = draw_drains(
        backlog=2, arrival_rate=1e-9, service_rate=0.5, servers=1, replications=4000, seed=2
    )
    assert near(4.0, lonely.mean)
    assert near(8.0, lonely.variance)


def test_same_seed_same_times():
    first, again, other = (
        draw_drains(**STATION, backlog=9, replications=5, seed=seed).times for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arrival_rate": 10}, "a station at 1.00 cannot keep up"),
        ({"arrival_rate": 0}, "arrival_rate must be"),
        ({"backlog": -1}, "backlog must be"),
        ({"replications": 1}, "replications must be"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        draw_drains(**{**STATION, "backlog": 5, **changes})
