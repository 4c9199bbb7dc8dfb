"""The board, the figures and the exercises of 06_workers."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing import PriorityMMc
from queueing.backpressure import drain_time
from queueing.lab import draw
from queueing.lab.fresh import Staffing, alarms, by_priority, staffing, standstill
from queueing.lab.freshness import (
    ages,
    came_and_sent,
    flows,
    late,
    late_picture,
    numbers,
    waiting,
    workers_board,
    workers_picture,
)
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario, ScenarioError

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")
SHORT = staffing(FORGE)


# A standstill


def test_a_standstill_drains_as_theory_says():
    case = standstill(FORGE, minutes=10)
    assert case.backlog == pytest.approx(48.66 * 600, rel=1e-3)
    exact = drain_time(
        backlog=round(case.backlog),
        arrival_rate=case.line.arrival_rate,
        service_rate=case.line.service_rate,
        servers=case.line.servers,
    )
    assert case.clear - case.length == pytest.approx(exact.mean, rel=1e-4)
    rho = case.line.traffic_intensity
    assert (case.clear - case.length) / case.length == pytest.approx(rho / (1 - rho))


@pytest.mark.parametrize("promise", [60.0, 300.0, 599.0])
def test_the_oldest_is_too_old_as_long_as_a_walk_through_the_seconds_says(promise):
    case = standstill(FORGE, minutes=10)
    seconds = np.arange(0, 1.1 * case.clear)
    came = case.line.arrival_rate * seconds
    sent = np.minimum(came, np.maximum(seconds - case.length, 0) * case.capacity)
    age = seconds - np.interp(sent, came, seconds)
    old = seconds[age > promise]
    assert case.too_old(promise) == pytest.approx((old[0], old[-1]), abs=1.5)


def test_a_short_standstill_breaks_no_promise():
    case = standstill(FORGE, minutes=4)
    assert case.too_old(300.0) is None
    assert "None gets older than 5 min." in draw(came_and_sent, case, 300.0).alternative


# The run


@pytest.mark.parametrize("workers", [3, 4])
@pytest.mark.parametrize("priority", [False, True])
def test_the_fluid_is_the_scenarios_own(workers, priority):
    card = FORGE.evaluate(FORGE.design(workers=workers, priority=priority))
    case = staffing(FORGE, workers, urgent=0.3 * priority)
    assert case.oldest == pytest.approx(card.timeline["oldest_mail_s"].max())
    assert float(case.waiting.max()) == pytest.approx(card.worst_backlog, rel=1e-3)
    assert len(case.lines) == 1 + priority


def test_slow_receivers_and_more_users_are_the_scenarios_own():
    smtp = FORGE.job.smtp.model_copy(update={"mean_ms": 1200})
    slow = replace(FORGE, job=FORGE.job.model_copy(update={"smtp": smtp}))
    card = slow.evaluate(slow.design(workers=5))
    assert staffing(FORGE, 5, smtp=1.5).oldest == pytest.approx(
        card.timeline["oldest_mail_s"].max()
    )
    case = staffing(FORGE, 6, users=1.3)
    assert case.load == pytest.approx(1.3 * 5 / 6 * staffing(FORGE, 5).load)


def by_minutes(case: Staffing) -> tuple[float, float]:
    """The largest backlog and the greatest age (seconds), minute by minute in a plain loop."""
    step, rate, can = 60.0, case.attempt_rate.tolist(), case.capacity.tolist()
    queue: list[list[float]] = []  # minute, how many of it still wait
    worst = oldest = 0.0
    for minute, (come, can_be_made) in enumerate(zip(rate, can, strict=True)):
        queue.append([minute, step * come])
        left = step * can_be_made
        while queue and left >= queue[0][1]:
            left -= queue.pop(0)[1]
        if queue:
            queue[0][1] -= left
            worst = max(worst, sum(many for _, many in queue))
            oldest = max(oldest, step * (minute - queue[0][0]))
    return worst, oldest


@pytest.mark.parametrize(
    "changes",
    [{}, {"added": 1, "hour": 20.0}, {"smtp": 1.2}, {"workers": 5, "users": 1.25}],
)
def test_backlog_and_age_are_those_of_a_plain_loop(changes):
    case = replace(SHORT, **changes)
    worst, oldest = by_minutes(case)
    assert float(case.waiting.max()) == pytest.approx(worst, rel=0.01)
    assert case.oldest == pytest.approx(oldest, abs=90)


def test_priority_moves_the_age_and_not_the_backlog():
    cases = [replace(SHORT, urgent=share) for share in (0.0, 0.3, 0.6, 0.9)]
    for case in cases[1:]:
        assert case.waiting == pytest.approx(cases[0].waiting, abs=1e-6)
        assert case.clear_h == cases[0].clear_h
        assert case.lines[0].oldest.max() == 0
    assert [case.oldest for case in cases] == sorted(case.oldest for case in cases)


@pytest.mark.parametrize(
    "changes", [{}, {"urgent": 0.3}, {"smtp": 1.5}, {"users": 2.0}, {"users": 0.1}]
)
def test_the_fewest_workers_are_the_fewest(changes):
    case = replace(SHORT, **changes)
    kept = [replace(case, workers=count, added=0).keeps for count in range(1, 21)]
    assert case.fewest == kept.index(True) + 1
    assert all(kept[kept.index(True) :])


@pytest.mark.parametrize("changes", [{}, {"urgent": 0.3}, {"added": 3, "smtp": 1.5}])
def test_the_latest_hour_is_the_latest(changes):
    case = replace(SHORT, **changes)
    joining = replace(case, added=max(case.added, 1))
    assert case.latest_h is not None
    assert replace(joining, hour=case.latest_h).keeps
    assert not replace(joining, hour=case.latest_h + 1 / 60).keeps


def test_no_hour_is_early_enough_or_none_is_needed():
    assert replace(SHORT, users=2.0).latest_h is None
    assert "too few" in workers_picture(replace(SHORT, users=2.0)).alternative
    enough = replace(SHORT, workers=5)
    assert enough.latest_h == 54
    assert "kept without any more" in workers_picture(enough).alternative


def test_one_too_few_is_one_too_few_in_every_scenario():
    for scenario in (FORGE, SISTER):
        case = staffing(scenario)
        assert not case.keeps
        assert replace(case, workers=case.workers + 1).keeps


def test_a_design_without_a_queue_has_no_mails_that_wait():
    without = replace(FORGE, base=FORGE.design(queue=None, workers=0, shards=0, sinks=0))
    with pytest.raises(ScenarioError, match="need a queue"):
        staffing(without)


# The classes


def test_classes_wait_as_cobham_says_and_together_as_one_line():
    both = by_priority(FORGE)
    whole = standstill(FORGE).line
    assert isinstance(both, PriorityMMc)
    rho, share = whole.traffic_intensity, FORGE.job.transactional_share
    full = whole.wait_probability / (whole.servers * whole.service_rate)
    first, second = full / (1 - share * rho), full / ((1 - share * rho) * (1 - rho))
    assert both.mean_wait.tolist() == pytest.approx([first, second])
    assert float(both.mean_queue_length.sum()) == pytest.approx(whole.mean_queue_length)


# The alarms


@pytest.mark.parametrize("scenario", [FORGE, SISTER])
def test_the_earlier_the_alarm_the_younger_the_oldest(scenario):
    cases = list(alarms(scenario).values())
    assert len(cases) == 3
    assert [case.hour for case in cases] == sorted(case.hour for case in cases)
    assert [case.oldest for case in cases] == sorted(case.oldest for case in cases)
    assert [case.keeps for case in cases] == [True, False, False]
    late_told = late_picture(scenario).alternative
    assert "a minute is queued" in late_told


def test_where_nobody_ever_waits_the_alarms_are_drawn_too():
    quiet = replace(FORGE, traffic=FORGE.traffic.model_copy(update={"peak_users": 160.0}))
    assert late_picture(quiet).alternative.count("0 s") >= 1


def test_depth_rings_a_minute_deep_and_age_at_the_promise():
    deep, old, _ = alarms(FORGE).values()
    boot = FORGE.rules.autoscaling.boot_s / 3600
    card = FORGE.evaluate(FORGE.design(workers=4))
    rings = (card.timeline["backlog"] > 60 * 40 / 0.847).idxmax()
    assert deep.hour == pytest.approx(float(rings) + boot, abs=0.02)
    rings = (card.timeline["oldest_mail_s"] > 300).idxmax()
    assert old.hour == pytest.approx(float(rings) + boot, abs=0.02)


# The board


def test_a_slider_moves_picture_words_and_twin():
    board = workers_board(FORGE)
    before = board.picture.alternative, board.view.value, board._repr_mimebundle_()
    assert "The oldest mail waits 37 min" in before[0]
    assert "5 workers from hour 0" in before[0]
    board.controls["urgent"].slider.value = 30
    assert "the others: most waiting 105,899, oldest 52 min" in board.picture.alternative
    assert board.view.value != before[1]
    assert board._repr_mimebundle_()["image/svg+xml"] != before[2]["image/svg+xml"]
    board.controls["workers"].slider.value = 5
    assert "No backlog" in board.picture.alternative
    board.reset()
    assert (board.picture.alternative, board.view.value) == before[:2]


def headlines(board, name, values):
    """What the board says first at each value of a control."""
    for value in values:
        board.controls[name].slider.value = value
        yield board.picture.alternative.split(". ")[0]


def test_what_the_lesson_tells_to_try():
    board = workers_board(FORGE)
    board.controls["added"].slider.value = 1
    told = [f"The oldest mail waits {age}" for age in ("16 min", "4.5 min", "4.8 s")]
    assert list(headlines(board, "hour", (20, 13, 10))) == told
    board.reset()
    board.controls["workers"].slider.value = 5
    told = ["No backlog: mails leave within seconds"]
    told += [f"The oldest mail waits {age}" for age in ("1.9 min", "12 min")]
    assert list(headlines(board, "smtp", (122, 123, 124))) == told


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("scenario", [FORGE, SISTER])
def test_sliders_at_their_ends(end, scenario):
    board = workers_board(scenario)
    for control in board.controls.values():
        control.slider.value = control.slider.min if end == "low" else control.slider.max
        assert "nan" not in board.view.value
        assert "inf" not in board.picture.alternative
    assert board.refusal == ""


def test_figures_draw_on_axes_too():
    axes = [Figure().subplots() for _ in range(5)]
    assert "The oldest mail" in numbers(axes[0], SHORT).get_label()
    for ax, figure in zip(axes[1:4], (flows, waiting, ages), strict=True):
        assert figure(ax, replace(SHORT, urgent=0.3)).lines
    assert "36 min" in late(axes[4], alarms(FORGE)).get_label()
    told = came_and_sent(Figure().subplots(), standstill(FORGE), 300.0).get_label()
    assert "older than 5 min from minute 5 to minute 33" in told


# The exercises

LESSON = [key for key in EXERCISES if key.startswith("06-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    rate, each = 2600 / 14.06 / 4 * (1 - 0.05**5) / 0.95, 10 / 0.847
    assert answers["06-predict"] == pytest.approx(10 * rate / (5 * each - rate), rel=1e-6)
    assert answers["06-clear"] == np.ceil((rate * 600 / 900 + rate) / each) == 7
    assert answers["06-log"] == 3
    card = FORGE.evaluate(FORGE.design(workers=4))
    rates = card.mails.attempt_rate
    joined = np.cumsum(0.4 * 60 * rates)
    left = np.cumsum(60 * (40 / 0.847 - rates))
    queue = np.maximum.accumulate(left) - left
    hours = np.interp(joined - queue, joined, np.arange(joined.size))
    assert answers["06-share"] == pytest.approx((np.arange(joined.size) - hours).max(), rel=0.01)


def test_the_log_of_the_diagnosis_is_that_of_three_workers():
    timeline = FORGE.evaluate(FORGE.design(workers=3)).timeline["backlog"]
    grown = timeline.loc[21.0] - timeline.loc[20.0]
    assert f"{47_700:,}" in EXERCISES["06-log"].question(FORGE)
    assert grown == pytest.approx(47_700, rel=0.01)
    assert "something to spare" in EXERCISES["06-log"].judge(FORGE, "4").message
