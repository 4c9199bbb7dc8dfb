"""Backpressure by chance, by the object's own steps: by hand, beside `.evaluate`, and refused."""

from heapq import heappop, heappush, heapreplace

import numpy as np
import pytest

from queueing.backpressure import (
    BacklogAutoscaler,
    BoundedQueue,
    ConcurrencyLimit,
    GradientLimit,
    TokenBucket,
)
from queueing.distributions import exponential
from queueing.nonstationary import MtMc, PiecewiseConstant
from queueing.simulation import simulate
from queueing.simulation.station import plan_of, pressure
from queueing.simulation.station.gates import LOST, SERVED, SHED
from queueing.stations import MG1, ErlangA, MMc, MMcK, PriorityMG1, PriorityMMc

SERVICE_RATE, SERVERS = 6, 2
SHARES = ("accepted", "delayed", "shed", "lost", "held", "throughput", "mean_wait")
FIRST = ("accepted", "shed", "throughput")


def work(policy, came, services, *, servers=1, kinds=None, classes=1, horizon=np.inf):
    """Return the fates of customers given by hand."""
    model = MMc(arrival_rate=1, service_rate=1, servers=servers)
    if classes > 1:
        model = PriorityMMc(arrival_rates=[1] * classes, service_rate=1, servers=servers)
    given = pressure.Pressed(
        plan=plan_of(model), policy=policy, customers=None, horizon=horizon, warmup=0
    )
    whose = None if kinds is None else np.array(kinds)
    return pressure.work(given, np.array(came, dtype=float), np.array(services, dtype=float), whose)


def test_a_full_queue_rejects_by_hand():
    found = work(BoundedQueue(capacity=2), [1, 2, 3, 4, 6], [4, 1, 9, 1, 1])
    assert found.fates.tolist() == [SERVED, SERVED, SHED, SHED, SERVED]
    assert found.waited[[0, 1, 4]].tolist() == [0, 3, 0]


def test_a_queue_that_blocks_holds_outside_by_hand():
    found = work(BoundedQueue(capacity=2, when_full="block"), [1, 2, 3, 4, 9], [4, 1, 1, 1, 1])
    assert (found.fates == SERVED).all()
    assert found.waited.tolist() == [0, 3, 3, 3, 0]
    assert found.held.tolist() == [False, False, True, True, False]


def test_the_youngest_of_the_lowest_class_makes_place_by_hand():
    """One server, two places: c (low) gives way to d (high), whom nobody gives way to after."""
    queue = BoundedQueue(capacity=3, when_full="shed-lowest")
    kinds = [1, 1, 1, 0, 1, 0, 0]
    found = work(queue, range(1, 8), [10, 1, 1, 2, 1, 1, 1], kinds=kinds, classes=2)
    assert found.fates.tolist() == [SERVED, LOST, LOST, SERVED, SHED, SERVED, SHED]
    assert found.waited[[1, 2, 3, 5]].tolist() == [4, 1, 7, 7]


def test_a_bucket_lets_its_own_choice_in():
    bucket, came = TokenBucket(rate=1, burst=2), [0.5, 0.6, 0.7, 1.4, 1.7]
    found = work(bucket, came, [2, 2, 2, 2, 2])
    assert (found.fates == SERVED).tolist() == bucket.admitted(came).tolist()
    assert found.waited[:2].tolist() == pytest.approx([0, 1.9])


def literally_limited(came, services, servers, limit, step):
    """Who is let in, where after each completion `step` may change the limit."""
    free, there, passes = [0.0] * servers, [], []
    for now, service in zip(came, services, strict=True):
        while there and there[0][0] <= now:
            end, begun = heappop(there)
            limit = step(limit, end - begun)
        passes.append(len(there) < np.floor(limit))
        if passes[-1]:
            end = max(free[0], now) + service
            heapreplace(free, end)
            heappush(there, (end, now))
    return passes


@pytest.mark.parametrize("policy", [ConcurrencyLimit(limit=3), ConcurrencyLimit.gradient(limit=9)])
def test_limits_are_those_of_their_own_steps(policy):
    """A limit that adapts is told the mean of a hundred round trips, and the mean service."""
    rng = np.random.default_rng(1)
    came, services = np.cumsum(rng.exponential(0.2, 3000)), rng.exponential(1, 3000)
    trips = []

    def step(limit, trip):
        trips.append(trip)
        if len(trips) % 100:
            return limit
        return policy.next_limit(limit, round_trip=np.mean(trips[-100:]), shortest=1.0)

    found = work(policy, came, services, servers=4)
    expected = literally_limited(came, services, 4, float(policy.limit), step)
    assert (found.fates == SERVED).tolist() == expected
    assert 0.1 < np.mean(expected) < 0.9


def literally_scaled(rule, came, services, threads, end):  # noqa: C901, PLR0912 - event by event
    """When each begins, and (time, workers) at every change, by small steps of events."""
    marks = {0.0} | {k * rule.interval for k in range(1, int(end / rule.interval) + 1)}
    asked, boots, up, since = rule.minimum, [], rule.minimum, 0.0
    queue, begun, busy, course, i = [], {}, [], [], 0
    events = sorted(marks | {end})
    while events:
        now = min([events[0], *(b for b in boots), *(busy[:1]), *came[i : i + 1]])
        if now > end:
            break
        if busy and busy[0] == now:
            heappop(busy)
        elif i < len(came) and came[i] == now:
            queue.append(i)
            i += 1
        elif now in boots:
            boots.remove(now)
            up += 1
        else:
            events.pop(0)
            if now > 0:
                need = rule.wanted(len(queue))
                if need >= asked:
                    since = now
                if need > asked:
                    boots += [now + rule.boot_time] * (need - asked)
                    asked = need
                elif now - since >= rule.scale_in_after:
                    while asked > need:
                        asked -= 1
                        if boots:
                            boots.remove(max(boots))
                        else:
                            up -= 1
        while queue and len(busy) < up * threads:
            begun[queue[0]] = now
            heappush(busy, now + services[queue.pop(0)])
        course.append((now, up))
    return begun, course


def test_workers_follow_the_backlog_as_the_rule_says():
    rule = BacklogAutoscaler(
        target_per_worker=5, minimum=1, maximum=6, interval=3, boot_time=4.5, scale_in_after=7
    )
    rng = np.random.default_rng(2)
    came = np.cumsum(rng.exponential(0.16, 2000))
    services = rng.exponential(1, came.size)
    end = float(came[-1])
    found = work(rule, came, services, servers=2, horizon=end)
    begun, course = literally_scaled(rule, came.tolist(), services.tolist(), 2, end)
    starts = np.array([begun.get(k, end) for k in range(came.size)])
    assert found.came + found.waited == pytest.approx(starts)
    times = np.linspace(0.01, end - 0.01, 3001)
    ours = np.array(found.workers)
    theirs = np.array(course)
    up, expected = (
        table[np.searchsorted(table[:, 0], times, side="right") - 1, 1] for table in (ours, theirs)
    )
    assert (up == expected).all()
    assert len(set(up)) >= 4


CASES = [
    (BoundedQueue(capacity=5), SHARES),
    (BoundedQueue(capacity=5, when_full="block"), SHARES),
    (BoundedQueue(capacity=4, when_full="shed-lowest"), SHARES),
    (ConcurrencyLimit(limit=4), SHARES),
    (ConcurrencyLimit(limit=1), SHARES),
    (TokenBucket(rate=9, burst=3), FIRST),
    (TokenBucket(rate=11, burst=1.5), FIRST),
]


def simulated(policy, *, busier=1.0, seed=1, **how):
    rate = 10 * busier
    model = MMc(arrival_rate=rate, service_rate=SERVICE_RATE, servers=SERVERS)
    if isinstance(policy, BoundedQueue) and policy.when_full == "shed-lowest":
        model = PriorityMMc(
            arrival_rates=[0.4 * rate, 0.6 * rate], service_rate=SERVICE_RATE, servers=SERVERS
        )
    run = {"customers": 20_000, "replications": 10} | how
    return simulate(model, backpressure=policy, seed=seed, **run)


@pytest.mark.parametrize(("policy", "exact"), CASES, ids=str)
def test_exact_theory_is_inside_and_ten_per_cent_more_is_told_apart(policy, exact):
    """Over ten runs with intervals at 95 %; a busier station's throughput or shares miss."""
    theory = simulated(policy).theory
    for busier, rejected in ((1.0, False), (1.1, True)):
        inside = []
        for seed in range(10):
            found = simulated(policy, busier=busier, seed=seed)
            pairs = zip((found, *found.classes), (theory, *theory.classes), strict=True)
            inside.append(
                [
                    value in getattr(view, name)
                    for view, said in pairs
                    for name in exact
                    if (value := getattr(said, name)) not in {0.0, 1.0}
                ]
            )
        met = np.array(inside)
        if rejected:
            assert (~met).any(axis=1).mean() >= 0.9
        else:
            assert met.mean() >= 0.85


def test_shares_that_are_certain_are_certain():
    found = simulated(BoundedQueue(capacity=5))
    assert found.lost.mean == found.held.mean == 0
    assert (found.accepted.mean + found.shed.mean) == pytest.approx(1)
    frame = found.to_frame()
    assert frame.loc["lost", "inside"]
    assert list(frame.index) == list(SHARES)


def test_a_bucket_s_line_waits_less_than_its_upper_estimate():
    found = simulated(TokenBucket(rate=9, burst=3))
    assert found.mean_wait.high < found.theory.mean_wait
    assert found.delayed.high < found.theory.delayed


def test_a_gradient_hovers_about_the_limit_it_settles_at():
    rule = ConcurrencyLimit.gradient()
    model = MMc(arrival_rate=150, service_rate=10, servers=10)
    found = simulate(model, backpressure=rule, customers=50_000, replications=5, seed=1)
    assert isinstance(rule, GradientLimit)
    assert found.shed.mean == pytest.approx(found.theory.shed, abs=0.01)
    apart = rule.evaluate(arrival_rate=165, service_rate=10, servers=10)
    assert abs(found.shed.mean - apart.shed) > 0.03


def test_many_jobs_scale_as_the_fluid_says_and_a_choice_of_one_is_the_station():
    rule = BacklogAutoscaler(target_per_worker=100, minimum=1, maximum=6)
    model = MMc(arrival_rate=40, service_rate=1, servers=10)
    found = simulate(model, backpressure=rule, horizon=20_000, replications=4, seed=1)
    for name, slack in (("workers", 0.02), ("delayed", 0.02), ("mean_wait", 0.03)):
        assert getattr(found, name).mean == pytest.approx(getattr(found.theory, name), rel=slack)
    assert found.largest_backlog.mean == pytest.approx(found.theory.largest_backlog, rel=0.08)
    single = BacklogAutoscaler(target_per_worker=9, minimum=1, maximum=1)
    line = MMc(arrival_rate=8, service_rate=1, servers=10)
    found = simulate(line, backpressure=single, horizon=20_000, replications=10, seed=1)
    assert line.wait_probability in found.delayed
    assert line.mean_wait in found.mean_wait
    assert found.workers.mean == 1
    more = line.with_servers(11)
    assert more.wait_probability not in found.delayed


def test_other_laws_and_moving_rates_have_no_theory_and_run():
    general = simulate(
        MG1(arrival_rate=2, service=exponential(mean=1)),
        backpressure=BoundedQueue(capacity=3),
        customers=20_000,
        seed=1,
    )
    assert general.theory is None
    station = MMcK(arrival_rate=2, service_rate=1, servers=1, capacity=3)
    assert station.blocking_probability in general.shed
    surge = MtMc(
        arrival_rate=PiecewiseConstant([(0, 5), (100, 50), (200, 5)]), service_rate=1, servers=10
    )
    found = simulate(surge, backpressure=TokenBucket(rate=10, burst=5), horizon=300, seed=1)
    assert found.accepted.mean == pytest.approx((2 * 500 + 1000) / 6000, rel=0.05)
    assert found.throughput.mean == pytest.approx(2000 / 300, rel=0.05)


def test_overload_is_told_and_may_be_watched():
    line = MMc(arrival_rate=12, service_rate=1, servers=10)
    blocked = BoundedQueue(capacity=20, when_full="block")
    with pytest.raises(ValueError, match="cannot keep up under BoundedQueue"):
        simulate(line, backpressure=blocked, customers=1000)
    found = simulate(line, backpressure=blocked, horizon=500, warmup=0, seed=1)
    assert found.throughput.mean == pytest.approx(10, rel=0.02)
    assert found.mean_wait.mean == pytest.approx((12 - 10) / 10 * 250, rel=0.1)


STATION = MMc(arrival_rate=8, service_rate=1, servers=10)


@pytest.mark.parametrize(
    ("model", "wishes", "words"),
    [
        (STATION, {"backpressure": 5}, "backpressure must be a BoundedQueue"),
        (STATION, {"horizon": 10}, "simulate needs either customers= or horizon="),
        (STATION, {"until": {"mean_wait": 1}}, "give replications="),
        (STATION, {"timeout": 3}, "either retries= with timeout=, or backpressure="),
        (STATION, {"backpressure": BoundedQueue(capacity=9)}, "at least the 10 servers, got 9"),
        (
            MMcK(arrival_rate=8, service_rate=1, servers=10, capacity=12),
            {},
            r"backpressure=BoundedQueue\(capacity=12\)",
        ),
        (
            ErlangA(arrival_rate=8, service_rate=1, servers=10, patience_rate=1),
            {},
            "lose patience by a law of their own",
        ),
        (PriorityMMc(arrival_rates=[1, 2], service_rate=1, servers=2), {}, "come in classes"),
        (
            PriorityMMc(arrival_rates=[1, 2], service_rate=1, servers=2, preemptive=True),
            {"backpressure": BoundedQueue(capacity=12, when_full="shed-lowest")},
            "come in classes",
        ),
        (
            PriorityMG1(
                arrival_rates=[0.1, 0.2], services=[exponential(mean=1), exponential(mean=2)]
            ),
            {"backpressure": BoundedQueue(capacity=12, when_full="shed-lowest")},
            "come in classes",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(model, wishes, words):
    run = {"backpressure": BoundedQueue(capacity=20), "customers": 100, "seed": 1} | wishes
    with pytest.raises(ValueError, match=words):
        simulate(model, **run)


def test_a_view_says_what_it_has():
    found = simulated(BoundedQueue(capacity=4, when_full="shed-lowest"), customers=1000)
    assert "theory" in repr(found)
    assert "mean_wait" in dir(found)
    assert len(found.classes) == 2
    assert found.classes[0].classes == ()
    with pytest.raises(AttributeError, match="BoundedQueue has no 'workers', only accepted"):
        _ = found.workers
