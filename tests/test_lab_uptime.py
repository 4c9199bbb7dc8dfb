"""The board, the figures and the exercises of 10_uptime_and_cost."""

import math

import pytest
from matplotlib.figure import Figure
from scipy import stats

from queueing.lab.nines import Nines, downtimes, keeps_pace, month_minutes
from queueing.lab.picture import draw
from queueing.lab.register import EXERCISES
from queueing.lab.uptime import frontier, minutes_of, numbers, parts, percent, uptime_board
from queueing.lab.uptime_exercises import server_group
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")


@pytest.fixture(scope="module")
def nines():
    return Nines(FORGE)


def test_the_downtimes_are_those_of_the_parts():
    found = downtimes(FORGE, FORGE.base)
    month = 730 * 60
    short = stats.binom.cdf(2, 4, 0.995)  # fewer than three of four
    expected = {
        "servers, 3 of 4": month * short,
        "load balancer": month * 1e-4,
        "Postgres": month * 5e-4,
        "Redis": month * 1e-4,
        "queue": month * 1e-3,
    }
    assert found == pytest.approx(expected, rel=1e-9)
    assert math.prod(1 - minutes / month for minutes in found.values()) == pytest.approx(
        FORGE.evaluate(FORGE.base).availability, rel=1e-12
    )


def test_a_frontier_is_what_nothing_beats(nines):
    keeping = [card for card in nines.cards if keeps_pace(card)]
    for card in nines.frontier:
        assert card in keeping
        assert not [
            other for other in keeping if other.cost < card.cost and other.uptime >= card.uptime
        ]
    for card in keeping:
        assert any(best.cost <= card.cost and best.uptime >= card.uptime for best in nines.frontier)


def test_the_cheapest_that_is_down_no_longer(nines):
    for minutes in (31, 43.8, 100, 131.4, 240):
        found = nines.cheapest(minutes)
        others = [c for c in nines.cards if keeps_pace(c) and nines.down(c) <= minutes]
        assert found.cost == min(card.cost for card in others)
    assert nines.cheapest(20) is None


def test_the_scenarios_own_design_is_among_them(nines):
    assert FORGE.base in [card.design for card in nines.cards]


def test_servers_by_the_chain_and_by_the_binomial_law():
    for number in (3, 4, 5):
        group = server_group(FORGE, number, repairers=number)
        assert group.unavailability == pytest.approx(stats.binom.cdf(2, number, 0.995), rel=1e-9)
        assert server_group(FORGE, number, 1).availability <= group.availability


# The board


def test_a_slider_and_a_switch_move_picture_words_and_twin():
    board = uptime_board(FORGE)
    before = board.picture.alternative, board.view.value
    assert before[0].startswith("Within the 131 minutes allowed: uptime 99.82 %")
    board.controls["allowed"].slider.value = 43
    assert board.picture.alternative.startswith("Over the 43 minutes allowed")
    assert "488.96 USD a month" in board.picture.alternative
    board.controls["managed"].box.value = False
    assert board.picture.alternative.startswith("Within the 43 minutes allowed: uptime 99.92 %")
    assert board.view.value != before[1]
    assert "Within the 43 minutes allowed" in board._repr_mimebundle_()["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


def test_a_promise_that_none_keeps_is_told():
    board = uptime_board(FORGE)
    board.controls["allowed"].slider.value = 1
    assert "none of these designs" in board.picture.alternative


def test_the_figures_draw_on_matplotlib_too(nines):
    axes = Figure().subplots()
    assert numbers(axes, nines, FORGE.base, 131.0) is axes
    assert parts(axes, FORGE, FORGE.base) is axes
    assert frontier(axes, nines, FORGE.base, 131.0) is axes
    assert draw(frontier, nines).alternative.startswith("The frontier, from cheap to dear: ")


def test_downtimes_and_uptimes_in_words():
    assert [minutes_of(m) for m in (0.5, 9.94, 10, 599, 601)] == [
        "30 seconds",
        "9.9 minutes",
        "10 minutes",
        "599 minutes",
        "10.0 hours",
    ]
    assert percent(0.999) == "99.90 %"


# The exercises

LESSON = [key for key in EXERCISES if key.startswith("10-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    assert answers["10-predict"] == pytest.approx(54 * 3600 * stats.binom.cdf(2, 4, 0.995))
    three_of_four = stats.binom.sf(2, 4, 0.995)
    assert answers["10-others"] == pytest.approx(100 * 0.9999 * 0.9995 * 0.9999 * three_of_four)
    assert answers["10-repairer"] == 5
    month = month_minutes(FORGE)
    assert month * server_group(FORGE, 5, 1).unavailability < 1
    assert month * server_group(FORGE, 4, 1).unavailability > 1
    nine = FORGE.evaluate(FORGE.design(queue="on redis"))
    assert answers["10-nine"] == pytest.approx(nine.cost)
    assert nine.uptime >= 0.999
