"""`simulate`: a station of the theory, run by chance."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np

from queueing import checks
from queueing.simulation.replicate import replicate, seeds
from queueing.simulation.station.arrivals import bounded
from queueing.simulation.station.crowds import crowded
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.reduction import reduction_of
from queueing.simulation.station.result import QUANTITIES, SimulationResult, lacking
from queueing.simulation.station.run import Extent, Record, Run, run
from queueing.simulation.station.translate import plan_of
from queueing.simulation.station.warmup import shares

if TYPE_CHECKING:
    from queueing.retries import RetryPolicy
    from queueing.simulation.estimate import Estimate
    from queueing.simulation.station.pressure import Policy
    from queueing.simulation.station.storm import RetryResult
    from queueing.simulation.station.view import SimulatedView

_STEPS = 100  # of a timeline
_PILOT = 10  # replications that find the warm-up, and before which no interval is narrow enough
_COLD = "; half a run was no warm-up for the rest: make the runs longer"
_MEMORIES = 50  # of a station that a run should last
Width = float | str


class Options(TypedDict, total=False):
    """What may be said of any run."""

    customers: int | None
    horizon: float | None
    warmup: float | str
    replications: int
    seed: int | None
    until: Mapping[Any, Width] | None
    executor: Executor | None
    progress: bool
    steps: int
    start: int
    control: str | None
    antithetic: bool


@overload
def simulate(model: Any, **options: Unpack[Options]) -> SimulationResult: ...


@overload
def simulate(
    model: Any, *, retries: "RetryPolicy", timeout: float = ..., **options: Unpack[Options]
) -> "RetryResult": ...


@overload
def simulate(
    model: Any, *, backpressure: "Policy", **options: Unpack[Options]
) -> "SimulatedView": ...


def simulate(
    model: Any,
    *,
    customers: int | None = None,
    horizon: float | None = None,
    warmup: float | str = "mser5",
    replications: int = 20,
    seed: int | None = None,
    until: Mapping[Any, Width] | None = None,
    executor: Executor | None = None,
    progress: bool = False,
    steps: int = _STEPS,
    start: int = 0,
    control: str | None = None,
    antithetic: bool = False,
    retries: "RetryPolicy | None" = None,
    timeout: float = math.inf,
    backpressure: "Policy | None" = None,
) -> "SimulationResult | RetryResult | SimulatedView":
    """Run a station of the theory, from empty, in independent replications.

    A run lasts for a number of `customers` or up to a `horizon`, seconds; one of the two is given.
    `warmup` is left out at its beginning: customers of the `customers`, seconds of the `horizon`,
    or what MSER-5 finds, at most the first half. Where a rate moves there is nothing to warm up to,
    and nothing is left out unless told.

    `seed` (a whole number >= 0, or None for a fresh one) makes it repeatable, bit by bit, on any
    number of cores and any `executor` (of `concurrent.futures`). Models that share a seed meet the
    same customers, and the differences of their estimates are paired.

    `until={"mean_wait": 0.01}` stops when the half width of that interval is at most 0.01, in its
    own unit; "1 %" stands for a share of the mean, and ("wait_ppf", 0.95) for a percentile. There
    are at least 10 replications then and at most `replications`; `ending` and `is_narrow` tell how
    it ended. Ctrl-C keeps the finished replications. With `horizon=` there are `steps` rows
    `over_time`.

    `retries=RetryPolicy(...)` and `timeout=` seconds let customers give up and try again, while
    their work stays in line, up to a `horizon`; nothing is left out unless told. `backpressure=`
    puts one of `queueing.backpressure` before the station: a limit, a bucket, a queue with a last
    place; with a BacklogAutoscaler the station's servers are those of one worker. Each has a result
    of its own kind.

    With `horizon=`, `start` customers are there at time 0, whose services begin then: they count as
    present, not as arrivals. `control="exact"` and `antithetic=True` narrow the intervals where
    nothing moves, and `variance_reduction` says by how much: the first those of means and
    probabilities, by what is known exactly (mean gap and service, and M/M/c of the same means where
    the model is of another kind, without limits), the second by pairs of runs on u and 1 - u, each
    of which counts as one.

    Raises `ValueError` for a model that cannot be run, for one that has no stationary state but is
    asked for it, and for parameters that make no sense.

    >>> from queueing.stations import MMc
    >>> bank = MMc(arrival_rate=12, service_rate=6, servers=3)
    >>> bank.mean_wait in simulate(bank, customers=20_000, seed=2026).mean_wait
    True
    >>> from queueing.backpressure import BoundedQueue
    >>> queue = BoundedQueue(capacity=5)
    >>> view = simulate(bank, backpressure=queue, customers=20_000, seed=2026)
    >>> view.theory.shed in view.shed
    True
    """
    plan = plan_of(model)
    if retries is not None or backpressure is not None or timeout != math.inf:
        if start or control is not None or antithetic:
            raise ValueError(
                "start=, control= and antithetic= are for a station alone, "
                "without retries= and backpressure="
            )
        return crowded(
            model,
            plan,
            retries=retries,
            timeout=timeout,
            backpressure=backpressure,
            until=until,
            customers=customers,
            horizon=horizon,
            warmup=_cut(plan, customers, horizon, warmup),
            steps=steps,
            replications=replications,
            seed=seed,
            executor=executor,
            progress=progress,
        )
    extent = _extent(plan, customers, horizon, warmup, steps)
    extent = replace(extent, start=_start(plan, extent, start))
    if plan.rate is not None:
        plan = replace(plan, rate=bounded(plan.rate, extent.horizon))
    root, streams = seeds(seed, replications)
    wanted = _wanted(until, len(streams))
    _refuse_lacking(plan, wanted)
    reduction = reduction_of(
        plan, control=control, antithetic=antithetic, replications=len(streams)
    )
    extent = replace(extent, reduction=reduction)
    runs: list[Run] = []
    batch = len(streams) if until is None and extent.warmup is not None else _PILOT
    narrow, cut_short = None, False
    while len(runs) < len(streams) and not (narrow or cut_short):
        todo = streams[len(runs) : len(runs) + batch]
        task = partial(run, plan, extent)
        finished = replicate(task, todo, executor=executor, progress=progress)
        cut_short = len(finished) < len(todo)
        extent = _add(runs, finished, extent)
        if wanted:
            result = SimulationResult(plan=plan, extent=extent, runs=tuple(runs), seed=root)
            narrow = all(_is_narrow(result, *each) for each in wanted)
        else:
            batch = len(streams)
    runs = _complete(runs, extent)
    return SimulationResult(
        plan=plan,
        extent=extent,
        runs=tuple(runs),
        seed=root,
        ending=_ending(len(runs), len(streams), narrow=narrow, cut_short=cut_short)
        + _shortness(plan, extent, from_empty=extent.customers is None and warmup == 0),
        is_narrow=narrow,
    )


def _shortness(plan: StationPlan, extent: Extent, *, from_empty: bool) -> str:
    """Say so if the runs are too short for a stationary mean: by their look, or by the load."""
    if plan.moves or from_empty:
        return ""
    length = extent.horizon if extent.customers is None else extent.customers - 1
    seconds = length * float(plan.gaps.mean()) if extent.customers and plan.gaps else length
    if seconds < _MEMORIES * plan.memory:
        return f"; each run is short for a station that remembers about {plan.memory:.2g} s"
    return _COLD if 2 * (extent.warmup or 0.0) >= length else ""


def _add(runs: list[Run], finished: Sequence[Run | Record], extent: Extent) -> Extent:
    """Add replications to the runs; return how the next ones are to be run.

    The first have found the warm-up, each that of the others; all of them have for those to come.
    """
    records = [one for one in finished if isinstance(one, Record)]
    runs += [one for one in finished if isinstance(one, Run)]
    if not records:
        return extent
    together = extent.reduction.together if extent.reduction else 1
    records = records[: len(records) // together * together]
    each, common = shares([record.batches for record in records], together)
    cuts = np.searchsorted(extent.cuts, np.multiply([*each, common], 2 * extent.cuts[-1]))
    runs += [record.behind(int(cut)) for record, cut in zip(records, cuts, strict=False)]
    return replace(extent, warmup=float(extent.cuts[cuts[-1]]))


def _complete(runs: list[Run], extent: Extent) -> list[Run]:
    """Return the runs without those whose other half was interrupted."""
    if not (extent.reduction and extent.reduction.antithetic):
        return runs
    numbers = {run.number for run in runs}
    return [run for run in runs if run.number ^ 1 in numbers]


def _start(plan: StationPlan, extent: Extent, start: int) -> int:
    """Return how many are present at time 0, if that makes sense."""
    number = checks.whole("start", start, at_least=0)
    most = plan.population or plan.room
    if most is not None and number > most:
        raise ValueError(f"start must be at most {most}, for whom {plan.name} has places")
    if number and extent.customers is not None:
        raise ValueError("start= needs horizon=: with customers= a run begins empty")
    return number


def _refuse_lacking(plan: StationPlan, wanted: list[tuple[Any, float, bool]]) -> None:
    """Refuse to stop by what cannot be had, before anything runs."""
    for name, _, _ in wanted:
        if isinstance(name, tuple):
            checks.fractions("p", name[1])
        elif reason := lacking(plan, name):
            raise ValueError(f"until cannot judge {name}: {reason}")


def _extent(
    plan: StationPlan,
    customers: int | None,
    horizon: float | None,
    warmup: float | str,
    steps: int,
) -> Extent:
    """Return how long a run is, if that makes sense for this plan."""
    cut = _cut(plan, customers, horizon, warmup)
    if customers is not None and plan.moves:
        raise ValueError(
            f"{plan.name} changes with the clock: say up to when by horizon=, not customers="
        )
    stationary = customers is not None or cut is None or cut > 0
    if stationary and not plan.moves and not plan.is_stable:
        raise ValueError(
            f"{plan.name} cannot keep up (rho = {plan.load:.4g}) and has no stationary state: "
            "horizon=..., warmup=0 shows how it fills from empty"
        )
    if customers is not None:
        return Extent(customers=checks.whole("customers", customers, at_least=10), warmup=cut)
    return Extent(
        horizon=checks.real("horizon", horizon, above=0),  # type: ignore[arg-type]
        warmup=cut,
        steps=checks.whole("steps", steps),
    )


def _cut(
    plan: StationPlan, customers: int | None, horizon: float | None, warmup: float | str
) -> float | None:
    """Return the warm-up, None for MSER-5."""
    if (customers is None) == (horizon is None):
        raise ValueError("simulate needs either customers= or horizon= (seconds)")
    if isinstance(warmup, str):
        if warmup != "mser5":
            raise ValueError(
                f'warmup is "mser5", or a number of customers or seconds, got {warmup!r}'
            )
        return 0.0 if plan.moves else None
    if customers is not None:
        cut: float = checks.whole("warmup", warmup, at_least=0)  # type: ignore[arg-type]
    else:
        cut = checks.real("warmup", warmup, at_least=0)
    length = customers if customers is not None else horizon
    if length is not None and cut >= length:
        raise ValueError(f"warmup must leave something of the {length:g} to count, got {warmup!r}")
    return cut


def _wanted(until: Mapping[Any, Width] | None, replications: int) -> list[tuple[Any, float, bool]]:
    """Return (what, half width, whether that is a share of the mean) for each wish."""
    if until is None:
        return []
    if not isinstance(until, Mapping) or not until:
        raise ValueError(f'until is a dict such as {{"mean_wait": 0.01}}, got {until!r}')
    if replications < 2:
        raise ValueError("one replication has no interval for until= to judge: ask for more")
    wanted = []
    for name, width in until.items():
        known = name in QUANTITIES or (
            isinstance(name, tuple)
            and len(name) == 2
            and name[0] in {"wait_ppf", "time_in_system_ppf"}
        )
        if not known:
            raise ValueError(
                f"until knows {', '.join(QUANTITIES)}, and pairs such as ('wait_ppf', 0.95), "
                f"got {name!r}"
            )
        if isinstance(width, str):
            wanted.append((name, _percent(width), True))
        else:
            wanted.append((name, checks.real(f"until's {name}", width, above=0), False))
    return wanted


def _percent(width: str) -> float:
    try:
        share = float(width.removesuffix("%")) / 100
    except ValueError:
        share = math.nan
    if not (width.endswith("%") and share > 0):
        raise ValueError(f'a half width is a number, or a share such as "1 %", got {width!r}')
    return share


def _is_narrow(result: SimulationResult, name: Any, width: float, of_mean: bool) -> bool:  # noqa: FBT001
    value = getattr(result, name[0])(name[1]) if isinstance(name, tuple) else getattr(result, name)
    estimates: list[Estimate] = list(np.atleast_1d(np.asarray(value, dtype=object)))
    return all(
        estimate.half_width <= width * (abs(estimate.mean) if of_mean else 1.0)
        for estimate in estimates
    )


def _ending(done: int, most: int, *, narrow: bool | None, cut_short: bool) -> str:
    """Say how a simulation came to its end."""
    count = f"{done} replication{'s' if done > 1 else ''}"
    if cut_short:
        return f"interrupted, {count} of {most} kept"
    if narrow:
        return f"narrow enough after {count}"
    if narrow is not None:
        return f"still too wide after {count}: raise replications=, or make them longer"
    return count if done > 1 else "1 replication, which has no interval"
