"""Narrower intervals from the same work, where asked for: antithetic pairs and exact controls.

Antithetic: a pair of runs draws u and 1 - u, so that one is short of customers where the other has
many; the pair's mean is one value (J. M. Hammersley and K. W. Morton, "A new Monte Carlo technique:
antithetic variates", 1956). Controls: what a run measured of something whose mean is known exactly
tells how lucky it was, and a regression takes that out of means and probabilities (S. S. Lavenberg
and P. D. Welch, "A perspective on the use of control variables to increase the efficiency of Monte
Carlo simulations", Management Science 27, 1981). Percentiles are left as they are: those of short
runs are biased, which a wide interval hides and a narrow one would not.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from queueing import checks
from queueing.distributions import Distribution, Gamma, PhaseType
from queueing.simulation.station import tally
from queueing.simulation.station.plan import Law, StationPlan
from queueing.simulation.station.streams import stream_seed
from queueing.simulation.station.translate import plan_of
from queueing.stations import MMc

if TYPE_CHECKING:
    from queueing.simulation.station.run import Run

Floats = NDArray[np.float64]

LEAST = 10  # replications, or pairs, from which a regression is asked
_CONFIDENCE = 0.95
_GRAIN = 2.0**-53
_PRESENT = 1 << 20  # a purpose of its own


@dataclass(frozen=True, kw_only=True)
class ByInversion:
    """A law whose n-th time is its percentile at the n-th uniform number u, or at 1 - u."""

    law: Law
    mirrored: bool

    def mean(self) -> float:
        """Return E[T]."""
        return float(self.law.mean())

    def rvs(self, size: int, random_state: np.random.Generator) -> Floats:
        """Draw independent times."""
        u = np.clip(random_state.random(size), _GRAIN, 1 - _GRAIN)
        if self.mirrored:
            u = 1 - u
        if isinstance(self.law, Gamma):
            return self.law.scale * (
                -np.log1p(-u) if self.law.shape == 1 else special.gammaincinv(self.law.shape, u)
            )
        return np.asarray(self.law.ppf(u), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """What was asked for: pairs, controls, and the exact model that rides along, if there is one.

    `exact` is M/M/c with the same mean gap and mean service. It meets the same random numbers, but
    is in equilibrium from the first, so that no warm-up biases what it is known to be.
    """

    antithetic: bool = False
    control: bool = False
    exact: MMc | None = None
    inverted: bool = False

    @property
    def together(self) -> int:
        """How many replications make one value."""
        return 2 if self.antithetic else 1

    def drawn(self, plan: StationPlan, number: int) -> StationPlan:
        """Return a plan as a replication draws it."""
        if not self.inverted:
            return plan
        mirrored = self.antithetic and number % 2 == 1

        def law(given: Law | None) -> Any:
            return given and ByInversion(law=given, mirrored=mirrored)

        return replace(
            plan,
            gaps=law(plan.gaps),
            thinking=law(plan.thinking),
            patience=law(plan.patience),
            services=tuple(map(law, plan.services)),
        )

    def seed(self, seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
        """Return the seed from which a replication draws: a pair has one."""
        if not self.antithetic:
            return seed
        return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key[:-1], number // 2))

    def stationary(self, seed: np.random.SeedSequence, number: int) -> int:
        """Return how many the exact model has at time 0, by its stationary law."""
        own = stream_seed(self.seed(seed, number), _PRESENT)
        u = float(np.random.Generator(np.random.SFC64(own)).random())
        if self.antithetic and number % 2 == 1:
            u = 1 - u
        states = 64
        while True:
            law = np.asarray(self.exact.number_in_system.cdf(np.arange(states)))  # type: ignore[union-attr]
            if law[-1] >= min(u, 1 - 1e-12):
                return int(np.searchsorted(law, min(u, 1 - 1e-12)))
            states *= 4

    def joined(self, values: Floats) -> Floats:
        """Return the values that are independent: the pairs' means."""
        return np.asarray(values.reshape(-1, self.together, *values.shape[1:]).mean(axis=1))


def reduction_of(
    plan: StationPlan, *, control: str | None, antithetic: bool, replications: int
) -> Reduction | None:
    """Return how intervals are to be narrowed, None for not at all.

    Raises `ValueError` where that cannot be done.
    """
    if control not in {None, "exact"}:
        raise ValueError(f'control is "exact" or None, got {control!r}')
    checks.switch("antithetic", antithetic)
    if not (control or antithetic):
        return None
    if plan.moves:
        raise ValueError(
            f"{plan.name} changes with the clock: control= and antithetic= are for stations that "
            "stay; raise replications= instead"
        )
    if antithetic and replications % 2:
        raise ValueError(f"antithetic runs come in pairs: replications={replications} is odd")
    if control and replications // (2 if antithetic else 1) < LEAST:
        raise ValueError(
            f"a control's slope is found from at least {LEAST} replications, or {LEAST} pairs with "
            f"antithetic=True, got replications={replications}"
        )
    exact = _exact(plan) if control else None
    laws = [law for law in (plan.gaps, plan.thinking, plan.patience, *plan.services) if law]
    slow = [law for law in laws if not _has_quick_percentiles(law)]
    if antithetic and slow:
        raise ValueError(
            "antithetic runs draw by inversion, a percentile a customer, which this law does not "
            f'give quickly: {slow[0]!r}; control="exact" needs none'
        )
    inverted = antithetic or (
        exact is not None and not slow and not all(map(_is_exponential, laws))
    )
    return Reduction(antithetic=antithetic, control=bool(control), exact=exact, inverted=inverted)


def _has_quick_percentiles(law: Law) -> bool:
    """Tell whether a law has percentiles that take no matrix exponential and no inversion."""
    if not isinstance(law, Distribution):
        return hasattr(law, "ppf")
    return law.is_closed_form and not any(isinstance(one, PhaseType) for _, _, one in law.pieces())


def _is_exponential(law: Law) -> bool:
    return isinstance(law, Gamma) and law.shape == 1


def _exact(plan: StationPlan) -> MMc | None:
    """Return the M/M/c of a plan's means, if it is another station and keeps up.

    Where room or patience is short, the two part in the rare long lines, no line fits them, and the
    regression's interval would be too narrow: there are the inputs only.
    """
    limited = plan.room is not None or plan.patience is not None
    if plan.gaps is None or plan.classes > 1 or math.isinf(plan.servers) or limited:
        return None
    if _is_exponential(plan.gaps) and _is_exponential(plan.services[0]):
        return None
    rates = 1 / float(plan.gaps.mean()), 1 / plan.mean_service
    station = MMc(arrival_rate=rates[0], service_rate=rates[1], servers=int(plan.servers))
    return station if plan_of(station).is_stable else None


def surprises(plan: StationPlan, run: "Run", *, by_customers: bool) -> Floats:
    """Return by how much a run's services, and its arrivals, were off what is expected of them.

    Each is a sum of numbers of mean 0, by Wald's equation: services begun are independent of what
    decides that they are. Up to a horizon only Poisson arrivals have an expected number.
    """
    sums = run.sums
    served = sums[:, tally.ACCEPTED] - sums[:, tally.ABANDONED]
    means = np.array([float(law.mean()) for law in plan.services])
    services = sums[:, tally.STAY] - sums[:, tally.WAIT]
    off = ((services - means * served) / plan.mean_service).tolist()
    if plan.gaps is not None:
        came = float((sums[:, tally.ACCEPTED] + sums[:, tally.LOST]).sum())
        expected = run.seconds / float(plan.gaps.mean())
        if by_customers or _is_exponential(plan.gaps):
            off.append(came - expected)
    return np.array(off)


def controlled(values: Floats, controls: Floats) -> Floats:
    """Return values whose mean and Student interval are those of the regression on `controls`.

    Columns of `controls` have mean 0. The mean is y - b c, the variance that of the regression's
    intercept, with n - 1 - q degrees of freedom; the rest is stretched so that Student's interval
    of n values, and that of a difference of two on the same controls, is the regression's.
    """
    means = controls.mean(axis=0)
    centred = controls - means
    spread = np.sqrt((centred**2).sum(axis=0))
    varied = spread > 1e-9 * np.abs(controls).max(axis=0, initial=0.0)
    centred, means = centred[:, varied] / spread[varied], means[varied] / spread[varied]
    size, count = centred.shape
    freedom = size - 1 - count
    if freedom < 1 or count == 0 or not np.isfinite(values).all():
        return values
    slopes, *_ = np.linalg.lstsq(centred, values - values.mean(), rcond=None)
    rest = values - values.mean() - centred @ slopes
    leverage = 1 / size + float(means @ np.linalg.pinv(centred.T @ centred) @ means)
    half_width = _student(freedom) * math.sqrt(leverage / freedom)
    plain = _student(size - 1) * math.sqrt(1 / (size * (size - 1)))
    return np.asarray(values.mean() - means @ slopes + rest * (half_width / plain))


def _student(freedom: int) -> float:
    return float(special.stdtrit(freedom, (1 + _CONFIDENCE) / 2))
