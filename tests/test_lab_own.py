"""The queue of one's own: bursts drawn, the board, files that are tried, the exercises of 14."""

import math
import tomllib

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing.lab import own_board, own_picture, try_trace
from queueing.lab.bursts import KEPT, MOST, PlannedMails, bursts
from queueing.lab.own_queue import numbers, rate_and_bursts, waits_by_hour
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario, Trace
from queueing.scenario.loading import data_folder

FORGE = Scenario.load("mailforge")
OWN = Scenario.load("reports")
TRACE = Trace.load("report-requests")
SMALL = OWN.design(queue="on redis", cache="two nodes", workers=4)


# The files that come with the lesson


def leaves(table: dict, above: str = "") -> dict[str, float]:
    found = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= leaves(value, f"{above}{key}.")
        elif isinstance(value, int | float):
            found[f"{above}{key}"] = float(value)
    return found


def test_every_number_of_the_file_is_in_the_dictionary_and_no_other():
    dictionary = (data_folder() / "README.md").read_text(encoding="utf-8")
    section = dictionary.split("## `reports.toml`")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    told = {row[0].strip().strip("`"): float(row[1]) for row in rows}
    text = (data_folder() / "reports.toml").read_text(encoding="utf-8")
    assert told == leaves(tomllib.loads(text))
    assert all(row[2].strip() == "assumption" and row[3].strip() for row in rows)


def true_rate(hours):
    """The rate (1/s) that the data dictionary says the requests were drawn with."""
    bumps = ((2.9, 10.5, 1.8), (2.5, 15.5, 2.0))
    return 0.6 + sum(size * np.exp(-(((hours - at) / width) ** 2) / 2) for size, at, width in bumps)


def test_the_drawn_traces_are_what_the_dictionary_says():
    """Of 96 factors with an SCV of 0.12 the sample's has a standard error of about 0.02."""
    hours = (np.arange(96) + 0.5) / 4
    factors = TRACE.counts(900) / (900 * true_rate(hours))
    assert factors.mean() == pytest.approx(1, abs=3 * math.sqrt(0.12 / 96))
    assert factors.var() == pytest.approx(0.12, abs=0.06)
    log = Trace.load("report-log")
    assert log.mean_rate == pytest.approx(3, abs=3 * math.sqrt(3 * log.horizon_s) / log.horizon_s)
    assert log.mean_service_s == pytest.approx(8, abs=3 * 8 / math.sqrt(600))
    assert log.poisson_test(30).is_believable


def test_the_scenario_takes_services_and_swing_from_its_traces():
    log = Trace.load("report-log")
    assert OWN.job.render.mean_ms == pytest.approx(1000 * log.mean_service_s, rel=0.01)
    assert OWN.job.render.scv == pytest.approx(log.service_scv, rel=0.05)
    assert OWN.traffic.rate_scv == TRACE.rate_scv(900)
    assert OWN.traffic.rate_window_h == 0.25
    assert OWN.traffic.requests == pytest.approx(TRACE.number)


# Bursts


def test_without_bursts_the_drawn_runs_are_the_theory():
    case = bursts(OWN, SMALL, scv=0, runs=50)
    for workers in (3, 4, 6):
        card = OWN.evaluate(OWN.design(queue="on redis", cache="two nodes", workers=workers))
        assert case.mails.oldest_s(workers) == pytest.approx(card.oldest_mail_s)
        assert case.oldest_s(workers).mean() == pytest.approx(card.oldest_mail_s, rel=0.1)
    assert case.index == 1
    assert case.fewest == case.fewest_if_poisson == 4


def test_a_burst_by_hand():
    """Lindley's recursion written out for one run, from the work that came in each window."""
    case = bursts(OWN, SMALL, runs=3)
    waits, capacity, left = case.waits_s(4)[:, 1], 40 * case.window_s, 0.0
    for window, work in enumerate(case._work[:, 1]):
        left = max(0.0, left + work - capacity)
        assert waits[window + 1] == pytest.approx(min(left / 40, 900 * (95 - window)))
    assert waits.max() > 0


def test_the_work_of_the_windows_has_the_mean_and_the_swing_asked_for():
    case = bursts(OWN, SMALL, scv=0.2, window_s=1800, runs=4000)
    work = case._work
    mean, _ = case.mails.attempt
    middles = (case.hours[1:] + case.hours[:-1]) / 2
    expected = mean * 1800 * case.mails.attempt_rate(middles)
    assert work.mean(axis=1) == pytest.approx(expected, rel=0.04)
    assert (work.var(axis=1) / work.mean(axis=1) ** 2).mean() == pytest.approx(0.2, abs=0.01)


def test_the_drawn_runs_agree_with_every_request_simulated():
    """The engine knows outages, retries and queues within a window; the bursts are the same."""
    full = OWN.simulate(SMALL, replications=12, seed=5).oldest_mail_s
    drawn = bursts(OWN, SMALL, runs=1000).oldest_s(4)
    assert drawn.mean() in full
    assert OWN.evaluate(SMALL).oldest_mail_s not in full


def test_more_workers_keep_it_more_often_and_longer_bursts_less():
    case = bursts(OWN, SMALL)
    kept = [case.kept(workers) for workers in range(3, 9)]
    assert kept == sorted(kept)
    assert kept[0] < 0.1 < KEPT < kept[-1]
    assert bursts(OWN, SMALL, window_s=300).kept(4) > case.kept(4) + 0.1


def test_the_fewest_are_the_fewest_by_brute_force():
    for window_s, scv in ((300, 0.1), (900, 0.1149), (1800, 0.3)):
        case = bursts(OWN, SMALL, window_s=window_s, scv=scv)
        assert case.fewest == next(n for n in range(1, MOST) if case.kept(n) >= KEPT)


@pytest.mark.parametrize(
    ("wish", "said"), [({"window_s": 0}, "window_s"), ({"scv": -1}, "scv"), ({"runs": 0}, "runs")]
)
def test_bursts_that_make_no_sense_are_refused(wish, said):
    with pytest.raises(ValueError, match=said):
        bursts(OWN, SMALL, **wish)
    with pytest.raises(ValueError, match="needs a queue"):
        PlannedMails(FORGE, FORGE.designs["A"])


# The board


def test_a_slider_moves_picture_words_and_twin():
    board = own_board(OWN, TRACE, SMALL)
    before = board.picture.alternative, board.view.value, board.picture.svg
    assert "2 by the mean rate of the run: a mistake; 4 if arrivals were Poisson; 6" in before[0]
    board.controls["bursts"].slider.value = 0
    assert "4 with bursts of ± 0 %" in board.picture.alternative
    assert board.view.value != before[1]
    assert board._repr_mimebundle_()["image/svg+xml"] != before[2]
    board.controls["workers"].slider.value = 2
    assert "kept" not in board.view.value
    board.reset()
    assert (board.picture.alternative, board.view.value, board.picture.svg) == before


@pytest.mark.parametrize("end", ["low", "high"])
def test_sliders_at_their_ends(end):
    board = own_board(OWN, TRACE, SMALL)
    for control in board.controls.values():
        control.slider.value = control.slider.min if end == "low" else control.slider.max
        assert "nan" not in board.view.value
        assert "inf" not in board.picture.alternative
    assert board.refusal == ""


@pytest.mark.parametrize("name", ["jfk-departures", "report-log"])
def test_the_board_takes_traces_of_any_length(name):
    trace = Trace.load(name)
    own = OWN.with_trace(trace)
    board = own_board(own, trace)
    assert "nan" not in board.view.value
    stretched = FORGE.with_trace(trace, horizon_h=54, peak_users=2600)
    assert "2.6" not in own_board(stretched, trace).refusal


def test_a_promise_that_nobody_keeps_has_no_smallest_number():
    case = bursts(OWN, SMALL, window_s=7200, scv=9.0)
    assert case.fewest is None
    assert "> 20" in own_picture(case, TRACE, 4).alternative


def test_figures_draw_on_axes_too():
    case = bursts(OWN, SMALL)
    waits = case.waits_s(4)
    for figure, *rest in (
        (numbers, 4, waits),
        (rate_and_bursts, TRACE),
        (waits_by_hour, 4, waits),
    ):
        ax = Figure().subplots()
        assert figure(ax, case, *rest) is ax
        assert ax.texts


# Files


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("report-requests", "142,678 arrivals in 1 day"),
        ("report-log", "services 7.61 s, SCV 0.927"),
        ("time_s,service_s,customer\n0,1,a\n2,3,b\n", "2 arrivals in 2 seconds"),
        ("nowhere.csv", "refused: 'nowhere.csv': there is no such file"),
        ("time_s\n3\n2\n", "refused: mine.csv: row 2 is out of order"),
        ("when\n1\n2\n", "refused: mine.csv: needs one column of times"),
        ("start_min,count\n0,1\n1,\n2,3\n", "refused: mine.csv: count: row 2"),
    ],
)
def test_a_file_is_tried(source, said):
    assert said in try_trace(source)


# The exercises


def test_the_exercises_answers():
    asked = {key: EXERCISES[key] for key in ("14-predict", "14-swing", "14-workers")}
    n = FORGE.traffic.peak_rate
    assert asked["14-swing"].answer(FORGE) == pytest.approx(100 * (4 / n) ** 0.5)
    assert asked["14-predict"].answer(OWN) == 100 * bursts(OWN, OWN.base).kept(4)
    needed = asked["14-workers"].answer(FORGE)
    again = bursts(FORGE, FORGE.base, window_s=1800, scv=0.09, runs=2000)
    assert again.kept(int(needed)) >= KEPT > again.kept(int(needed) - 1)


def test_the_swing_of_the_exercise_is_that_of_such_counts():
    rng = np.random.default_rng(3)
    n = FORGE.traffic.peak_rate
    v = (EXERCISES["14-swing"].answer(FORGE) / 100) ** 2
    counts = rng.poisson(n * rng.gamma(1 / v, v, 20_000))
    assert counts.var() / counts.mean() == pytest.approx(5, rel=0.05)


def test_a_guess_of_no_run_is_right_where_no_run_is_kept():
    asked, forge = EXERCISES["14-predict"], Scenario.load("mailforge")
    assert asked.answer(forge) == 0
    assert asked.missed(forge, 0) is None
