"""The smallest number of servers that keeps a promise."""

import math
import sys
from collections.abc import Callable

from queueing import checks
from queueing.erlang import TARGET_SLACK, erlang_c_servers
from queueing.laws import Distribution
from queueing.stations.markov import MMc

Promise = tuple[float, float]


def servers_for(
    *,
    arrival_rate: float,
    service_rate: float,
    wait_probability: float | None = None,
    wait_within: Promise | None = None,
    time_within: Promise | None = None,
) -> int:
    """Return the smallest number of servers of an M/M/c that keeps one promise.

    `arrival_rate` >= 0 and `service_rate` > 0 per second, and exactly one promise:
    `wait_probability=0.2` (at most a fifth of the arrivals wait), `wait_within=(0.8, 20)` (80 %
    wait at most 20 s) or `time_within=(0.95, 0.14)` (95 % are done after 0.14 s, service included).

    Raises `ValueError` for parameters out of range, and for a time that the service alone exceeds.

    >>> servers_for(arrival_rate=12, service_rate=6, wait_probability=0.2)
    4
    >>> servers_for(arrival_rate=100 / 3600, service_rate=1 / 300, wait_within=(0.8, 20))
    12
    """
    promises = {
        "wait_probability": wait_probability,
        "wait_within": wait_within,
        "time_within": time_within,
    }
    if sum(promise is not None for promise in promises.values()) != 1:
        raise ValueError(
            f"servers_for keeps exactly one promise: give one of {', '.join(promises)}"
        )
    least = MMc(arrival_rate=arrival_rate, service_rate=service_rate, servers=1)
    if wait_probability is not None:
        target = checks.real("wait_probability", wait_probability, above=0, below=1)
        return int(erlang_c_servers(least.offered_load, target))
    if wait_within is not None:
        fraction, seconds = _promise("wait_within", wait_within)
        return _smallest(least, lambda station: _kept(station.wait, fraction, seconds))
    fraction, seconds = _promise("time_within", time_within)
    if -math.expm1(-service_rate * seconds) <= fraction:
        raise ValueError(
            "time_within: no number of servers will do, since the service alone takes longer than "
            f"{seconds:g} s with probability {math.exp(-service_rate * seconds):.3g}, "
            f"and {1 - fraction:.3g} is allowed"
        )
    return _smallest(least, lambda station: _kept(station.time_in_system, fraction, seconds))


def _promise(name: str, promise: object) -> Promise:
    """Check a pair (fraction, seconds)."""
    if not isinstance(promise, tuple | list) or len(promise) != 2:
        raise ValueError(
            f"{name} is a pair (fraction, seconds) such as (0.95, 2.0), got {promise!r}"
        )
    fraction, seconds = promise
    return (
        checks.real(f"{name}'s fraction", fraction, above=0, below=1),
        checks.real(f"{name}'s seconds", seconds, at_least=0),
    )


def _kept(law: Distribution, fraction: float, seconds: float) -> bool:
    """Say whether at most 1 - fraction exceed `seconds`, to the rounding of either."""
    return bool(law.sf(seconds) <= (1 - fraction) * TARGET_SLACK + sys.float_info.epsilon)


def _smallest(station: MMc, keeps: Callable[[MMc], bool]) -> int:
    """Bisect for the smallest number of servers that keeps the promise; more never hurt."""
    low, high = 0, max(1, math.ceil(station.offered_load))
    while not keeps(station.with_servers(high)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(station.with_servers(middle)) else (middle, high)
    return high
