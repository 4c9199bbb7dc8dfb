"""Times that are a random number of exponential stages, all at one pace: waits, and times inside.

While all c servers are busy, customers leave at the pace c mu, so who finds j of them in line waits
for j + 1 stages. His own service, of rate mu, ends with each further stage with probability 1 / c:
it is a geometric number of the same stages. L. Kleinrock, "Queueing Systems, volume 1: Theory"
(1975); the method is A. Jensen's (1953), known as uniformization.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from queueing.erlang import poisson_pmf
from queueing.laws import Distribution

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class StagedTime(Distribution):
    """The time of M exponential stages of rate `pace`, P(M > i) = `longer[i]`, M random.

    Beyond the table P(M > i) falls by the factor `decay` a stage. After t seconds a Poisson number
    of stages has passed,

        P(T > t) = sum_i e^(-pace t) (pace t)^i / i! P(M > i)
    """

    pace: float
    longer: Floats
    decay: float = 0.0

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        tail = np.array([self._longer_than(each) for each in t.ravel().tolist()])
        return tail.reshape(t.shape)[()]

    def _longer_than(self, t: float) -> float:
        if not 0 < t < np.inf:
            return np.nan if np.isnan(t) else 1.0 if t < 0 else self.longer[0] if t == 0 else 0.0
        passed, last = self.pace * t, self.longer.size - 1
        if passed > 2 * last + 8000 + 2000 / (1 - self.decay):
            return 0.0  # below 1e-300
        around = passed if self.decay else min(passed, last)
        reach = 40 * np.sqrt(around) + 60  # what lies farther away is below 1e-300
        i = np.arange(max(np.floor(around - reach), 0.0), np.ceil(around + reach))
        if not self.decay:
            i = i[i <= last]
        alive = self.longer[np.minimum(i, last).astype(np.int64)]
        alive = alive * self.decay ** np.maximum(i - last, 0)
        return min(float(poisson_pmf(i, np.full(i.shape, passed)) @ alive), 1.0)

    def mean(self) -> float:
        return (float(self.longer.sum()) + self._rest()) / self.pace

    def var(self) -> float:
        """Return (Var M + E[M]) / pace^2, with E[M^2] = sum_i (2i + 1) P(M > i)."""
        mean, size = self.mean() * self.pace, self.longer.size
        square = float(self.longer @ (2 * np.arange(size) + 1.0))
        square += self._rest() * (2 * size + 1 + 2 * self.decay / (1 - self.decay))
        return max(square - mean**2 + mean, 0.0) / self.pace**2

    def _rest(self) -> float:
        """Return sum_i P(M > i) beyond the table."""
        return float(self.longer[-1]) * self.decay / (1 - self.decay)

    def lst(self, s: ArrayLike) -> Complexes:
        """Return E[z^M] = 1 - (1 - z) sum_i P(M > i) z^i, at z = pace / (pace + s)."""
        s = np.asarray(s, dtype=complex)
        z = self.pace / (self.pace + s)
        table = np.polynomial.polynomial.polyval(z, self.longer)
        rest = self.longer[-1] * self.decay * z**self.longer.size / (1 - self.decay * z)
        return cast(Complexes, 1 - s / (self.pace + s) * (table + rest))

    def atom(self) -> float:
        return 1 - float(self.longer[0])

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        stages = np.searchsorted(-self.longer, -rng.random(size)).astype(float)
        beyond = stages == self.longer.size
        stages[beyond] += rng.geometric(1 - self.decay, int(beyond.sum())) - 1.0
        return rng.gamma(stages) / self.pace


def wait_of(found: Floats, *, servers: int, service_rate: float) -> StagedTime:
    """Return the law of the wait of an arrival that finds n present with probability `found[n]`.

    >>> wait_of(np.array([0.5, 0.25, 0.25]), servers=1, service_rate=2.0).mean()  # 1 stage or 2
    0.375
    """
    waits = np.append(found[servers:], 0.0)
    return StagedTime(servers * service_rate, np.minimum(np.cumsum(waits[::-1])[::-1], 1.0))


def time_of(found: Floats, *, servers: int, service_rate: float) -> StagedTime:
    """Return the law of the time in system of an arrival that finds n with probability `found[n]`.

    In service after i + 1 stages are those of i but for one in c, and who waited for i + 1.

    >>> time_of(np.array([0.5, 0.25, 0.25]), servers=1, service_rate=2.0).mean()
    0.875
    """
    wait = wait_of(found, servers=servers, service_rate=service_rate)
    stay = 1 - 1 / servers
    entering = np.append(found[:servers].sum(), found[servers:])
    serving: Floats = signal.lfilter([1.0], [1.0, -stay], entering)
    return StagedTime(wait.pace, np.minimum(wait.longer + serving, 1.0), stay)
