"""What every station has in common: a frozen value, parameters once, questions after."""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing.laws import Constant

Floats = NDArray[np.float64]

NEVER = Constant(float("inf"))  # the wait in a station that cannot keep up

_ROUNDING = 1e-13  # a spare share this small is rounding: 3 * 0.1 is not above 0.3

QUANTITIES = {  # what some stations have and others lack, and why
    "blocking_probability": "nobody is turned away in this model",
    "abandonment_probability": "nobody loses patience in this model",
    "served_wait": "nobody loses patience, and all are served in this model",
    "offered_wait": "nobody loses patience in this model",
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

    lacks: ClassVar[Mapping[str, str]] = QUANTITIES

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
        if name in self.lacks:
            raise AttributeError(f"{kind} has no {name}: {self.lacks[name]}")
        raise AttributeError(f"{kind} has no attribute {name!r}")


class Rated:
    """What follows where customers come at `arrival_rate` and each server has a `service_rate`."""

    arrival_rate: float
    service_rate: float

    @property
    def mean_service_time(self) -> float:
        """E[S] = 1 / mu, seconds."""
        return 1 / self.service_rate

    @property
    def offered_load(self) -> float:
        """The load a = lambda / mu, in Erlang: servers that would be busy if there were plenty."""
        return self.arrival_rate / self.service_rate


class DelayStation(Station, ABC):
    """A station that serves everybody in the end: what follows from its load and its mean wait.

    A subclass has the fields `arrival_rate` lambda and `servers` c, and says how long a service
    takes and how long a customer waits for it.
    """

    arrival_rate: float
    servers: int

    @property
    @abstractmethod
    def mean_service_time(self) -> float:
        """The mean time in service E[S], seconds."""

    @property
    @abstractmethod
    def wait_probability(self) -> float:
        """The probability that an arrival waits; 1 in a station that cannot keep up."""

    @property
    @abstractmethod
    def mean_wait(self) -> float:
        """Wq, seconds; `inf` in a station that cannot keep up."""

    @property
    def offered_load(self) -> float:
        """The load a = lambda E[S], in Erlang: servers that would be busy if there were plenty."""
        return self.arrival_rate * self.mean_service_time

    @property
    def traffic_intensity(self) -> float:
        """The intensity rho = a / c; at 1 and above the station cannot keep up."""
        return self.offered_load / self.servers

    @property
    def is_stable(self) -> bool:
        """Whether the station can keep up, rho < 1."""
        return 1 - self.traffic_intensity > _ROUNDING

    @property
    def utilization(self) -> float:
        """The busy fraction of the servers, min(rho, 1)."""
        return self.traffic_intensity if self.is_stable else 1.0

    @property
    def throughput(self) -> float:
        """Completed per second, min(lambda, c / E[S])."""
        return min(self.arrival_rate, self.servers / self.mean_service_time)

    @property
    def mean_time_in_system(self) -> float:
        """W = Wq + E[S], seconds."""
        return self.mean_wait + self.mean_service_time

    @property
    def mean_queue_length(self) -> float:
        """Lq = lambda Wq, by Little's law; `inf` in a station that cannot keep up."""
        return self.arrival_rate * self.mean_wait if self.is_stable else math.inf

    @property
    def mean_number_in_system(self) -> float:
        """L = Lq + a."""
        return self.mean_queue_length + self.offered_load
