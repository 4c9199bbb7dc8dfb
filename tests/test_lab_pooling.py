"""The board, the figures and the exercises of 03_many_servers."""

import numpy as np
import pytest

from queueing import MMc, erlang_c, servers_for
from queueing.lab import draw
from queueing.lab.pooled import Pooling, processors
from queueing.lab.pooling import milliseconds, pooling_board, pooling_picture, routes, spare
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario
from queueing.scenario.peak import peak_p95_ms
from queueing.simulation.estimate import Estimate

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")


def case(arrivals=185.0, service=23.0, servers=6, promise=30.0) -> Pooling:
    station = MMc(arrival_rate=arrivals, service_rate=1000 / service, servers=servers)
    return Pooling(station=station, promise=promise / 1000)


@pytest.mark.parametrize("numbers", [(185, 23, 6, 30), (50, 100, 8, 100), (10, 50, 1, 200)])
def test_the_quick_sums_are_those_of_the_stations(numbers):
    made = case(*numbers)
    assert made.wait == pytest.approx(float(made.station.wait.ppf(0.95)), rel=1e-9)
    assert made.single_wait == pytest.approx(float(made.single.wait.ppf(0.95)), rel=1e-9)
    station = made.station
    assert made.fewest == servers_for(
        arrival_rate=station.arrival_rate,
        service_rate=station.service_rate,
        wait_within=(0.95, made.promise),
    )


@pytest.mark.parametrize("numbers", [(185, 23, 6, 30), (400, 100, 40, 1), (1, 1, 1, 200)])
def test_the_smallest_number_with_a_line_each_is_the_smallest(numbers):
    made = case(*numbers)
    most = made.fewest_apart
    assert made.single_waits(most) <= made.promise
    if most > 1:
        assert made.single_waits(most - 1) > made.promise


def test_overload_waits_without_end():
    made = case(servers=4)
    assert made.wait == made.single_wait == np.inf
    assert "no line keeps up" in pooling_picture(made).alternative
    assert milliseconds(made.wait) == "without end"


def test_the_start_is_the_scenarios_own():
    start = processors(FORGE)
    assert start.servers == 6
    assert start.offered_load == pytest.approx(184.9 * 0.0226, rel=1e-3)


def test_a_slider_moves_picture_words_and_twin():
    board = pooling_board(FORGE)
    before = board.picture.alternative, board.picture, board.view.value
    assert "6 servers in one line" in before[0]
    board.controls["promise"].slider.value = 5
    assert board.picture.alternative != before[0]
    assert "8 servers in one line" in board.picture.alternative
    assert board.view.value != before[2]
    shown = board._repr_mimebundle_()
    assert 'role="img"' in shown["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


def test_the_larger_the_pool_the_busier():
    told = draw(spare).alternative
    assert "6 servers: 60 % busy" in told
    assert "200 servers: 93 % busy" in told
    assert float(erlang_c(6, 0.60 * 6)) == pytest.approx(0.2, abs=0.01)


def test_routes_name_who_breaks_the_promise():
    found = {"looking": Estimate.of([112, 113]), "dice": Estimate.of([147, 148])}
    assert draw(routes, found, 140.0).alternative.endswith("Broken by: dice.")


def test_the_habits_of_a_load_balancer():
    """The independent simulation of the scenario's page: 107, 127 and 144 ms."""
    looking, turns, dice = (
        peak_p95_ms(FORGE, FORGE.base, routing=name, minutes=15, seed=2026)
        for name in ("fewest", "turns", "random")
    )
    assert looking.mean == pytest.approx(113, rel=0.02)
    assert turns.mean == pytest.approx(131, rel=0.03)
    assert dice.mean == pytest.approx(147, rel=0.03)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"routing": "fastest"}, "routing is one of"), ({"minutes": 0}, "minutes must be")],
)
def test_a_peak_that_cannot_be_run(options, words):
    with pytest.raises(ValueError, match=words):
        peak_p95_ms(FORGE, FORGE.base, **options)


LESSON = [key for key in EXERCISES if key.startswith("03-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    assert answers["03-predict"] == pytest.approx(4.1, abs=0.05)
    assert (answers["03-promise"], answers["03-merge"], answers["03-lines"]) == (7, 20, 6)


def test_the_mean_instead_of_the_95th():
    assert "not the P95" in EXERCISES["03-promise"].judge(FORGE, "6").message
