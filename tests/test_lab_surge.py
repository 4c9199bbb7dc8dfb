"""The board, the figures and the exercises of 11_the_surge."""

import dataclasses
import re

import numpy as np
import pytest

from queueing.lab import draw
from queueing.lab.register import EXERCISES
from queueing.lab.surge import SurgeBoard, beside_table, readme_picture, surge_board, surge_picture
from queueing.lab.surge_figures import uptimes
from queueing.scenario import Scenario
from queueing.scenario.hourly import p95_by_hour_ms
from queueing.scenario.latency import latency

FORGE = Scenario.load("mailforge")


def brief(hours: float = 2.0) -> Scenario:
    """MailForge with a sale of an hour and fewer users, which runs in a moment."""
    changes = {
        "peak_users": 400,
        "ramp_center_h": 0.4,
        "ramp_width_h": 0.05,
        "plateau_end_h": 0.7 * hours,
        "decay_h": 0.2,
        "horizon_h": hours,
    }
    return dataclasses.replace(FORGE, traffic=FORGE.traffic.model_copy(update=changes))


SHORT = brief()


@pytest.fixture(scope="module")
def surge():
    return SHORT.simulate(SHORT.base, replications=3, seed=5)


def test_hour_by_hour_is_the_steady_queue_of_each_minute():
    card = FORGE.evaluate(FORGE.design(servers=3))
    by_hour = p95_by_hour_ms(card)
    rates = card.timeline["requests_per_s"]
    for hour in (2, 8, 9, 20, 36):
        exact = 1000 * float(latency(card.plan, float(rates[hour])).response.ppf(0.95))
        assert by_hour[hour] == pytest.approx(exact, rel=5e-3)


def test_the_fluid_by_hand_is_the_scorecards():
    """Notebook 11 fills a basin minute by minute; the scorecard has the same backlog."""
    card, job = FORGE.evaluate(FORGE.design(workers=4)), FORGE.job
    seconds = (job.render.mean_ms + job.smtp.mean_ms + job.ack.mean_ms) / 1000
    attempts = sum(job.failure_probability**n for n in range(job.max_attempts))
    mails = card.timeline["requests_per_s"] * FORGE.mails_per_request * card.availability
    path = (60 * (mails * attempts - 40 / seconds)).cumsum()
    assert (path - path.cummin()).max() == pytest.approx(card.worst_backlog, rel=2e-3)


def test_the_picture_tells_theory_and_chance(surge):
    card = SHORT.evaluate(SHORT.base)
    alone, both = surge_picture(card), surge_picture(card, surge)
    assert "by theory." in alone.alternative
    assert "in the mean of 3 runs" in both.alternative
    assert "chance: not run yet" in alone.svg() if callable(alone.svg) else alone.svg
    assert both.alternative != alone.alternative


def test_the_table_says_why_a_number_is_outside(surge):
    rows = beside_table(SHORT.evaluate(SHORT.base), surge).to_frame()
    verdicts = rows.iloc[:, -1]
    assert all(told == "✓ inside" or told.startswith("✗ outside: ") for told in verdicts)
    assert rows.loc["cost, USD a month"].iloc[-1] == "✓ inside"
    assert "n" in str(rows.columns)


def board() -> SurgeBoard:
    made = surge_board(SHORT)
    made.runner.runs.slider.value = 2
    return made


def test_theory_follows_the_sliders_without_a_run():
    made = board()
    before = made.picture.alternative
    made.board.controls["workers"].slider.value = 1
    assert made.picture.alternative != before
    assert made.runner.surges == {}
    assert "Chance has not been asked yet" in before


def test_a_run_stays_with_its_design():
    made = board()
    made.runner.start()
    made.runner.wait()
    assert made.runner.surges[SHORT.base].passes.replications == 2
    assert "Chance, 2 runs" in made.picture.alternative
    assert not made.runner.run_button.disabled
    assert made.runner.progress.value == made.runner.progress.max
    made.board.controls["workers"].slider.value = 1
    assert "Chance has not been asked yet" in made.picture.alternative
    made.board.reset()
    assert "Chance, 2 runs" in made.picture.alternative


def test_the_board_runs_what_simulate_runs():
    made = board()
    made.runner.start()
    made.runner.wait()
    again = SHORT.simulate(SHORT.base, replications=2, seed=2026)
    assert made.runner.surges[SHORT.base].p95_ms == again.p95_ms


def test_a_run_can_be_cancelled():
    made = surge_board(brief(200.0))
    made.runner.start()
    made.runner.cancel()
    made.runner.wait()
    assert made.runner.surges == {}
    assert "Stopped" in made.runner.status.value
    assert not made.runner.run_button.disabled
    assert made.runner.cancel_button.disabled


def test_a_failing_run_says_so(monkeypatch):
    def fail(*_, **__):
        raise ValueError("no such thing")

    monkeypatch.setattr("queueing.lab.running.engine_plan", fail)
    made = board()
    made.runner.start()
    made.runner.wait()
    assert "The run failed: no such thing" in made.runner.status.value
    assert not made.runner.run_button.disabled


def test_the_readmes_picture_is_the_same_for_the_same_seed():
    one, two = (readme_picture(SHORT, replications=2, seed=1) for _ in range(2))
    assert one.alternative == two.alternative
    assert one.alternative.startswith("Four workers")


def test_the_lottery_of_the_uptimes():
    values = np.array([1.0] * 84 + [0.99] * 16)
    told = draw(uptimes, values, 0.997, np.array([1.0, 0.999])).alternative
    assert "16 % of them break 99.7 %" in told
    assert "The 2 full runs: 100.00 %, 99.90 %." in told


LESSON = [key for key in EXERCISES if re.match("11-(?!predict)", key)]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    assert answers["11-clear"] == pytest.approx(35, abs=0.2)
    assert answers["11-outage"] == pytest.approx(10.94, abs=0.02)
    assert answers["11-queue"] == pytest.approx(14.4, abs=0.1)


@pytest.mark.parametrize("key", LESSON)
def test_each_exercise_is_whole(key):
    asked = EXERCISES[key]
    assert asked.question(FORGE)
    assert asked.solution(FORGE)
    assert asked.hints
    assert asked.judge(FORGE, str(asked.answer(FORGE))).verdict == "right"
    for miss in asked.near_misses:
        assert asked.judge(FORGE, str(miss.value(FORGE))).verdict == "near"


def test_the_prediction_comes_from_the_runs_of_outages():
    pytest.importorskip("queueing.scenario.outages")
    asked = EXERCISES["11-predict"]
    assert asked.answer(FORGE) == pytest.approx(84, abs=3)
    assert "keep 99.7 %" in asked.solution(FORGE)


@pytest.mark.parametrize("name", ["mailforge", "guided-queues-and-workers", "reports"])
def test_the_backlog_of_the_exercise_is_largest_when_the_users_leave(name):
    scenario, asked = Scenario.load(name), EXERCISES["11-clear"]
    question = asked.question(scenario)
    workers, hour = (float(told) for told in re.findall(r"[\d.]+\d|\d+", question)[:2])
    hours = np.arange(0, scenario.traffic.horizon_h, 1 / 60)
    rate = scenario.traffic.request_rate(hours) * scenario.mails_per_request
    made = scenario.evaluate(scenario.design(workers=int(workers)))
    assert made.worker_load > 1
    over = rate / rate.max() * made.worker_load
    last = hours[over > 1][-1]
    assert hour == pytest.approx(last, abs=0.15)
    assert asked.answer(scenario) > hour + 0.5
