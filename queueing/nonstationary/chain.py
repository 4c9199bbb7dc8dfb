"""The law of the number present, followed over time: Kolmogorov's equations on a moving window.

A step is taken once whole and once in halves, which shows its error; the window is as wide as the
law and moves with it. Where everybody present keeps all servers busy and will do so for a while,
arrivals and departures are two Poisson processes, and the law is carried there in one leap.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from queueing.erlang import poisson_pmf
from queueing.nonstationary.collocation import BACKWARD, NODES, STAGES, step
from queueing.nonstationary.rates import Rate, stops_between

Floats = NDArray[np.float64]

MOST_STATES = 300_000  # in the window; beyond, a step takes seconds

_TOLERANCE = 1e-15  # error of a step, summed over the states
_HALVED = 2.0**7  # what halving a step divides its error by at least, bends and stiffness included
_UNSEEN = 1e-5  # weight of arrivals that no node sees: a callable's bends are met to 1e-10
_POWER = 1 / (2 * STAGES)  # error of a step ~ length^(2s)
_LEAK = 1e-17  # mass that may touch the window's edge in a step
_TRIM = 1e-18  # mass that a side may lose after a step
_ROOM = 500  # customers above the servers, from which a leap goes further than a step
_LEAST_LEAP = 10  # arrivals and services in the mean that a leap is worth
_DEVIATIONS, _JUMPS = 9.1, 28  # a Poisson number leaves mean +- 9.1 deviations + 28: below 1e-18
_ROUNDING = 1e-14  # of the largest value: less than this is noise of a Fourier transform


class Law(NamedTuple):
    """P(N = first + i) = p[i], and the mass lost on the way here."""

    first: int
    p: Floats
    lost: float = 0.0

    @property
    def states(self) -> Floats:
        """The numbers present that the window holds."""
        return self.first + np.arange(self.p.size, dtype=np.float64)

    def widened(self, below: int, above: int, most: float) -> "Law":
        """Return the same law with room at the sides, between 0 and `most`."""
        first = max(self.first - below, 0)
        last = min(self.first + self.p.size - 1 + above, most)
        p = np.zeros(int(last) - first + 1)
        p[self.first - first :][: self.p.size] = self.p
        return Law(first, p, self.lost)

    def trimmed(self) -> "Law":
        """Return the same law without the sides that hold next to nothing, summing up to 1."""
        p = np.maximum(self.p, 0.0)
        start = int(np.searchsorted(np.cumsum(p), _TRIM, side="right"))
        stop = p.size - int(np.searchsorted(np.cumsum(p[::-1]), _TRIM, side="right"))
        kept = p[start:stop]
        lost = self.lost + float(p[:start].sum() + p[stop:].sum())
        return Law(self.first + start, kept / kept.sum(), lost)


@dataclass(kw_only=True)
class Chain:
    """N(t) of M(t)/M/c(t)/K, asked from time 0 on; `most_states` tells how wide it got."""

    arrival_rate: Rate
    service_rate: float
    servers: Rate
    capacity: float
    most_states: int = field(default=1, init=False)
    _below: int = field(default=8, init=False)  # room at the window's sides for the next step
    _above: int = field(default=8, init=False)
    _length: float = field(default=0.0, init=False)  # of the next step, 0 if not known

    def laws(self, start: int, times: Floats) -> Iterator[Law]:
        """Yield the law of N at each of the sorted `times`, from N(0) = `start`."""
        law, horizon = Law(start, np.ones(1)), float(times[-1]) if times.size else 0.0
        yield from [law] * int(np.searchsorted(times, 0.0, side="right"))
        stops = stops_between(0.0, horizon, self.arrival_rate, self.servers)
        for a, b in pairwise(stops):
            inside = times[(times > a) & (times <= b)]
            law = yield from self._piece(_Piece(self, a, b), law, inside)

    def _piece(self, piece: "_Piece", law: Law, times: Floats) -> Generator[Law, None, Law]:
        """Walk from one break to the next; yield the laws asked for, return the last."""
        now, end = piece.start, piece.end
        while now < end:
            times = times[times > now]
            then = piece.landing(now, law)
            if then > now:
                yield from (piece.flown(law, now, t) for t in times[times <= then].tolist())
                law = piece.flown(law, now, then)
                self._admit(law.p.size, then)
                now, self._length = then, 0.0
                continue
            length = min(self._length or piece.first_length(now, law), piece.longest)
            then = now + length if length < 0.99 * (end - now) else end
            base = law.widened(self._below, self._above, self.capacity)
            self._admit(base.p.size, now)
            half, length = (now + then) / 2, then - now
            whole, _ = piece.step(base, now, then)
            middle, leak = piece.step(base, now, half)
            after, leak = piece.step(middle, half, then, leak)
            error = float(np.abs(whole.p - after.p).sum()) / _HALVED
            error = max(error, _UNSEEN * piece.unseen(now, half))
            if error > _TOLERANCE and length > 8 * math.ulp(then):
                self._length = length * max(0.1, 0.9 * (_TOLERANCE / error) ** _POWER)
            elif max(leak) > _LEAK:
                self._below *= 1 + (leak[0] > _LEAK)
                self._above *= 1 + (leak[1] > _LEAK)
            else:
                for t in times[times <= then].tolist():
                    at, known = (now, base) if t <= half else (half, middle)
                    yield (after if t == then else piece.step(known, at, t)[0]).trimmed()
                before, law = law, after.trimmed()
                longer = min(4.0, 0.9 * (_TOLERANCE / max(error, 1e-30)) ** _POWER)
                now, self._length = then, length * longer
                self._follow(before, law, longer)
        return law

    def _follow(self, before: Law, after: Law, longer: float) -> None:
        """Make room for the next step, by how far the law spread over its old edges in this one."""
        below = before.first - after.first
        above = after.first + after.p.size - before.first - before.p.size
        self._below = 8 + math.ceil(1.2 * longer * max(below, 0))
        self._above = 8 + math.ceil(1.2 * longer * max(above, 0))

    def _admit(self, states: int, now: float) -> None:
        """Keep account of the window, and refuse one that is too wide."""
        self.most_states = max(self.most_states, states)
        if states > MOST_STATES:
            raise ValueError(
                f"exact would follow {states} states at t = {now:g}, more than {MOST_STATES}: "
                "ask .fluid, which is close where so many wait"
            )


class _Piece:
    """A stretch of time on which the rate is smooth and the servers stay."""

    def __init__(self, chain: Chain, start: float, end: float) -> None:
        self.start, self.end = start, end
        self.rate, self.service_rate = chain.arrival_rate, chain.service_rate
        self.servers, self.capacity = float(chain.servers(start)), chain.capacity
        self.longest = chain.arrival_rate.longest_step(end)
        self.last = float(np.nextafter(end, start))  # a step of the rate belongs to what follows

    def first_length(self, now: float, law: Law) -> float:
        """Return a step in which few come or go."""
        busy = min(float(law.states[-1]), self.servers)
        changes = float(self.rate(now)) + self.service_rate * busy
        return min(0.5 / changes if changes > 0 else math.inf, self.end - now)

    def step(
        self, law: Law, now: float, then: float, leak: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[Law, tuple[float, float]]:
        """Return the law after a step, and what touched the window's edges below and above."""
        length = then - now
        births = np.asarray(self.rate(np.minimum(now + NODES * length, self.last)))
        deaths = self.service_rate * np.minimum(law.states, self.servers)
        p = step(law.p, births, deaths, length)
        below = abs(float(p[0])) * (law.first > 0)
        above = abs(float(p[-1])) * (law.first + law.p.size - 1 < self.capacity)
        return Law(law.first, p * (law.p.sum() / p.sum()), law.lost + below + above), (
            leak[0] + below,
            leak[1] + above,
        )

    def unseen(self, now: float, then: float) -> float:
        """Return how many arrivals before the first node the nodes do not foretell."""
        moments = now + (then - now) * np.append(0.0, NODES)
        births = np.asarray(self.rate(np.minimum(moments, self.last)))
        return abs(float(BACKWARD @ births[1:] - births[0])) * float(moments[1] - now)

    def landing(self, now: float, law: Law) -> float:
        """Return until when all servers stay busy and nobody is turned away; `now` if not long."""
        room = law.first - self.servers
        if room < _ROOM or self.servers == 0:
            return now
        root = (math.sqrt(_DEVIATIONS**2 + 4 * (room - _JUMPS)) - _DEVIATIONS) / 2
        length = min(root**2 / (self.service_rate * self.servers), self.end - now)
        places = self.capacity - law.first - law.p.size
        while True:
            came = float(self.rate.integral(now, now + length))
            if _most(came) <= places and _DEVIATIONS * math.sqrt(came) <= MOST_STATES / 2:
                return now + length
            if came + length * self.service_rate * self.servers < _LEAST_LEAP:
                return now
            length /= 2

    def flown(self, law: Law, now: float, then: float) -> Law:
        """Return the law at a time up to the landing: arrivals and departures are Poisson."""
        fewest, arrivals = poisson_window(float(self.rate.integral(now, then)))
        least, departures = poisson_window(self.service_rate * self.servers * (then - now))
        size = law.p.size + arrivals.size + departures.size - 2
        points = fft.next_fast_len(size, real=True)
        spectrum = fft.rfft(law.p, points)
        for pmf in (arrivals, departures[::-1]):
            spectrum *= fft.rfft(pmf, points)
        p = fft.irfft(spectrum, points)[:size]
        heard = np.where(p > _ROUNDING * p.max(), p, 0.0)
        first = law.first + fewest - (least + departures.size - 1)
        return Law(first, heard, law.lost + float(np.abs(p - heard).sum())).trimmed()


def _most(mean: float) -> int:
    """Return what a Poisson number does not exceed."""
    return math.ceil(mean + _DEVIATIONS * math.sqrt(mean) + _JUMPS)


def poisson_window(mean: float) -> tuple[int, Floats]:
    """Return what a Poisson number does not fall below, and its law from there on."""
    first = max(math.floor(mean - _DEVIATIONS * math.sqrt(mean) - _JUMPS), 0)
    numbers = np.arange(first, _most(mean) + 1, dtype=np.float64)
    return first, poisson_pmf(numbers, np.asarray(mean))
