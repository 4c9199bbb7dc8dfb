"""The event engine against closed forms, against itself, and against systems that must differ."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from queueing.backpressure import BacklogAutoscaler
from queueing.distributions import deterministic, exponential, gamma, lognormal
from queueing.erlang import erlang_b, erlang_c
from queueing.simulation.engine import (
    Events,
    Jobs,
    Outages,
    Plan,
    Pool,
    Replication,
    RequestClass,
    Servers,
    Step,
    Users,
    replicate,
)

OFTEN = Outages(mean_up=400, mean_down=60)


def runs(plan, count=10, seed=1, **options):
    return [replicate(plan, each, **options) for each in np.random.SeedSequence(seed).spawn(count)]


def interval(values):
    """A Student interval of 99.9 %, so that a suite of tests seldom fails by chance."""
    mean, error = np.mean(values), stats.sem(values)
    half = stats.t.ppf(0.9995, len(values) - 1) * error
    return mean - half, mean + half


def inside(exact, values):
    low, high = interval(values)
    return low <= exact <= high


# One station: the engine must give the textbook's numbers


def station(
    rate: float, *, places: int, slots: int = 1000, room: int = 1000, **users: float
) -> Plan:
    """M/M/c: one server, whose processors are the station; a mean service of one second."""
    return Plan(
        users=replace(Users.steady(request_rate=rate, horizon=20_000), **users),
        classes=[
            RequestClass(name="all", steps=[Step(action="processor", law=exponential(mean=1))])
        ],
        servers=Servers(count=1, slots=slots, processors=places, waiting_room=room),
    )


def test_one_station_is_mmc():
    waits = [run.mean_wait("processors") for run in runs(station(3.2, places=4))]
    assert inside(erlang_c(4, 3.2) / (4 - 3.2), waits)


def test_a_station_ten_per_cent_busier_is_told_apart():
    waits = [run.mean_wait("processors") for run in runs(station(3.2 * 1.1, places=4))]
    assert not inside(erlang_c(4, 3.2) / (4 - 3.2), waits)


def test_the_wait_probability_is_erlangs():
    shares = [run.wait_probability("processors") for run in runs(station(3.2, places=4))]
    assert inside(erlang_c(4, 3.2), shares)


def test_busy_processors_are_the_offered_load():
    assert inside(3.2, [run.busy("processors") for run in runs(station(3.2, places=4))])


def test_without_a_waiting_room_the_loss_is_erlangs():
    plan = station(5.0, places=6, slots=6, room=0)
    assert inside(erlang_b(6, 5.0), [1 - run.answered() for run in runs(plan)])


def test_waiting_for_a_slot_is_waiting_too():
    waits = [run.mean_wait("slots") for run in runs(station(3.2, places=4, slots=4))]
    assert inside(erlang_c(4, 3.2) / (4 - 3.2), waits)


def test_a_shared_pool_is_mmc_whatever_the_servers():
    plan = station(3.2, places=4)
    step = Step(action="pool", pool="shared", law=exponential(mean=1))
    plan = replace(
        plan,
        classes=[RequestClass(name="all", steps=[step])],
        pools=[Pool(name="shared", places=4)],
        servers=replace(plan.servers, count=3),
    )
    assert inside(erlang_c(4, 3.2) / 0.8, [run.mean_wait("shared") for run in runs(plan)])


def test_pollaczek_khinchine():
    plan = station(0.8, places=1)
    step = Step(action="processor", law=lognormal(mean=1, scv=2))
    plan = replace(plan, classes=[RequestClass(name="all", steps=[step])])
    assert inside(0.8 * 3 / 2 / 0.2, [run.mean_wait("processors") for run in runs(plan, 20)])


def test_users_who_think_are_a_finite_source():
    users, think, places = 30, 5.0, 4
    plan = station(users, places=places, think_time=think, closed=True)
    weights = [1.0]
    for n in range(1, users + 1):
        weights.append(weights[-1] * (users - n + 1) / think / min(n, places))
    throughput = np.dot(np.minimum(np.arange(users + 1), places), weights) / np.sum(weights)
    outcomes = runs(plan)
    assert inside(throughput, [run.totals["served"] / run.horizon for run in outcomes])
    assert inside(users / throughput - think, [run.mean_response() for run in outcomes])


def test_users_who_think_follow_their_curve():
    users = Users(times=[0, 1000, 3000], users=[0, 50, 50], think_time=2, closed=True)
    plan = replace(station(1, places=100), users=users)
    outcome = replicate(plan, np.random.SeedSequence(1), step=500)
    rates = outcome.timeline["arrived"] / 500
    assert rates[:2] == pytest.approx([12.5 / 3, 37.5 / 3], rel=0.15)
    assert rates[2:] == pytest.approx(50 / 3, rel=0.05)


def test_priority_is_cobhams():
    """M/M/1, non-preemptive: W1 = rho / (1 - rho1), W2 = W1 / (1 - rho), in service times."""
    jobs = Jobs(workers=1, threads=1, attempt=[exponential(mean=1)], urgent_share=0.3)
    plan = replace(
        station(0.8, places=10),
        classes=[RequestClass(name="all", steps=[Step(action="submit")])],
        jobs=jobs,
    )
    outcomes = runs(plan, 20)
    urgent = 0.8 / (1 - 0.3 * 0.8)
    assert inside(urgent + 1, [run.mean_delivery(line="urgent") for run in outcomes])
    assert inside(urgent / 0.2 + 1, [run.mean_delivery(line="others") for run in outcomes])
    assert inside(0.8 / 0.2, [run.mean_wait("workers") for run in outcomes])  # conserved


# Arrivals


def test_arrivals_follow_the_curve():
    users = Users(times=[0, 600, 601, 3000], users=[0, 100, 40, 160], think_time=1)
    plan = replace(station(1, places=1000), users=users)
    counts = sum(run.timeline["arrived"] for run in runs(plan, 20, step=100.0))
    means = 20 * np.diff(users.requests_until(np.arange(0, 3001, 100)))
    assert stats.chi2.sf(np.sum((counts - means) ** 2 / means), len(means)) > 1e-4
    assert stats.chi2.sf(np.sum((counts - 1.02 * means) ** 2 / means), len(means)) < 1e-4


def test_the_peak_is_a_window_of_its_own():
    users = Users(times=[0, 1000, 2000], users=[10, 10, 110], think_time=1, peak_fraction=0.5)
    outcome = replicate(replace(station(1, places=500), users=users), np.random.SeedSequence(1))
    assert outcome.counts["arrived"][1].sum() == pytest.approx(550 * (110 + 55) / 2, rel=0.02)


def two_servers(routing):
    plan = station(1.0, places=1)
    plan = replace(plan, servers=replace(plan.servers, count=2, routing=routing))
    return [run.mean_wait("processors") for run in runs(plan)]


def test_routing_at_random_makes_two_mm1():
    assert inside(1.0, two_servers("random"))


def test_routing_in_turn_makes_two_stations_with_erlang_arrivals():
    """E2/M/1 at 0.5: wait s / (1 - s), with s the root of s (2 - s)^2 = 1 below 1."""
    root = (3 - np.sqrt(5)) / 2
    assert inside(root / (1 - root), two_servers("turns"))


def test_routing_to_the_fewest_lies_between_one_line_and_turns():
    low, high = interval(two_servers("fewest"))
    assert 1 / 3 < low < high < 0.6


# The whole system, small and under stress


def system():
    """Four servers, a cache, a database, workers, a stream and a sink; parts that fail often."""
    read = Step(action="pool", pool="database", law=gamma(mean=0.006, scv=1.5))
    cache = Step(
        action="delay",
        law=gamma(mean=0.0008, scv=0.5),
        part="cache",
        optional=True,
        skip_probability=0.8,
        skip_steps=1,
    )
    ask = Step(action="processor", law=exponential(mean=0.018))
    enqueue = Step(action="delay", law=exponential(mean=0.015), part="queue")
    return Plan(
        users=Users(times=[0, 1800], users=[1400, 2600], think_time=14, nominal_response=0.06),
        classes=[
            RequestClass(
                name="send", share=0.25, steps=[ask, read, enqueue, Step(action="submit")]
            ),
            RequestClass(name="list", share=0.75, steps=[ask, cache, read]),
        ],
        servers=Servers(
            count=4,
            slots=5,
            processors=2,
            waiting_room=100,
            entry_delay=0.0015,
            entry_part="balancer",
            outages=OFTEN,
        ),
        pools=[Pool(name="database", places=4, part="database")],
        parts=dict.fromkeys(["balancer", "cache", "database", "queue", "stream"], OFTEN),
        jobs=Jobs(
            workers=5,
            threads=10,
            attempt=[
                gamma(mean=0.035, scv=0.6),
                lognormal(mean=0.8, scv=2),
                deterministic(mean=0.012),
            ],
            failure_probability=0.05,
            max_attempts=5,
            visibility_timeout=30,
            part="queue",
            outages=OFTEN,
        ),
        events=Events(
            consumer="sinks",
            per_delivery=6,
            put=exponential(mean=0.012),
            part="stream",
            rate_limit=1000,
            consume=exponential(mean=0.012),
            sinks=2,
            threads=10,
            outages=OFTEN,
        ),
    )


HOOK = RequestClass(
    name="hook",
    steps=[
        Step(action="processor", law=exponential(mean=0.004)),
        Step(action="pool", pool="database", law=gamma(mean=0.008, scv=1.5)),
    ],
)
INLINE = RequestClass(
    name="send",
    steps=[
        Step(action="processor", law=gamma(mean=0.035, scv=0.6)),
        Step(action="delay", law=lognormal(mean=0.2, scv=2)),
        Step(action="attempt"),
    ],
)
SCALED = BacklogAutoscaler(
    target_per_worker=50, minimum=1, maximum=8, boot_time=60, scale_in_after=120
)
WHOLE = system()
VARIANTS = {
    "events to sinks through a stream": WHOLE,
    "events straight to sinks": replace(WHOLE, events=replace(WHOLE.events, put=None, buffer=20)),
    "events to the workers": replace(WHOLE, events=replace(WHOLE.events, consumer="workers")),
    "events as hooks": replace(
        WHOLE, events=Events(consumer="hooks", per_delivery=6, hook=HOOK, hook_delay=60)
    ),
    "no events": replace(WHOLE, events=None),
    "attempts inside the requests": replace(
        WHOLE,
        classes=[INLINE],
        jobs=None,
        users=Users.steady(request_rate=40, horizon=1800),
        inline_failure_probability=0.05,
        events=Events(consumer="hooks", hook=HOOK, hook_delay=60),
    ),
    "two lines": replace(WHOLE, jobs=replace(WHOLE.jobs, urgent_share=0.3)),
    "autoscaling": replace(WHOLE, jobs=replace(WHOLE.jobs, autoscaling=SCALED)),
    "attempts that outlast": replace(WHOLE, jobs=replace(WHOLE.jobs, visibility_timeout=1.0)),
    "users who think": replace(WHOLE, users=replace(WHOLE.users, closed=True)),
    "too few workers": replace(WHOLE, jobs=replace(WHOLE.jobs, workers=1)),
    "one server": replace(WHOLE, servers=replace(WHOLE.servers, count=1, entry_part=None)),
    "random routing": replace(WHOLE, servers=replace(WHOLE.servers, routing="random")),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_nothing_is_lost_or_made(name):
    for outcome in runs(VARIANTS[name], 3):
        assert outcome.unaccounted == {"requests": 0, "jobs": 0, "events": 0}
        assert outcome.totals["failed"] > 0


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_seed_gives_the_same_bits_on_one_thread_and_on_two(name):
    plan = replace(VARIANTS[name], users=replace(VARIANTS[name].users, times=[0, 300]))
    seeds = np.random.SeedSequence(7).spawn(4)
    alone = [replicate(plan, seed) for seed in seeds]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda seed: replicate(plan, seed), seeds))
    for one, other in zip(alone, together, strict=True):
        assert one.totals == other.totals
        assert np.array_equal(one.latency, other.latency)
        assert one.timeline.tobytes() == other.timeline.tobytes()
    assert alone[0].totals != alone[1].totals


def test_stopping_on_the_way_changes_nothing():
    seed = np.random.SeedSequence(3)
    whole, pieces = Replication(WHOLE, seed), Replication(WHOLE, seed)
    whole.run(1800)
    for until in np.linspace(0, 1800, 101):
        pieces.run(until)
    assert whole.outcome().totals == pieces.outcome().totals


def test_without_failures_nobody_fails():
    outcome = replicate(WHOLE, np.random.SeedSequence(1), failures=False)
    assert outcome.totals["failed"] == 0
    assert set(outcome.downtime.values()) == {0.0}


def test_parts_are_down_as_long_as_their_outages_say():
    plan = replace(WHOLE, users=Users.steady(request_rate=0, horizon=400_000))
    down = [run.downtime["database"] / 400_000 for run in runs(plan)]
    assert inside(60 / 460, down)


def test_a_failed_cache_is_one_where_every_lookup_misses():
    up = dict.fromkeys(WHOLE.parts)
    plan = replace(
        WHOLE,
        parts=up | {"cache": Outages(mean_up=1e-3, mean_down=1e9)},
        servers=replace(WHOLE.servers, outages=None),
        users=Users.steady(request_rate=50, horizon=1800),
    )
    with_cache = replicate(WHOLE, np.random.SeedSequence(1), failures=False)
    without = replicate(plan, np.random.SeedSequence(1))
    visits = without.visits["database"][0] / without.totals["served"]
    assert visits == pytest.approx(1.0, abs=0.02)
    share = with_cache.visits["database"][0] / with_cache.totals["served"]
    assert share == pytest.approx(0.25 + 0.75 * 0.2, rel=0.02)


def test_the_memory_of_a_stable_system_does_not_grow():
    replication = Replication(WHOLE, np.random.SeedSequence(1), failures=False)
    replication.run(60)
    before = {name: table.nbytes for name, table in replication._world.tables.items()}
    replication.run(1800)
    assert before == {name: table.nbytes for name, table in replication._world.tables.items()}
