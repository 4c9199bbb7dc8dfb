"""From a lesson to a page of HTML for a course's site: the same words, formulas as MathML."""

import html
import re
from collections.abc import Iterator, Sequence

from queueing.lab.handouts import worksheet as board
from queueing.lab.handouts.lesson import Lesson, Task
from queueing.lab.handouts.mathematics import converted
from queueing.lab.handouts.text import polished
from queueing.lab.handouts.typeset import Kind
from queueing.scenario import Scenario

_STYLE = """
:root{color-scheme:light dark}
body{font:1.05rem/1.5 Georgia,serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1,h2,h3{line-height:1.2}h2{margin-top:2.2em}article+article{border-top:1px solid;margin-top:4em}
table{border-collapse:collapse;width:100%;font-size:.92em}
th,td{text-align:left;vertical-align:top;padding:.35em .6em;border-bottom:1px solid #8888}
figure{margin:1.5em 0}figure svg{width:100%;height:auto}figcaption,dl,.valid{font-size:.9em}
.formula{margin:1.4em 0}.formula .row{display:flex;justify-content:space-between;margin:.5em 0}
.wide,.formula .row{overflow-x:auto}
dt{float:left;clear:left;width:3em}dd{margin-left:3.4em}
.room{height:8em;border-bottom:1px dotted;border-top:1px dotted;margin:1em 0 .4em}
.answer{text-align:right}.rule{border-top:2px solid;border-bottom:2px solid;padding:.6em 0}
@media print{body{max-width:none}article{break-before:page}}
"""


def page(title: str, parts: Iterator[str]) -> str:
    """Return a whole page."""
    inside = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{inside}\n"
        "</body>\n</html>\n"
    )


def lesson_page(lesson: Lesson, kind: Kind, variant: str = "") -> str:
    """Return the page of one lesson."""
    return page(f"{lesson.number} {lesson.title}", _article(lesson, kind, variant))


def booklet_page(lessons: Sequence[Lesson], kind: Kind, variant: str = "") -> str:
    """Return the page of all lessons, with contents."""

    def parts() -> Iterator[str]:
        links = "".join(
            f'<li><a href="#lesson-{each.number}">{each.number} {_safe(each.title)}</a></li>'
            for each in lessons
        )
        yield f"<h1>Handouts, {kind}</h1>\n<nav><ul>{links}</ul></nav>"
        for each in lessons:
            yield from _article(each, kind, variant)

    return page(f"Handouts, {kind}", parts())


def formula_page(lessons: Sequence[Lesson]) -> str:
    """Return the page of every formula."""

    def parts() -> Iterator[str]:
        yield "<h1>Every formula of the course</h1>"
        for each in lessons:
            if each.formulas:
                yield f"<h2>{each.number} {_safe(each.title)}</h2>"
                yield from _formulas(each)

    return page("Every formula of the course", parts())


def worksheet_page(scenario: Scenario) -> str:
    """Return the page of the design board's worksheet."""
    rounds = [(str(number + 1), *[""] * 5) for number in range(board.ROUNDS)]

    def parts() -> Iterator[str]:
        yield f"<h1>{board.TITLE}</h1>"
        yield _list(board.RULES, "ol")
        columns = ("Clause", "Promise", "Meaning")
        yield "<h2>The contract</h2>" + _table(columns, board.contract(scenario))
        components = _table(board.COMPONENT_COLUMNS, board.components(scenario))
        yield f"<h2>The components</h2>{components}"
        yield f"<h2>The loads at the peak</h2>{_table(board.LOAD_COLUMNS, board.loads(scenario))}"
        yield f"<h2>The rounds</h2>{_table(board.ROUND_COLUMNS, rounds)}"

    return page(board.TITLE, parts())


def _article(lesson: Lesson, kind: Kind, variant: str) -> Iterator[str]:
    yield f'<article id="lesson-{lesson.number}">'
    yield f"<h1>{lesson.number} {_safe(lesson.title)}</h1>"
    yield f"<p>{_safe(lesson.question)}</p>"
    yield f"<p>Afterwards you can {_safe(lesson.able)} {lesson.minutes} minutes.</p>"
    told = f", variant {variant}" if variant else ""
    yield from (_for_students if kind == "student" else _for_teachers)(lesson, told)
    yield f'<p class="rule"><strong>Rule of thumb.</strong> {_safe(lesson.rule)}</p>'
    yield f"<p>To read on. {_starred(lesson.reference)}</p>"
    yield "</article>"


def _for_students(lesson: Lesson, variant: str) -> Iterator[str]:
    if lesson.prediction:
        yield f"<h2>Predict</h2>{_blank(lesson.prediction, 'My guess')}"
    if lesson.formulas:
        yield "<h2>Key formulas</h2>"
        yield from _formulas(lesson)
    for place, picture in enumerate(lesson.pictures):
        caption = f"<strong>Figure {lesson.mark(place)}.</strong> {_safe(lesson.captions[place])}"
        yield f"<figure>{picture.svg}<figcaption>{caption}</figcaption></figure>"
    if lesson.tasks:
        yield f"<h2>Exercises{_safe(variant)}</h2>"
    for task in lesson.tasks:
        yield f"<h3>{_safe(task.title)}</h3>{_blank(task, 'Answer')}"


def _for_teachers(lesson: Lesson, variant: str) -> Iterator[str]:
    spans = [(f"{minutes} minutes", what) for minutes, what in lesson.timing]
    yield f"<h2>The plan</h2>{_table(('For', 'What'), spans)}"
    if lesson.screen:
        yield f"<h2>On the screen</h2>{_list(lesson.screen, 'ol')}"
    if lesson.prediction:
        yield f"<h2>The prediction, and what many guess</h2>{_solved(lesson.prediction)}"
    if lesson.tasks:
        yield f"<h2>Exercises, worked{_safe(variant)}</h2>"
    for task in lesson.tasks:
        yield f"<h3>{_safe(task.title)}</h3>{_solved(task)}"


def _formulas(lesson: Lesson) -> Iterator[str]:
    every = [
        tex
        for formula in lesson.formulas
        for tex in (formula.tex, *(symbol for symbol, _ in formula.symbols))
    ]
    set_as = dict(zip(every, converted(every, "html"), strict=True))
    for place, formula in enumerate(lesson.formulas):
        shown = _bare(set_as[formula.tex]).replace(
            "<math", f'<math alttext="{html.escape(formula.spoken)}"', 1
        )
        symbols = "".join(
            f"<dt>{_inline(set_as[tex])}</dt><dd>{_safe(told)}</dd>"
            for tex, told in formula.symbols
        )
        listed = f"<dl>{symbols}</dl>" if symbols else ""
        yield (
            f'<section class="formula"><strong>{_safe(formula.name)}</strong>'
            f'<div class="row">{shown}<span>({lesson.mark(place)})</span></div>{listed}'
            f'<p class="valid"><em>{_safe(formula.valid)}</em></p></section>'
        )


def _inline(mathml: str) -> str:
    return _bare(mathml).replace(' display="block"', "")


def _bare(mathml: str) -> str:
    """Return MathML without the TeX that pandoc leaves in it."""
    return re.sub(r"<annotation.*?</annotation>", "", mathml, flags=re.DOTALL)


def _blank(task: Task, label: str) -> str:
    return (
        f'<p>{_safe(task.question)}</p><div class="room"></div>'
        f'<p class="answer">{label} ____________ {_safe(task.unit)}</p>'
    )


def _solved(task: Task) -> str:
    told = f"<p><em>{_safe(task.question)}</em></p>"
    told += f"<p><strong>{_safe(task.answer)}.</strong> {_safe(task.solution)}</p>"
    if task.misses:
        told += _table(("Wrong answer", "What it tells"), task.misses)
    return told + (f"<p>Hints</p>{_list(task.hints, 'ol')}" if task.hints else "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f'<th scope="col">{_safe(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    table = f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _list(items: Sequence[str], tag: str) -> str:
    return f"<{tag}>" + "".join(f"<li>{_safe(item)}</li>" for item in items) + f"</{tag}>"


def _safe(text: str) -> str:
    return html.escape(polished(text), quote=False)


def _starred(text: str) -> str:
    strong = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", _safe(text))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", strong)
