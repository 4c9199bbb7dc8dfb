"""The path of a request: through the router to a server's slot, step by step, to the reply."""

from typing import Any

import numpy as np

from queueing.simulation.engine.agenda import list_insert
from queueing.simulation.engine.background import note_delivery, submit
from queueing.simulation.engine.chance import draw, own_uniform, uniform
from queueing.simulation.engine.compiled import compiled, inlined
from queueing.simulation.engine.events import tell
from queueing.simulation.engine.histogram import BINS, bin_of
from queueing.simulation.engine.tables import (
    DELAY,
    FEWEST,
    NONE,
    POOL,
    PROCESSOR,
    RANDOM,
    REPLY,
    SLOTS,
    SUBMIT,
    class_count,
    class_limit,
    first_step,
    latency_count,
    part_at,
    request_at,
    server_at,
    station_at,
    step_at,
    visits_at,
)
from queueing.simulation.engine.traffic import think_again


@compiled
def draw_class(world: Any) -> int:
    """Return a class by its share, for the request that has just come."""
    level = own_uniform(world)
    kind = 0
    while level >= class_limit(world, kind).value:
        kind += 1
    return kind


@compiled
def route(world: Any) -> int:
    """Return the server for a request, NONE if none is up."""
    count = world.n_servers
    if world.entry_part != NONE and part_at(world, world.entry_part).up == 0:
        return NONE
    if world.routing == RANDOM:
        world.turn = np.int64(uniform(world) * count)
    best, fewest = NONE, np.iinfo(np.int64).max
    number = world.turn
    for _ in range(count):
        server = server_at(world, number)
        if server.up == 1 and server.present < fewest:
            best, fewest = number, server.present
            if world.routing != FEWEST:
                break
        number = number + 1 if number + 1 < count else 0
    if best != NONE:
        world.turn = best + 1 if best + 1 < count else 0
    return best


@compiled
def enter(world: Any, now: float, kind: int, peak: int) -> None:
    """A request comes to the router, the entry delay after it was made."""
    arrived = now - world.entry_delay
    if kind != world.hook_class:
        world.arrived += 1
        class_count(world, peak * world.classes + kind).arrived += 1
    number = route(world)
    if number == NONE:
        fail(world, now, kind, peak)
        return
    server = server_at(world, number)
    if server.free == 0 and server.waiting >= world.waiting_room:
        shed(world, now, kind, peak)
        return
    request = world.free_request
    row = request_at(world, request)
    world.free_request = row.next
    row.arrived = arrived
    row.kind = kind
    row.peak = peak
    row.present = 1
    row.server = number
    row.step = first_step(world, kind).value
    server.present += 1
    if server.free > 0:
        server.free -= 1
        seat(world, now, request)
        proceed(world, now, request)
    else:
        wait_outside(world, now, request)


@inlined
def seat(world: Any, now: float, request: int) -> None:
    """A request gets a slot of its server."""
    request_at(world, request).seated = now
    visits_at(world, SLOTS).visits += 1


@compiled
def wait_outside(world: Any, now: float, request: int) -> None:
    """A request waits for a slot of its server."""
    row = request_at(world, request)
    server = server_at(world, row.server)
    row.queued = now
    if server.waiting == 0:
        server.first = request
    else:
        request_at(world, server.last).next = request
    server.last = request
    server.waiting += 1


@compiled
def leave(world: Any, now: float, request: int) -> int:
    """Give the slot and the row back; return the request that gets the slot, or NONE."""
    row = request_at(world, request)
    server = server_at(world, row.server)
    server.present -= 1
    visits_at(world, SLOTS).busy += now - row.seated
    row.present = 0
    row.next = world.free_request
    world.free_request = request
    if server.waiting == 0:
        server.free += 1
        return NONE
    heir = server.first
    server.first = request_at(world, heir).next
    server.waiting -= 1
    note_wait(world, SLOTS, now - request_at(world, heir).queued)
    seat(world, now, heir)
    return heir


@inlined
def note_wait(world: Any, row: int, wait: float) -> None:
    """Somebody had to wait before being served."""
    visits = visits_at(world, row)
    visits.waited += 1
    visits.wait += wait


@inlined
def station_of(world: Any, request: int) -> int:
    """Return where the step is served: a pool, or the processors of the request's server."""
    row = request_at(world, request)
    step = step_at(world, row.step)
    return step.station if step.action != PROCESSOR else world.first_processors + row.server


@inlined
def take_place(world: Any, now: float, request: int) -> bool:
    """Tell whether the step's station has a free place; otherwise the request stands in line."""
    station = station_at(world, station_of(world, request))
    if station.free > 0:
        station.free -= 1
        return True
    row = request_at(world, request)
    row.queued = now
    row.next = NONE
    if station.first == NONE:
        station.first = request
    else:
        request_at(world, station.last).next = request
    station.last = request
    return False


@inlined
def give_place(world: Any, now: float, number: int) -> int:
    """A place of a station is free: return the first in line, who gets it, or NONE."""
    station = station_at(world, number)
    heir = station.first
    if heir == NONE:
        station.free += 1
    else:
        row = request_at(world, heir)
        station.first = row.next
        note_wait(world, step_at(world, row.step).visits, now - row.queued)
    return heir


@compiled
def serve(world: Any, now: float, request: int) -> None:
    """The step of a request begins to be served: the agenda learns when it ends."""
    step = step_at(world, request_at(world, request).step)
    time = draw(world, step.law)
    visits = visits_at(world, step.visits)
    visits.visits += 1
    visits.busy += time
    world.agenda_size = list_insert(world.agenda, world.agenda_size, now + time, request)


@compiled
def begin(world: Any, now: float, request: int) -> int:
    """Take a request through its steps to one that needs time; then its slot's heir, and so on.

    Return the request whose step is to be served now, or NONE.
    """
    while request != NONE:
        row = request_at(world, request)
        step = step_at(world, row.step)
        if step.part != NONE and part_at(world, step.part).up == 0:
            if step.optional == 1:
                row.step += 1
                continue
            fail(world, now, row.kind, row.peak)
            request = leave(world, now, request)
        elif step.action <= POOL:
            return request if take_place(world, now, request) else NONE
        elif step.action == DELAY:
            return request
        elif step.action == REPLY:
            reply(world, now, request)
            request = leave(world, now, request)
        else:
            if step.action == SUBMIT:
                submit(world, now, row.peak)
            else:
                attempt(world, now, request)
            row.step += 1
    return NONE


@compiled
def proceed(world: Any, now: float, request: int) -> None:
    """Take a request up and serve the step that it, or an heir of its slot, comes to."""
    served = begin(world, now, request)
    if served != NONE:
        serve(world, now, served)


@compiled
def end_step(world: Any, now: float, request: int) -> None:
    """The step of a request has been served."""
    row = request_at(world, request)
    step = step_at(world, row.step)
    if step.action <= POOL:
        heir = give_place(world, now, station_of(world, request))
        if heir != NONE:
            serve(world, now, heir)
    if step.skip_probability > 0.0 and uniform(world) < step.skip_probability:
        row.step += step.skip_steps
    row.step += 1
    proceed(world, now, request)


@compiled
def attempt(world: Any, now: float, request: int) -> None:
    """A request has tried its job itself, once."""
    row = request_at(world, request)
    world.submitted += 1
    world.attempts += 1
    if uniform(world) < world.inline_failure_probability:
        world.dead += 1
    else:
        world.delivered += 1
        note_delivery(world, row.peak, 1, now - row.arrived)
        tell(world, now)


@compiled
def reply(world: Any, now: float, request: int) -> None:
    """A request has its answer."""
    row = request_at(world, request)
    if row.kind == world.hook_class:
        world.consumed += 1
        return
    time = now - row.arrived
    row_of_class = row.peak * world.classes + row.kind
    counts = class_count(world, row_of_class)
    world.served += 1
    counts.served += 1
    counts.time += time
    counts.late += time > world.deadline
    latency_count(world, row_of_class * BINS + bin_of(time)).value += 1
    think_again(world, now)


@compiled
def shed(world: Any, now: float, kind: int, peak: int) -> None:
    """A request finds the waiting room full."""
    if kind == world.hook_class:
        world.events_failed += 1
        return
    world.shed += 1
    class_count(world, peak * world.classes + kind).shed += 1
    think_again(world, now)


@compiled
def fail(world: Any, now: float, kind: int, peak: int) -> None:
    """A request loses, or never finds, a part that it needs."""
    if kind == world.hook_class:
        world.events_failed += 1
        return
    world.failed += 1
    class_count(world, peak * world.classes + kind).failed += 1
    think_again(world, now)
