"""The whiteboard, the board, the drawings and the exercises of 13_interview_drills."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import integrate, stats

from queueing import MMc
from queueing.lab import draw_duplicates, draw_turns, drill_board, two_classes
from queueing.lab.drilled import OUTAGE_S, SHARE, attempt_law, duplicates_a_day, mail_drill
from queueing.lab.drilling import options, outage, steps
from queueing.lab.drilling_exercises import fan_out
from queueing.lab.house import sending
from queueing.lab.register import EXERCISES
from queueing.lab.whiteboard import by_hand, slide_rule
from queueing.paths import departures
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")
MAIL = mail_drill(FORGE)
BOTH = pytest.mark.parametrize("scenario", [FORGE, SISTER], ids=["mailforge", "guided"])


# The seven steps as numbers


def test_the_mails_by_pen_and_paper():
    rate = 2600 / 14.06 / 4 * (1 - 0.05**5) / 0.95
    assert MAIL.attempt_rate == pytest.approx(rate)
    assert MAIL.erlangs == pytest.approx(rate * (0.035 + 0.8 + 0.012))
    assert MAIL.load == pytest.approx(MAIL.erlangs / 50)
    assert MAIL.bill == pytest.approx(5 * 30.37)
    assert (MAIL.least, MAIL.fewest, MAIL.bought) == (5, 5, 5)
    assert MAIL.with_workers(4).load == pytest.approx(1.03, abs=0.005)


@BOTH
def test_the_drill_is_the_station_of_the_other_lessons(scenario):
    drill, line = mail_drill(scenario), sending(scenario)
    assert drill.station.arrival_rate == pytest.approx(line.arrival_rate)
    assert drill.erlangs == pytest.approx(line.offered_load)
    assert drill.load == pytest.approx(scenario.evaluate(scenario.base).worker_load, rel=0.01)


@pytest.mark.parametrize("users", [50, 400, 2600, 20_000])
def test_the_fewest_workers_are_found_by_trying_all(users):
    case = MAIL.with_users(users)

    def in_time(workers):
        line = MMc(
            arrival_rate=case.attempt_rate,
            service_rate=1 / case.attempt_s,
            servers=workers * case.threads,
        )
        return line.is_stable and line.wait.cdf(case.promise_s) >= SHARE

    tried = next(workers for workers in range(1, 1000) if in_time(workers))
    assert case.fewest == tried
    keeping = [
        workers
        for workers in range(tried, tried + 3)
        if case.with_workers(workers).oldest_in_repair_s <= case.oldest_s
    ]
    assert case.bought == keeping[0]


def test_the_tail_is_where_a_twentieth_still_waits():
    tail = MAIL.tail_s
    assert float(MAIL.station.wait.cdf(tail)) == pytest.approx(SHARE)
    assert MAIL.with_workers(4).tail_s == math.inf


def worked_off(away, workers, repair_s, seed):
    """The age of the job taken on when the repair ends: arrivals and services drawn one by one."""
    dice = np.random.default_rng(seed)
    size = int(1.2 * MAIL.attempt_rate * repair_s)
    came = np.cumsum(dice.exponential(1 / MAIL.attempt_rate, size))
    services = dice.exponential(MAIL.attempt_s, size)
    left = departures(came, services, (workers - away) * MAIL.threads)
    last = int(np.argmax(left - services > repair_s))
    return repair_s - came[last]


@pytest.mark.parametrize("away", [1, 2])
def test_the_oldest_in_a_repair_is_that_of_drawn_repairs(away):
    ages = [worked_off(away, 5, MAIL.repair_s, seed) for seed in range(40)]
    case = MAIL.with_workers(5 - away + 1)  # of which one is away
    error = 2.5 * np.std(ages, ddof=1) / math.sqrt(len(ages))
    assert abs(case.oldest_in_repair_s - np.mean(ages)) < error + 2  # the line of a steady day
    assert (case.oldest_in_repair_s > MAIL.oldest_s) is (away == 2)


def test_a_spare_worker_leaves_nobody_waiting_and_one_alone_everybody():
    assert MAIL.with_workers(6).oldest_in_repair_s == 0
    alone = MAIL.with_users(100).with_workers(1)
    assert alone.oldest_in_repair_s == alone.repair_s
    assert alone.bought == 2


def test_an_outage_is_worked_off_by_what_is_left_over():
    assert MAIL.left_behind == pytest.approx(MAIL.attempt_rate * OUTAGE_S)
    assert MAIL.drain_s == pytest.approx(OUTAGE_S * MAIL.load / (1 - MAIL.load), rel=1e-4)
    assert MAIL.with_workers(4).drain_s == math.inf


def test_the_price_of_a_million_is_that_of_the_jobs_done():
    a_month = MAIL.jobs * 3600 * 730
    assert MAIL.bill_of_a_million == pytest.approx(1e6 * MAIL.bill / a_month)
    short = MAIL.with_workers(2)
    done = 20 / MAIL.attempt_s / MAIL.attempts * 3600 * 730
    assert short.bill_of_a_million == pytest.approx(1e6 * short.bill / done)


def test_the_tail_is_the_last_to_complain():
    cases = [MAIL.with_users(100 * hundreds) for hundreds in range(20, 31)]
    slow = next(case.users for case in cases if case.drain_s > 3600)
    late = next(case.users for case in cases if case.tail_s > case.promise_s / 2)
    assert slow < late


# By hand


def test_a_slide_rule_is_right_to_a_fortieth():
    for number in np.geomspace(1e-3, 1e6, 5000):
        assert slide_rule(number) == pytest.approx(number, rel=1 / 40)


@BOTH
def test_by_hand_buys_what_theory_buys(scenario):
    steps_of = {step.name: step for step in by_hand(mail_drill(scenario))}
    workers = steps_of["workers to buy"]
    assert workers.by_hand == workers.exact
    for name in ("requests a second", "jobs a second", "threads busy (Erlang)", "USD a month"):
        assert steps_of[name].by_hand == pytest.approx(steps_of[name].exact, rel=0.03)
    for name in ("threads to have", "95 % start within, s"):
        assert steps_of[name].by_hand > steps_of[name].exact  # on the safe side


def test_with_two_digits_throughout_a_sixth_worker_is_bought(monkeypatch):
    monkeypatch.setattr("queueing.lab.whiteboard.slide_rule", lambda x: float(f"{x:.2g}"))
    assert {step.name: step.by_hand for step in by_hand(MAIL)}["workers to buy"] == 6


@pytest.mark.parametrize("users", [260, 2600, 26_000, 260_000])
def test_the_rules_err_on_the_safe_side(users):
    case = MAIL.with_users(users)
    assert case.by_rule >= case.fewest
    bought = case.with_workers(case.by_rule)
    assert bought.tail_s <= 3 / (bought.capacity - bought.attempt_rate)


# Duplicates and crowds


def test_an_attempt_is_rendering_conversation_and_receipt():
    job, law = FORGE.job, attempt_law(FORGE)
    parts = job.render, job.smtp, job.ack
    assert law.mean() == pytest.approx(sum(part.mean_ms for part in parts) / 1000)
    variance = (0.6 * 35**2 + 2 * 800**2) / 1e6
    assert law.var() == pytest.approx(variance)


@pytest.mark.parametrize("timeout", [2, 11.8, 30])
def test_late_attempts_are_those_of_scipys_laws(timeout):
    render = stats.gamma(1 / 0.6, scale=0.6 * 0.035)
    talk = stats.lognorm(math.sqrt(math.log(3)), scale=0.8 / math.sqrt(3))
    late = integrate.quad(lambda t: render.pdf(t) * talk.sf(timeout - 0.012 - t), 0, 1)[0]
    expected = 86400 * MAIL.attempt_rate * late
    assert duplicates_a_day(FORGE, timeout) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("timeout", [3, 8])
def test_duplicates_by_theory_and_by_drawing(timeout):
    drawn = draw_duplicates(FORGE, timeout, seed=7)
    assert duplicates_a_day(FORGE, timeout) in drawn
    assert 1.5 * duplicates_a_day(FORGE, timeout) not in drawn


def test_a_scenario_without_a_queue_has_no_attempts_of_workers():
    bare = replace(FORGE, base=FORGE.designs["A"])
    with pytest.raises(ValueError, match="no queue"):
        attempt_law(bare)


def test_turns_by_theory_and_by_drawing():
    classes = two_classes(FORGE)
    drawn = draw_turns(classes, replications=20, seed=3)
    assert classes.in_turn in drawn
    assert classes.in_turn / 2 not in drawn  # as if the crowd were not there


def test_turns_by_the_chain_of_those_who_wait():
    """P(n others, the crowd at place k) as a Markov chain, solved, and Little's law."""
    case = two_classes(FORGE)
    rate, capacity, most = case.station.arrival_rate, case.capacity, 90
    states = [(n, k) for n in range(most + 1) for k in range(n + 1)]
    place = {state: i for i, state in enumerate(states)}
    flows = np.zeros((len(states), len(states)))
    for n, k in states:
        if n < most:
            flows[place[n, k], place[n + 1, k]] += rate  # joins behind
        if k:
            flows[place[n, k], place[n - 1, k - 1]] += capacity  # another's turn, at the head
        else:
            flows[place[n, k], place[n, n]] += capacity  # the crowd's turn: to the end
    np.fill_diagonal(flows, flows.diagonal() - flows.sum(axis=1))
    flows[:, 0] = 1.0
    shares = np.linalg.solve(flows.T, np.eye(len(states))[0])
    others = sum(share * n for share, (n, _) in zip(shares, states, strict=True))
    assert others / rate == pytest.approx(case.in_turn, rel=1e-4)


def test_a_receipt_behind_a_crowd_by_drawing():
    """All threads busy for good; whoever is urgent is taken on next."""
    case, dice = two_classes(FORGE), np.random.default_rng(5)
    came = np.cumsum(dice.exponential(1 / case.ordered.arrival_rates[0], 200_000))
    free = np.cumsum(dice.exponential(1 / case.capacity, 900_000))
    starts, thread = np.empty(came.size), 0
    for job, moment in enumerate(came):
        thread = max(thread, int(np.searchsorted(free, moment)))
        starts[job] = free[thread]
        thread += 1
    assert np.mean(starts - came) == pytest.approx(case.urgent_first, rel=0.02)


def test_behind_a_crowd():
    case, table = two_classes(FORGE), two_classes(FORGE).behind_table(10_000)
    assert case.capacity == pytest.approx(50 / 0.847)
    assert table.loc["one line"].tolist() == pytest.approx([10_000 / case.capacity] * 2)
    assert table.loc["urgent first", "newsletter"] > table.loc["one line", "newsletter"]
    spare = case.capacity - case.station.arrival_rate
    assert case.through(10_000) == pytest.approx(10_000 / spare)


# The board


def test_a_slider_moves_picture_words_and_twin():
    board = drill_board(FORGE)
    before = board.picture.alternative, board.view.value
    assert before[0].startswith("5 workers keep the promise")
    board.controls["workers"].slider.value = 4
    assert board.picture.alternative.startswith("4 workers cannot keep up")
    assert board.view.value != before[1]
    assert "4 workers cannot keep up" in board._repr_mimebundle_()["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


def test_the_headline_names_the_first_promise_that_breaks():
    board = drill_board(FORGE)
    board.controls["users"].slider.value = 2
    board.controls["workers"].slider.value = 1
    assert board.picture.alternative.startswith("1 worker has no spare")
    board.controls["users"].slider.value = 6
    assert board.picture.alternative.startswith("1 worker starts too late")
    board.controls["users"].slider.value = 7
    assert board.picture.alternative.startswith("1 worker cannot keep up")


def test_the_board_buys_what_its_marks_say():
    board = drill_board(FORGE)
    for users in (3, 26, 29, 31, 90):
        board.controls["users"].slider.value = users
        words = board.picture.alternative
        bought = int(words.split("; buy ")[1].split(";")[0])
        board.controls["workers"].slider.value = bought
        assert "the promise" in board.picture.alternative.split(".")[0]
        board.controls["workers"].slider.value = bought - 1
        assert "the promise" not in board.picture.alternative.split(".")[0]


def test_the_figures_draw_on_matplotlib_too():
    for figure in (steps, options, outage):
        axes = Figure().subplots()
        assert figure(axes, MAIL) is axes
        assert axes.get_label()


# The exercises


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in EXERCISES if key.startswith("13-")}
    assert answers["13-predict"] == pytest.approx(MAIL.erlangs)
    assert duplicates_a_day(FORGE, answers["13-timeout"]) == pytest.approx(1000, rel=1e-6)
    assert answers["13-factor"] == pytest.approx((1 - 0.05**5) / 0.95)
    case = fan_out(FORGE)
    assert case.erlangs == pytest.approx(3 * MAIL.erlangs)
    left, came = 120 / case.attempt_s, case.attempt_rate
    assert 1800 * (1 - left / came) > 30  # thirteen workers, one away
    assert 1800 * (1 - (left + 10 / case.attempt_s) / came) < 0  # fourteen
    assert answers["13-fan-out"] == 14


@BOTH
def test_the_log_of_the_trial_gives_the_factor_back(scenario):
    asked = EXERCISES["13-factor"].question(scenario)
    mails = float(asked.split("says: ")[1].split()[0])
    workers = int(asked.split("only ")[1].split()[0])
    growth = float(asked.split("growing by ")[1].split()[0].replace(",", ""))
    capacity = workers * 10 / 0.847
    judged = EXERCISES["13-factor"].judge(scenario, f"{(capacity + growth / 3600) / mails:.4f}")
    assert judged.verdict == "right"
