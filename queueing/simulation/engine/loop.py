"""The event loop: what is due next, one change of state after the other."""

from typing import Any

import numpy as np

from queueing.simulation.engine.agenda import entry, heap_drop_first
from queueing.simulation.engine.background import (
    employ,
    end_attempt,
    free_thread,
    give_out_again,
    outlast,
)
from queueing.simulation.engine.chance import own_exponential
from queueing.simulation.engine.compiled import compiled, entry_point, fingerprint
from queueing.simulation.engine.events import feed_sinks, free_sink, redraw_hook, set_timer
from queueing.simulation.engine.failures import boot, change_part, list_free_threads, scale
from queueing.simulation.engine.requests import draw_class, end_step, enter
from queueing.simulation.engine.tables import (
    AT_ROUTER,
    ATTEMPT_END,
    BOOTED,
    EXPIRY,
    FIRST_THREAD,
    PART,
    PUT,
    RETURN,
    SCALE,
    SINKS,
    TOKEN,
    USERS,
    part_at,
)
from queueing.simulation.engine.traffic import follow_users, next_open_arrival, stop_thinking

REACHED, CROWDED, STALE = range(3)  # what an entry point returns
SOURCES = fingerprint()


@compiled
def set_out(world: Any) -> None:
    """Set the first arrival, the first failures and the first looks at the state."""
    list_free_threads(world)
    for number in range(world.n_parts):
        part = part_at(world, number)
        if part.mean_up < np.inf:
            set_timer(world, part.mean_up * own_exponential(part), PART, number)
    if world.scale_target > 0.0:
        set_timer(world, world.scale_interval, SCALE, 0)
    if world.closed == 1:
        follow_users(world, 0.0)
        set_timer(world, world.users_every, USERS, 0)
    else:
        world.next_arrival = next_open_arrival(world, 0.0)


@compiled
def arrive(world: Any) -> None:
    """A user asks, and the next who will is drawn.

    The entry delay is constant. Open arrivals therefore reach the router late, but in order, and
    are looked at only there. Closed ones are redrawn whenever somebody begins to think, and those
    on their way to the router need timers.
    """
    arrived = world.next_arrival
    kind = draw_class(world)
    peak = 1 if world.users >= world.peak_users else 0
    if world.closed == 1:
        stop_thinking(world, arrived)
        set_timer(world, arrived + world.entry_delay, AT_ROUTER, kind << 1 | peak)
    else:
        world.next_arrival = next_open_arrival(world, arrived)
        enter(world, arrived + world.entry_delay, kind, peak)


@compiled
def take_event(world: Any, now: float) -> None:
    """An event is in the stream, or somebody has consumed it."""
    mark = entry(world.events, world.events_size).mark
    world.events_size -= 1
    if mark == PUT:
        world.events_waiting += 1
    elif mark >= 0:
        world.consumed += 1
        free_sink(world, mark)
    else:
        world.consumed += 1
        free_thread(world, FIRST_THREAD - mark)
    read_stream(world, now)


@compiled
def read_stream(world: Any, now: float) -> None:
    """Give waiting events to whom the plan sends them."""
    if world.consumer == SINKS:
        feed_sinks(world, now)
    else:
        employ(world, now)


@compiled
def ring(world: Any, now: float) -> None:
    """A timer goes off."""
    mark = entry(world.timers, 0).mark
    world.timers_size = heap_drop_first(world.timers, world.timers_size)
    kind, number = mark >> 32, mark & 0xFFFFFFFF
    if kind == ATTEMPT_END:
        end_attempt(world, now, number)
    elif kind == RETURN:
        world.backing_off -= 1
        give_out_again(world, now, number)
    elif kind == AT_ROUTER:
        enter(world, now, number >> 1, number & 1)
    elif kind == TOKEN:
        world.token_awaited = 0
        read_stream(world, now)
    elif kind == EXPIRY:
        outlast(world, now, number)
    else:
        ring_rarely(world, now, kind, number)


@compiled
def ring_rarely(world: Any, now: float, kind: int, number: int) -> None:
    """A timer goes off that does so at most once a second."""
    if kind == USERS:
        follow_users(world, now)
        set_timer(world, now + world.users_every, USERS, 0)
    elif kind == PART:
        change_part(world, now, number)
    elif kind == SCALE:
        scale(world, now)
        employ(world, now)
    elif kind == BOOTED:
        boot(world, now, number)


@compiled
def call_hook(world: Any, now: float) -> None:
    """A hook is called."""
    world.hooks_pending -= 1
    redraw_hook(world, now)
    enter(world, now, world.hook_class, 0)


@compiled
def step_through(world: Any, until: float) -> int:
    """Change the state until the clock passes `until`, or until a table is nearly full."""
    while True:
        arrival = world.next_arrival + world.arrival_shift
        step = entry(world.agenda, world.agenda_size).time
        event = entry(world.events, world.events_size).time
        timer = entry(world.timers, 0).time
        now = min(arrival, step, event, timer, world.next_hook)
        if now > until:
            world.now = until
            return REACHED
        world.now = now
        world.changes += 1
        if step == now:
            request = entry(world.agenda, world.agenda_size).mark
            world.agenda_size -= 1
            end_step(world, now, request)
        elif event == now:
            take_event(world, now)
        elif arrival == now:
            arrive(world)
        elif timer == now:
            ring(world, now)
        else:
            call_hook(world, now)
        if world.crowded == 1:
            return CROWDED


def _made_of(sources: int) -> Any:
    """Return the entry point, closed over the fingerprint of what it was compiled from."""

    @entry_point
    def advance(world: Any, until: float) -> int:
        if world.sources != sources:
            return STALE
        if world.started == 0:
            world.started = 1
            set_out(world)
        return step_through(world, until)

    return advance


advance = _made_of(SOURCES)
