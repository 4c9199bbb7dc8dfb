"""Priority within the queue, and workers that follow their backlog: refusals, laws, the engine."""

import json
from dataclasses import replace

import numpy as np
import pytest

from queueing.command_line import main
from queueing.scenario import Scenario, ScenarioError, fluid
from queueing.scenario.plan import plan
from queueing.scenario.surge import Surge
from queueing.scenario.translate import engine_plan
from queueing.simulation.engine import Outcome, replicate

FORGE = Scenario.load("mailforge")
SHORT = replace(  # the same climb and fall within five hours
    FORGE,
    traffic=FORGE.traffic.model_copy(
        update={"ramp_center_h": 1.0, "ramp_width_h": 0.1, "plateau_end_h": 3.0, "decay_h": 0.3}
        | {"horizon_h": 5.0}
    ),
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"maximum_workers": 3}, "at least workers, which are 5, got 3"),
        ({"maximum_workers": 0}, "maximum_workers must be a whole number of at least 1, got 0"),
        ({"maximum_workers": 2.5}, "whole number"),
        ({"maximum_workers": True}, "whole number"),
        ({"maximum_workers": 10**9}, "from 1 to 1000"),
        ({"maximum_workers": "many"}, "whole number"),
        ({"priority": "yes"}, "priority must be true or false, got 'yes'"),
        ({"priority": 1}, "priority must be true or false, got 1"),
        ({"queue": None, "workers": 0, "priority": True}, "priority is an order within a queue"),
        ({"queue": None, "workers": 0, "maximum_workers": 5}, "maximum_workers need a queue"),
    ],
)
def test_what_cannot_be_built_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        FORGE.design(**changes)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_both_are_off_by_default_and_can_be_turned_off() -> None:
    scaled = FORGE.design(priority=True, maximum_workers=9)
    assert (FORGE.base.priority, FORGE.base.maximum_workers) == (False, None)
    assert "5 to 9 workers" in scaled.describe()
    assert "transactional mails first" in scaled.describe()
    named = replace(FORGE, base=scaled)
    assert named.design(priority=False, maximum_workers="none") == FORGE.base  # type: ignore[arg-type]
    assert plan(FORGE, FORGE.base).autoscaling is None


def test_theory_and_engine_read_the_same_rule() -> None:
    """Sixty seconds of work for the ten threads of a worker: 60 / 0.847 * 10 = 708 mails."""
    design = FORGE.design(workers=4, maximum_workers=8, priority=True)
    rule, jobs = plan(FORGE, design).autoscaling, engine_plan(FORGE, design).jobs
    assert rule
    assert jobs
    assert rule.target_per_worker == pytest.approx(708.4, abs=0.05)
    assert (rule.minimum, rule.maximum, rule.interval, rule.boot_time) == (4, 8, 60, 180)
    assert jobs.autoscaling == rule
    assert jobs.urgent_share == FORGE.job.transactional_share == 0.3
    plain = engine_plan(FORGE, FORGE.base).jobs
    assert plain
    assert (plain.urgent_share, plain.autoscaling) == (0, None)


def test_the_named_designs_say_what_each_is_for() -> None:
    """Workers that follow the backlog keep the contract for less; priority alone breaks it."""
    cards = {
        name: FORGE.evaluate(FORGE.designs[name])
        for name in ("E", "E with 4 to 8 workers", "E with 4 workers, priority")
    }
    balanced, scaled, first = cards.values()
    assert scaled.passes
    assert scaled.cost < balanced.cost
    assert [check.clause for check in first.checks if not check.passes] == ["oldest mail"]
    assert first.delivery_by_priority_p95_s["transactional"] < 10


# Fluids with closed forms: 6 a second come for 1000 s, 4 can be served, then nobody comes.

SECONDS = np.arange(0.0, 3001.0)
RATE = np.where(SECONDS < 1000, 6.0, 0.0)
CAPACITY = np.full(SECONDS.size, 4.0)


def test_one_line_waits_for_its_backlog() -> None:
    (line,) = fluid.lines(SECONDS, RATE, CAPACITY, urgent_share=0.0)
    assert line.waiting.max() == pytest.approx(2000, abs=4)
    assert line.delay[600] == pytest.approx(600 * 2 / 4, abs=1)
    assert line.oldest[900] == pytest.approx(900 - 900 * 4 / 6, abs=1)
    assert not line.delay[1600:].any()


def test_the_others_get_what_the_urgent_leave() -> None:
    """A quarter is urgent and never waits; of the other 4.5 a second 2.5 are served, later 4."""
    urgent, others = fluid.lines(SECONDS, RATE, CAPACITY, urgent_share=0.25)
    (all_of_them,) = fluid.lines(SECONDS, RATE, CAPACITY, urgent_share=0.0)
    assert not urgent.waiting.any()
    assert others.waiting == pytest.approx(all_of_them.waiting)
    assert others.delay[300] == pytest.approx(300 * 2 / 2.5, abs=1)
    assert others.delay[900] == pytest.approx(100 + (1800 - 100 * 2.5) / 4, abs=2)
    assert others.oldest[900] == pytest.approx(900 - 900 * 2.5 / 4.5, abs=1)


def test_urgent_ones_wait_for_each_other_where_they_are_too_many() -> None:
    """A share of 0.8 is 4.8 a second: they wait, and the others wait until they are through."""
    urgent, others = fluid.lines(SECONDS, RATE, CAPACITY, urgent_share=0.8)
    assert urgent.waiting.max() == pytest.approx(800, abs=4)
    assert others.waiting.max() == pytest.approx(1200, abs=4)
    assert urgent.delay[500] == pytest.approx(500 * 0.8 / 4, abs=1)
    assert others.delay[500] == pytest.approx(700 + (0.2 * 6 * 500) / 4, abs=3)


def test_a_line_that_is_never_served_waits_for_ever() -> None:
    nobody = np.zeros(SECONDS.size)
    (line,) = fluid.lines(SECONDS, RATE, nobody, urgent_share=0.0)
    assert line.delay[10] == np.inf
    (late,) = fluid.lines(SECONDS[:1000], RATE[:1000], CAPACITY[:1000], urgent_share=0.0)
    assert late.delay[-1] == pytest.approx(999 * 2 / 4, abs=1)
    _, others = fluid.lines(SECONDS[:1000], RATE[:1000], CAPACITY[:1000], urgent_share=0.25)
    assert others.delay[-1] == pytest.approx(999 * 2 / 2.5, abs=1)  # the urgent go on coming


# Against the engine, without failures, which theory leaves out


def simulated(changes: dict[str, object], seed: int = 1) -> Outcome:
    design = SHORT.design(**changes)  # type: ignore[arg-type]
    return replicate(
        engine_plan(SHORT, design), np.random.SeedSequence(seed), failures=False, step=60
    )


@pytest.mark.parametrize("workers", [1, 4])
def test_the_fluid_follows_the_engine(workers: int) -> None:
    """Most waiting and its age within 20 %, workers paid within 5 %; with a slower boot neither."""
    changes: dict[str, object] = {"workers": workers, "maximum_workers": 8}
    found = simulated(changes)

    def right(scenario: Scenario) -> list[bool]:
        card = scenario.evaluate(scenario.design(**changes))  # type: ignore[arg-type]
        paid = found.timeline["wanted_workers"].mean()
        return [
            card.worst_backlog == pytest.approx(found.totals["most_queued"], rel=0.2),
            card.oldest_mail_s == pytest.approx(found.totals["oldest"], rel=0.2),
            card.paid_workers == pytest.approx(paid, rel=0.05),
        ]

    slow = SHORT.rules.autoscaling.model_copy(update={"target_age_s": 120.0, "boot_s": 360.0})
    rules = SHORT.rules.model_copy(update={"autoscaling": slow})
    assert all(right(SHORT))
    assert not any(right(replace(SHORT, rules=rules))[:2])


def test_transactional_mails_pass_the_backlog() -> None:
    """With three workers bulk waits for minutes, receipts for seconds; in one line all wait."""
    found = simulated({"workers": 3, "priority": True})
    card = SHORT.evaluate(SHORT.design(workers=3, priority=True))
    theory = card.delivery_by_priority_p95_s
    for name, line in (("transactional", "urgent"), ("bulk", "others")):
        assert theory[name] == pytest.approx(
            found.delivered_within(0.95, line=line, window="peak"), rel=0.05
        )
    plain = SHORT.evaluate(SHORT.design(workers=3))
    assert plain.delivery_by_priority_p95_s == {}
    assert theory["transactional"] < 10 < plain.delivery_p95_s < theory["bulk"]
    assert card.worst_backlog == plain.worst_backlog
    assert card.oldest_mail_s > plain.oldest_mail_s


@pytest.mark.parametrize(("share", "lines"), [(0.0, set()), (1.0, {"transactional"})])
def test_where_all_mails_are_of_one_kind_there_is_one_line(share: float, lines: set[str]) -> None:
    job = SHORT.job.model_copy(update={"transactional_share": share})
    brief = SHORT.traffic.model_copy(update={"horizon_h": 1.0})
    alike = replace(SHORT, job=job, traffic=brief)
    design = alike.design(priority=True)
    assert set(alike.evaluate(design).delivery_by_priority_p95_s) == lines
    surge = alike.simulate(design, replications=2, seed=1)
    assert set(surge.delivery_by_priority_p95_s) == lines


def test_only_the_workers_that_were_there_are_paid() -> None:
    scaled, fixed = (
        SHORT.evaluate(SHORT.design(workers=1, maximum_workers=most)) for most in (8, 1)
    )
    price = FORGE.catalogue.the("worker").price_usd_month
    assert fixed.cost == SHORT.evaluate(SHORT.design(workers=1)).cost
    assert 1 < scaled.paid_workers < 8
    assert scaled.cost - fixed.cost == pytest.approx((scaled.paid_workers - 1) * price)
    assert scaled.cost == pytest.approx(scaled.cost_lines["usd_month"].sum())


@pytest.fixture(scope="module")
def surge() -> Surge:
    design = SHORT.design(workers=2, maximum_workers=8, priority=True)
    return SHORT.simulate(design, replications=2, seed=3)


def test_a_surge_tells_what_it_paid_and_who_went_first(surge: Surge) -> None:
    price = FORGE.catalogue.the("worker").price_usd_month
    always = SHORT.evaluate(SHORT.design(workers=2)).cost
    for run, cost in zip(surge.runs, surge.cost.values, strict=True):
        assert 2 < run.paid_workers < 8
        assert cost - always == pytest.approx((run.paid_workers - 2) * price)
    first, then = surge.delivery_by_priority_p95_s.values()
    assert first.mean < 60 < then.mean
    assert "delivery P95 bulk, s" in surge.to_frame().index
    assert surge.timeline["workers"]["high"].max() > 2
    assert 0 < surge.worker_load.mean < 1


def test_the_command_line_takes_both(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--workers", "4", "--maximum-workers", "8", "--priority", "--json"]
    assert main(["evaluate", "mailforge", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["design"]["maximum_workers"], told["design"]["priority"]) == (8, True)
    assert set(told["delivery_by_priority_p95_s"]) == {"transactional", "bulk"}
    assert main(["evaluate", "mailforge", "--maximum-workers", "4"]) == 2
    assert "at least workers" in capsys.readouterr().err
    assert main(["evaluate", "mailforge", "--maximum-workers", "none", "--no-priority"]) == 0
