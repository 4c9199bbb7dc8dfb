"""The figure of a trace: is Poisson believable, in which windows, and what else may be the case."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing.lab import read_trace, trace_picture
from queueing.lab.traced import amount, dispersion_by_window, rate_by_time, span, window_lengths
from queueing.scenario import ScenarioError, Trace

DAY = 86400.0


def poisson(rate: float, horizon_s: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0, horizon_s, rng.poisson(rate * horizon_s)))


def test_poisson_is_believed_and_its_rivals_are_not():
    """Of 60 Poisson traces hardly any is doubted; of even and of bursty ones all are."""
    rng = np.random.default_rng(4)
    doubted = sum(
        bool(read_trace(Trace.of_instants(poisson(1.0, 4000, seed))).far.any())
        for seed in range(60)
    )
    assert doubted <= 5
    even = read_trace(Trace.of_instants(np.cumsum(rng.gamma(4, 0.25, 4000))))
    assert even.verdict == "Poisson is not believable: too even"
    uneven = read_trace(Trace.of_instants(np.cumsum(rng.gamma(0.25, 4, 4000))))
    assert uneven.verdict == "Poisson is not believable: too uneven"
    assert "too kind" in uneven.told


def test_a_rate_that_moves_slowly_is_no_reason_to_doubt():
    """A wave of a day, thinned from a Poisson process of its highest rate."""
    rng = np.random.default_rng(8)
    many = poisson(0.2, 14 * DAY, 2)
    kept = many[rng.random(many.size) < 0.5 + 0.45 * np.sin(2 * np.pi * many / (14 * DAY))]
    reading = read_trace(Trace.of_instants(kept, horizon_s=14 * DAY))
    assert reading.believable_to_s >= 3600
    assert reading.table["index"].max() > 10


def test_a_rate_that_jumps_is_seen_from_where_it_jumps():
    """Counts a minute, with a factor for each half hour: neighbouring minutes hardly know it."""
    rng = np.random.default_rng(1)
    factors = np.repeat(rng.gamma(5, 0.2, 96), 30)
    reading = read_trace(Trace.of_counts(rng.poisson(20 * factors), step_s=60))
    local = reading.table["local"]
    assert local.loc[1800] == pytest.approx(1 + 0.2 * 600, rel=0.5)
    assert local.loc[60] < 3
    assert not math.isinf(reading.believable_to_s)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("jfk-departures", "Poisson is believable within 15 minutes, not beyond"),
        ("coal-mine-explosions", "Poisson is believable"),
        ("report-requests", "Poisson is not believable: too uneven"),
        ("report-log", "Poisson is believable"),
    ],
)
def test_the_traces_of_the_kit(name, verdict):
    trace = Trace.load(name)
    picture = trace_picture(trace)
    assert picture.alternative.startswith(f"{verdict}. ")
    assert f"{trace.number:,} arrivals" in picture.alternative
    assert "nan" not in picture.svg
    assert 'role="img"' in picture.svg


def test_windows_are_whole_steps_of_the_traces_clock():
    """Windows of 3.64 minutes hold three minutes of JFK's clock or four: that is no burst."""
    lengths = window_lengths(Trace.load("jfk-departures"))
    assert all(length % 60 == 0 for length in lengths)
    odd = Trace.load("jfk-departures").poisson_test(218.2)
    assert not odd.is_believable
    counts = Trace.of_counts(np.arange(400) % 7 + 1, step_s=7)
    assert all(length % 7 == 0 for length in window_lengths(counts))


@pytest.mark.parametrize(
    "trace",
    [
        Trace.of_instants(np.linspace(0, 1e-3, 50)),
        Trace.of_instants(np.linspace(0, 1e11, 50), horizon_s=2e11),
        Trace.of_instants(np.repeat([0.0, 5.0, 9.0], 10)),
        Trace.of_counts([0, 0, 30, 0], step_s=3600),
        Trace.of_counts([40, 30], step_s=1),
    ],
)
def test_odd_traces_make_a_picture_all_the_same(trace):
    picture = trace_picture(trace)
    assert "inf" not in picture.alternative
    assert "nan" not in picture.svg


def test_too_few_arrivals_say_nothing():
    with pytest.raises(ScenarioError, match="3 arrivals say nothing about Poisson"):
        trace_picture(Trace.of_instants([0, 1, 2]))


def test_the_rate_is_drawn_as_it_is_counted():
    trace = Trace.of_counts([2, 4, 6, 60], step_s=3600)
    told = rate_by_time(Figure().subplots(), trace, 3600).get_label()
    assert told.startswith("72 arrivals in 4 hours: 18 per hour in the mean, 60 at most")


def test_figures_draw_on_axes_too():
    trace = Trace.load("jfk-departures")
    for drawn in (
        rate_by_time(Figure().subplots(), trace, 7200),
        dispersion_by_window(Figure().subplots(), read_trace(trace)),
    ):
        assert drawn.texts
        assert drawn.lines


def test_words_for_lengths_and_amounts():
    assert [span(s) for s in (0.5, 1, 60, 5400, 7 * DAY, 3652 * DAY)] == [
        "0.5 seconds",
        "1 second",
        "1 minute",
        "1.5 hours",
        "7 days",
        "10 years",
    ]
    assert [amount(n) for n in (0.123, 45.93, 3126.4)] == ["0.123", "45.9", "3,126"]
