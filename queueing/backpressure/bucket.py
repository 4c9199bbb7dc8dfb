"""A token bucket: tokens drip in at a rate, the bucket holds a few, an arrival takes one or goes.

Seen from the other side it is a leaky bucket, the level of tokens taken: it leaks at `rate` r and
each arrival adds 1, unless that would exceed the `burst` b. In units of D = 1/r the level is the
work in an M/D/1 where those go away who would wait longer than x D, x = b - 1. Up to there its law
is that of M/D/1 but for a factor (A. K. Erlang, 1909), which the total of 1 decides:

    accepted = G / (1 + rho G),   G = P(work <= x D) / P(work = 0) in M/D/1,   rho = lambda / r

For a whole x that is to say that at most x are present. The ratios p_n of P(n present) to P(nobody)
follow from the cuts between n and n + 1, seen at departures, with a service's arrivals A ~
Poisson(rho):

    p_(n+1) P(A = 0) = P(A > n) + sum_{1 <= i <= n} p_i P(A > n - i + 1)

all positive, so that nothing cancels. For another x, the work is at most x D if d D earlier, d =
ceil(x) - x, it was at most ceil(x) D less what has arrived since:

    G(x) = sum_{0 <= j < ceil(x)} P(Poisson(rho d) = j) (p_0 + ... + p_(ceil(x) - j))

(for M/D/c in G. J. Franx, "A simple solution for the M/D/c waiting time distribution", Operations
Research Letters 29, 2001).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal, special

from queueing import checks
from queueing.backpressure.view import UserView
from queueing.erlang import poisson_pmf
from queueing.stations.markov import MMc

_ROUNDING = 1e-9  # a token that is there but for rounding is there
_FLOOD = 500.0  # arrivals per token, from which on nothing but the rate and the first token counts
_MOST_TOKENS = 1_000_000
_NOTHING = 1e-30  # in a sum of at least 1
_ENDLESS = 1e290  # in overload the ratios overflow, and all that counts is that they are large


@dataclass(frozen=True, kw_only=True)
class TokenBucket:
    """Let arrivals in at `rate` a second in the long run, and up to `burst` at once.

    The bucket is full at first. `rate` r > 0 per second, `burst` b >= 1 tokens, not necessarily
    whole; anything else raises `ValueError`.

    >>> TokenBucket(rate=1, burst=2).admitted([0, 0, 0, 0.5, 1.0]).tolist()
    [True, True, False, False, True]
    """

    rate: float
    burst: float

    def __post_init__(self) -> None:
        checks.real("rate", self.rate, above=0)
        checks.real("burst", self.burst, at_least=1)

    def admitted(self, arrival_times: ArrayLike) -> NDArray[np.bool_]:
        """Return who is let in, for arrivals at these times (s, in order) at a full bucket.

        Raises `ValueError` unless `arrival_times` is one row of finite times in order.
        """
        times = checks.array("arrival_times", arrival_times)
        if times.ndim != 1 or (np.diff(times) < 0).any():
            raise ValueError("arrival_times must be one row of times in order")
        taken, last = 0.0, -math.inf
        passes = np.zeros(times.size, dtype=bool)
        for number, now in enumerate(times.tolist()):
            taken, last = max(taken - self.rate * (now - last), 0.0), now
            if taken + 1 <= self.burst + _ROUNDING:
                taken += 1
                passes[number] = True
        return passes

    def admission_probability(self, *, arrival_rate: float) -> float:
        """Return the share of Poisson arrivals that is let in, G / (1 + rho G); exact.

        Raises `ValueError` for a negative rate, and for more than a million tokens at a rate that
        is all but that of the arrivals.

        >>> round(TokenBucket(rate=10, burst=5).admission_probability(arrival_rate=8), 6)
        0.96471
        """
        checks.real("arrival_rate", arrival_rate, at_least=0)
        rho, beyond = arrival_rate / self.rate, self.burst - 1
        return min(1 / (_empty_ratio(rho, beyond) + rho), 1.0)

    def evaluate(self, *, arrival_rate: float, service_rate: float, servers: int) -> UserView:
        """Return what the users see of Poisson arrivals through this bucket to c servers.

        `accepted`, `shed` and `throughput` are exact. `delayed` and `mean_wait` are not: they are
        those of M/M/c at the admitted rate, exact where nobody is shed. What a bucket lets in is
        smoother than a Poisson stream: in simulations they erred on the safe side, by up to a
        factor of 2 under heavy load and more where waits are short. `arrival_rate` >= 0 and
        `service_rate` > 0 per second, `servers` >= 1; `ValueError` as for `admission_probability`.

        >>> TokenBucket(rate=10, burst=5).evaluate(arrival_rate=8, service_rate=6, servers=2)
        accepted 96.47 %, delayed 48.57 %, shed 3.529 %, lost 0 %; 7.718/s, mean wait 0.1176 s
        """
        share = self.admission_probability(arrival_rate=arrival_rate)
        line = MMc(arrival_rate=arrival_rate * share, service_rate=service_rate, servers=servers)
        return UserView(
            accepted=share,
            delayed=share * line.wait_probability,
            shed=1 - share,
            lost=0.0,
            throughput=line.throughput,
            mean_wait=line.mean_wait,
        )


def _empty_ratio(rho: float, x: float) -> float:
    """Return 1 / G, which is P(work = 0) / P(work <= x D) in M/D/1 with load rho."""
    if rho > _FLOOD:
        return math.exp(-rho * x)  # G = e^(rho x) up to x = 1, and from there on endless
    whole = math.ceil(x)
    if whole > _MOST_TOKENS:
        if whole * abs(1 - rho) < 40 * max(rho, 1):
            raise ValueError(
                f"burst must be at most {_MOST_TOKENS + 1} tokens where the arrivals come at the "
                f"rate of the tokens, got {x + 1:g}"
            )
        return max(1 - rho, 0.0)
    within = np.cumsum(np.minimum(_present(rho, whole), _ENDLESS))
    arrives = np.arange(max(whole, 1.0))
    weights = poisson_pmf(arrives, np.full(arrives.shape, rho * (whole - x)))
    return float(1 / (weights @ within[::-1][: arrives.size]))


def _present(rho: float, most: int) -> NDArray[np.float64]:
    """Return p_0 = 1, p_1 ... p_most, numbers present in M/D/1 over the probability of none."""
    over = special.pdtrc(np.arange(most + 1.0), rho)  # P(A > n)
    over = over[: max(np.count_nonzero(over > _NOTHING), 1)]
    start = np.zeros(max(most, 1))
    start[0] = 1.0
    ratios = signal.lfilter(over, np.append(math.exp(-rho), -over[1:]), start)
    return np.append(1.0, ratios[:most])
