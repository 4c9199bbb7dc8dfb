"""What the engine is asked to run: frozen values, in seconds, that name no product.

A `Plan` describes the joint system: users who ask, servers whose slots a request holds until its
reply, pools and delays on its way, jobs that outlive it, and the events that delivered jobs tell.
Every constructor raises `ValueError` for what cannot be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from queueing import checks
from queueing.backpressure import BacklogAutoscaler
from queueing.distributions import Distribution

MOST = 2**31  # rows that a mark can number


@dataclass(frozen=True, kw_only=True)
class Outages:
    """Exponential times up and down, of means in seconds."""

    mean_up: float
    mean_down: float

    def __post_init__(self) -> None:
        checks.real("mean_up", self.mean_up, above=0)
        checks.real("mean_down", self.mean_down, above=0)

    @classmethod
    def of(cls, *, availability: float, mean_down: float) -> "Outages":
        """Return those of a part that is up for this share of time: mean_up = MTTR A / (1 - A).

        >>> Outages.of(availability=0.995, mean_down=1800).mean_up
        358200.0
        """
        checks.real("availability", availability, above=0, below=1)
        odds = availability / (1 - availability)
        return cls(mean_up=round(mean_down * odds, 6), mean_down=mean_down)


@dataclass(frozen=True, kw_only=True)
class Users:
    """How many users there are: linear between `times` (s), from time 0, nobody after the last.

    Open users make a Poisson process of requests, at users / (think_time + nominal_response) a
    second. Closed users think (exponential), ask, wait for the reply and think again; their number
    follows the curve. A request belongs to the peak while users are at least `peak_fraction` of
    their most.

    With `rate_scv` the rate of open users is random: times a gamma factor of mean 1 and that SCV,
    new in every `rate_window` (s); arrivals are then no Poisson process.
    """

    times: Sequence[float]
    users: Sequence[float]
    think_time: float
    nominal_response: float = 0.0
    closed: bool = False
    peak_fraction: float = 0.9
    rate_scv: float = 0.0
    rate_window: float = 3600.0

    def __post_init__(self) -> None:
        times = checks.array("times", self.times, at_least=0)
        users = checks.array("users", self.users, at_least=0)
        if times.ndim != 1 or times.shape != users.shape or times.size < 2:
            raise ValueError(
                f"times and users must be two rows of one length, at least 2, "
                f"got {np.shape(self.times)} and {np.shape(self.users)}"
            )
        if times[0] != 0:
            raise ValueError(f"times must start at 0, got {times[0]:g}")
        if (late := np.flatnonzero(np.diff(times) <= 0)).size:
            raise ValueError(
                f"times must increase, but {times[late[0] + 1]:g} follows {times[late[0]]:g}"
            )
        checks.real("think_time", self.think_time, above=0)
        checks.real("nominal_response", self.nominal_response, at_least=0)
        checks.real("peak_fraction", self.peak_fraction, at_least=0)
        checks.real("rate_scv", self.rate_scv, at_least=0)
        checks.real("rate_window", self.rate_window, above=0)
        if self.rate_scv and self.closed:
            raise ValueError("rate_scv is of open users: closed ones make their rate themselves")

    @classmethod
    def steady(cls, *, request_rate: float, horizon: float) -> "Users":
        """Return users that make `request_rate` requests a second, as a Poisson process."""
        checks.real("request_rate", request_rate, at_least=0)
        users = [request_rate, request_rate]
        return cls(times=[0.0, checks.real("horizon", horizon, above=0)], users=users, think_time=1)

    @property
    def horizon(self) -> float:
        """The end (s)."""
        return float(self.times[-1])

    @property
    def cycle(self) -> float:
        """From one request of an open user to the next (s)."""
        return self.think_time + self.nominal_response

    def at(self, times: ArrayLike) -> np.ndarray:
        """Return the users at these times (s)."""
        return np.interp(np.asarray(times, dtype=float), self.times, self.users)

    def requests_until(self, times: ArrayLike) -> np.ndarray:
        """Return the requests that open users make until these times (s), in the mean."""
        knots, users = np.asarray(self.times, dtype=float), np.asarray(self.users, dtype=float)
        areas = np.append(0.0, np.cumsum(np.diff(knots) * (users[1:] + users[:-1]) / 2))
        times = np.clip(times, 0, knots[-1])
        last = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
        beyond = (times - knots[last]) * (users[last] + self.at(times)) / 2
        return (areas[last] + beyond) / self.cycle


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stage of a request's path. It holds its server's slot throughout.

    "processor": one of its server's processors. "pool": a place of the pool named `pool`. "delay":
    nobody waits. "submit": hand a job over, in no time. "attempt": a job is tried here and now, in
    no time beyond the steps before. While the managed part named `part` is down the step fails its
    request, or is left out if `optional`. Afterwards, with `skip_probability` (a cache hit), the
    next `skip_steps` are left out.
    """

    action: Literal["processor", "pool", "delay", "submit", "attempt"]
    law: Distribution | None = None
    pool: str | None = None
    part: str | None = None
    optional: bool = False
    skip_probability: float = 0.0
    skip_steps: int = 0

    def __post_init__(self) -> None:
        timed = self.action in ("processor", "pool", "delay")
        if timed != (self.law is not None):
            raise ValueError(
                f"a step {self.action!r} {'takes time: it needs a law' if timed else 'has no law'}"
            )
        if (self.action == "pool") != (self.pool is not None):
            raise ValueError(f"a step 'pool', and no other, names its pool, got {self!r}")
        if self.action == "processor" and self.part is not None:
            raise ValueError("a processor fails with its server: the step has no part")
        checks.real("skip_probability", self.skip_probability, at_least=0)
        checks.whole("skip_steps", self.skip_steps, at_least=0)


@dataclass(frozen=True, kw_only=True)
class RequestClass:
    """A share of the users' requests, and their steps."""

    name: str
    steps: Sequence[Step]
    share: float = 1.0

    def __post_init__(self) -> None:
        checks.real("share", self.share, at_least=0)
        for place, step in enumerate(self.steps):
            if place + step.skip_steps >= len(self.steps):
                raise ValueError(f"class {self.name!r}: step {place} skips beyond the last step")


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Alike servers behind a router, each with slots, processors and a waiting room of its own.

    "fewest": to the server with the fewest requests present, ties in turn.
    """

    count: int
    slots: int
    processors: int
    waiting_room: int
    routing: Literal["fewest", "turns", "random"] = "fewest"
    entry_delay: float = 0.0  # constant, before the router decides
    entry_part: str | None = None  # the managed part without which nobody gets in
    outages: Outages | None = None

    def __post_init__(self) -> None:
        for name in ("count", "slots", "processors"):
            checks.whole(name, getattr(self, name))
        checks.whole("waiting_room", self.waiting_room, at_least=0)
        checks.real("entry_delay", self.entry_delay, at_least=0)
        if self.count * (self.slots + self.waiting_room) > MOST:
            raise ValueError(f"slots and waiting rooms must have at most {MOST} places together")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Places that all servers' requests share, first come first served."""

    name: str
    places: int
    part: str | None = None  # fails as a whole, with who is there

    def __post_init__(self) -> None:
        checks.whole("places", self.places)


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Work that outlives its request: a queue, workers with threads, attempts and retries.

    An attempt takes the sum of `attempt`, or of `failed_attempt` if it fails, which it knows at its
    end. Then it waits U(0, backoff * backoff_factor^n), n = 0 after the first attempt, and joins
    the end of the queue; after `max_attempts` it is a dead letter. An attempt that outlasts
    `visibility_timeout` runs on while the queue gives its job out again.
    """

    workers: int
    threads: int
    attempt: Sequence[Distribution]
    failed_attempt: Sequence[Distribution] | None = None  # None: as `attempt`
    failure_probability: float = 0.0
    max_attempts: int = 1
    backoff: float = 30.0
    backoff_factor: float = 2.0
    visibility_timeout: float = np.inf
    urgent_share: float = 0.0  # goes before the others; a retry keeps its class
    part: str | None = None  # while it is down nobody takes a job
    outages: Outages | None = None  # of each worker
    autoscaling: BacklogAutoscaler | None = None

    def __post_init__(self) -> None:
        checks.whole("workers", self.workers, at_least=0)
        checks.whole("threads", self.threads)
        checks.whole("max_attempts", self.max_attempts)
        for name in ("failure_probability", "urgent_share", "backoff"):
            checks.real(name, getattr(self, name), at_least=0)
        checks.real("backoff_factor", self.backoff_factor, above=0)
        if not self.visibility_timeout > 0:
            raise ValueError(f"visibility_timeout must be above 0, got {self.visibility_timeout}")
        if self.outages and np.isinf(self.visibility_timeout):
            raise ValueError("workers that fail need a visibility_timeout, or their jobs are lost")

    @property
    def most_workers(self) -> int:
        """How many workers there may ever be."""
        return self.autoscaling.maximum if self.autoscaling else self.workers


@dataclass(frozen=True, kw_only=True)
class Events:
    """What every delivered job tells, and who takes it in.

    With `put` an event takes that long into a stream, which keeps it and lets `rate_limit` events
    a second pass; without, it goes straight to the sinks and is lost while all are down or
    `buffer` events wait at each. "workers": the workers' threads read the stream. "hooks": every
    event is a request of class `hook`, after an exponential delay of mean `hook_delay`.
    """

    consumer: Literal["sinks", "workers", "hooks"]
    per_delivery: int = 1
    put: Distribution | None = None
    part: str | None = None  # the stream; while it is down nobody reads it
    rate_limit: float = np.inf
    consume: Distribution | None = None
    sinks: int = 0
    threads: int = 1  # of a sink
    buffer: int = 10_000
    outages: Outages | None = None  # of each sink
    hook: RequestClass | None = None
    hook_delay: float = 600.0

    def __post_init__(self) -> None:
        checks.whole("per_delivery", self.per_delivery)
        checks.whole("sinks", self.sinks, at_least=int(self.consumer == "sinks"))
        checks.whole("threads", self.threads)
        checks.whole("buffer", self.buffer, at_least=0)
        checks.real("hook_delay", self.hook_delay, above=0)
        if not self.rate_limit > 0:
            raise ValueError(f"rate_limit must be above 0, got {self.rate_limit}")
        if self.consumer == "hooks" and self.hook is None:
            raise ValueError("hooks are requests: the events need a class `hook`")
        if self.consumer != "hooks" and self.consume is None:
            raise ValueError(f"{self.consumer} take time for an event: a law `consume` is missing")
        if self.consumer == "workers" and self.put is None:
            raise ValueError("workers read a stream: a law `put` is missing")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole system and its users."""

    users: Users
    classes: Sequence[RequestClass]
    servers: Servers
    pools: Sequence[Pool] = ()
    parts: Mapping[str, Outages | None] = field(default_factory=dict)  # managed, shared by all
    jobs: Jobs | None = None
    inline_failure_probability: float = 0.0  # of a step "attempt"
    events: Events | None = None
    deadline: float = 10.0  # a later reply is no answer

    def __post_init__(self) -> None:
        shares = sum(kind.share for kind in self.classes)
        if abs(shares - 1) > 1e-9:
            raise ValueError(f"the classes' shares must add up to 1, got {shares:g}")
        checks.real("deadline", self.deadline, above=0)
        if self.events and self.events.consumer == "workers" and self.jobs is None:
            raise ValueError("the workers shall consume the events, but there are none")
        steps = [step for kind in self.all_classes for step in kind.steps]
        if self.jobs is None and any(step.action == "submit" for step in steps):
            raise ValueError("a step submits jobs, but the plan has no jobs")
        _known("pool", {pool.name for pool in self.pools}, [step.pool for step in steps])
        owners = [self.servers.entry_part, *(pool.part for pool in self.pools)]
        owners += [owner.part for owner in (self.jobs, self.events) if owner]
        _known("part", set(self.parts), [*owners, *(step.part for step in steps)])

    @property
    def all_classes(self) -> list[RequestClass]:
        """The users' classes and, where there are hooks, theirs."""
        hook = self.events.hook if self.events and self.events.consumer == "hooks" else None
        return [*self.classes, *([hook] if hook else [])]


def _known(what: str, names: set[str], used: Sequence[str | None]) -> None:
    for name in used:
        if name is not None and name not in names:
            raise ValueError(f"no {what} is named {name!r}; there are {sorted(names) or 'none'}")
