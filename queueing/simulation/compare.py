"""A model asked four ways: in closed form, by its exact equations, as a fluid, by chance."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from queueing import checks
from queueing.nonstationary import MtMc
from queueing.simulation.equations import chain_of
from queueing.simulation.estimate import Estimate
from queueing.simulation.fluid import fluid
from queueing.simulation.station import SimulationResult, simulate
from queueing.simulation.station.result import QUANTITIES
from queueing.simulation.station.translate import plan_of
from queueing.stations import MM1, GGc, MMc, MMcK

WAYS = ("closed_form", "exact_equations", "fluid")
_LAWS = {"P95 wait": "wait", "P95 time in system": "time_in_system"}
_OVER_TIME = (
    "mean_number_in_system",
    "mean_queue_length",
    "wait_probability",
    "blocking_probability",
)
_CUSTOMERS = 50_000
_MOST_STEPS = 10_000
_NO = "this way does not give it here"
_UNITS = {
    "mean_wait": "s",
    "mean_time_in_system": "s",
    "P95 wait": "s",
    "P95 time in system": "s",
    "throughput": "1/s",
}
Values = dict[Any, float]  # of a quantity, or of (quantity, class), or of (time, quantity)


class _Asked(NamedTuple):
    """What the four ways answer, and why some do not."""

    answers: dict[str, Values]
    estimates: dict[Any, Estimate]
    why: dict[Any, str]  # of a way, or of (way, quantity) where that alone is missing
    ending: str


def compare(
    models: Any,
    *,
    times: ArrayLike | None = None,
    start: int = 0,
    customers: int | None = None,
    horizon: float | None = None,
    warmup: float | str = "mser5",
    replications: int = 20,
    seed: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Return a model's quantities asked four ways, a row a quantity and a column a way.

    `closed_form` is what the station says, `fluid` what holds without chance. The exact equations
    are those of the chain of the number present, solved by linear algebra, and over time
    Kolmogorov's. `simulation` is the mean of the replications, `half_width` that of its 95 %
    interval; `inside` tells whether all exact answers lie in it (None where there is none, or where
    nothing varied), and `outside` names the ways whose answer does not. Of many intervals one in
    twenty misses. A way without an answer has nan, and `attrs["why"]` says why (of a way, or of a
    pair of way and quantity); `attrs["units"]` names the units that are not 1.

    Of a model that moves, or with `times` (seconds above 0, multiples of one step), the answers are
    those at each time, from `start` present at 0; rows are then (time, quantity).

    Several models, a dict or a list, stand one below the other and meet the same customers; then
    `difference` and `difference_half_width` compare each with the first, replication by
    replication, and `exact_difference` is that of the closed forms or else of the equations.

    `customers` (50 000 each replication unless told), `horizon` (the last of `times`) and all else
    are as in `simulate`. Raises `ValueError` where there is no model or a model cannot be run in
    any way.

    >>> from queueing.stations import MMc
    >>> table = compare(MMc(arrival_rate=12, service_rate=6, servers=3), customers=20_000, seed=1)
    >>> table.loc["mean_wait", ["closed_form", "exact_equations", "fluid"]].round(6).tolist()
    [0.074074, 0.074074, 0.0]
    >>> bool(table.loc["mean_wait", "inside"])
    True
    """
    named = _named(models)
    moments = None if times is None else np.unique(checks.array("times", times, above=0))
    if moments is not None and not moments.size:
        raise ValueError("times must hold at least one time, got none")
    if moments is not None and not (customers is None and horizon is None):
        raise ValueError("with times= the last of them is the horizon: leave customers=, horizon=")
    if start and moments is None:
        raise ValueError("start= needs times=: the long run does not depend on it")
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])

    run = partial(
        simulate,
        replications=replications,
        seed=seed,
        executor=executor,
        progress=progress,
        start=start,
    )
    asked = {}
    for name, model in named.items():
        plan_of(model)
        if moments is not None:
            asked[name] = _over_time(model, moments, start, run)
        elif plan_of(model).moves:
            raise ValueError(f"{name} changes with the clock: say when to look, by times=")
        else:
            length = customers if customers or horizon is not None else _CUSTOMERS
            extent = {"customers": length, "horizon": horizon, "warmup": warmup}
            asked[name] = _in_the_long_run(model, run, extent)
    several = isinstance(models, Mapping | Sequence)
    tables = {name: _table(each, asked[next(iter(named))]) for name, each in asked.items()}
    if several:
        table = pd.concat(tables, names=["model"])
    else:
        (table,) = tables.values()
        table = table.drop(columns=[name for name in table if "difference" in str(name)])
    table.attrs = {"seed": seed, "units": _UNITS}
    for part in ("why", "ending"):
        said = {name: getattr(each, part) for name, each in asked.items()}
        table.attrs[part] = said if several else next(iter(said.values()))
    return table


def _named(models: Any) -> dict[Any, Any]:
    """Return models by name: their keys, or as they are written."""
    if isinstance(models, Mapping):
        named = dict(models)
    elif isinstance(models, Sequence) and not isinstance(models, str):
        texts = [repr(model) for model in models]
        if len(set(texts)) < len(texts):
            raise ValueError(f"two of the models are the same: {texts}")
        named = dict(zip(texts, models, strict=True))
    else:
        named = {repr(models): models}
    if not named:
        raise ValueError("there is no model to compare: name at least one")
    return named


def _in_the_long_run(
    model: Any, run: Callable[..., SimulationResult], extent: dict[str, Any]
) -> _Asked:
    """Ask for the stationary state."""
    answers: dict[str, Values] = {"closed_form": _closed_form(model)}
    estimates: dict[Any, Estimate] = {}
    why: dict[Any, str] = {}
    ending = ""
    if isinstance(model, GGc):
        why["closed_form"] = "it is an approximation, of two moments"
    elif not answers["closed_form"]:
        why["closed_form"] = f"{type(model).__name__} has no formulas"
    ways: dict[str, Callable[[], Values]] = {
        "exact_equations": lambda: chain_of(model).quantities(),
        "fluid": lambda: fluid(plan_of(model)),
    }
    for way, ask in ways.items():
        try:
            answers[way] = ask()
        except ValueError as reason:
            answers[way], why[way] = {}, str(reason)
    plan = plan_of(model)
    from_empty = extent["horizon"] is not None and extent["warmup"] == 0
    if plan.is_stable or from_empty:
        result = run(model, **extent)
        estimates, ending = result.estimates, result.ending
    else:
        why["simulation"] = f"it cannot keep up (rho = {plan.load:.4g}): ask with times="
    return _Asked(answers, estimates, why, ending)


def _closed_form(model: Any) -> Values:
    """Return what a station of the theory says of itself."""
    values: Values = {}
    for name in (*QUANTITIES, *_LAWS):
        try:
            value = getattr(model, _LAWS.get(name, name))
            value = value.ppf(0.95) if name in _LAWS else value
        except (AttributeError, ValueError):
            continue
        several = np.atleast_1d(np.asarray(value, dtype=np.float64))
        if np.ndim(value):
            values |= {(name, kind + 1): float(each) for kind, each in enumerate(several)}
        else:
            values[name] = float(several[0])
    return values


def _over_time(model: Any, times: Any, start: int, run: Callable[..., SimulationResult]) -> _Asked:
    """Ask for the state at some times."""
    why: dict[Any, str] = {"closed_form": "there is none over time"}
    answers: dict[str, Values] = {way: {} for way in WAYS}
    if hasattr(model, "transient"):
        levels = np.atleast_1d(model.transient(times, start))
        keys = [(t, "mean_number_in_system") for t in times.tolist()]
        answers["closed_form"] = dict(zip(keys, levels.tolist(), strict=True))
        why.pop("closed_form")
    moving = _as_moving(model)
    if moving is None:
        reason = f"Kolmogorov's equations are here for MtMc, MM1, MMc and MMcK, not {model!r}"
        why |= {"exact_equations": reason, "fluid": reason}
    else:
        ways = {"exact_equations": moving.exact, "fluid": moving.fluid}
        for way, ask in ways.items():
            try:
                answers[way] = _stacked(ask(times, start))
            except ValueError as reason:  # more states than it can follow
                why[way] = str(reason)
    steps = _steps(times)
    result = run(model, horizon=float(times[-1]), warmup=0, steps=steps)
    wanted = np.round(times / times[-1] * steps).astype(int) - 1
    estimates = {
        (t, name): Estimate.of(values[:, step].tolist(), seed=result.seed)
        for name, values in result.states.items()
        for t, step in zip(times.tolist(), wanted.tolist(), strict=True)
    }
    return _Asked(answers, dict(sorted(estimates.items(), key=_place)), why, result.ending)


def _place(row: tuple[Any, Estimate]) -> tuple[float, int]:
    (t, name), _ = row
    return t, _OVER_TIME.index(name)


def _as_moving(model: Any) -> MtMc | None:
    """Return a model as one whose law can be followed over time."""
    if isinstance(model, MtMc):
        return model
    if isinstance(model, MM1 | MMc | MMcK):
        return MtMc(
            arrival_rate=model.arrival_rate,
            service_rate=model.service_rate,
            servers=model.servers,
            capacity=getattr(model, "capacity", None) if isinstance(model, MMcK) else None,
        )
    return None


def _stacked(table: pd.DataFrame) -> Values:
    return {
        (float(t), name): float(table[name].iloc[place])
        for place, t in enumerate(table.index)
        for name in _OVER_TIME
    }


def _steps(times: Any) -> int:
    """Return into how many equal steps the last time is cut, so that all are ends of some."""
    for steps in range(times.size, _MOST_STEPS + 1):
        places = times / times[-1] * steps
        if np.allclose(places, np.round(places), rtol=0, atol=1e-9 * steps):
            return steps
    raise ValueError(
        f"times must be multiples of one step, of at most {_MOST_STEPS} up to the last; give such "
        "as 600, 1200, 1800"
    )


def _table(asked: _Asked, first: _Asked) -> pd.DataFrame:
    """Return a row a quantity."""
    keys = list(asked.estimates)
    if not keys:
        keys = list(dict.fromkeys(key for way in WAYS for key in asked.answers[way]))
    rows = [_row(key, asked, first) for key in keys]
    for way in WAYS:
        missing = [key for key in keys if key not in asked.answers[way]]
        asked.why.update(
            {} if way in asked.why else dict.fromkeys(((way, k) for k in missing), _NO)
        )
    timed = bool(keys) and isinstance(keys[0], tuple) and not isinstance(keys[0][0], str)
    index = (
        pd.MultiIndex.from_tuples(keys, names=["time", "quantity"])
        if timed
        else pd.Index(keys, name="quantity", tupleize_cols=False)
    )
    return pd.DataFrame(rows, index=index)


def _row(key: Any, asked: _Asked, first: _Asked) -> dict[str, Any]:
    """Return what the ways say of a quantity, and how it differs from the first model's."""
    values = {way: asked.answers[way].get(key, math.nan) for way in WAYS}
    estimate, other = asked.estimates.get(key), first.estimates.get(key)
    judged = {way: _inside(value, estimate) for way, value in values.items()}
    exact = [judged[way] for way in WAYS[:2] if judged[way] is not None]
    apart = estimate - other if estimate is not None and other is not None else None
    return {
        **values,
        "simulation": math.nan if estimate is None else estimate.mean,
        "half_width": math.nan if estimate is None else estimate.half_width,
        "inside": all(exact) if exact else None,
        "outside": ", ".join(way for way, inside in judged.items() if inside is False),
        "difference": math.nan if apart is None else apart.mean,
        "difference_half_width": math.nan if apart is None else apart.half_width,
        "exact_difference": _exact(asked, key) - _exact(first, key),
    }


def _inside(value: float, estimate: Estimate | None) -> bool | None:
    """Tell whether a value lies in an interval; None where that cannot be judged."""
    if estimate is None or not math.isfinite(estimate.half_width) or math.isnan(value):
        return None
    if math.isclose(value, estimate.mean, rel_tol=1e-9, abs_tol=1e-12):
        return True
    return value in estimate if estimate.half_width > 0 else None


def _exact(asked: _Asked, key: Any) -> float:
    """Return the closed form of a quantity, or what the exact equations say."""
    found = [asked.answers[way][key] for way in WAYS[:2] if key in asked.answers[way]]
    return next((value for value in found if math.isfinite(value)), math.nan)
