"""The engine off the users' path: attempts, retries, duplicates, workers, events; and bad input."""

from dataclasses import replace

import numpy as np
import pytest
from test_engine import VARIANTS, WHOLE, inside, runs

from queueing.backpressure import BacklogAutoscaler
from queueing.distributions import deterministic, exponential, uniform
from queueing.simulation.engine import (
    Events,
    Jobs,
    Outages,
    Plan,
    RequestClass,
    Servers,
    Step,
    Users,
    replicate,
)

SEED = np.random.SeedSequence(1)


def jobs_only(rate: float, jobs: Jobs, horizon: float = 20_000, **changes: object) -> Plan:
    """Requests that do nothing but submit a job, at `rate` a second."""
    return Plan(
        users=Users.steady(request_rate=rate, horizon=horizon),
        classes=[RequestClass(name="send", steps=[Step(action="submit")])],
        servers=Servers(count=1, slots=1, processors=1, waiting_room=0),
        jobs=jobs,
        **changes,
    )


def test_attempts_and_dead_letters_are_geometric():
    jobs = Jobs(
        workers=1,
        threads=100,
        attempt=[exponential(mean=1)],
        failure_probability=0.3,
        max_attempts=3,
        backoff=1,
    )
    outcomes = runs(jobs_only(10, jobs))
    submitted = [run.totals["submitted"] - run.present["jobs"] for run in outcomes]
    attempts = [run.totals["attempts"] / n for run, n in zip(outcomes, submitted, strict=True)]
    dead = [run.totals["dead"] / n for run, n in zip(outcomes, submitted, strict=True)]
    assert np.mean(attempts) == pytest.approx((1 - 0.3**3) / 0.7, rel=0.01)
    assert np.mean(dead) == pytest.approx(0.3**3, rel=0.05)


def test_backoff_is_full_jitter_on_a_doubling_ceiling():
    """Every attempt but the fourth fails: delivery after U(0, 8) + U(0, 16) + U(0, 32), no work."""
    jobs = Jobs(
        workers=1,
        threads=1000,
        attempt=[deterministic(mean=0)],
        failure_probability=0.5,
        max_attempts=2,
        backoff=8,
    )
    outcome = replicate(jobs_only(10, jobs), SEED)
    first, second = 0.5, 0.25
    half = (first + second / 2) / (first + second)  # of the delivered, within half the ceiling
    assert outcome.delivered_within(half) == pytest.approx(4, rel=0.05)
    assert outcome.delivered_within(0.999) == pytest.approx(8, rel=0.02)


def test_an_attempt_that_outlasts_its_time_is_made_twice():
    """Forty seconds against a timeout of thirty: the second attempt starts, and delivers again."""
    jobs = Jobs(
        workers=1,
        threads=1000,
        attempt=[deterministic(mean=40)],
        max_attempts=5,
        visibility_timeout=30,
    )
    outcome = replicate(jobs_only(1, jobs), SEED)
    total = outcome.totals
    assert total["redelivered"] == pytest.approx(total["submitted"], abs=60)
    assert total["duplicates"] == pytest.approx(total["submitted"], abs=120)
    assert outcome.delivered_within(0.5) == pytest.approx(40, rel=0.005)


def test_a_timeout_above_every_attempt_makes_no_duplicates():
    jobs = Jobs(workers=1, threads=99, attempt=[deterministic(mean=29)], visibility_timeout=30)
    assert replicate(jobs_only(1, jobs), SEED).totals["duplicates"] == 0


def test_the_last_attempt_may_outlast_its_time_and_still_deliver():
    jobs = Jobs(workers=1, threads=99, attempt=[deterministic(mean=40)], visibility_timeout=30)
    total = replicate(jobs_only(1, jobs), SEED).totals
    assert total["dead"] == total["duplicates"] == 0


def test_a_failed_workers_jobs_come_back_after_the_visibility_timeout():
    jobs = Jobs(
        workers=10,
        threads=10,
        attempt=[deterministic(mean=5)],
        max_attempts=9,
        visibility_timeout=30,
        outages=Outages(mean_up=300, mean_down=1),
    )
    outcome = replicate(jobs_only(5, jobs), SEED)
    assert outcome.totals["returned"] == pytest.approx(5 * 20_000 * 5 / 300, rel=0.1)
    assert outcome.totals["dead"] == 0
    assert outcome.delivered_within(0.9995) == pytest.approx(35, abs=32)
    assert outcome.delivered_within(0.98) == pytest.approx(5, rel=0.005)


def test_a_backlog_grows_by_what_the_workers_cannot_do_and_is_as_old_as_it_is_long():
    jobs = Jobs(workers=4, threads=10, attempt=[exponential(mean=1)])
    outcome = replicate(jobs_only(44, jobs), SEED)
    last = outcome.timeline[-1]
    assert last["queue_length"] == pytest.approx(4 * 20_000, rel=0.03)
    assert last["oldest_age"] == pytest.approx(last["queue_length"] / 44, rel=0.03)
    assert outcome.totals["most_queued"] >= last["queue_length"]


def test_autoscaling_follows_the_backlog_a_boot_later():
    scaling = BacklogAutoscaler(
        target_per_worker=100, minimum=1, maximum=6, boot_time=180, scale_in_after=300
    )
    jobs = Jobs(workers=1, threads=10, attempt=[exponential(mean=1)], autoscaling=scaling)
    plan = jobs_only(0, jobs)
    users = Users(times=[0, 999, 1000, 4000, 4001, 8000], users=[5, 5, 40, 40, 1, 1], think_time=1)
    line = replicate(replace(plan, users=users), SEED, step=60.0).timeline
    workers = dict(zip(line["time"], line["workers"], strict=True))
    assert workers[960.0] == 1
    assert workers[1140.0] == 1  # the surge is on, its workers boot
    assert max(workers.values()) == 6
    assert workers[7980.0] == 1
    assert line["queue_length"].max() < 30 * 420


def test_simulated_workers_follow_the_fluid_and_not_that_of_a_busier_queue():
    scaling = BacklogAutoscaler(target_per_worker=300, minimum=1, maximum=6)
    jobs = Jobs(workers=1, threads=100, attempt=[exponential(mean=1)], autoscaling=scaling)
    times, rates = np.array([0, 999, 1000, 4000, 4001, 8000]), np.array([50, 50, 420, 420, 10, 10])
    users = Users(times=times, users=rates, think_time=1)
    line = replicate(replace(jobs_only(0, jobs), users=users), SEED, step=20.0).timeline
    at, waiting = np.array(line["time"]), np.array(line["queue_length"])
    grid = np.union1d(times, at)
    asked = np.interp(grid, times, rates)
    fluid, busier = (
        scaling.respond(grid, more * asked, service_rate=1, servers=100).loc[at]
        for more in (1, 1.1)
    )
    most = waiting.max()
    assert np.abs(fluid["backlog"] - waiting).max() < 0.04 * most
    assert (fluid["workers"] == np.array(line["workers"])).mean() > 0.97
    assert np.abs(busier["backlog"] - waiting).max() > 0.1 * most


def test_workers_who_leave_finish_what_they_do():
    scaling = BacklogAutoscaler(
        target_per_worker=1, minimum=0, maximum=2, boot_time=10, scale_in_after=0
    )
    jobs = Jobs(workers=0, threads=1, attempt=[deterministic(mean=50)], autoscaling=scaling)
    outcome = replicate(jobs_only(0.01, jobs), SEED)
    assert outcome.totals["delivered"] > 150
    assert outcome.totals["returned"] == 0


# Events


def with_events(events: Events, threads: int = 200) -> Plan:
    jobs = Jobs(workers=1, threads=threads, attempt=[exponential(mean=0.5)])
    return jobs_only(20, jobs, horizon=3000, events=events)


def test_every_delivery_makes_its_events_and_sinks_take_them_in():
    events = Events(
        consumer="sinks",
        per_delivery=6,
        put=exponential(mean=0.012),
        consume=exponential(mean=0.05),
        sinks=2,
        threads=10,
    )
    outcomes = runs(with_events(events))
    assert inside(20 * 6 * 0.05, [run.busy("sinks") for run in outcomes])
    assert all(run.totals["told"] == 6 * run.totals["delivered"] for run in outcomes)


def test_a_stream_lets_no_more_pass_than_its_rate():
    events = Events(
        consumer="sinks",
        per_delivery=6,
        put=exponential(mean=0.012),
        rate_limit=100,
        consume=exponential(mean=0.01),
        sinks=1,
        threads=10,
    )
    outcome = replicate(with_events(events), SEED)
    assert outcome.totals["consumed"] == pytest.approx(100 * 3000, rel=0.001)


def test_without_a_stream_a_full_buffer_loses_events():
    events = Events(
        consumer="sinks",
        per_delivery=6,
        consume=exponential(mean=0.1),
        sinks=1,
        threads=10,
        buffer=50,
    )
    outcome = replicate(with_events(events), SEED)
    assert outcome.totals["consumed"] / 3000 == pytest.approx(100, rel=0.02)
    assert outcome.totals["events_lost"] / 3000 == pytest.approx(20, rel=0.1)


def test_workers_who_read_the_stream_have_less_time_for_jobs():
    events = Events(
        consumer="workers",
        per_delivery=6,
        put=exponential(mean=0.012),
        consume=exponential(mean=0.05),
    )
    assert inside(
        20 * 0.5 + 20 * 6 * 0.05, [run.busy("workers") for run in runs(with_events(events))]
    )


def test_hooks_come_back_to_the_servers():
    plan = VARIANTS["events as hooks"]
    outcome = replicate(plan, SEED, failures=False)
    told, hooks = outcome.totals["told"], outcome.totals["consumed"]
    assert told - hooks == outcome.present["events"]
    pending = outcome.timeline["arrived"][-1] / 300 * 0.25 * 6 * 60  # rate x share x events x delay
    assert outcome.present["events"] == pytest.approx(pending, rel=0.1)


# Random numbers


def test_the_stream_of_random_numbers_is_numpys():
    from numba import njit  # noqa: PLC0415

    from queueing.simulation.engine import chance  # noqa: PLC0415
    from queueing.simulation.engine.world import World  # noqa: PLC0415

    for name, method in (
        ("uniform", "random"),
        ("exponential", "standard_exponential"),
        ("normal", "standard_normal"),
    ):
        draw = getattr(chance, name)

        @njit
        def fill(world, numbers, draw=draw):
            for place in range(len(numbers)):
                numbers[place] = draw(world)

        numbers = np.zeros(200_000)
        world = World(WHOLE, SEED)  # whose tables must live while they are used
        fill(world.header, numbers)
        theirs = getattr(np.random.Generator(np.random.SFC64(SEED)), method)(200_000)
        # NumPy takes the sign of a normal number beyond 3.65 from another bit.
        assert np.abs(numbers) == pytest.approx(np.abs(theirs), rel=1e-12)


# Mistakes


@pytest.mark.parametrize(
    ("mistake", "advice"),
    [
        (lambda: Users(times=[0, 2, 1], users=[1, 1, 1], think_time=1), "1 follows 2"),
        (lambda: Users(times=[1, 2], users=[1, 1], think_time=1), "start at 0"),
        (lambda: Users(times=[0, 1], users=[1], think_time=1), "two rows of one length"),
        (lambda: Users(times=[0, 1], users=[1, -1], think_time=1), "users must hold"),
        (lambda: Users.steady(request_rate=1, horizon=0), "horizon must be"),
        (lambda: Servers(count=0, slots=1, processors=1, waiting_room=0), "count must be"),
        (lambda: Step(action="pool", law=exponential(mean=1)), "names its pool"),
        (lambda: Step(action="delay"), "needs a law"),
        (lambda: replace(WHOLE, pools=[]), "no pool is named 'database'"),
        (lambda: replace(WHOLE, parts={}), "no part is named"),
        (lambda: replace(WHOLE, classes=WHOLE.classes[:1]), "add up to 1"),
        (lambda: replace(WHOLE, jobs=None), "a step submits jobs"),
        (lambda: Events(consumer="hooks"), "need a class `hook`"),
        (lambda: Events(consumer="workers", consume=exponential(mean=1)), "`put` is missing"),
        (lambda: Outages.of(availability=1, mean_down=1), "availability must be"),
        (lambda: Jobs(workers=1, threads=0, attempt=[]), "threads must be"),
    ],
)
def test_a_mistake_is_named(mistake, advice):
    with pytest.raises(ValueError, match=advice):
        mistake()


def test_a_law_that_the_engine_cannot_draw_is_refused():
    law = uniform(low=0, high=1)
    steps = [Step(action="processor", law=law)]
    plan = replace(WHOLE, classes=[RequestClass(name="all", steps=steps)], jobs=None, events=None)
    with pytest.raises(ValueError, match="the engine draws"):
        replicate(plan, SEED)


def test_a_seed_is_a_seed_sequence():
    with pytest.raises(TypeError, match="SeedSequence"):
        replicate(WHOLE, 1)


def test_ctrl_c_ends_a_run_between_two_steps():
    def interrupt(clock):
        if clock >= 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replicate(WHOLE, SEED, watch=interrupt)
