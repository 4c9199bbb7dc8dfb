"""What goes wrong with the parts: none to spare, one of a kind, readers missing, money idle."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from queueing.scenario.availability import k_out_of_n, needed_parts
from queueing.scenario.cost import bill
from queueing.scenario.design import VARIANTS, Design
from queueing.scenario.latency import RequestPath, slot_servers
from queueing.scenario.mistakes.case import BUDGET, OLDEST, UPTIME, Case, Finding
from queueing.scenario.plan import SINK
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.wording import count, does, duration, listed, many

_SPARE = "What fails now and then needs a spare: uptime is what is left when one is down."
_TOGETHER = "Streams and workers must scale together, or the backlog grows between them."
_TELEMETRY = "Telemetry is high in volume and noisy: give it a shock absorber and readers."
_BUDGET = "Capacity that nobody uses is paid every month."
_COMPONENTS = {"Postgres": "database", "Redis": "cache", "queue": "queue"}  # a part's design field


def no_spare(case: Case) -> Iterator[Finding]:
    """Find servers who are just enough while all are up."""
    needed, servers = case.servers_needed, case.design.servers
    if needed is None or not case.design.load_balancer:
        return
    each = case.scenario.catalogue.the("server").availability
    enough_up = k_out_of_n(needed, servers, each)
    if enough_up >= case.promised[UPTIME]:
        return
    path, rate = RequestPath.of(case.plan), case.traffic.peak_rate
    one_down = (
        slot_servers(replace(path, servers=needed - 1), rate).slot_load if needed > 1 else math.inf
    )
    instead = case.with_servers_enough(UPTIME)
    remedy = "A spare server does not mend it alone: look at the other parts too."
    if instead:
        remedy = (
            f"{many(instead.servers, 'server')}: uptime "
            f"{100 * case.what_if(instead).uptime:.2f} % ({case.price(instead)})."
        )
    yield Finding(
        rule="no spare",
        lesson=_SPARE,
        sentence=(
            f"The peak needs {needed} of {many(servers, 'server')}, and each is down "
            f"{100 * (1 - each):.2g} % of the time: enough of them are up for "
            f"{100 * enough_up:.2f} % of the time, {100 * case.promised[UPTIME]:g} % are promised."
            + (f" With one less than needed the slots run at {one_down:.2f}." if needed > 1 else "")
        ),
        evidence={
            "servers": servers,
            "servers_needed": needed,
            "enough_servers_up": enough_up,
            "availability": case.card.availability,
            "slots_load_with_one_less": one_down,
        },
        remedy=remedy,
        broken=UPTIME in case.broken,
        hour=case.peak_hour,
        instead=instead,
    )


def no_load_balancer(case: Case) -> Iterator[Finding]:
    """Find the one server that nobody can stand in for."""
    each = case.scenario.catalogue.the("server").availability
    if case.design.load_balancer or each >= case.promised[UPTIME]:
        return
    at_most = case.card.availability
    instead = case.with_servers_enough(UPTIME, load_balancer=True)
    remedy = "A load balancer, and servers behind it that can stand in for one another."
    if instead:
        remedy = (
            f"A load balancer and {many(instead.servers, 'server')}: uptime "
            f"{100 * case.what_if(instead).uptime:.2f} % ({case.price(instead)})."
        )
    yield Finding(
        rule="no load balancer",
        lesson=_SPARE,
        sentence=(
            f"One server without a load balancer has nobody to stand in: it is up "
            f"{100 * each:.2f} % of the time at most, whatever its size, and with the other parts "
            f"{100 * at_most:.2f} %. {100 * case.promised[UPTIME]:g} % are promised."
        ),
        evidence={"server_availability": each, "availability": at_most},
        remedy=remedy,
        broken=UPTIME in case.broken,
        instead=instead,
    )


def single_point(case: Case) -> Iterator[Finding]:
    """Find a part of which there is one, and which alone is down for longer than promised."""
    allowed = 1 - case.promised[UPTIME]
    for part, needed in needed_parts(case.scenario, case.design):
        if part.name not in _COMPONENTS or needed != 1 or 1 - part.availability <= allowed:
            continue
        instead = _sturdier(case, _COMPONENTS[part.name])
        remedy = f"The catalogue has no sturdier {part.name}: do without it, or promise less."
        if instead:
            remedy = (
                f"{part.name} {getattr(instead, _COMPONENTS[part.name])}: uptime "
                f"{100 * case.what_if(instead).uptime:.2f} % ({case.price(instead)})."
            )
        yield Finding(
            rule="single point",
            lesson=_SPARE,
            sentence=(
                f"{part.name} is a single point: requests cannot do without it, and it is down "
                f"{100 * (1 - part.availability):.2g} % of the time, {duration(3600 * part.mttr_h)}"
                f" each time. The promise allows {100 * allowed:.2g} % for all parts together."
            ),
            evidence={
                "part_availability": part.availability,
                "mttr_h": part.mttr_h,
                "availability": case.card.availability,
                "allowed_downtime": allowed,
            },
            remedy=remedy,
            broken=UPTIME in case.broken,
            instead=instead,
        )


def parts_in_series(case: Case) -> Iterator[Finding]:
    """Find an uptime that no part breaks alone, but all of them together do."""
    promised, needed = case.promised[UPTIME], needed_parts(case.scenario, case.design)
    shares = {part.name: k_out_of_n(count, part.n, part.availability) for part, count in needed}
    if case.card.availability >= promised or min(shares.values()) < promised:
        return
    weakest = min(shares, key=lambda name: shares[name])
    instead = _kept_uptime(case)
    remedy = "Fewer parts in series, or a looser promise: no variant of one part is enough."
    if instead:
        remedy = (
            f"{listed(_differences(case.design, instead))}: uptime "
            f"{100 * case.what_if(instead).uptime:.2f} % ({case.price(instead)})."
        )
    yield Finding(
        rule="parts in series",
        lesson=_SPARE,
        sentence=(
            f"No part breaks the promise alone, but requests need {len(shares)} of them at once: "
            f"{100 * case.card.availability:.2f} % together, {100 * promised:g} % promised. The "
            f"weakest: {weakest}, {100 * shares[weakest]:.2f} %."
        ),
        evidence={
            "parts": len(shares),
            "availability": case.card.availability,
            "weakest": shares[weakest],
        },
        remedy=remedy,
        broken=UPTIME in case.broken,
        instead=instead,
    )


def stream_without_readers(case: Case) -> Iterator[Finding]:
    """Find a stream whose records the workers have to read besides their mails."""
    events = case.plan.events
    if events.route != "workers" or not case.events_per_s:
        return
    records = case.events_per_s * events.record.mean_s
    threads = case.threads
    load = case.erlangs / threads
    instead = case.changed(sinks=case.sinks_needed)
    yield Finding(
        rule="stream without readers",
        lesson=_TOGETHER,
        sentence=(
            f"Nobody but the workers reads the stream: {case.events_per_s:,.0f} records a second "
            f"keep {records:.1f} of {threads} threads, and the workers run at {load:.2f} instead "
            f"of {load - records / threads:.2f}."
        ),
        evidence={
            "events_per_s": case.events_per_s,
            "threads_of_records": records,
            "worker_load": load,
            "worker_load_without": load - records / threads,
        },
        remedy=f"{many(instead.sinks, 'sink')} to read it ({case.price(instead)}).",
        broken=OLDEST in case.broken,
        hour=case.peak_hour,
        instead=instead,
    )


def stream_full(case: Case) -> Iterator[Finding]:
    """Find more events than the shards take."""
    most = case.plan.stream_records_per_s
    if most is None or case.events_per_s <= most:
        return
    instead = case.changed(shards=case.shards_needed)
    yield Finding(
        rule="stream full",
        lesson=_TOGETHER,
        sentence=(
            f"{case.events_per_s:,.0f} events a second come at the peak, and "
            f"{many(case.design.shards, 'shard')} {does(case.design.shards, 'take')} {most:,.0f}: "
            f"{case.events_per_s - most:,.0f} a second are too many."
        ),
        evidence={"events_per_s": case.events_per_s, "records_per_s": most},
        remedy=f"{many(instead.shards, 'shard')} ({case.price(instead)}).",
        broken=False,
        hour=case.peak_hour,
        instead=instead,
    )


def sink_short(case: Case) -> Iterator[Finding]:
    """Find sinks who cannot digest what comes."""
    load = case.loads.get(SINK, 0.0)
    if load < 1:
        return
    instead = case.changed(sinks=case.sinks_needed)
    lost = case.plan.events.buffer is not None
    behind = case.events_per_s * (1 - 1 / load)
    fate = "are lost once its buffer is full" if lost else "wait, so that the statistics grow old"
    yield Finding(
        rule="sink short",
        lesson=_TOGETHER,
        sentence=(
            f"{many(case.design.sinks, 'sink')} {does(case.design.sinks, 'run')} at {load:.2f}: "
            f"{behind:,.0f} of "
            f"{case.events_per_s:,.0f} events a second {fate}."
        ),
        evidence={"sink_load": load, "events_per_s": case.events_per_s, "behind_per_s": behind},
        remedy=f"{many(instead.sinks, 'sink')} ({case.price(instead)}).",
        broken=False,
        hour=case.peak_hour,
        instead=instead,
    )


def sink_without_a_stream(case: Case) -> Iterator[Finding]:
    """Find events that nobody keeps while the sinks are down."""
    if case.plan.events.route != SINK or case.plan.events.put or not case.events_per_s:
        return
    sink = case.scenario.catalogue.the("analytics")
    all_down = (1 - sink.availability) ** case.design.sinks
    events = case.traffic.requests * case.plan.events_per_request
    buffered = case.scenario.tracking.sink_buffer / case.events_per_s
    instead = case.changed(shards=case.shards_needed)
    yield Finding(
        rule="sink without a stream",
        lesson=_TELEMETRY,
        sentence=(
            f"Nothing keeps the events while {many(case.design.sinks, 'sink')} "
            f"{does(case.design.sinks, 'are')} down: {100 * all_down:.2g} % of "
            f"{count(events)}, about {count(all_down * events)}, are lost, and the buffer lasts "
            f"{duration(buffered)} at the peak."
        ),
        evidence={
            "events": events,
            "lost_events": all_down * events,
            "sinks_down": all_down,
            "buffer_s": buffered,
        },
        remedy=f"A stream of {many(instead.shards, 'shard')} ({case.price(instead)}).",
        broken=False,
        instead=instead,
    )


def over_budget(case: Case) -> Iterator[Finding]:
    """Find what is paid and not needed, where the bill is too high."""
    if BUDGET not in case.broken:
        return
    instead = _trimmed(case)
    dearest = max(bill(case.scenario, case.design), key=lambda line: line.usd_month)
    then = case.what_if(instead).cost
    told = _differences(case.design, instead)
    idle = ", ".join(f"{name} {load:.2f}" for name, load in case.loads.items())
    yield Finding(
        rule="over budget",
        lesson=_BUDGET,
        sentence=(
            f"It costs {case.kept[BUDGET]:,.2f} USD a month, {-case.margins[BUDGET]:,.2f} over the "
            f"budget. Load at the peak: {idle}."
        ),
        evidence={
            "cost": case.kept[BUDGET],
            "budget": case.promised[BUDGET],
            "cost_without": then,
            "dearest_line": dearest.usd_month,
            **{f"{name}_load": load for name, load in case.loads.items()},
        },
        remedy=(
            f"{listed(told)} would keep the other promises for {then:,.2f} USD a month."
            if told
            else f"Nothing of it is idle; the dearest line is {dearest.what}, "
            f"{dearest.usd_month:,.2f} USD a month."
        ),
        broken=True,
        instead=instead if told else None,
    )


def _differences(before: Design, after: Design) -> list[str]:
    """Say what another design has instead."""
    told = []
    for field in ("servers", "workers", "shards", "sinks", *VARIANTS):
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        if field in VARIANTS:
            told.append(f"{VARIANTS[field].capitalize()} {new}")
        else:
            told.append(f"{many(new, field.removesuffix('s'))} instead of {old}")
    return told


def _sturdier(case: Case, field: str) -> Design | None:
    """Return the design with the cheapest more available variant of a part that keeps uptime."""
    variants = case.scenario.catalogue[VARIANTS[field]]
    now = variants[getattr(case.design, field)].availability
    better = sorted(
        (part.price_usd_month, name)
        for name, part in variants.items()
        if part.availability > now and not part.hosted_by
    )
    designs = [case.changed(**{field: name}) for _price, name in better]
    keeping = (one for one in designs if case.what_if(one).margins[UPTIME] >= 0)
    return next(keeping, max(designs, key=lambda one: case.what_if(one).uptime, default=None))


def _kept_uptime(case: Case) -> Design | None:
    """Return the cheapest design that keeps uptime by another variant of one part."""
    designs = []
    for field, component in VARIANTS.items():
        if getattr(case.design, field) is None:
            continue
        for name, part in case.scenario.catalogue[component].items():
            if case.design.cache is not None or not part.hosted_by:
                designs.append(case.changed(**{field: name}))
    keeping = [one for one in designs if case.what_if(one).margins[UPTIME] >= 0]
    return min(keeping, key=lambda one: case.what_if(one).cost, default=None)


def _trimmed(case: Case) -> Design:
    """Return the design with the least of every part that keeps what it keeps now."""
    kept = [name for name, margin in case.card.margins.items() if margin >= 0 and name != BUDGET]

    def fits(card: Scorecard) -> bool:
        return all(card.margins[name] >= 0 for name in kept)

    design = case.design
    for field in VARIANTS:
        cheaper = (_with(design, field, name) for name in _cheaper(case, design, field))
        design = next((one for one in cheaper if fits(case.what_if(one))), design)
    least = {"servers": 1}
    if case.plan.job and design.maximum_workers is None:
        least["workers"] = case.with_workers_enough().workers
    if case.plan.events.put:
        least["shards"] = case.shards_needed
    if case.plan.events.route == SINK:
        least["sinks"] = case.sinks_needed
    for name, low in least.items():
        if getattr(design, name) > low:
            now = Case(case.what_if(design))
            design = now.fewest(name, low, getattr(design, name), fits) or design
    return design


def _with(design: Design, field: str, value: Any) -> Design:
    return replace(design, **{field: value})


def _cheaper(case: Case, design: Design, field: str) -> list[str]:
    """Return the cheaper variants of a part, the cheapest first; a part's host stays."""
    now, variants = getattr(design, field), case.scenario.catalogue[VARIANTS[field]]
    if now is None:
        return []
    prices = {name: part.price_usd_month for name, part in variants.items() if not part.hosted_by}
    most = variants[now].price_usd_month
    return sorted((name for name in prices if prices[name] < most), key=lambda name: prices[name])
