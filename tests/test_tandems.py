"""The time through nodes in tandem, a sum of independent times, against its partial fractions."""

from itertools import product

import mpmath
import pytest

from queueing import MMc


def stages(node):
    """The time in an M/M/c as a mixture of sums of exponential stages: (probability, rates)."""
    service, spare = node.service_rate, node.servers * node.service_rate - node.arrival_rate
    return [(1 - node.wait_probability, [service]), (node.wait_probability, [spare, service])]


def later_than(t, rates):
    """P(sum of exponential stages > t) in partial fractions, and its density."""
    rates = [mpmath.mpf(a) * (1 + i * mpmath.mpf(10) ** -20) for i, a in enumerate(rates)]
    parts = [
        mpmath.exp(-a * t) * mpmath.fprod(b / (b - a) for b in rates if b is not a) for a in rates
    ]
    return mpmath.fsum(parts), mpmath.fsum(a * part for a, part in zip(rates, parts, strict=True))


@pytest.mark.parametrize(
    "nodes",
    [
        [(5, 9, 1), (5, 7, 1), (5, 6.5, 1)],
        [(9, 1, 10), (9, 2.5, 4)],
        [(0.99, 1, 1), (0.99, 0.5, 2)],
        [(40, 1, 50), (40, 41, 1), (40, 80, 1), (40, 3, 14)],
    ],
    ids=str,
)
def test_the_percentiles_of_a_tandem_are_those_of_its_stages(nodes):
    line = [MMc(arrival_rate=rate, service_rate=mu, servers=c) for rate, mu, c in nodes]
    path = sum((node.time_in_system for node in line), 0)
    with mpmath.workdps(100):
        for p in (0.01, 0.5, 0.95, 0.99, 0.9999):
            t, late, density = mpmath.mpf(float(path.ppf(p))), 0, 0
            for ways in product(*map(stages, line)):
                tail, slope = later_than(t, [rate for _, rates in ways for rate in rates])
                late += mpmath.fprod(share for share, _ in ways) * tail
                density += mpmath.fprod(share for share, _ in ways) * slope
            assert abs((1 - late - p) / density / t) < 1e-7  # how far t is from the percentile
