"""How long those wait who get past a full queue: the law, class by class.

With the words of `bounded`: an arrival of class k that finds a < m of its own and higher classes
waiting is served when what is before it, A, falls below 0. With up = Lambda_(k-1) / (c mu) and s in
units of c mu, x_a = E[e^(-sW); served] solves the gambler's ruin

    (1 + up + s) x_a = x_(a-1) + up x_(a+1),    x_(-1) = 1,    x_m = 0
    x_a = z^(a+1) (1 - q^(m-a)) / (1 - q^(m+1)),    q = up z^2

with z the smaller root of up z^2 - (1 + up + s) z + 1 = 0; weighed with B r^a / (1 + ... + r^m) it
is the transform of a wait (W. Feller, "An Introduction to Probability Theory and Its Applications,
volume 1", 1968, chapter XIV, on the ruin). It is inverted as in `queueing.transforms`, for
many queues at once and with as many terms as the sharpest of their laws takes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing import checks
from queueing.backpressure.bounded import BoundedQueue
from queueing.backpressure.view import UserView
from queueing.stations.markov import MMc
from queueing.transforms import ALIASING, EULER

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_COARSE = np.append(np.linspace(0, 4, 15), np.geomspace(5, 25, 4))  # in means: 1/25 is < 5 %
_FINE = np.linspace(0, 1, 6)
_ROUNDS, _MANY = 3, 2  # a few queues are asked to more digits than the points of a curve
_NOBODY = 1e-300  # the load of a class that never comes


def waits_longer(
    queue: BoundedQueue,
    seconds: ArrayLike,
    *,
    arrival_rate: float | Sequence[float],
    service_rate: float,
    servers: int,
) -> Floats:
    """Return P(W > t) of those who are accepted, a row a class; good to about 1e-8.

    The arguments are those of `BoundedQueue.evaluate`; whoever is blocked waits from his arrival.
    An overloaded queue that blocks answers 1.

    >>> queue = BoundedQueue(capacity=5)
    >>> waits_longer(queue, [0, 0.1], arrival_rate=12, service_rate=6, servers=3).round(6).tolist()
    [[0.307692, 0.087481]]
    """
    times = np.atleast_1d(np.asarray(seconds, dtype=np.float64))[None, :]
    rates = np.atleast_1d(np.asarray(arrival_rate, dtype=np.float64))
    if queue.when_full == "block":
        station = MMc(arrival_rate=float(rates.sum()), service_rate=service_rate, servers=servers)
        return np.asarray(station.wait.sf(times)) if station.is_stable else np.ones(times.shape)
    view = queue.evaluate(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
    return np.concatenate(
        [
            line.longer(times)
            for line in _lines([queue], [view], rates, service_rate * servers, servers)
        ]
    )


def waits_within(
    queues: Sequence[BoundedQueue],
    share: float,
    *,
    arrival_rate: float | Sequence[float],
    service_rate: float,
    servers: int,
) -> Floats:
    """Return the wait (s) that a `share` of the accepted stay within: rows queues, columns classes.

    Good to about a thousandth; `inf` where waits have no end or nobody is accepted. `share` is a
    fraction in (0.5, 0.96], otherwise `ValueError`; the queues say the same when they are full.

    >>> queues = [BoundedQueue(capacity=5), BoundedQueue(capacity=9)]
    >>> waits_within(queues, 0.95, arrival_rate=12, service_rate=6, servers=3).round(2).tolist()
    [[0.14], [0.28]]
    """
    if not 0.5 < checks.real("share", share, above=0) <= 0.96:
        raise ValueError(f"share is a fraction in (0.5, 0.96], got {share!r}")
    rates = np.atleast_1d(np.asarray(arrival_rate, dtype=np.float64))
    if queues[0].when_full == "block":
        station = MMc(arrival_rate=float(rates.sum()), service_rate=service_rate, servers=servers)
        found = station.wait.ppf(share) if station.is_stable else math.inf
        return np.full((len(queues), 1), float(found))
    views = [
        queue.evaluate(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
        for queue in queues
    ]
    lines = _lines(queues, views, rates, service_rate * servers, servers)
    return np.column_stack([line.within(share) for line in lines])


def _around(times: Floats, tails: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the two neighbouring times, and their tails, between which each row passes a level."""
    last = np.clip((tails > level).sum(axis=1, keepdims=True), 1, times.shape[1] - 1)
    both = np.hstack([last - 1, last])
    return np.take_along_axis(times, both, axis=1), np.take_along_axis(tails, both, axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Lines:
    """What one class sees of several queues: a row a queue."""

    most: float  # c mu
    up: float
    r: float
    places: Floats
    accepted: Floats
    delayed: Floats
    busy: Floats
    mean_wait: Floats

    def within(self, share: float) -> Floats:
        """Return the wait that a share of the accepted stay within."""
        waits = self.delayed > (1 - share) * self.accepted
        mean = np.where(waits, self.mean_wait * self.accepted, 0.0)
        mean = mean / np.where(waits, self.delayed, 1.0)
        times = _COARSE * mean[:, None]
        for _ in range(_ROUNDS if self.places.size > _MANY else _ROUNDS + 2):
            ends, tails = _around(times, self.longer(times), 1 - share)
            times = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * _FINE
        fall = np.maximum(tails[:, 0] - tails[:, 1], 1e-300)
        part = np.clip((tails[:, 0] - (1 - share)) / fall, 0.0, 1.0)
        found = ends[:, 0] + part * (ends[:, 1] - ends[:, 0])
        found = np.where(waits, found, 0.0)
        return np.where((self.accepted > 0) & np.isfinite(self.mean_wait), found, np.inf)

    def longer(self, seconds: Floats) -> Floats:
        """Return P(W > t; of the accepted)."""
        some = (self.places > 0) & (self.accepted > 0) & (self.delayed > 0)
        waits = np.divide(self.delayed, self.accepted, out=np.zeros(some.size), where=some)
        given = self._tail(np.maximum(seconds * self.most, 1e-9))
        return waits[:, None] * np.where(seconds > 0, given, 1.0)

    def _tail(self, times: Floats) -> Floats:
        """Return P(W > t; of those who wait), t in units of 1 / (c mu)."""
        t = times[..., None]
        terms = np.arange(37 + math.ceil(2.5 * math.sqrt(float(self.places.max()))))
        s: Complexes = np.asarray((ALIASING + 2j * np.pi * terms) / (2 * t), dtype=np.complex128)
        signs = np.where(terms == 0, 0.5, 1.0 - 2.0 * (terms % 2))
        sums = np.cumsum(np.real((1 - self._transform(s)) / s) * signs, axis=-1)
        return np.clip(math.exp(ALIASING / 2) / times * (sums[..., -13:] @ EULER), 0.0, 1.0)

    def _transform(self, s: Complexes) -> Complexes:
        """Return E[e^(-sW)] of those who wait."""
        up, r, places = self.up, self.r, self.places[:, None, None]
        scale = max(r, 1.0)  # weights over the greatest of them
        count = np.arange(float(self.places.max()) + 1)
        log_weights = math.log(r) * count - self.places[:, None] * math.log(scale)
        total = np.exp(np.where(count <= self.places[:, None], log_weights, -np.inf)).sum(axis=1)
        share = (self.busy / total / np.where(self.delayed > 0, self.delayed, 1.0))[:, None, None]
        a = 1 + up + s
        roots = np.sqrt(a - 2 * math.sqrt(up)) * np.sqrt(a + 2 * math.sqrt(up)) if up else a
        z = 2 / (a + roots)
        q, least = up * z * z, scale**-places
        most = np.exp(places * np.log(r / scale * z))
        beyond = np.exp(places * np.log(q)) if up else np.zeros_like(most)
        mirrored = (least * beyond - most) * up * z / (up * z - r) if up else 0.0
        plain = (least - most) / (1 - r * z)
        return np.asarray(z * (plain - mirrored) / (1 - q * beyond) * share)


def _lines(
    queues: Sequence[BoundedQueue],
    views: Sequence[UserView],
    rates: Floats,
    most: float,
    servers: int,
) -> list[_Lines]:
    """Return what each class sees."""
    above, found = 0.0, []
    for number, rate in enumerate(rates.tolist()):
        mine = [view.classes[number] if view.classes else view for view in views]
        table = np.array(
            [(v.accepted, v.delayed, v.delayed + v.shed + v.lost, v.mean_wait) for v in mine]
        )
        found.append(
            _Lines(
                most=most,
                up=above / most,
                r=max((above + rate) / most, _NOBODY),
                places=np.array([queue.capacity - servers for queue in queues], dtype=float),
                accepted=table[:, 0],
                delayed=table[:, 1],
                busy=table[:, 2],
                mean_wait=table[:, 3],
            )
        )
        above += rate
    return found
