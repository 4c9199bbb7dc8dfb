"""The board, the figures and the exercises of 07_backpressure."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import gamma

from queueing import MMc, MMcK
from queueing.backpressure import BoundedQueue
from queueing.lab import draw
from queueing.lab.boards import Board
from queueing.lab.controls import Choice, Number
from queueing.lab.crowded import (
    MOST_ROOM,
    WAYS,
    flash,
    rush,
    rush_hour,
    scaled_design,
    told,
    waiting_room,
)
from queueing.lab.crowding import (
    boots,
    crowded_case,
    fates,
    full_board,
    full_picture,
    numbers,
    through_rush,
    waits_by_room,
)
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario
from queueing.simulation.rushes import draw_rush

FORGE = Scenario.load("mailforge")


def turn(board, **values):
    for name, value in values.items():
        control = board.controls[name]
        (control.slider if isinstance(control, Number) else control.box).value = value


@pytest.fixture(scope="module")
def shared():
    return full_board(FORGE)


@pytest.fixture
def board(shared):
    shared.reset()
    return shared


# A choice among ways


def test_a_choice_has_a_name_its_ways_and_a_value_to_come_back_to():
    way = Choice("way", "A way:", [(way, way) for way in ("this", "that", "neither")], start=1)
    assert way.box.description == "A way:"
    assert [label for label, _ in way.box.options] == ["this", "that", "neither"]
    assert (way.value, sorted(way.neighbours)) == (1, [0, 2])
    seen = []
    way.observe(lambda: seen.append(way.value))
    way.box.value = 2
    way.reset()
    assert seen == [2, 1]


def test_a_board_with_a_choice_draws_each_way_and_looks_at_the_others():
    ways = ["one", "two"]

    def drawn(*, way: int) -> Picture:
        paper = Paper(100, 100)
        paper.set_label(ways[way])
        return Picture([[paper]])

    made = Board([Choice("way", "Way:", [(way, way) for way in ways])], drawn)
    assert made._neighbours() == [{"way": 1}]
    made.controls["way"].box.value = 1
    assert made.picture.alternative == "two"
    made.reset()
    assert made.picture.alternative == "one"


# What the lesson starts with


def test_the_start_is_the_scenarios_own():
    case = crowded_case(FORGE)
    assert case.room == waiting_room(FORGE) == 400
    assert (case.station.servers, case.station.arrival_rate) == (6, 300)
    assert case.full_rate == pytest.approx(265.5, abs=0.1)
    assert case.first == FORGE.mails_per_request == 0.25


def test_room_does_not_help_in_a_rush():
    least = 1 - crowded_case(FORGE).full_rate / 300
    for room in (60, 400):
        assert crowded_case(FORGE, room=room).view.shed == pytest.approx(least, abs=1e-4)
    assert crowded_case(FORGE, room=0).view.shed > 2 * least


def wait_of_the_accepted(case, seconds):
    """P(W > t) by sums of gamma laws over the truncated geometric line: no code of the kit."""
    load, servers = case.station.offered_load, case.station.servers
    weights = [load**n / math.factorial(n) for n in range(servers)]
    weights += [weights[-1] * load / servers]
    weights += [weights[-1] * (load / servers) ** j for j in range(1, case.room)]
    late = sum(
        weight * gamma.sf(seconds * case.full_rate, j + 1)
        for j, weight in enumerate(weights[servers:])
    )
    return late / sum(weights)


@pytest.mark.parametrize(
    ("arrivals", "servers", "promise_ms"),
    [(300, 6, 250), (300, 6, 30), (600, 6, 250), (266, 6, 500), (60, 1, 1000)],
)
def test_the_largest_room_is_the_largest(arrivals, servers, promise_ms):
    case = crowded_case(FORGE, arrivals=arrivals, servers=servers, promise_ms=promise_ms)
    most = case.largest
    assert wait_of_the_accepted(case.at(most), case.promise) <= 0.05
    assert wait_of_the_accepted(case.at(most + 1), case.promise) > 0.05


@pytest.mark.parametrize("changes", [{}, {"arrivals": 600}, {"promise_ms": 90}], ids=str)
def test_the_largest_room_keeps_the_promise_to_both_classes(changes):
    case = crowded_case(FORGE, when_full="shed-lowest", **changes)
    most = case.largest
    assert case.at(most).kept
    assert not case.at(most + 1).kept
    assert case.at(most + 1).waits[1] > case.promise >= case.at(most + 1).waits[0]


def test_any_room_will_do_on_an_ordinary_day():
    for way in WAYS:
        assert crowded_case(FORGE, arrivals=185, when_full=way).largest is None


def test_the_shares_by_load_are_those_of_mmck():
    case = crowded_case(FORGE, room=20)
    rates, views = case.by_load(600)
    for rate, view in zip(rates, views, strict=True):
        station = MMcK(
            arrival_rate=rate, service_rate=case.station.service_rate, servers=6, capacity=26
        )
        assert view.shed == pytest.approx(station.blocking_probability, rel=1e-9)
    assert rates[-1] == 600
    assert (np.diff(rates) > 0).all()


def test_what_users_see_as_a_table():
    case = crowded_case(FORGE, when_full="block")
    table = told({"block": case.view})
    assert table.loc["block"].tolist() == [100, 0, 0, "without end"]


# The board


def test_a_slider_moves_picture_words_and_twin(board):
    before = board.picture.alternative, board.view.value
    assert before[0].startswith("Some must go, the rest wait too long.")
    assert "keeps 250 ms: 57 places" in before[0]
    turn(board, promise=500)
    assert "keeps 500 ms: 119 places" in board.picture.alternative
    assert board.view.value != before[1]
    shown = board._repr_mimebundle_()
    assert "119 places" in shown["image/svg+xml"]
    assert 'role="img"' in shown["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"room": 57}, "Some must go, the rest are in time"),
        ({"arrivals": 185}, "Room for everybody, in time"),
        ({"full": 1}, "Nobody is turned away, all wait without end"),
        ({"full": 1, "arrivals": 185}, "Room for everybody, in time"),
        ({"full": 1, "arrivals": 260, "promise": 50}, "All are let in, and wait too long"),
        ({"full": 2, "room": 38}, "Some must go, the rest are in time"),
        ({"full": 2, "room": 39}, "Some must go, the rest wait too long"),
    ],
    ids=str,
)
def test_headlines(board, changes, headline):
    turn(board, **changes)
    assert board.picture.alternative.startswith(headline)


@pytest.mark.parametrize("full", [0, 1, 2])
@pytest.mark.parametrize("end", ["low", "high"])
def test_sliders_at_their_ends(board, end, full):
    turn(board, full=full)
    for control in board.controls.values():
        if isinstance(control, Number):
            control.slider.value = control.slider.min if end == "low" else control.slider.max
            assert not re.search(r"\b(nan|inf|None)\b", board.view.value)
    assert board.refusal == ""


def test_every_control_has_a_name(board):
    names = {
        (control.number if isinstance(control, Number) else control.box).description
        for control in board.controls.values()
    }
    assert names == {"Arrivals", "Servers", "Room", "Promise", "A full line:"}


def test_the_areas_are_told_in_words():
    svg = full_picture(crowded_case(FORGE, when_full="shed-lowest", room=38)).svg
    for words in ("turned away", "dropped", "after a wait", "sends", "the rest", "38 keep it"):
        assert words in svg


@pytest.mark.parametrize("figure", [numbers, fates, waits_by_room])
@pytest.mark.parametrize("way", WAYS)
def test_the_figures_draw_on_matplotlib_too(figure, way):
    axes = Figure().subplots()
    assert figure(axes, crowded_case(FORGE, when_full=way)) is axes


# The rush


def test_without_a_last_place_nobody_is_told_and_nobody_in_time():
    hour = rush_hour(FORGE)
    assert hour.deadline == FORGE.contract.deadline_s
    lines = {"none": None, "some": BoundedQueue(capacity=63)}
    drawn = {name: draw_rush(hour, each, replications=2, seed=1) for name, each in lines.items()}
    words = draw(through_rush, drawn).alternative
    assert "none 0 a second in the last minute of the rush" in words
    assert re.search(r"some 26\d a second in the last minute", words)


# Workers that follow a backlog


def test_the_flash_follows_the_rule_of_the_design():
    case = flash(FORGE)
    assert case.rule.target_per_worker == pytest.approx(60 / 0.847 * 10, rel=1e-3)
    assert (case.rule.minimum, case.rule.maximum) == (4, 8)
    assert scaled_design(FORGE).maximum_workers == 8
    assert case.low < 4 * case.full_rate < case.high < 8 * case.full_rate


def test_the_age_is_what_the_first_workers_leave_over():
    """Before any help the head of the line at time T joined at T c / high: a hand's reckoning."""
    case = replace(flash(FORGE, rise=1e-6).booting(1e6), begin=0.0, horizon=900.0, low=80.0)
    age = case.over_time()["age"]
    served = 4 * case.full_rate / case.high
    assert age.loc[600.0] == pytest.approx(600 * (1 - served), rel=1e-6)


def test_a_slow_boot_is_late_for_a_steep_rise_only():
    fast, slow = (replace(flash(FORGE, rise=s), horizon=s + 900.0) for s in (300, 3600))
    promise = FORGE.contract.freshness_s
    assert fast.booting(180).oldest < promise
    assert replace(fast, horizon=2700).booting(900).oldest > promise
    assert replace(slow, horizon=3900).booting(900).oldest < promise


def test_boots_tell_the_worst_age():
    case = replace(flash(FORGE, rise=300), horizon=2700)
    cases = {"quick": case.booting(60), "slow": case.booting(900)}
    words = draw(boots, cases, 300.0).alternative
    assert "rise for 5 minutes" in words
    assert f"slow: {case.booting(900).oldest / 60:.1f} minutes" in words
    assert boots(Figure().subplots(), cases, 300.0)


# The exercises

LESSON = [key for key in EXERCISES if key.startswith("07-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    line = rush(FORGE)
    full = 6 * line.service_rate
    assert answers["07-predict"] == pytest.approx(1000 * (1 - full / 300), abs=1e-6)
    case = crowded_case(FORGE, promise_ms=400)
    room = answers["07-room"]
    assert wait_of_the_accepted(case.at(room), 0.4) <= 0.05
    assert wait_of_the_accepted(case.at(room + 1), 0.4) > 0.05
    lacking = answers["07-refused"]
    came = full / 0.7
    for more, keeps_up in ((lacking, True), (lacking - 1, False)):
        station = MMc(arrival_rate=came, service_rate=line.service_rate, servers=6 + more)
        assert station.is_stable is keeps_up


def test_the_slowest_boot_is_the_slowest():
    boot = 60 * EXERCISES["07-boot"].answer(FORGE)
    assert flash(FORGE).booting(boot).oldest <= FORGE.contract.freshness_s
    assert flash(FORGE).booting(boot + 10).oldest > FORGE.contract.freshness_s


def test_the_rule_of_thumb_is_near_and_safe():
    for promise in (100, 250, 500, 1000):
        case = crowded_case(FORGE, promise_ms=promise)
        places = case.full_rate * case.promise
        assert 0.8 * case.largest < places - 1.5 * places**0.5 <= case.largest


def test_no_board_asks_for_more_room_than_is_drawn():
    assert full_board(FORGE).controls["room"].slider.max == MOST_ROOM
