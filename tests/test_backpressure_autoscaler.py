"""Workers by the backlog: the rule by hand, its fluid by hand and against small steps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing import MMc
from queueing.backpressure import BacklogAutoscaler
from queueing.backpressure.scaling_rule import decision

RULE = BacklogAutoscaler(target_per_worker=100, minimum=1, maximum=6)

# The rule


@pytest.mark.parametrize(
    ("backlog", "workers"),
    [(0, 1), (1, 1), (100, 1), (100.1, 2), (101, 2), (200, 2), (600, 6), (601, 6), (1e9, 6)],
)
def test_a_worker_for_every_target_of_waiting_jobs(backlog, workers):
    assert RULE.wanted(backlog) == workers
    assert BacklogAutoscaler(target_per_worker=1e-300, minimum=1, maximum=6).wanted(1e300) == 6


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 50), st.integers(0, 50))
def test_the_rule_keeps_its_bounds_and_a_longer_line_never_wants_fewer(few, more, low, width):
    rule = BacklogAutoscaler(target_per_worker=7.5, minimum=low, maximum=low + width)
    assert low <= rule.wanted(few) <= rule.wanted(few + more) <= low + width


@pytest.mark.parametrize(
    ("need", "workers", "fewer_since", "now", "after"),
    [
        (5, 3, 0, 60, (5, 60)),  # more: at once
        (3, 3, 0, 60, (3, 60)),  # as many: the wish for fewer, if any, is over
        (2, 3, 0, 299, (3, 0)),  # fewer: not yet
        (2, 3, 0, 300, (2, 0)),
        (0, 3, 60, 400, (0, 60)),
    ],
)
def test_more_at_once_and_fewer_when_the_wish_has_stood(need, workers, fewer_since, now, after):
    assert decision(need, workers, fewer_since, now, 300) == after


# The fluid


def small_steps(rule, rate_at, capacity, end, step):
    """The same in steps of `step` seconds, each worker by itself: (time, backlog, up) a second."""
    workers = [0.0 if n < rule.minimum else None for n in range(rule.maximum)]  # ready when
    backlog, since, rows = 0.0, 0.0, []
    for number in range(round(end / step) + 1):
        now = number * step
        if number and number % round(rule.interval / step) == 0:
            need = min(max(math.ceil(backlog / rule.target_per_worker), rule.minimum), rule.maximum)
            asked = sum(ready is not None for ready in workers)
            since = now if need >= asked else since
            if need > asked or now - since >= rule.scale_in_after:
                for place in range(rule.maximum):
                    if place >= need:
                        workers[place] = None
                    elif workers[place] is None:
                        workers[place] = now + rule.boot_time
        up = sum(ready is not None and ready <= now for ready in workers)
        if number % round(1 / step) == 0:
            rows.append((now, backlog, up))
        backlog = max(backlog + (rate_at(now + step / 2) - up * capacity) * step, 0.0)
    return np.array(rows)


MOVING = ([0, 600, 700, 3000, 3100, 6000], [8, 8, 45, 45, 3, 3])


@pytest.mark.parametrize(
    "rule",
    [
        RULE,
        BacklogAutoscaler(target_per_worker=900, minimum=0, maximum=5),
        BacklogAutoscaler(
            target_per_worker=300,
            minimum=1,
            maximum=9,
            interval=37,
            boot_time=100.5,
            scale_in_after=80,
        ),
        BacklogAutoscaler(
            target_per_worker=50,
            minimum=2,
            maximum=4,
            interval=10,
            boot_time=0,
            scale_in_after=0,
        ),
    ],
    ids=str,
)
def test_the_fluid_is_the_limit_of_small_steps(rule):
    rows = small_steps(rule, lambda t: np.interp(t, *MOVING), capacity=10, end=6000, step=0.125)
    times = rows[:, 0]
    path = rule.respond(times, np.interp(times, *MOVING), service_rate=2.5, servers=4)
    assert np.abs(path["backlog"] - rows[:, 1]).max() < 0.01 * rows[:, 1].max()
    assert (path["workers"] == rows[:, 2]).mean() > 0.99
    assert path["asked_for"].between(rule.minimum, rule.maximum).all()
    assert (path["workers"] <= path["asked_for"]).all()
    assert (path["backlog"] >= 0).all()
    busier = rule.respond(times, 1.1 * np.interp(times, *MOVING), service_rate=2.5, servers=4)
    assert np.abs(busier["backlog"] - rows[:, 1]).max() > 0.05 * rows[:, 1].max()


def test_who_asks_more_often_along_the_way_gets_the_same_path():
    coarse = RULE.respond(*MOVING, service_rate=10)
    times = np.unique(np.append(np.linspace(0, 6000, 997), MOVING[0]))
    fine = RULE.respond(times, np.interp(times, *MOVING), service_rate=10)
    assert fine.loc[coarse.index, "backlog"].to_numpy() == pytest.approx(
        coarse["backlog"].to_numpy(), abs=1e-6
    )
    assert fine.index.name == "time"


def test_the_rule_looks_by_the_clock_of_the_first_time():
    early = RULE.respond(*MOVING, service_rate=10)
    late = RULE.respond(np.array(MOVING[0]) + 1037, MOVING[1], service_rate=10)
    assert late.to_numpy() == pytest.approx(early.to_numpy(), abs=1e-6)
    assert late.index[0] == 1037


def test_a_rate_that_turns_on_the_way_leaves_what_came_after_the_turn():
    still = BacklogAutoscaler(target_per_worker=1e9, minimum=1, maximum=1)
    path = still.respond([0, 10, 30], [20, 0, 40], service_rate=10)
    # 50 come in 5 s; the net rate falls to -10, is 0 again at 15 s, when nobody waits any more,
    # and is 30 at 30 s
    assert path["backlog"].tolist() == pytest.approx([0, 0, 225])
    later = still.respond([0, 10, 12, 30], [20, 0, 40 / 10, 40], service_rate=10)
    assert later["backlog"].tolist() == pytest.approx([0, 0, 0, 225])


# A constant rate


def test_a_step_from_rest_by_hand():
    view = RULE.evaluate(arrival_rate=40, service_rate=1, servers=10)
    # 30 a second are left over until the first look's workers are up at 60 + 180 s; then 20 go
    assert view.largest_backlog == pytest.approx(30 * 240)
    assert view.catch_up_time == pytest.approx(240 + 7200 / 20)
    assert view.throughput == 40
    assert view.mean_wait > 0


@pytest.mark.parametrize("rate", [12, 25, 40, 58])
@pytest.mark.parametrize("scale_in_after", [0, 300])
def test_the_long_run_is_that_of_small_steps(rate, scale_in_after):
    rule = BacklogAutoscaler(
        target_per_worker=400, minimum=1, maximum=6, scale_in_after=scale_in_after
    )
    view = rule.evaluate(arrival_rate=rate, service_rate=1, servers=10)
    rows = small_steps(rule, lambda _: rate, capacity=10, end=90_000, step=0.5)
    late = rows[30_000:]
    assert view.workers == pytest.approx(late[:, 2].mean(), rel=0.03)
    assert view.mean_wait == pytest.approx(late[:, 1].mean() / rate, rel=0.03)
    assert view.delayed == pytest.approx((late[:, 1] > 0).mean(), rel=0.03)
    assert view.largest_backlog == pytest.approx(rows[:, 1].max(), rel=0.03)
    caught = rows[:, 0][(rows[:, 1] == 0) & (rows[:, 0] > 0)].min(initial=math.inf)
    assert view.catch_up_time == pytest.approx(caught, abs=2)
    assert 10 * view.workers >= rate * 0.999  # a window ends where it ends


def test_without_a_choice_it_is_the_station_of_its_workers():
    rule = BacklogAutoscaler(target_per_worker=5, minimum=3, maximum=3)
    view = rule.evaluate(arrival_rate=10, service_rate=2, servers=2)
    bank = MMc(arrival_rate=10, service_rate=2, servers=6)
    assert (view.delayed, view.mean_wait) == (bank.wait_probability, bank.mean_wait)
    assert (view.workers, view.largest_backlog, view.catch_up_time) == (3, 0, 0)
    assert view.throughput == 10


def test_beyond_the_maximum_the_backlog_grows_for_ever():
    for rate, workers in [(60, 6), (61, 6), (1e9, 6)]:
        view = RULE.evaluate(arrival_rate=rate, service_rate=1, servers=10)
        assert view.mean_wait == view.largest_backlog == view.catch_up_time == math.inf
        assert (view.workers, view.delayed, view.throughput) == (workers, 1, 60)
    nobody = BacklogAutoscaler(target_per_worker=5, minimum=0, maximum=0)
    assert nobody.evaluate(arrival_rate=1, service_rate=1).throughput == 0
    assert nobody.evaluate(arrival_rate=0, service_rate=1).mean_wait == 0


def test_it_says_what_the_workers_do():
    view = RULE.evaluate(arrival_rate=61, service_rate=1, servers=10)
    assert "6 workers, at most inf waiting, caught up after inf s" in repr(view)


# Mistakes


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("target_per_worker", bad) for bad in (0, -1, math.nan, math.inf, "3", True)),
        *(("minimum", bad) for bad in (-1, 0.5, 7, True)),
        *(("maximum", bad) for bad in (0, 1.5, math.inf)),
        *(("interval", bad) for bad in (0, math.inf)),
        *((name, bad) for name in ("boot_time", "scale_in_after") for bad in (-1, math.nan)),
    ],
)
def test_rules_that_cannot_be_are_refused(name, bad):
    good = {"target_per_worker": 100, "minimum": 1, "maximum": 6}
    with pytest.raises(
        ValueError, match=r"^(minimum|maximum|target|interval|boot|scale).* must be"
    ):
        BacklogAutoscaler(**(good | {name: bad}))


def test_paths_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"two rows of one length, at least 2, got \(2,\) and"):
        RULE.respond([0, 1], [1, 2, 3], service_rate=1)
    with pytest.raises(ValueError, match=r"two rows of one length, at least 2"):
        RULE.respond([0], [1], service_rate=1)
    with pytest.raises(ValueError, match="times must increase, but 1 follows 2"):
        RULE.respond([0, 2, 1], [1, 2, 3], service_rate=1)
    with pytest.raises(ValueError, match="arrival_rates must hold finite numbers of at least 0"):
        RULE.respond([0, 1], [1, -2], service_rate=1)
    with pytest.raises(ValueError, match="backlog must be a finite number of at least 0, got -1"):
        RULE.wanted(-1)
