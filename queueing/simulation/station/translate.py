"""Stations of the theory, written down as plans: one line of a table for each."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from queueing.distributions import deterministic, exponential, gamma
from queueing.simulation.station.plan import Law, StationPlan


def plan_of(model: Any) -> StationPlan:
    """Return the plan of a station of the theory, or a plan as it is.

    Raises `ValueError` for a model that cannot be run: one of another kind, or one to whom nobody
    comes.
    """
    if isinstance(model, StationPlan):
        return model
    for kind in type(model).__mro__:
        if kind.__name__ in _TRANSLATIONS:
            return _TRANSLATIONS[kind.__name__](model)
    raise ValueError(
        f"simulate runs {', '.join(_TRANSLATIONS)} or a StationPlan, got {model!r}; a scenario's "
        "design is run by Scenario.simulate"
    )


def _poisson(model: Any) -> Law:
    if model.arrival_rate == 0:
        raise ValueError(f"nobody comes to {model!r}: simulate needs an arrival_rate above 0")
    return exponential(mean=1 / model.arrival_rate)


def _exponential_station(model: Any) -> StationPlan:
    """M/M/1, M/M/c, M/M/c/K, M/M/inf, Erlang-A: what is missing is no limit."""
    patience = getattr(model, "patience_rate", 0.0)
    servers = getattr(model, "servers", math.inf)
    return StationPlan(
        name=repr(model),
        gaps=_poisson(model),
        services=(exponential(mean=1 / model.service_rate),),
        servers=servers,
        room=getattr(model, "capacity", None),
        patience=exponential(mean=1 / patience) if patience else None,
        load=model.arrival_rate / model.service_rate / servers,
    )


def _general_station(model: Any) -> StationPlan:
    """M/G/1 and M/PH/c."""
    servers = getattr(model, "servers", 1)
    return StationPlan(
        name=repr(model),
        gaps=_poisson(model),
        services=(model.service,),
        servers=servers,
        load=model.arrival_rate * float(model.service.mean()) / servers,
    )


def _constant_station(model: Any) -> StationPlan:
    return StationPlan(
        name=repr(model),
        gaps=_poisson(model),
        services=(deterministic(mean=model.service_time),),
        servers=model.servers,
        load=model.arrival_rate * model.service_time / model.servers,
    )


def _two_moments(*, rate: float, scv: float) -> Law:
    """Return the gamma law of a mean and an scv, constant where the scv is 0."""
    return gamma(mean=1 / rate, scv=scv) if scv > 0 else deterministic(mean=1 / rate)


def _two_moment_station(model: Any) -> StationPlan:
    """G/G/c: it names two moments only, and gamma laws are taken that have these."""
    _poisson(model)
    return StationPlan(
        name=repr(model),
        gaps=_two_moments(rate=model.arrival_rate, scv=model.interarrival_scv),
        services=(_two_moments(rate=model.service_rate, scv=model.service_scv),),
        servers=model.servers,
        load=model.arrival_rate / model.service_rate / model.servers,
    )


def _finite_source(model: Any) -> StationPlan:
    return StationPlan(
        name=repr(model),
        services=(exponential(mean=1 / model.service_rate),),
        servers=model.servers,
        population=model.population,
        thinking=exponential(mean=model.think_time),
    )


def _priority_station(model: Any) -> StationPlan:
    """M/M/c and M/G/1 with classes, the first first."""
    rates = [float(rate) for rate in model.arrival_rates]
    total = math.fsum(rates)
    if total == 0:
        raise ValueError(f"nobody comes to {model!r}: simulate needs an arrival rate above 0")
    services = getattr(model, "services", None)
    if services is None:
        services = [exponential(mean=1 / model.service_rate)] * len(rates)
    servers = getattr(model, "servers", 1)
    work = math.fsum(r * float(law.mean()) for r, law in zip(rates, services, strict=True))
    return StationPlan(
        name=repr(model),
        gaps=exponential(mean=1 / total),
        services=tuple(services),
        shares=tuple(rate / total for rate in rates),
        servers=servers,
        preemptive=model.preemptive,
        load=work / servers,
    )


def _moving_station(model: Any) -> StationPlan:
    """M(t)/M/c(t)/K. A number of servers that moves is given by points (time, servers)."""
    points = getattr(model.servers, "points", None)
    servers = model.servers if points is None else model.servers(0.0)
    steady = isinstance(model.arrival_rate, Real)
    return StationPlan(
        name=repr(model),
        gaps=_poisson(model) if steady else None,
        rate=None if steady else model.arrival_rate,
        services=(exponential(mean=1 / model.service_rate),),
        servers=int(servers),
        server_changes=tuple((float(t), int(count)) for t, count in points or () if t > 0),
        room=model.capacity,
        load=model.arrival_rate / model.service_rate / int(servers) if steady else 0.0,
    )


_TRANSLATIONS: dict[str, Callable[[Any], StationPlan]] = {
    "MM1": _exponential_station,
    "MMc": _exponential_station,
    "MMcK": _exponential_station,
    "MMInf": _exponential_station,
    "ErlangA": _exponential_station,
    "FiniteSource": _finite_source,
    "MG1": _general_station,
    "MPHc": _general_station,
    "MDc": _constant_station,
    "GGc": _two_moment_station,
    "PriorityMMc": _priority_station,
    "PriorityMG1": _priority_station,
    "MtMc": _moving_station,
}
