"""What takes long is worked out once for a scenario, which can be compared but not hashed."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from queueing.scenario import Scenario

T = TypeVar("T")
_MOST = 8  # scenarios: a class has three variants


def remembered(work: Callable[[Scenario], T]) -> Callable[[Scenario], T]:
    """Return a function that works once for each of the latest few scenarios."""
    known: list[tuple[Scenario, T]] = []

    @wraps(work)
    def once(scenario: Scenario) -> T:
        for each, found in known:
            if each is scenario or each == scenario:
                return found
        found = work(scenario)
        known.append((scenario, found))
        del known[:-_MOST]
        return found

    return once
