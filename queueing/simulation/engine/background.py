"""Off the users' path: jobs, their attempts and retries, and the threads of the workers."""

from typing import Any

from queueing.simulation.engine.chance import draw, uniform
from queueing.simulation.engine.compiled import compiled, inlined
from queueing.simulation.engine.events import may_pass, note_event, set_timer, tell
from queueing.simulation.engine.histogram import BINS, bin_of
from queueing.simulation.engine.tables import (
    ATTEMPT_END,
    DEAD,
    DELIVERED,
    EXPIRY,
    FIRST_THREAD,
    NONE,
    OPEN,
    RETURN,
    THREADS,
    WORKERS,
    attempt_law,
    delivery_count,
    failed_attempt_law,
    free_runner,
    job_at,
    line_at,
    part_at,
    runner_at,
    visits_at,
    worker_at,
)


@compiled
def queue_length(world: Any) -> int:
    """Return how many jobs wait for a thread."""
    return line_at(world, 0).length + line_at(world, 1).length


@compiled
def append_job(world: Any, job: int, now: float) -> None:
    """Let a job join the end of its line."""
    row = job_at(world, job)
    line = line_at(world, row.line)
    row.queued = now
    row.next = NONE
    if line.length == 0:
        line.first = job
    else:
        job_at(world, line.last).next = job
    line.last = job
    line.length += 1
    length = queue_length(world)
    if length > world.most_queued:
        world.most_queued = length
        world.most_queued_at = now


@compiled
def first_job(world: Any) -> int:
    """Take the next job off its line: an urgent one if there is one; return NONE if none waits."""
    for number in range(world.n_lines):
        line = line_at(world, number)
        if line.length > 0:
            job = line.first
            line.first = job_at(world, job).next
            line.length -= 1
            return job
    return NONE


@compiled
def settle(world: Any, job: int) -> None:
    """End a job that nobody works on any more: if it has not been delivered it is dead."""
    row = job_at(world, job)
    if row.owed == 0 and row.running == 0:
        if row.outcome == OPEN:
            row.outcome = DEAD
            world.dead += 1
        row.next = world.free_job
        world.free_job = job
        world.spare_jobs += 1


@compiled
def submit(world: Any, now: float, peak: int) -> None:
    """A request hands a job over."""
    job = world.free_job
    row = job_at(world, job)
    world.free_job = row.next
    world.spare_jobs -= 1
    if world.spare_jobs < world.reserve:
        world.crowded = 1
    row.submitted = now
    row.attempts = 0
    row.running = 0
    row.owed = 1
    row.outcome = OPEN
    row.peak = peak
    row.line = 0 if world.urgent_share > 0.0 and uniform(world) < world.urgent_share else 1
    world.submitted += 1
    append_job(world, job, now)
    employ(world, now)


@compiled
def employ(world: Any, now: float) -> None:
    """Give free threads what waits.

    Events come first where workers consume them: they are short, and only deliveries make them, so
    that the jobs are never shut out.
    """
    queue_up = world.queue_part == NONE or part_at(world, world.queue_part).up == 1
    while world.free_threads > 0:
        thread = free_runner(world, world.free_threads - 1).value
        if world.consumer == WORKERS and world.events_waiting > 0 and may_pass(world, now):
            start_consuming(world, now, thread)
        elif queue_up and queue_length(world) > 0:
            job = first_job(world)
            if job_at(world, job).outcome == OPEN:
                start_attempt(world, now, thread, job)
            else:  # settled meanwhile, by an attempt that had outlasted its time
                job_at(world, job).owed = 0
                settle(world, job)
                continue
        else:
            return
        runner_at(world, thread).busy = 1
        world.free_threads -= 1


@compiled
def attempt_time(world: Any, succeeds: bool) -> float:  # noqa: FBT001
    """Return how long an attempt takes (s)."""
    time = 0.0
    if succeeds:
        for number in range(world.n_attempt_laws):
            time += draw(world, attempt_law(world, number).value)
    else:
        for number in range(world.n_failed_attempt_laws):
            time += draw(world, failed_attempt_law(world, number).value)
    return time


@compiled
def start_attempt(world: Any, now: float, thread: int, job: int) -> None:
    """A thread takes up a job."""
    row, runner = job_at(world, job), runner_at(world, thread)
    succeeds = uniform(world) >= world.failure_probability
    time = attempt_time(world, succeeds)
    row.attempts += 1
    row.running += 1
    world.attempts += 1
    runner.job = job
    runner.started = now
    runner.ends = now + time
    runner.succeeds = succeeds
    runner.outlasted = 0
    note_wait_of_job(world, now, now - row.queued)
    visits_at(world, THREADS).busy += time
    set_timer(world, now + time, ATTEMPT_END, thread)
    if time > world.visibility_timeout:
        set_timer(world, now + world.visibility_timeout, EXPIRY, thread)


@compiled
def note_wait_of_job(world: Any, now: float, wait: float) -> None:
    """A job begins to be attempted after a wait in line."""
    visits = visits_at(world, THREADS)
    visits.visits += 1
    visits.waited += wait > 0.0
    visits.wait += wait
    if wait > world.oldest:
        world.oldest = wait
        world.oldest_at = now


@compiled
def start_consuming(world: Any, now: float, thread: int) -> None:
    """A worker's thread takes an event."""
    time = draw(world, world.consume_law)
    runner = runner_at(world, thread)
    runner.job = NONE
    runner.started = now
    runner.ends = now + time
    world.events_waiting -= 1
    visits_at(world, THREADS).busy += time
    note_event(world, now + time, FIRST_THREAD - thread)


@compiled
def free_thread(world: Any, thread: int) -> None:
    """A thread is free again, unless its worker is to leave."""
    runner = runner_at(world, thread)
    runner.busy = 0
    runner.job = NONE
    worker = worker_at(world, thread // world.threads)
    if worker.up == 1 and worker.booted == 1:
        free_runner(world, world.free_threads).value = thread
        world.free_threads += 1


@inlined
def note_delivery(world: Any, peak: int, line: int, time: float) -> None:
    """A job of a line has been delivered, `time` seconds after it was submitted."""
    delivery_count(world, (peak * 2 + line) * BINS + bin_of(time)).value += 1


@compiled
def deliver(world: Any, now: float, job: int) -> None:
    """An attempt has succeeded."""
    row = job_at(world, job)
    if row.outcome == OPEN:
        row.outcome = DELIVERED
        world.delivered += 1
        note_delivery(world, row.peak, row.line, now - row.submitted)
        tell(world, now)
    else:
        world.duplicates += 1


@compiled
def back_off(world: Any, now: float, job: int) -> None:
    """An attempt has failed: its job comes back later."""
    row = job_at(world, job)
    row.owed = 1
    world.retries += 1
    ceiling = world.backoff * world.backoff_factor ** (row.attempts - 1)
    come_back(world, now + ceiling * uniform(world), job)


@compiled
def come_back(world: Any, time: float, job: int) -> None:
    """Let a job join its line again at `time`."""
    world.backing_off += 1
    set_timer(world, time, RETURN, job)


@compiled
def may_go_on(world: Any, job: int) -> bool:
    """Tell whether a job is open and may be attempted once more."""
    row = job_at(world, job)
    return row.outcome == OPEN and row.attempts < world.max_attempts


@compiled
def end_attempt(world: Any, now: float, thread: int) -> None:
    """An attempt is over. One that outlasted its time may deliver, but brings no retry."""
    runner = runner_at(world, thread)
    job = runner.job
    row = job_at(world, job)
    row.running -= 1
    if runner.outlasted == 0:
        row.owed = 0
    if runner.succeeds == 1:
        deliver(world, now, job)
    elif runner.outlasted == 0 and may_go_on(world, job):
        back_off(world, now, job)
    settle(world, job)
    free_thread(world, thread)
    employ(world, now)


@compiled
def outlast(world: Any, now: float, thread: int) -> None:
    """An attempt outlasts the visibility timeout: the queue gives its job out again."""
    runner = runner_at(world, thread)
    runner.outlasted = 1
    world.redelivered += may_go_on(world, runner.job)
    give_out_again(world, now, runner.job)


@compiled
def give_out_again(world: Any, now: float, job: int) -> None:
    """Let a job join its line again, unless it is settled or has been given out too often."""
    if may_go_on(world, job):
        append_job(world, job, now)
        employ(world, now)
    else:
        job_at(world, job).owed = 0
        settle(world, job)
