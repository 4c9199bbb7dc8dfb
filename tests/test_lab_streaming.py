"""The board, the figures and the exercises of 09_streams_and_telemetry."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import integrate

from queueing.lab import draw
from queueing.lab.register import EXERCISES
from queueing.lab.released import ages, backlog_picture, released
from queueing.lab.streamed import (
    MOST_EVENTS,
    Streams,
    backlogs,
    events_per_second,
    fewest,
    noisier,
    sink_rate,
    stream_rate,
    tandem,
)
from queueing.lab.streaming import felt, numbers, stream_board, stream_picture
from queueing.lab.streaming_lanes import lanes
from queueing.scenario import Scenario
from queueing.scenario.peak import p95_course_ms, peak_p95_ms
from queueing.simulation import Estimate

FORGE = Scenario.load("mailforge")
SISTER = Scenario.load("guided-queues-and-workers")
SHARED = FORGE.design(shards=0, sinks=0)
REQUESTS = 2600 / 14.06  # a second at the peak, but for the foot of the ramp
MAILS = REQUESTS / 4


@pytest.fixture(scope="module")
def streams():
    return Streams(FORGE)


# Rates and loads


def test_events_are_mails_times_events():
    assert events_per_second(FORGE) == pytest.approx(6 * MAILS, rel=1e-4)
    assert events_per_second(noisier(FORGE, 20)) == pytest.approx(20 * MAILS, rel=1e-4)


def test_the_database_load_is_the_sum_of_users_and_web_hooks(streams):
    users = 0.25 * 2 * 6 + 0.1 * 3 + 0.25 * 0.15 * 80 + 0.4 * 0.2 * 2 * 3  # ms a request
    for events in (0, 3, 6):
        flow = streams.flow(events, shards=0, sinks=0, workers=5)
        hooks = events * 0.25 * 8
        expected = REQUESTS * (users + hooks) / 4 / 1000
        assert flow.path[1].load == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("parts", [(1, 1), (2, 1), (1, 0), (0, 1), (0, 0)], ids=str)
@pytest.mark.parametrize("events", [0, 4, 6])
def test_a_flow_is_what_the_scorecard_says(streams, parts, events):
    shards, sinks = parts
    flow = streams.flow(events, shards=shards, sinks=sinks, workers=5)
    loud = noisier(FORGE, events)
    card = loud.evaluate(loud.design(shards=shards, sinks=sinks))
    loads = card.stations.max()
    by_name = {stage.name: stage.load for stage in (*flow.way, *flow.path)}
    assert by_name["workers"] == pytest.approx(loads["workers"])
    assert by_name["servers"] == pytest.approx(loads["cpu"])
    assert by_name["database"] == pytest.approx(loads["database"])
    assert by_name.get("sinks", 0) == pytest.approx(loads.get("sink", 0))
    assert flow.p95_ms == pytest.approx(card.p95_ms)
    assert flow.uptime == pytest.approx(card.availability)
    if flow.route != "servers":  # with them less is up, and a little less is sent
        assert flow.oldest_mail_s == pytest.approx(card.oldest_mail_s)
    assert flow.cost == pytest.approx(card.cost)


def test_workers_that_cannot_keep_up_pass_on_what_they_can(streams):
    for workers in (1, 3, 5):
        passed = tandem(FORGE, workers=workers).throughput[1]
        flow = streams.flow(6, shards=1, sinks=1, workers=workers)
        assert flow.mails == pytest.approx(passed, rel=1e-6)
        assert flow.events == pytest.approx(6 * passed, rel=1e-6)
    slowed = streams.flow(6, shards=0, sinks=0, workers=3)
    assert slowed.p95_ms < streams.flow(6, shards=0, sinks=0, workers=5).p95_ms


def test_the_stream_moves_at_the_slower_of_shards_and_sinks():
    rates = {(n, m): stream_rate(FORGE, n, m) for n in (1, 2) for m in (1, 2)}
    assert rates == pytest.approx(
        {(1, 1): 2500 / 3, (1, 2): 1000, (2, 1): 2500 / 3, (2, 2): 5e3 / 3}
    )


@pytest.mark.parametrize("events", [6, 18, 19, 20, 22, 30, 40])
def test_the_fewest_shards_and_sinks_keep_up_and_one_less_does_not(events):
    loud = noisier(FORGE, events)
    shards, sinks = fewest(loud)
    rate = events_per_second(loud)
    assert stream_rate(loud, shards, sinks) > rate
    assert stream_rate(loud, shards - 1, sinks) <= rate
    assert stream_rate(loud, shards, sinks - 1) <= rate


# The noisiest telemetry


def keeps(scenario, events, design):
    loud = noisier(scenario, events)
    card, contract = loud.evaluate(design), scenario.contract
    taken = events_per_second(loud) if card.worker_load <= 1 else 0
    room = design.shards * 1000 if design.shards else np.inf
    if design.sinks:
        room = min(room, sink_rate(loud, design.sinks))
    return (
        card.p95_ms <= contract.p95_ms
        and card.availability >= contract.uptime
        and card.oldest_mail_s <= contract.freshness_s
        and (taken < room or not (design.shards or design.sinks))
    )


@pytest.mark.parametrize("scenario", [FORGE, SISTER], ids=["mailforge", "sister"])
@pytest.mark.parametrize("parts", [(0, 0), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2)], ids=str)
def test_the_noisiest_telemetry_is_that_of_trying_all(scenario, parts):
    design = scenario.design(shards=parts[0], sinks=parts[1])
    tried = range(9) if parts == (0, 0) else range(MOST_EVENTS + 1)
    best = max(events for events in tried if keeps(scenario, events, design))
    streams = Streams(scenario)
    assert streams.noisiest(shards=parts[0], sinks=parts[1], workers=5) == best


def test_too_few_workers_stand_no_telemetry_at_all(streams):
    assert streams.noisiest(shards=1, sinks=1, workers=3) is None


def test_the_curve_is_the_scorecards_and_rises_until_the_database_is_full(streams):
    events, p95_ms, _ = streams.curve
    for number in (0, 3, 5, 7):
        exact = noisier(FORGE, number).evaluate(SHARED).p95_ms
        assert p95_ms[events == number] == pytest.approx(exact)
    assert np.all(np.diff(p95_ms[events <= 7.4]) > 0)
    between = noisier(FORGE, 4.25).evaluate(SHARED).p95_ms
    assert np.interp(4.25, events, p95_ms) == pytest.approx(between, rel=0.01)


# Backlogs


def test_the_backlog_of_events_is_the_area_above_what_the_sinks_do():
    table = backlogs(noisier(FORGE, 20), FORGE.base)

    def surplus(hour):
        up = FORGE.evaluate(FORGE.base).availability
        mails = float(FORGE.traffic.request_rate(hour)) / 4 * up
        return 3600 * (20 * mails - 10_000 / 12)

    crest = table["events"].idxmax()
    start = next(h for h in table.index if surplus(h) > 0)
    area, _ = integrate.quad(surplus, start, crest, limit=200)
    assert table["events"].max() == pytest.approx(area, rel=2e-3)
    assert table["mails"].max() == 0
    worst = table["events_s"].max()
    assert worst == pytest.approx(table["events"].max() / (10_000 / 12), rel=0.01)


def test_what_the_workers_hold_back_spares_the_sink():
    table = backlogs(noisier(FORGE, 20), FORGE.design(workers=3))
    assert table["events"].max() == 0
    assert table["mails_s"].max() > 8 * 3600


# Chance


def test_p95_climbs_with_the_web_hooks_to_what_theory_says():
    course = p95_course_ms(FORGE, SHARED, minutes=60, step=10, replications=4, seed=1)
    assert course.shape == (6, 4)
    assert course.index.tolist() == [5, 15, 25, 35, 45, 55]
    mean = course.mean(axis=1)
    assert mean[5] < 140 < mean[25]
    theory = FORGE.evaluate(SHARED).p95_ms
    assert abs(Estimate.of(course.loc[50:].mean().tolist()).mean - theory) < 0.15 * theory
    assert mean.iloc[-1] > 1.5 * mean.iloc[0]


def test_a_peak_with_web_hooks_is_measured_when_they_all_have_come():
    settled = peak_p95_ms(FORGE, SHARED, minutes=10, replications=2, seed=1)
    apart = peak_p95_ms(FORGE, FORGE.base, minutes=10, replications=2, seed=1)
    assert settled.mean > 1.7 * apart.mean


def test_four_events_a_mail_are_kept_and_five_are_not_by_chance_too():
    found = [
        peak_p95_ms(noisier(FORGE, events), SHARED, replications=2, seed=1).mean
        for events in (4, 5)
    ]
    assert found[0] < 140 < found[1]


# The board


def test_a_slider_moves_picture_words_and_twin():
    board = stream_board(FORGE)
    before = board.picture.alternative, board.view.value
    assert before[0].startswith("Keeps the promise: 277 events a second, away to the sinks")
    assert "isolated: 18 events a mail" in before[0]
    assert "shared: 4 events a mail" in before[0]
    board.controls["sinks"].slider.value = 2
    assert "isolated: 21 events a mail" in board.picture.alternative
    assert board.view.value != before[1]
    shown = board._repr_mimebundle_()
    assert "isolated: 21 events a mail" in shown["image/svg+xml"]
    assert 'role="img"' in shown["image/svg+xml"]
    board.reset()
    assert board.picture.alternative == before[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"shards": 0, "sinks": 0}, ("Breaks the promise: P95 and uptime", "fullest: database")),
        ({"events": 20}, ("Breaks the promise: events", "fullest: sinks")),
        ({"events": 20, "sinks": 2}, ("Keeps the promise", "fullest: stream")),
        ({"events": 20, "sinks": 0}, ("Breaks the promise: oldest mail", "fullest: workers")),
        ({"workers": 3}, ("Breaks the promise: oldest mail", "isolated: none")),
        ({"shards": 0, "sinks": 0, "workers": 4}, ("Breaks the promise in 3 points", "none")),
        ({"shards": 2, "sinks": 2}, ("Keeps the promise", "30 events a mail or more")),
        ({"events": 0}, ("Keeps the promise", "neither shards nor sinks are needed")),
    ],
    ids=str,
)
def test_what_the_board_says(changes, told):
    board = stream_board(FORGE)
    for name, value in changes.items():
        board.controls[name].slider.value = value
    for part in told:
        assert part in board.picture.alternative


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("scenario", [FORGE, SISTER], ids=["mailforge", "sister"])
def test_sliders_at_their_ends(end, scenario):
    board = stream_board(scenario)
    for control in board.controls.values():
        control.slider.value = control.slider.min if end == "low" else control.slider.max
        assert "nan" not in board.view.value
        assert "inf" not in board.view.value.replace("info", "")
    assert board.refusal == ""


def test_bulkhead_and_bottleneck_are_told_by_line_word_and_symbol(streams):
    apart = stream_picture(streams, streams.flow(6, shards=1, sinks=1, workers=5)).svg
    assert ">bulkhead<" in apart
    assert apart.count("▲ fullest") == 1
    together = stream_picture(streams, streams.flow(6, shards=0, sinks=0, workers=5)).svg
    assert ">no bulkhead<" in together
    assert "277 web-hooks a second" in together
    full = stream_picture(streams, streams.flow(20, shards=1, sinks=1, workers=5)).svg
    assert full.count("✗ too full") == 1


@pytest.mark.parametrize("figure", [numbers, lanes, felt])
def test_the_figures_draw_on_matplotlib_too(streams, figure):
    axes = Figure().subplots()
    for shards, sinks in ((1, 1), (1, 0), (0, 1), (0, 0)):
        flow = streams.flow(6, shards=shards, sinks=sinks, workers=5)
        assert figure(axes, streams, flow) is axes


def test_the_minutes_after_a_release_and_the_ages():
    course = p95_course_ms(FORGE, SHARED, minutes=20, step=10, replications=2, seed=1)
    told = draw(released, FORGE, course).alternative
    assert "at minute 5" in told
    axes = Figure().subplots()
    assert released(axes, FORGE, course) is axes
    loud = noisier(FORGE, 20)
    table = backlogs(loud, FORGE.base)
    assert ages(axes, "5 workers", table, 4.0) is axes
    both = backlog_picture(loud, {f"{n} workers": FORGE.design(workers=n) for n in (3, 5)})
    assert "3 workers: oldest mail 8.8 hours, no event waits" in both.alternative
    assert "5 workers: no mail waits, oldest event 2.4 hours" in both.alternative


# The exercises

LESSON = [key for key in EXERCISES if key.startswith("09-")]


def test_the_exercises_answers():
    answers = {key: EXERCISES[key].answer(FORGE) for key in LESSON}
    assert (
        answers["09-predict"] == FORGE.evaluate(FORGE.designs["E without stream and sink"]).p95_ms
    )
    assert answers["09-log"] == pytest.approx(9, rel=0.01)
    assert answers["09-parts"] == np.ceil(40 * MAILS / 1000) + np.ceil(40 * MAILS / (2500 / 3))
    assert answers["09-moved"] == pytest.approx(22 * MAILS - 2500 / 3, rel=2e-3)
