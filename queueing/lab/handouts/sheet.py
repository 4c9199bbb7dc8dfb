"""What the paper of a lesson says: data for the typesetter, and nothing of how it looks.

Exercises and predictions are not repeated here; they come from `queueing.lab.register`, title and
reference from the notebook. Texts are plain: Greek letters and not TeX, except in `Formula.tex`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from queueing.lab.picture import Picture
from queueing.scenario import Scenario

Text = Callable[[Scenario], str]
Figure = Callable[[Scenario], Picture]


@dataclass(frozen=True, kw_only=True)
class Formula:
    """An equation of a lesson: as it is written, as it is read aloud, and when it holds."""

    name: str
    tex: str
    spoken: str
    symbols: tuple[tuple[str, str], ...]  # each as TeX, and what it means
    valid: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A lesson on paper. Its numbers follow the scenario.

    `minutes` are the teacher's timing, a span and what it is for; `screen` is what to show of the
    board: what to turn, and what will be seen. `captions` say what to look for in the figures;
    without them a figure's own words stand under it. No figure shows what an exercise asks for.
    `title` is for a lesson whose notebook has the scenario's numbers in its own.
    """

    lesson: str  # "03"
    question: Text
    able: str
    formulas: tuple[Formula, ...]
    figures: tuple[Figure, ...]
    rule: Text
    minutes: tuple[tuple[int, str], ...]
    screen: tuple[str, ...]
    captions: tuple[str, ...] = ()
    title: Text | None = None


LESSONS = tuple(f"{number:02}" for number in range(15))


def lessons_with_a_sheet() -> list[str]:
    """Return the lessons that have one, in the course's order."""
    return [lesson for lesson in LESSONS if find_spec(_module(lesson))]


def sheet(lesson: str) -> Sheet:
    """Return the sheet of a lesson; raises `ModuleNotFoundError` for one that has none."""
    return import_module(_module(lesson)).SHEET


def _module(lesson: str) -> str:
    return f"queueing.lab.handouts.sheets.lesson_{lesson}"
