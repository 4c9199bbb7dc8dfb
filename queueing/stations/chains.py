"""The chain of M/PH/c: how many are present, and how many servers are busy in each phase.

It is a quasi-birth-death process: from c present on the rates no longer depend on the number, and
p_{c+n} = p_c R^n. M. F. Neuts, "Matrix-Geometric Solutions in Stochastic Models" (1981). R is found
by cyclic reduction, D. A. Bini and B. Meini (SIAM Journal on Matrix Analysis and Applications 17,
1996), the near kin of the logarithmic reduction of G. Latouche and V. Ramaswami (Journal of Applied
Probability 30, 1993). The wait is itself a time in phases: B. Sengupta, "Markov processes whose
steady state distribution is matrix-exponential with an application to the GI/PH/1 queue" (Advances
in Applied Probability 21, 1989).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from queueing.stations.phase_times import PhaseTime, until_geometric

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chain:
    """The stationary chain of the number present and the servers in each phase."""

    arrival_rate: float
    servers: int
    initial: Floats
    generator: Floats

    @cached_property
    def leaving(self) -> Floats:
        """The rate of leaving from each phase."""
        return -self.generator.sum(axis=1)

    def level(self, busy: int) -> tuple[Floats, Floats, Floats]:
        """Return the rates among the states of so many busy servers, to one fewer, and to one more.

        A state counts the servers in each phase. The last are the chances of the phase in which an
        arrival starts.
        """
        here, fewer, more = (_states(n, self.initial.size) for n in (busy, busy - 1, busy + 1))
        inside = np.zeros((len(here), len(here)))
        down, up = np.zeros((len(here), len(fewer))), np.zeros((len(here), len(more)))
        starts = np.flatnonzero(self.initial).tolist()
        moves = [np.flatnonzero(row).tolist() for row in self.generator]
        for state, row in here.items():
            for phase, count in enumerate(state):
                for other in moves[phase] if count else []:
                    column = here[_moved(state, phase, other)]
                    inside[row, column] += count * self.generator[phase, other]
                if count:
                    down[row, fewer[_moved(state, phase, None)]] += count * self.leaving[phase]
            for phase in starts:
                up[row, more[_moved(state, None, phase)]] += self.initial[phase]
        return inside, down, up

    @cached_property
    def top(self) -> tuple[Floats, Floats, Floats]:
        """The rates at level c without a departure, the rates of departure, and -U.

        U = A1 + lambda G is the generator at c until the chain falls below, R = lambda (-U)^(-1).
        """
        inside, down, _ = self.level(self.servers)
        departing = down @ self.level(self.servers - 1)[2]
        return inside, down, _taboo(self.arrival_rate, inside, departing)

    @cached_property
    def levels(self) -> list[Floats]:
        """The probabilities p_0, ..., p_c, by elimination from level c down to 0, then up again."""
        _, down, taboo = self.top
        climbs = []
        for busy in range(self.servers - 1, -1, -1):
            inside, next_down, up = self.level(busy)
            climb = linalg.solve(taboo.T, self.arrival_rate * up.T).T  # p_{n+1} = p_n climb
            climbs.append(climb)
            taboo = _with_row_sums(-inside - climb @ down, next_down.sum(axis=1))
            down = next_down
        weights = [np.ones(1)]
        for climb in reversed(climbs):
            weights.append(weights[-1] @ climb)
            if weights[-1].sum() > 1e200:  # they grow to e^a
                weights = [weight * 1e-200 for weight in weights]
        # the mean number of idle servers is c - a
        idle = sum((self.servers - n) * weights[n].sum() for n in range(self.servers))
        return [weight * (self.idle / idle) for weight in weights]

    @property
    def idle(self) -> float:
        """The mean number of idle servers, c - a."""
        return self.servers - self.arrival_rate * float(
            self.initial @ np.linalg.solve(-self.generator, np.ones(self.initial.size))
        )

    @cached_property
    def scale(self) -> Floats:
        """The y = (I - R)^(-1) 1, from (-U - lambda) y = rates of departure."""
        _, down, taboo = self.top
        return linalg.solve(taboo - self.arrival_rate * np.eye(len(taboo)), down.sum(axis=1))

    @property
    def wait_probability(self) -> float:
        """P(N >= c)."""
        return float(self.levels[-1] @ self.scale)

    @cached_property
    def wait(self) -> "PhaseTime":
        """P(W > t) = p_c e^((U + lambda) t) y, its phases scaled so that they are a chain."""
        _, down, taboo = self.top
        rates = (self.arrival_rate * np.eye(len(taboo)) - taboo) * self.scale / self.scale[:, None]
        return PhaseTime(self.levels[-1] * self.scale, rates, down.sum(axis=1) / self.scale)

    @cached_property
    def time_in_system(self) -> "PhaseTime":
        """First in the phases of the wait, then in those of the service."""
        wait, phases = self.wait, self.initial.size
        rates = linalg.block_diag(wait.rates, self.generator)
        rates[:-phases, -phases:] = np.outer(wait.leaving, self.initial)
        initial = np.append(wait.initial, (1 - self.wait_probability) * self.initial)
        return PhaseTime(initial, rates, np.append(np.zeros(wait.leaving.size), self.leaving))

    @cached_property
    def beyond(self) -> tuple[Floats, float]:
        """P(N >= c + n) = p_c R^n y, n = 0, 1, ..., and the share lost a step from there on."""
        rise = self.arrival_rate * linalg.inv(self.top[2])
        return until_geometric(self.levels[-1], rise, self.scale, np.ones(self.scale.size))


def _states(busy: int, phases: int) -> dict[tuple[int, ...], int]:
    """Number the ways to spread the busy servers over the phases."""
    if busy < 0:
        return {}
    ways = combinations_with_replacement(range(phases), busy)
    counts = (np.bincount(np.array(way, dtype=int), minlength=phases) for way in ways)
    return {tuple(count.tolist()): row for row, count in enumerate(counts)}


def _moved(state: tuple[int, ...], source: int | None, target: int | None) -> tuple[int, ...]:
    """Return the state after a server has changed its phase, started or stopped."""
    counts = list(state)
    if source is not None:
        counts[source] -= 1
    if target is not None:
        counts[target] += 1
    return tuple(counts)


def _taboo(arrival_rate: float, inside: Floats, departing: Floats) -> Floats:
    """Return -U by cyclic reduction: every other level is eliminated, again and again."""
    up, down, leaving = arrival_rate * np.eye(len(inside)), departing, departing.sum(axis=1)
    middle = up - inside
    first = middle
    while True:
        over, under = np.hsplit(linalg.solve(middle, np.hstack([up, down])), 2)
        change = up @ under
        first = _with_row_sums(first - change, leaving)
        if np.abs(change).max() <= 1e-18 * np.abs(first).max():
            return first
        middle = middle - change - down @ over
        up, down = up @ over, down @ under
        middle = _with_row_sums(middle, up.sum(axis=1) + down.sum(axis=1))


def _with_row_sums(matrix: Floats, sums: Floats) -> Floats:
    """Return the matrix with the diagonal that gives its rows these sums.

    Off the diagonal it is not positive, so nothing cancels, as it would in the diagonal itself: W.
    K. Grassmann, M. I. Taksar and D. P. Heyman (Operations Research 33, 1985).
    """
    off = matrix - np.diag(np.diag(matrix))
    return off + np.diag(sums - off.sum(axis=1))
