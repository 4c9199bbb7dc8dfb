"""Parts that fail and are repaired, workers that come and go: rare, so clarity before speed."""

from typing import Any

from queueing.backpressure import scaling_rule
from queueing.simulation.engine.agenda import entry, heap_remove, list_remove
from queueing.simulation.engine.background import come_back, employ, queue_length, settle
from queueing.simulation.engine.chance import own_exponential
from queueing.simulation.engine.compiled import compiled
from queueing.simulation.engine.events import feed_sinks, set_timer, sinks_up
from queueing.simulation.engine.requests import (
    fail,
    give_place,
    leave,
    proceed,
    serve,
    station_of,
)
from queueing.simulation.engine.tables import (
    ATTEMPT_END,
    BOOTED,
    EXPIRY,
    FIRST_THREAD,
    MANAGED,
    NONE,
    PART,
    POOL,
    SCALE,
    SERVER,
    SINK,
    SINK_THREADS,
    THREADS,
    WORKER,
    free_runner,
    job_at,
    part_at,
    request_at,
    runner_at,
    server_at,
    sink_at,
    station_at,
    step_at,
    visits_at,
    worker_at,
)

workers_wanted = compiled(scaling_rule.workers_wanted)
decision = compiled(scaling_rule.decision)

GONE = 2  # marks, in `present`, a request that is lost with a part


@compiled
def change_part(world: Any, now: float, number: int) -> None:
    """A part fails or comes back."""
    part = part_at(world, number)
    part.up = 1 - part.up
    mean = part.mean_up if part.up == 1 else part.mean_down
    set_timer(world, now + mean * own_exponential(part), PART, number)
    if part.up == 1:
        part.down_time += now - part.since
        repair(world, part.kind, part.unit)
    else:
        break_down(world, now, number)
    part.since = now
    employ(world, now)
    feed_sinks(world, now)


@compiled
def repair(world: Any, kind: int, unit: int) -> None:
    """A part comes back, empty."""
    if kind == SERVER:
        server_at(world, unit).up = 1
    elif kind == WORKER:
        worker_at(world, unit).up = 1
        list_free_threads(world)
    elif kind == SINK:
        sink_at(world, unit).up = 1
        world.free_sinks += sink_at(world, unit).free


@compiled
def break_down(world: Any, now: float, number: int) -> None:
    """A part fails."""
    part = part_at(world, number)
    if part.kind == MANAGED:
        fail_managed(world, now, number)
    elif part.kind == SERVER:
        fail_server(world, now, part.unit)
    elif part.kind == WORKER:
        fail_worker(world, now, part.unit)
    else:
        fail_sink(world, now, part.unit)


@compiled
def fail_server(world: Any, now: float, number: int) -> None:
    """A server goes down with all its requests."""
    server = server_at(world, number)
    server.up = 0
    while server.waiting > 0:
        request_at(world, server.first).seated = now  # as if in a slot, that `leave` gives back
        server.first = request_at(world, server.first).next
        server.waiting -= 1
        server.free -= 1
    for request in range(world.n_requests):
        row = request_at(world, request)
        if row.present == 1 and row.server == number:
            row.present = GONE
    lose_marked(world, now)


@compiled
def fail_managed(world: Any, now: float, part: int) -> None:
    """A shared part goes down, and who is at it fails; an optional one lets its visitors finish."""
    for request in range(world.n_requests):
        row = request_at(world, request)
        step = step_at(world, row.step)
        at_it = row.present == 1 and step.part == part and step.optional == 0
        if at_it and not waits_outside(world, request):
            row.present = GONE
    lose_marked(world, now)


@compiled
def waits_outside(world: Any, request: int) -> bool:
    """Tell whether a request has no slot yet."""
    server = server_at(world, request_at(world, request).server)
    other = server.first
    for _ in range(server.waiting):
        if other == request:
            return True
        other = request_at(world, other).next
    return False


@compiled
def lose_marked(world: Any, now: float) -> None:
    """Let the marked requests fail; their places and slots go to those who wait."""
    call_off_steps(world, now)
    leave_lines(world)
    for request in range(world.n_requests):
        row = request_at(world, request)
        if row.present == GONE:
            fail(world, now, row.kind, row.peak)
            proceed(world, now, leave(world, now, request))
    for number in range(world.n_stations):
        station = station_at(world, number)
        while station.free > 0 and station.first != NONE:
            station.free -= 1
            serve(world, now, give_place(world, now, number))


@compiled
def call_off_steps(world: Any, now: float) -> None:
    """Take the marked requests' steps out of the agenda, their remainder out of the busy time."""
    for place in range(world.agenda_size, 0, -1):
        request = entry(world.agenda, place).mark
        row = request_at(world, request)
        if row.present == GONE:
            step = step_at(world, row.step)
            visits_at(world, step.visits).busy -= entry(world.agenda, place).time - now
            if step.action <= POOL:
                station_at(world, station_of(world, request)).free += 1
            world.agenda_size = list_remove(world.agenda, world.agenda_size, place)


@compiled
def leave_lines(world: Any) -> None:
    """Take the marked requests out of the lines of the stations."""
    for number in range(world.n_stations):
        station = station_at(world, number)
        request = station.first
        station.first = NONE
        while request != NONE:
            row = request_at(world, request)
            following = row.next
            if row.present != GONE:
                row.next = NONE
                if station.first == NONE:
                    station.first = request
                else:
                    request_at(world, station.last).next = request
                station.last = request
            request = following


@compiled
def fail_worker(world: Any, now: float, unit: int) -> None:
    """A worker goes down; its jobs come back when their visibility timeout ends."""
    worker_at(world, unit).up = 0
    for thread in range(unit * world.threads, (unit + 1) * world.threads):
        runner = runner_at(world, thread)
        if runner.busy == 1:
            runner.busy = 0
            visits_at(world, THREADS).busy -= runner.ends - now
            if runner.job == NONE:
                call_off_events(world, FIRST_THREAD - thread)
                world.events_waiting += 1
            else:
                call_off_attempt(world, thread)
    list_free_threads(world)


@compiled
def call_off_attempt(world: Any, thread: int) -> None:
    """An attempt ends with its worker."""
    world.timers_size = heap_remove(world.timers, world.timers_size, ATTEMPT_END << 32 | thread)
    world.timers_size = heap_remove(world.timers, world.timers_size, EXPIRY << 32 | thread)
    runner = runner_at(world, thread)
    job_at(world, runner.job).running -= 1
    if runner.outlasted == 0:
        world.returned += 1
        come_back(world, runner.started + world.visibility_timeout, runner.job)
    else:
        settle(world, runner.job)
    runner.job = NONE


@compiled
def call_off_events(world: Any, mark: int) -> int:
    """Take the events of a mark out of their list; return how many there were."""
    before = world.events_size
    for place in range(before, 0, -1):
        if entry(world.events, place).mark == mark:
            world.events_size = list_remove(world.events, world.events_size, place)
    return before - world.events_size


@compiled
def fail_sink(world: Any, now: float, number: int) -> None:
    """A sink goes down.

    A stream still has the events that it was reading; without one they are lost, and with the last
    sink all that wait.
    """
    sink = sink_at(world, number)
    sink.up = 0
    world.free_sinks -= sink.free
    sink.free = world.sink_threads
    for place in range(world.events_size, 0, -1):
        if entry(world.events, place).mark == number:
            visits_at(world, SINK_THREADS).busy -= entry(world.events, place).time - now
    cut_short = call_off_events(world, number)
    if world.streamed == 1:
        world.events_waiting += cut_short
    else:
        world.events_lost += cut_short
        if sinks_up(world) == 0:
            world.events_lost += world.events_waiting
            world.events_waiting = 0


@compiled
def list_free_threads(world: Any) -> None:
    """Stack up the free threads of the workers that are up and wanted."""
    world.free_threads = 0
    for thread in range(world.n_runners - 1, -1, -1):
        worker = worker_at(world, thread // world.threads)
        if runner_at(world, thread).busy == 0 and worker.up == 1 and worker.booted == 1:
            free_runner(world, world.free_threads).value = thread
            world.free_threads += 1


@compiled
def scale(world: Any, now: float) -> None:
    """Compare the workers with the backlog, by the rule of `BacklogAutoscaler`."""
    set_timer(world, now + world.scale_interval, SCALE, 0)
    need = workers_wanted(
        queue_length(world), world.scale_target, world.minimum_workers, world.maximum_workers
    )
    wanted = 0
    for number in range(world.n_workers):
        wanted += worker_at(world, number).wanted
    count, world.fewer_since = decision(need, wanted, world.fewer_since, now, world.scale_in_after)
    if count != wanted:
        want(world, now, count)


@compiled
def want(world: Any, now: float, need: int) -> None:
    """Let `need` workers be there: others boot, or take nothing new and finish what they do."""
    for number in range(world.n_workers):
        worker = worker_at(world, number)
        if number < need and worker.wanted == 0:
            worker.wanted = 1
            set_timer(world, now + world.boot_time, BOOTED, number)
        elif number >= need and worker.wanted == 1:
            worker.wanted = 0
            worker.booted = 0
            mark = BOOTED << 32 | number
            world.timers_size = heap_remove(world.timers, world.timers_size, mark)
    list_free_threads(world)


@compiled
def boot(world: Any, now: float, number: int) -> None:
    """A worker has booted."""
    worker_at(world, number).booted = 1
    list_free_threads(world)
    employ(world, now)
