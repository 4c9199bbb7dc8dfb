"""A lesson ready for the typesetter: sheet, notebook and register brought together, in words."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from queueing.lab.exercises import Exercise
from queueing.lab.handouts import notebook as notebooks
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.picture import Picture
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Task:
    """An exercise or a prediction under a scenario; from `answer` on it is the teacher's alone."""

    title: str
    question: str
    unit: str
    answer: str
    solution: str
    misses: tuple[tuple[str, str], ...]  # likely wrong answers, and what each tells
    hints: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Everything that is said on the two papers of a lesson."""

    number: str
    title: str
    minutes: int
    question: str
    able: str
    formulas: tuple[Formula, ...]
    pictures: tuple[Picture, ...]
    captions: tuple[str, ...]
    prediction: Task | None
    tasks: tuple[Task, ...]
    rule: str
    reference: str
    timing: tuple[tuple[int, str], ...]
    screen: tuple[str, ...]
    left_out: tuple[str, ...]  # exercises that make no sense with the scenario's numbers, and why

    def mark(self, place: int) -> str:
        """Return what a formula or figure is called, counted from 0: the first of 03 is 3.1."""
        return f"{int(self.number)}.{place + 1}"


def prepared(sheet: Sheet, scenario: Scenario, folder: Path) -> Lesson:
    """Return the lesson of a sheet with a scenario's numbers; the notebooks lie in `folder`.

    Raises `HandoutError` where the notebook cannot be read or has a formula that the sheet lacks,
    and where a formula or a figure lacks the words that stand for it.
    """
    notebook = notebooks.read(folder, sheet.lesson)
    notebook.check(sheet.formulas)
    asked: dict[bool, list[Task]] = {True: [], False: []}
    left_out = []
    for key, each in EXERCISES.items():
        if key.startswith(f"{sheet.lesson}-"):
            try:
                asked[each.prediction].append(task(each, scenario))
            except (ArithmeticError, LookupError, ValueError) as error:
                left_out.append(
                    f"{key} is left out, it cannot be asked with the numbers of {scenario.title}: "
                    f"{error}"
                )
    pictures = tuple(figure(scenario) for figure in sheet.figures)
    lesson = Lesson(
        number=sheet.lesson,
        title=sheet.title(scenario) if sheet.title else notebook.title,
        minutes=notebook.minutes,
        question=sheet.question(scenario),
        able=sheet.able,
        formulas=sheet.formulas,
        pictures=pictures,
        captions=sheet.captions or tuple(picture.alternative for picture in pictures),
        prediction=next(iter(asked[True]), None),
        tasks=tuple(asked[False]),
        rule=sheet.rule(scenario),
        reference=notebook.reference,
        timing=sheet.minutes,
        screen=sheet.screen,
        left_out=tuple(left_out),
    )
    _check_words(lesson)
    return lesson


def task(exercise: Exercise, scenario: Scenario) -> Task:
    """Return an exercise under a scenario."""
    right = _said(exercise, exercise.answer(scenario))
    misses = [
        (_said(exercise, value), miss.message)
        for miss in exercise.near_misses
        if math.isfinite(value := miss.value(scenario))
    ]
    return Task(
        title=exercise.title,
        question=exercise.question(scenario),
        unit=exercise.unit,
        answer=right,
        solution=exercise.solution(scenario).removeprefix(f"{right}. "),
        misses=tuple(miss for miss in misses if miss[0] != right),
        hints=exercise.hints,
    )


def _said(exercise: Exercise, number: float) -> str:
    """Return a number in the exercise's unit; of a guess three digits are more than enough."""
    if exercise.prediction:
        return f"{float(f'{number:.3g}'):,.12g} {exercise.unit}"
    return re.sub(r"^1 (\w{3,})s\b", r"1 \1", exercise.shown(number))  # 1 line, not 1 lines


def _check_words(lesson: Lesson) -> None:
    """Refuse a formula without its spoken words, a figure without its own, and repeats."""
    told: dict[str, str] = {}
    named = [
        (f"formula {lesson.mark(place)} ({formula.name})", formula.spoken)
        for place, formula in enumerate(lesson.formulas)
    ] + [
        (f"figure {lesson.mark(place)}", picture.alternative)
        for place, picture in enumerate(lesson.pictures)
    ]
    for name, words in named:
        if not words.strip():
            raise HandoutError(f"{name} has no words for those who cannot see it")
        if words in told:
            raise HandoutError(f"{name} has the same words as {told[words]}: {words}")
        told[words] = name
