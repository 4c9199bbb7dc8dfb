"""Thousands of designs at the peak at once: what their requests meet times what their mails meet.

A number of a design comes from one half of it. What the users' requests meet (servers, balancer,
database, cache) decides latency and uptime; what comes after the reply (workers, stream, sinks)
decides how old a mail grows, given the share of requests that is answered. There are hundreds of
either half where there are thousands of designs: each is asked once, arrays do the rest.
"""

import math
from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from scipy.interpolate import CubicSpline
from tqdm.auto import tqdm

from queueing.scenario.availability import availability
from queueing.scenario.cost import bill
from queueing.scenario.design import FIELDS, Design
from queueing.scenario.latency import Latency, RequestPath
from queueing.scenario.mails import MailFlow
from queueing.scenario.plan import CPU, DATABASE, SINK, SLOTS, WORKERS, Plan, plan
from queueing.scenario.scenario import Scenario
from queueing.scenario.scorecard import Scorecard

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]

_BEFORE_THE_REPLY = {"servers", "load_balancer", "database", "cache"}  # parts of a design
_AFTER_THE_REPLY = {"workers", "shards", "sinks", "priority", "maximum_workers"}
_PAID_AFTER = {"worker", "stream", "analytics"}  # components
_P95 = 95 / 100
_P95_DEPTH = -math.log(1 - _P95)
_ABOUT = np.linspace(0.75, 1.1, 6)  # a gamma law's percentile, times that the tail is asked at
_CLOSE = 3e-3  # of the promised P95: so near it the percentile is asked to the last digit
_ROUGH = 3  # how many times more or less is lost over the run than it seems from the peak
_NO_TAIL = 1e-300
_LEVELS = 8  # of answered requests at which the mails are followed, besides those in doubt


class _Front(NamedTuple):
    """What the requests of a design meet."""

    p95_ms: float
    uptime: float
    answered: float  # at the peak, parts down included
    cost: float
    slots: float  # loads at the peak
    cpu: float
    database: float


class _Back(NamedTuple):
    """What comes after the reply."""

    cost: float  # without workers
    workers: float  # load at the peak
    sink: float


class _Path(NamedTuple):
    """A request path at the peak."""

    p95_ms: float
    let_in: float
    in_time: float  # of those let in
    slot_load: float


@dataclass(frozen=True)
class Ranking:
    """Designs of a scenario, ranked at the peak."""

    scenario: Scenario
    designs: Sequence[Design]
    progress: bool = False  # a bar on standard error

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row a design: its parts, its numbers, the loads of its stations at the peak.

        Cost and loads are the scorecard's. So is P95, within 1e-5 of itself, or 2e-3 where slots
        do not keep up. So is uptime where all requests are answered; the share shed or late is
        within a factor of three. The oldest mail is interpolated between designs on its side of the
        promise. So near a promise that this could decide, the scorecard's own number stands.
        """
        fronts, of_front = self._halves(_AFTER_THE_REPLY)
        backs, of_back = self._halves(_BEFORE_THE_REPLY)
        with tqdm(total=len(fronts) + 1, unit="path", disable=not self.progress) as bar:
            front = pd.DataFrame(self._fronts(fronts, bar))
            back = pd.DataFrame(map(self._back, backs))
            oldest, paid = self._mails(backs, of_back, front["answered"].to_numpy()[of_front])
            bar.update()
        each = self.scenario.catalogue.the("worker").price_usd_month
        at, behind = front.iloc[of_front].reset_index(), back.iloc[of_back].reset_index()
        parts = {name: [getattr(design, name) for design in self.designs] for name in FIELDS}
        return pd.DataFrame(
            parts
            | {
                "cost": at["cost"] + behind["cost"] + each * paid,
                "p95_ms": at["p95_ms"],
                "uptime": at["uptime"],
                "oldest_mail_s": oldest,
                **{f"{name}_load": at[name] for name in (SLOTS, CPU, DATABASE)},
                **{f"{name}_load": behind[name] for name in (WORKERS, SINK)},
            }
        )

    def _halves(self, others: Collection[str]) -> tuple[list[Design], Ints]:
        """Return a design for each half that differs, and which half each design has.

        Tracking events that nobody takes come back as requests: so they belong to both halves.
        """
        names = [name for name in FIELDS if name not in others]
        numbers: dict[object, int] = {}
        found: list[Design] = []
        place = np.empty(len(self.designs), dtype=int)
        for i, design in enumerate(self.designs):
            taken = bool(design.shards or design.sinks)
            key = (taken, *(getattr(design, name) for name in names))
            place[i] = numbers.setdefault(key, len(found))
            if place[i] == len(found):
                found.append(design)
        return found, place

    # Before the reply

    def _fronts(self, designs: Sequence[Design], bar: "tqdm[NoReturn]") -> Iterator[_Front]:
        for design in designs:
            yield self._front(design)
            bar.update()

    def _front(self, design: Design) -> _Front:
        made = plan(self.scenario, design)
        path, up = self._path(made), availability(self.scenario, design)
        answered = path.let_in * path.in_time
        loads = made.load(self._rates.max())
        return _Front(
            p95_ms=path.p95_ms,
            uptime=up * self._answered(design, path, up),
            answered=up * answered,
            cost=self._paid(design, after=False),
            slots=path.slot_load * float(self._rates.max()) / self._peak_rate,
            cpu=loads[CPU],
            database=loads[DATABASE],
        )

    def _path(self, made: Plan) -> _Path:
        path = RequestPath.of(made)
        if path not in self._paths:
            self._paths[path] = self._solved(Latency(path, self._peak_rate))
        return self._paths[path]

    @cached_property
    def _paths(self) -> dict[RequestPath, _Path]:
        """Those that have been solved."""
        return {}

    def _solved(self, at_peak: Latency) -> _Path:
        """Return what is asked of a path: one inversion gives the deadline's tail and the P95."""
        promise, network, response = self.scenario.contract, at_peak.network, at_peak.response
        mean, variance = response.mean(), response.var()
        times = _ABOUT * special.gammaincinv(mean**2 / variance, _P95) * variance / mean
        *tails, late = response.sf([*times, promise.deadline_s])
        p95_s = _percentile(times, np.array(tails))
        if p95_s is None or abs(1000 * p95_s / promise.p95_ms - 1) < _CLOSE:
            p95_s = at_peak.p95_s
        return _Path(
            p95_ms=1000 * p95_s,
            let_in=1 - network.shed_probability,
            in_time=1 - float(late),
            slot_load=network.slot_load,
        )

    def _answered(self, design: Design, path: _Path, up: float) -> float:
        """Return the share of the run's requests answered in time, all parts up.

        Full slots let in the same number at any rate, others lose what they lose at the peak alone.
        Where so rough a count could decide, the scorecard's is asked.
        """
        rates = self._rates
        lost = np.where(self._at_peak, rates * (1 - path.let_in), 0.0)
        if path.slot_load >= 1:
            lost = np.maximum(rates - path.let_in * self._peak_rate, 0.0)
        share = (1 - float(lost.sum() / rates.sum())) * path.in_time
        least, most = (up * (1 - (1 - share) * factor) for factor in (_ROUGH, 1 / _ROUGH))
        if least < self.scenario.contract.uptime <= most:
            return Scorecard(self.scenario, design).answered
        return share

    # After the reply

    def _back(self, design: Design) -> _Back:
        loads = plan(self.scenario, design).load(self._rates.max())
        return _Back(
            cost=self._paid(design, after=True),
            workers=loads.get(WORKERS, math.nan),
            sink=loads.get(SINK, math.nan),
        )

    def _paid(self, design: Design, *, after: bool) -> float:
        return sum(
            line.usd_month
            for line in bill(self.scenario, design, workers=0)
            if (line.component in _PAID_AFTER) == after
        )

    def _mails(
        self, backs: Sequence[Design], of_back: Ints, answered: Floats
    ) -> tuple[Floats, Floats]:
        """Return the age of each design's oldest mail, and how many workers are paid."""
        oldest, paid = np.zeros(of_back.size), np.zeros(of_back.size)
        alike: dict[object, tuple[MailFlow, list[int]]] = {}
        for number, design in enumerate(backs):
            made = plan(self.scenario, design)
            if made.job:
                key = (made.job, made.workers, made.attempt_s, made.autoscaling)
                mails = self._rates * made.mails_per_request
                flow = MailFlow(plan=made, job=made.job, hours=self._hours, mail_rate=mails)
                alike.setdefault(key, (flow, []))[1].append(number)
        for flow, numbers in alike.values():
            those = np.isin(of_back, numbers)
            oldest[those], paid[those] = self._followed(flow, answered[those])
        return oldest, paid

    def _followed(self, all_answered: MailFlow, answered: Floats) -> tuple[Floats, Floats]:
        """Return the oldest mail's age and the workers paid, by share answered at the peak.

        The more requests are answered, the more mails there are and the older they grow: between
        two shares that are on one side of the promise, so is everything between.
        """
        levels = np.unique(answered)
        known: dict[int, tuple[float, float]] = {}

        def fresh(number: int) -> bool:
            if number not in known:
                flow = replace(all_answered, mail_rate=all_answered.mail_rate * levels[number])
                known[number] = flow.longest_wait, float(flow.wanted_workers.mean())
            return known[number][0] <= self.scenario.contract.freshness_s

        for number in np.linspace(0, levels.size - 1, _LEVELS).round().astype(int).tolist():
            fresh(number)
        if fresh(0) and not fresh(levels.size - 1):
            bisect(range(levels.size), x=False, key=lambda number: not fresh(number))
        asked = np.array(sorted(known))
        values = np.array([known[number] for number in asked.tolist()])
        return (
            np.interp(answered, levels[asked], values[:, 0]),
            np.interp(answered, levels[asked], values[:, 1]),
        )

    # The surge

    @cached_property
    def _hours(self) -> Floats:
        return self.scenario.traffic.grid_h

    @cached_property
    def _rates(self) -> Floats:
        return self.scenario.traffic.request_rate(self._hours)

    @cached_property
    def _at_peak(self) -> NDArray[np.bool_]:
        return self.scenario.peak_on(self._hours)

    @cached_property
    def _peak_rate(self) -> float:
        return Scorecard(self.scenario, self.designs[0]).peak.request_rate


def _percentile(times: Floats, tails: Floats) -> float | None:
    """Return the P95 by a cubic through a tail's logarithm, which is nearly straight."""
    depths = -np.log(np.maximum(tails, _NO_TAIL))
    if not (np.diff(depths) > 0).all() or not depths[0] < _P95_DEPTH < depths[-1]:
        return None
    return float(CubicSpline(depths, times)(_P95_DEPTH))
