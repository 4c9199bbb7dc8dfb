"""A limit on how many are in the system at once, set by hand, by Little's law or by a gradient."""

import math
from dataclasses import dataclass

from queueing import checks
from queueing.backpressure.bounded import BoundedQueue
from queueing.backpressure.view import UserView
from queueing.erlang import TARGET_SLACK
from queueing.formulas import littles_law


@dataclass(frozen=True, kw_only=True)
class ConcurrencyLimit:
    """At most `limit` in the system at once; who comes beyond is turned away and told so.

    `limit` >= 1 whole; anything else raises `ValueError`. A limit below the number of servers
    leaves some of them idle.

    >>> ConcurrencyLimit(limit=5).evaluate(arrival_rate=12, service_rate=6, servers=3)
    accepted 92.42 %, delayed 28.44 %, shed 7.583 %, lost 0 %; 11.09/s, mean wait 0.02393 s
    """

    limit: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", checks.whole("limit", self.limit))

    @classmethod
    def littles_law(cls, *, rate: float, time: float) -> "ConcurrencyLimit":
        """Return the least limit that lets `rate` a second through if each stays `time` seconds.

        ceil(rate * time), J. D. C. Little (1961): a mean, with nothing over for its fluctuations.
        Raises `ValueError` on negative or infinite values.

        >>> ConcurrencyLimit.littles_law(rate=46, time=0.5)
        ConcurrencyLimit(limit=23)
        """
        return cls(limit=max(math.ceil(littles_law(rate=rate, time=time) / TARGET_SLACK), 1))

    @staticmethod
    def gradient(
        *,
        limit: int = 20,
        minimum: int = 1,
        maximum: int = 1000,
        tolerance: float = 1.0,
        smoothing: float = 0.2,
    ) -> "GradientLimit":
        """Return a limit that starts at `limit` and follows the round trips; see `GradientLimit`.

        >>> ConcurrencyLimit.gradient(limit=100).next_limit(100, round_trip=0.2, shortest=0.1)
        92.0
        """
        return GradientLimit(
            limit=limit,
            minimum=minimum,
            maximum=maximum,
            tolerance=tolerance,
            smoothing=smoothing,
        )

    def evaluate(self, *, arrival_rate: float, service_rate: float, servers: int) -> UserView:
        """Return what the users of an M/M/c under this limit K see: M/M/min(c, K)/K; exact.

        `arrival_rate` >= 0 and `service_rate` > 0 per second, `servers` c >= 1; otherwise
        `ValueError`.
        """
        busy = min(checks.whole("servers", servers), self.limit)
        queue = BoundedQueue(capacity=self.limit)
        return queue.evaluate(arrival_rate=arrival_rate, service_rate=service_rate, servers=busy)

    def next_limit(self, limit: float, *, round_trip: float, shortest: float) -> float:
        """Return the limit after a round trip (s) was measured, if it was `limit` before.

        `shortest` is the round trip without load, so far as it is known. A simulation lets in who
        finds fewer than floor(limit). Raises `ValueError` unless both times are above 0.

        >>> ConcurrencyLimit(limit=5).next_limit(5, round_trip=9.0, shortest=1.0)
        5.0
        """
        checks.real("round_trip", round_trip, above=0)
        checks.real("shortest", shortest, above=0)
        return checks.real("limit", limit, at_least=1)


@dataclass(frozen=True, kw_only=True)
class GradientLimit(ConcurrencyLimit):
    """A limit that grows while round trips are short and shrinks when they lengthen.

    With each measured round trip R, the shortest R_0 and the limit L before,

        g = min(1, max(1/2, tolerance R_0 / R)),    L' = (1 - s) L + s (g L + sqrt(L))

    kept within `minimum` and `maximum`: sqrt(L) is the queue it allows, s the `smoothing`. E.
    Landau, W. Thurston and T. Bozarth, "Performance Under Load" (Netflix Technology Blog, 2018);
    the versions of the library concurrency-limits differ in what they take for R and R_0.

    `limit` is where it starts, 1 <= minimum <= limit <= maximum, `tolerance` >= 1, `smoothing` in
    (0, 1]; anything else raises `ValueError`.
    """

    minimum: int = 1
    maximum: int = 1000
    tolerance: float = 1.0
    smoothing: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("minimum", 1), ("maximum", self.minimum)):
            object.__setattr__(self, name, checks.whole(name, getattr(self, name), at_least=least))
        if not self.minimum <= self.limit <= self.maximum:
            raise ValueError(
                f"limit must be within minimum and maximum, {self.minimum} to {self.maximum}, "
                f"got {self.limit}"
            )
        checks.real("tolerance", self.tolerance, at_least=1)
        if checks.real("smoothing", self.smoothing, above=0) > 1:
            raise ValueError(f"smoothing is a fraction in (0, 1], got {self.smoothing!r}")

    def next_limit(self, limit: float, *, round_trip: float, shortest: float) -> float:
        """Return the limit after a round trip (s) was measured, if it was `limit` before.

        >>> rule = ConcurrencyLimit.gradient()
        >>> rule.next_limit(25, round_trip=0.1, shortest=0.1)
        26.0
        """
        before = super().next_limit(limit, round_trip=round_trip, shortest=shortest)
        gradient = min(1.0, max(0.5, self.tolerance * shortest / round_trip))
        target = gradient * before + math.sqrt(before)
        after = (1 - self.smoothing) * before + self.smoothing * target
        return min(max(after, float(self.minimum)), float(self.maximum))

    def evaluate(self, *, arrival_rate: float, service_rate: float, servers: int) -> UserView:
        """Return what the users see under the limit that it comes to, `settled`.

        `arrival_rate` >= 0 and `service_rate` > 0 per second, `servers` c >= 1; otherwise
        `ValueError`.
        """
        limit = self.settled(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
        return ConcurrencyLimit(limit=limit).evaluate(
            arrival_rate=arrival_rate, service_rate=service_rate, servers=servers
        )

    def settled(self, *, arrival_rate: float, service_rate: float, servers: int) -> int:
        """Return the limit that it comes to, if every round trip is the mean one and R_0 = 1 / mu.

        The least whole L at which it does not grow, sqrt(L) (1 - g(L)) >= 1, with the mean time in
        system of M/M/c/L for R, or `maximum`: the round trips lengthen with the limit, so there is
        but one. Measured ones scatter, and the limit about this.

        >>> rule = ConcurrencyLimit.gradient()
        >>> rule.settled(arrival_rate=200, service_rate=10, servers=10)
        15
        """

        def grows(limit: int) -> bool:
            view = ConcurrencyLimit(limit=limit).evaluate(
                arrival_rate=arrival_rate, service_rate=service_rate, servers=servers
            )
            trip = view.mean_wait + 1 / service_rate
            return self.next_limit(limit, round_trip=trip, shortest=1 / service_rate) > limit

        low, high = self.minimum, self.maximum
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if grows(middle) else (low, middle)
        return low
