"""Every board of the course: sliders at their ends, all of them at once, a reset, another story."""

import re
from functools import cache

import pytest
from every_board import BOARDS, board_of, ends, turn

from queueing.lab.picture import Picture
from queueing.scenario import Scenario

SILENT = re.compile(r"\b(?:nan|inf|None|True|False)\b|<(?:function|bound)|e[+-]\d\d")


@cache
def forge():
    return Scenario.load("mailforge")


@pytest.fixture(params=BOARDS)
def board(request):
    return board_of(request.param, forge())


def readable(board):
    """Both pictures, and nothing in them that only a programmer reads."""
    living, twin = board.view.value, board._repr_mimebundle_()["image/svg+xml"]
    for markup in (living, twin):
        told = re.sub(r"<[^>]*>", " ", markup) + " ".join(re.findall(r'aria-label="(.*?)"', markup))
        assert not SILENT.search(told), SILENT.search(told)
    return living, twin


def marks(markup):
    """The figures' lines, without the frames that a page and a file need."""
    return re.findall(r"<(?:polyline|path|text|rect|circle)\b[^>]*>[^<]*", markup)


def test_every_column_of_a_picture_has_its_own_words(board):
    for column in board.picture.columns:
        assert len(" ".join(paper.get_label() for paper in column).strip()) > 20 or (
            board.picture.words
        )


def test_the_course_has_a_board_a_lesson():
    assert len(BOARDS) >= 7


def test_each_control_at_either_end_shows_a_readable_picture(board):
    start = readable(board)
    for control in board.controls.values():
        if len(ends(control)) == 1:
            continue
        seen = set()
        for end in ends(control):
            turn(control, end)
            living, twin = readable(board)
            if not board.refusal:
                assert marks(twin) == marks(living)
            seen.add(living)
        if len(seen) == 1:  # it may matter only once others are turned
            for other in board.controls.values():
                turn(other, ends(other)[-1])
            for end in ends(control):
                turn(control, end)
                seen.add(readable(board)[0])
        assert len(seen) > 1, f"{control.name} changes nothing"
        board.reset()
    assert readable(board) == start


@pytest.mark.parametrize("which", [0, -1], ids=["least", "most"])
def test_all_controls_at_one_end_show_a_readable_picture(board, which):
    start = readable(board)
    for control in board.controls.values():
        if len(ends(control)) > 1:
            turn(control, ends(control)[which])
        readable(board)
    board.reset()
    assert readable(board) == start


@pytest.mark.parametrize("name", BOARDS)
def test_board_begins_with_another_scenario_too(name):
    other = board_of(name, Scenario.load("guided-queues-and-workers"))
    assert isinstance(other.picture, Picture)
    readable(other)
