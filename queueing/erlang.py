"""Erlang's formulas, their continuous extension and their inverses.

    B(c, a) = (a^c / c!) / sum_{k <= c} a^k / k!          all servers busy, the arrival is lost
    C(c, a) = B / (1 - rho (1 - B)),  rho = a / c          all servers busy, the arrival waits

A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
telephone exchanges" (1917). For servers that are not whole, 1/B is Fortet's integral `a int_0^inf
e^(-a t) (1 + t)^c dt`, as in D. L. Jagerman, "Some properties of the Erlang loss function" (Bell
System Technical Journal 53, 1974). Everything here broadcasts like NumPy.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import elementwise

from queueing import checks

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.laguerre.laggauss(24)
TARGET_SLACK = 1 + 1e-12  # a target that is met to rounding is met
_MOST_LOAD = 2.0**52  # Erlang: beyond, a server more or less is below rounding


def erlang_b(servers: ArrayLike, offered_load: ArrayLike) -> np.float64 | Floats:
    """Return the probability B(c, a) that all servers are busy when blocked customers leave.

    `servers` (c >= 0, may be fractional) and `offered_load` (a >= 0, Erlang) broadcast. Raises
    `ValueError` on anything else.

    The sum in B is a Poisson distribution function, so B = pmf(c; a) / cdf(c; a). Far into
    overload, where both underflow, 1/B = int_0^inf e^(-u) (1 + u/a)^c du is smooth and
    Gauss-Laguerre's rule exact.

    >>> round(float(erlang_b(10, 7)), 6)
    0.078741
    """
    c, a = np.broadcast_arrays(
        checks.array("servers", servers, at_least=0),
        checks.array("offered_load", offered_load, at_least=0),
    )
    overload = a > c + 10 * np.sqrt(c) + 30
    blocking = np.empty(c.shape)
    blocking[overload] = _overloaded_erlang_b(c[overload], a[overload])
    c, a = c[~overload], a[~overload]
    blocking[~overload] = poisson_pmf(c, a) / special.gammaincc(c + 1, a)
    return np.minimum(blocking, 1.0)[()]


def erlang_c(servers: ArrayLike, offered_load: ArrayLike) -> np.float64 | Floats:
    """Return the probability C(c, a) that an arrival waits when everybody is served in turn.

    `servers` (c > 0, may be fractional) and `offered_load` (a >= 0, Erlang) broadcast; C = 1 for a
    >= c. Raises `ValueError` on anything else.

    >>> round(float(erlang_c(10, 9)), 6)
    0.668732
    """
    c, a = np.broadcast_arrays(
        checks.array("servers", servers, above=0),
        checks.array("offered_load", offered_load, at_least=0),
    )
    blocking = erlang_b(c, a)
    return np.where(a < c, c * blocking / (np.maximum(c - a, 0) + a * blocking), 1.0)[()]


def erlang_b_servers(
    offered_load: ArrayLike, blocking_probability: ArrayLike
) -> np.int64 | NDArray[np.int64]:
    """Return the smallest number of servers with B(c, a) <= `blocking_probability`.

    `offered_load` (a >= 0) and `blocking_probability` (in (0, 1)) broadcast. Raises `ValueError`.

    >>> int(erlang_b_servers(7, 0.01))
    14
    """
    return _smallest(
        erlang_b, offered_load, "blocking_probability", blocking_probability, stable=False
    )


def erlang_c_servers(
    offered_load: ArrayLike, wait_probability: ArrayLike
) -> np.int64 | NDArray[np.int64]:
    """Return the smallest number of servers with C(c, a) <= `wait_probability`.

    `offered_load` (a >= 0) and `wait_probability` (in (0, 1)) broadcast. Raises `ValueError`.

    >>> int(erlang_c_servers(9, 0.2))
    13
    """
    return _smallest(erlang_c, offered_load, "wait_probability", wait_probability, stable=True)


def erlang_b_load(servers: ArrayLike, blocking_probability: ArrayLike) -> np.float64 | Floats:
    """Return the offered load a at which B(c, a) equals `blocking_probability`.

    `servers` (c > 0) and `blocking_probability` (in (0, 1)) broadcast. Raises `ValueError`.
    The root lies between (p c!)^(1/c), since B <= a^c / c!, and c / (1 - p), since B >= 1 - c/a.

    >>> round(float(erlang_b_load(10, 0.01)), 4)
    4.4612
    """
    c, p = np.broadcast_arrays(
        checks.array("servers", servers, above=0),
        checks.array("blocking_probability", blocking_probability, above=0, below=1),
    )
    low = (np.log(p) + special.gammaln(c + 1)) / c - 1e-9
    high = np.log(c / (1 - p)) + 1e-9
    tiny = np.finfo(
        float
    ).smallest_subnormal  # where B underflows only its side of the root matters
    root = elementwise.find_root(
        lambda log_load, c, p: np.log(np.maximum(erlang_b(c, np.exp(log_load)), tiny)) - np.log(p),
        (np.minimum(low, high - 1e-9), high),
        args=(c, p),
        tolerances={"xatol": 1e-13, "xrtol": 1e-15},
    )
    return np.exp(root.x)[()]


def poisson_pmf(k: Floats, mean: Floats) -> Floats:
    """Return the Poisson probability mean^k e^(-mean) / k!, for real k, to full relative accuracy.

    The plain exponential of `k log(mean) - mean - log k!` subtracts numbers of size k log k; the
    saddle point form subtracts nothing: C. Loader, "Fast and accurate computation of binomial
    probabilities" (2000).
    """
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        small = np.exp(special.xlogy(k, mean) - mean - special.gammaln(k + 1))
        big = np.maximum(k, 16.0)
        u = (mean - big) / big
        deviance = big * (u - np.where(u < -0.5, np.log(mean / big), np.log1p(np.maximum(u, -0.5))))
        inverse = 1 / big**2
        stirling = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / big
        saddle = np.exp(-deviance - stirling) / np.sqrt(2 * np.pi * big)
    return np.where(k < 16, small, saddle)


def _overloaded_erlang_b(c: Floats, a: Floats) -> Floats:
    """Return B from 1/B = int e^(-u) (1 + u/a)^c du, in v = u (1 - c/a): the rest is flat."""
    slack = 1 - c / a
    inverse = np.zeros(c.shape)
    for v, weight in zip(_NODES, _WEIGHTS, strict=True):
        x = v / (slack * a)
        inverse += weight * np.exp(c * (np.log1p(x) - x))
    return slack / inverse


def _smallest(
    probability: Callable[[ArrayLike, ArrayLike], np.float64 | Floats],
    offered_load: ArrayLike,
    name: str,
    target: ArrayLike,
    *,
    stable: bool,
) -> np.int64 | NDArray[np.int64]:
    """Bisect for the smallest whole number of servers whose `probability` is at most `target`."""
    a, p = np.broadcast_arrays(
        checks.array("offered_load", offered_load, at_least=0, below=_MOST_LOAD),
        checks.array(name, target, above=0, below=1),
    )
    fewest = a if stable else a * (1 - p * TARGET_SLACK) - 1  # since B >= 1 - c / a
    low, step = np.maximum(np.floor(fewest), 0), np.ceil(np.sqrt(a))  # low is never enough
    high = np.maximum(np.ceil(a), 1.0)
    while (short := probability(high, a) > p * TARGET_SLACK).any():
        low, high = np.where(short, high, low), np.where(short, high + step + 1, high)
        step *= 2
    while (open_ := high - low > 1).any():
        middle = np.where(open_, np.floor((low + high) / 2), high)
        enough = probability(np.maximum(middle, 1e-9) if stable else middle, a) <= p * TARGET_SLACK
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high.astype(np.int64)[()]
