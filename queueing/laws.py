"""The algebra of times: what a law answers, sums of independent times, and mixtures of laws.

A sum is computed from transforms (`queueing.transforms`), which a constant would spoil: a jump at t
> 0 is what an inversion cannot follow. So a law is first taken apart into pieces, each a constant
plus a law that jumps at 0 at most, and the constants are put back after the inversion. The families
with names (exponential, gamma, lognormal, ...) are in `queueing.distributions`.
"""

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import elementwise

from queueing import checks
from queueing.transforms import Complexes, Floats, crossing, tail

Seed = int | np.random.Generator | None

_FOREVER = 1e300  # a time that only `inf` exceeds
_FLAT = 1e-300  # puts where a law passes p and stays there behind the percentile: it is the first
_SHORT = 0.02  # of a time: a constant after which a law without jumps has long been smooth
_LEAST_TAIL = 1e-9  # below, an inverted tail has no digits left


class Piece(NamedTuple):
    """With probability `mass`: `shift` seconds plus a time of `law`, without atoms but at 0."""

    mass: float
    shift: float
    law: "Distribution"


class Distribution(ABC):
    """The law of a time T >= 0."""

    @abstractmethod
    def sf(self, t: ArrayLike) -> Floats:
        """Return P(T > t), for each t."""

    @abstractmethod
    def mean(self) -> float:
        """Return E[T]."""

    @abstractmethod
    def var(self) -> float:
        """Return the variance of T."""

    @abstractmethod
    def lst(self, s: ArrayLike) -> Complexes:
        """Return the Laplace-Stieltjes transform E[e^(-sT)], for complex s with Re s >= 0."""

    @abstractmethod
    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """Draw `size` independent times."""

    @property
    def is_closed_form(self) -> bool:
        """Whether `sf` needs no inversion."""
        return True

    def pieces(self) -> list[Piece]:
        """Return the law taken apart into constants and laws without atoms above 0."""
        return [Piece(1.0, 0.0, self)]

    def atom(self) -> float:
        """Return P(T = 0)."""
        return 0.0

    def transform(self, s: Complexes, known: dict[int, Complexes]) -> Complexes:
        """Return `lst(s)`, from `known` (by identity) if this law was asked before."""
        if id(self) not in known:
            known[id(self)] = self.lst(s)
        return known[id(self)]

    def cdf(self, t: ArrayLike) -> Floats:
        """Return P(T <= t), for each t."""
        return 1.0 - self.sf(t)

    def scv(self) -> float:
        """Return the squared coefficient of variation, var / mean^2; nan where that is none."""
        return self.var() / self.mean() ** 2 if 0 < self.mean() < math.inf else math.nan

    def ppf(self, p: ArrayLike) -> Floats:
        """Return the percentile: the least t with P(T <= t) >= p, for each fraction p in [0, 1).

        Raises `ValueError` for a p outside [0, 1). The answer is `inf` where T is, with more than 1
        - p.

        >>> deterministic(mean=2).ppf(95)
        Traceback (most recent call last):
        ...
        ValueError: p is a fraction in [0, 1), got 95
        """
        fractions = checks.fractions("p", p)
        above = 1 - fractions.ravel()
        if not self.is_closed_form and fractions.max(initial=0.0) > 1 - _LEAST_TAIL:
            raise ValueError(
                f"the tail of a sum is good to {_LEAST_TAIL:g}: p must be at most "
                f"{1 - _LEAST_TAIL}, got {fractions.max()}"
            )
        atoms: dict[float, float] = defaultdict(float)
        for mass, shift, law in self.pieces():
            atoms[shift] += mass * law.atom()
        least = min(atoms)
        high = self._upper_end(above)
        result = np.where(self.sf(np.full(above.shape, least)) <= above, least, high)
        for place, mass in atoms.items():
            if not mass:
                continue
            beyond = float(self.sf(place))
            result[(beyond <= above) & (above < beyond + mass)] = place
        open_ = np.flatnonzero((result == high) & np.isfinite(high) & (high > least))
        if open_.size and not self.is_closed_form:
            near = least + _alike(self.mean() - least, self.var(), above[open_])
            result[open_] = crossing(self.sf, above[open_], least, high[open_], near)
        elif open_.size:
            root = elementwise.find_root(
                lambda t, q: (d := self.sf(t) - q) - (d == 0) * _FLAT,
                (np.full(open_.shape, least), high[open_]),
                args=(above[open_],),
                tolerances={"xrtol": 1e-14, "xatol": 0.0},
            )
            result[open_] = root.x
        return result.reshape(fractions.shape)[()]

    def _upper_end(self, above: Floats) -> Floats:
        """Return times that T exceeds with less than `above`: by Cantelli, or by doubling."""
        if math.isfinite(self.var()):
            return (self.mean() + math.sqrt(self.var() / above.min(initial=1.0))) * np.full(
                above.shape, 1 + 1e-9
            )
        finite = float(self.sf(_FOREVER)) < above
        high = np.ones(above.shape)
        while (short := finite & (self.sf(high) > above)).any():
            high[short] *= 2
        return np.where(finite, high, np.inf)

    def rvs(self, size: int | tuple[int, ...] | None = None, random_state: Seed = None) -> Floats:
        """Draw independent times: `size` as in NumPy, `random_state` a seed or a Generator."""
        rng = np.random.default_rng(random_state)
        shape = () if size is None else size
        return self.draw(math.prod(np.atleast_1d(shape).astype(int)), rng).reshape(shape)[()]

    def __add__(self, other: "Distribution | float") -> "Distribution":
        """Return the law of this time plus an independent one, or plus a constant."""
        if not isinstance(other, Distribution):
            other = deterministic(mean=other)
        return Sum((*_parts(self), *_parts(other)))

    __radd__ = __add__


def deterministic(*, mean: float) -> Distribution:
    """Return the law of a constant >= 0. Raises `ValueError`.

    >>> float(deterministic(mean=1.5).ppf(0.5))
    1.5
    """
    return Constant(checks.real("mean", mean, at_least=0))


def mixture(parts: Sequence[tuple[float, Distribution]]) -> Distribution:
    """Return the law that follows each of [(probability, distribution), ...] that often.

    The probabilities sum to 1. Raises `ValueError` otherwise.

    >>> cached = mixture([(0.85, deterministic(mean=0.001)), (0.15, deterministic(mean=0.08))])
    >>> float(cached.ppf(0.85)), float(cached.ppf(0.95))
    (0.001, 0.08)
    """
    good = isinstance(parts, Sequence) and all(
        isinstance(part, Sequence) and len(part) == 2 and isinstance(part[1], Distribution)
        for part in parts
    )
    if not good or not parts:
        raise ValueError(f"mixture needs pairs (probability, distribution), got {parts!r}")
    weights = [checks.real("probability", weight, at_least=0) for weight, _ in parts]
    if not math.isclose(total := math.fsum(weights), 1, rel_tol=1e-9):
        raise ValueError(f"the probabilities of a mixture must sum to 1, got {total:g}")
    return Mixture(
        tuple(
            (weight / total, law)
            for weight, (_, law) in zip(weights, parts, strict=True)
            if weight > 0
        )
    )


@dataclass(frozen=True)
class Constant(Distribution):
    """A time that is always the same; `inf` means that it never comes."""

    value: float

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        return np.where(np.isnan(t), np.nan, np.where(t < self.value, 1.0, 0.0))[()]

    def mean(self) -> float:
        return self.value

    def var(self) -> float:
        return 0.0 if math.isfinite(self.value) else math.inf

    def lst(self, s: ArrayLike) -> Complexes:
        s = np.asarray(s, dtype=complex)
        return np.exp(-s * self.value) if math.isfinite(self.value) else np.zeros_like(s)

    def pieces(self) -> list[Piece]:
        return [Piece(1.0, self.value, Constant(0.0))]

    def atom(self) -> float:
        return float(self.value == 0)

    def draw(self, size: int, _rng: np.random.Generator) -> Floats:
        return np.full(size, self.value)


@dataclass(frozen=True)
class Mixture(Distribution):
    """The law that follows each of its parts with a probability."""

    parts: tuple[tuple[float, Distribution], ...]

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        closed = [(weight, law) for weight, law in self.parts if law.is_closed_form]
        rest = [(weight, law) for weight, law in self.parts if not law.is_closed_form]
        total = sum((weight * law.sf(t) for weight, law in closed), np.zeros(t.shape))
        if len(rest) == len(self.parts):
            total = _inverted(self._pieces, t)
        elif rest:
            pieces = [piece for weight, law in rest for piece in _weighted(weight, law)]
            total = total + _inverted(_by_shift(pieces), t)
        return total[()]

    def mean(self) -> float:
        return self._moments[0]

    def var(self) -> float:
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[float, float]:
        mean = math.fsum(weight * law.mean() for weight, law in self.parts)
        if math.isinf(mean):
            return mean, math.inf
        variances = [weight * (law.var() + (law.mean() - mean) ** 2) for weight, law in self.parts]
        return mean, math.fsum(variances)

    def lst(self, s: ArrayLike) -> Complexes:
        return self.transform(np.asarray(s, dtype=complex), {})

    @cached_property
    def is_closed_form(self) -> bool:
        return all(law.is_closed_form for _, law in self.parts)

    def pieces(self) -> list[Piece]:
        return list(self._pieces)

    @cached_property
    def _pieces(self) -> list[Piece]:
        return _by_shift([piece for weight, law in self.parts for piece in _weighted(weight, law)])

    def atom(self) -> float:
        return math.fsum(weight * law.atom() for weight, law in self.parts)

    def transform(self, s: Complexes, known: dict[int, Complexes]) -> Complexes:
        if id(self) not in known:
            known[id(self)] = sum(
                (w * law.transform(s, known) for w, law in self.parts), np.zeros_like(s)
            )
        return known[id(self)]

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        chosen = rng.choice(len(self.parts), size, p=np.array([weight for weight, _ in self.parts]))
        times = np.empty(size)
        for index, (_, law) in enumerate(self.parts):
            times[chosen == index] = law.draw(int(np.sum(chosen == index)), rng)
        return times


@dataclass(frozen=True)
class Sum(Distribution):
    """The law of the sum of independent times."""

    parts: tuple[Distribution, ...]

    def sf(self, t: ArrayLike) -> Floats:
        t = np.asarray(t, dtype=float)
        constant = math.fsum(law.value for law in self.parts if isinstance(law, Constant))
        random = [law for law in self.parts if not isinstance(law, Constant)]
        if math.isinf(constant) or not random:
            return Constant(constant).sf(t)
        return random[0].sf(t - constant) if len(random) == 1 else _inverted(self._pieces, t)[()]

    def mean(self) -> float:
        return math.fsum(law.mean() for law in self.parts)

    def var(self) -> float:
        return math.fsum(law.var() for law in self.parts)

    def lst(self, s: ArrayLike) -> Complexes:
        return self.transform(np.asarray(s, dtype=complex), {})

    @property
    def is_closed_form(self) -> bool:
        random = [law for law in self.parts if not isinstance(law, Constant)]
        return len(random) < 2 and all(law.is_closed_form for law in random)

    def pieces(self) -> list[Piece]:
        return list(self._pieces)

    @cached_property
    def _pieces(self) -> list[Piece]:
        combined = []
        for pieces in product(*(law.pieces() for law in self.parts)):
            laws = [piece.law for piece in pieces if piece.law != _ZERO]
            law = Sum(tuple(laws)) if len(laws) > 1 else laws[0] if laws else _ZERO
            mass = math.prod(piece.mass for piece in pieces)
            combined.append(Piece(mass, math.fsum(piece.shift for piece in pieces), law))
        return _by_shift(combined)

    def atom(self) -> float:
        return math.prod(law.atom() for law in self.parts)

    def transform(self, s: Complexes, known: dict[int, Complexes]) -> Complexes:
        if id(self) not in known:
            known[id(self)] = math.prod(
                (law.transform(s, known) for law in self.parts), start=np.ones_like(s)
            )
        return known[id(self)]

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return np.sum([law.draw(size, rng) for law in self.parts], axis=0)


_ZERO = Constant(0.0)


def _alike(mean: float, variance: float, above: Floats) -> Floats:
    """Return the times that a gamma law of these moments exceeds with `above`."""
    if not 0 < mean < math.inf or not 0 < variance < math.inf:
        return np.ones(above.shape)
    return special.gammainccinv(mean**2 / variance, above) * variance / mean


def _parts(law: Distribution) -> tuple[Distribution, ...]:
    return law.parts if isinstance(law, Sum) else (law,)


def _weighted(weight: float, law: Distribution) -> list[Piece]:
    return [Piece(weight * mass, shift, piece) for mass, shift, piece in law.pieces()]


def _by_shift(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with those of one shift mixed into one."""
    grouped: dict[float, list[Piece]] = defaultdict(list)
    for piece in pieces:
        grouped[piece.shift].append(piece)
    mixed = []
    for shift, group in grouped.items():
        mass = math.fsum(piece.mass for piece in group)
        law = (
            group[0].law
            if len(group) == 1
            else Mixture(tuple((piece.mass / mass, piece.law) for piece in group))
        )
        mixed.append(Piece(mass, shift, law))
    return mixed


def _gathered(pieces: list[Piece], first: float) -> list[Piece]:
    """Return the pieces with short constants put back where nothing jumps: fewer inversions.

    Short beside `first`, the least time that is asked for: there the law is smooth again.
    """
    least = min(piece.shift for piece in pieces)
    reach = least + _SHORT * (first - least)
    short = [piece for piece in pieces if piece.shift <= reach and not piece.law.atom()]
    if len(short) < 2:
        return pieces
    mass = math.fsum(piece.mass for piece in short)
    parts = [
        (piece.mass / mass, Sum((piece.law, Constant(piece.shift - least)))) for piece in short
    ]
    others = [piece for piece in pieces if piece.shift > reach or piece.law.atom()]
    return [*others, Piece(mass, least, Mixture(tuple(parts)))]


def _inverted(pieces: list[Piece], t: Floats) -> Floats:
    """Return P(T > t) of a law in pieces of different shifts, each inverted by itself."""
    flat = t.ravel()
    result = np.where(np.isnan(flat), np.nan, 0.0)
    for mass, shift, law in _gathered(pieces, float(np.min(flat, initial=math.inf))):
        after = flat - shift if math.isfinite(shift) else np.full(flat.shape, -1.0)
        result += mass * np.where(after == 0, 1 - law.atom(), tail(partial(_ask, law), after))
    return result.reshape(t.shape)


def _ask(law: Distribution, s: Complexes) -> Complexes:
    """Return the law's transform, each law within it asked once."""
    return law.transform(s, {})
