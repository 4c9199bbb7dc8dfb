"""Times that a chain spends in its phases: which laws are such times, and how a long one ends.

M. F. Neuts, "Matrix-Geometric Solutions in Stochastic Models" (1981), chapter 2; the tails by
making the chain uniform, A. Jensen (Skandinavisk Aktuarietidskrift 36, 1953).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

from queueing.distributions import Distribution, Gamma, Hypoexponential, PhaseType
from queueing.erlang import poisson_pmf
from queueing.laws import Mixture, Sum
from queueing.transforms import Complexes

Floats = NDArray[np.float64]

_MOST_PHASES = 3_000
_MOST_WORK = 1e11  # multiplications that a law may take
_CHUNK = 1 << 21  # numbers in a table built at a time


def phase_type(law: object) -> PhaseType | None:  # noqa: PLR0911 - a family, a return
    """Return a law as the time that a chain spends in phases, or None where it is none.

    Gamma laws of a whole shape (Erlang's), and sums and mixtures of phase types, are.

    >>> from queueing.distributions import erlang
    >>> phase_type(erlang(mean=1, shape=2)).generator
    ((-2.0, 2.0), (0.0, -2.0))
    """
    match law:
        case PhaseType():
            return law
        case Gamma() if law.shape < _MOST_PHASES and abs(law.shape - round(law.shape)) < 1e-9:
            shape = round(law.shape)
            chain = (np.eye(shape, k=1) - np.eye(shape)) / (law.mean() / shape)
            return PhaseType(initial=np.eye(shape)[0], generator=chain)
        case Hypoexponential():
            first, second = law.first_rate, law.second_rate
            return PhaseType(initial=[1, 0], generator=[[-first, first], [0, -second]])
        case Mixture():
            parts = [(weight, phase_type(part)) for weight, part in law.parts]
            chains = [(weight, part) for weight, part in parts if part is not None]
            if len(chains) < len(parts):
                return None
            return PhaseType(
                initial=np.concatenate([w * np.array(part.initial) for w, part in chains]),
                generator=linalg.block_diag(*[part.generator for _, part in chains]),
            )
        case Sum():
            links = [phase_type(part) for part in law.parts]
            total = links[0]
            for link in links[1:]:
                total = _in_turn(total, link) if total and link else None
            return total
    return None


def _in_turn(first: PhaseType, second: PhaseType) -> PhaseType:
    """Return one time in phases after the other."""
    leaving = -np.sum(first.generator, axis=1)
    chain = linalg.block_diag(first.generator, second.generator)
    chain[: leaving.size, leaving.size :] = np.outer(leaving, second.initial)
    initial = np.append(first.initial, first.atom() * np.array(second.initial))
    return PhaseType(initial=initial, generator=chain)


def until_geometric(
    start: Floats, step: Floats, weights: Floats, lost: Floats
) -> tuple[Floats, float]:
    """Return start step^n weights, n = 0, 1, ..., until it is geometric, and the share lost a step.

    `lost` is weights - step weights, given apart because that difference has lost its digits.
    """
    sizes, shares, row = [], [], start
    while True:
        sizes.append(float(row @ weights))
        shares.append(float(row @ lost) / sizes[-1] if sizes[-1] else 1.0)
        if sizes[-1] < 1e-290 or (
            len(shares) > 16 and abs(shares[-1] - shares[-17]) <= 1e-13 * shares[-1]
        ):
            return np.array(sizes), min(shares[-1], 1.0)
        if len(sizes) * row.size**2 > _MOST_WORK:
            raise ValueError(
                f"the law would take more than {_MOST_WORK:g} multiplications, with "
                f"{row.size} states and rates so far apart; the means are to be had"
            )
        row = row @ step


@dataclass(frozen=True, eq=False)
class PhaseTime(Distribution):
    """The time a chain spends in its phases, `initial`, `rates` and the rates of `leaving`.

    Made uniform: events come at the rate L of the fastest phase, and after n of them the chain is
    still there with probability s_n, a sequence that soon is geometric.
    """

    initial: Floats
    rates: Floats
    leaving: Floats

    @cached_property
    def pace(self) -> float:
        """L, per second."""
        return float(-self.rates.diagonal().min())

    @cached_property
    def survival(self) -> tuple[Floats, float]:
        """s_0, s_1, ..., and the share lost an event from there on."""
        step = np.maximum(np.eye(self.initial.size) + self.rates / self.pace, 0)
        ones = np.ones(self.initial.size)
        return until_geometric(self.initial, step, ones, self.leaving / self.pace)

    def sf(self, t: ArrayLike) -> Floats:
        """Return sum_n P(Poisson(L t) = n) s_n."""
        t = np.asarray(t, dtype=float)
        events = np.clip(np.where(np.isnan(t), 0.0, t), 0, 1e18 / self.pace).ravel() * self.pace
        sizes, lost = self.survival
        n, last = np.arange(sizes.size, dtype=float), sizes.size - 1
        result = np.empty(events.shape)
        for rows in np.array_split(np.arange(events.size), events.size * n.size // _CHUNK + 1):
            some = events[rows, None]
            result[rows] = poisson_pmf(*np.broadcast_arrays(n, some)) @ sizes
        if lost < 1 and sizes[-1] > 0:
            scale = math.log(sizes[-1]) - last * math.log1p(-lost)
            later = special.gammainc(sizes.size, events * (1 - lost))
            result += np.exp(np.minimum(scale - events * lost, 0)) * later
        alive = np.where(np.isnan(t), np.nan, np.minimum(result, 1).reshape(t.shape))
        return np.where(t < 0, 1.0, alive)[()]

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """E[T] and E[T^2] / 2."""
        factors = linalg.lu_factor(-self.rates)
        first = linalg.lu_solve(factors, np.ones(self.initial.size))
        return float(self.initial @ first), float(self.initial @ linalg.lu_solve(factors, first))

    def mean(self) -> float:
        return self._moments[0]

    def var(self) -> float:
        return max(2 * self._moments[1] - self._moments[0] ** 2, 0.0)

    def lst(self, s: ArrayLike) -> Complexes:
        """Return 1 - s sum_n s_n L^n / (L + s)^(n + 1)."""
        s = np.asarray(s, dtype=complex)
        flat = s.ravel()
        sizes, lost = self.survival
        log_share = -np.log1p(flat / self.pace)
        n, share = np.arange(sizes.size - 1), np.exp(log_share)
        later = sizes[-1] * np.exp(log_share * n.size) / (1 - (1 - lost) * share)
        for rows in np.array_split(np.arange(flat.size), flat.size * n.size // _CHUNK + 1):
            later[rows] += np.exp(log_share[rows, None] * n) @ sizes[:-1]
        return np.asarray((1 - flat / (self.pace + flat) * later).reshape(s.shape))

    def atom(self) -> float:
        return max(0.0, 1 - float(self.initial.sum()))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        return np.asarray(self.ppf(rng.random(size)))
