"""Lines under backpressure, worked through customer by customer: arrays in, arrays out, no chance.

Whoever comes is in order of arrival. `waited` and `fates` are written; heaps are given by address.
"""

# ruff: noqa: PLR0917 - compiled functions know no keywords

from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.agenda import entry, heap_drop_first, heap_insert, heap_sink
from queueing.simulation.engine.compiled import compiled, entry_point, fingerprint

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Codes = NDArray[np.int8]

SERVED, SHED, LOST = range(3)  # fates
NEXT, PRESENT, DONE = range(3)  # in the state of `under_limit`: who comes; how many are there, left
HEAD, BUSY, MOST = range(1, 4)  # in that of `serve_until`: who starts; servers at work; worst line


@compiled
def _first_waiting(line: Whole, heads: Whole, sizes: Whole) -> int:
    """Take out who waits first in the highest class that waits."""
    kind = 0
    while sizes[kind] == 0:
        kind += 1
    customer = line[kind, heads[kind]]
    heads[kind] = (heads[kind] + 1) % line.shape[1]
    sizes[kind] -= 1
    return customer


@compiled
def _make_place(line: Whole, heads: Whole, sizes: Whole, kind: int) -> int:
    """Take out the youngest of the lowest class that waits, if it is below `kind`; -1 if none."""
    lowest = sizes.size - 1
    while lowest > kind and sizes[lowest] == 0:
        lowest -= 1
    if lowest <= kind:
        return -1
    sizes[lowest] -= 1
    return line[lowest, (heads[lowest] + sizes[lowest]) % line.shape[1]]


def _made_of(sources: int) -> tuple[Any, Any, Any]:  # noqa: C901, PLR0915 - three in one closure
    """Return the entry points, closed over the fingerprint of what they were compiled from."""

    @entry_point
    def shed_lowest(
        arrivals: Floats,
        services: Floats,
        kinds: Whole,
        places: int,
        free: int,
        servers: int,
        line: Whole,
        heads: Whole,
        sizes: Whole,
        waited: Floats,
        fates: Codes,
    ) -> int:
        """Serve the classes in their order; who finds no place takes that of a lower class's last.

        `line` has a ring of `places` (at least 1) for each class.
        """
        waiting = sources * 0
        for customer in range(arrivals.size + 1):
            now = arrivals[customer] if customer < arrivals.size else np.inf
            while waiting > 0 and entry(free, 0).time <= now:
                first, start = _first_waiting(line, heads, sizes), entry(free, 0).time
                waited[first] = start - arrivals[first]
                heap_sink(free, servers, 0, start + services[first], 0)
                waiting -= 1
            if customer == arrivals.size:
                break
            if entry(free, 0).time <= now:
                heap_sink(free, servers, 0, now + services[customer], 0)
                continue
            kind = kinds[customer]
            if waiting == places:
                dropped = _make_place(line, heads, sizes, kind)
                if dropped < 0:
                    fates[customer] = SHED
                    continue
                fates[dropped], waited[dropped] = LOST, now - arrivals[dropped]
                waiting -= 1
            line[kind, (heads[kind] + sizes[kind]) % line.shape[1]] = customer
            sizes[kind] += 1
            waiting += 1
        return waiting

    @entry_point
    def under_limit(
        arrivals: Floats,
        services: Floats,
        limit: int,
        window: int,
        free: int,
        servers: int,
        leaving: int,
        state: Whole,
        trips: Floats,
        waited: Floats,
        fates: Codes,
    ) -> bool:
        """Let in who finds fewer than `limit`; come back when `window` more have left.

        `trips` adds up the times in system of those. Returns whether customers are left.
        """
        following, present, done = state[NEXT] + sources * 0, state[PRESENT], 0
        while following < arrivals.size and done < window:
            now = arrivals[following]
            if present > 0 and entry(leaving, 0).time <= now:
                row = entry(leaving, 0).mark
                trips[0] += waited[row] + services[row]
                present = heap_drop_first(leaving, present)
                done += 1
                continue
            if present < limit:
                start = max(entry(free, 0).time, now)
                waited[following] = start - now
                end = start + services[following]
                heap_sink(free, servers, 0, end, 0)
                present = heap_insert(leaving, present, end, following)
            else:
                fates[following] = SHED
            following += 1
        state[NEXT], state[PRESENT], state[DONE] = following, present, done
        return following < arrivals.size

    @entry_point
    def serve_until(
        arrivals: Floats,
        services: Floats,
        servers: int,
        now: float,
        until: float,
        ends: int,
        state: Whole,
        waited: Floats,
    ) -> None:
        """Serve in order of arrival with so many servers; who is at work beyond them finishes."""
        following, head, busy = state[NEXT] + sources * 0, state[HEAD], state[BUSY]
        while True:
            while busy < servers and head < following:
                waited[head] = now - arrivals[head]
                busy = heap_insert(ends, busy, now + services[head], 0)
                head += 1
            state[MOST] = max(state[MOST], following - head)
            end = entry(ends, 0).time
            arrival = arrivals[following] if following < arrivals.size else np.inf
            if min(end, arrival) > until:
                break
            now = min(end, arrival)
            if end <= arrival:
                busy = heap_drop_first(ends, busy)
            else:
                following += 1
        state[NEXT], state[HEAD], state[BUSY] = following, head, busy

    return shed_lowest, under_limit, serve_until


shed_lowest, under_limit, serve_until = _made_of(fingerprint())
