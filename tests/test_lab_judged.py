"""How wrong the rules are, what a random moment meets, and what lanes do: 04_variability."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import optimize

from queueing import MM1, MMc, deterministic, exponential, hyperexponential, simulate
from queueing.distributions import erlang
from queueing.lab import draw
from queueing.lab.judged import (
    SERVICES,
    errors_picture,
    exact_waits,
    kingman_errors,
    off_by_load,
    renewal_wait,
    rule_errors,
)
from queueing.lab.lanes import Lanes, best_lanes, lanes, lanes_table, pays_from, same_work
from queueing.lab.meeting import lengths, meet, meeting_picture, strip, strip_picture
from queueing.lab.mixed import requests
from queueing.scenario import Scenario
from queueing.simulation import StationPlan

MIX = requests(Scenario.load("mailforge"))


def drawn_wait(gaps, service, servers, load, *, customers=100_000, seed=7):
    plan = StationPlan(name="it", gaps=gaps, services=(service,), servers=servers, load=load)
    return simulate(plan, customers=customers, seed=seed).mean_wait


# The rules


def test_random_arrivals_are_the_case_that_is_known():
    line = MM1(arrival_rate=0.8, service_rate=1)
    assert renewal_wait(exponential(mean=1 / 0.8), 1) == pytest.approx(line.mean_wait)


@pytest.mark.parametrize("load", [0.3, 0.7, 0.95])
def test_regular_arrivals_by_their_own_equation(load):
    s = optimize.brentq(lambda s: math.exp((s - 1) / load) - s, 0, 1 - 1e-3)
    assert renewal_wait(deterministic(mean=1 / load), 1) == pytest.approx(s / (1 - s), rel=1e-9)


@pytest.mark.parametrize("load", [0.3, 0.7, 0.999])
def test_arrivals_of_two_kinds_by_the_root_of_their_quadratic(load):
    gaps = hyperexponential(mean=1 / load, scv=4)
    (p, first), (q, second) = gaps.parts
    a, b = 1 / first.mean(), 1 / second.mean()
    # s = p a / (a + 1 - s) + q b / (b + 1 - s), without its root 1, in y = 1 - s
    y = np.roots([1, a + b - 1, a * b - q * a - p * b])
    s = 1 - float(y[(y > 0) & (y < 1)][0])
    assert renewal_wait(gaps, 1) == pytest.approx(s / (1 - s), rel=1e-6)


@pytest.mark.parametrize("rate", [1.0, 0.9])
def test_arrivals_that_are_too_many_wait_without_end(rate):
    assert renewal_wait(deterministic(mean=1), rate) == math.inf


def test_kingmans_error_by_chance():
    """Taking turns among six: the 22 per cent are those between formula and dice."""
    drawn = drawn_wait(erlang(mean=1, shape=6), exponential(mean=0.7), 1, 0.7)
    told = 0.7 / 0.3 * (1 / 6 + 1) / 2 * 0.7
    low, high = (100 * (told / bound - 1) for bound in (drawn.high, drawn.low))
    error = kingman_errors().loc[0.7, "ca² = 1/6"]
    assert low - 0.5 <= error <= high + 0.5
    assert kingman_errors()["ca² = 1"].eq(0).all()


@pytest.mark.parametrize("name", list(SERVICES))
def test_the_rules_error_by_chance(name):
    """The truth that the rule is measured with lies in the interval; one ten per cent off not."""
    rate, law = 6 * 0.7, SERVICES[name]
    drawn = drawn_wait(exponential(mean=1 / rate), law, 6, 0.7, customers=200_000, seed=8)
    exact = exact_waits(servers=[6], loads=[0.7]).loc[(6, 0.7), name]
    assert exact in drawn
    assert 1.1 * exact not in drawn
    plain = MMc(arrival_rate=rate, service_rate=1, servers=6).mean_wait * (1 + law.scv()) / 2
    error = rule_errors(servers=[6], loads=[0.7]).loc[(6, 0.7), name]
    assert error == pytest.approx(100 * (plain / exact - 1), abs=0.5)


def test_what_the_lesson_says_about_the_rule():
    errors = rule_errors()
    assert errors.loc[1].eq(0).all(axis=None)
    below, above = errors[["cs² = 0", "cs² = 0.5"]], errors[["cs² = 2", "cs² = 8"]]
    assert (below <= 0).all(axis=None)
    assert (above >= 0).all(axis=None)
    busy = errors.xs(0.9, level="load").abs()
    assert (busy.loc[:6] <= 8).all(axis=None)
    assert (busy.loc[24].drop("cs² = 8") <= 8).all()
    for column in errors:
        by_load = errors[column].abs().unstack("load")
        assert (by_load[0.5] >= by_load[0.7]).all()
        assert (by_load[0.7] >= by_load[0.9]).all()
        assert by_load[0.5].is_monotonic_increasing


def test_whitts_rule_is_nearer_before_several_servers():
    plain, refined = rule_errors().loc[2:].abs(), rule_errors("whitt").loc[2:].abs()
    assert refined.mean(axis=None) < plain.mean(axis=None) / 2
    assert (refined.loc[6].drop("cs² = 8", axis=1) <= 10).all(axis=None)


def test_the_picture_tells_the_errors_of_its_table():
    error = rule_errors(servers=[6], loads=[0.7]).loc[(6, 0.7), "cs² = 8"]
    assert f"cs² = 8 {error:+.0f} %" in errors_picture(6).alternative
    ax = Figure().subplots()
    assert off_by_load(ax, 6, "the rule", "allen-cunneen") is ax


# What a random moment meets


def test_long_services_are_met_more_often():
    met = meet(MIX, seed=5)
    assert 8.5 / 22.6 in met.slow
    assert MIX.share not in met.slow
    assert MIX.mean_service * (1 + MIX.scv) / 2 in met.left
    assert MIX.mean_service / 2 not in met.left


def test_pictures_of_what_is_met():
    assert "5 of 40 services are previews" in strip_picture(MIX, seed=3).alternative
    told = meeting_picture(MIX).alternative
    assert "the mean length is 22.6 ms" in told
    assert f"the mean length is {22.6 * (1 + MIX.scv):.1f} ms" in told
    assert "nan" not in meeting_picture(replace(MIX, slow=MIX.short)).svg
    for figure in (lengths, lambda ax, mix: strip(ax, mix, seed=3)):
        ax = Figure().subplots()
        assert figure(ax, MIX) is ax
        assert ax.texts


# Lanes


def test_lanes_are_stations_of_their_own():
    made = Lanes(case=MIX, slow_servers=2)
    rate = 0.9 * MIX.arrival_rate
    short = MMc(arrival_rate=rate, service_rate=1 / MIX.short, servers=4)
    assert made.short_wait == pytest.approx(short.mean_wait)
    apart = MM1(arrival_rate=rate / 4, service_rate=1 / MIX.short)
    assert Lanes(case=MIX, slow_servers=2, apart=True).short_wait == pytest.approx(apart.mean_wait)
    slow = drawn_wait(
        exponential(mean=10 / MIX.arrival_rate), MIX.kinds[1], 2, 0.79, customers=200_000
    )
    assert made.slow_wait in slow
    assert made.mean_wait == pytest.approx(0.9 * made.short_wait + 0.1 * made.slow_wait)


def test_the_best_lanes_are_the_best_of_all():
    means = [Lanes(case=MIX, slow_servers=number).mean_wait for number in range(1, 6)]
    assert best_lanes(MIX).mean_wait == min(means)
    assert best_lanes(MIX).slow_servers == 2


def test_what_the_lesson_says_about_lanes():
    waits = lanes_table(MIX)["all, ms"]
    one, lanes_, apart, sorted_ = waits
    assert one < lanes_ < sorted_ < apart
    assert "4 + 2" in waits.index[1]


@pytest.mark.parametrize("slow", [0.05, 0.2, 0.5])
def test_slower_and_rarer_is_the_same_work_and_the_same_wait_in_lanes(slow):
    made = same_work(MIX, slow)
    assert made.mean_service == pytest.approx(MIX.mean_service)
    assert made.slow_parts["work"] == pytest.approx(MIX.slow_parts["work"])
    before, after = (Lanes(case=mix, slow_servers=2) for mix in (MIX, made))
    assert after.mean_wait == pytest.approx(before.mean_wait)


def test_lanes_pay_from_where_the_curves_cross():
    turn, wait = pays_from(MIX), best_lanes(MIX).mean_wait
    assert same_work(MIX, turn - 0.001).mean_wait < wait < same_work(MIX, turn + 0.001).mean_wait
    assert f"lanes pay from {1000 * turn:.0f} ms" in draw(lanes, MIX).alternative
    ax = Figure().subplots()
    assert lanes(ax, MIX) is ax


def test_lanes_that_cannot_keep_up_never_pay():
    full = replace(MIX, arrival_rate=250)
    assert best_lanes(full).mean_wait == math.inf
    assert pays_from(full) == math.inf
