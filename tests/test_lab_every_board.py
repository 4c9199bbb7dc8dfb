"""Every board of the course: sliders at their ends, all of them at once, a reset, another story."""

import re
from functools import cache

import pytest

from queueing import lab
from queueing.lab.controls import Number
from queueing.lab.picture import Picture
from queueing.scenario import Scenario

BOARDS = sorted(name for name in lab.__all__ if name.endswith("_board"))
SILENT = re.compile(r"\b(?:nan|inf|None|True|False)\b|<(?:function|bound)|e[+-]\d\d")


@cache
def forge():
    return Scenario.load("mailforge")


def of(name, scenario):
    """The board of a name; of one with more about it, what its controls draw."""
    made = getattr(lab, name)(scenario)
    return getattr(made, "board", made)


@pytest.fixture(params=BOARDS)
def board(request):
    return of(request.param, forge())


def ends(control):
    if isinstance(control, Number):
        return [control.slider.min, control.slider.max]
    return [control.value, *control.neighbours]  # one alone, where nobody turns it


def turn(control, value):
    widget = control.slider if isinstance(control, Number) else control.box
    widget.value = value


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
        assert len(seen) > 1, f"{control.name} changes nothing"
        control.reset()
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
    other = of(name, Scenario.load("guided-queues-and-workers"))
    assert isinstance(other.picture, Picture)
    readable(other)
