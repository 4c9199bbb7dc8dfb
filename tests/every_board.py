"""The boards of the course by name, for tests that take each of them to its ends."""

from queueing import lab
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.scenario import Trace

BOARDS = sorted(name for name in lab.__all__ if name.endswith("_board") and name != "design_board")


def board_of(name, scenario):
    """Return a board; of one with more about it, what its controls draw."""
    more = (Trace.load("report-requests"),) if name == "own_board" else ()
    made = getattr(lab, name)(scenario, *more)
    return made if isinstance(made, Board) else made.board


def ends(control):
    """Return the values at both ends of a control; one alone where nobody turns it."""
    if isinstance(control, Number):
        return [control.slider.min, control.slider.max]
    return [control.value, *control.neighbours]


def turn(control, value):
    """Turn a control as a student does."""
    (control.slider if isinstance(control, Number) else control.box).value = value
