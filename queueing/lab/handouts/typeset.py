"""From a lesson to typst: calls of the template's functions, in the order of the page."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from queueing.lab.handouts.lesson import Lesson, Task
from queueing.lab.handouts.mathematics import converted, spoken_symbol
from queueing.lab.handouts.press import Paper, pages, template
from queueing.lab.handouts.sheet import Formula
from queueing.lab.handouts.text import array, literal, rich, words

Parts = Iterator[str]
Kind = Literal["student", "teacher"]
KINDS: tuple[Kind, ...] = ("student", "teacher")

COURSE = "MailForge Lab"
_FOR = {
    "student": "The questions, the formulas, and room to work.",
    "teacher": "The plan of each lesson, worked solutions, and what wrong answers tell.",
}
_GUESS = 20  # millimetres of room to write a guess
_SIZES = (9.0, 8.75, 8.5, 8.25, 8.0, 7.75, 7.5)  # points on the formula sheet, so that it fits
_PAGES = 2


def document(title: str, kind: str, paper: Paper, parts: Sequence[str]) -> str:
    """Return a whole document: the template, what is on every page, and the parts."""
    head = (
        f"#show: handout.with(title: {words(title)}, kind: {words(kind)}, "
        f"course: {literal(COURSE)}, paper: {literal(paper)})"
    )
    return "\n".join([template(), head, *parts, ""])


def student(lesson: Lesson, *, variant: str = "", anew: bool = False) -> Parts:
    """Give the parts of a student's paper."""
    yield _opening(lesson, anew=anew)
    yield "#name-line()"
    yield f"#question({words(lesson.question)}, {words(lesson.able)}, {lesson.minutes})"
    if lesson.prediction:
        yield _heading("Predict")
        asked = lesson.prediction
        yield (
            f'#task("", {words(asked.question)}, {words(asked.unit)}, height: {_GUESS}mm, '
            'label: "My guess", more: false)'
        )
    if lesson.formulas:
        yield _heading("Key formulas")
        yield from _formulas(lesson, "formula")
    for place, picture in enumerate(lesson.pictures):
        width = re.search(r' width="([\d.]+)"', picture.printed)
        yield (
            f"#picture({literal(lesson.mark(place))}, {literal(picture.printed)}, "
            f"{width[1] if width else 780}, {words(picture.alternative)}, "
            f"{words(lesson.captions[place])})"
        )
    if lesson.tasks:
        yield _heading(f"Exercises{_of(variant)}")
    for task in lesson.tasks:
        after = _closing(lesson) if task is lesson.tasks[-1] else "[]"
        yield (
            f"#task({words(task.title)}, {words(task.question)}, {words(task.unit)}, "
            f"after: {after})"
        )
    if not lesson.tasks:
        yield f"#{_closing(lesson)}"


def teacher(lesson: Lesson, *, variant: str = "", anew: bool = False) -> Parts:
    """Give the parts of a teacher's paper."""
    yield _opening(lesson, anew=anew)
    yield f"#question({words(lesson.question)}, {words(lesson.able)}, {lesson.minutes})"
    yield _heading("The plan")
    screen = array([words(each) for each in lesson.screen])
    yield f"#timing({array(_spans(lesson))}, {screen})"
    if lesson.prediction:
        yield _heading("The prediction, and what many guess")
        aside = f"remember({words(lesson.rule)}, {rich(lesson.reference)})"
        yield _solved(lesson.prediction, "", aside)
    if lesson.tasks:
        yield _heading(f"Exercises, worked{_of(variant)}")
    for task in lesson.tasks:
        hints = array([words(hint) for hint in task.hints])
        yield _solved(task, task.title, f'listed("Hints", {hints})')
    if not lesson.prediction:
        yield f"#{_closing(lesson)}"


def paper_of(lesson: Lesson, kind: Kind, paper: Paper, variant: str = "") -> str:
    """Return the document of one lesson for a kind of reader."""
    inside = _parts(lesson, kind, variant)
    return document(_title(lesson), _named(kind, variant), paper, [*inside])


def booklet(
    lessons: Sequence[Lesson], kind: Kind, paper: Paper, scenario: str, variant: str = ""
) -> str:
    """Return the document of all lessons, with contents and one count of pages."""
    told = f"{len(lessons)} lessons with the numbers of {scenario}. {_FOR[kind]}"
    contents = f'#contents("Handouts", {words(told)})'
    inside = [part for each in lessons for part in _parts(each, kind, variant, anew=True)]
    return document("Handouts", _named(kind, variant), paper, [contents, *inside])


def formula_sheet(lessons: Sequence[Lesson], paper: Paper) -> str:
    """Return the document of every formula, on two pages as long as its letters can be read."""
    told = "Every formula of the course"
    inside = [
        part
        for lesson in lessons
        if lesson.formulas
        for part in (_heading(f"{lesson.number} {lesson.title}"), *_formulas(lesson, "compact"))
    ]
    made = ""
    for size in _SIZES:
        columns = f"#show: three-columns.with({literal(told)}, {size}pt)"
        made = document(told, "", paper, [columns, *inside])
        if pages(made) <= _PAGES:
            break
    return made


def _parts(lesson: Lesson, kind: Kind, variant: str, *, anew: bool = False) -> Parts:
    make = teacher if kind == "teacher" else student
    return make(lesson, variant=variant, anew=anew)


def _title(lesson: Lesson) -> str:
    return f"{lesson.number} {lesson.title}"


def _named(kind: Kind, variant: str) -> str:
    return f"{kind.capitalize()}{_of(variant)}"


def _opening(lesson: Lesson, *, anew: bool) -> str:
    again = "true" if anew else "false"
    return f"#lesson({literal(lesson.number)}, {words(lesson.title)}, anew: {again})"


def _closing(lesson: Lesson) -> str:
    return f"closing({words(lesson.rule)}, {rich(lesson.reference)})"


def _heading(told: str) -> str:
    return f"#heading(level: 2, {words(told)})"


def _of(variant: str) -> str:
    return f", variant {variant}" if variant else ""


def _formulas(lesson: Lesson, function: str) -> Parts:
    """Give the calls that set a lesson's formulas, each with the words that stand for it."""
    every = [tex for formula in lesson.formulas for tex in _tex(formula)]
    set_as = dict(zip(every, converted(every, "typst"), strict=True))
    for place, formula in enumerate(lesson.formulas):
        mark = lesson.mark(place)
        symbols = [
            f"($ {set_as[tex]} $.body, "
            f"{literal(f'{spoken_symbol(tex)}, in formula {mark}')}, {words(meaning)})"
            for tex, meaning in formula.symbols
        ]
        yield (
            f"#{function}({words(formula.name)}, {literal(mark)}, {words(formula.spoken)}, "
            f"$ {set_as[formula.tex]} $.body, {array(symbols)}, {words(formula.valid)})"
        )


def _tex(formula: Formula) -> list[str]:
    return [formula.tex, *(tex for tex, _ in formula.symbols)]


def _solved(task: Task, title: str, aside: str) -> str:
    misses = array([f"({words(value)}, {words(told)})" for value, told in task.misses])
    return (
        f"#solved({words(title)}, {words(task.question)}, {words(task.answer)}, "
        f"{words(task.solution)}, {misses}, {aside})"
    )


def _spans(lesson: Lesson) -> list[str]:
    """Return when each part of a lesson begins and ends, and what it is for."""
    start, spans = 0, []
    for minutes, what in lesson.timing:
        spans.append(f"({literal(f'{start}–{start + minutes}')}, {words(what)})")
        start += minutes
    return spans
