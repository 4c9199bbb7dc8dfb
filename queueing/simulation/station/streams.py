"""Streams of random times: one law, one generator of its own, block after block.

Every purpose (arrivals, services, patience, ...) has its own stream, and the n-th customer takes
the n-th number of each. Two models with one seed therefore meet the same customers, whatever else
differs: these are common random numbers.
"""

# ruff: noqa: PLR0917 - compiled functions know no keywords

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.distributions import Gamma
from queueing.laws import Distribution
from queueing.simulation.engine.chance import EXPONENTIAL_TAIL, exponential_strips
from queueing.simulation.engine.compiled import entry_point

Floats = NDArray[np.float64]

_STRIPS = exponential_strips()
_WIDTH, _SURE, _HEIGHT = (
    np.ascontiguousarray(_STRIPS[name]) for name in ("width", "sure", "height")
)
_TAIL = EXPONENTIAL_TAIL


def stream_seed(seed: np.random.SeedSequence, purpose: int) -> np.random.SeedSequence:
    """Return the seed of one purpose of a replication, the same however often it is asked."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, purpose))


class Stream:
    """Independent times of one law: `queueing.distributions`' or a frozen one of scipy.stats."""

    def __init__(self, law: Any, seed: np.random.SeedSequence) -> None:
        self._law = law
        bits = np.random.SFC64(seed)
        self._rng = np.random.Generator(bits)
        self._scale = law.mean() if isinstance(law, Gamma) and law.shape == 1 else math.nan
        state: Any = bits.state
        self._state = np.array(state["state"]["state"], dtype=np.uint64)

    def draw(self, size: int) -> Floats:
        """Return the next `size` times."""
        if not math.isnan(self._scale):
            times = np.empty(size)
            fill(times, self._scale, self._state, _WIDTH, _SURE, _HEIGHT)
            return times
        if isinstance(self._law, Distribution):
            return self._law.draw(size, self._rng)
        return np.asarray(self._law.rvs(size=size, random_state=self._rng), dtype=np.float64)

    def draw_moments(self, size: int, since: float) -> Floats:
        """Return the next `size` moments after `since`, the law's times apart."""
        moments = self.draw(size)
        add_up(moments, since)
        return moments


@entry_point
def fill(
    times: Floats,
    scale: float,
    state: NDArray[np.uint64],
    width: Floats,
    sure: NDArray[np.int64],
    height: Floats,
) -> None:
    """Fill `times` with exponential numbers of mean `scale`.

    These are the numbers of NumPy's `Generator(SFC64(seed)).standard_exponential`, by the same
    ziggurat, in two thirds of the time: the generator's `state` stays in registers.
    """
    a, b, c, counter = state[0], state[1], state[2], state[3]
    one, three, eleven = np.uint64(1), np.uint64(3), np.uint64(11)
    left, right, byte = np.uint64(24), np.uint64(40), np.uint64(255)
    for number in range(times.size):
        while True:
            bits = a + b + counter
            counter += one
            a = b ^ (b >> eleven)
            b = c + (c << three)
            c = (c << left | c >> right) + bits
            strip = (bits >> three) & byte
            place = np.int64(bits >> eleven)
            draw = place * width[strip]
            if place < sure[strip]:
                break
            bits = a + b + counter  # once in a hundred: the strip's edge, or the tail
            counter += one
            a = b ^ (b >> eleven)
            b = c + (c << three)
            c = (c << left | c >> right) + bits
            level = np.int64(bits >> eleven) * 2.0**-53
            if strip == 0:
                draw = _TAIL - np.log1p(-level)
                break
            if (height[strip - one] - height[strip]) * level + height[strip] < np.exp(-draw):
                break
        times[number] = scale * draw
    state[0], state[1], state[2], state[3] = a, b, c, counter


@entry_point
def add_up(times: Floats, since: float) -> None:
    """Turn times into the moments, after `since`, at which they are over one after the other.

    Four at a time, so that one addition in four has to wait for the one before.
    """
    fours = times.size // 4 * 4
    for number in range(0, fours, 4):
        first = times[number]
        second = first + times[number + 1]
        third = second + times[number + 2]
        fourth = third + times[number + 3]
        times[number], times[number + 1] = since + first, since + second
        times[number + 2], times[number + 3] = since + third, since + fourth
        since += fourth
    for number in range(fours, times.size):
        since += times[number]
        times[number] = since
