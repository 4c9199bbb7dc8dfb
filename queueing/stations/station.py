"""What every station has in common: a frozen value, parameters once, questions after."""

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing.laws import Constant

Floats = NDArray[np.float64]

NEVER = Constant(float("inf"))  # the wait in a station that cannot keep up

_QUANTITIES = {  # what some stations have and others lack, and why
    "blocking_probability": "nobody is turned away",
    "abandonment_probability": "nobody loses patience",
}


class DiscreteDistribution(ABC):
    """The law of a number of customers 0, 1, 2, ..."""

    @abstractmethod
    def pmf(self, k: ArrayLike) -> Floats:
        """Return P(N = k), for each k; 0 where k is not a whole number."""

    @abstractmethod
    def sf(self, k: ArrayLike) -> Floats:
        """Return P(N > k), for each k."""

    @abstractmethod
    def mean(self) -> float:
        """Return E[N]."""

    @abstractmethod
    def var(self) -> float:
        """Return the variance of N."""

    def cdf(self, k: ArrayLike) -> Floats:
        """Return P(N <= k), for each k."""
        return 1.0 - self.sf(k)


class Station:
    """A frozen dataclass of parameters; `replace` makes another with some of them changed."""

    def replace(self, **changes: Any) -> Self:
        """Return this station with some parameters changed; `ValueError` for a name it lacks."""
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        for name in changes:
            if name not in names:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}, only {', '.join(names)}"
                )
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __getattr__(self, name: str) -> Any:
        """Say why a quantity of the field is not to be had from this station."""
        kind = type(self).__name__
        if name in _QUANTITIES:
            raise AttributeError(f"{kind} has no {name}: {_QUANTITIES[name]} in this model")
        raise AttributeError(f"{kind} has no attribute {name!r}")
