"""One step of Kolmogorov's equations of a birth-death chain whose births move.

    p_n' = lambda(t) p_(n-1) - (lambda(t) + mu_n) p_n + mu_(n+1) p_(n+1)

Over a step of length h each p_n is a polynomial that starts at p_n(0) and obeys its equation at the
s nodes of Radau: the method Radau IIA, of order 2s - 1 and stiffly stable, so that a step is as
long as the chain's change allows and not as short as a service. E. Hairer and G. Wanner, "Solving
Ordinary Differential Equations II" (2nd edition, 1996), section IV.5. With Y_n the values of p_n at
the nodes, D / h the differentiation matrix and L = diag(lambda at the nodes) it reads

    (D/h + L + mu_n) Y_n = L Y_(n-1) + mu_(n+1) Y_(n+1) + d/h p_n(0)

which is tridiagonal in n, with blocks of s by s. It is eliminated as W. K. Grassmann, M. I. Taksar
and D. P. Heyman do (Operations Research 33, 1985): what flows out of a state is never subtracted
from itself. Then small probabilities keep their digits, and so does the sum.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from queueing.compiling import entry_point

Floats = NDArray[np.float64]

STAGES = 7
_SETTLED = 2e-16  # blocks that change by a last digit only stay what they are


compiled = partial(entry_point, error_model="numpy")  # 0 / 0 is nan and stops nothing


def _differentiation(stages: int) -> tuple[Floats, Floats, Floats]:
    """Return Radau's nodes in (0, 1], and D and d on them."""
    inner = (special.roots_jacobi(stages - 1, 1, 0)[0] + 1) / 2
    nodes = np.concatenate([[0.0], inner, [1.0]])
    gaps = nodes[:, np.newaxis] - nodes + np.eye(nodes.size)
    barycentric = 1 / gaps.prod(axis=1)
    derivative = barycentric / barycentric[:, np.newaxis] / gaps
    np.fill_diagonal(derivative, 0.0)
    np.fill_diagonal(derivative, -derivative.sum(axis=1))
    return nodes[1:], derivative[1:, 1:].copy(), -derivative[1:, 0]


NODES, _MATRIX, _START = _differentiation(STAGES)
BACKWARD = np.array(
    [np.prod(x := np.delete(NODES, i)) / np.prod(x - NODES[i]) for i in range(STAGES)]
)


@compiled
def step(p: Floats, births: Floats, deaths: Floats, length: float) -> Floats:
    """Return p after a step.

    `births` holds lambda at the nodes, `deaths` mu_n of each state of p, which never falls with n;
    in the last state births are turned away, in the first nobody leaves.
    """
    size = p.size
    inverses = np.empty((size, STAGES, STAGES))  # of D/h + L + mu_n less what comes back from below
    right = np.empty((size, STAGES))
    slopes, starts, none = _MATRIX / length, _START / length, np.zeros(STAGES)
    leaving = slopes.copy()  # what is inverted, less L: the flow that is not seen again
    values = np.zeros(STAGES)
    settled = size
    for n in range(size):
        known = min(n, settled)
        if n <= settled or n == size - 1:
            known = n
            _invert(leaving, births if n < size - 1 else none, inverses[n])
        if n < min(settled, size - 1):
            _recede(slopes, deaths[n + 1], leaving, inverses[n])
            if n > 0 and deaths[n] == deaths[-1] and _same(inverses[n], inverses[n - 1]):
                settled = n
        for i in range(STAGES):
            right[n, i] = starts[i] * p[n] + (births[i] * values[i] if n > 0 else 0.0)
        _multiply(inverses[known], right[n], values)
    result = np.empty(size)
    result[-1] = values[-1]
    for n in range(size - 2, -1, -1):
        for i in range(STAGES):
            right[n, i] += deaths[n + 1] * values[i]
        _multiply(inverses[min(n, settled)], right[n], values)
        result[n] = values[-1]
    return result


@compiled
def _invert(leaving: Floats, births: Floats, result: Floats) -> None:
    """Write the inverse of leaving + L, by Gauss and Jordan's elimination; its pivots are safe."""
    for i in range(STAGES):
        for j in range(STAGES):
            result[i, j] = leaving[i, j]
        result[i, i] += births[i]
    for k in range(STAGES):
        pivot = 1 / result[k, k]
        result[k, k] = 1.0
        for j in range(STAGES):
            result[k, j] *= pivot
        for i in range(STAGES):
            if i != k:
                factor = result[i, k]
                result[i, k] = 0.0
                for j in range(STAGES):
                    result[i, j] -= factor * result[k, j]


@compiled
def _recede(slopes: Floats, death: float, leaving: Floats, inverse: Floats) -> None:
    """Write what leaves the next state for good, D/h + mu leaving inverse, over `leaving`."""
    row = np.empty(STAGES)
    for i in range(STAGES):
        for j in range(STAGES):
            row[j] = 0.0
        for k in range(STAGES):
            for j in range(STAGES):
                row[j] += leaving[i, k] * inverse[k, j]
        for j in range(STAGES):
            leaving[i, j] = slopes[i, j] + death * row[j]


@compiled
def _multiply(matrix: Floats, vector: Floats, result: Floats) -> None:
    """Write the product of a small matrix and a vector."""
    for i in range(STAGES):
        total = 0.0
        for j in range(STAGES):
            total += matrix[i, j] * vector[j]
        result[i] = total


@compiled
def _same(one: Floats, other: Floats) -> bool:
    """Tell whether two matrices differ in the last digit at most."""
    change = largest = 0.0
    for i in range(STAGES):
        for j in range(STAGES):
            change = max(change, abs(one[i, j] - other[i, j]))
            largest = max(largest, abs(one[i, j]))
    return change <= _SETTLED * largest
