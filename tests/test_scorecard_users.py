"""Open users beside closed ones, acknowledged beside delivered: theory, laws and the engine."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from queueing import FiniteSource, exponential, gamma, lognormal
from queueing.laws import Distribution
from queueing.scenario import Design, Scenario, report
from queueing.scenario.latency import answered, latency
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.slots import SlotServers, Visit

FORGE = Scenario.load("mailforge")
WARM, MEASURED = 240.0, 600.0


def evaluated(**changes: object) -> Scorecard:
    return FORGE.evaluate(FORGE.design(**changes))


def simulated(design: Design, users: float) -> tuple[float, float]:
    """Requests per second and P95 (ms) of closed users at a steady peak, on the event engine."""
    made = engine_plan(FORGE, design, closed=True)
    crowd = replace(made.users, times=(0.0, WARM + MEASURED), users=(users, users))
    run = engine.Replication(replace(made, users=crowd), np.random.SeedSequence(7), failures=False)
    run.run(WARM)
    run.forget()
    run.run(WARM + MEASURED)
    outcome = run.outcome()
    return outcome.counts["arrived"].sum() / outcome.measured, 1000 * outcome.response(0.95)


@pytest.mark.parametrize("cache", ["two nodes", None])
def test_closed_users_are_those_of_the_event_engine(cache: str | None) -> None:
    card = evaluated(cache=cache)
    rate, p95_ms = simulated(card.design, card.closed.users)
    noise = 3 * math.sqrt(rate / MEASURED)  # thoughts that end, nearly a Poisson process
    assert card.closed.requests_per_s == pytest.approx(rate, abs=noise)
    assert card.closed.p95_ms == pytest.approx(p95_ms, rel=0.1)
    overloaded = cache is None
    assert (abs(card.peak.request_rate - rate) > noise) == overloaded  # open users are others there


@pytest.mark.parametrize("users", [3, 10, 40])
def test_one_server_with_closed_users_is_the_finite_source(users: int) -> None:
    think, work = 1.0, 0.1
    exact = FiniteSource(population=users, think_time=think, service_rate=1 / work, servers=2)
    server = SlotServers(
        arrival_rate=users / think,
        servers=1,
        slots=2,
        processors=2,
        waiting_room=users,
        shared_places=1,
        processing=(Visit(1, work, 1.0),),
        shared=(),
        elsewhere=0.0,
        population=users,
    )
    assert server.mean_arrival_rate == pytest.approx(exact.throughput, rel=1e-9)
    assert server.slot_wait.mean() == pytest.approx(exact.mean_wait, rel=1e-9)


def test_many_closed_users_who_think_for_long_are_open_ones() -> None:
    card = evaluated()
    network = card.peak.network
    crowd = network.at_rate(network.arrival_rate, population=1e9)
    assert crowd.mean_arrival_rate == pytest.approx(network.arrival_rate, rel=1e-6)
    assert crowd.slot_wait.mean() == pytest.approx(network.slot_wait.mean(), rel=1e-5)


@pytest.mark.parametrize("changes", [{}, {"cache": None}, {"servers": 1, "load_balancer": False}])
def test_closed_users_never_ask_for_more_than_their_thinking_allows(changes: dict) -> None:
    card = evaluated(**changes)
    assert card.closed.requests_per_s < card.closed.users / FORGE.traffic.think_time_s
    assert card.closed.p95_ms <= card.p95_ms * 1.01
    table = card.open_beside_closed
    assert table.loc["open", "p95_ms"] == card.p95_ms
    assert table.loc["closed", "requests_per_s"] == card.closed.requests_per_s
    assert (table["answered"] <= 1).all()


def test_acknowledged_is_not_delivered() -> None:
    card = evaluated(workers=4)
    table = card.acknowledged_beside_delivered["p95_s"]
    assert table["acknowledged"] == card.class_p95_ms["send"] / 1000 < 0.2
    assert table["delivered"] == card.delivery_p95_s > 600
    inside = FORGE.evaluate(FORGE.designs["A"])
    assert inside.delivery_p95_s == inside.acknowledged_p95_ms / 1000
    apart = evaluated(priority=True).acknowledged_beside_delivered
    assert list(apart.index[2:]) == ["delivered, transactional", "delivered, bulk"]


def test_the_report_tells_both_to_people_and_to_programs() -> None:
    card = evaluated(workers=4)
    told = json.loads(json.dumps(report.data(card), allow_nan=False))
    assert told["closed"]["requests_per_s"] == card.closed.requests_per_s
    assert told["open_rate"] == card.peak.request_rate
    assert told["acknowledged_p95_ms"] == card.acknowledged_p95_ms
    for page in (str(card), card._repr_html_()):
        assert f"{card.closed.requests_per_s:.1f} requests/s at the peak" in page
        assert f"acknowledged within {card.acknowledged_p95_ms:.0f} ms" in page
    assert "sent inside the request" in str(FORGE.evaluate(FORGE.designs["A"]))


def test_a_share_below_one_is_never_written_as_all() -> None:
    card = evaluated()
    card.__dict__["closed"] = card.closed._replace(answered=0.999999)
    assert "99.99 % answered" in report.users(card)


# What makes a slider quick must not move a number


@pytest.mark.parametrize(
    "law",
    [
        gamma(mean=1, scv=0.6) + exponential(mean=0.4) + 0.1,
        lognormal(mean=0.8, scv=2.0) + gamma(mean=0.035, scv=0.6) + 0.012,
        lognormal(mean=1, scv=0.05) + lognormal(mean=1, scv=9),
    ],
)
@pytest.mark.parametrize("p", [0.02, 0.5, 0.95, 0.999])
def test_a_percentile_of_a_sum_is_where_its_tail_crosses(law: Distribution, p: float) -> None:
    time = law.ppf(p)
    assert law.cdf(time) == pytest.approx(p, abs=1e-8)
    assert law.cdf(time * (1 - 1e-5)) < p < law.cdf(time * (1 + 1e-5))
    both = law.ppf([p, 0.7])
    assert both[0] == pytest.approx(time, rel=1e-7)


@pytest.mark.parametrize("scv", [0.01, 0.3, 0.5, 2.0, 40.0])
def test_the_transform_of_a_lognormal_law_is_its_integral(scv: float) -> None:
    law = lognormal(mean=0.8, scv=scv)
    frozen = stats.lognorm(math.sqrt(math.log1p(scv)), scale=0.8 / math.sqrt(1 + scv))
    z = np.linspace(-9, 9, 200_001)
    times = frozen.ppf(stats.norm.cdf(z[np.abs(z) < 8]))
    weights = stats.norm.pdf(z[np.abs(z) < 8]) * (z[1] - z[0])
    for s in (0.1, 2 + 3j, 10 + 40j):
        assert law.lst(s) == pytest.approx(np.sum(weights * np.exp(-s * times)), abs=1e-8)


@pytest.mark.parametrize(
    "changes",
    [{"queue": None, "workers": 0, "shards": 0, "sinks": 0, "servers": 12}, {"cache": None}],
)
def test_the_share_answered_is_that_of_each_rate(changes: dict) -> None:
    card = evaluated(**changes)
    deadline = FORGE.contract.deadline_s
    nodes = np.linspace(card.timeline.requests_per_s.min(), card.timeline.requests_per_s.max(), 12)
    one_by_one = [latency(card.plan, float(rate)).answered(deadline) for rate in nodes]
    assert answered(card.plan, nodes, deadline) == pytest.approx(one_by_one, abs=5e-7)
