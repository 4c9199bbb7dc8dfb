"""The designs to choose from: a stated grid of counts and variants, less what cannot be built."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product

import numpy as np

from queueing.scenario.design import FIELDS, MOST, VARIANTS, Design, build, check
from queueing.scenario.errors import ScenarioError, nearest, shown
from queueing.scenario.plan import CPU, MOST_SLOTS, SINK, SLOTS, WORKERS, plan
from queueing.scenario.scenario import Scenario

Axes = Mapping[str, tuple[object, ...]]

MOST_VALUES = 100  # of a part
MOST_DESIGNS = 200_000  # possible or not
_COUNTS = 12  # of a part whose default range is wide
_SPARE = 1.3  # servers to try where sending holds their slots, over the fewest that could do


def axes(scenario: Scenario, given: Mapping[str, object]) -> Axes:
    """Return the values to try of every part of a design: those given, or the default ones.

    By default: every variant and none; one server, and from half of what the peak asks for to what
    it asks for where mails are sent inside the request; workers from half of it to three times it;
    of shards and sinks none, just enough and one more; all else as in the scenario's own design.
    Raises `ScenarioError` for an unknown part or a value that it cannot have.
    """
    for name in given:
        if name not in FIELDS:
            raise ScenarioError(f"no part {shown(name)} in a design; {nearest(str(name), FIELDS)}")
    probes = _probes(scenario)
    known = _default(scenario, *probes) if given.keys() < set(FIELDS) else {}
    return {
        name: _named(scenario, probes, name, given[name]) if name in given else known[name]
        for name in FIELDS
    }


def designs(scenario: Scenario, tried: Axes, given: Iterable[str] = ()) -> list[Design]:
    """Return every design of a grid that can be built, by the rules of `Design`.

    Raises `ScenarioError` for a grid that is too large, and for a value of a `given` part that no
    design of the grid can have.
    """
    size = math.prod(len(values) for values in tried.values())
    if size > MOST_DESIGNS:
        raise ScenarioError(
            f"the grid has {size:,} combinations, at most {MOST_DESIGNS:,} can be searched: "
            "give fewer values of some parts"
        )
    found = [made for made in _built(scenario, tried) if isinstance(made, Design)]
    for name in given:
        used = {getattr(design, name) for design in found}
        for value in tried[name]:
            if value not in used:
                *_, reason = _built(scenario, {**tried, name: (value,)})
                raise ScenarioError(f"{name}={value!r} is in no design of this grid: {reason}")
    return found


def _built(scenario: Scenario, tried: Axes) -> Iterator[Design | ScenarioError]:
    """Go through all combinations: designs, or why there can be none."""
    for values in product(*(tried[name] for name in FIELDS)):
        try:
            design = Design(**dict(zip(FIELDS, values, strict=True)))  # type: ignore[arg-type]
            check(scenario.catalogue, design)
        except ScenarioError as error:
            yield error
        else:
            yield design


def _named(
    scenario: Scenario, probes: Iterable[Design], name: str, given: object
) -> tuple[object, ...]:
    """Return the values of a part in the catalogue's own names, each once."""
    one = isinstance(given, str | Mapping) or not isinstance(given, Iterable)
    values = [given] if one else list(islice(given, MOST_VALUES + 1))  # type: ignore[call-overload]
    if not 0 < len(values) <= MOST_VALUES:
        got = "none" if not values else "more"
        raise ScenarioError(f"{name}: give from 1 to {MOST_VALUES} values to try, got {got}")
    return tuple(dict.fromkeys(_alone(scenario, probes, name, value) for value in values))


def _alone(scenario: Scenario, probes: Iterable[Design], name: str, value: object) -> object:
    """Return a value as a design has it, if any design has it."""
    refused = []
    for probe in probes:
        try:
            return getattr(build(scenario.catalogue, probe, {name: value}), name)
        except ScenarioError as error:
            refused.append(error)
    raise refused[0]


def _probes(scenario: Scenario) -> tuple[Design, Design]:
    """Return two small designs of which any one part can be changed: with a queue and without."""
    catalogue, base = scenario.catalogue, scenario.base
    queued = replace(
        base,
        servers=1,
        load_balancer=True,
        cache=base.cache or next(iter(catalogue["redis"])),
        queue=base.queue or next(iter(catalogue["queue"])),
        workers=1,
        shards=1,
        sinks=1,
        maximum_workers=None,
    )
    return queued, replace(queued, queue=None, workers=0, priority=False)


def _default(scenario: Scenario, queued: Design, direct: Design) -> Axes:
    """Return the values to try where nobody says which."""
    catalogue, base, rate = scenario.catalogue, scenario.base, scenario.traffic.peak_rate
    made = plan(scenario, queued)
    needed, held = made.load(rate), plan(scenario, direct).load(rate)
    records = rate * made.events_per_request / catalogue.the("stream").records_per_s
    counts = {
        "servers": {1}
        | _counts(
            max(needed[SLOTS], needed[CPU]) / 2,
            _SPARE * max(held[SLOTS], held[CPU]),
            MOST_SLOTS // catalogue.the("server").slots,
        ),
        "workers": {0} | _counts(needed[WORKERS] / 2, 3 * needed[WORKERS]),
        "shards": {0} | _counts(records, records + 1),
        "sinks": {0} | _counts(needed[SINK], needed[SINK] + 1),
    }
    some = {name: tuple(catalogue[component]) for name, component in VARIANTS.items()}
    return (
        {name: (getattr(base, name),) for name in FIELDS}
        | {name: tuple(sorted(tried | {getattr(base, name)})) for name, tried in counts.items()}
        | {"load_balancer": (False, True), **some}
        | {name: (None, *some[name]) for name in ("cache", "queue")}
    )


def _counts(least: float, most: float, limit: int = MOST) -> set[int]:
    """Return the whole numbers about an interval, or so many that are spread evenly by ratio."""
    low, high = (min(max(math.ceil(count), 1), limit, MOST) for count in (least, most))
    if high - low < _COUNTS:
        return set(range(low, high + 1))
    return {round(count) for count in np.geomspace(low, high, _COUNTS)}
