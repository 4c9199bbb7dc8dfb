"""A line with a last place before MailForge's processors, and workers that follow a backlog."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing import MMc
from queueing.backpressure import BacklogAutoscaler, BoundedQueue, UserView
from queueing.backpressure.bounded import WhenFull
from queueing.backpressure.waiting import waits_longer, waits_within
from queueing.lab.pooled import SHARE, processors
from queueing.lab.pooling import milliseconds
from queueing.lab.sizing import smallest
from queueing.scenario import Design, Scenario
from queueing.scenario.fluid import Line, integral
from queueing.scenario.plan import plan
from queueing.simulation.rushes import Rush

Floats = NDArray[np.float64]

WAYS: dict[WhenFull, str] = {
    "reject": "turn away",
    "block": "hold outside",
    "shed-lowest": "drop the lowest",
}
MOST_ROOM = 500
_RUSH = 1.13  # arrivals in a rush, in parts of what the processors can do
_ROOMS = (0, 1, 4, 15, 45, 110, 230, MOST_ROOM)
_LOADS = np.array(
    [0.02, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.94, 0.98, 1.02, 1.06, 1.12, 1.2, 1.35, 1.6, 2, 2.6]
)
_FAR_LOADS = np.array([4.0, 8.0, 16.0])


@dataclass(frozen=True, kw_only=True)
class Crowded:
    """A station, `room` for so many in its line, what the line says when it is full, a promise.

    95 % of the accepted should wait at most `promise` seconds. Of the arrivals the share `first`
    is of the higher class, for lines that drop the lowest.
    """

    station: MMc
    room: int
    when_full: WhenFull
    promise: float
    first: float
    names: tuple[str, str] = ("sends", "the rest")

    @property
    def full_rate(self) -> float:
        """What the servers can do, requests a second."""
        return self.station.servers * self.station.service_rate

    @property
    def by_class(self) -> bool:
        """Whether the classes fare differently."""
        return self.when_full == "shed-lowest"

    @cached_property
    def view(self) -> UserView:
        """What users see."""
        return self._view(self.room, self.station.arrival_rate)

    @property
    def views(self) -> dict[str, UserView]:
        """The same, for each class that fares differently."""
        return _named(self.view, self.names)

    @cached_property
    def waits(self) -> tuple[float, ...]:
        """The wait that 95 % of the accepted stay within, seconds, for each class."""
        return self._waits((self.room,))[0]

    @property
    def kept(self) -> bool:
        """Whether all of the accepted have the promised wait."""
        return max(self.waits) <= self.promise

    @property
    def waits_by_room(self) -> tuple[NDArray[np.int64], Floats]:
        """Rooms from none to many, and the waits with each: a column a class."""
        return np.array(_ROOMS), np.array(self._waits(_ROOMS))

    @cached_property
    def largest(self) -> int | None:
        """The most places that keep the promise to every class; None if there may be any number."""
        if self.when_full == "block":
            return None if self.kept else 0
        more = smallest(lambda room: not self._keeps(room), 1, MOST_ROOM)
        return None if more is None else more - 1

    def at(self, room: int) -> "Crowded":
        """Return the same with another room."""
        return replace(self, room=room)

    def by_load(self, top: float) -> tuple[Floats, list[UserView]]:
        """Return arrival rates up to `top` a second, and what users see at each."""
        rates = np.append(_LOADS, _FAR_LOADS) * self.full_rate
        rates = np.append(rates[rates < 0.999 * top], top)
        return rates, [self._view(self.room, float(rate)) for rate in rates]

    def _view(self, room: int, rate: float) -> UserView:
        return _evaluated(
            self._queue(room), self._rates(rate), self.station.service_rate, self.station.servers
        )

    def _waits(self, rooms: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
        return _waits(
            tuple(self._queue(room) for room in rooms),
            self._rates(self.station.arrival_rate),
            self.station.service_rate,
            self.station.servers,
        )

    def _keeps(self, room: int) -> bool:
        late = waits_longer(
            self._queue(room),
            self.promise,
            arrival_rate=_plain(self._rates(self.station.arrival_rate)),
            service_rate=self.station.service_rate,
            servers=self.station.servers,
        )
        return bool(late.max() <= 1 - SHARE)

    def _queue(self, room: int) -> BoundedQueue:
        return BoundedQueue(capacity=self.station.servers + room, when_full=self.when_full)

    def _rates(self, rate: float) -> tuple[float, ...]:
        return (self.first * rate, (1 - self.first) * rate) if self.by_class else (rate,)


def _plain(rates: tuple[float, ...]) -> float | list[float]:
    return list(rates) if len(rates) > 1 else rates[0]


@lru_cache(maxsize=4096)
def _evaluated(
    queue: BoundedQueue, rates: tuple[float, ...], service_rate: float, servers: int
) -> UserView:
    return queue.evaluate(arrival_rate=_plain(rates), service_rate=service_rate, servers=servers)


@lru_cache(maxsize=1024)
def _waits(
    queues: tuple[BoundedQueue, ...], rates: tuple[float, ...], service_rate: float, servers: int
) -> tuple[tuple[float, ...], ...]:
    found = waits_within(
        queues, SHARE, arrival_rate=_plain(rates), service_rate=service_rate, servers=servers
    )
    return tuple(map(tuple, found.tolist()))


def _named(view: UserView, names: tuple[str, str]) -> dict[str, UserView]:
    return dict(zip(names, view.classes, strict=True)) if view.classes else {"all": view}


def rush(scenario: Scenario) -> MMc:
    """Return the processors of the peak while more requests come than they can do."""
    line = processors(scenario)
    return line.replace(arrival_rate=float(round(_RUSH * line.servers * line.service_rate)))


def waiting_room(scenario: Scenario) -> int:
    """Return how many may wait at all the servers of the scenario's own design."""
    return scenario.base.servers * scenario.rules.waiting_room


def rush_hour(scenario: Scenario, *, start: int = 60, end: int = 360, horizon: int = 600) -> Rush:
    """Return minutes with the rush in them, to be drawn: before and after, the peak's requests."""
    return Rush(
        station=processors(scenario),
        arrival_rate=rush(scenario).arrival_rate,
        start=start,
        end=end,
        horizon=horizon,
        deadline=scenario.contract.deadline_s,
    )


@dataclass(frozen=True, kw_only=True)
class Flash:
    """Jobs at one rate, then, after a rise of so many seconds, at a higher one (attempts a second).

    A worker has `threads`, each of which does `service_rate` attempts a second.
    """

    rule: BacklogAutoscaler
    low: float
    high: float
    rise: float
    threads: int
    service_rate: float
    begin: float = 300.0
    horizon: float = 5400.0

    @property
    def full_rate(self) -> float:
        """What one worker does, attempts a second."""
        return self.threads * self.service_rate

    def over_time(self, step: float = 10.0) -> pd.DataFrame:
        """Return backlog, workers and the age (s) of the oldest job, by the fluid."""
        times = np.arange(0, self.horizon + step, step)
        rates = np.interp(times, [self.begin, self.begin + self.rise], [self.low, self.high])
        table = self.rule.respond(
            times, rates, service_rate=self.service_rate, servers=self.threads
        )
        line = Line(
            share=1.0,
            seconds=times,
            joined=integral(rates, times),
            waiting=table["backlog"].to_numpy(),
            last_capacity=self.full_rate * self.rule.maximum,
        )
        return table.assign(age=line.oldest)

    @cached_property
    def oldest(self) -> float:
        """The age of the oldest job at the worst time, seconds."""
        return float(self.over_time()["age"].max())

    def booting(self, seconds: float) -> "Flash":
        """Return the same with workers that take so long until they are up."""
        return replace(self, rule=replace(self.rule, boot_time=seconds))

    def rising(self, seconds: float) -> "Flash":
        """Return the same with a rise of another length."""
        return replace(self, rise=seconds)


def scaled_design(scenario: Scenario) -> Design:
    """Return the first named design whose workers follow the backlog."""
    return next(d for d in scenario.designs.values() if d.maximum_workers is not None)


def flash(scenario: Scenario, *, rise: float = 60.0) -> Flash:
    """Return mails that jump from the scenario's peak to most of what the largest crew can do."""
    made = plan(scenario, scaled_design(scenario))
    if made.autoscaling is None or made.job is None:
        raise ValueError(f"{scenario.title} has no design whose workers follow the backlog")
    threads = scenario.catalogue.the("worker").slots
    worker = threads / made.attempt_s
    rule = made.autoscaling
    return Flash(
        rule=rule,
        low=0.9 * rule.minimum * worker,
        high=round(0.85 * rule.maximum * worker),
        rise=rise,
        threads=threads,
        service_rate=1 / made.attempt_s,
    )


def told(views: Mapping[str, UserView]) -> pd.DataFrame:
    """Return what users see, a row a view: shares of the arrivals in per cent, the mean wait."""
    rows = {
        name: {
            "accepted %": round(100 * view.accepted, 2),
            "turned away %": round(100 * view.shed, 2),
            "dropped %": round(100 * view.lost, 2),
            "mean wait": milliseconds(view.mean_wait),
        }
        for name, view in views.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")
