"""What users see of backpressure, by chance beside theory."""

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing.backpressure import (
    BacklogAutoscaler,
    BoundedQueue,
    ConcurrencyLimit,
    TokenBucket,
    UserView,
)
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import replicate, seeds
from queueing.simulation.station import pressure
from queueing.simulation.station.customers import open_plan
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.pressure import Pressed, PressedRun
from queueing.simulation.station.result import ratios
from queueing.simulation.station.warmup import shares

Floats = NDArray[np.float64]

_SHARES = {
    "accepted": pressure.ACCEPTED,
    "delayed": pressure.DELAYED,
    "shed": pressure.SHED_,
    "lost": pressure.LOST_,
    "held": pressure.HELD,
}
_ALL = (*_SHARES, "throughput", "mean_wait")
_EXPONENTIAL = ("MM1", "MMc", "PriorityMMc")  # stations whose users `.evaluate` speaks of


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SimulatedView:
    """Estimates of what the users see under backpressure, in the words of `UserView`.

    `accepted`, `delayed`, `shed`, `lost` and `held` are shares of the arrivals, `throughput` is
    completed per second and `mean_wait` the seconds before service of those who are accepted.
    `workers` are up in the mean and `largest_backlog` jobs waited at most since time 0, where a
    backlog scales. `classes` has a view for each priority and is empty where there is but one.
    `theory` is what `.evaluate` says, None where it does not apply.
    """

    pressed: Pressed
    runs: tuple[PressedRun, ...]
    cuts: tuple[int, ...]  # stretches left out of each run
    seed: int | None  # None where some replications are missing, and none can be paired
    theory: UserView | None = None
    ending: str = ""
    kind: int | None = None  # of one class alone

    @property
    def replications(self) -> int:
        """How many replications are in the estimates."""
        return len(self.runs)

    @property
    def classes(self) -> tuple["SimulatedView", ...]:
        """A view for each priority, the first is the highest."""
        if self.kind is not None or self.pressed.plan.classes == 1:
            return ()
        theories = self.theory.classes if self.theory else [None] * self.pressed.plan.classes
        return tuple(replace(self, kind=k, theory=theory) for k, theory in enumerate(theories))

    def __getattr__(self, name: str) -> Estimate:
        """Return an estimate; say so where there is none."""
        scaled = isinstance(self.pressed.policy, BacklogAutoscaler)
        if name == "workers" and scaled:
            return self._ratio(lambda run, cut: run.worker_seconds[cut:].sum(), _seconds)
        if name == "largest_backlog" and scaled:
            return self._estimate([run.largest_backlog for run in self.runs])
        if name == "throughput":
            return self._ratio(self._count(pressure.COMPLETED), _seconds)
        if name == "mean_wait":
            return self._ratio(self._count(pressure.WAIT), self._count(pressure.ACCEPTED))
        if name not in _SHARES:
            raise AttributeError(
                f"a simulation of {type(self.pressed.policy).__name__} has no {name!r}, only "
                f"{', '.join(self._names)}"
            )
        return self._ratio(self._count(_SHARES[name]), self._count(pressure.CAME))

    def __dir__(self) -> list[str]:
        """Name the quantities too, for whoever completes names."""
        return [*super().__dir__(), *self._names]

    @property
    def _names(self) -> tuple[str, ...]:
        scaled = isinstance(self.pressed.policy, BacklogAutoscaler)
        return (*_ALL, "workers", "largest_backlog") if scaled else _ALL

    def _count(self, what: int) -> Callable[[PressedRun, int], float]:
        kinds = slice(None) if self.kind is None else self.kind
        return lambda run, cut: float(run.counts[cut:, kinds, what].sum())

    def _ratio(
        self,
        above: Callable[[PressedRun, int], float],
        below: Callable[[PressedRun, int], float],
    ) -> Estimate:
        pairs = list(zip(self.runs, self.cuts, strict=True))
        sums = np.array([above(run, cut) for run, cut in pairs], dtype=float)
        return self._estimate(ratios(sums, np.array([below(run, cut) for run, cut in pairs])))

    def _estimate(self, values: Any) -> Estimate:
        return Estimate.of(np.asarray(values, dtype=float).tolist(), seed=self.seed)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a quantity: the estimate, what theory says, and whether that is inside."""
        estimates = [getattr(self, name) for name in self._names]
        table = pd.concat([estimate.to_frame() for estimate in estimates])
        table = table.set_index(pd.Index(self._names, name="quantity"))
        if self.theory is not None:
            table["theory"] = [getattr(self.theory, name) for name in self._names]
            table["inside"] = [
                e.replications > 1 and value in e
                for e, value in zip(estimates, table["theory"], strict=True)
            ]
        return table

    def __repr__(self) -> str:
        """Write a small table."""
        lines = [f"{self.pressed.plan.name} under {self.pressed.policy!r}: {self.ending}"]
        for name in self._names:
            said = "" if self.theory is None else f"   theory {getattr(self.theory, name):.4g}"
            lines.append(f"  {name:<16} {getattr(self, name)}{said}")
        return "\n".join(lines)


def _seconds(run: PressedRun, cut: int) -> float:
    return float(run.seconds[cut:].sum())


def simulate_pressure(
    model: Any,
    plan: StationPlan,
    *,
    policy: Any,
    customers: int | None,
    horizon: float,
    warmup: float | None,
    replications: int,
    seed: int | None,
    executor: Executor | None,
    progress: bool,
) -> SimulatedView:
    """Run a station under backpressure; see `simulate`."""
    _check(plan, policy)
    theory = _theory(model, policy)
    endless = theory is not None and math.isinf(theory.mean_wait) and theory.accepted > 0
    if warmup != 0 and endless:
        raise ValueError(
            f"{plan.name} cannot keep up under {policy!r} and has no stationary state: "
            "horizon=..., warmup=0 shows how it fills from empty"
        )
    pressed = Pressed(plan=plan, policy=policy, customers=customers, horizon=horizon, warmup=warmup)
    root, streams = seeds(seed, replications)
    task = partial(pressure.run, pressed)
    runs = replicate(task, streams, executor=executor, progress=progress)
    kept = "interrupted, " if len(runs) < len(streams) else ""
    return SimulatedView(
        pressed=pressed,
        runs=tuple(runs),
        cuts=tuple(_cuts(pressed, runs)),
        seed=root if len(runs) == len(streams) else None,
        theory=theory,
        ending=f"{kept}{len(runs)} of {len(streams)} replications",
    )


def _cuts(pressed: Pressed, runs: list[PressedRun]) -> list[int]:
    """Return how many stretches to leave out of each run: MSER-5's choice by the other runs."""
    if pressed.warmup is not None:
        return [int(pressed.warmup > 0) for _ in runs]
    totals = [run.counts.sum(axis=1) for run in runs]
    waits = [each[:, pressure.WAIT] / np.maximum(each[:, pressure.ACCEPTED], 1) for each in totals]
    return [math.ceil(share * len(waits[0]) - 1e-9) for share in shares(waits)[0]]


def _check(plan: StationPlan, policy: Any) -> None:
    """Refuse what cannot be run, by name and with the alternative."""
    known = isinstance(policy, BoundedQueue | TokenBucket | ConcurrencyLimit | BacklogAutoscaler)
    if not known:
        raise ValueError(
            "backpressure must be a BoundedQueue, TokenBucket, ConcurrencyLimit, GradientLimit or "
            f"BacklogAutoscaler, got {policy!r}"
        )
    by_class = isinstance(policy, BoundedQueue) and policy.when_full == "shed-lowest"
    alike = all(law is plan.services[0] for law in plan.services)
    if plan.classes > 1 and by_class and alike and not plan.preemptive:
        plan = replace(plan, services=plan.services[:1], shares=(1.0,))
    open_plan(plan, "backpressure=")
    if plan.room is not None:
        raise ValueError(
            f"{plan.name} has a last place of its own: give M/M/c, and backpressure="
            f"BoundedQueue(capacity={plan.room})"
        )
    if isinstance(policy, BoundedQueue) and policy.capacity < plan.servers:
        raise ValueError(
            f"capacity counts those in service too: it must be at least the {plan.servers:g} "
            f"servers, got {policy.capacity}"
        )


def _theory(model: Any, policy: Any) -> UserView | None:
    """Return what `.evaluate` says of this station, if it speaks of such."""
    if type(model).__name__ not in _EXPONENTIAL:
        return None
    rates = getattr(model, "arrival_rates", None)
    rate = model.arrival_rate if rates is None else [float(each) for each in rates]
    if rates is None and not isinstance(rate, Real):
        return None
    return policy.evaluate(
        arrival_rate=rate, service_rate=model.service_rate, servers=getattr(model, "servers", 1)
    )
