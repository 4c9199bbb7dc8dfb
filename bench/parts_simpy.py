"""What the SimPy model is made of: parts that fail, a rate limit, random times, counts."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import log, sqrt
from typing import Any

import numpy as np
import simpy

from queueing.scenario.plan import Class, Law, Step

Process = Generator[simpy.Event, Any, None]

HOUR = 3600.0
BLOCK = 4096  # random numbers drawn at once


class Part:
    """Something that can fail; whoever works at it is interrupted then."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.up = True
        self.repaired = env.event()
        self.visitors: set[simpy.Process] = set()

    def outages(self, mean_up: float, mean_down: float, rng: np.random.Generator) -> Process:
        """Fail and be repaired, over and over."""
        while True:
            yield self.env.timeout(rng.exponential(mean_up))
            self.up = False
            for process in list(self.visitors):
                process.interrupt()
            yield self.env.timeout(rng.exponential(mean_down))
            self.up = True
            self.repaired.succeed()
            self.repaired = self.env.event()


class Server(Part):
    """A server with its own slots and processors."""

    def __init__(self, env: simpy.Environment, slots: int, processors: int) -> None:
        super().__init__(env)
        self.slots = simpy.Resource(env, slots)
        self.processors = simpy.Resource(env, processors)

    @property
    def present(self) -> int:
        """Requests in the slots and before them."""
        return self.slots.count + len(self.slots.queue)


class RateLimit:
    """A bucket that gains `rate` tokens a second and holds as many."""

    def __init__(self, env: simpy.Environment, rate: float) -> None:
        self.env, self.rate = env, rate
        self.tokens, self.counted_at = rate, 0.0

    def reserve(self) -> float:
        """Take a token; return how long (s) to wait until it is there."""
        gained = (self.env.now - self.counted_at) * self.rate
        self.tokens = min(self.rate, self.tokens + gained) - 1
        self.counted_at = self.env.now
        return max(0.0, -self.tokens / self.rate)


@dataclass(slots=True)
class Mail:
    """A mail from its submission until it is delivered or dead."""

    submitted: float
    attempts: int = 0
    settled: bool = False


@dataclass(slots=True, kw_only=True)
class Visit:
    """A step of a plan with its random times, and the managed part that it needs."""

    resource: str
    times: Iterator[float]
    visits: int
    only_on_miss: bool
    part: Part | None


@dataclass(slots=True, kw_only=True)
class Kind:
    """A class of requests: its steps before the slot is taken, and those that hold it."""

    name: str
    outside: list[Visit]
    inside: list[Visit]
    hit_probability: float


@dataclass
class Tally:
    """What happened to the requests of a class."""

    arrived: int = 0
    shed: int = 0
    failed: int = 0
    late: int = 0
    response_times: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """What a model counts; `busy` are seconds of work, by resource."""

    since: float
    requests: dict[str, Tally]
    busy: dict[str, float]
    delivery_times: list[float] = field(default_factory=list)
    submitted: int = 0
    attempts: int = 0
    dead: int = 0
    duplicates: int = 0
    told: int = 0
    consumed: int = 0
    lost: int = 0


def forever(draw: Callable[[int], Any]) -> Iterator[Any]:
    """Yield random numbers one by one, drawn a block at a time."""
    while True:
        yield from draw(BLOCK).tolist()


def times(rng: np.random.Generator, law: Law) -> Iterator[float]:
    """Yield the random times (s) of a law."""
    if law.kind == "constant":
        return forever(partial(np.full, fill_value=law.mean_s))
    if law.kind == "lognormal":
        variance = log(1 + law.scv)
        mean = log(law.mean_s) - variance / 2
        return forever(lambda size: rng.lognormal(mean, sqrt(variance), size))
    if law.kind == "exponential" or law.scv == 1:
        return forever(lambda size: rng.exponential(law.mean_s, size))
    return forever(lambda size: rng.gamma(1 / law.scv, law.mean_s * law.scv, size))


def kind_of(kind: Class, parts: Mapping[str, Part], rng: np.random.Generator) -> Kind:
    """Return a plan's class with its random times and the parts that it needs."""

    def visit(step: Step) -> Visit:
        return Visit(
            resource=step.resource,
            times=times(rng, step.law),
            visits=step.visits,
            only_on_miss=step.when == "miss",
            part=parts.get(step.resource),
        )

    return Kind(
        name=kind.name,
        outside=[visit(step) for step in kind.steps if not step.holds_slot],
        inside=[visit(step) for step in kind.steps if step.holds_slot],
        hit_probability=kind.hit_probability,
    )
