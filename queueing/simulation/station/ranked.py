"""A line in which the order of arrival does not settle everything: priorities, servers that leave.

The customers present stand in one order, by class and then by arrival. Servers take the first who
wait; with preemption they are always with the first of all, and whoever is interrupted goes on
later where he stopped. When servers leave, the last in the order are put back.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from queueing.simulation.engine.compiled import compiled, entry_point
from queueing.simulation.engine.memory import record

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Table = NDArray[np.void]

JOB = record(
    rank="i8",  # the place in the order: class << 40 | number
    kind="i8",
    arrived="f8",
    started="f8",  # first; nan before that
    begun="f8",  # this spell of service
    left="f8",  # of the service (s)
    service="f8",
    interrupted="i8",  # 1 if another was preferred
)
VISIT = record(arrived="f8", waited="f8", stayed="f8", kind="i8", outcome="i8")
SPELL = record(begin="f8", end="f8", kind="i8")
# Places in the row of numbers that a run keeps between blocks
BUSY, WAITING, SERVERS, CHANGE, ORDER, SPARE, VISITS, SPELLS, PREEMPTIVE, ROOM = range(10)
NUMBERS = 10
_CLASS = 40


class State(NamedTuple):
    """The tables of a line: those present, who waits (a heap), who is served, what is over."""

    numbers: Whole
    jobs: Table
    spare: Whole
    line: Whole
    serving: Whole
    visits: Table
    spells: Table


@compiled
def _join(line: Whole, size: int, jobs: Table, row: int) -> None:
    """Add a job to the heap of those that wait."""
    rank, hole = jobs[row].rank, size
    while hole > 0 and jobs[line[(hole - 1) >> 1]].rank > rank:
        line[hole] = line[(hole - 1) >> 1]
        hole = (hole - 1) >> 1
    line[hole] = row


@compiled
def _leave(line: Whole, size: int, jobs: Table) -> int:
    """Take the first out of a heap of `size` jobs that wait."""
    first, row = line[0], line[size - 1]
    hole, child = 0, 1
    while child < size - 1:
        if child + 1 < size - 1 and jobs[line[child + 1]].rank < jobs[line[child]].rank:
            child += 1
        if jobs[line[child]].rank >= jobs[row].rank:
            break
        line[hole] = line[child]
        hole, child = child, 2 * child + 1
    line[hole] = row
    return int(first)


@compiled
def _next_end(serving: Whole, busy: int, jobs: Table) -> tuple[float, int]:
    """Return when the next service ends, and at which of the busy servers."""
    end, place = np.inf, -1
    for server in range(busy):
        job = jobs[serving[server]]
        if job.begun + job.left < end:
            end, place = job.begun + job.left, server
    return end, place


@compiled
def _last_served(serving: Whole, busy: int, jobs: Table) -> int:
    """Return which of the busy servers is with the last in the order."""
    place = 0
    for server in range(1, busy):
        if jobs[serving[server]].rank > jobs[serving[place]].rank:
            place = server
    return place


@compiled
def _start(now: float, row: int, state: State) -> None:
    """Give a job a server."""
    job = state.jobs[row]
    job.begun = now
    if np.isnan(job.started):
        job.started = now
    state.serving[state.numbers[BUSY]] = row
    state.numbers[BUSY] += 1


@compiled
def _stop(now: float, place: int, state: State) -> int:
    """Take a job from its server, and note the spell of service."""
    row = state.serving[place]
    state.numbers[BUSY] -= 1
    state.serving[place] = state.serving[state.numbers[BUSY]]
    spell = state.spells[state.numbers[SPELLS]]
    spell.begin, spell.end, spell.kind = state.jobs[row].begun, now, state.jobs[row].kind
    state.numbers[SPELLS] += 1
    return int(row)


@compiled
def _wait(row: int, state: State) -> None:
    """Put a job into the line."""
    _join(state.line, state.numbers[WAITING], state.jobs, row)
    state.numbers[WAITING] += 1


@compiled
def _interrupt(now: float, state: State) -> None:
    """Put the last in the order of those in service back into the line."""
    place = _last_served(state.serving, state.numbers[BUSY], state.jobs)
    row = _stop(now, place, state)
    job = state.jobs[row]
    job.left = max(job.left - (now - job.begun), 0.0)
    _wait(row, state)


@compiled
def _finish(now: float, place: int, state: State) -> None:
    """Note a visit that is over.

    Its wait is all its time out of service where others were preferred, else that until service.
    """
    row = _stop(now, place, state)
    job, visit = state.jobs[row], state.visits[state.numbers[VISITS]]
    state.numbers[VISITS] += 1
    stay = now - job.arrived
    visit.arrived, visit.stayed, visit.kind, visit.outcome = job.arrived, stay, job.kind, 0
    visit.waited = stay - job.service if job.interrupted == 1 else job.started - job.arrived
    state.spare[state.numbers[SPARE]] = row
    state.numbers[SPARE] += 1


@compiled
def _turn_away(now: float, kind: int, state: State) -> None:
    visit = state.visits[state.numbers[VISITS]]
    state.numbers[VISITS] += 1
    visit.arrived, visit.waited, visit.stayed, visit.kind, visit.outcome = now, 0.0, 0.0, kind, 2


@compiled
def _arrive(now: float, kind: int, service: float, state: State) -> None:
    """Let a customer in; with preemption he may take the place of the last in the order."""
    numbers = state.numbers
    numbers[SPARE] -= 1
    row = state.spare[numbers[SPARE]]
    job = state.jobs[row]
    job.rank, job.kind, job.interrupted = kind << _CLASS | numbers[ORDER], kind, 0
    numbers[ORDER] += 1
    job.arrived, job.started, job.left, job.service = now, np.nan, service, service
    if numbers[PREEMPTIVE] == 1 and 0 < numbers[BUSY] == numbers[SERVERS]:
        last = state.jobs[state.serving[_last_served(state.serving, numbers[BUSY], state.jobs)]]
        if last.rank > job.rank:
            last.interrupted = 1
            _interrupt(now, state)
    _wait(row, state)


@entry_point
def ranked(came: tuple[Floats, Floats, Whole], last: int, changes: Any, state: State) -> None:
    """Work through a block of arrivals, up to the last of them, or to the end of all stays.

    `came` holds arrivals, services and classes; at each of the times of `changes` there are as many
    servers as it says. What ended meanwhile lies in the state's `visits` and `spells`.
    """
    arrivals, services, kinds = came
    times, levels = changes
    numbers = state.numbers
    numbers[VISITS] = numbers[SPELLS] = 0
    customer = 0
    while customer < arrivals.size or last == 1:
        arrival = arrivals[customer] if customer < arrivals.size else np.inf
        change = times[numbers[CHANGE]] if numbers[CHANGE] < times.size else np.inf
        end, place = _next_end(state.serving, numbers[BUSY], state.jobs)
        now = min(arrival, change, end)
        if now == np.inf:
            break
        if end == now:
            _finish(now, place, state)
        elif change == now:
            numbers[SERVERS] = levels[numbers[CHANGE]]
            numbers[CHANGE] += 1
            while numbers[BUSY] > numbers[SERVERS]:
                _interrupt(now, state)
        else:
            kind, service = kinds[customer], services[customer]
            customer += 1
            if 0 < numbers[ROOM] <= numbers[BUSY] + numbers[WAITING]:
                _turn_away(now, kind, state)
            else:
                _arrive(now, kind, service, state)
        while numbers[BUSY] < numbers[SERVERS] and numbers[WAITING] > 0:
            row = _leave(state.line, numbers[WAITING], state.jobs)
            numbers[WAITING] -= 1
            _start(now, row, state)


class Ranked:
    """The state of such a line between two blocks of customers; its tables grow as it does.

    `changes` are pairs (time, servers from then on); `room` is 0 where there is room for all.
    """

    def __init__(
        self,
        *,
        servers: int,
        changes: Sequence[tuple[float, int]],
        preemptive: bool,
        room: int,
    ) -> None:
        self._changes = (
            np.array([time for time, _ in changes], dtype=np.float64),
            np.array([count for _, count in changes], dtype=np.int64),
        )
        self._numbers = np.zeros(NUMBERS, dtype=np.int64)
        self._numbers[SERVERS], self._numbers[ROOM] = servers, room
        self._numbers[PREEMPTIVE] = preemptive
        most = max([servers, *(count for _, count in changes)])
        self._serving = np.zeros(most + 1, dtype=np.int64)
        self._jobs = np.zeros(0, dtype=JOB)
        self._spare = self._line = np.zeros(0, dtype=np.int64)

    def work(
        self, arrivals: Floats, services: Floats, kinds: Whole, *, last: bool
    ) -> tuple[Table, Table]:
        """Take a block of customers in; return the visits and the spells of service now over."""
        present = int(self._numbers[BUSY] + self._numbers[WAITING])
        self._enlarge(present + arrivals.size)
        put_back = self._serving.size * (self._changes[0].size + 1)
        visits = np.zeros(present + arrivals.size, dtype=VISIT)
        spells = np.zeros(present + 2 * arrivals.size + put_back, dtype=SPELL)
        state = State(
            self._numbers, self._jobs, self._spare, self._line, self._serving, visits, spells
        )
        ranked((arrivals, services, kinds), int(last), self._changes, state)
        return visits[: self._numbers[VISITS]], spells[: self._numbers[SPELLS]]

    @property
    def stranded(self) -> Floats:
        """When those came who wait for ever, for servers that have left for good."""
        waiting = self._line[: self._numbers[WAITING]]
        return np.asarray(self._jobs["arrived"][waiting])

    def _enlarge(self, rows: int) -> None:
        had = self._jobs.size
        if rows <= had:
            return
        more = max(rows, 2 * had) - had
        self._jobs = np.concatenate([self._jobs, np.zeros(more, dtype=JOB)])
        self._spare = np.concatenate([self._spare, np.zeros(more, dtype=np.int64)])
        self._line = np.concatenate([self._line, np.zeros(more, dtype=np.int64)])
        free = int(self._numbers[SPARE])
        self._spare[free : free + more] = np.arange(had, had + more)
        self._numbers[SPARE] += more
