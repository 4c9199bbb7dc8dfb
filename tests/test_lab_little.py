"""The board, the figures and the exercises of 01_littles_law."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from queueing import MMc
from queueing.lab import draw
from queueing.lab.house import MOST_USERS, House, Office, alarm_depth, count_heads, sending
from queueing.lab.little import by_users, depth_picture, littles_board, numbers, staircases
from queueing.lab.paper import Paper
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")


def office(users=8, think=14.0, service=3.0, threads=2, promise=5.0) -> Office:
    return Office(users=users, think=think, service=service, threads=threads, promise=promise)


STAYS = st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 50)), min_size=1, max_size=30)


@given(STAYS)
def test_the_heads_add_up_to_the_stays_whoever_overtakes_whom(stays):
    came, stayed = np.transpose(stays)
    house = House(came, came + stayed)
    assert house.area == pytest.approx(stayed.sum())
    assert house.mean_number == pytest.approx(house.rate * house.mean_time)


def test_a_house_by_hand():
    house = House.of([0, 2, 3, 9, 10], [4, 3, 5, 2, 2])
    assert house.left.tolist() == [4, 7, 12, 14, 16]
    assert (house.area, house.span, house.mean_time) == (29, 16, 5.8)


def repairmen(users, think, service, threads):
    """The mean time inside, from the birth and death chain of the number inside."""
    weights = [1.0]
    for inside in range(1, users + 1):
        birth = (users - inside + 1) / think
        weights.append(weights[-1] * birth * service / min(inside, threads))
    chances = np.array(weights) / sum(weights)
    inside = np.arange(users + 1)
    return (inside @ chances) / ((users - inside) @ chances / think)


@pytest.mark.parametrize(("users", "threads"), [(1, 1), (8, 2), (40, 3), (60, 10)])
def test_closed_times_are_those_of_the_chain(users, threads):
    made = office(users=users, threads=threads)
    assert made.time == pytest.approx(repairmen(users, 14.0, 3.0, threads), rel=1e-9)
    assert made.rate * (made.time + 14.0) == pytest.approx(users)


@pytest.mark.parametrize("users", [1, 5, 11, 12, 30])
def test_open_times_are_those_of_the_station(users):
    station = MMc(arrival_rate=users / 17, service_rate=1 / 3, servers=2)
    assert office().open_times[users - 1] == pytest.approx(station.mean_time_in_system)


@pytest.mark.parametrize("promise", [3.5, 5.0, 10.0, 60.0])
def test_the_most_users_are_the_most(promise):
    made = office(promise=promise)
    for most, times in ((made.most, made.times), (made.most_open, made.open_times)):
        assert most == sum(time <= promise for time in times)
    assert made.most > made.most_open
    assert office(promise=1.0).most == 0
    assert office(promise=math.inf).most == MOST_USERS


def test_a_long_day_is_the_long_run():
    house = office().house(draw=3, mails=40_000)
    assert house.mean_time == pytest.approx(office().time, rel=0.02)
    assert house.rate == pytest.approx(office().rate, rel=0.02)
    assert house.mean_time != pytest.approx(office(users=9).time, rel=0.05)


def test_a_day_is_served_in_turn_by_so_many_threads():
    house = office(users=20).house(draw=1)
    assert np.all(np.diff(house.came) >= 0)
    inside = np.array([np.sum((house.came <= t) & (house.left > t)) for t in house.left])
    assert inside.max() <= 20
    again = office(users=20).house(draw=1)
    assert again.left.tolist() == house.left.tolist()
    assert office(users=20).house(draw=2).left.tolist() != house.left.tolist()


def test_counted_heads_hold_the_formula_and_no_other():
    station = MMc(arrival_rate=8.0, service_rate=1.0, servers=10)
    drawn = count_heads(station, seed=1)
    assert station.mean_number_in_system in drawn.number
    assert station.arrival_rate in drawn.rate
    assert drawn.rate.mean * drawn.time.mean in drawn.number
    busier = station.replace(arrival_rate=8.8)
    assert busier.mean_number_in_system not in drawn.number


def test_a_station_that_never_settles_is_not_counted():
    with pytest.raises(ValueError, match="never settles"):
        count_heads(MMc(arrival_rate=3, service_rate=1, servers=2))


def test_sending_has_the_load_of_the_workers():
    line, card = sending(FORGE), FORGE.evaluate(FORGE.base)
    assert line.traffic_intensity == pytest.approx(card.worker_load)
    assert line.mean_service_time == pytest.approx(0.847)


def test_a_slider_moves_picture_words_and_twin():
    board = littles_board(FORGE)
    before = board.picture.alternative, board.view.value, board._repr_mimebundle_()
    board.controls["promise"].slider.value = 10
    closed = sum(repairmen(users, 14.0, 3.0, 2) <= 10 for users in range(1, 60))
    opened = sum(office().open_times <= 10)
    told = f"at most 10 s: {closed} who wait for their mail, {opened} whose"
    assert told in board.picture.alternative
    assert board.view.value != before[1]
    assert board._repr_mimebundle_()["image/svg+xml"] != before[2]["image/svg+xml"]
    board.reset()
    assert (board.picture.alternative, board.view.value) == before[:2]


def test_other_dice_other_days_but_both_sides_stay_the_same():
    told = set()
    board = littles_board(FORGE)
    for dice in range(1, 6):
        board.controls["dice"].slider.value = dice
        product, area = board.picture.alternative.split("λ × W = ")[1].split("; ")
        assert product == area.split(" is ")[1].split(". ")[0]
        told.add(product)
    assert len(told) == 5


def test_a_label_stays_in_the_picture_when_all_come_at_once():
    board = littles_board(FORGE)
    board.set({"users": 60, "think": 1, "service": 20, "threads": 1})
    label = re.search(r"<text ([^>]*)>came in<", board.picture.inline)
    assert label
    assert "end" not in label[1]  # it begins at the staircase, there is no room on its left


def test_figures_draw_on_axes_too():
    ax = Figure().subplots()
    house = office().house(1)
    assert staircases(ax, house) is ax
    assert "138 mails × seconds" in ax.get_label()
    assert by_users(Figure().subplots(), office()).lines
    assert numbers(Figure().subplots(), office(), house).texts
    assert "29 mails × seconds" in draw(staircases, House.of([0, 2, 3, 9, 10], [4, 3, 5, 2, 2])).svg


def test_steps_are_drawn_upright():
    paper = Paper(100, 100, left=0, right=0, top=0, bottom=0)
    paper.plot([0, 0.2, 0.2, 0.9, 0.9, 1], [0, 0, 0.5, 0.5, 1, 1])
    assert 'points="0,100 20,100 20,50 90,50 90,0 100,0"' in paper.markup()


def test_the_depth_tells_before_the_age():
    card = FORGE.evaluate(FORGE.design(workers=4))
    assert alarm_depth(card) == pytest.approx(300 * 40 / 0.847, rel=1e-3)
    hours = card.timeline
    rings = (hours["backlog"] > alarm_depth(card)).idxmax()
    broken = (hours["oldest_mail_s"] > 300).idxmax()
    assert rings < broken < rings + 0.15
    told = depth_picture(card).alternative
    assert "48.7 attempts a second come at most, 47.2 are done" in told
    assert f"deeper than 14,168 at hour {rings:.1f}" in told


LESSON = [key for key in EXERCISES if key.startswith("01-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    rate = 2600 / 14.06
    assert answers["01-predict"] == pytest.approx(rate * 0.06)
    assert answers["01-inside"] == pytest.approx(60 / (rate / 4))
    assert answers["01-alarm"] == pytest.approx(14168, rel=1e-3)
    assert answers["01-users"] == pytest.approx(2600 / 150 - 14)


def test_the_rate_that_comes_instead_of_the_rate_that_leaves():
    assert "rate at which they come" in EXERCISES["01-alarm"].judge(FORGE, "14599").message


@pytest.mark.parametrize("service", range(1, 21))
def test_who_never_waits_keeps_a_promise_of_the_service_alone(service):
    made = office(service=float(service), promise=float(service), threads=3)
    assert made.most == 3
