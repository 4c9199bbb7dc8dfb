"""From one design to another: how many parts differ, and what to say about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queueing.scenario.design import FIELDS, Design

Ints = NDArray[np.int_]

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ONE_BY_ONE = {"servers": "server", "workers": "worker", "shards": "shard", "sinks": "sink"}
_VARIANTS = {"database": "Postgres", "cache": "Redis", "queue": "the queue"}
_SWITCHES = {
    "load_balancer": ("a load balancer", "no load balancer"),
    "priority": ("transactional mails first", "mails in their order"),
}


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The passing design that takes the fewest changes, and of those the least money.

    `design` is None where no design of the grid passes. `usd_month` is what it costs more, negative
    if less.
    """

    start: Design
    design: Design | None
    usd_month: float

    @property
    def changes(self) -> tuple[str, ...]:
        """What to change, in words; empty for a design that passes as it is."""
        return differences(self.start, self.design) if self.design else ()

    def __str__(self) -> str:
        """Say it in a sentence, such as "one more worker: +30.37 USD a month"."""
        if self.design is None:
            return "no design of this grid passes"
        if not self.changes:
            return "passes as it is"
        *others, last = self.changes
        told = f"{', '.join(others)} and {last}" if others else last
        return f"{told}: {self.usd_month:+,.2f} USD a month"


def differences(before: Design, after: Design) -> tuple[str, ...]:
    """Say for each part that differs what changes on the way from one design to the other.

    >>> e = Design(
    ...     servers=4,
    ...     load_balancer=True,
    ...     database="small",
    ...     cache="node",
    ...     queue="sqs",
    ...     workers=5,
    ...     shards=1,
    ...     sinks=1,
    ... )
    >>> from dataclasses import replace
    >>> differences(replace(e, workers=4, shards=0), e)
    ('one more worker', 'the stream')
    """
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in FIELDS)
    return tuple(_change(name, old, new) for name, old, new in pairs if old != new)


def changes(before: Design, others: Sequence[Design]) -> Ints:
    """Return how many parts of each of the others differ from those of one design."""
    counts = np.zeros(len(others), dtype=int)
    for name in FIELDS:
        old = getattr(before, name)
        counts += np.fromiter((getattr(other, name) != old for other in others), bool, len(others))
    return counts


def _change(name: str, old: object, new: object) -> str:
    if name in _SWITCHES:
        return _SWITCHES[name][0 if new else 1]
    if name in _ONE_BY_ONE and isinstance(old, int) and isinstance(new, int):
        return _counted(name, old, new)
    if name == "maximum_workers":
        return f"up to {new} workers by the backlog" if new else "workers that stay as they are"
    if name in _VARIANTS:
        if new is None:
            return f"no {_VARIANTS[name].removeprefix('the ')}"
        return f"{_VARIANTS[name]} {new}" + (f" instead of {old}" if old else "")
    return f"{name} {new} instead of {old}"


def _counted(name: str, old: int, new: int) -> str:
    if name == "shards" and not (old and new):
        if not new:
            return "no stream"
        return "the stream" if new == 1 else f"the stream with {_number(new)} shards"
    if not new:
        return f"no {name}"
    unit = _ONE_BY_ONE[name] if abs(new - old) == 1 else name
    more = "" if not old else "more " if new > old else "fewer "
    return f"{_number(abs(new - old))} {more}{unit}"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)
