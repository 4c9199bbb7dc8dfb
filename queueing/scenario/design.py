"""A design: how many of each part, and which variants."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from numbers import Real

from queueing import checks
from queueing.scenario.catalogue import Catalogue
from queueing.scenario.errors import ScenarioError, nearest, shown

COUNTS = {"servers": 1, "workers": 0, "shards": 0, "sinks": 0}  # and the fewest there may be
VARIANTS = {"database": "postgres", "cache": "redis", "queue": "queue"}  # and the component
MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is bought: counts of parts and variants of the catalogue.

    `cache=None` is a design without Redis, `queue=None` sends mails inside the request,
    `shards=0` has no stream and `sinks=0` no analytics. Raises `ScenarioError` for what
    cannot be built.
    """

    servers: int
    load_balancer: bool
    database: str
    cache: str | None
    queue: str | None
    workers: int
    shards: int
    sinks: int

    def __post_init__(self) -> None:
        """Refuse counts that are none and parts that cannot work without one another."""
        for name, fewest in COUNTS.items():
            object.__setattr__(self, name, _count(name, getattr(self, name), fewest))
        if not isinstance(self.load_balancer, bool):
            raise ScenarioError(
                f"load_balancer must be true or false, got {shown(self.load_balancer)}"
            )
        for name in VARIANTS:
            value = getattr(self, name)
            if not isinstance(value, str) and (name == "database" or value is not None):
                raise ScenarioError(f"{name} must be the name of a variant, got {shown(value)}")
        if self.servers > 1 and not self.load_balancer:
            raise ScenarioError(f"{self.servers} servers need a load balancer (load_balancer=True)")
        if self.queue is not None and self.workers == 0:
            raise ScenarioError("a queue needs workers: with workers=0 nobody would take its jobs")
        if self.queue is None and self.workers > 0:
            raise ScenarioError(
                f"workers need a queue: without one workers must be 0, got {self.workers}"
            )
        if self.shards > 0 and self.sinks == 0 and self.workers == 0:
            raise ScenarioError("a stream needs a reader: add a sink, or workers, or take shards=0")

    def describe(self) -> str:
        """Return the design in one line that a person can read."""
        parts = [
            _many(self.servers, "server"),
            "load balancer" if self.load_balancer else "no load balancer",
            f"Postgres {self.database}",
            f"Redis {self.cache}" if self.cache else "no Redis",
            f"queue {self.queue}" if self.queue else "no queue (sends inside the request)",
            _many(self.workers, "worker"),
            _many(self.shards, "shard") if self.shards else "no stream",
            _many(self.sinks, "sink") if self.sinks else "no sink",
        ]
        return ", ".join(parts)


FIELDS = tuple(field.name for field in fields(Design))


def build(catalogue: Catalogue, base: Design | None, changes: Mapping[str, object]) -> Design:
    """Return `base` with changes, or a design of `changes` alone, in the catalogue's own names.

    Raises `ScenarioError` for an unknown keyword or variant, a count that is none, a design that
    cannot be built.
    """
    for name in changes:
        if name not in FIELDS:
            raise ScenarioError(f"no part {shown(name)} in a design; {nearest(str(name), FIELDS)}")
    missing = [name for name in FIELDS if name not in changes]
    if base is None and missing:
        raise ScenarioError(f"{missing[0]} is missing; a design has {', '.join(FIELDS)}")
    named = {name: _named(catalogue, name, value) for name, value in changes.items()}
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


def _count(name: str, value: int, fewest: int) -> int:
    if isinstance(value, Real) and abs(value) > MOST:
        raise ScenarioError(
            f"{name} must be a whole number from {fewest} to {MOST}, got {shown(value)}"
        )
    try:
        return checks.whole(name, value, at_least=fewest)
    except ValueError as error:
        raise ScenarioError(str(error)) from None


def _named(catalogue: Catalogue, name: str, value: object) -> object:
    """Return the catalogue's own name of a variant; "none" means without."""
    if name not in VARIANTS or not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return None
    try:
        return catalogue.find(VARIANTS[name], value).variant
    except ScenarioError as error:
        raise ScenarioError(f"{name}: {error}") from None


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
