"""The board, the figures and the exercises of 08_retries."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing import RetryPolicy, exponential_backoff, retry_fixed_points
from queueing.lab import draw
from queueing.lab.register import EXERCISES
from queueing.lab.retried import Retrying, clients, mail_policy, storm, workers_load
from queueing.lab.retrying import (
    after_stall,
    answered,
    caused,
    crowd,
    loop,
    loop_picture,
    numbers,
    retry_board,
    retry_picture,
)
from queueing.scenario import Scenario
from queueing.simulation.storms import draw_retries, draw_storm

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")


def fixed(case, arrivals):
    return retry_fixed_points(
        arrival_rate=arrivals,
        service_rate=case.station.service_rate,
        servers=case.station.servers,
        capacity=case.station.servers + case.room,
        timeout=case.timeout,
        max_attempts=case.max_attempts,
    )


SHAPES = [
    {},
    {"max_attempts": 2},
    {"max_attempts": 10},
    {"room": 540},
    {"timeout": 1.0, "room": 300},
    {"timeout": 10.0, "room": 3000},
]


@pytest.mark.parametrize("changes", SHAPES, ids=str)
def test_what_always_recovers_has_one_fixed_point_and_what_is_more_has_three(changes):
    case = clients(FORGE, **changes)
    counts = [
        len(fixed(case, edge * part))
        for edge in (case.always_recovers, case.collapses)
        for part in (0.9995, 1.0005)
    ]
    assert counts == [1, 3, 3, 1]


@pytest.mark.parametrize(
    "changes", [{"room": 400}, {"max_attempts": 1}, {"timeout": 10.0}], ids=str
)
def test_where_there_is_never_a_second_state_any_number_recovers(changes):
    case = clients(FORGE, **changes)
    assert case.always_recovers == case.collapses == math.inf
    assert {len(fixed(case, arrivals)) for arrivals in (1, 60, 185, 262, 265, 300, 900)} == {1}


def test_the_rule_of_thumb_is_near():
    for attempts in (2, 3, 5, 10):
        case = clients(FORGE, max_attempts=attempts)
        assert case.always_recovers == pytest.approx(case.full_rate / attempts, rel=0.01)


def test_the_curve_holds_the_fixed_points():
    case = clients(FORGE)
    rates, failing = case.curve
    image = case.station.arrival_rate * case.attempts(failing)
    above = np.sign(image - rates)
    turns = rates[1:][np.diff(above) != 0]
    assert turns == pytest.approx(case.points["attempt_rate"].to_numpy(), rel=0.08)


def test_the_start_is_the_scenarios_own():
    case = clients(FORGE)
    assert case.station.servers == 6
    assert case.station.traffic_intensity == pytest.approx(0.70, abs=0.005)
    assert FORGE.base.servers * FORGE.rules.waiting_room == 400  # as the notebook says
    drawn = storm(case)
    assert (drawn.room, drawn.timeout, drawn.policy.max_attempts) == (2000, 2.0, 3)


def test_the_workers_load_is_the_scorecards_without_the_parts_that_fail():
    card = FORGE.evaluate(FORGE.base)
    usual = workers_load(FORGE, FORGE.job.failure_probability)
    assert usual == pytest.approx(card.worker_load, rel=0.005)
    assert workers_load(FORGE, 0.5) / workers_load(FORGE, 0) == pytest.approx(1.9375)
    assert mail_policy(FORGE).delays().tolist() == [15, 30, 60, 120]


# The board


def test_a_slider_moves_picture_words_and_twin():
    board = retry_board(FORGE)
    before = board.picture.alternative, board.view.value
    assert before[0].startswith("Two states: a stall decides.")
    assert "always recovers: 88 requests a second" in before[0]
    board.controls["attempts"].slider.value = 2
    assert "always recovers: 133 requests a second" in board.picture.alternative
    assert board.view.value != before[1]
    shown = board._repr_mimebundle_()
    assert "133 requests a second" in shown["image/svg+xml"]
    assert 'role="img"' in shown["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"room": 400}, "It always recovers"),
        ({"room": 400, "arrivals": 300}, "Overloaded, as long as so many come"),
        ({"arrivals": 300}, "It collapses by itself"),
        ({"timeout": 10}, "It always recovers"),
        ({"timeout": 10, "room": 3000}, "Two states: a stall decides"),
        ({"attempts": 1}, "It always recovers"),
        ({"arrivals": 88}, "It always recovers"),
        ({"arrivals": 90}, "Two states: a stall decides"),
    ],
    ids=str,
)
def test_headlines(changes, headline):
    board = retry_board(FORGE)
    for name, value in changes.items():
        board.controls[name].slider.value = value
    assert board.picture.alternative.startswith(headline)


def test_stable_and_unstable_are_told_by_shape_and_word():
    svg = retry_picture(clients(FORGE)).svg
    assert svg.count("●") == 2
    assert "settles at 185" in svg
    assert "settles at 555" in svg
    assert "tips at 265" in svg


# The other figures


def test_the_loop_names_both_states():
    told = loop_picture(clients(FORGE)).alternative
    assert "3 attempts in all" in told
    assert "collapsed 555 attempts a second and 0 answered in time" in told


def test_a_crowd_with_jitter_is_smaller():
    sharp = RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=30, factor=2))
    habits = {"none": sharp, "full": mail_policy(FORGE)}
    told = draw(crowd, {name: draw_retries(each, 900, seed=1) for name, each in habits.items()})
    assert "none at most 900" in told.alternative
    assert "full at most 2" in told.alternative


def test_after_a_stall():
    small = replace(clients(FORGE), room=100)
    drawn = {"short": draw_storm(storm(small), stall=5, horizon=40, since=30, seed=1)}
    told = draw(after_stall, drawn, (20, 5)).alternative
    assert told.startswith("After a stall of 5 seconds are answered in time, by short: 18")


@pytest.mark.parametrize("figure", [numbers, caused, answered, loop])
def test_the_figures_draw_on_matplotlib_too(figure):
    axes = Figure().subplots()
    for changes in ({}, {"room": 400}):
        assert figure(axes, clients(FORGE, **changes)) is axes


# The exercises

LESSON = [key for key in EXERCISES if key.startswith("08-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    assert answers["08-predict"] == pytest.approx(0, abs=1e-9)
    p = answers["08-refused"] / 100
    tries = 1 + p + p**2 + p**3 + p**4
    usual = (1 - 0.05**5) / 0.95
    load = workers_load(FORGE, 0.05)
    assert tries == pytest.approx(usual / load, rel=1e-9)
    assert answers["08-processors"] == 13
    for servers, states in ((12, 3), (13, 1)):
        case = clients(FORGE)
        grown = replace(case, station=case.station.with_servers(servers))
        assert len(grown.points) == states
    room = answers["08-room"]
    for places, states in ((room, 1), (room + 1, 3)):
        assert len(clients(FORGE, room=places).points) == states


def test_the_quick_answer_to_the_room_is_near_enough():
    case = clients(FORGE)
    quick = case.full_rate * case.timeout
    assert EXERCISES["08-room"].judge(FORGE, f"{quick:.0f}").verdict == "right"


def test_other_cases_are_values():
    case = clients(FORGE)
    assert isinstance(case, Retrying)
    assert case == clients(FORGE)
    assert case != clients(FORGE, room=1)
