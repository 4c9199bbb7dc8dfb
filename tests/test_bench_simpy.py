"""The engine against a SimPy model of the same rules: two programs with no line in common agree.

Each comparison is of some twenty means at once; it tells two models of the same rules apart, by
mistake, with a probability of at most 0.1 % (Welch's intervals, Bonferroni over the numbers).
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from queueing.scenario import Scenario
from queueing.scenario.catalogue import Catalogue
from queueing.scenario.plan import plan

pytest.importorskip("simpy", reason="the bench extra is not installed")

from bench.agreement import Numbers, Stretch, compare
from bench.parts_simpy import HOUR, RateLimit, forever
from bench.surge_simpy import SurgeModel, simpy

ERROR = 0.001
ENGINE_RUNS = 60
FORGE = Scenario.load("mailforge")


def stretch(name: str, measured_s: float = 30.0, **changes: object) -> Stretch:
    """Return some seconds of the peak."""
    options = {"scenario": FORGE, "begin_s": 31 * HOUR, "warm_up_s": 10.0} | changes
    return Stretch(design=FORGE.designs[name], measured_s=measured_s, **options)


def by_simpy(part: Stretch, replications: int, seed: int = 1) -> list[Numbers]:
    return [part.by_simpy(each) for each in np.random.SeedSequence(seed).spawn(replications)]


def by_engine(part: Stretch, seed: int = 2, **changes: object) -> list[Numbers]:
    changed = replace(part.engine_plan, **changes) if changes else None
    seeds = np.random.SeedSequence(seed).spawn(ENGINE_RUNS)
    return [part.by_engine(each, changed) for each in seeds]


def told_apart(peer: list[Numbers], ours: list[Numbers]) -> pd.Index:
    table = compare(peer, ours, error=ERROR)
    return table.index[~table.agrees]


@pytest.fixture(scope="module")
def peer() -> list[Numbers]:
    """Return SimPy's replications of design E."""
    return by_simpy(stretch("E"), 10)


def test_both_agree_on_the_balanced_design(peer) -> None:
    assert list(told_apart(peer, by_engine(stretch("E")))) == []


def test_a_tenth_more_users_are_told_apart(peer) -> None:
    found = told_apart(peer, by_engine(stretch("E", users_factor=1.1)))
    assert {"requests/s", "cpu busy"} <= set(found)


def test_another_rule_is_told_apart(peer) -> None:
    """Requests go to the servers in turn, not to the server with the fewest: only times change."""
    part = stretch("E")
    servers = replace(part.engine_plan.servers, routing="turns")
    found = told_apart(peer, by_engine(part, servers=servers))
    assert "P95 response, ms" in found
    assert "requests/s" not in found


@pytest.mark.parametrize("name", ["A", "E without stream and sink", "E with stream, no sink"])
def test_both_agree_where_mails_and_records_go_another_way(name: str) -> None:
    """Inside the request; records by web-hooks; records by the workers' threads."""
    part = stretch(name, 15.0, warm_up_s=5.0)
    assert list(told_apart(by_simpy(part, 6), by_engine(part))) == []


def test_both_agree_on_an_overloaded_database() -> None:
    """Requests queue up to the waiting room and are shed."""
    part = stretch("E without Redis", 15.0, warm_up_s=15.0)
    table = compare(by_simpy(part, 6), by_engine(part), error=ERROR)
    assert table.engine["slots busy"].mean > 19.9
    assert table.agrees.all()


def test_both_agree_when_every_part_fails_all_the_time() -> None:
    """Each part is down for 3.6 s twice a minute or so; few users, so that many outages fit in."""
    fragile = {
        component: {
            name: part.model_copy(update={"availability": 0.9, "mttr_h": 0.001})
            for name, part in variants.items()
        }
        for component, variants in FORGE.catalogue.parts.items()
    }
    scenario = replace(FORGE, catalogue=Catalogue(fragile))
    part = stretch("E", 400.0, scenario=scenario, users_factor=0.03, failures=True)
    peer = by_simpy(part, 10)
    table = compare(peer, by_engine(part), error=ERROR)
    assert table.agrees.all()
    assert table.engine["lost, %"].mean == pytest.approx(16, abs=3)
    sturdy = by_engine(replace(part, scenario=FORGE))
    assert {"lost, %", "submitted/s"} <= set(told_apart(peer, sturdy))


def test_nothing_is_lost_in_the_model() -> None:
    """What came has left, or is there: the traffic stops and the rest is done."""
    made = plan(FORGE, FORGE.designs["E"])
    model = SurgeModel(made, [(0.0, 185.0), (5.0, 0.0)], seed=3, failures=False)
    model.run(3000)
    measured = model.measured
    tallies = [measured.requests[kind.name] for kind in made.classes]
    assert sum(tally.arrived for tally in tallies) == pytest.approx(185 * 5 / 2, abs=90)
    assert all(tally.arrived == len(tally.response_times) for tally in tallies)
    assert measured.submitted == measured.requests["send"].arrived
    assert measured.submitted == len(measured.delivery_times) + measured.dead
    assert measured.told == measured.consumed == 6 * len(measured.delivery_times)


def test_the_rate_limit_lets_a_second_s_worth_pass_at_once() -> None:
    env = simpy.Environment()
    limit = RateLimit(env, 10.0)
    assert [limit.reserve() for _ in range(12)] == pytest.approx([0] * 10 + [0.1, 0.2])
    env.run(until=0.7)  # two were owed: five are there
    assert [limit.reserve() for _ in range(6)] == pytest.approx([0] * 5 + [0.1])


def test_numbers_come_one_by_one_in_the_order_of_their_blocks() -> None:
    numbers = forever(np.arange)
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
