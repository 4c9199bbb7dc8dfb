"""Customers who give up and try again, attempt by attempt: by hand, by theory and by other rules.

The literal engine below knows every event (comes, begins, ends, gives up) and nothing of the
compiled loop's shortcut, by which an attempt's end is known when it is made.
"""

import heapq
import math
from itertools import count

import numpy as np
import pytest

from queueing.distributions import deterministic
from queueing.retries import Backoff, RetryPolicy, exponential_backoff, retry_fixed_points
from queueing.simulation import simulate
from queueing.simulation.station import attempts as loop
from queueing.simulation.station import plan_of, storm
from queueing.stations import MG1, ErlangA, FiniteSource, MDc, MMc, MMcK, PriorityMMc

THREE = RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=1, factor=2))
STATION = {"service_rate": 1, "servers": 10}


def literally(came, services, repeated, *, servers, room, timeout, policy, horizon):
    """Return (attempts, refused, good, dead, work, wasted) of a run, event by event.

    Who has left is in line all the same; `repeated` has a service for every attempt, of which first
    attempts have no need.
    """
    serial = count()
    events = [
        (at, next(serial), "comes", (job, 1, work))
        for job, (at, work) in enumerate(zip(came, services, strict=True))
    ]
    heapq.heapify(events)
    line, busy, here, over = [], 0, 0, {}
    counts = [0, 0, 0, 0, 0.0, 0.0]

    def fails(now, job, attempt):
        if attempt == policy.max_attempts:
            counts[3] += 1
        else:
            wait = sum(policy.backoff.between(attempt)) / 2
            heapq.heappush(events, (now + wait, next(serial), "comes", (job, attempt + 1, None)))

    while events and events[0][0] < horizon:
        now, _, what, about = heapq.heappop(events)
        if what == "comes":
            job, attempt, work = about
            work = repeated[counts[0]] if work is None else work
            counts[0] += 1
            if here == room:
                counts[1] += 1
                fails(now, job, attempt)
                continue
            here += 1
            over[job, attempt] = False
            line.append((job, attempt, work))
            heapq.heappush(events, (now + timeout, next(serial), "gives up", (job, attempt)))
        elif what == "gives up":
            if over[about] is False:
                over[about] = True
                fails(now, *about)
        else:
            job, attempt, work = about
            here, busy = here - 1, busy - 1
            counts[4] += work
            if over[job, attempt]:
                counts[5] += work
            else:
                counts[2] += 1
                over[job, attempt] = True
        while line and busy < servers:
            job, attempt, work = line.pop(0)
            busy += 1
            heapq.heappush(events, (now + work, next(serial), "ends", (job, attempt, work)))
    return counts


def compiled(case, came, services, repeated):
    """The same counts by the compiled loop, in blocks of uneven size; and those of each step."""
    station, why, at = storm._Station(case), loop.MORE_ARRIVALS, 0
    counts = np.zeros((case.steps + 1, loop.COUNTS))
    blocks = [np.array([]), *np.array_split(np.arange(came.size), 5)]
    rows = iter([(came[rows], services[rows]) for rows in blocks if rows.size])
    while why != loop.OVER:
        if why == loop.MORE_ROWS:
            station.grow()
        elif why == loop.MORE_SERVICES:
            at += 11
            station.header["repeated"] = 0
        elif why == loop.MORE_ARRIVALS:
            block = next(rows, (np.array([np.inf]), np.zeros(1)))
            station.header["came"] = 0
        later = repeated[at : at + 11]
        why = loop.make_attempts(
            station.header, *block, later, np.full(11, 0.5), case.between, counts
        )
    return counts


@pytest.mark.parametrize("room", [math.inf, 14, 10])
@pytest.mark.parametrize("timeout", [0.5, 3, math.inf])
@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize("jitter", ["none", "full"])
def test_the_loop_is_the_literal_list_of_events(room, timeout, attempts, jitter, monkeypatch):
    monkeypatch.setattr(storm, "_ROWS", 2)
    backoff = exponential_backoff(base=0.7, factor=2, cap=2, jitter=jitter)
    policy = RetryPolicy(max_attempts=attempts, backoff=backoff)
    case = _case(room=room, timeout=timeout, retries=policy, horizon=60)
    rng = np.random.default_rng(7)
    came = np.cumsum(rng.exponential(1 / 8, 480))
    services, repeated = rng.exponential(1, came.size), rng.exponential(1, 10_000)
    expected = literally(
        came.tolist(),
        services.tolist(),
        repeated.tolist(),
        servers=10,
        room=room,
        timeout=timeout,
        policy=policy,
        horizon=min(60, came[-1]),
    )
    came = np.append(came, np.inf)
    case = _case(room=room, timeout=timeout, retries=policy, horizon=min(60, float(came[-2])))
    counts = compiled(case, came, np.append(services, 0), repeated)
    assert counts[-1] == pytest.approx(expected)
    assert counts[:-1].sum(axis=0) == pytest.approx(expected)


def _case(*, room, **rules):
    model = MMc(arrival_rate=8, **STATION)
    if room < math.inf:
        model = MMcK(arrival_rate=8, capacity=int(room), **STATION)
    return storm.Storm(plan=plan_of(model), warmup=0, steps=7, **rules)


def test_eight_a_second_collapse_and_five_do_not():
    """From empty, with a line without end; the collapse comes by chance, and stays."""
    for rate, calm in ((5, True), (8, False)):
        result = simulate(
            MMc(arrival_rate=rate, **STATION),
            retries=THREE,
            timeout=3,
            horizon=7200,
            warmup=3600,
            seed=2026,
            replications=10,
        )
        if calm:
            assert result.goodput.mean == pytest.approx(5, rel=0.02)
            assert result.dead_letter_share.high < 0.001
            assert result.wasted_share.mean < 0.25
        else:
            assert result.dead_letter_share.low > 0.97
            assert result.attempt_rate.mean == pytest.approx(24, rel=0.02)
            assert result.wasted_share.low > 0.97


def test_a_storm_s_course_is_seen_over_time():
    result = simulate(
        MMc(arrival_rate=8, **STATION), retries=THREE, timeout=3, horizon=3600, steps=30, seed=1
    )
    table = result.over_time
    assert table.index[-1] == 3600
    goodput = table["goodput", "mean"]
    assert goodput.iloc[0] > 4
    assert goodput.iloc[-1] < 0.5
    assert goodput.mean() == pytest.approx(result.goodput.mean)
    assert table["attempt_rate", "mean"].mean() == pytest.approx(result.attempt_rate.mean)


BACK_LATE = RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=100, factor=1))
STORM = STATION | {"capacity": 14, "timeout": 3, "max_attempts": 3}


def inside(arrival_rate, seed):
    """Whether theory's point at 6.5 a second is in each interval of a few runs."""
    row = retry_fixed_points(arrival_rate=6.5, **STORM).iloc[0]
    result = simulate(
        MMcK(arrival_rate=arrival_rate, capacity=14, **STATION),
        retries=BACK_LATE,
        timeout=3,
        horizon=3000,
        warmup=600,
        replications=6,
        seed=seed,
    )
    return [row.attempt_rate in result.attempt_rate, row.goodput in result.goodput]


@pytest.mark.parametrize(("busier", "accepted"), [(1, True), (1.1, False)])
def test_theory_s_point_is_met_and_ten_per_cent_more_are_told_apart(busier, accepted):
    """Repeated attempts come long after, when they are all but a Poisson stream."""
    found = np.mean([inside(6.5 * busier, seed) for seed in range(20)])
    assert found >= 0.85 if accepted else found <= 0.1


def test_one_attempt_and_no_limit_are_the_plain_station():
    once = RetryPolicy(max_attempts=1, backoff=exponential_backoff(base=1, factor=1))
    station = MMc(arrival_rate=8, **STATION)
    result = simulate(station, retries=once, horizon=4000, warmup=400, seed=5)
    assert 8 in result.attempt_rate
    assert result.dead_letter_share.mean == 0
    assert result.wasted_share.mean == 0
    late = simulate(station, retries=once, timeout=2, horizon=4000, warmup=400, seed=5)
    assert station.time_in_system.sf(2) in late.dead_letter_share
    busier = MMc(arrival_rate=8.8, **STATION)
    assert busier.time_in_system.sf(2) not in late.dead_letter_share


def test_any_law_of_service_will_do():
    """One server, 1 s each, at 0.5 a second: two by two of M/D/1's waits."""
    once = RetryPolicy(max_attempts=1, backoff=exponential_backoff(base=1, factor=1))
    constant = MDc(arrival_rate=0.5, service_time=1, servers=1)
    run = {"retries": once, "timeout": 1.5, "horizon": 20_000, "warmup": 500, "seed": 3}
    assert constant.wait.sf(0.5) in simulate(constant, **run).dead_letter_share
    general = MG1(arrival_rate=0.5, service=deterministic(mean=1))
    assert simulate(general, **run).dead_letter_share == simulate(constant, **run).dead_letter_share


@pytest.mark.parametrize("jitter", ["none", "full", "equal", "decorrelated"])
def test_waits_between_attempts_are_those_of_the_policy(jitter):
    """Nobody is ever served, so that all make five attempts; those still to come tell the waits."""
    backoff = exponential_backoff(base=1, factor=2, cap=6, jitter=jitter)
    policy = RetryPolicy(max_attempts=5, backoff=backoff)
    once = RetryPolicy(max_attempts=1, backoff=backoff)
    never = MDc(arrival_rate=20, service_time=1e9, servers=1)
    run = {"timeout": 1, "horizon": 200, "replications": 40, "seed": 9}
    first, made = (simulate(never, retries=each, **run).attempt_rate for each in (once, policy))
    to_come = (5 * first.mean - made.mean) * 200
    assert to_come / 20 == pytest.approx(np.sum(np.cumsum(policy.delays() + 1)), rel=0.03)


def test_same_seed_same_bits_and_pairs():
    run = {"retries": THREE, "timeout": 3, "horizon": 300, "seed": 4, "replications": 8}
    station = MMc(arrival_rate=8, **STATION)
    one, two = simulate(station, **run), simulate(station, **run)
    assert all((a == b).all() for a, b in zip(one.counts, two.counts, strict=True))
    other = simulate(station.with_servers(11), **run)
    paired = other.goodput - one.goodput
    assert paired.half_width < math.hypot(other.goodput.half_width, one.goodput.half_width)


class Mood(Backoff):
    def between(self, _attempt):
        return 1.0, 2.0

    def draw(self, _attempt, rng, _previous=None):
        return rng.exponential()


@pytest.mark.parametrize(
    ("model", "wishes", "words"),
    [
        (MMc(arrival_rate=8, **STATION), {"customers": 100}, "by horizon=, not customers="),
        (MMc(arrival_rate=8, **STATION), {"timeout": 0}, "timeout must be a finite number above 0"),
        (MMc(arrival_rate=8, **STATION), {"timeout": math.nan}, "timeout must be a finite number"),
        (MMc(arrival_rate=8, **STATION), {"retries": 3}, r"retries must be a RetryPolicy"),
        (MMc(arrival_rate=8, **STATION), {"warmup": 100}, "warmup must leave something"),
        (MMc(arrival_rate=8, **STATION), {"horizon": -1}, "horizon must be a finite number above"),
        (MMc(arrival_rate=8, **STATION), {"steps": 0}, "steps must be a whole number of at least"),
        (MMc(arrival_rate=8, **STATION), {"until": {"goodput": 1}}, "give replications="),
        (
            MMc(arrival_rate=8, **STATION),
            {"retries": RetryPolicy(max_attempts=2, backoff=Mood())},
            "draws by a rule of its own",
        ),
        (
            ErlangA(arrival_rate=8, patience_rate=1, **STATION),
            {},
            "whose customers lose patience by a law of their own",
        ),
        (FiniteSource(population=5, think_time=1, **STATION), {}, "whose customers think"),
        (PriorityMMc(arrival_rates=[1, 2], **STATION), {}, "whose customers come in classes"),
    ],
)
def test_what_cannot_be_run_is_refused(model, wishes, words):
    run = {"retries": THREE, "timeout": 3, "replications": 2, "seed": 1} | wishes
    if "customers" not in run:
        run = {"horizon": 100} | run
    with pytest.raises(ValueError, match=words):
        simulate(model, **run)


def test_a_result_says_what_it_has():
    result = simulate(
        MMcK(arrival_rate=8, capacity=12, **STATION), retries=THREE, timeout=3, horizon=100, seed=1
    )
    assert "dead_letter_share" in repr(result)
    assert "goodput" in dir(result)
    assert result.to_frame().loc["blocking_probability", "mean"] > 0
    with pytest.raises(AttributeError, match="has no 'mean_wait', only attempt_rate, goodput"):
        _ = result.mean_wait
    endless = simulate(MMc(arrival_rate=8, **STATION), retries=THREE, timeout=3, horizon=9, seed=1)
    with pytest.raises(AttributeError, match="nobody is turned away"):
        _ = endless.blocking_probability


@pytest.mark.parametrize("option", [{"start": 3}, {"control": "exact"}, {"antithetic": True}])
def test_what_belongs_to_a_station_alone_is_refused(option):
    policy = RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=1, factor=2))
    with pytest.raises(ValueError, match="for a station alone"):
        simulate(
            MMc(arrival_rate=5, service_rate=1, servers=10),
            retries=policy,
            timeout=3,
            horizon=60,
            **option,
        )
