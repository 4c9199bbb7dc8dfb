"""The papers of a course under one scenario, each with what it is made from; nothing made yet."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from queueing.lab.handouts import page, press, typeset
from queueing.lab.handouts.lesson import Lesson, prepared
from queueing.lab.handouts.press import Paper
from queueing.lab.handouts.sheet import sheet
from queueing.lab.handouts.typeset import KINDS, Kind
from queueing.lab.handouts.worksheet import worksheet
from queueing.scenario import Scenario

_PACKAGES = ("typst", "pypandoc_binary", "numpy", "scipy")  # whose versions may change a page


@dataclass(frozen=True)
class Job:
    """A paper as PDF and as HTML. The `key` stands for everything that it is made from."""

    stem: str
    subject: str  # whose failure it would be: a lesson's number, or the paper itself
    key: str
    document: Callable[[], str]
    html: Callable[[], str]


@dataclass
class Course:
    """Lessons under a scenario, on paper; some of them, or the `whole` course.

    A lesson that cannot be made is put among the `failures` by whoever makes it. Exercises that a
    scenario leaves no sense in are `left_out` of their lesson.
    """

    scenario: Scenario
    lessons: Sequence[str]
    paper: Paper
    variant: str = ""
    whole: bool = True
    failures: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _prepared: dict[str, Lesson] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of papers."""
        return len(KINDS) * len(self.lessons) + (len(KINDS) + 2 if self.whole else 0)

    def jobs(self) -> Iterator[Job]:
        """Give the papers of each lesson, then those of the whole course, one after the other.

        Those of the whole course are made of the lessons that have not failed by then.
        """
        for number in self.lessons:
            for kind in KINDS:
                yield self._job(
                    f"{number}_{kind}",
                    self._keys[number],
                    partial(self._document, number, kind),
                    partial(self._page, number, kind),
                    subject=number,
                )
        if not self.whole:
            return
        key = _digest(*self._keys.values(), *self.failures)
        for kind in KINDS:
            documents = partial(self._booklet, kind), partial(self._booklet_page, kind)
            yield self._job(f"booklet_{kind}", key, *documents)
        yield self._job(
            "formulas",
            key,
            lambda: typeset.formula_sheet(self._good, self.paper),
            lambda: page.formula_page(self._good),
        )
        yield self._job(
            "worksheet",
            self._common,
            lambda: worksheet(self.scenario, self.paper),
            lambda: page.worksheet_page(self.scenario),
        )

    def _job(
        self,
        name: str,
        key: str,
        document: Callable[[], str],
        html: Callable[[], str],
        subject: str = "",
    ) -> Job:
        stem = f"{name}_{self.variant}" if self.variant else name
        return Job(stem, subject or stem, key, document, html)

    def _lesson(self, number: str) -> Lesson:
        if number not in self._prepared:
            made = prepared(sheet(number), self.scenario, press.NOTEBOOKS)
            self._prepared[number] = made
            if made.left_out:
                self.left_out[number] = made.left_out
        return self._prepared[number]

    @property
    def _good(self) -> list[Lesson]:
        return [self._lesson(number) for number in self.lessons if number not in self.failures]

    def _document(self, number: str, kind: Kind) -> str:
        return typeset.paper_of(self._lesson(number), kind, self.paper, self.variant)

    def _page(self, number: str, kind: Kind) -> str:
        return page.lesson_page(self._lesson(number), kind, self.variant)

    def _booklet(self, kind: Kind) -> str:
        title = self.scenario.title
        return typeset.booklet(self._good, kind, self.paper, title, self.variant)

    def _booklet_page(self, kind: Kind) -> str:
        return page.booklet_page(self._good, kind, self.variant)

    @cached_property
    def _common(self) -> str:
        """What every paper is made from: the kit, the template, the scenario, the options."""
        package = Path(press.__file__).parents[2]
        sources = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
        versions = [f"{name} {version(name)}" for name in _PACKAGES]
        with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
            scenario = repr(self.scenario)
        return _digest(*sources, press.template(), *versions, scenario, self.paper, self.variant)

    @cached_property
    def _keys(self) -> dict[str, str]:
        """What the papers of each lesson are made from: that, and its notebook."""
        return {
            number: _digest(
                self._common,
                *(path.read_bytes() for path in sorted(press.NOTEBOOKS.glob(f"{number}_*.ipynb"))),
            )
            for number in self.lessons
        }


def _digest(*parts: str | bytes) -> str:
    """Return a fingerprint of texts in their order."""
    whole = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        whole.update(f"{len(raw)}:".encode() + raw)
    return whole.hexdigest()
