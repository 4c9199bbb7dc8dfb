"""Random numbers inside the compiled loop: NumPy's `Generator(SFC64(seed))`, inlined.

From Numba a `Generator` costs a call through a pointer and two atomic reference counts a draw,
a fifth of the whole loop. Here the generator's 256 bits of state lie in the header. Uniform,
exponential and normal numbers come from the same bits by the same ziggurats as NumPy's, one by one
(G. Marsaglia and W. W. Tsang, "The ziggurat method for generating random variables", 2000).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.compiled import compiled, inlined
from queueing.simulation.engine.law_table import CONSTANT, ERLANG, EXPONENTIAL, LOGNORMAL
from queueing.simulation.engine.tables import STRIP, exponential_strip, law_at, normal_strip

EXPONENTIAL_TAIL = 7.69711747013104972  # where the lowest of 256 strips of one area ends
NORMAL_TAIL = 3.6541528853610088
_SHIFTS = (1, 3, 8, 9, 11, 24, 27, 30, 31, 40)
ONE, THREE, EIGHT, NINE, ELEVEN, TWENTY_FOUR, TWENTY_SEVEN, THIRTY, THIRTY_ONE, FORTY = (
    np.uint64(bits) for bits in _SHIFTS
)
GOLDEN, FIRST_MIX, SECOND_MIX = (
    np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
LOW_BYTE, FRACTION = np.uint64(255), np.uint64(2**52 - 1)
SIGN = np.uint64(256)


def exponential_strips() -> NDArray[np.void]:
    """Return the strips under e^-x."""
    area = (EXPONENTIAL_TAIL + 1) * math.exp(-EXPONENTIAL_TAIL)
    return _strips(EXPONENTIAL_TAIL, area, lambda x: math.exp(-x), lambda y: -math.log(y), 53)


def normal_strips() -> NDArray[np.void]:
    """Return the strips under e^(-x^2 / 2), x > 0."""
    beyond = math.sqrt(math.pi / 2) * math.erfc(NORMAL_TAIL / math.sqrt(2))
    return _strips(
        NORMAL_TAIL,
        NORMAL_TAIL * math.exp(-(NORMAL_TAIL**2) / 2) + beyond,
        lambda x: math.exp(-x * x / 2),
        lambda y: math.sqrt(-2 * math.log(y)),
        52,
    )


def _strips(
    tail: float,
    area: float,
    height: Callable[[float], float],
    inverse: Callable[[float], float],
    bits: int,
) -> NDArray[np.void]:
    """Return 256 strips of one area: 0 is the lowest and holds the tail, 1 the top, 255 the next.

    A place of `bits` random bits times `width` is a point of the strip; below `sure` it lies under
    the curve whatever its height.
    """
    right = [area / height(tail), tail]
    while len(right) < 256:
        right.append(inverse(height(right[-1]) + area / right[-1]))
    ends = np.array([right[0], *right[:0:-1]])
    strips = np.zeros(256, STRIP)
    strips["width"] = ends / 2.0**bits
    strips["sure"] = np.array([tail, 0.0, *ends[1:-1]]) / ends * 2.0**bits
    strips["height"] = [1.0, *map(height, ends[1:])]
    return strips


def seed_header(header: Any, seed: np.random.SeedSequence) -> None:
    """Write the state of a fresh `SFC64(seed)` into a header."""
    state: Any = np.random.SFC64(seed).state
    for name, word in zip("abc", state["state"]["state"], strict=False):
        header["random_" + name] = word
    header["random_counter"] = state["state"]["state"][3]


@inlined
def next_bits(world: Any) -> Any:
    """Return 64 random bits: Doty-Humphrey's SFC64."""
    b, c = world.random_b, world.random_c
    bits = world.random_a + b + world.random_counter
    world.random_counter += ONE
    world.random_a = b ^ (b >> ELEVEN)
    world.random_b = c + (c << THREE)
    world.random_c = (c << TWENTY_FOUR | c >> FORTY) + bits
    return bits


@inlined
def uniform(world: Any) -> float:
    """Return a number uniform in [0, 1)."""
    return np.int64(next_bits(world) >> ELEVEN) * 2.0**-53


@compiled
def own_uniform(row: Any) -> float:
    """Return a number uniform in [0, 1) from the stream of a row with `key` and `drawn`.

    Arrivals and parts have streams of their own: whatever else a design does, the same customers
    come and the same parts fail. G. L. Steele, D. Lea and C. H. Flood, "Fast splittable
    pseudorandom number generators" (2014): SplitMix64, by the number of the draw.
    """
    row.drawn += ONE
    bits = row.key + row.drawn * GOLDEN
    bits = (bits ^ (bits >> THIRTY)) * FIRST_MIX
    bits = (bits ^ (bits >> TWENTY_SEVEN)) * SECOND_MIX
    return np.int64((bits ^ (bits >> THIRTY_ONE)) >> ELEVEN) * 2.0**-53


@compiled
def own_exponential(row: Any) -> float:
    """Return an exponential number of mean 1 from the stream of a row."""
    return -np.log1p(-own_uniform(row))


@compiled
def rare_exponential(world: Any, number: int, value: float) -> float:
    """Return the value if it lies under the curve, one of the tail, or -1: try again."""
    if number == 0:
        return EXPONENTIAL_TAIL - np.log1p(-uniform(world))
    low, high = exponential_strip(world, number).height, exponential_strip(world, number - 1).height
    return value if (high - low) * uniform(world) + low < np.exp(-value) else -1.0


@inlined
def exponential(world: Any) -> float:
    """Return an exponential number of mean 1."""
    while True:
        bits = next_bits(world) >> THREE
        number = int(bits & LOW_BYTE)
        place = np.int64(bits >> EIGHT)
        strip = exponential_strip(world, number)
        value = place * strip.width
        if place >= strip.sure:
            value = rare_exponential(world, number, value)
        if value >= 0.0:
            return value


@compiled
def rare_normal(world: Any, number: int, value: float) -> float:
    """Return the value, x > 0, if it lies under the curve, one of the tail, or -1: try again."""
    while number == 0:
        beyond = -np.log1p(-uniform(world)) / NORMAL_TAIL
        if -2.0 * np.log1p(-uniform(world)) > beyond * beyond:
            return NORMAL_TAIL + beyond
    low, high = normal_strip(world, number).height, normal_strip(world, number - 1).height
    return value if (high - low) * uniform(world) + low < np.exp(-0.5 * value * value) else -1.0


@compiled
def normal(world: Any) -> float:
    """Return a normal number of mean 0 and variance 1."""
    while True:
        bits = next_bits(world)
        number = int(bits & LOW_BYTE)
        place = np.int64(bits >> NINE & FRACTION)
        strip = normal_strip(world, number)
        value = place * strip.width
        if place >= strip.sure:
            value = rare_normal(world, number, value)
        if value >= 0.0:
            return -value if bits & SIGN else value


@compiled
def gamma(world: Any, law: Any) -> float:
    """Return a gamma time (s): Marsaglia and Tsang, "A simple method ..." (2000).

    A law of shape a < 1 is one of shape a + 1 times U^(1/a) = e^(-E/a).
    """
    while True:
        deviate = normal(world)
        root = 1.0 + law.spread * deviate
        if root <= 0.0:
            continue
        cube, square, level = root * root * root, deviate * deviate, uniform(world)
        if level < 1.0 - 0.0331 * square * square:  # spares the logarithms 98 times in 100
            break
        if np.log(level) < 0.5 * square + law.offset * (1.0 - cube + np.log(cube)):
            break
    time = law.scale * cube
    return time * np.exp(-law.boost * exponential(world)) if law.boost > 0.0 else time


@compiled
def draw(world: Any, number: int) -> float:
    """Return a time (s) of the law of this number."""
    law = law_at(world, number)
    if law.kind == EXPONENTIAL:
        return law.mean * exponential(world)
    if law.kind == CONSTANT:
        return law.mean
    if law.kind == ERLANG:
        phases = 0.0
        for _ in range(law.phases):
            phases += exponential(world)
        return law.mean * phases
    if law.kind == LOGNORMAL:
        return np.exp(law.offset + law.spread * normal(world))
    return gamma(world, law)
