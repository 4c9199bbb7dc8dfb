"""A station whose customers give up and try again: the runs of `simulate(retries=, timeout=)`."""

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from queueing import checks
from queueing.retries import Backoff, RetryPolicy
from queueing.retries.policies import DecorrelatedBackoff
from queueing.simulation.engine.agenda import empty_agenda
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import Stopped, replicate, seeds
from queueing.simulation.station import attempts as loop
from queueing.simulation.station.customers import everybody, open_plan
from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.result import ratios
from queueing.simulation.station.streams import Stream, stream_seed

Floats = NDArray[np.float64]

_BLOCK = 32_768  # services drawn at a time
_ROWS = 1024  # for customers between two attempts, at first
_REPEATED, _LEVELS = 16, 17  # purposes of streams, beside those of the station's customers
# Each quantity is a sum over another, or over the seconds
_MEANINGS: dict[str, tuple[list[int], list[int]]] = {
    "attempt_rate": ([loop.ATTEMPTS], []),
    "goodput": ([loop.GOOD], []),
    "dead_letter_share": ([loop.DEAD], [loop.GOOD, loop.DEAD]),
    "wasted_share": ([loop.WASTED], [loop.WORK]),
    "blocking_probability": ([loop.REFUSED], [loop.ATTEMPTS]),
}


@dataclass(frozen=True, kw_only=True)
class Storm:
    """A station and the customers who try again, for how long, and from when it is counted."""

    plan: StationPlan
    retries: RetryPolicy
    timeout: float  # seconds
    horizon: float
    warmup: float
    steps: int

    def __post_init__(self) -> None:
        known = isinstance(self.retries, RetryPolicy)
        if not known:
            raise ValueError(f"retries must be a RetryPolicy(...), got {self.retries!r}")
        own = type(self.retries.backoff).draw is not Backoff.draw
        if own and not isinstance(self.retries.backoff, DecorrelatedBackoff):
            raise ValueError(
                f"simulate knows backoffs by their bounds `between`, and {self.retries.backoff!r} "
                "draws by a rule of its own"
            )
        if self.timeout != math.inf:
            checks.real("timeout", self.timeout, above=0)

    @property
    def between(self) -> Floats:
        """The least and the most seconds of each wait, a row a wait (one more than needed)."""
        waits = range(1, self.retries.max_attempts + 1)
        return np.array([self.retries.backoff.between(k) for k in waits])


def run(storm: Storm, seed: np.random.SeedSequence, stop: Callable[[], bool]) -> Floats:
    """Run one replication; return counts, a row a step and one for all behind the warm-up."""
    station = _Station(storm)
    plan = storm.plan
    blocks = everybody(plan, seed, customers=None, horizon=storm.horizon)
    repeated = Stream(plan.services[0], stream_seed(seed, _REPEATED))
    rng = np.random.Generator(np.random.SFC64(stream_seed(seed, _LEVELS)))
    counts = np.zeros((storm.steps + 1, loop.COUNTS))
    came, services = np.zeros(0), np.zeros(0)
    again, levels = np.zeros(0), np.zeros(0)
    header, between, why = station.header, storm.between, -1
    while why != loop.OVER:
        if stop():
            raise Stopped
        if why == loop.MORE_ROWS:
            station.grow()
        elif why == loop.MORE_SERVICES:
            again, levels = repeated.draw(_BLOCK), rng.random(_BLOCK)
            header["repeated"] = 0
        elif why == loop.MORE_ARRIVALS:
            came, services = next(blocks, (np.full(1, np.inf), np.zeros(1)))
            header["came"] = 0
        why = loop.make_attempts(header, came, services, again, levels, between, counts)
    return counts


class _Station:
    """The loop's header and its tables, which it knows by their addresses."""

    def __init__(self, storm: Storm) -> None:
        plan, backoff = storm.plan, storm.retries.backoff
        self._header = np.zeros(1, loop.STATION)
        self.header: Any = self._header[0]
        decorrelated = isinstance(backoff, DecorrelatedBackoff)
        numbers = {
            "timeout": storm.timeout,
            "most": storm.retries.max_attempts,
            "growth": 3.0 if decorrelated else 0.0,
            "cap": backoff.cap if isinstance(backoff, DecorrelatedBackoff) else math.inf,
            "servers": int(plan.servers),
            "room": plan.room or 0,
            "since": storm.warmup,
            "horizon": storm.horizon,
            "step": storm.horizon / storm.steps,
        }
        for name, value in numbers.items():
            self.header[name] = value
        self._tables: dict[str, NDArray[Any]] = {}
        self._hold("free", empty_agenda(int(plan.servers)))
        self._tables["free"]["time"][:-1] = 0.0
        self._hold("leaving", empty_agenda(plan.room or 0))
        self._hold("pending", empty_agenda(0))
        self._hold("clients", np.zeros(0, loop.CLIENT))
        self._hold("spare", np.zeros(0, dtype=np.int64))
        self.grow()

    def _hold(self, name: str, table: NDArray[Any]) -> None:
        self._tables[name] = table
        self.header[name] = table.ctypes.data

    def grow(self) -> None:
        """Make room for as many customers more between two attempts."""
        rows = int(self.header["rows"])
        more = max(rows, _ROWS)
        pending = empty_agenda(rows + more)
        pending[:rows] = self._tables["pending"][:rows]
        self._hold("pending", pending)
        new = np.zeros(more, loop.CLIENT)
        self._hold("clients", np.concatenate([self._tables["clients"], new]))
        spare = np.concatenate([self._tables["spare"], np.arange(rows, rows + more)])
        self._hold("spare", spare)
        self.header["rows"] = rows + more


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RetryResult:
    """Estimates over independent replications of a station whose customers try again.

    `attempt_rate` attempts are made a second. `goodput` customers are served in time a second.
    `dead_letter_share` of those who are settled have failed in every attempt. `wasted_share` of the
    served work, in seconds of service, is of attempts whose customer had left by its end.
    `blocking_probability` is the share of attempts that find no room. All count what happens behind
    the `warmup`, up to the `horizon`.
    """

    storm: Storm
    counts: tuple[Floats, ...]  # of each replication, a row a step and one for all
    seed: int | None  # None where some replications are missing, and none can be paired
    ending: str = ""

    @property
    def replications(self) -> int:
        """How many replications are in the estimates."""
        return len(self.counts)

    def __getattr__(self, name: str) -> Estimate:
        """Return a quantity's estimate; say so where there is none."""
        if name not in _MEANINGS:
            raise AttributeError(
                f"a simulation of retries has no {name!r}, only {', '.join(_MEANINGS)}"
            )
        if name == "blocking_probability" and self.storm.plan.room is None:
            raise AttributeError(f"{self.storm.plan.name} has no {name}: nobody is turned away")
        seconds = self.storm.horizon - self.storm.warmup
        values = self._values(name, slice(-1, None), seconds)
        return Estimate.of(values[:, 0].tolist(), seed=self.seed)

    def __dir__(self) -> list[str]:
        """Name the quantities too, for whoever completes names."""
        return [*super().__dir__(), *_MEANINGS]

    def _values(self, name: str, rows: slice, seconds: float) -> Floats:
        """Return a quantity, a row a replication, a column for each of some rows of the counts."""
        above, below = _MEANINGS[name]
        counts = np.array([table[rows] for table in self.counts])
        sums = counts[:, :, above].sum(axis=2)
        return ratios(sums, counts[:, :, below].sum(axis=2)) if below else sums / seconds

    @property
    def over_time(self) -> pd.DataFrame:
        """The quantities in each step from time 0 on, with intervals.

        Columns are pairs (quantity, "mean" | "half_width"), the index is the end of each step,
        seconds; nan where there is nothing to take a share of.
        """
        step = self.storm.horizon / self.storm.steps
        columns: dict[tuple[str, str], list[float]] = {}
        for name in self._names:
            rows = self._values(name, slice(0, -1), step).T
            table = [Estimate.of(row.tolist()) for row in rows]
            columns[name, "mean"] = [each.mean for each in table]
            columns[name, "half_width"] = [each.half_width for each in table]
        times = np.arange(1.0, self.storm.steps + 1) * step
        return pd.DataFrame(columns, index=pd.Index(times, name="time"))

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates as a table, a row a quantity."""
        table = pd.concat([getattr(self, name).to_frame() for name in self._names])
        return table.set_index(pd.Index(self._names, name="quantity"))

    @property
    def _names(self) -> list[str]:
        return [
            name
            for name in _MEANINGS
            if self.storm.plan.room is not None or name != "blocking_probability"
        ]

    def __repr__(self) -> str:
        """Write a small table."""
        rows = [f"  {name:<30} {getattr(self, name)}" for name in self._names]
        return "\n".join([f"{self.storm.plan.name} with retries: {self.ending}", *rows])


def simulate_retries(
    plan: StationPlan,
    *,
    retries: RetryPolicy,
    timeout: float,
    horizon: float,
    warmup: float,
    steps: int,
    replications: int,
    seed: int | None,
    executor: Executor | None,
    progress: bool,
) -> RetryResult:
    """Run a station whose customers try again; see `simulate`."""
    storm = Storm(
        plan=open_plan(plan, "retries="),
        retries=retries,
        timeout=timeout,
        horizon=horizon,
        warmup=warmup,
        steps=steps,
    )
    root, streams = seeds(seed, replications)
    counts = replicate(partial(run, storm), streams, executor=executor, progress=progress)
    kept = "interrupted, " if len(counts) < len(streams) else ""
    return RetryResult(
        storm=storm,
        counts=tuple(counts),
        seed=root if len(counts) == len(streams) else None,
        ending=f"{kept}{len(counts)} of {len(streams)} replications",
    )
