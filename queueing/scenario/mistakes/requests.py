"""What goes wrong on the path of a request: slow work in it, and too little of something."""

from collections.abc import Iterator
from dataclasses import replace

from queueing.scenario.design import Design
from queueing.scenario.latency import latency
from queueing.scenario.mistakes.case import P95, UPTIME, Case, Finding
from queueing.scenario.plan import CPU, DATABASE, SLOTS
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.wording import does, many

_NAMES = {CPU: "the servers' CPUs", DATABASE: "the database"}
_NOTICED = 1e-4  # share of requests not answered in time from which somebody notices
_NOBODY = 1e-6  # requests per second at which nobody waits
_SLOW = "The fastest way to make an API responsive is to stop doing slow work inside the request."
_CAPACITY = "More servers let more requests be handled at once, before latency starts to climb."
_MEMORY = "Popular answers are asked for again and again: memory gives them faster and for less."
_TELEMETRY = "Keep telemetry behind asynchronous sinks before it grows noisy."


def hurt(case: Case) -> bool:
    """Tell whether the users of the API suffer."""
    return P95 in case.broken or (UPTIME in case.broken and 1 - case.card.answered > _NOTICED)


def sending_inside_the_request(case: Case) -> Iterator[Finding]:
    """Find mails that are sent while the user waits."""
    if case.plan.job:
        return
    job = case.scenario.job
    inside = (job.render.mean_ms + job.smtp.mean_ms) / 1000
    queues = case.scenario.catalogue["queue"].items()
    possible = (name for name, part in queues if case.design.cache or not part.hosted_by)
    queue = next(possible, None)
    instead = case.with_workers_enough(queue=queue) if queue else None
    if instead:
        then = case.what_if(instead)
        workers = many(instead.workers, "worker")
        remedy = (
            f"Put the mails on a queue with {workers}: a send is answered within "
            f"{_send_p95_ms(then):,.0f} ms ({case.price(instead)})."
        )
    else:
        remedy = "Put the mails on a queue."
    yield Finding(
        rule="sending inside the request",
        lesson=_SLOW,
        sentence=(
            f"Each send renders and talks SMTP inside the request and keeps a slot for it: "
            f"{1000 * inside:,.0f} ms, whatever the number of servers. 95 % of the sends take up "
            f"to {case.acknowledged_p95_ms:,.0f} ms, and the slots run at {case.loads[SLOTS]:.2f}."
        ),
        evidence={
            "inside_s": inside,
            "send_p95_ms": case.acknowledged_p95_ms,
            "slots_load": case.loads[SLOTS],
        },
        remedy=remedy,
        broken=hurt(case),
        hour=case.peak_hour,
        instead=instead,
    )


def telemetry_in_the_database(case: Case) -> Iterator[Finding]:
    """Find tracking events that compete with the users as web-hooks."""
    hook = case.plan.events.hook
    if hook is None or not case.events_per_s:
        return
    writes = (
        sum(step.law.mean_s * step.visits for step in hook.steps if step.resource == DATABASE)
        * case.events_per_s
        / case.plan.places[DATABASE]
    )
    with_them, instead = case.loads[DATABASE], case.with_own_readers()
    then = case.what_if(instead)
    yield Finding(
        rule="telemetry in the database",
        lesson=_TELEMETRY,
        sentence=(
            f"Delivered mails bring back {case.events_per_s:,.0f} events a second as web-hooks, "
            f"into the users' own database: it runs at {with_them:.2f}, without them at "
            f"{with_them - writes:.2f}. P95 is {case.kept[P95]:,.0f} ms."
        ),
        evidence={
            "events_per_s": case.events_per_s,
            "database_load": with_them,
            "database_load_without": with_them - writes,
            "p95_ms": case.kept[P95],
            "p95_ms_without": then.p95_ms,
        },
        remedy=(
            f"A stream ({many(instead.shards, 'shard')}) and {many(instead.sinks, 'sink')} take "
            f"them aside: P95 {then.p95_ms:,.0f} ms ({case.price(instead)})."
        ),
        broken=bool(case.broken & {P95, UPTIME}),
        hour=case.peak_hour,
        instead=instead,
    )


def no_cache(case: Case) -> Iterator[Finding]:
    """Find repeated questions that all end in the database, where that hurts."""
    if case.design.cache is not None or not hurt(case):
        return
    best = max(case.scenario.catalogue["redis"].items(), key=lambda item: item[1].availability)[0]
    instead = case.changed(cache=best)
    then = case.what_if(instead)
    without, with_it = case.loads[DATABASE], float(then.stations[DATABASE].max())
    if with_it >= without:
        return
    yield Finding(
        rule="no cache",
        lesson=_MEMORY,
        sentence=(
            f"Nothing is remembered: every repeated question goes to the database, which runs at "
            f"{without:.2f} at the peak. With Redis it would run at {with_it:.2f}."
        ),
        evidence={"database_load": without, "database_load_with_cache": with_it},
        remedy=f"Redis {best}: P95 {then.p95_ms:,.0f} ms ({case.price(instead)}).",
        broken=True,
        hour=case.peak_hour,
        instead=instead,
    )


def database_short(case: Case) -> Iterator[Finding]:
    """Find a database that cannot carry the peak."""
    limit, load = case.scenario.rules.station_limit, case.loads[DATABASE]
    if load < limit:
        return
    work = load * case.plan.places[DATABASE]
    remedy, instead = "No database of the catalogue is large enough: ask it for less.", None
    if larger := _larger_database(case, work, limit):
        instead, then = larger
        remedy = (
            f"Postgres {instead.database} would run at {then:.2f} ({case.price(instead)}); see "
            f"first whether it can be asked for less."
        )
    yield Finding(
        rule="database short",
        lesson="Most requests end in the database: what it cannot take, nobody else can.",
        sentence=(
            f"The database is asked for {work:.1f} connections at once and has "
            f"{case.plan.places[DATABASE]}: it runs at {load:.2f} at the peak, and every slot of "
            f"the servers waits for it."
        ),
        evidence={
            "database_load": load,
            "connections_asked": work,
            "connections": case.plan.places[DATABASE],
        },
        remedy=remedy,
        broken=hurt(case),
        hour=case.peak_hour,
        instead=instead,
    )


def servers_short(case: Case) -> Iterator[Finding]:
    """Find servers that cannot carry the peak, though the database can."""
    limit = case.scenario.rules.station_limit
    if case.servers_needed is not None or case.loads[DATABASE] >= limit:
        return
    servers, shed = case.design.servers, case.card.peak.network.shed_probability
    instead = case.with_servers_enough(UPTIME, P95, load_balancer=True)
    remedy = "More servers alone do not mend it: look at what keeps their slots."
    if instead:
        remedy = (
            f"{many(instead.servers, 'server')} behind a load balancer: P95 "
            f"{case.what_if(instead).p95_ms:,.0f} ms ({case.price(instead)})."
        )
    yield Finding(
        rule="servers short",
        lesson=_CAPACITY,
        sentence=(
            f"{many(servers, 'server')} {does(servers, 'are')} too few for the peak: the slots are "
            f"asked for {case.loads[SLOTS]:.2f} times what they give, and "
            f"{100 * shed:.0f} % of the requests are turned away."
        ),
        evidence={
            "servers": servers,
            "slots_load": case.loads[SLOTS],
            "cpu_load": case.loads[CPU],
            "shed": shed,
        },
        remedy=remedy,
        broken=hurt(case),
        hour=case.peak_hour,
        instead=instead,
    )


def bottleneck(case: Case) -> Iterator[Finding]:
    """Name what the users wait for, where they wait too long."""
    if not hurt(case):
        return
    name = max((CPU, DATABASE), key=lambda station: case.loads[station])
    alone = 1000 * latency(case.plan, _NOBODY).p95_s
    worst = max(case.card.class_p95_ms, key=lambda kind: case.card.class_p95_ms[kind])
    long = "" if alone <= case.promised[P95] else ", so that capacity alone cannot mend it"
    yield Finding(
        rule="bottleneck",
        lesson="Latency is work and waiting: waiting grows where the load is highest.",
        sentence=(
            f"P95 is {case.kept[P95]:,.0f} ms, promised {case.promised[P95]:g}. Without waiting it "
            f"would be {alone:,.0f} ms{long}. The fullest part is {_NAMES[name]}, at "
            f"{case.loads[name]:.2f}; the slots held meanwhile are at {case.loads[SLOTS]:.2f}."
        ),
        evidence={
            "p95_ms": case.kept[P95],
            "promised_ms": case.promised[P95],
            "p95_alone_ms": alone,
            f"{name}_load": case.loads[name],
            "slots_load": case.loads[SLOTS],
            "answered": case.card.answered,
        },
        remedy=(
            f"Look first at {worst}, the slowest class: 95 % within "
            f"{case.card.class_p95_ms[worst]:,.0f} ms."
        ),
        broken=True,
        hour=case.peak_hour,
    )


def metastable_without_the_cache(case: Case) -> Iterator[Finding]:
    """Find a system that is stable only while its cache is warm."""
    if case.design.cache is None or case.card.peak.network.slot_load >= 1:
        return
    classes = tuple(replace(kind, hit_probability=0.0) for kind in case.plan.classes)
    cold_plan = replace(case.plan, classes=classes)
    rate = case.traffic.peak_rate
    warm, cold = case.loads[DATABASE], cold_plan.load(rate)[DATABASE]
    if cold < 1 or cold <= warm:
        return
    at_peak = latency(cold_plan, rate)
    unanswered = 1 - at_peak.answered(case.scenario.contract.deadline_s)
    can_lose = max(0.0, (1 - warm) / (cold - warm))
    remedy, instead = "Shed early, and warm the cache before the users come back.", None
    if larger := _larger_database(case, cold * case.plan.places[DATABASE], 1.0):
        instead, then = larger
        remedy = (
            f"{remedy} Or Postgres {instead.database}, at {then:.2f} when cold "
            f"({case.price(instead)})."
        )
    yield Finding(
        rule="metastable without the cache",
        lesson="A system that needs a warm cache may not come back by itself once that is cold.",
        sentence=(
            f"It is stable only while the cache is warm: empty or lost at the peak, it leaves the "
            f"database at {cold:.2f} instead of {warm:.2f}, and {100 * unanswered:.0f} % of the "
            f"requests without an answer. {100 * can_lose:.0f} % of the hits can be lost before "
            f"the database is full."
        ),
        evidence={
            "database_load": warm,
            "database_load_cold": cold,
            "unanswered_cold": unanswered,
            "hits_it_can_lose": can_lose,
        },
        remedy=remedy,
        broken=False,
        hour=case.peak_hour,
        instead=instead,
    )


def _larger_database(case: Case, asked: float, limit: float) -> tuple[Design, float] | None:
    """Return the design with the cheapest database below a load, no less available, and its load.

    `asked` is how many connections are busy at once, in Erlang. None where there is no such.
    """
    databases = case.scenario.catalogue["postgres"]
    least = databases[case.design.database].availability
    fitting = [
        (part.price_usd_month, name)
        for name, part in databases.items()
        if asked / part.slots < limit and part.availability >= least
    ]
    if not fitting:
        return None
    name = min(fitting)[1]
    return case.changed(database=name), asked / databases[name].slots


def _send_p95_ms(card: Scorecard) -> float:
    return max(card.class_p95_ms[kind.name] for kind in card.plan.classes if kind.sends_mail)
