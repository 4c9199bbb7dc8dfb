"""What happens next: a sorted list for the few imminent events, a heap for the many distant ones.

Both hold pairs of a time and a mark, which says what the event means. Neither ever holds a
cancelled event: what is called off is taken out. Compiled functions know a table by its address.
"""

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.compiled import compiled, inlined
from queueing.simulation.engine.memory import record, rows_at

ENTRY = record(time="f8", mark="i8")
entry = rows_at(ENTRY)


def empty_agenda(capacity: int) -> NDArray[np.void]:
    """Return a list or a heap without events, for at most `capacity` of them."""
    entries = np.zeros(capacity + 1, ENTRY)
    entries["time"] = np.inf
    return entries


@inlined
def copy(entries: int, source: int, target: int) -> None:
    """Write one entry over another."""
    entry(entries, target).time = entry(entries, source).time
    entry(entries, target).mark = entry(entries, source).mark


# The sorted list: entry 0 is never due and the last is due first, so that taking it costs nothing
# and a short service, the common case, passes few others on its way in.


@inlined
def list_insert(entries: int, size: int, time: float, mark: int) -> int:
    """Note an event; return the new size."""
    place = size + 1
    while entry(entries, place - 1).time < time:
        copy(entries, place - 1, place)
        place -= 1
    entry(entries, place).time = time
    entry(entries, place).mark = mark
    return size + 1


@compiled
def list_remove(entries: int, size: int, place: int) -> int:
    """Call an event off; return the new size."""
    for later in range(place, size):
        copy(entries, later + 1, later)
    return size - 1


# The heap: four children to a node, the root at 0; an empty heap has a root that is never due.


@compiled
def heap_insert(entries: int, size: int, time: float, mark: int) -> int:
    """Note an event; return the new size."""
    place = size
    while place > 0:
        parent = (place - 1) >> 2
        if entry(entries, parent).time <= time:
            break
        copy(entries, parent, place)
        place = parent
    entry(entries, place).time = time
    entry(entries, place).mark = mark
    return size + 1


@compiled
def heap_sink(entries: int, size: int, place: int, time: float, mark: int) -> None:
    """Put an event into the hole at `place`, moving children that are due earlier up."""
    first = 4 * place + 1
    while first < size:
        child = first
        for other in range(first + 1, min(first + 4, size)):
            if entry(entries, other).time < entry(entries, child).time:
                child = other
        if entry(entries, child).time >= time:
            break
        copy(entries, child, place)
        place = child
        first = 4 * place + 1
    entry(entries, place).time = time
    entry(entries, place).mark = mark


@compiled
def heap_drop_first(entries: int, size: int) -> int:
    """Take out the event that is due first; return the new size."""
    last = size - 1
    time, mark = entry(entries, last).time, entry(entries, last).mark
    entry(entries, last).time = np.inf
    if last > 0:
        heap_sink(entries, last, 0, time, mark)
    return last


@compiled
def heap_remove(entries: int, size: int, mark: int) -> int:
    """Call off the event of this mark, if it is there; return the new size.

    It looks through the whole heap: good enough for the rare failure.
    """
    kept = 0
    for place in range(size):
        if entry(entries, place).mark != mark:
            copy(entries, place, kept)
            kept += 1
    for place in range(kept, size):
        entry(entries, place).time = np.inf
    for place in range((kept - 2) >> 2, -1, -1):
        heap_sink(entries, kept, place, entry(entries, place).time, entry(entries, place).mark)
    return kept
