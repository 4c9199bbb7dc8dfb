"""Answer boxes: a question, a place to answer, feedback at once; answers outlive the kernel.

What a student typed is kept in a small file of the folder's cache, which git ignores, and never in
a stored output: that shows the question alone.
"""

import html
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from queueing.lab.exercises import Exercise, Judged, Verdict
from queueing.lab.palette import BLUE, BROKEN, GREY, KEPT
from queueing.lab.picture import WIDGET
from queueing.lab.register import exercise
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


class AnswerBook:
    """What was answered, by the exercises' keys. A file out of order does no harm."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listeners: dict[str, Callable[[], None]] = {}

    def __getitem__(self, key: str) -> str:
        """Return the answer to an exercise as it was typed; empty where there is none."""
        return self._read().get(key, "")

    def __setitem__(self, key: str, answer: str) -> None:
        """Keep an answer, and tell who waits for it."""
        with suppress(OSError):
            self._write(self._read() | {key: answer})
        if key in self._listeners:
            self._listeners[key]()

    def listen(self, key: str, react: Callable[[], None]) -> None:
        """Call back when this exercise is answered; the latest caller is the one that counts."""
        self._listeners[key] = react

    def _read(self) -> dict[str, str]:
        try:
            answers = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(answers, dict):
            return {}
        return {key: answer for key, answer in answers.items() if isinstance(answer, str)}

    def _write(self, answers: dict[str, str]) -> None:
        """Replace the file at one stroke, so that two notebooks never leave half of it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix="answers-", text=True)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(answers, file, ensure_ascii=False, indent=1, sort_keys=True)
        Path(name).replace(self.path)


def own_book() -> AnswerBook:
    """Return the book of the folder that the notebook is in, or of the kit that it belongs to."""
    here = Path.cwd()
    home = next((folder for folder in (here, *here.parents) if _is_kit(folder)), here)
    return AnswerBook(home / ".cache" / "answers.json")


def _is_kit(folder: Path) -> bool:
    return (folder / "notebooks").is_dir() and (folder / "queueing").is_dir()


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
        question.value = _prose(self.markup())
        parts = [question, widgets.HBox(row, layout=wrap), self.feedback, self.help]
        self.box = widgets.VBox(parts)
        self._label_hints()
        self.judged: Judged | None = None
        if self.field.value:
            self._judge()

    def check(self) -> None:
        """Judge what is in the field, say so, and keep it."""
        self._judge()
        if self.field.value.strip():
            self.book[self.exercise.key] = self.field.value.strip()

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

    def _judge(self) -> None:
        self.judged = self.exercise.judge(self.scenario, self.field.value)
        self.feedback.value = _prose(_told(self.judged))

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
        book.listen(asked.key, self._show)

    def _show(self) -> None:
        predicted = self.exercise.judge(self.scenario, self.book[self.exercise.key])
        own = ""
        if predicted.verdict == "noted":
            own = f"<strong>You predicted {html.escape(self.book[self.exercise.key])}.</strong> "
        self.view.value = _prose(own + html.escape(self.text()))

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
    return AnswerBox(exercise(key), scenario, book or _book())


def reveal(key: str, scenario: Scenario, book: AnswerBook | None = None) -> Reveal:
    """Return what the model says to a prediction."""
    return Reveal(exercise(key), scenario, book or _book())


_BOOKS: dict[Path, AnswerBook] = {}


def _book() -> AnswerBook:
    """Return the one book of this folder, so that a box and what waits for its answer share it."""
    book = own_book()
    return _BOOKS.setdefault(book.path, book)


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
