"""Answer boxes: a question, a place to answer, feedback at once; answers outlive the kernel.

What a student typed is kept in a book and never in a stored output: that shows the question alone.
"""

import html
from typing import Any

import ipywidgets as widgets

from queueing.lab.answer_book import AnswerBook, own_book
from queueing.lab.controls import group_name
from queueing.lab.exercises import Exercise, Judged, Verdict, read_number
from queueing.lab.palette import BLUE, BROKEN, GREY, KEPT
from queueing.lab.picture import WIDGET
from queueing.lab.register import exercise, judged
from queueing.scenario import Scenario

_MARKS: dict[Verdict, tuple[str, str]] = {
    "empty": ("…", GREY),
    "unreadable": ("?", GREY),
    "noted": ("✎", BLUE),
    "right": ("✓", KEPT),
    "near": ("≈", BROKEN),
    "wrong": ("✗", BROKEN),
}
_WIDTH = "720px"  # of a column of text that is comfortable to read


class AnswerBox:
    """An exercise to answer: `ask("00-events", forge)`."""

    def __init__(self, asked: Exercise, scenario: Scenario, book: AnswerBook) -> None:
        self.exercise, self.scenario, self.book = asked, scenario, book
        self._hints_given = 0
        self.field = widgets.Text(
            value=book[asked.key],
            placeholder="your answer",
            description=f"Answer in {asked.unit}",
            continuous_update=False,
            style={"description_width": "initial"},
            layout=widgets.Layout(width="auto"),
        )
        self.check_button = _button("Check", "Judge the answer")
        self.hint_button = _button("", "Show one hint more")
        self.solution_button = _button("Worked answer", "Show how it is done")
        self.feedback, self.help = _paragraph(), _paragraph()
        self.field.observe(lambda _: self.check(), "value")
        self.check_button.on_click(lambda _: self.check())
        self.hint_button.on_click(lambda _: self.give_hint())
        self.solution_button.on_click(lambda _: self.show_solution())
        row = [self.field, self.check_button]
        if not asked.prediction:
            row += [*([self.hint_button] if asked.hints else []), self.solution_button]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 10px")
        question = _paragraph()
        question.value = _prose(self.markup()) + group_name(asked.title)
        parts = [question, widgets.HBox(row, layout=wrap), self.feedback, self.help]
        self.progress = _paragraph()
        if asked.key == judged(asked.key[:2])[-1]:  # the last of its lesson
            parts.append(self.progress)
            book.listen(f"progress {asked.key}", self._count)
            self._count()
        self.box = widgets.VBox(parts)
        self._label_hints()
        if self.field.value:
            self._judge()

    def check(self) -> None:
        """Judge what is in the field, say so, and keep it."""
        found = self._judge()
        if answer := self.field.value.strip():
            self.book.keep(self.exercise.key, answer, right=found.verdict == "right")

    def give_hint(self) -> None:
        """Show one hint more."""
        self._hints_given = min(self._hints_given + 1, len(self.exercise.hints))
        told = "".join(
            f"<li>{html.escape(hint)}</li>" for hint in self.exercise.hints[: self._hints_given]
        )
        self.help.value = _prose(f'<ol style="margin:4px 0;padding-left:1.4em">{told}</ol>')
        self._label_hints()

    def show_solution(self) -> None:
        """Show the worked answer."""
        self.help.value = _prose(html.escape(self.exercise.solution(self.scenario)))

    def markup(self) -> str:
        """Return the question as HTML."""
        question = html.escape(self.exercise.question(self.scenario))
        return f"<strong>{html.escape(self.exercise.title)}.</strong> {question}"

    def _judge(self) -> Judged:
        found = self.exercise.judge(self.scenario, self.field.value)
        self.feedback.value = _prose(_told(found))
        return found

    def _count(self) -> None:
        self.progress.value = _prose(_done(self.book.right, self.exercise.key[:2]))

    def _label_hints(self) -> None:
        left = len(self.exercise.hints) - self._hints_given
        self.hint_button.description = f"Hint ({left} left)"
        self.hint_button.disabled = not left

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        question = self.exercise.question(self.scenario)
        text = f"{self.exercise.title}. {question}\nAnswer: ________ {self.exercise.unit}"
        line = f"<p>Answer: ________ {html.escape(self.exercise.unit)}</p>"
        return {
            WIDGET: self.box._repr_mimebundle_()[WIDGET],
            "text/html": f"<p>{self.markup()}</p>{line}",
            "text/plain": text,
        }


class Reveal:
    """What the model says to a prediction, beside what was predicted."""

    def __init__(self, asked: Exercise, scenario: Scenario, book: AnswerBook) -> None:
        self.exercise, self.scenario, self.book = asked, scenario, book
        self.view = _paragraph()
        self._show()
        book.listen(f"reveal {asked.key}", self._show)

    def _show(self) -> None:
        self.view.value = _prose(self._own() + html.escape(self.text()))

    def _own(self) -> str:
        """Return what was predicted, and what it leaves out where many leave it out."""
        typed = self.book[self.exercise.key]
        number = read_number(typed, self.exercise.unit)
        if number is None:
            return ""
        missed = self.exercise.missed(self.scenario, number) or ""
        return f"<strong>You predicted {html.escape(typed)}.</strong> {html.escape(missed)} "

    def text(self) -> str:
        """Return the answer and how it comes about."""
        answer = f"{self.exercise.answer(self.scenario):.0f} {self.exercise.unit}"
        return f"The model says {answer}. {self.exercise.solution(self.scenario)}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            WIDGET: self.view._repr_mimebundle_()[WIDGET],
            "text/html": f"<p>{html.escape(self.text())}</p>",
            "text/plain": self.text(),
        }


def ask(key: str, scenario: Scenario, book: AnswerBook | None = None) -> AnswerBox:
    """Return the answer box of an exercise."""
    return AnswerBox(exercise(key), scenario, book or own_book())


def reveal(key: str, scenario: Scenario, book: AnswerBook | None = None) -> Reveal:
    """Return what the model says to a prediction."""
    return Reveal(exercise(key), scenario, book or own_book())


def _done(right: set[str], lesson: str) -> str:
    """Return how many exercises of a lesson, and of the course, are done, in dots and words."""
    here, course = judged(lesson), judged()
    dots = "".join("●" if key in right else "○" for key in here)
    told = (
        f"{len(right.intersection(here))} of {len(here)} in this lesson, "
        f"{len(right.intersection(course))} of {len(course)} in the course"
    )
    return f'<span aria-hidden="true">{dots}</span> Right so far: {told}.'


def _told(judged: Judged) -> str:
    mark, colour = _MARKS[judged.verdict]
    return (
        f'<div role="status" style="border-left:4px solid {colour};padding:2px 10px">'
        f'<span aria-hidden="true">{mark}</span> {html.escape(judged.message)}</div>'
    )


def _button(label: str, tooltip: str) -> Any:
    return widgets.Button(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))


def _paragraph() -> Any:
    return widgets.HTML(layout=widgets.Layout(max_width=_WIDTH))


def _prose(markup: str) -> str:
    """Return HTML set as prose: a widget's own lines are as far apart as buttons."""
    return f'<div style="line-height:1.5;font-size:var(--jp-content-font-size1)">{markup}</div>'
