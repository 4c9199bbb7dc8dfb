"""What was promised, by which rules it is judged and what it costs to ask."""

from typing import Annotated

from pydantic import Field

from queueing.scenario.errors import Table

Share = Annotated[float, Field(ge=0, le=1)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(ge=0.001, le=1e9)]
Amount = Annotated[float, Field(ge=0, le=1e9)]
Millis = Annotated[float, Field(ge=0.001, le=1e7)]
Scv = Annotated[float, Field(ge=0, le=100)]


class Contract(Table):
    """The promise to the users and to whoever pays."""

    uptime: Share  # share of the users' requests answered within the deadline
    p95_ms: Positive  # 95 % of the requests at the peak are answered within this time
    budget_usd_month: Positive  # provisioned run rate
    freshness_s: Positive  # no mail waits longer than this
    deadline_s: Positive  # an answer later than this counts as none


class Autoscaling(Table):
    """How workers are added by the backlog of each, where a design asks for it."""

    target_age_s: Positive  # a backlog may be this old before workers are added
    interval_s: Positive
    boot_s: Amount
    scale_in_after_s: Amount


class Rules(Table):
    """The rules of the house that no part of the catalogue decides."""

    waiting_room: Annotated[int, Field(ge=0, le=10_000)]  # requests waiting at a server
    station_limit: Fraction  # load at the peak from which a station counts as down
    peak_fraction: Fraction  # of the most users: "the peak"
    autoscaling: Autoscaling


class Cost(Table):
    """How volumes become what the price list counts."""

    hours_per_month: Positive
    requests_per_s_per_lcu: Positive
    minimum_lcu: Amount
    queue_calls_per_mail: Amount
    put_units_per_event: Amount
