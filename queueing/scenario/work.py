"""The work that a request, a mail and a tracking event bring, whoever does it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from queueing.scenario.contract import Amount, Millis, Positive, Scv, Share
from queueing.scenario.errors import Table

Name = Annotated[str, Field(min_length=1, max_length=60)]


class Timing(Table):
    """A random time: its mean, its squared coefficient of variation and its law."""

    mean_ms: Millis
    scv: Scv
    law: Literal["gamma", "lognormal"] = "gamma"


class DatabaseVisit(Timing):
    """A question to the database, asked `visits` times, one after the other."""

    visits: Annotated[int, Field(ge=1, le=1000)]
    only_on_miss: bool = False


class RequestClass(Table):
    """One kind of the users' requests."""

    share: Share
    cpu: Timing
    database: dict[Name, DatabaseVisit] = Field(default={}, max_length=20)
    cache_hit_ratio: Share | None = None  # None: never asks the cache
    sends_mail: bool = False

    @model_validator(mode="after")
    def _a_miss_needs_a_lookup(self) -> Self:
        lost = [name for name, visit in self.database.items() if visit.only_on_miss]
        if lost and self.cache_hit_ratio is None:
            raise ValueError(f"database.{lost[0]}.only_on_miss needs a cache_hit_ratio beside it")
        return self


class Job(Table):
    """One mail: an attempt renders, talks SMTP and acknowledges; a failed one comes back later."""

    render: Timing
    smtp: Timing
    ack: Timing
    failure_probability: Share
    max_attempts: Annotated[int, Field(ge=1, le=100)]
    backoff_base_s: Amount
    visibility_timeout_s: Positive
    transactional_share: Share


class Tracking(Table):
    """The events that every delivered mail brings back, and what each costs where it lands."""

    events_per_mail: Annotated[float, Field(ge=0, le=1000)]
    record: Timing  # in a sink's or a worker's thread
    hook_cpu: Timing  # as a web-hook on a server
    hook_write: Timing  # ... and in the database
    hook_delay_mean_s: Positive
    sink_buffer: Annotated[int, Field(ge=0, le=1_000_000_000)]
