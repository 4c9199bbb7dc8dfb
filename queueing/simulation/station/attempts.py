"""Attempts at a station whose customers give up and try again: the compiled loop, no chance.

Nobody tells a server that his customer has left: abandoned work stays in line and is done. So all
are served in the order of arrival, an attempt's end is known when it is made, and so are the moment
at which its customer hears of it or gives up and that of the next attempt. What is left for a list
of events is the attempts to come.
"""

# ruff: noqa: PLR0917 - compiled functions know no keywords

from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.agenda import (
    entry,
    heap_drop_first,
    heap_insert,
    heap_sink,
)
from queueing.simulation.engine.compiled import compiled, entry_point, fingerprint
from queueing.simulation.engine.memory import record, rows_at

Floats = NDArray[np.float64]

CLIENT = record(attempt="i8", wait="f8")  # one who will try again: which attempt; the wait before
_client = rows_at(CLIENT)
STATION = record(
    timeout="f8",  # s, after which a customer gives up
    most="i8",  # attempts
    growth="f8",  # 0, or by how much a wait may exceed the one before (decorrelated)
    cap="f8",  # of such waits (s)
    servers="i8",
    room="i8",  # places in the system, 0: room for all
    free="i8",  # address of the heap of the servers, by when they are free
    leaving="i8",  # of those present, by when they leave
    pending="i8",  # of those who will try again, by when
    clients="i8",  # of their rows
    spare="i8",  # of the numbers of unused rows
    rows="i8",  # how many there may be
    present="i8",
    waiting="i8",  # customers between two attempts
    came="i8",  # first attempts made, of this block
    repeated="i8",  # services used, of those drawn for repeated attempts
    since="f8",  # when counting begins (s)
    horizon="f8",
    step="f8",  # of the timeline (s)
)
_number = rows_at(record(value="i8"))
# What is counted, each when it happens
ATTEMPTS, REFUSED, GOOD, DEAD, WORK, WASTED = range(6)
COUNTS = 6
OVER, MORE_ARRIVALS, MORE_SERVICES, MORE_ROWS = range(4)  # why the loop came back


@compiled
def _note(station: Any, counts: Floats, what: int, time: float, amount: float) -> None:
    """Add to the step in which something happens, and to the last row behind the warm-up."""
    if time < station.horizon:
        counts[min(int(time / station.step), counts.shape[0] - 2), what] += amount
        if time >= station.since:
            counts[-1, what] += amount


@compiled
def _served_until(station: Any, now: float, service: float) -> float:
    """Return when an attempt will have been served; `inf` if it is turned away."""
    if station.room > 0:
        while station.present > 0 and entry(station.leaving, 0).time <= now:
            station.present = heap_drop_first(station.leaving, station.present)
        if station.present == station.room:
            return np.inf
    end = max(entry(station.free, 0).time, now) + service
    heap_sink(station.free, station.servers, 0, end, 0)
    if station.room > 0:
        station.present = heap_insert(station.leaving, station.present, end, 0)
    return end


@compiled
def _try_later(
    station: Any, attempt: int, wait: float, told: float, between: Floats, level: float
) -> None:
    """Note when a customer who was `told` of a failure tries again."""
    low, high = between[attempt - 1, 0], between[attempt - 1, 1]
    if station.growth > 0:
        high = station.growth * wait
    wait = low + level * (high - low)
    if station.growth > 0:
        wait = min(wait, station.cap)
    if told + wait < station.horizon:
        row = _number(station.spare, station.waiting).value
        _client(station.clients, row).attempt = attempt + 1
        _client(station.clients, row).wait = wait
        station.waiting = heap_insert(station.pending, station.waiting, told + wait, row)


@compiled
def _attempt(
    station: Any,
    attempt: int,
    wait: float,
    now: float,
    service: float,
    between: Floats,
    level: float,
    counts: Floats,
) -> None:
    """Make an attempt, and note what will become of it."""
    _note(station, counts, ATTEMPTS, now, 1.0)
    end = _served_until(station, now, service)
    in_time = end - now <= station.timeout
    told = now if end == np.inf else min(end, now + station.timeout)
    if end == np.inf:
        _note(station, counts, REFUSED, now, 1.0)
    else:
        _note(station, counts, WORK, end, service)
        if not in_time:
            _note(station, counts, WASTED, end, service)
    if end < np.inf and in_time:
        _note(station, counts, GOOD, told, 1.0)
    elif attempt == station.most:
        _note(station, counts, DEAD, told, 1.0)
    else:
        _try_later(station, attempt, wait, told, between, level)


def _made_of(sources: int) -> Any:
    """Return the entry point, closed over the fingerprint of what it was compiled from."""

    @entry_point
    def make_attempts(
        station: Any,
        came: Floats,
        services: Floats,
        repeated: Floats,
        levels: Floats,
        between: Floats,
        counts: Floats,
    ) -> int:
        """Make one attempt after the other; return why it cannot go on.

        `came` and `services` are those of first attempts; `repeated` are the services of the others
        and `levels`, in [0, 1), say where between its bounds each wait lies.
        """
        if sources < 0:
            return OVER  # never: it is there to be closed over
        while True:
            if station.came == came.size:
                return MORE_ARRIVALS
            if station.repeated == repeated.size:
                return MORE_SERVICES
            if station.waiting == station.rows:
                return MORE_ROWS
            fresh, again = came[station.came], entry(station.pending, 0).time
            now = min(fresh, again)
            if now >= station.horizon:
                return OVER
            level = levels[station.repeated]
            if fresh <= again:
                service, attempt, wait = services[station.came], 1, between[0, 0]
                station.came += 1
                station.repeated += 1
            else:
                row = entry(station.pending, 0).mark
                station.waiting = heap_drop_first(station.pending, station.waiting)
                _number(station.spare, station.waiting).value = row
                attempt = _client(station.clients, row).attempt
                wait = _client(station.clients, row).wait
                service = repeated[station.repeated]
                station.repeated += 1
            _attempt(station, attempt, wait, now, service, between, level, counts)

    return make_attempts


make_attempts = _made_of(fingerprint())
