"""One server and a promise: what is slow, what is kept, how much traffic it bears."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from queueing import MM1
from queueing.lab.pooled import processors
from queueing.scenario import Scenario

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Busy:
    """One server, random arrivals and services, and a promised answer, all in seconds.

    A `share` of the requests should be answered within `promise`, wait and service together.
    """

    arrival_rate: float
    service: float
    promise: float
    share: float = 0.95

    @property
    def station(self) -> MM1:
        """The server as M/M/1."""
        return MM1(arrival_rate=self.arrival_rate, service_rate=1 / self.service)

    @property
    def load(self) -> float:
        """Rho, the share of the time in which the server is busy; above 1 it cannot keep up."""
        return self.arrival_rate * self.service

    @property
    def mean(self) -> float:
        """W, seconds."""
        return float(self.means(self.load))

    @property
    def within(self) -> float:
        """The time within which the `share` is answered, seconds."""
        return self.mean * self.tail

    @property
    def tail(self) -> float:
        """How many times as long as the mean the percentile is: ln(1 / (1 - share))."""
        return -math.log1p(-self.share)

    def means(self, load: ArrayLike) -> Floats:
        """Return S / (1 - rho) for loads, `inf` where the server cannot keep up."""
        spare = 1 - np.asarray(load, dtype=np.float64)
        return np.where(spare > 0, self.service / np.where(spare > 0, spare, 1.0), np.inf)

    def longer(self, seconds: ArrayLike) -> Floats:
        """Return the share of the answers that take longer: e^(-t / W)."""
        return np.exp(-np.asarray(seconds, dtype=np.float64) / self.mean)

    @property
    def most(self) -> float:
        """The most requests a second with which the promise is kept; 0 if even one is too much.

        W ln(1 / (1 - share)) = t with W = 1 / (mu - lambda), solved for lambda.
        """
        return max(1 / self.service - self.tail / self.promise, 0.0)

    @property
    def most_for_the_mean(self) -> float:
        """The same if only the mean had to keep to the promised time."""
        return max(1 / self.service - 1 / self.promise, 0.0)


def service_time(scenario: Scenario) -> float:
    """Return the seconds that a request keeps a processor busy, in the mean."""
    return processors(scenario).mean_service_time


def ramp(scenario: Scenario, count: int) -> pd.DataFrame:
    """Return `busy`, `mean_ms` and `p95_ms` of one of so many processors, minute by minute.

    Until the hour with the most users; each has its line, and each minute is taken as steady. The
    index is the hour. A processor that cannot keep up takes `inf`.
    """
    traffic = scenario.traffic
    hours = np.arange(0, math.ceil(60 * traffic.peak_h) + 1) / 60
    one = Busy(arrival_rate=0, service=service_time(scenario), promise=math.inf)
    load = one.service * traffic.request_rate(hours) / count
    means = 1000 * one.means(load)
    columns = {"busy": load, "mean_ms": means, "p95_ms": one.tail * means}
    return pd.DataFrame(columns, index=pd.Index(hours, name="hour"))
