"""The board, the figures and the exercises of 05_request_path."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import signal, stats

from queueing import mixture
from queueing.lab.journey import Journey, Journeys, crowded, inside, stages, total
from queueing.lab.picture import draw
from queueing.lab.register import EXERCISES
from queueing.lab.request_figures import by_number, tails
from queueing.lab.request_path import by_class, late_by_servers, numbers, path_board, share
from queueing.scenario import Scenario
from queueing.scenario.peak import peak, peak_p95_ms

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")
LARGE = "m6i.large multi-AZ 50 GB"


@pytest.fixture(scope="module")
def usual():
    return Journey(FORGE, FORGE.base)


@pytest.fixture(scope="module")
def drawn():
    return peak(FORGE, FORGE.base, minutes=30, seed=2026)


# The stages of a way


def test_a_way_has_the_stages_of_the_scenario():
    send = {name: 1000 * law.mean() for name, law in stages(FORGE, "send").items()}
    assert send == pytest.approx(
        {"load balancer": 1.5, "processor": 18, "database": 6, "database 2": 6, "enqueue": 15}
    )
    assert list(stages(FORGE, "stats")) == ["load balancer", "processor", "cache"]
    assert stages(FORGE, "stats", "miss")["database"].mean() == pytest.approx(0.08)
    late = stages(FORGE, "send", design=inside(FORGE))
    assert late["SMTP"].mean() == pytest.approx(0.8)
    assert late["processor 2"].mean() == pytest.approx(0.035)


def test_the_p95_of_a_sum_by_convolution_on_a_grid():
    step = 0.02
    t = step * np.arange(20_000)
    laws = ((18, 1.0), (6, 1.5), (6, 1.5), (15, 1.0))  # ms, scv: CPU, write, write, enqueue
    whole = np.array([1.0])
    for mean, scv in laws:
        cells = np.diff(stats.gamma(1 / scv, scale=mean * scv).cdf(np.append(t, t[-1] + step)))
        whole = signal.fftconvolve(whole, cells)[: t.size]
    middle = len(laws) * step / 2  # a cell's mass lies in its middle
    expected = 1.5 + t[np.searchsorted(np.cumsum(whole), 0.95)] + middle
    way = total(stages(FORGE, "send").values())
    assert 1000 * float(way.ppf(0.95)) == pytest.approx(expected, abs=2 * step)
    added = sum(1000 * float(law.ppf(0.95)) for law in stages(FORGE, "send").values())
    assert added > 140 > expected


def test_means_and_variances_add_up():
    laws = stages(FORGE, "stats", "miss").values()
    assert total(laws).mean() == pytest.approx(0.0015 + 0.016 + 0.0008 + 0.08)
    variance = 0.016**2 + 0.5 * 0.0008**2 + 1.5 * 0.08**2
    assert total(laws).var() == pytest.approx(variance)


# A journey


def test_the_parts_of_a_class_are_its_mean_time(usual):
    for name, law in usual.card.peak.classes.items():
        assert math.fsum(usual.parts[name].values()) == pytest.approx(law.mean(), rel=1e-9)
    assert math.fsum(usual.mean_parts.values()) == pytest.approx(usual.card.peak.response.mean())
    assert usual.parts["stats"]["database"] == pytest.approx(0.15 * 0.08)


def test_the_late_share_is_the_mean_of_the_classes(usual):
    shares = {name: kind.share for name, kind in FORGE.classes.items()}
    averaged = sum(shares[name] * late for name, late in usual.late.items())
    assert usual.late_share == pytest.approx(averaged, rel=1e-6)
    assert list(usual.late_classes) == ["preview"]


@pytest.mark.parametrize("changes", [{"servers": 3}, {}, {"hit_ratio": 0.7}, {"hit_ratio": 0.5}])
def test_keeping_is_a_p95_within_the_promise(changes):
    journey = Journey(FORGE, FORGE.design(**changes))
    assert journey.keeps == (journey.card.p95_ms <= 140)
    assert journey.cost == pytest.approx(journey.card.cost)


def test_a_way_without_waits_by_dice():
    rng, size = np.random.default_rng(2026), 400_000

    def gamma(mean, scv):
        return rng.gamma(1 / scv, mean * scv, size)

    missed = rng.random((2, size)) > np.array([[0.85], [0.80]])
    query, reads = gamma(80, 1.5), gamma(3, 1.5) + gamma(3, 1.5)
    sigma = math.sqrt(math.log(3))
    smtp = rng.lognormal(math.log(800) - sigma**2 / 2, sigma, size)
    write = gamma(18, 1) + gamma(6, 1.5) + gamma(6, 1.5)
    kind = rng.choice(4, size, p=[0.25, 0.10, 0.25, 0.40])
    others = [
        gamma(85, 0.6) + gamma(3, 1.5),
        gamma(16, 1) + gamma(0.8, 0.5) + query * missed[0],
        gamma(14, 1) + gamma(0.8, 0.5) + reads * missed[1],
    ]
    for send, design in (
        (write + gamma(15, 1), FORGE.base),
        (write + gamma(35, 0.6) + smtp, inside(FORGE)),
    ):
        times = 1.5 + np.choose(kind, [send, *others])
        bare = 1000 * float(Journey(FORGE, design).bare.ppf(0.95))
        assert np.mean(times > bare) == pytest.approx(0.05, abs=4 * math.sqrt(0.0475 / size))


def test_no_number_of_servers_beats_a_way_without_waits():
    for base in (FORGE.base, inside(FORGE)):
        journeys = Journeys(FORGE, base, 40)
        floor = float(journeys[1].bare.ppf(0.95))
        p95s = [journeys[servers].card.peak.p95_s for servers in (12, 20, 40)]
        assert min(p95s) >= floor
        assert p95s[-1] == pytest.approx(floor, rel=0.01)


# Little's law


def test_busy_slots_by_little_and_by_chance(usual, drawn):
    slots, places = usual.busy["slots"]
    assert places == 20
    assert slots == pytest.approx(usual.rate * usual.held)
    assert slots == pytest.approx(drawn.slots_busy.mean, rel=0.03)
    crowd = peak(FORGE, FORGE.design(hit_ratio=0.7), minutes=10, seed=2026)
    assert slots != pytest.approx(crowd.slots_busy.mean, rel=0.03)


def test_slots_held_for_the_receiving_server():
    journey = Journey(FORGE, inside(FORGE, 12))
    found = peak(FORGE, journey.design, minutes=15, seed=2026)
    slots, places = journey.busy["slots"]
    assert places == 60
    assert slots == pytest.approx(found.slots_busy.mean, rel=0.02)
    assert journey.busy["cpu"][0] == pytest.approx(journey.rate * (0.0226 + 0.25 * 0.035), rel=1e-6)


def test_a_slow_database_fills_slots_and_not_processors(usual):
    cold = Journey(FORGE, FORGE.design(hit_ratio=0.4))
    assert cold.busy["cpu"] == pytest.approx(usual.busy["cpu"])
    assert cold.busy["slots"][0] > 2 * usual.busy["slots"][0]


def test_no_more_are_busy_than_there_are():
    for design in (FORGE.design(hit_ratio=0.0), inside(FORGE, 4), FORGE.design(servers=1)):
        busy = Journey(FORGE, design).busy.values()
        assert all(number <= places for number, places in busy)


def test_web_hooks_hold_slots_too():
    first = Journey(FORGE, FORGE.designs["A"])
    assert first.rate > 2 * FORGE.traffic.peak_rate


# A steady peak by chance


def test_the_classes_of_the_peak_by_an_independent_simulation(drawn):
    """The independent simulation of the scenario's page gave 101, 221, 110 and 52 ms."""
    published = {"send": 101, "preview": 221, "stats": 110, "list": 52}
    means = {name: found.mean for name, found in drawn.class_p95_ms.items()}
    assert means == pytest.approx(published, rel=0.02)


def test_theory_is_as_good_as_it_says(usual, drawn):
    theory = usual.card.class_p95_ms
    means = {name: found.mean for name, found in drawn.class_p95_ms.items()}
    assert theory == pytest.approx(means, rel=0.06)
    busier = Journey(FORGE, FORGE.design(servers=3)).card.class_p95_ms
    assert busier != pytest.approx(means, rel=0.06)


def test_the_p95_of_a_peak_alone_is_that_of_the_peak():
    options = {"minutes": 2, "replications": 2, "seed": 7}
    assert peak_p95_ms(FORGE, FORGE.base, **options) == peak(FORGE, FORGE.base, **options).p95_ms


# The fewest servers


@pytest.mark.parametrize(
    ("changes", "users", "fewest"),
    [
        ({}, 2600, 3),
        ({"hit_ratio": 0.8}, 2600, 4),
        ({"database": LARGE, "hit_ratio": 0.6}, 2600, 4),
        ({}, 5200, 6),
        ({"hit_ratio": 0.5}, 2600, None),
        ({"hit_ratio": 0.85}, 6500, None),
        ({"queue": None, "workers": 0}, 2600, None),
    ],
)
def test_the_fewest_servers_by_trying_them_all(changes, users, fewest):
    scenario = crowded(FORGE, users)
    journeys = Journeys(scenario, scenario.design(servers=1, **changes), 20)
    assert journeys.fewest == fewest
    tried = range(1, (fewest or 21))
    for servers in tried if fewest else (*range(1, 8), 20):
        design = scenario.design(servers=servers, **changes)
        assert scenario.evaluate(design).p95_ms > 140
    if fewest:
        assert scenario.evaluate(scenario.design(servers=fewest, **changes)).p95_ms <= 140


def test_a_crowd_asks_more():
    assert crowded(FORGE, 2600) is FORGE
    assert crowded(FORGE, 5200).traffic.peak_rate == pytest.approx(2 * FORGE.traffic.peak_rate)
    assert crowded(FORGE, 60).traffic.peak_rate == pytest.approx(60 / 14.06)


# The board


def test_a_slider_moves_picture_words_and_twin():
    board = path_board(FORGE)
    before = board.picture.alternative, board.view.value
    assert before[0].startswith("95 % are answered within 114 ms")
    assert "3 servers 491.40 USD" in before[0]
    board.controls["hits"].slider.value = 40
    assert board.picture.alternative.startswith("95 % are answered within 276 ms")
    assert board.view.value != before[1]
    assert "276 ms" in board._repr_mimebundle_()["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


def test_without_a_queue_no_number_of_servers_will_do():
    board = path_board(FORGE)
    board.controls["queued"].box.value = False
    assert "55 % are turned away" in board.picture.alternative
    board.controls["servers"].slider.value = 12
    told = board.picture.alternative
    assert told.startswith("95 % are answered within 1,186 ms")
    assert "no number of servers If nobody ever waited, P95 would still be 1,183 ms" in told


def test_a_larger_database_helps_where_servers_do_not():
    board = path_board(FORGE)
    board.controls["hits"].slider.value = 60
    assert "not enough The database is busy 5" in board.picture.alternative
    board.controls["large"].box.value = True
    assert "4 servers 676.53 USD" in board.picture.alternative


@pytest.mark.parametrize("scenario", [FORGE, SISTER], ids=["forge", "sister"])
@pytest.mark.parametrize("end", ["low", "high"])
def test_sliders_at_their_ends(scenario, end):
    board = path_board(scenario)
    for queued in (True, False):
        board.controls["queued"].box.value = queued
        for name in ("servers", "users", "hits"):
            slider = board.controls[name].slider
            slider.value = slider.min if end == "low" else slider.max
            assert "nan" not in board.view.value
            assert "inf" not in board.view.value.replace("infinity", "")
            assert board.refusal == ""


def test_shares_in_words():
    assert [share(part) for part in (0, 0.00111, 0.0316, 0.0996, 1)] == [
        "0 %",
        "0.11 %",
        "3.2 %",
        "10 %",
        "100 %",
    ]


def test_the_figures_draw_on_matplotlib_too(usual):
    axes = Figure().subplots()
    journeys = Journeys(FORGE, FORGE.base, 20)
    assert numbers(axes, journeys, 4) is axes
    assert by_class(axes, usual) is axes
    assert late_by_servers(axes, journeys, 4) is axes
    hit, miss = (total(stages(FORGE, "stats", way).values()) for way in ("hit", "miss"))
    assert tails(axes, {"hit": hit, "miss": miss, "all": hit}, 140.0) is axes


def test_tails_name_the_p95_of_a_mixture():
    hit, miss = (total(stages(FORGE, "stats", way).values()) for way in ("hit", "miss"))
    told = draw(tails, {"hit": hit, "miss": miss, "all": mixture([(0.85, hit), (0.15, miss)])})
    assert told.alternative == "P95, where 5 % take longer: hit 50.2 ms, miss 297 ms, all 105 ms."


def test_the_curves_end_far_apart():
    told = draw(by_number, FORGE, {12: peak_p95_ms(FORGE, inside(FORGE, 12), minutes=1, seed=1)})
    assert "by queue: 108, inside: 1,184. Promised are 140." in told.alternative


# The exercises

LESSON = [key for key in EXERCISES if key.startswith("05-")]


def test_the_exercises_answers(usual):
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    late = {name: 1 - float(law.cdf(0.14)) for name, law in usual.card.peak.classes.items()}
    mixed = 25 * late["send"] + 20 * late["preview"] + 25 * late["stats"] + 30 * late["list"]
    assert answers["05-mix"] == pytest.approx(mixed)
    held = 0.0226 + 0.25 * (2 * 0.006 + 0.035 + 0.8) + 0.1 * 0.003 + 0.65 * 0.0008
    held += 0.25 * 0.15 * 0.08 + 0.4 * 0.2 * 2 * 0.003
    assert answers["05-slots"] == math.ceil(2600 / 14.06 * held / (0.6 * 5)) == 15
    found = [FORGE.evaluate(FORGE.design(hit_ratio=h / 100)).p95_ms for h in (59, 60, 61)]
    assert [round(p95) == 157 for p95 in found] == [False, True, False]
    assert answers["05-cold"] == 62
    assert "152 ms" in EXERCISES["05-cold"].question(FORGE)


def test_the_prediction_by_chance():
    found = peak_p95_ms(FORGE, inside(FORGE, 24), minutes=15, seed=2026)
    assert EXERCISES["05-predict"].answer(FORGE) == pytest.approx(found.mean, rel=0.01)


def test_sizing_by_the_processors_is_met_with_its_own_words():
    assert "no processor works then" in EXERCISES["05-slots"].judge(FORGE, "5").message
