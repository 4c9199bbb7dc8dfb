"""Boards without a browser: turn a control, look at the picture, its twin and its words."""

import asyncio
import re
from dataclasses import replace

import pytest

from queueing.lab import sizing_board
from queueing.lab.boards import Board
from queueing.lab.controls import Number, Switch
from queueing.lab.paper import Paper
from queueing.lab.picture import WIDGET, Picture
from queueing.scenario import Scenario, ScenarioError


@pytest.fixture(scope="module")
def forge():
    return Scenario.load("mailforge")


@pytest.fixture(scope="module")
def shared(forge):
    return sizing_board(forge)


@pytest.fixture
def board(shared):
    shared.reset()
    return shared


def turn(board, **values):
    for name, value in values.items():
        control = board.controls[name]
        (control.slider if isinstance(control, Number) else control.box).value = value


def shown(board):
    """The living picture, its static twin and its words, as Jupyter gets them."""
    bundle = board._repr_mimebundle_()
    return board.view.value, bundle["image/svg+xml"], bundle["text/plain"].replace("\n", " ")


def test_board_begins_with_the_scenario_s_own_design(board, forge):
    assert board.values == {
        "servers": forge.base.servers,
        "workers": forge.base.workers,
        "cached": True,
        "stream": True,
    }
    for view in shown(board):
        assert "Keeps the contract" in view


def test_turning_a_slider_changes_picture_twin_and_words_together(board):
    before = shown(board)
    turn(board, workers=4)
    after = shown(board)
    assert all(old != new for old, new in zip(before, after, strict=True))
    for view in after:
        assert "Breaks the contract: oldest mail" in view
        assert "37 min" in view


def test_living_picture_and_static_twin_hold_the_same_marks(board):
    turn(board, workers=4, stream=False)
    living, twin, _ = shown(board)
    marks = re.compile(r"<(?:polyline|polygon|text|rect|line)[^>]*>")
    assert marks.findall(living) == marks.findall(twin)


def test_slider_and_box_move_together(board):
    workers = board.controls["workers"]
    workers.number.value = 3
    assert workers.slider.value == 3
    workers.slider.value = 9
    assert workers.number.value == 9


@pytest.mark.parametrize("name", ["servers", "workers"])
def test_box_keeps_to_the_range_of_its_slider(board, name):
    control = board.controls[name]
    control.number.value = 99
    assert control.value == control.slider.max == 12
    control.number.value = -7
    assert control.value == control.slider.min


def test_every_control_has_a_name_and_says_its_range(board):
    for control in board.controls.values():
        if isinstance(control, Switch):
            assert control.box.description
        else:
            assert control.number.description
            words = control.box.children[2].value
            assert f"{control.slider.min} to {control.slider.max}" in words
            assert f"&#x27;aria-label&#x27;,&quot;{control.number.description}&quot;" in words


def test_reset_puts_everything_back_and_draws_once(forge):
    board = sizing_board(forge)
    start = shown(board)
    turn(board, servers=7, workers=2, cached=False, stream=False)
    drawn = []
    board.view.observe(drawn.append, "value")
    board.reset_button.click()
    assert shown(board) == start
    assert len(drawn) == 1


@pytest.mark.parametrize("servers", [1, 12])
@pytest.mark.parametrize("workers", [1, 12])
@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_sliders_at_their_ends_always_show_a_picture(board, servers, workers, cached, stream):
    turn(board, servers=servers, workers=workers, cached=cached, stream=stream)
    living, twin, told = shown(board)
    assert not board.refusal
    assert not re.search(r"\b(nan|inf|None)\b", living)
    assert told.startswith("Breaks")
    assert f"{servers} server" in twin


def test_overload_everywhere_is_a_fact_and_not_an_error(board):
    turn(board, servers=1, workers=1, cached=False, stream=False)
    living, _, told = shown(board)
    assert "saturated" in told
    assert "Breaks 3 of the contract's 4 clauses" in living
    turn(board, servers=4, workers=5, cached=True, stream=True)
    assert "Keeps the contract" in shown(board)[0]


def test_impossible_design_is_refused_in_words_and_the_picture_stays(board):
    turn(board, workers=4)
    living, twin, _ = shown(board)
    turn(board, workers=0)
    refused, same, told = shown(board)
    assert 'role="alert"' in refused
    assert "a queue needs workers" in refused
    assert refused.endswith(living)
    assert same == twin
    assert told.startswith("This cannot be built")
    turn(board, workers=4)
    assert shown(board)[0] == living


def test_board_solves_for_the_smallest_numbers(board):
    turn(board, servers=9, workers=1)
    assert "The smallest numbers that keep the promise: 4 servers and 5 workers" in shown(board)[2]
    turn(board, cached=False)
    assert "No number of servers up to 12 keeps uptime and P95" in shown(board)[2]


def test_stored_output_does_not_depend_on_who_ran_it(forge):
    first, second = (sizing_board(forge)._repr_mimebundle_() for _ in range(2))
    assert first.pop(WIDGET) != second.pop(WIDGET)
    assert first == second


def test_board_of_a_scenario_without_cache_and_stream_starts_there(forge):
    bare = replace(forge, base=forge.design(cache=None, shards=0, sinks=0))
    board = sizing_board(bare)
    assert (board.values["cached"], board.values["stream"]) == (False, False)
    turn(board, cached=True, stream=True)
    assert not board.refusal


# A board of three numbers, to see how boards work


def small_board(draw=None, **range_):
    def line(*, number):
        if number == 3:
            raise ScenarioError("three is out of the question")
        paper = Paper(10 + number, 10)
        paper.set_label(f"a picture of {number}")
        return Picture([[paper]])

    control = Number("number", "Number", **({"start": 5, "low": 0, "high": 9} | range_), unit="")
    return Board([control], draw or line)


def test_board_draws_each_picture_once():
    calls = []

    def draw(*, number):
        calls.append(number)
        return Picture([[Paper(1, 1)]])

    board = small_board(draw)
    turn(board, number=6)
    turn(board, number=5)
    turn(board, number=6)
    assert calls == [5, 6]


def test_board_that_cannot_begin_says_so():
    with pytest.raises(ScenarioError, match="out of the question"):
        small_board(start=3)


def test_mistake_in_a_drawing_is_not_taken_for_a_refusal():
    board = small_board(lambda *, number: Picture([[Paper(1 / (number - 6), 1)]]))
    with pytest.raises(ZeroDivisionError):
        turn(board, number=6)


def test_idle_board_draws_what_the_next_turn_may_show():
    async def turn_and_wait():
        board = small_board()
        turn(board, number=6)
        await asyncio.sleep(0.2)
        return board

    board = asyncio.run(turn_and_wait())
    assert set(board._drawn) == {(5,), (6,), (7,)}


def test_idle_board_looks_first_where_the_last_turn_led():
    board = small_board()
    turn(board, number=4)
    assert [near["number"] for near in board._neighbours()] == [3, 5]
    turn(board, number=5)
    assert [near["number"] for near in board._neighbours()] == [6, 4]


def test_idle_board_survives_a_neighbour_that_cannot_be_built():
    async def turn_and_wait():
        board = small_board()
        turn(board, number=4)
        await asyncio.sleep(0.2)
        return board

    board = asyncio.run(turn_and_wait())
    assert board.refusal == ""
    assert board._drawn[3,] == "three is out of the question"
    turn(board, number=3)
    assert "three is out of the question" in board.view.value


def test_refusal_is_escaped():
    def draw(*, number):
        if number == 6:
            raise ScenarioError("<script>")
        return Picture([[Paper(1, 1)]])

    board = small_board(draw)
    turn(board, number=6)
    assert "<script>" not in board.view.value
