"""The lines at servers where each request joins the shortest: the states and the moves between.

The exact Markov chain is cut where one line has more than a few requests above another: there the
longest sends one over. I. J. B. F. Adan, G. J. van Houtum and J. van der Wal, "Upper and lower
bounds for the waiting time in the symmetric shortest queue system" (Annals of Operations Research
48, 1994).
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]

_MOST_STATES = 3000


@dataclass(frozen=True, eq=False)
class Lines:
    """The states of lines that differ by a few requests at most, and the moves between them."""

    least: Ints  # requests in the shortest line, by state
    total: Ints  # requests in all lines, by state
    joined_from: Ints  # an arrival's moves
    joined_to: Ints
    left_from: Ints  # the moves of departures, by the length of the line they leave
    left_to: Ints
    left: Ints
    alike: Ints  # how many lines have that length

    @property
    def origin(self) -> Ints:
        """Where each move starts: those of arrivals, then those of departures."""
        return np.concatenate([self.joined_from, self.left_from])

    @property
    def target(self) -> Ints:
        """Where each move ends."""
        return np.concatenate([self.joined_to, self.left_to])

    @cached_property
    def order(self) -> Ints:
        """The states in an order in which elimination leaves most numbers 0."""
        ends = np.concatenate([self.target, self.origin])
        goes = np.concatenate([self.origin, self.origin])
        flow = sparse.csc_matrix((np.repeat([1.0, -1.0], self.origin.size), (ends, goes)))
        leaking = flow - sparse.eye_array(self.total.size)  # lest it be singular
        return np.argsort(splu(leaking.tocsc()).perm_c)


@lru_cache(maxsize=64)
def lines_of(count: int, level: int) -> Lines:
    """Return the chain of `count` lines of at most `level` requests; a state is sorted lengths."""
    spread = next(
        b for b in (3, 2, 1) if b == 1 or (level + 1) * math.comb(count - 1 + b, b) <= _MOST_STATES
    )
    states = [
        (least, *others)
        for least in range(level + 1)
        for others in combinations_with_replacement(
            range(least, min(least + spread, level) + 1), count - 1
        )
    ]
    index = {state: number for number, state in enumerate(states)}
    joined, left = [], []
    for number, state in enumerate(states):
        if state[0] < level:
            joined.append((number, index[_changed(state, state[0], 1)]))
        for length in sorted(set(state) - {0}):
            shorter = _changed(state, length, -1)
            if shorter not in index:  # too far apart: the longest line sends one over
                shorter = _changed(state, state[-1], -1)
            left.append((number, index[shorter], length, state.count(length)))
    least, total = np.array([(state[0], sum(state)) for state in states]).T
    return Lines(least, total, *np.array(joined).reshape(-1, 2).T, *np.array(left).reshape(-1, 4).T)


def _changed(state: tuple[int, ...], length: int, change: int) -> tuple[int, ...]:
    """Return the sorted lengths with one line of `length` changed."""
    place = state.index(length)
    return tuple(sorted((*state[:place], length + change, *state[place + 1 :])))


def stationary(lines: Lines, rate: Floats, likely: int) -> Floats:
    """Return the stationary weights of the chain, relative to a likely state's.

    `rate` has those of arrivals' moves, then those of departures'.
    """
    pattern = _pattern(lines, likely)
    entries = np.concatenate([rate, -rate])[pattern.kept]
    size = pattern.states.size
    balance = sparse.csc_matrix(
        (np.bincount(pattern.place, entries), pattern.rows, pattern.starts), shape=(size, size)
    )
    come = np.bincount(pattern.into, rate[pattern.come], size)
    weights = np.ones(size + 1)
    weights[pattern.states] = splu(balance, permc_spec="NATURAL").solve(-come)
    return weights


class _Pattern(NamedTuple):
    """Where the rates of a chain's moves stand in its equations, without those of one state."""

    states: Ints  # the others, in their order
    rows: Ints  # of the numbers, column by column
    starts: Ints  # of the columns
    kept: NDArray[np.bool_]  # of all moves, into a state and then out of one
    place: Ints  # of those that are kept, among the numbers
    come: NDArray[np.bool_]  # the moves out of the one state
    into: Ints  # and where they end


@lru_cache(maxsize=64)
def _pattern(lines: Lines, likely: int) -> _Pattern:
    origin, target = lines.origin, lines.target
    goes, ends = np.concatenate([origin, origin]), np.concatenate([target, origin])
    states = lines.order[lines.order != likely]
    number = np.full(states.size + 1, -1)
    number[states] = np.arange(states.size)
    kept = (number[goes] >= 0) & (number[ends] >= 0)
    keys, place = np.unique(
        number[goes[kept]] * states.size + number[ends[kept]], return_inverse=True
    )
    come = (origin == likely) & (target != likely)
    return _Pattern(
        states=states,
        rows=keys % states.size,
        starts=np.searchsorted(keys // states.size, np.arange(states.size + 1)),
        kept=kept,
        place=place,
        come=come,
        into=number[target[come]],
    )
