"""What an exercise is: a question with a number for an answer, and how an answer is judged.

The answer is worked out by the kit from the scenario's numbers, a likely wrong answer is met with
what it tells, hints come in steps. A changed scenario changes question, answer and solution. The
exercises themselves stand in `queueing.lab.register`.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from queueing.scenario import Scenario

Verdict = Literal["empty", "unreadable", "noted", "right", "near", "wrong"]
Fact = Callable[[Scenario], float]
Text = Callable[[Scenario], str]

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\D*)")
_GUESS = 0.1  # of a number: as near as a guess comes to another
_LARGE = 1000  # from which a number is shown without decimals
_CLOSE = 1e-9  # of the answer: as near as arithmetic comes


class Judged(NamedTuple):
    """What an answer was found to be, and what to say to whoever gave it."""

    verdict: Verdict
    message: str


class NearMiss(NamedTuple):
    """A likely wrong answer and the way of thinking that leads there."""

    value: Fact
    message: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A question with a number for an answer. `tolerance` is relative; 0 asks for a whole number.

    A `prediction` is asked before anything is shown: it is noted and not judged. Its near misses
    are guesses that many make, and what they leave out.
    """

    key: str
    title: str
    question: Text
    unit: str
    answer: Fact
    solution: Text
    tolerance: float = 0.01
    near_misses: tuple[NearMiss, ...] = ()
    hints: tuple[str, ...] = ()
    prediction: bool = False

    def judge(self, scenario: Scenario, answer: str) -> Judged:
        """Return what an answer, as it was typed, is."""
        if not answer.strip():
            return Judged("empty", f"Write a number first, in {self.unit}.")
        number = read_number(answer, self.unit)
        if number is None:
            return Judged(
                "unreadable", f"That is not a number in {self.unit}. Write digits, such as 12.5."
            )
        if self.prediction:
            return Judged("noted", f"Noted: {number:g} {self.unit}. The lesson comes back to it.")
        right = self.answer(scenario)
        if self._matches(number, right):
            return Judged("right", f"Right: {self.shown(right)}.")
        if (message := self.missed(scenario, number)) is not None:
            return Judged("near", message)
        side = "more" if number < right else "less"
        return Judged("wrong", f"Not yet: it is {side} than {number:g}.")

    def missed(self, scenario: Scenario, number: float) -> str | None:
        """Return what is to be said to a likely wrong number, None to any other."""
        if self.prediction and math.isclose(
            number, self.answer(scenario), rel_tol=self.tolerance, abs_tol=1e-12
        ):
            return None  # in some scenario a usual guess is right
        told = [(value(scenario), message) for value, message in self.near_misses]
        near = [each for each in told if self._matches(number, each[0])]
        return min(near, key=lambda each: abs(number - each[0]))[1] if near else None

    def shown(self, number: float) -> str:
        """Return a number in the exercise's unit, with as many digits as matter."""
        whole = not self.tolerance or abs(number) >= _LARGE
        digits = f"{number:,.0f}" if whole else f"{number:,.4g}"
        return f"{digits} {self.unit}"

    def _matches(self, number: float, value: float) -> bool:
        return math.isclose(
            number,
            value,
            rel_tol=max(_GUESS if self.prediction else self.tolerance, _CLOSE),
            abs_tol=1e-12,
        )


def read_number(text: str, unit: str) -> float | None:
    """Return the number that somebody typed, with or without its unit; None if it is none.

    >>> read_number("1 200", "mails"), read_number("1,200.5", "mails"), read_number("0,5", "hours")
    (1200.0, 1200.5, 0.5)
    >>> (
    ...     read_number("37 min", "minutes"),
    ...     read_number("37 h", "minutes"),
    ...     read_number("ten", "mails"),
    ... )
    (37.0, None, None)
    """
    bare = text.strip().removesuffix(unit).strip()  # a unit such as "runs of 100" holds a number
    digits = re.sub(r"(?<=\d)[\s'_\u00a0\u2009\u202f](?=\d{3})", "", bare)
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?(?!\d).*", digits):
        digits = digits.replace(",", "")
    found = _NUMBER.fullmatch(digits.replace(",", ".").replace("\u2212", "-"))
    if not found or not unit.lower().startswith("".join(found[2].lower().rstrip(".").split()[:1])):
        return None
    number = float(found[1])
    return number if math.isfinite(number) else None
