"""A design: how many of each part, and which variants."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from numbers import Real

from queueing import checks
from queueing.scenario.catalogue import Catalogue
from queueing.scenario.errors import ScenarioError, nearest, shown

COUNTS = {  # the fewest
    "servers": 1,
    "workers": 0,
    "shards": 0,
    "sinks": 0,
    "maximum_workers": 1,
    "max_attempts": 1,
}
SWITCHES = ("load_balancer", "priority")
VARIANTS = {"database": "postgres", "cache": "redis", "queue": "queue"}  # and the component
MOST, MOST_ATTEMPTS = 1000, 100


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is bought: counts of parts and variants of the catalogue.

    `cache=None` is a design without Redis, `queue=None` sends mails inside the request,
    `shards=0` has no stream and `sinks=0` no analytics. With `priority` transactional mails go
    before the others. With `maximum_workers` the backlog decides how many workers there are, from
    `workers` up to it. A mail has `max_attempts` (1 is no retries), and each lookup in the cache
    finds its answer with probability `hit_ratio`, 0 while the cache is cold; None leaves either to
    the scenario. Raises `ScenarioError` for what cannot be built.
    """

    servers: int
    load_balancer: bool
    database: str
    cache: str | None
    queue: str | None
    workers: int
    shards: int
    sinks: int
    priority: bool = False
    maximum_workers: int | None = None
    max_attempts: int | None = None
    hit_ratio: float | None = None

    def __post_init__(self) -> None:
        """Refuse counts that are none and parts that cannot work without one another."""
        self._refuse_what_is_of_the_wrong_kind()
        if self.servers > 1 and not self.load_balancer:
            raise ScenarioError(f"{self.servers} servers need a load balancer (load_balancer=True)")
        if self.queue is None:
            self._refuse_work_without_a_queue()
        elif self.workers == 0:
            raise ScenarioError("a queue needs workers: with workers=0 nobody would take its jobs")
        if self.maximum_workers is not None and self.maximum_workers < self.workers:
            raise ScenarioError(
                f"maximum_workers must be at least workers, which are {self.workers}, "
                f"got {self.maximum_workers}"
            )
        if self.shards > 0 and self.sinks == 0 and self.workers == 0:
            raise ScenarioError("a stream needs a reader: add a sink, or workers, or take shards=0")
        if self.hit_ratio is not None and self.cache is None:
            raise ScenarioError("a hit_ratio needs a cache: without one every lookup is a miss")

    def _refuse_what_is_of_the_wrong_kind(self) -> None:
        for name in COUNTS:
            if (value := getattr(self, name)) is not None or name not in OPTIONAL:
                object.__setattr__(self, name, _count(name, value))
        if self.hit_ratio is not None:
            object.__setattr__(self, "hit_ratio", _share("hit_ratio", self.hit_ratio))
        for name in SWITCHES:
            if not isinstance(value := getattr(self, name), bool):
                raise ScenarioError(f"{name} must be true or false, got {shown(value)}")
        for name in VARIANTS:
            value = getattr(self, name)
            if not isinstance(value, str) and (name == "database" or value is not None):
                raise ScenarioError(f"{name} must be the name of a variant, got {shown(value)}")

    def _refuse_work_without_a_queue(self) -> None:
        if self.workers > 0:
            raise ScenarioError(
                f"workers need a queue: without one workers must be 0, got {self.workers}"
            )
        if self.maximum_workers is not None:
            raise ScenarioError(
                f"maximum_workers need a queue: without one there are none, "
                f"got {self.maximum_workers}"
            )
        if self.max_attempts is not None:
            raise ScenarioError(
                "max_attempts need a queue: sent inside the request a mail has one attempt, "
                f"got {self.max_attempts}"
            )
        if self.priority:
            raise ScenarioError("priority is an order within a queue: without one it must be false")

    def describe(self) -> str:
        """Return the design in one line that a person can read."""
        parts = [
            _many(self.servers, "server"),
            "load balancer" if self.load_balancer else "no load balancer",
            f"Postgres {self.database}",
            f"Redis {self.cache}" if self.cache else "no Redis",
            f"queue {self.queue}" if self.queue else "no queue (sends inside the request)",
            self._workers_described,
            _many(self.shards, "shard") if self.shards else "no stream",
            _many(self.sinks, "sink") if self.sinks else "no sink",
        ]
        if self.priority:
            parts.append("transactional mails first")
        if self.max_attempts is not None:
            parts.append(f"{_many(self.max_attempts, 'attempt')} a mail")
        if self.hit_ratio is not None:
            parts.append(f"hit ratio {self.hit_ratio:g}")
        return ", ".join(parts)

    def to_toml(self) -> str:
        """Return the lines of a design's table in a scenario file; "none" stands for without.

        `Scenario.design_from_toml` reads them back.
        """
        return "".join(f"{name} = {_toml(getattr(self, name))}\n" for name in FIELDS)

    @property
    def _workers_described(self) -> str:
        if self.maximum_workers is None:
            return _many(self.workers, "worker")
        return f"{self.workers} to {_many(self.maximum_workers, 'worker')}"


HANGS_ON = {"queue": ("priority", "maximum_workers", "max_attempts"), "cache": ("hit_ratio",)}
FIELDS = tuple(field.name for field in fields(Design))
OPTIONAL = {field.name for field in fields(Design) if field.default is not MISSING}
NULLABLE = {field.name for field in fields(Design) if field.default is None}


def build(catalogue: Catalogue, base: Design | None, changes: Mapping[str, object]) -> Design:
    """Return `base` with changes, or a design of `changes` alone, in the catalogue's own names.

    What hangs on a part that the changes leave out goes with it, unless they name it themselves.
    Raises `ScenarioError` for an unknown keyword or variant, a count that is none, a design that
    cannot be built.
    """
    for name in changes:
        if name not in FIELDS:
            raise ScenarioError(f"no part {shown(name)} in a design; {nearest(str(name), FIELDS)}")
    missing = [name for name in FIELDS if name not in changes and name not in OPTIONAL]
    if base is None and missing:
        raise ScenarioError(f"{missing[0]} is missing; a design has {', '.join(FIELDS)}")
    named = {name: _named(catalogue, name, value) for name, value in changes.items()}
    for part, options in HANGS_ON.items():
        if part in named and named[part] is None:
            named = {option: getattr(Design, option) for option in options} | named
    design = replace(base, **named) if base else Design(**named)  # type: ignore[arg-type]
    check(catalogue, design)
    return design


def check(catalogue: Catalogue, design: Design) -> None:
    """Refuse a design whose variants the catalogue has not, or whose queue lacks its host."""
    for name, component in VARIANTS.items():
        variant = getattr(design, name)
        if variant is not None and variant not in catalogue[component]:
            raise ScenarioError(
                f"{name}: no {component} {shown(variant)}; {nearest(variant, catalogue[component])}"
            )
    if design.queue and catalogue["queue"][design.queue].hosted_by and design.cache is None:
        raise ScenarioError(f"queue {design.queue!r} lives on Redis and needs one: choose a cache")


def _count(name: str, value: int) -> int:
    fewest, most = COUNTS[name], MOST_ATTEMPTS if name == "max_attempts" else MOST
    if isinstance(value, Real) and abs(value) > most:
        raise ScenarioError(
            f"{name} must be a whole number from {fewest} to {most}, got {shown(value)}"
        )
    try:
        return checks.whole(name, value, at_least=fewest)
    except ValueError as error:
        raise ScenarioError(str(error)) from None


def _share(name: str, value: float) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ScenarioError(f"{name} must be a number from 0 to 1, got {shown(value)}")
    return float(value)


def _toml(value: str | float | None) -> str:
    """Return a value as TOML writes it: as JSON does, which escapes all that TOML wants but DEL."""
    written = json.dumps("none" if value is None else value, ensure_ascii=False)
    return written.replace("\x7f", "\\u007f")


def _named(catalogue: Catalogue, name: str, value: object) -> object:
    """Return the catalogue's own name of a variant; "none" means without."""
    if not isinstance(value, str) or name not in (*VARIANTS, *NULLABLE):
        return value
    if value.strip().lower() == "none":
        return None
    if name not in VARIANTS:
        return value
    try:
        return catalogue.find(VARIANTS[name], value).variant
    except ScenarioError as error:
        raise ScenarioError(f"{name}: {error}") from None


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
