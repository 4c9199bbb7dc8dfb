"""A design is a value; what cannot be built is refused in words."""

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from pydantic import ValidationError

from queueing.scenario import Design, Scenario, ScenarioError
from queueing.scenario.design import check
from queueing.scenario.plan import plan

FORGE = Scenario.load("mailforge")


def refused(**changes: object) -> str:
    with pytest.raises(ScenarioError) as caught:
        FORGE.design(**changes)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_design_is_a_value() -> None:
    assert FORGE.design() == FORGE.designs["E"] == FORGE.base
    assert FORGE.design(workers=4) == FORGE.designs["E with 4 workers"]
    assert FORGE.design(workers=4) != FORGE.base
    assert eval(repr(FORGE.base), {"Design": Design}) == FORGE.base  # noqa: S307
    assert len({FORGE.design(), FORGE.base, FORGE.design(workers=6)}) == 2
    with pytest.raises(FrozenInstanceError):
        FORGE.base.servers = 5  # type: ignore[misc]


def test_a_scenario_is_a_value() -> None:
    assert Scenario.load("mailforge") == FORGE != Scenario.load("guided-queues-and-workers")
    with pytest.raises(FrozenInstanceError):
        FORGE.title = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        FORGE.contract.uptime = 0.5


@pytest.mark.parametrize("count", ["servers", "workers", "shards", "sinks"])
@pytest.mark.parametrize(
    "value",
    [
        -1,
        2.5,
        True,
        np.True_,
        math.nan,
        math.inf,
        "4",
        None,
        [4],
        10_001,
        10**400,
        -(10**400),
        1e300,
        4 + 0j,
    ],
)
def test_a_count_that_is_none(count: str, value: object) -> None:
    message = refused(**{count: value})
    assert message.startswith(f"{count} must be a whole number ")
    assert repr(value)[:20] in message


def test_servers_are_at_least_one() -> None:
    assert refused(servers=0) == "servers must be a whole number of at least 1, got 0"
    assert refused(servers=2.5) == "servers must be a whole number of at least 1, got 2.5"


def test_whole_numbers_of_any_kind_count() -> None:
    whole = FORGE.design(servers=np.int64(4), workers=5.0)  # type: ignore[arg-type]
    assert whole == FORGE.base
    assert isinstance(whole.servers, int)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"load_balancer": False}, "4 servers need a load balancer"),
        ({"workers": 0}, "a queue needs workers"),
        ({"queue": None}, "workers need a queue: without one workers must be 0, got 5"),
        ({"queue": None, "workers": 0, "sinks": 0}, "a stream needs a reader"),
        ({"queue": "on redis", "cache": None}, "lives on Redis and needs one"),
        ({"database": None}, "database must be the name of a variant, got None"),
        ({"database": "none"}, "database must be the name of a variant, got None"),
        ({"cache": 2}, "cache must be the name of a variant, got 2"),
        ({"load_balancer": "yes"}, "load_balancer must be true or false, got 'yes'"),
        ({"load_balancer": 1}, "load_balancer must be true or false, got 1"),
        ({"server": 4}, "no part 'server' in a design; did you mean 'servers'?"),
        ({"postgres": "x"}, "known: servers, load_balancer, database"),
        ({"database": "t3.medium multi-AZ 50GB"}, "did you mean 't3.medium multi-AZ 50 GB'?"),
        ({"database": "multi-AZ"}, "fits several of postgres: t3.medium multi-AZ 50 GB, m6i"),
        ({"database": ""}, "no postgres ''"),
        ({"database": "AZ"}, "no postgres 'AZ'"),
    ],
)
def test_what_cannot_be_built(changes: dict[str, object], words: str) -> None:
    assert words in refused(**changes)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"database": "single-AZ"}, "E with Single-AZ"),
        ({"database": "T3.medium  single-az"}, "E with Single-AZ"),
        ({"cache": "one node"}, "E with one Redis node"),
        ({"cache": "none"}, "E without Redis"),
        ({"cache": None, "database": "m6i.large"}, "E without Redis, m6i.large"),
        ({"queue": "redis"}, "E with queue on Redis"),
        ({"queue": "SQS"}, "E"),
        ({"servers": 12, "queue": None, "workers": 0, "shards": 0, "sinks": 0}, "A"),
        ({"servers": 1, "load_balancer": False}, "B"),
    ],
)
def test_short_names(changes: dict[str, object], same: str) -> None:
    assert FORGE.design(**changes) == FORGE.designs[same]  # type: ignore[arg-type]


def test_one_server_may_have_a_load_balancer() -> None:
    assert FORGE.design(servers=1).load_balancer
    assert plan(FORGE, FORGE.design(servers=1)).classes[0].steps[0].resource == "lb"
    assert plan(FORGE, FORGE.designs["B"]).classes[0].steps[0].resource == "cpu"


def test_a_design_in_one_line() -> None:
    assert FORGE.designs["B"].describe() == (
        "1 server, no load balancer, Postgres t3.medium multi-AZ 50 GB, Redis t4g.micro two nodes, "
        "queue sqs, 5 workers, 1 shard, 1 sink"
    )
    assert FORGE.designs["A"].describe() == (
        "12 servers, load balancer, Postgres t3.medium multi-AZ 50 GB, Redis t4g.micro two nodes, "
        "no queue (sends inside the request), 0 workers, no stream, no sink"
    )


def test_a_design_made_by_hand_is_checked_against_the_catalogue() -> None:
    odd = replace(FORGE.base, database="oracle")
    for use in (lambda: check(FORGE.catalogue, odd), lambda: plan(FORGE, odd)):
        with pytest.raises(ScenarioError, match="database: no postgres 'oracle'"):
            use()


def test_the_catalogue_advises() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'redis'"):
        FORGE.catalogue["rediss"]
    assert list(FORGE.catalogue) == list(FORGE.catalogue.parts)
