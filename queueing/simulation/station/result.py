"""What the replications of a station came to: estimates, percentiles, timelines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing import checks
from queueing.simulation.estimate import Estimate
from queueing.simulation.station import tally
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.reduction import controlled, surprises
from queueing.simulation.station.run import Extent, Run
from queueing.simulation.station.translate import plan_of

Floats = NDArray[np.float64]

QUANTITIES = (
    "mean_wait",
    "mean_time_in_system",
    "mean_queue_length",
    "mean_number_in_system",
    "wait_probability",
    "blocking_probability",
    "abandonment_probability",
    "throughput",
    "utilization",
)
# Each quantity is a sum over something, of one class or all, divided by another
_Meaning = tuple[Callable[[Any], float], Callable[[Any, Run], float]]
_MEANINGS: dict[str, _Meaning] = {
    "mean_wait": (lambda s: s[tally.WAIT], lambda s, _: s[tally.ACCEPTED]),
    "mean_time_in_system": (lambda s: s[tally.STAY], lambda s, _: s[tally.ACCEPTED]),
    "mean_queue_length": (lambda s: s[tally.NUMBER] - s[tally.BUSY], lambda _, run: run.seconds),
    "mean_number_in_system": (lambda s: s[tally.NUMBER], lambda _, run: run.seconds),
    "wait_probability": (lambda s: s[tally.WAITED], lambda s, _: s[tally.ACCEPTED]),
    "blocking_probability": (
        lambda s: s[tally.LOST],
        lambda s, _: s[tally.ACCEPTED] + s[tally.LOST],
    ),
    "abandonment_probability": (lambda s: s[tally.ABANDONED], lambda s, _: s[tally.ACCEPTED]),
    "throughput": (lambda s: s[tally.DONE], lambda _, run: run.seconds),
    "utilization": (lambda s: s[tally.BUSY], lambda _, run: run.server_seconds),
}
_LACKING = {
    "blocking_probability": ("room", "nobody is turned away"),
    "abandonment_probability": ("patience", "nobody loses patience"),
}
_OF_ALL = {"utilization"}  # servers are not of a class


def lacking(plan: StationPlan, name: str) -> str:
    """Return why a plan has no such quantity, nothing where it has."""
    if name in _LACKING and getattr(plan, _LACKING[name][0]) is None:
        return f"{plan.name} has no {name}: {_LACKING[name][1]}"
    if name == "utilization" and math.isinf(plan.servers):
        return f"{plan.name} has no {name}: its servers have no end"
    return ""


def ratios(sums: Floats, counts: Floats) -> Floats:
    """Return a value a replication whose mean is the ratio of all sums to all counts.

    r = sum y / sum x; the i-th value is r + (y_i - r x_i) / mean of x, which is y_i / x_i where all
    x are the same, and needs no x_i above 0. W. G. Cochran, "Sampling Techniques" (1977). Columns
    are dealt with one by one.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sums.sum(axis=0) / counts.sum(axis=0)
        rest = (sums - ratio * counts) / counts.mean(axis=0)
        return np.asarray(np.where(np.isfinite(ratio), ratio + rest, ratio))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SimulationResult:
    """Estimates of a station's quantities, over independent replications, with 95 % intervals.

    Its quantities have the names of the theory: `mean_wait`, `mean_time_in_system`,
    `mean_queue_length`, `mean_number_in_system`, `wait_probability`, `blocking_probability`,
    `abandonment_probability`, `throughput`, `utilization`. With classes each is an array of
    estimates, one a class (but the `utilization`). A quantity that the model lacks raises
    `AttributeError`. `ending` says how it came to an end.
    """

    plan: StationPlan
    extent: Extent
    runs: tuple[Run, ...]
    seed: int
    ending: str = ""
    is_narrow: bool | None = None  # whether `until` was reached; None without it

    @property
    def replications(self) -> int:
        """How many replications are in the estimates."""
        return len(self.runs)

    @property
    def warmup(self) -> Estimate:
        """What was left out at the beginning: customers, or seconds with `horizon=`."""
        return Estimate.of(self._joined(np.array([run.warmup for run in self.runs])).tolist())

    def __getattr__(self, name: str) -> Any:
        """Return a quantity's estimate; say so where the model has none."""
        if name == "over_time":
            raise AttributeError("over_time needs horizon=: with customers= no clock is kept")
        if name not in QUANTITIES:
            raise AttributeError(f"a simulation has no {name!r}, only {', '.join(QUANTITIES)}")
        if reason := lacking(self.plan, name):
            raise AttributeError(reason)
        if self.plan.classes == 1 or name in _OF_ALL:
            return self._ratio(name, [run.sums.sum(axis=0) for run in self.runs])
        return self._by_class(lambda kind: self._ratio(name, [run.sums[kind] for run in self.runs]))

    def __dir__(self) -> list[str]:
        """Name the quantities too, for whoever completes names."""
        return [*super().__dir__(), *QUANTITIES]

    def wait_ppf(self, p: float) -> Any:
        """Return the time within which a share `p` of the waits is over, seconds.

        Raises `ValueError` for a p outside [0, 1).
        """
        return self._quantile("waits", p)

    def time_in_system_ppf(self, p: float) -> Any:
        """Return the time within which a share `p` of the customers has left, seconds.

        Raises `ValueError` for a p outside [0, 1).
        """
        return self._quantile("stays", p)

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates as a table, a row a quantity (and a class, where there are some)."""
        rows = self.estimates
        table = pd.concat([estimate.to_frame() for estimate in rows.values()])
        return table.set_index(pd.Index(list(rows), name="quantity", tupleize_cols=False))

    @property
    def variance_reduction(self) -> pd.Series:
        """How many times the replications would have had to be more, were it not for the reduction.

        For each row of `to_frame`, (half width of all runs taken as independent, without controls /
        half width)^2; 1 throughout where no reduction was asked for, nan where nothing varies.
        """
        plain = replace(self, extent=replace(self.extent, reduction=None)).to_frame()
        widths = plain["half_width"] / self.to_frame()["half_width"].replace(0.0, math.nan)
        return (widths**2).rename("variance_reduction")

    @property
    def estimates(self) -> dict[Any, Estimate]:
        """The estimates of `to_frame`, by quantity, or by (quantity, class)."""
        rows: dict[Any, Estimate] = {}
        for name in QUANTITIES:
            try:
                value = getattr(self, name)
            except AttributeError:
                continue
            several = isinstance(value, np.ndarray)
            rows |= {(name, k + 1): e for k, e in enumerate(value)} if several else {name: value}
        for name, law in (("wait", self.wait_ppf), ("time in system", self.time_in_system_ppf)):
            value = law(0.95)
            several = isinstance(value, np.ndarray)
            key = f"P95 {name}"
            rows |= {(key, k + 1): e for k, e in enumerate(value)} if several else {key: value}
        return rows

    @property
    def over_time(self) -> pd.DataFrame:
        """The number there, the line and the arrivals' fates over time, with intervals.

        Columns are pairs (quantity, "mean" | "half_width"), the index is the end of each step,
        seconds: `mean_number_in_system`, `mean_queue_length` and `wait_probability` (all servers
        busy) then; `mean_wait` and, where there are such, `blocking_probability` and
        `abandonment_probability` of those who came within the step, nan where nobody did. Needs
        `horizon=`; raises `AttributeError` otherwise.
        """
        if not self.extent.steps:
            raise AttributeError  # __getattr__ says why
        columns: dict[tuple[str, str], Floats] = {}
        for name, values in self._steps().items():
            table = [Estimate.of(row.tolist()) for row in self._joined(values).T]
            columns[name, "mean"] = np.array([estimate.mean for estimate in table])
            columns[name, "half_width"] = np.array([estimate.half_width for estimate in table])
        return pd.DataFrame(columns, index=pd.Index(self._times(), name="time"))

    @property
    def paths(self) -> pd.DataFrame:
        """The first customers of the first replication: arrived, waited, stayed, seconds."""
        first = next((run.path for run in self.runs if run.path), {})
        return pd.DataFrame(first)

    def _times(self) -> Floats:
        steps = self.extent.steps
        return np.arange(1.0, steps + 1) * (self.extent.horizon / steps)

    @property
    def states(self) -> dict[str, Floats]:
        """What holds at the end of each step, a row a replication and a column a step.

        `mean_number_in_system`, `mean_queue_length`, `wait_probability` (1 where all servers are
        busy, else 0) and, with limited room, `blocking_probability` (1 where it is full). Needs
        `horizon=`.
        """
        present = np.array([run.timeline["present"] for run in self.runs])
        busy = np.array([run.timeline["busy"] for run in self.runs])
        states = {
            "mean_number_in_system": present,
            "mean_queue_length": present - busy,
            "wait_probability": (present >= _levels(self.plan, self._times())).astype(float),
        }
        if self.plan.room is not None:
            states["blocking_probability"] = (present >= self.plan.room).astype(float)
        return states

    def _steps(self) -> dict[str, Floats]:
        """Return each quantity over time, a row a replication."""
        of = {
            name: np.array([run.timeline[name] for run in self.runs])
            for name in ("came", "lost", "gone", "wait")
        }
        accepted = of["came"] - of["lost"]
        steps = self.states | {
            "mean_wait": ratios(of["wait"], accepted),
            "blocking_probability": ratios(of["lost"], of["came"]),
            "abandonment_probability": ratios(of["gone"], accepted),
        }
        return {
            name: values
            for name, values in steps.items()
            if name not in _LACKING or getattr(self.plan, _LACKING[name][0]) is not None
        }

    def _quantile(self, times: str, p: float) -> Any:
        share = float(checks.fractions("p", p))

        def of_class(kind: int) -> Estimate:
            values = [getattr(run, times)[kind].quantile(share) for run in self.runs]
            return self._estimate(values)

        return of_class(0) if self.plan.classes == 1 else self._by_class(of_class)

    def _by_class(self, value: Callable[[int], Estimate]) -> NDArray[np.object_]:
        estimates = np.empty(self.plan.classes, dtype=object)
        estimates[:] = [value(kind) for kind in range(self.plan.classes)]
        return estimates

    def _ratio(self, name: str, rows: Sequence[Floats]) -> Estimate:
        """Return a quantity's estimate, given a row of sums for each replication."""
        above, below = _MEANINGS[name]
        sums = np.array([above(row) for row in rows], dtype=float)
        counts = [below(row, run) for row, run in zip(rows, self.runs, strict=True)]
        return self._estimate(ratios(sums, np.array(counts, dtype=float)).tolist(), name)

    def _estimate(self, values: Sequence[float], name: str = "") -> Estimate:
        """Return the estimate of a number, to be paired only if no replication is missing."""
        whole = [run.number for run in self.runs] == list(range(len(self.runs)))
        apart = self._joined(np.array(values))
        reduction = self.extent.reduction
        if name and reduction and reduction.control:
            apart = controlled(apart, self._controls(name))
        return Estimate.of(apart.tolist(), seed=self.seed if whole else None)

    def _joined(self, values: Floats) -> Floats:
        """Return a value, or a row, for whatever is independent: a replication or a pair."""
        return self.extent.reduction.joined(values) if self.extent.reduction else values

    def _controls(self, name: str) -> Floats:
        """Return columns of mean 0: inputs against their means, the exact model against itself."""
        by_customers = self.extent.customers is not None
        inputs = [surprises(self.plan, run, by_customers=by_customers) for run in self.runs]
        columns = [*self._joined(np.array(inputs)).T]
        reduction = self.extent.reduction
        exact = reduction.exact if reduction else None
        if exact and reduction:
            twin = SimulationResult(
                plan=plan_of(exact),
                extent=replace(self.extent, reduction=replace(reduction, control=False)),
                runs=tuple(run.exact for run in self.runs if run.exact),
                seed=self.seed,
            )
            columns.append(np.array(getattr(twin, name).values) - getattr(exact, name))
        return np.column_stack(columns)

    def __repr__(self) -> str:
        """Write a small table."""
        frame = self.to_frame()
        lines = [f"{self.plan.name}: {self.ending}"]
        for name, row in frame.iterrows():
            label = name if isinstance(name, str) else f"{name[0]} of class {name[1]}"  # type: ignore[index]
            estimate = Estimate(
                mean=row["mean"],
                half_width=row["half_width"],
                confidence=row["confidence"],
                replications=int(row["replications"]),
            )
            lines.append(f"  {label:<30} {estimate}")
        return "\n".join(lines)


def _levels(plan: StationPlan, times: Floats) -> Floats:
    """Return the number of servers at each time."""
    changes = np.array([time for time, _ in plan.server_changes])
    levels = np.array([plan.servers, *(count for _, count in plan.server_changes)], dtype=float)
    return np.asarray(levels[np.searchsorted(changes, times, side="right")])
