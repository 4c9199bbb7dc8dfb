"""Variants of a scenario for a class: A, B and C, the same story with numbers of their own.

A draw is kept where the story stays true: the named designs are judged as in the original, and
every exercise that can be asked there can still be asked.
"""

import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from queueing import checks
from queueing.lab.exercises import Exercise
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.soundness import faults
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario
from queueing.scenario.traffic import TracedTraffic

LETTERS = ("A", "B", "C")
_NUMBERS = (
    "traffic.baseline_users",
    "traffic.peak_users",
    "traffic.think_time_s",
    "contract.p95_ms",
    "contract.budget_usd_month",
    "contract.freshness_s",
    "job.render.mean_ms",
    "job.smtp.mean_ms",
    "job.ack.mean_ms",
    "job.failure_probability",
    "tracking.events_per_mail",
)
_SPREAD = 0.12  # of a number: how far it may move
_STEP = 0.05  # of a number: about so far apart are those that it may become
_COARSE = 0.25  # of a number: where the next round one is farther it stays
_MINUTES = range(180, 900, 60)  # seconds that are told in minutes stay whole minutes
_DIFFERENT = 0.6  # of the numbers, and of the questions, differ between any two
_DRAWS, _TRIALS = 3000, 100  # of numbers; of those whose designs are judged as they should be
_FIRST = ("14-predict", "06-log", "09-parts", "08-refused", "03-promise", "04-lanes")


def variants(scenario: Scenario, seed: int) -> dict[str, Scenario]:
    """Return three scenarios, A, B and C, with other numbers; the same seed gives the same.

    Raises `ValueError` for a seed that is no whole number of at least 0, and `HandoutError` where
    the scenario leaves no room for other numbers.
    """
    root = np.random.SeedSequence(checks.whole("seed", seed, at_least=0))
    story = _Story(scenario)
    made: dict[str, Scenario] = {}
    for letter, stream in zip(LETTERS, root.spawn(len(LETTERS)), strict=True):
        made[letter] = story.another(letter, np.random.default_rng(stream), [*made.values()])
    return made


@dataclass(frozen=True)
class _Story:
    """What is to stay as it is in the scenario, whatever the numbers."""

    scenario: Scenario

    def another(self, letter: str, rng: np.random.Generator, before: list[Scenario]) -> Scenario:
        """Return the scenario with other numbers, unlike those before it."""
        reason = "none of them has its named designs judged as they are"
        others, trials = [self.scenario, *before], 0
        for drawn in self._drawn(rng):
            if not self._far(drawn, others) or not all(
                map(operator.eq, _verdicts(drawn), self.verdicts)
            ):
                continue
            reason = self._spoilt(drawn) or _alike(drawn, others)
            if not reason:
                return drawn
            if (trials := trials + 1) == _TRIALS:
                break
        raise HandoutError(
            f"no variant {letter} of {self.scenario.title} was found: {reason}; "
            "try another seed, or a scenario whose own design keeps its promises with more to spare"
        )

    def _drawn(self, rng: np.random.Generator) -> Iterator[Scenario]:
        for _ in range(_DRAWS):
            drawn = self.scenario
            for name, choices in self.choices.items():
                drawn = _with(drawn, name.split("."), float(rng.choice(choices)))
            yield drawn

    def _far(self, drawn: Scenario, others: list[Scenario]) -> bool:
        """Tell whether most numbers, and the number of users, are none of the others'."""
        rows = [[_number(each, name) for name in self.choices] for each in (drawn, *others)]
        return all(np.not_equal(rows[0], row).mean() >= _DIFFERENT for row in rows[1:]) and _number(
            drawn, "traffic.peak_users"
        ) not in [_number(each, "traffic.peak_users") for each in others]

    def _spoilt(self, drawn: Scenario) -> str:
        """Return an exercise that makes less sense than in the original, and why.

        Those that are soonest spoilt are looked at first: it saves time and changes nothing else.
        """
        for key in sorted(EXERCISES, key=lambda key: _FIRST.index(key) if key in _FIRST else 99):
            found = faults(EXERCISES[key], drawn)
            if found and (new := found - self._faults(key)):
                return f"exercise {key} {min(new)}"
        return ""

    def _faults(self, key: str) -> set[str]:
        if key not in self._known:
            self._known[key] = faults(EXERCISES[key], self.scenario)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def choices(self) -> dict[str, NDArray[np.float64]]:
        """The numbers that are drawn, and what each may become."""
        names = [*_NUMBERS]
        for name, kind in self.scenario.classes.items():
            if kind.share:
                names.append(f"classes.{name}.cpu.mean_ms")
                names += [f"classes.{name}.database.{visit}.mean_ms" for visit in kind.database]
                names += [f"classes.{name}.cache_hit_ratio"] if kind.cache_hit_ratio else []
        values = {name: _number(self.scenario, name) for name in names if _has(self.scenario, name)}
        return {name: choices(value) for name, value in values.items() if value}

    @cached_property
    def verdicts(self) -> list[bool]:
        """What the original's designs keep."""
        return [*_verdicts(self.scenario)]


def _verdicts(scenario: Scenario) -> Iterator[bool]:
    """Tell which clauses the own design keeps, and with one worker less; which named ones pass."""
    base = scenario.base
    fewer = replace(base, workers=max(base.workers - 1, 1)) if base.workers else base
    for design in (base, fewer):
        yield from (check.passes for check in scenario.evaluate(design).checks)
    for design in scenario.designs.values():
        yield scenario.evaluate(design).passes


def choices(value: float) -> NDArray[np.float64]:
    """Return what a number may become: near it, none of it, as round as it is itself.

    >>> choices(2600.0).tolist()
    [2300.0, 2400.0, 2500.0, 2700.0, 2800.0, 2900.0]
    >>> choices(3.0).tolist(), choices(0.05).tolist(), choices(300.0).tolist()
    ([3.0], [0.04, 0.06], [240.0, 360.0])
    """
    step = _step(value)
    if step > _COARSE * value:
        return np.array([value])
    reach = max(_SPREAD * value, step) + 1e-9
    counts = range(math.ceil((value - reach) / step), math.floor((value + reach) / step) + 1)
    near = [round(count * step, 9) for count in counts]
    most = 1.0 if value < 1 else math.inf  # a share stays one
    return np.array([each for each in near if each != value and each < most])


def _step(value: float) -> float:
    """Return how far apart the numbers near another are: 1, 2 or 5 times a power of ten."""
    if value in _MINUTES:
        return float(_MINUTES.step)
    if 0.5 <= value < 1:
        return 0.05
    power = 10.0 ** math.floor(math.log10(_STEP * value))
    step = max(each * power for each in (1, 2, 5) if each * power <= _STEP * value * (1 + 1e-9))
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(step, min(1.0, 10.0 ** int(exponent)))


def _alike(drawn: Scenario, others: list[Scenario]) -> str:
    """Tell whether too many questions are word for word those of another scenario."""
    for other in others:
        same = [_question(each, drawn) == _question(each, other) for each in EXERCISES.values()]
        if np.mean(same) > 1 - _DIFFERENT:
            return "too many of its questions stay as they are"
    return ""


def _question(exercise: Exercise, scenario: Scenario) -> str:
    try:
        return exercise.question(scenario)
    except (ArithmeticError, LookupError, ValueError):
        return ""


def _has(scenario: Scenario, name: str) -> bool:
    """Tell whether a scenario has a number; users as in a trace have no baseline."""
    return not (isinstance(scenario.traffic, TracedTraffic) and name.endswith("baseline_users"))


def _number(scenario: Scenario, name: str) -> float:
    found: Any = scenario
    for key in name.split("."):
        if isinstance(found, TracedTraffic) and key == "peak_users":
            return float(found.levels.max())
        found = found[key] if isinstance(found, Mapping) else getattr(found, key)
    return float(found)


def _with(holder: Any, keys: list[str], value: float) -> Any:
    """Return a scenario, or a part of one, with another number at a path."""
    key, *rest = keys
    if isinstance(holder, TracedTraffic) and key == "peak_users":
        return replace(holder, levels=holder.levels * (value / holder.levels.max()))
    if isinstance(holder, Mapping):
        return {**holder, key: _with(holder[key], rest, value)}
    new = _with(getattr(holder, key), rest, value) if rest else value
    if isinstance(holder, BaseModel):
        return holder.model_copy(update={key: new})
    return replace(holder, **{key: new})
