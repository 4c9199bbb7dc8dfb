"""What delivered jobs tell: events to sinks, to the workers' threads, or as hooks to the servers.

Events that wait are alike, so they are counted, not kept.
"""

from typing import Any

import numpy as np

from queueing.simulation.engine.agenda import heap_insert, list_insert
from queueing.simulation.engine.chance import draw, exponential
from queueing.simulation.engine.compiled import compiled, inlined
from queueing.simulation.engine.tables import (
    HOOKS,
    NOBODY,
    NONE,
    PUT,
    SINK_THREADS,
    TOKEN,
    part_at,
    sink_at,
    visits_at,
)

ROUNDING = 1e-9  # a token awaited is there when its timer rings


@compiled
def set_timer(world: Any, time: float, kind: int, number: int) -> None:
    """Let a timer ring at `time`."""
    world.timers_size = heap_insert(world.timers, world.timers_size, time, kind << 32 | number)
    if world.timers_size + world.reserve > world.n_timers:
        world.crowded = 1


@inlined
def note_event(world: Any, time: float, mark: int) -> None:
    """An event's put or its consumption ends at `time`."""
    world.events_size = list_insert(world.events, world.events_size, time, mark)
    if world.events_size + world.reserve > world.n_events:
        world.crowded = 1


@compiled
def may_pass(world: Any, now: float) -> bool:
    """Tell whether the stream, where there is one, is up and its rate lets one more event pass."""
    if world.stream_part != NONE and part_at(world, world.stream_part).up == 0:
        return False
    if world.rate_limit == np.inf:
        return True
    rate = world.rate_limit
    world.tokens = min(rate, world.tokens + (now - world.tokens_at) * rate)  # a second's worth
    world.tokens_at = now
    if world.tokens >= 1.0:
        world.tokens -= 1.0
        return True
    if world.token_awaited == 0:
        world.token_awaited = 1
        set_timer(world, now + (1.0 - world.tokens) / rate + ROUNDING, TOKEN, 0)
    return False


@compiled
def feed_sinks(world: Any, now: float) -> None:
    """Give waiting events to free threads of the sinks."""
    visits = visits_at(world, SINK_THREADS)
    while world.events_waiting > 0 and world.free_sinks > 0 and may_pass(world, now):
        sink = 0
        while sink_at(world, sink).free == 0 or sink_at(world, sink).up == 0:
            sink += 1
        sink_at(world, sink).free -= 1
        world.free_sinks -= 1
        world.events_waiting -= 1
        time = draw(world, world.consume_law)
        visits.visits += 1
        visits.busy += time
        note_event(world, now + time, sink)


@compiled
def redraw_hook(world: Any, now: float) -> None:
    """Set the next hook: the first of n exponential delays ends after one of mean / n."""
    if world.hooks_pending == 0:
        world.next_hook = np.inf
    else:
        world.next_hook = now + world.hook_delay / world.hooks_pending * exponential(world)


@compiled
def tell(world: Any, now: float) -> None:
    """A job has been delivered: its events set out."""
    if world.consumer == NOBODY:
        return
    world.told += world.per_delivery
    if world.consumer == HOOKS:
        world.hooks_pending += world.per_delivery
        redraw_hook(world, now)
    elif world.streamed == 1:
        for _ in range(world.per_delivery):
            note_event(world, now + draw(world, world.put_law), PUT)
    else:
        for _ in range(world.per_delivery):
            offer_to_sinks(world, now)


@compiled
def offer_to_sinks(world: Any, now: float) -> None:
    """An event goes straight to the sinks: lost if all are down or too many wait there."""
    if sinks_up(world) == 0 or world.events_waiting >= world.buffer:
        world.events_lost += 1
    else:
        world.events_waiting += 1
        feed_sinks(world, now)


@compiled
def sinks_up(world: Any) -> int:
    """Return how many sinks are up."""
    up = 0
    for sink in range(world.n_sinks):
        up += sink_at(world, sink).up
    return up


@compiled
def free_sink(world: Any, sink: int) -> None:
    """A sink's thread has taken an event in."""
    sink_at(world, sink).free += 1
    world.free_sinks += 1
