"""The board, the figures and the exercises of 04_variability."""

import math
from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from scipy import optimize

from queueing import MG1, MMc, MPHc, erlang_c, pollaczek_khinchine, simulate
from queueing.lab import draw
from queueing.lab.mixed import MOST_MS, Mixed, in_phases, requests, slower
from queueing.lab.register import EXERCISES
from queueing.lab.variability import (
    blame,
    by_load,
    numbers,
    variability_board,
    variability_picture,
)
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")
PEAK = 2600 / 14.06  # requests a second


def case(share=0.1, slow=85.0, arrivals=185.0, servers=6, promise=10.0) -> Mixed:
    return replace(
        requests(FORGE),
        share=share,
        slow=slow / 1000,
        arrival_rate=arrivals,
        servers=servers,
        promise=promise / 1000,
    )


@pytest.mark.parametrize("scv", [0.08, 0.25, 0.3, 0.5, 0.6, 0.99, 1.0, 2.5, 8.0])
def test_times_in_phases_have_the_moments_asked_for(scv):
    law = in_phases(85.0, scv)
    assert (law.mean(), law.scv()) == pytest.approx((85.0, scv), rel=1e-9)


def test_times_without_spread_have_no_phases():
    with pytest.raises(ValueError, match="scv must be a finite number above 0, got 0"):
        in_phases(1.0, 0)


def test_the_two_kinds_are_the_scenarios_own():
    mix = requests(FORGE)
    assert (mix.name, mix.share, mix.slow, mix.slow_scv) == ("preview", 0.1, 0.085, 0.6)
    assert mix.arrival_rate == pytest.approx(PEAK, rel=1e-3)
    short = (0.25 * 18 + 0.25 * 16 + 0.4 * 14) / 0.9
    assert mix.short == pytest.approx(short / 1000)
    assert mix.mean_service == pytest.approx(0.0226)
    squares = 0.9 * 2 * short**2 + 0.1 * 1.6 * 85**2
    assert mix.scv == pytest.approx(squares / 22.6**2 - 1)
    assert mix.slow_parts == pytest.approx(
        {"requests": 0.1, "work": 8.5 / 22.6, "waiting": 0.1 * 1.6 * 85**2 / squares}
    )
    assert mix.service.scv() == pytest.approx(mix.scv)
    assert requests(SISTER).arrival_rate < mix.arrival_rate


def test_a_scenario_of_one_kind_has_a_mix_too():
    only = FORGE.classes["send"].model_copy(update={"share": 1.0})
    mix = requests(replace(FORGE, classes={"send": only}))
    assert (mix.share, mix.mean_service, mix.scv) == pytest.approx((1.0, 0.018, 1.0))
    assert mix.mean_wait == pytest.approx(mix.alike.mean_wait)


def test_one_server_waits_as_pollaczek_and_khinchine_say():
    made = case(arrivals=30, servers=1)
    law = pollaczek_khinchine(30, made.service_rate, made.scv)
    assert made.mean_wait == pytest.approx(float(law), rel=1e-12)
    assert made.mean_wait == pytest.approx(made.rule.mean_wait)
    squares = made.mean_service**2 * (1 + made.scv)
    assert made.mean_wait == pytest.approx(30 * squares / 2 / (1 - made.load))


def test_the_wait_before_several_servers_by_chance():
    """The exact wait lies within the interval; that of a busier line and the rule's do not."""
    made = case()
    drawn = simulate(made.line, customers=200_000, seed=4).mean_wait
    assert made.mean_wait in drawn
    assert case(arrivals=200).mean_wait not in drawn
    assert made.rule.mean_wait not in drawn


@pytest.mark.parametrize("arrivals", [150, 100, 250])
def test_the_waits_at_a_load_are_those_of_the_station(arrivals):
    made = case(arrivals=arrivals)
    assert float(made.rule_waits(made.load)) == pytest.approx(made.rule.mean_wait)
    assert made.at_load(made.load).mean_wait == pytest.approx(made.mean_wait)


@pytest.mark.parametrize(
    ("numbers", "promise"),
    [
        ((0.1, 85, 185, 6), 10),
        ((0.05, 85, 185, 6), 20),
        ((0.3, 40, 40, 2), 5),
        ((0.1, 9, 30, 1), 50),
    ],
)
def test_the_slowest_template_is_the_slowest(numbers, promise):
    share, slow, arrivals, servers = numbers
    made = case(share, slow, arrivals, servers, promise)
    for template, kept in ((made.slowest, True), (made.slowest + 1, False)):
        law = replace(made, slow=template / 1000).service
        station = MPHc(arrival_rate=arrivals, service=law, servers=servers)
        assert (station.mean_wait <= promise / 1000) is kept


def test_a_promise_that_no_template_keeps_and_one_that_all_keep():
    assert case(arrivals=400).slowest == 0
    assert "none: the others alone wait longer" in variability_picture(case(arrivals=400)).svg
    assert case(0.01, 85, 1, 8, 200).slowest == MOST_MS
    assert "2,000 ms, or more" in variability_picture(case(0.01, 85, 1, 8, 200)).svg


@pytest.mark.parametrize("servers", [1, 6])
def test_overload_waits_without_end(servers):
    made = case(arrivals=400, servers=servers)
    assert made.mean_wait == math.inf
    told = variability_picture(made)
    assert "Too much work: no line keeps up" in told.alternative
    assert "without end" in told.svg
    assert "nan" not in told.svg


def test_a_slider_moves_picture_words_and_twin():
    board = variability_board(FORGE)
    before = board.picture.alternative, board.view.value, board._repr_mimebundle_()
    assert "72 % of the waiting" in before[0]
    board.controls["slow"].slider.value = 150
    made = case(slow=150)
    assert f"the mean wait is {1000 * made.mean_wait:.1f} ms" in board.picture.alternative
    assert "✗ broken" in board.view.value
    assert board._repr_mimebundle_()["image/svg+xml"] != before[2]["image/svg+xml"]
    board.reset()
    assert (board.picture.alternative, board.view.value) == before[:2]


@pytest.mark.parametrize("end", ["low", "high"])
def test_sliders_at_their_ends(end):
    board = variability_board(FORGE)
    for control in board.controls.values():
        control.slider.value = control.slider.min if end == "low" else control.slider.max
        assert "nan" not in board.view.value
        assert "inf" not in board.picture.alternative
    assert board.refusal == ""


def test_the_curve_of_the_exact_wait_is_near_it_everywhere():
    from queueing.lab.variability import _overstated  # noqa: PLC0415

    for made in (case(), case(arrivals=20), case(share=0.3), case(servers=3, arrivals=99)):
        for load in (0.5, 0.6, 0.7, 0.9, 0.95):
            there = made.at_load(load)
            told = made.rule_waits(load) / _overstated(made, load)
            assert float(told) == pytest.approx(there.mean_wait, rel=0.04)


def test_waits_too_short_and_errors_too_large_are_told_in_words():
    told = variability_picture(case(0.01, 500, 1, 8, 1)).alternative
    assert "the mean wait is under 0.1 ms" in told
    assert "e+" not in told
    full = variability_picture(case(0.5, 500, 400, 8, 200))
    assert ">1,600<" in full.svg


def test_figures_draw_on_axes_too():
    for figure in (numbers, blame, by_load):
        ax = Figure().subplots()
        assert figure(ax, case()) is ax
        assert ax.texts
    assert "38 % of the work" in draw(blame, requests(FORGE)).alternative


def test_a_slower_template_changes_nothing_else():
    slow = slower(FORGE, 150)
    assert slow.classes["preview"].cpu.mean_ms == 150
    assert slow.classes["preview"].cpu.scv == FORGE.classes["preview"].cpu.scv
    assert {name for name in FORGE.classes if slow.classes[name] != FORGE.classes[name]} == {
        "preview"
    }
    before, after = (each.evaluate(each.base).class_p95_ms for each in (FORGE, slow))
    assert (round(before["list"]), round(after["list"])) == (55, 102)


LESSON = [key for key in EXERCISES if key.startswith("04-")]


def test_the_prediction_is_three_times_the_wait_of_even_services():
    rate, service = PEAK / 6, 0.0226
    even = rate * service**2 / 2 / (1 - rate * service)
    mixed = EXERCISES["04-predict"].answer(FORGE) / 1000
    assert mixed / even == pytest.approx(1 + requests(FORGE).scv)
    assert f"they would wait {1000 * even:.1f} ms" in EXERCISES["04-predict"].question(FORGE)


def test_half_the_wait_by_the_root_of_a_quadratic():
    """Rate (A + B x^2) = 2 t (1 - rate (C + p x)), solved for x."""
    mix = requests(FORGE)
    rate, p = mix.arrival_rate / 6, mix.share
    a, b, c = 0.9 * 2 * mix.short**2, p * 1.6, 0.9 * mix.short
    wait = rate * (a + b * mix.slow**2) / 2 / (1 - rate * (c + p * mix.slow)) / 2
    linear, rest = 2 * wait * rate * p, rate * a - 2 * wait * (1 - rate * c)
    root = (math.sqrt(linear**2 - 4 * rate * b * rest) - linear) / (2 * rate * b)
    assert EXERCISES["04-template"].answer(FORGE) == pytest.approx(1000 * root)


def test_the_spread_from_the_log_gives_the_wait_of_the_log():
    scv, mix = EXERCISES["04-log"].answer(FORGE), requests(FORGE)
    wait = pollaczek_khinchine(mix.arrival_rate / 6, mix.service_rate, scv)
    assert f"they wait {1000 * wait:.0f} ms in the mean" in EXERCISES["04-log"].question(FORGE)


def test_the_processors_of_two_lanes():
    short = PEAK * 0.9, 1 / requests(FORGE).short
    slow = PEAK * 0.1, 1 / 0.085
    assert EXERCISES["04-lanes"].answer(FORGE) == 8
    for servers, kept in ((5, True), (4, False)):
        load = short[0] / short[1]
        wait = erlang_c(servers, load) / (servers * short[1] - short[0])
        assert bool(wait <= 0.002) is kept
    for servers, kept in ((3, True), (2, False)):  # SCV 0.6: a wait of at least half of M/M/c's
        station = MMc(arrival_rate=slow[0], service_rate=slow[1], servers=servers)
        assert (station.mean_wait <= 0.05) is kept
        assert (station.mean_wait / 2 <= 0.05) is kept


def test_the_wrong_way_to_halve_a_wait_is_told():
    assert "You halved the template" in EXERCISES["04-template"].judge(FORGE, "42.5").message


def test_percentiles_of_the_wait_are_many_times_those_of_even_services():
    mix = requests(FORGE)
    line = MG1(arrival_rate=mix.arrival_rate / 6, service=mix.service)
    most = float(line.wait.ppf(0.95))
    assert most in simulate(line, customers=50_000, seed=2026).wait_ppf(0.95)
    found = optimize.brentq(lambda t: float(line.wait.sf(t)) - 0.05, 0.01, 2)
    assert most == pytest.approx(found)
