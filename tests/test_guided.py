"""The guided run: its stages in the scenario's numbers, its moves, and what it refuses."""

import dataclasses
import re
from dataclasses import FrozenInstanceError

import pytest

from queueing.scenario import Scenario, ScenarioError
from queueing.scenario.catalogue import COMPONENTS
from queueing.scenario.design import FIELDS
from queueing.scenario.guided import STAGES, GuidedRun, Stage, smallest

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")
FIRST = GuidedRun.start(FORGE)
BALANCED = {name: getattr(FORGE.base, name) for name in FIELDS}


def at_build(scenario: Scenario = FORGE) -> GuidedRun:
    return GuidedRun.start(scenario).next()


def after(**changes: int | str | None) -> GuidedRun:
    """Return the run at its post-mortem, judged by theory, of E with changes."""
    run = at_build().build(**BALANCED | changes).next()
    return run.ran(run.judged).next()


def test_the_briefing_is_told_in_the_scenario_s_numbers() -> None:
    text = " ".join(FIRST.stage.text)
    for told in ("from 150 to", "2,600", "54 hours", "185 requests", "46 mails", "hour 32"):
        assert told in text
    sister = " ".join(GuidedRun.start(SISTER).stage.text)
    for told in ("2,500", "30 hours", "178 requests", "hour 18"):
        assert told in sister
    assert FIRST.stage.title == FORGE.title


def test_the_contract_is_the_scenario_s() -> None:
    rows = {clause.clause: clause.promise for clause in FIRST.contract}
    assert rows == {
        "Uptime": "at least 99.7 %",
        "P95 latency": "at most 140 ms",
        "Budget": "at most 580 USD a month",
        "Oldest mail": "at most 5 minutes",
    }
    sister = [clause.promise for clause in GuidedRun.start(SISTER).contract]
    assert sister[:3] == ["at least 95 %", "at most 260 ms", "at most 700 USD a month"]


def test_the_shape_of_the_traffic() -> None:
    shape = FIRST.traffic
    assert (shape.index[0], shape.index[-1]) == (0, 54)
    assert shape["users"].max() == pytest.approx(2600, rel=1e-3)
    assert shape["requests_per_s"].max() == pytest.approx(FORGE.traffic.peak_rate, rel=1e-3)
    assert shape["users"].iloc[0] == pytest.approx(150, abs=1)


def test_there_are_eight_components_and_every_choice_belongs_to_one() -> None:
    parts = FIRST.components
    assert {part.component for part in parts} == set(COMPONENTS)
    fields = [field for part in parts for field in part.fields]
    assert sorted(fields) == sorted(FIELDS)
    for part in parts:
        assert part.role in {one.role for one in FORGE.catalogue[part.component].values()}
        assert part.kind
        assert part.variants
    bought = {part.name for part in parts if part.bought}
    assert bought == {"Server", "Postgres"}
    redis = after().components[5]
    assert (redis.name, redis.chosen) == ("Redis", "t4g.micro two nodes")
    assert "survives the loss of one node" in redis.role
    assert after(workers=4).components[3].chosen == "4 instances"


def test_a_run_from_the_briefing_to_a_contract_that_is_kept() -> None:
    """Four workers first, as the story has it; its post-mortem's remedy keeps the contract."""
    run, names = GuidedRun.start(FORGE), []
    names.append(run.stage.name)
    run = run.next()
    names.append(run.stage.name)
    run = run.build(**BALANCED | {"workers": 4}).next()
    names.append(run.stage.name)
    run = run.ran(run.judged).next()
    names.append(run.stage.name)
    assert tuple(names) == STAGES
    assert not run.passed
    assert not run.finished
    assert run.postmortem[0].rule == "invisible failure"
    assert run.postmortem[0].sentence in run.stage.text
    instead = run.postmortem[1].instead
    assert instead
    again = run.next()
    assert (again.at, len(again.rounds), again.result) == ("build", 1, None)
    assert not again.stage.ready
    with pytest.raises(ScenarioError, match="first: change the design after the last run"):
        again.next()
    again = again.build(workers=instead.workers).next()
    assert "Round 2" in again.stage.text[0]
    again = again.ran(again.judged).next()
    assert again.passed
    assert again.finished
    assert "Can it be kept for less?" in again.stage.text[-1]


def test_the_player_starts_from_the_least() -> None:
    least = smallest(FORGE)
    assert FIRST.design == least
    assert FORGE.evaluate(least).cost < min(
        FORGE.evaluate(design).cost for design in FORGE.designs.values()
    )
    assert not at_build().stage.ready
    with pytest.raises(ScenarioError, match="first: change the least of all designs"):
        at_build().next()
    assert GuidedRun.start(FORGE, FORGE.base).next().stage.ready


def test_what_cannot_be_built_is_refused_and_the_run_stays() -> None:
    run = at_build()
    with pytest.raises(ScenarioError, match="2 servers need a load balancer"):
        run.build(servers=2)
    with pytest.raises(ScenarioError, match="a queue needs workers"):
        run.build(queue="sqs")
    assert run.design == smallest(FORGE)
    run = run.build(cache="one node", hit_ratio=0.5).build(cache=None)
    assert run.design == smallest(FORGE)


def test_each_move_belongs_to_its_stage() -> None:
    run = at_build().build(servers=1, cache="two nodes")
    with pytest.raises(ScenarioError, match="running is for the stage 'run', this is 'build'"):
        run.ran(run.judged)
    running = run.next()
    with pytest.raises(ScenarioError, match="first: run the design"):
        running.next()
    with pytest.raises(ScenarioError, match="building is for the stage 'build', this is 'run'"):
        running.build(servers=1)
    with pytest.raises(ScenarioError, match="of another design"):
        running.ran(FORGE.evaluate(FORGE.base))
    with pytest.raises(ScenarioError, match="no post-mortem before the run"):
        _ = running.postmortem


def test_going_back_keeps_the_design_and_forgets_its_result() -> None:
    run = after(workers=4)
    assert run.back().at == "run"
    assert run.back().result is run.result
    earlier = run.back().back()
    assert (earlier.at, earlier.result, earlier.design) == ("build", None, run.design)
    assert earlier.back().at == earlier.back().back().at == "briefing"


def test_a_change_forgets_what_was_run() -> None:
    run = after(workers=4).back().back().build(workers=6)
    assert run.result is None
    assert run.judged.design.workers == 6


def test_a_run_by_chance_is_a_result_too() -> None:
    still = {"baseline_users": 2600.0, "horizon_h": 0.2, "plateau_end_h": 1e3}
    brief = dataclasses.replace(FORGE, traffic=FORGE.traffic.model_copy(update=still))
    run = at_build(brief).build(**BALANCED).next()
    surge = brief.simulate(run.design, replications=2, seed=1)
    run = run.ran(surge).next()
    assert run.passed is surge.keeps_contract
    assert "mean of 2 runs" in run.postmortem.basis


@pytest.mark.parametrize("scenario", [FORGE, SISTER])
def test_every_stage_has_what_a_board_shows(scenario: Scenario) -> None:
    run = at_build(scenario).build(**BALANCED)
    stages: list[Stage] = [GuidedRun.start(scenario).stage, run.stage]
    run = run.next()
    stages.append(run.stage)
    run = run.ran(run.judged).next()
    stages.append(run.stage)
    assert tuple(stage.name for stage in stages) == STAGES
    for stage in stages:
        assert stage.title
        assert all(hasattr(run, name) for name in stage.shows)
        for sentence in (*stage.text, stage.task):
            assert re.match(r"[A-Z0-9].*[.?]$", sentence), sentence
            assert "nan" not in sentence


def test_a_run_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        FIRST.at = "run"  # type: ignore[misc]
    run = at_build()
    run.build(cache="two nodes")
    assert run.design == smallest(FORGE)
