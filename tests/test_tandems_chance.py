"""Tandems drawn customer by customer: Burke's theorem, sums of times, and what must not pass."""

import numpy as np
import pytest

from queueing import JacksonNetwork
from queueing.simulation.tandems import draw_tandem

THINNED = JacksonNetwork(
    arrival_rates=[4, 0], service_rates=[1, 2], servers=[5, 2], routing=[[0, 0.75], [0, 0]]
)


def single(load):
    return JacksonNetwork(arrival_rates=[load], service_rates=[1], servers=[1], routing=[[0]])


@pytest.fixture(scope="module")
def drawn():
    return draw_tandem(THINNED, seed=2)


@pytest.mark.parametrize("station", [0, 1])
@pytest.mark.parametrize("window", [0.2, 1, 10])
def test_what_leaves_a_stable_station_is_poisson(drawn, station, window):
    assert 1 in drawn.dispersion(station, window)


def test_what_leaves_a_busy_station_of_regular_services_is_more_even():
    drawn = draw_tandem(single(0.9), regular=True, customers=5000, replications=8, seed=3)
    assert drawn.dispersion(0, 5).high < 0.5


def test_a_free_station_of_regular_services_passes_on_what_comes():
    """With servers for everybody a constant delay shifts a Poisson process and leaves it one."""
    free = JacksonNetwork(arrival_rates=[4], service_rates=[1], servers=[40], routing=[[0]])
    drawn = draw_tandem(free, regular=True, seed=4)
    assert 1 in drawn.dispersion(0, 0.5)
    assert drawn.mean_time(0).mean == pytest.approx(1)


def test_times_are_those_of_the_stations_and_their_sum(drawn):
    first, second = THINNED.stations
    path = first.time_in_system + second.time_in_system
    assert first.mean_time_in_system in drawn.mean_time(0)
    assert second.mean_time_in_system in drawn.mean_time(1)
    assert path.ppf(0.95) in drawn.time_ppf(0.95)


def test_a_tandem_ten_per_cent_busier_is_told_apart(drawn):
    busier = JacksonNetwork(
        arrival_rates=[4.4, 0], service_rates=[1, 2], servers=[5, 2], routing=[[0, 0.75], [0, 0]]
    )
    for number, station in enumerate(busier.stations):
        assert station.mean_time_in_system not in drawn.mean_time(number)


def test_who_goes_on_is_a_random_part_that_keeps_its_order_of_leaving(drawn):
    for (_, left, entered), (came, gone, since) in drawn.runs:
        assert came.size / left.size == pytest.approx(0.75, abs=0.02)
        assert np.all(np.diff(came) >= 0)
        assert set(came) <= set(left)
        assert set(since) <= set(entered)
        assert np.all(since < came)
        assert np.all(came < gone)


def test_one_seed_gives_one_history():
    one, same, other = (
        draw_tandem(THINNED, customers=200, replications=2, seed=seed).mean_time(1).values
        for seed in (7, 7, 8)
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("network", "complaint"),
    [
        (
            {"arrival_rates": [1, 1], "routing": [[0, 1], [0, 0]]},
            "arrivals at its first station alone",
        ),
        ({"arrival_rates": [1, 0], "routing": [[0.5, 0.5], [0, 0]]}, "leads from each to the next"),
        ({"arrival_rates": [9, 0], "routing": [[0, 1], [0, 0]]}, "station 0 cannot keep up"),
        ({"arrival_rates": [2.5, 0], "routing": [[0, 1], [0, 0]]}, "station 1 cannot keep up"),
    ],
    ids=["arrivals", "feedback", "full", "second full"],
)
def test_what_is_no_tandem_is_refused(network, complaint):
    row = JacksonNetwork(service_rates=[3, 2], servers=[1, 1], **network)
    with pytest.raises(ValueError, match=complaint):
        draw_tandem(row)


def test_a_window_must_fit_into_a_run():
    drawn = draw_tandem(single(0.5), customers=100, replications=2, seed=1)
    with pytest.raises(ValueError, match="window must be shorter than half a run"):
        drawn.dispersion(0, 150)
