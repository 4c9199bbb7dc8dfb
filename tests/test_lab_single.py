"""The board, the figures and the exercises of 02_one_server."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing import MM1
from queueing.lab.busy import Busy, ramp, service_time
from queueing.lab.register import EXERCISES
from queueing.lab.single import (
    filling,
    numbers,
    one_server_board,
    one_server_picture,
    ramp_picture,
    slower_than,
    slowing,
    slowness,
)
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")


def case(arrivals=20.0, service=23.0, promise=140.0, share=0.95) -> Busy:
    return Busy(arrival_rate=arrivals, service=service / 1000, promise=promise / 1000, share=share)


@pytest.mark.parametrize("arrivals", [1, 20, 40, 43])
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_the_quick_sums_are_those_of_the_station(arrivals, share):
    made = case(arrivals, share=share)
    line = made.station
    assert made.mean == pytest.approx(line.mean_time_in_system)
    assert made.within == pytest.approx(float(line.time_in_system.ppf(share)))
    assert made.longer(0.14) == pytest.approx(float(line.time_in_system.sf(0.14)))


@pytest.mark.parametrize(("promise", "share"), [(140, 0.95), (500, 0.99), (30, 0.5)])
def test_the_most_traffic_just_keeps_the_promise(promise, share):
    made = case(promise=promise, share=share)
    just = MM1(arrival_rate=made.most, service_rate=1000 / 23)
    assert float(just.time_in_system.ppf(share)) == pytest.approx(promise / 1000)
    just = MM1(arrival_rate=made.most_for_the_mean, service_rate=1000 / 23)
    assert just.mean_time_in_system == pytest.approx(promise / 1000)


def test_a_promise_shorter_than_the_service_bears_nothing():
    assert (case(promise=20).most, case(promise=20).most_for_the_mean) == (0, 0)
    assert "0.0 requests a second" in one_server_picture(case(promise=20)).alternative


@pytest.mark.parametrize("arrivals", [1000 / 23, 44, 100])
def test_overload_waits_without_end(arrivals):
    made = case(arrivals)
    assert made.mean == made.within == math.inf
    told = one_server_picture(made)
    assert "the line grows without end" in told.alternative
    assert "nan" not in told.svg


def test_a_slider_moves_picture_words_and_twin():
    board = one_server_board(FORGE)
    before = board.picture.alternative, board.view.value, board._repr_mimebundle_()
    board.controls["arrivals"].slider.value = 40
    mean = 1000 / (1000 / 23 - 40)
    assert f"An answer takes {mean:.0f} ms in the mean" in board.picture.alternative
    assert "✗ broken" in board.view.value
    assert board._repr_mimebundle_()["image/svg+xml"] != before[2]["image/svg+xml"]
    board.reset()
    assert (board.picture.alternative, board.view.value) == before[:2]


def test_the_board_solves_for_the_most_traffic():
    board = one_server_board(FORGE)
    board.controls["share"].slider.value = 50
    most = 1000 / 23 - math.log(2) / 0.14
    assert f"50 % are answered within 140 ms: {most:.1f} requests" in board.picture.alternative


def test_figures_draw_on_axes_too():
    for figure in (slowness, slower_than, numbers):
        ax = Figure().subplots()
        assert figure(ax, case()) is ax
        assert ax.texts
    hours = ramp(FORGE, 4)
    assert "40 % busy at hour 7.7" in filling(Figure().subplots(), hours, 0.4).get_label()
    assert "broken at hour 7.9" in slowing(Figure().subplots(), hours, 140).get_label()


def test_the_ramp_is_the_station_minute_by_minute():
    hours = ramp(FORGE, 4)
    rate = FORGE.traffic.request_rate(8.5) / 4
    line = MM1(arrival_rate=float(rate), service_rate=1 / service_time(FORGE))
    there = hours.loc[8.5]
    assert there["busy"] == pytest.approx(line.utilization)
    assert there["mean_ms"] == pytest.approx(1000 * line.mean_time_in_system)
    assert there["p95_ms"] == pytest.approx(1000 * float(line.time_in_system.ppf(0.95)))
    assert np.isinf(hours["p95_ms"].iloc[-1])


def test_the_alarm_on_load_rings_first_and_that_on_the_mean_too_late():
    hours = ramp(FORGE, 4)
    signs = (("busy", 0.4), ("p95_ms", 140), ("mean_ms", 140), ("busy", 1))
    busy, broken, mean, full = (60 * (hours[sign] > top).idxmax() for sign, top in signs)
    assert broken - busy == pytest.approx(15, abs=1)
    assert mean - broken == pytest.approx(45, abs=1.5)
    assert mean < full


def test_processors_enough_have_no_alarm():
    told = ramp_picture(FORGE, 40, 0.4)
    assert "full at no hour" in told.alternative
    assert "inf" not in told.alternative
    assert "nan" not in told.svg


LESSON = [key for key in EXERCISES if key.startswith("02-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    assert answers["02-predict"] == pytest.approx(1000 / (1000 / 22.6 - 40))
    assert answers["02-most"] == pytest.approx(1000 / 22.6 - math.log(20) / 0.14)
    assert answers["02-report"] == pytest.approx(100 * (1 - 22.6 / 60))
    enough = answers["02-processors"]
    peak = 2600 / 14.06
    for count, kept in ((enough, True), (enough - 1, False)):
        line = MM1(arrival_rate=peak / count, service_rate=1000 / 22.6)
        assert (float(line.time_in_system.ppf(0.95)) <= 0.14) is kept


def test_the_mean_instead_of_the_95th():
    assert "not the P95" in EXERCISES["02-most"].judge(FORGE, "37.1").message
