"""The stationary law of a station's chain by linear algebra: a second way to its quantities.

The states are the numbers present; p Q = 0 is solved as a banded system, from the likeliest state
to both sides, and states are added until the last holds next to nothing. None of the closed forms
is used. W. J. Stewart, "Introduction to the Numerical Solution of Markov Chains" (1994).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, special

from queueing.nonstationary import MtMc
from queueing.stations import MM1, ErlangA, FiniteSource, MMc, MMcK, MMInf

Floats = NDArray[np.float64]

MOST_STATES = 2_000_000
_NOTHING = 1e-16  # probability of the last state kept


@dataclass(frozen=True, kw_only=True)
class BirthDeath:
    """A station that is a chain of the number present: how it goes up and down from each.

    `thinkers` come at `arrival_rate` each; without them all arrivals together do. Raises
    `ValueError` where there is no stationary law, or none within reach.
    """

    arrival_rate: float
    service_rate: float
    servers: float
    capacity: float = math.inf
    patience_rate: float = 0.0
    thinkers: int = 0

    def _up(self, n: Floats) -> Floats:
        return np.asarray(
            self.arrival_rate * (self.thinkers - n)
            if self.thinkers
            else np.full(n.shape, self.arrival_rate)
        )

    def _down(self, n: Floats) -> Floats:
        queue = np.maximum(n - self.servers, 0.0)
        return np.asarray(
            self.service_rate * np.minimum(n, self.servers) + self.patience_rate * queue
        )

    @cached_property
    def p(self) -> Floats:
        """P(N = n), n = 0, 1, ..."""
        room = self.thinkers or self.capacity
        most = self.service_rate * self.servers * (1 - 1e-13)
        if math.isinf(room) and self.patience_rate == 0 and self.arrival_rate >= most:
            raise ValueError("it cannot keep up: there is no stationary law")
        states = int(min(room, 64)) + 1
        while True:
            if states > MOST_STATES:
                raise ValueError(f"the chain needs more than {MOST_STATES} states")
            p = self._solved(states)
            if states == room + 1 or p[-1] < _NOTHING * p.max():
                return p
            states = int(min(room + 1, 2 * states))

    def _solved(self, states: int) -> Floats:
        """Return the law on so many states: balance in each, the likeliest one given."""
        n = np.arange(states, dtype=np.float64)
        up, down = self._up(n), self._down(n)
        up[-1] = 0.0
        given = int(np.count_nonzero(up[:-1] >= down[1:]))
        bands = np.zeros((3, states))  # of Q transposed: row n is the balance of state n
        bands[0, 1:], bands[1], bands[2, :-1] = down[1:], -(up + down), up[:-1]
        right = np.zeros(states)
        right[given], bands[1, given] = 1.0, 1.0
        if given + 1 < states:
            bands[0, given + 1] = 0.0
        if given > 0:
            bands[2, given - 1] = 0.0
        p = np.maximum(linalg.solve_banded((1, 1), bands, right), 0.0)
        return np.asarray(p / p.sum())

    def quantities(self) -> dict[str, float]:
        """Return what follows from the law, by sums over its states and Little's."""
        n = np.arange(self.p.size, dtype=np.float64)
        served = self.service_rate * np.minimum(n, self.servers)
        throughput, present = float(self.p @ served), float(self.p @ n)
        queue = float(self.p @ np.maximum(n - self.servers, 0.0))
        gone = self.patience_rate * queue
        answers = {
            "mean_wait": queue / (throughput + gone),
            "mean_time_in_system": present / (throughput + gone),
            "mean_queue_length": queue,
            "mean_number_in_system": present,
            "wait_probability": float(self._found[n >= self.servers].sum()),
            "throughput": throughput,
            "P95 wait": self.wait_ppf(0.95),
        }
        if math.isfinite(self.servers):
            answers["utilization"] = throughput / self.service_rate / self.servers
        if math.isfinite(self.capacity):
            answers["blocking_probability"] = float(self.p[-1])
        if self.patience_rate:
            answers["abandonment_probability"] = gone / self.arrival_rate
        return answers

    @property
    def _found(self) -> Floats:
        """What an accepted arrival finds: each state as often as it is gone up from."""
        n = np.arange(self.p.size, dtype=np.float64)
        rates = self._up(n) * self.p
        if self.p.size == self.capacity + 1:
            rates[-1] = 0.0
        return np.asarray(rates / rates.sum())

    def wait_longer(self, t: float) -> float:
        """Return P(W > t): so many have to leave before, one after the other.

        With patience e^(-theta V) of the offered wait V behind j others is a Beta(c mu / theta, j +
        1) number, a product of powers of uniforms; without, V is Erlang's.
        """
        if math.isinf(self.servers):
            return 0.0
        found = self._found[int(self.servers) :]
        ahead = np.arange(found.size) + 1.0
        rate = self.servers * self.service_rate
        if self.patience_rate == 0:
            return float(found @ special.gammaincc(ahead, rate * t))
        left = math.exp(-self.patience_rate * t)
        return left * float(found @ special.betainc(rate / self.patience_rate, ahead, left))

    def wait_ppf(self, p: float) -> float:
        """Return the time within which a share `p` of the waits is over."""
        if self.wait_longer(0.0) <= 1 - p:
            return 0.0
        high = 1 / self.service_rate
        while self.wait_longer(high) > 1 - p:
            high *= 2
        root = optimize.brentq(lambda t: self.wait_longer(t) - (1 - p), 0.0, high, xtol=1e-14)
        return float(root)


def chain_of(model: Any) -> BirthDeath:
    """Return a station's chain; raises `ValueError`, which says why, where it has none here."""
    match model:
        case MM1() | MMc() | MMInf() | MMcK() | ErlangA():
            return BirthDeath(
                arrival_rate=model.arrival_rate,
                service_rate=model.service_rate,
                servers=math.inf if isinstance(model, MMInf) else model.servers,
                capacity=model.capacity if isinstance(model, MMcK) else math.inf,
                patience_rate=model.patience_rate if isinstance(model, ErlangA) else 0.0,
            )
        case FiniteSource():
            return BirthDeath(
                arrival_rate=1 / model.think_time,
                service_rate=model.service_rate,
                servers=model.servers,
                thinkers=model.population,
            )
        case MtMc(arrival_rate=Real(), servers=Real()):
            return BirthDeath(
                arrival_rate=float(model.arrival_rate),
                service_rate=model.service_rate,
                servers=model.servers,
                capacity=math.inf if model.capacity is None else model.capacity,
            )
        case MtMc():
            raise ValueError("it moves with time: ask with times=")
    raise ValueError(f"the number present is no Markov chain in {type(model).__name__}")
