"""The wait of a customer who would arrive at a given time, first come first served.

Who finds n present needs n - c + 1 ends of service before a server is his. Until then everybody
before him keeps all servers busy, so services end as a Poisson process of rate mu c(t), whatever
arrives behind him. Of a law of n each stretch between two steps of c keeps

    q_n  <-  sum_j q_(n+j) e^(-m) m^j / j!,   m = mu c (length),   for n >= c only

for those who still wait. At a step up the first in line start at once; at a step down those who
lose their server go back to the head of the line, and the wait in question ends with the first
start.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, signal, special

from queueing.erlang import TARGET_SLACK
from queueing.nonstationary.chain import Law, poisson_window
from queueing.nonstationary.rates import PiecewiseConstant

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float64]

_FAR = 1e-19  # probability that counts as none
_NONE = 1e-300  # seconds that do: the relative tolerance decides


class VirtualWait:
    """The wait of an arrival at time `now` that finds a number present of the law `found`."""

    def __init__(
        self, now: float, found: Law, servers: PiecewiseConstant, service_rate: float
    ) -> None:
        self.now, self.found, self.servers = now, found, servers
        self.service_rate = service_rate

    def sf(self, seconds: float) -> float:
        """Return the probability of a wait of more than `seconds`."""
        for stretch in self._stretches():
            if seconds < stretch.end:
                return stretch.waiting(stretch.pace * (seconds - stretch.start))
        return 0.0

    def ppf(self, p: float) -> float:
        """Return the shortest time that the wait exceeds with probability 1 - p at most."""
        above = 1 - p
        for stretch in self._stretches():
            if stretch.waiting(0.0) <= above * TARGET_SLACK:
                return stretch.start
            if stretch.pace > 0 and stretch.waiting(stretch.ends) <= above:
                return stretch.start + stretch.until(above) / stretch.pace
        return math.inf

    def _stretches(self) -> "Iterator[_Stretch]":
        """Yield what becomes of those who wait, from step to step of the servers."""
        nearest, q, start = self.found.first, self.found.p, 0.0
        for end in [t - self.now for t in self.servers.breaks if t > self.now] + [math.inf]:
            servers = int(self.servers(self.now + start))
            nearest, q = max(nearest, servers), q[max(servers - nearest, 0) :]
            stretch = _Stretch(start, end, self.service_rate * servers, nearest - servers, q)
            yield stretch
            ahead, q = stretch.served()
            nearest, start = servers + ahead, end
            if not q.size:
                return


class _Stretch(NamedTuple):
    """A time on which the servers stay: q[i] = P(still waiting behind `ahead` + i others) at first.

    `pace` is how many services end a second, `ends` how many in the mean until the end.
    """

    start: float
    end: float
    pace: float
    ahead: int
    q: Floats

    @property
    def ends(self) -> float:
        return self.pace * (self.end - self.start) if self.pace > 0 else 0.0

    def waiting(self, ends: float) -> float:
        """Return the probability of waiting on after a mean of `ends` services have ended."""
        others = self.ahead + np.arange(self.q.size, dtype=np.float64)
        return float(self.q @ special.gammaincc(others + 1, ends))

    def until(self, above: float) -> float:
        """Return after how many ends of service that probability is down to `above`."""
        high = 2.0 * (self.ahead + self.q.size) + 10
        while self.waiting(high) > above:
            high *= 2
        root = optimize.brentq(lambda m: self.waiting(m) - above, 0.0, high, xtol=_NONE, rtol=1e-14)
        return float(root)

    def served(self) -> tuple[int, Floats]:
        """Return `ahead` and `q` at the end."""
        if math.isinf(self.end) or not self.q.size:
            return 0, self.q[:0]
        fewest, pmf = poisson_window(self.ends)
        ahead = self.ahead - (fewest + pmf.size - 1)
        q = np.maximum(signal.convolve(self.q, pmf[::-1]), 0.0)[max(-ahead, 0) :]
        return max(ahead, 0), q[: q.size - int(np.searchsorted(np.cumsum(q[::-1]), _FAR))]
