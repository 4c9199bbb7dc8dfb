"""Lines as fluids: what waits and how old it is.

What joins a line, and what its workers can do, are rates that move over hours; the line grows by
their difference, and shrinks by it while there is one.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line, first come first served: what had joined and what waited, at each of `seconds`.

    `share` of all that comes joins it; what waits at the end is served at `last_capacity`.
    """

    share: float
    seconds: Floats
    joined: Floats
    waiting: Floats
    last_capacity: float

    @cached_property
    def oldest(self) -> Floats:
        """How long the head of the line has waited, at each instant; 0 where nobody waits."""
        since = np.interp(self.joined - self.waiting, self.joined, self.seconds)
        return np.maximum(self.seconds - since, 0.0) * (self.waiting > 0)

    @cached_property
    def delay(self) -> Floats:
        """How long one who joins will wait, at each instant; `inf` where it is never served."""
        left = float(self.waiting[-1])
        after = left / self.last_capacity if self.last_capacity > 0 else math.inf
        served = np.append(self.joined - self.waiting, self.joined[-1])
        until = np.append(self.seconds, self.seconds[-1] + (after if left else 0.0))
        wait = np.interp(self.joined, served, until) - self.seconds
        return np.where(self.waiting > 0, np.maximum(wait, 0.0), 0.0)


def lines(seconds: Floats, rate: Floats, capacity: Floats, urgent_share: float) -> tuple[Line, ...]:
    """Return the line of what comes at a rate, or two: the urgent, then those who get the rest."""
    joined = integral(rate, seconds)
    waiting = _fluid(rate - capacity, seconds)
    urgent = np.minimum(_fluid(urgent_share * rate - capacity, seconds), waiting)
    both = [
        (urgent_share, urgent, capacity[-1]),
        (1 - urgent_share, waiting - urgent, capacity[-1] - urgent_share * rate[-1]),
    ]
    return tuple(
        Line(
            share=share,
            seconds=seconds,
            joined=share * joined,
            waiting=queue,
            last_capacity=float(last),
        )
        for share, queue, last in both
        if share
    )


def integral(rate: Floats, seconds: Floats) -> Floats:
    """Return the integral of a rate from the first instant to each, by the trapezoidal rule."""
    return np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(seconds))])


def _fluid(net: Floats, seconds: Floats) -> Floats:
    """Return what waits at each instant of a fluid that grows by a net rate, never below 0."""
    grown = integral(net, seconds)
    return grown - np.minimum(np.minimum.accumulate(grown), 0.0)
