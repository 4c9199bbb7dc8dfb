"""The formulas of the field that fit on a line: one equation, one function.

Rates are per second, times in seconds, whatever unit you choose as long as it is one. All of them
broadcast like NumPy; an overloaded system waits `inf`.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import elementwise

from queueing import checks
from queueing.erlang import erlang_c

Floats = NDArray[np.float64]

_MOST_SERVERS = 2.0**53  # beyond, a server more or less is below rounding


def littles_law(
    *, number: float | None = None, rate: float | None = None, time: float | None = None
) -> float:
    """Return the missing one of L = lambda W: number inside, rate through, time inside.

    Give exactly two of `number` (L), `rate` (lambda, per second) and `time` (W, seconds); raises
    `ValueError` otherwise, or when the answer would be 0/0. J. D. C. Little, "A proof for the
    queuing formula L = lambda W" (Operations Research 9, 1961).

    >>> littles_law(rate=46.2, time=0.5)
    23.1
    """
    given = {"number": number, "rate": rate, "time": time}
    if sum(value is None for value in given.values()) != 1:
        raise ValueError(
            "littles_law needs exactly two of number, rate and time, and returns the third"
        )
    values = {
        name: checks.real(name, value, at_least=0)
        for name, value in given.items()
        if value is not None
    }
    if number is None:
        return values["rate"] * values["time"]
    divisor = "rate" if rate is not None else "time"
    if values[divisor] == 0:
        raise ValueError(f"{divisor} must be a finite number above 0 to divide by, got 0")
    return values["number"] / values[divisor]


def pollaczek_khinchine(
    arrival_rate: ArrayLike, service_rate: ArrayLike, service_scv: ArrayLike
) -> np.float64 | Floats:
    """Return the mean wait in M/G/1, seconds: Wq = rho / (1 - rho) * (1 + cs^2) / 2 * 1 / mu.

    F. Pollaczek (1930), A. Ya. Khinchine (1932). Raises `ValueError` on negative parameters.

    >>> round(float(pollaczek_khinchine(8, 10, 0)), 6)
    0.2
    """
    return allen_cunneen(arrival_rate, service_rate, 1, 1, service_scv)


def kingman(
    arrival_rate: ArrayLike,
    service_rate: ArrayLike,
    interarrival_scv: ArrayLike,
    service_scv: ArrayLike,
) -> np.float64 | Floats:
    """Return Kingman's approximate mean wait in G/G/1, seconds.

    Wq = rho / (1 - rho) * (ca^2 + cs^2) / 2 * 1 / mu.

    Exact for Poisson arrivals (ca^2 = 1); near the truth in heavy traffic. J. F. C. Kingman, "The
    single server queue in heavy traffic" (Proc. Cambridge Phil. Soc. 57, 1961). Raises
    `ValueError`.

    >>> round(float(kingman(8, 10, 1, 1)), 6)
    0.4
    """
    return allen_cunneen(arrival_rate, service_rate, 1, interarrival_scv, service_scv)


def allen_cunneen(
    arrival_rate: ArrayLike,
    service_rate: ArrayLike,
    servers: ArrayLike,
    interarrival_scv: ArrayLike,
    service_scv: ArrayLike,
) -> np.float64 | Floats:
    """Return Allen and Cunneen's approximate mean wait in G/G/c, seconds.

    Wq = C(c, a) / (c mu - lambda) * (ca^2 + cs^2) / 2.

    Exact for M/M/c and M/G/1. A. O. Allen, "Probability, Statistics, and Queueing Theory with
    Computer Science Applications" (2nd edition, 1990). Raises `ValueError` on negative parameters.

    >>> round(float(allen_cunneen(9, 1, 10, 1, 1)), 6)
    0.668732
    """
    arrival = checks.array("arrival_rate", arrival_rate, at_least=0)
    service = checks.array("service_rate", service_rate, above=0)
    c = checks.array("servers", servers, above=0)
    variability = checks.array("interarrival_scv", interarrival_scv, at_least=0) + checks.array(
        "service_scv", service_scv, at_least=0
    )
    spare = c * service - arrival
    waiting = erlang_c(c, arrival / service) * variability / 2
    return np.where(spare > 0, waiting / np.where(spare > 0, spare, 1.0), np.inf)[()]


def cobham(
    arrival_rates: ArrayLike, service_rates: ArrayLike, service_scvs: ArrayLike = 1.0
) -> Floats:
    """Return the mean wait of each class in M/G/1 with non-preemptive priority, seconds.

    The first class is the highest.

    Wq_k = R / ((1 - sigma_{k-1}) (1 - sigma_k)), sigma_k = rho_1 + ... + rho_k, and R the mean
    remaining service that an arrival finds. Where a class overloads the server it waits `inf`,
    takes what the higher classes leave, and those below it are never served. A. Cobham, "Priority
    assignment in waiting line problems" (Operations Research 2, 1954). Raises `ValueError`.

    >>> cobham([0.3, 0.5], [1, 1]).round(6).tolist()
    [1.142857, 5.714286]
    """
    arrivals, services, scvs = np.broadcast_arrays(
        np.atleast_1d(checks.array("arrival_rates", arrival_rates, at_least=0)),
        checks.array("service_rates", service_rates, above=0),
        checks.array("service_scvs", service_scvs, at_least=0),
    )
    loads = arrivals / services
    below = np.cumsum(loads)
    above = below - loads
    carried = np.clip(1 - above, 0, loads)
    remaining = np.sum(carried * (1 + scvs) / (2 * services))
    spare = np.maximum(1 - above, 0) * np.maximum(1 - below, 0)
    return np.where(spare > 0, remaining / np.where(spare > 0, spare, 1.0), np.inf)


def square_root_staffing(
    offered_load: ArrayLike, quality: ArrayLike
) -> np.int64 | NDArray[np.int64]:
    """Return the servers of the square-root rule, ceil(a + beta sqrt(a)).

    `offered_load` a >= 0 in Erlang, `quality` beta > 0. S. Halfin and W. Whitt, "Heavy-traffic
    limits for queues with many exponential servers" (Operations Research 29, 1981). Raises
    `ValueError`, and so it does for 2^53 servers and more.

    >>> int(square_root_staffing(100, 1.0))
    110
    """
    load = checks.array("offered_load", offered_load, at_least=0)
    beta = checks.array("quality", quality, above=0)
    servers = np.ceil(load + beta * np.sqrt(load))
    if (servers >= _MOST_SERVERS).any():
        raise ValueError(f"the rule must give fewer than {_MOST_SERVERS:g} servers: lower a load")
    return servers.astype(np.int64)[()]


def square_root_quality(wait_probability: ArrayLike) -> np.float64 | Floats:
    """Return the beta at which the square-root rule keeps the given probability of waiting.

    The root of P(wait) = 1 / (1 + beta Phi(beta) / phi(beta)), Halfin and Whitt's limit (1981).
    `wait_probability` lies in (0, 1); raises `ValueError` otherwise.

    >>> round(float(square_root_quality(0.2)), 4)
    1.0615
    """
    target = checks.array("wait_probability", wait_probability, above=0, below=1)

    def excess(beta: Floats, target: Floats) -> Floats:
        log_density = -(beta**2) / 2 - math.log(math.sqrt(2 * math.pi))
        log_odds = np.log(beta) + special.log_ndtr(beta) - log_density
        return log_odds + special.logit(target)

    ends = np.full(target.shape, 1e-17), np.full(target.shape, 40.0)
    return elementwise.find_root(excess, ends, args=(target,)).x[()]
