"""A plan for the event engine: the steps that theory reads, in the engine's terms."""

import math

from queueing.scenario.design import Design
from queueing.scenario.errors import ScenarioError
from queueing.scenario.latency import distribution
from queueing.scenario.plan import (
    CACHE,
    CPU,
    DATABASE,
    ENQUEUE,
    LB,
    SINK,
    SLOTS,
    SMTP,
    STREAM,
    WORKERS,
    Class,
    Plan,
    PlanPart,
    plan,
)
from queueing.scenario.scenario import Scenario
from queueing.simulation import engine

_HOUR = 3600.0
_UNITS = {SLOTS, WORKERS, SINK}  # resources of parts that fail one by one


def engine_plan(scenario: Scenario, design: Design, *, closed: bool = False) -> engine.Plan:
    """Return what the engine runs for a design; users are open or, if `closed`, think and wait.

    Raises `ScenarioError` for what the engine cannot run.
    """
    made = plan(scenario, design)
    outages = {part.name: outages_of(part) for part in made.parts}
    named = {resource: part.name for part in made.parts for resource in part.resources}
    return engine.Plan(
        users=engine_users(scenario, closed=closed),
        classes=[_request_class(kind, named) for kind in made.classes],
        servers=engine.Servers(
            count=made.servers,
            slots=made.server_places[SLOTS],
            processors=made.server_places[CPU],
            waiting_room=made.waiting_room,
            entry_delay=_entry(made),
            entry_part=named.get(LB),
            outages=outages[named[SLOTS]],
        ),
        pools=[
            engine.Pool(name=DATABASE, places=made.shared_places[DATABASE], part=named[DATABASE])
        ],
        parts={
            part.name: outages[part.name] for part in made.parts if not _UNITS & set(part.resources)
        },
        jobs=_jobs(scenario, design, made, named, outages),
        inline_failure_probability=scenario.job.failure_probability,
        events=_events(scenario, design, made, named, outages),
        deadline=scenario.contract.deadline_s,
    )


def engine_users(scenario: Scenario, *, closed: bool = False) -> engine.Users:
    """Return the scenario's users; closed ones make their rate themselves."""
    traffic = scenario.traffic
    hours = traffic.knots_h
    return engine.Users(
        times=(hours * _HOUR).tolist(),
        users=traffic.users(hours).tolist(),
        think_time=traffic.think_time_s,
        nominal_response=traffic.nominal_response_s,
        closed=closed,
        peak_fraction=scenario.rules.peak_fraction,
        rate_scv=0.0 if closed else traffic.rate_scv,
        rate_window=traffic.rate_window_h * _HOUR,
    )


def outages_of(part: PlanPart) -> engine.Outages | None:
    """Return how a part fails and is repaired; None if it never does."""
    if part.availability == 1:
        return None
    return engine.Outages.of(availability=part.availability, mean_down=part.mttr_h * _HOUR)


def _entry(made: Plan) -> float:
    """Return the constant delay of the load balancer."""
    laws = {step.law for kind in made.classes for step in kind.steps if step.resource == LB}
    if any(law.scv for law in laws):
        raise ScenarioError(
            "the simulation takes the load balancer's delay as constant: service_scv 0"
        )
    return sum(law.mean_s for law in laws)


def _request_class(kind: Class, named: dict[str, str]) -> engine.RequestClass:
    """Return a class's steps; a cache's hit leaves out the steps of a miss, which come last."""
    steps: list[engine.Step] = []
    for step in kind.steps:
        law = distribution(step.law)
        if step.resource == CPU:
            made = engine.Step(action="processor", law=law)
        elif step.resource == DATABASE:
            made = engine.Step(action="pool", law=law, pool=DATABASE)
        elif step.resource == CACHE:
            missed = sum(later.visits for later in kind.steps if later.when == "miss")
            made = engine.Step(
                action="delay",
                law=law,
                part=named[CACHE],
                optional=True,
                skip_probability=kind.hit_probability,
                skip_steps=missed,
            )
        elif step.resource != LB:
            made = engine.Step(action="delay", law=law, part=named.get(step.resource))
        else:
            continue
        steps += [made] * step.visits
        if step.resource == ENQUEUE:
            steps.append(engine.Step(action="submit"))
        elif step.resource == SMTP:
            steps.append(engine.Step(action="attempt"))
    return engine.RequestClass(name=kind.name, share=kind.rate, steps=steps)


def _jobs(
    scenario: Scenario,
    design: Design,
    made: Plan,
    named: dict[str, str],
    outages: dict[str, engine.Outages | None],
) -> engine.Jobs | None:
    if made.job is None:
        return None
    return engine.Jobs(
        workers=design.workers,
        threads=scenario.catalogue.the("worker").slots,
        attempt=[distribution(law) for law in made.job.attempt],
        failure_probability=made.job.failure_probability,
        max_attempts=made.job.max_attempts,
        backoff=made.job.backoff_base_s,
        visibility_timeout=made.job.visibility_timeout_s,
        urgent_share=made.job.urgent_share,
        part=named[ENQUEUE],
        outages=outages[named[WORKERS]],
        autoscaling=made.autoscaling,
    )


def _events(
    scenario: Scenario,
    design: Design,
    made: Plan,
    named: dict[str, str],
    outages: dict[str, engine.Outages | None],
) -> engine.Events | None:
    events = made.events
    if events.per_mail != int(events.per_mail):
        raise ScenarioError(
            "tracking.events_per_mail must be a whole number for the simulation, "
            f"got {events.per_mail:g}"
        )
    per_delivery = int(events.per_mail)
    if per_delivery == 0:
        return None
    if events.hook and events.hook_delay:
        return engine.Events(
            consumer="hooks",
            per_delivery=per_delivery,
            hook=_request_class(events.hook, named),
            hook_delay=events.hook_delay.mean_s,
        )
    rate_limit = math.inf if made.stream_records_per_s is None else made.stream_records_per_s
    return engine.Events(
        consumer="sinks" if events.route == SINK else "workers",
        per_delivery=per_delivery,
        put=distribution(events.put) if events.put else None,
        part=named.get(STREAM),
        rate_limit=rate_limit,
        consume=distribution(events.record),
        sinks=design.sinks,
        threads=scenario.catalogue.the("analytics").slots,
        buffer=events.buffer or 0,
        outages=outages.get("sinks"),
    )
