"""Retry policies: how often an attempt is made again, after how long, and what is given up.

With p the probability that an attempt fails, independently, and at most m attempts,

    E[attempts] = 1 + p + ... + p^(m-1) = (1 - p^m) / (1 - p)        dead letters: p^m

A backoff says how long to wait before the next attempt, seconds. Its jitters are those of M.
Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import ArrayLike, NDArray

from queueing import checks

Floats = NDArray[np.float64]

MOST_ATTEMPTS = 100_000  # a wait each
_JITTERS = ("none", "full", "equal", "decorrelated")
_DEGREE = 40  # of the polynomials for a capped decorrelated wait; they converge as 3^-degree


class Backoff(ABC):
    """How long to wait after attempt 1, 2, 3, ... before the next one."""

    @abstractmethod
    def between(self, attempt: int) -> tuple[float, float]:
        """Return the least and the most seconds of the wait after `attempt`.

        It is uniform between them, unless it depends on the wait before.
        """

    def means(self, count: int) -> Floats:
        """Return the mean waits after the attempts 1 ... `count`, seconds."""
        return np.array([sum(self.between(k)) / 2 for k in range(1, count + 1)])

    def draw(self, attempt: int, rng: np.random.Generator, previous: float | None = None) -> float:
        """Draw the wait after `attempt`, seconds; `previous` is the wait before it, if any."""
        del previous
        return float(rng.uniform(*self.between(attempt)))


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """At most m attempts at a task, a `backoff` between them; after the last it is a dead letter.

    `max_attempts` m >= 1 counts the first attempt too; `backoff` is one of `exponential_backoff`
    or of another policy. Below, p is the probability that one attempt fails; arrays of it
    broadcast. Raises `ValueError` for anything else.

    >>> policy = RetryPolicy(max_attempts=5, backoff=exponential_backoff(base=30, factor=2))
    >>> (
    ...     policy.expected_attempts(0.3).round(4).item(),
    ...     policy.attempts_pmf(0.3)[:2].round(4).tolist(),
    ... )
    (1.4251, [0.7, 0.21])
    >>> policy.delays().tolist(), policy.horizon
    ([30.0, 60.0, 120.0, 240.0], 450.0)
    """

    max_attempts: int
    backoff: Backoff

    def __post_init__(self) -> None:
        attempts = checks.whole("max_attempts", self.max_attempts, at_most=MOST_ATTEMPTS)
        object.__setattr__(self, "max_attempts", attempts)
        known = isinstance(self.backoff, Backoff)
        if not known:
            raise ValueError(
                f"backoff must be a backoff such as exponential_backoff(...), got {self.backoff!r}"
            )

    def expected_attempts(self, p: ArrayLike) -> Floats:
        """Return E[attempts] = (1 - p^m) / (1 - p), for each p in [0, 1]; m where p = 1."""
        p = _probability(p)
        sure = p == 1
        with np.errstate(divide="ignore"):
            geometric = -np.expm1(self.max_attempts * np.log(p)) / np.where(sure, 1, 1 - p)
        return np.where(sure, float(self.max_attempts), geometric)[()]

    def dead_letter_fraction(self, p: ArrayLike) -> Floats:
        """Return P(every attempt fails) = p^m, for each p in [0, 1]."""
        return (_probability(p) ** self.max_attempts)[()]

    def attempts_pmf(self, p: ArrayLike) -> Floats:
        """Return P(k attempts), k = 1 ... m along the first axis, for each p in [0, 1].

        p^(k-1) (1 - p), and p^(m-1) for k = m: the last attempt's successes and the dead letters.
        """
        p = _probability(p)
        earlier = np.arange(self.max_attempts).reshape(-1, *(1 for _ in p.shape))
        pmf = p**earlier * (1 - p)
        pmf[-1] = p ** (self.max_attempts - 1)
        return np.asarray(pmf)

    def delays(self) -> Floats:
        """Return the mean waits between the attempts, m - 1 of them, seconds."""
        return self.backoff.means(self.max_attempts - 1)

    @property
    def horizon(self) -> float:
        """The mean seconds waited before the last attempt, the sum of the mean waits."""
        return float(self.delays().sum())

    @classmethod
    def sidekiq(cls) -> "RetryPolicy":
        """Return Sidekiq's default: 25 retries, n^4 + 15 s and jitter below 10 (n + 1) s, n = 0 ...

        Sidekiq's lib/sidekiq/job_retry.rb (versions 7 and 8), where the jitter is in whole seconds.

        >>> round(RetryPolicy.sidekiq().horizon / 86400, 2)  # days
        20.43
        """
        return cls(max_attempts=26, backoff=SidekiqBackoff())

    @classmethod
    def celery(cls) -> "RetryPolicy":
        """Return Celery's with `retry_backoff=True`: 3 retries, full jitter on 1, 2, 4 s.

        Celery's user guide, "Tasks": max_retries, retry_backoff, retry_backoff_max (600 s),
        retry_jitter.
        Without `retry_backoff` it waits `default_retry_delay`, 180 s, every time.

        >>> RetryPolicy.celery().delays().tolist()
        [0.5, 1.0, 2.0]
        """
        backoff = exponential_backoff(base=1, factor=2, cap=600, jitter="full")
        return cls(max_attempts=4, backoff=backoff)

    @classmethod
    def sqs(cls) -> "RetryPolicy":
        """Return Amazon SQS's default: a message is seen again after 30 s, 10 times received.

        Amazon SQS API reference, SetQueueAttributes: VisibilityTimeout, maxReceiveCount. The time
        runs from the receipt, so that it includes the attempt.

        >>> RetryPolicy.sqs().horizon
        270.0
        """
        return cls(max_attempts=10, backoff=exponential_backoff(base=30, factor=1))

    @classmethod
    def postfix(cls) -> "RetryPolicy":
        """Return Postfix's default: the message's age again, 300 to 4000 s, for five days.

        postconf(5): minimal_backoff_time, maximal_backoff_time, maximal_queue_lifetime; the rule is
        in Postfix's src/qmgr/qmgr_active.c. The first attempt that fails after five days is the
        last. Deferred mail is looked at every 300 s (queue_run_delay), which comes on top.

        >>> RetryPolicy.postfix().delays()[:7].tolist()
        [300.0, 300.0, 600.0, 1200.0, 2400.0, 4000.0, 4000.0]
        """
        backoff, age, attempts = PostfixBackoff(), 0.0, 1
        while age < 5 * 86400:
            age += backoff.between(attempts)[0]
            attempts += 1
        return cls(max_attempts=attempts, backoff=backoff)


def exponential_backoff(
    *, base: float, factor: float, cap: float | None = None, jitter: str = "none"
) -> Backoff:
    """Return a backoff of w = min(cap, base factor^(k-1)) seconds after attempt k.

    `jitter` "none" waits w, "full" uniform(0, w), "equal" w/2 + uniform(0, w/2). "decorrelated"
    waits min(cap, uniform(base, 3 s)) with s the wait before, at first base, and has no use for
    `factor`. `base` > 0, `factor` >= 1, `cap` >= base or None; raises `ValueError`.

    >>> exponential_backoff(base=1, factor=2, cap=5, jitter="full").means(4).tolist()
    [0.5, 1.0, 2.0, 2.5]
    >>> exponential_backoff(base=1, factor=2, jitter="decorrelated").means(3).tolist()
    [2.0, 3.5, 5.75]
    """
    base = checks.real("base", base, above=0)
    factor = checks.real("factor", factor, at_least=1)
    limit = math.inf if cap is None else checks.real("cap", cap, at_least=base)
    if jitter not in _JITTERS:
        raise ValueError(f"jitter must be one of {', '.join(_JITTERS)}, got {jitter!r}")
    if jitter == "decorrelated":
        return DecorrelatedBackoff(base=base, cap=limit)
    return ExponentialBackoff(base=base, factor=factor, cap=limit, jitter=jitter)


@dataclass(frozen=True, kw_only=True)
class ExponentialBackoff(Backoff):
    """Waits that grow by a factor up to a cap."""

    base: float
    factor: float
    cap: float
    jitter: str

    def between(self, attempt: int) -> tuple[float, float]:
        with np.errstate(over="ignore"):
            wait = min(self.cap, float(self.base * np.float64(self.factor) ** (attempt - 1)))
        least = {"none": wait, "full": 0.0, "equal": wait / 2}
        return least[self.jitter], wait


@dataclass(frozen=True, kw_only=True)
class DecorrelatedBackoff(Backoff):
    """Waits uniform between a base and three times the wait before, cut at a cap."""

    base: float
    cap: float

    def between(self, attempt: int) -> tuple[float, float]:
        return self.base, min(self.cap, self.base * 3.0 ** min(attempt, 600))

    def draw(self, attempt: int, rng: np.random.Generator, previous: float | None = None) -> float:
        del attempt
        last = self.base if previous is None else previous
        return min(self.cap, float(rng.uniform(self.base, 3 * last)))

    def means(self, count: int) -> Floats:
        """Return the mean waits; with a cap by a backward recursion over the law.

        V_n(s), the mean of the n-th wait from now if the last was s, is s for n = 0 and then the
        mean of V_{n-1}(min(cap, U)), U uniform between base and 3 s. It is smooth between the
        points cap / 3^i, which the tripling maps onto each other: there it is a polynomial.
        """
        if self.cap == math.inf:
            with np.errstate(over="ignore"):
                growth = 1.5 ** np.arange(1.0, count + 1)
                return np.asarray(self.base * (2 * growth - 1))
        if self.cap == self.base:
            return np.full(count, self.base)
        least = [self.cap]
        while least[-1] > self.base:
            least.append(max(self.base, least[-1] / 3))
        domains = list(pairwise(least[::-1]))
        values = [Chebyshev.interpolate(lambda s: s, 1, domain) for domain in domains]
        means = []
        for _ in range(count):
            values = self._one_wait_more(values, domains)
            means.append(float(values[0](self.base)))
        return np.array(means)

    def _one_wait_more(
        self, values: list[Chebyshev], domains: list[tuple[float, float]]
    ) -> list[Chebyshev]:
        """Return V_n from V_{n-1}, a polynomial a domain, upwards; 3 s lies in the next domain."""
        area = [value.integ(lbnd=low) for value, (low, _) in zip(values, domains, strict=True)]
        below = np.cumsum([0.0, *(a(high) for a, (_, high) in zip(area, domains, strict=True))])
        top, beyond = values[-1](self.cap), (self.cap, 3 * self.cap)  # where waits are cut
        area.append(Chebyshev.interpolate(lambda u: top * (u - self.cap), 1, beyond))

        def next_value(s: Floats, upto: float, further: Chebyshev) -> Floats:
            return np.asarray((upto + further(3 * s)) / (3 * s - self.base))

        return [
            Chebyshev.interpolate(next_value, _DEGREE, domain, args=(upto, further))
            for domain, upto, further in zip(domains, below[1:], area[1:], strict=True)
        ]


@dataclass(frozen=True)
class SidekiqBackoff(Backoff):
    """Sidekiq's n^4 + 15 s plus up to 10 (n + 1) s, n = 0, 1, 2, ..."""

    def between(self, attempt: int) -> tuple[float, float]:
        least = (attempt - 1) ** 4 + 15.0
        return least, least + 10 * attempt


@dataclass(frozen=True)
class PostfixBackoff(Backoff):
    """Postfix's wait of as long as the message is old, between 300 and 4000 s."""

    def between(self, attempt: int) -> tuple[float, float]:
        age = wait = 0.0
        for _ in range(attempt):
            wait = min(max(age, 300.0), 4000.0)
            age += wait
        return wait, wait


def _probability(p: ArrayLike) -> Floats:
    """Return p as an array, if each entry is a probability."""
    values = np.asarray(checks.array("p", p, at_least=0))
    if (values > 1).any():
        raise ValueError(f"p is a probability in [0, 1], got {values[values > 1].flat[0]:g}")
    return values
