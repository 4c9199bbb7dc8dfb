"""A rate that moves, in the classroom: the figure of its approximations, and four ways to ask."""

import dataclasses
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.linalg import solve_banded

from queueing import erlang_c
from queueing.lab import moving
from queueing.nonstationary import MtMc, Sinusoid
from queueing.scenario import Scenario

STATION = MtMc(arrival_rate=Sinusoid(mean=8, amplitude=6, period=40), service_rate=1, servers=12)


def test_the_lines_are_the_approximations_and_the_label_tells_the_worst():
    times = np.linspace(0, 40, 21)
    ax = Figure().subplots()
    assert moving.approximations(ax, STATION, times, quantity="mean_queue_length") is ax
    lines = {line.get_label(): np.asarray(line.get_ydata()) for line in ax.lines}
    exact = STATION.exact(times)["mean_queue_length"].to_numpy()
    fluid = STATION.fluid(times)["mean_queue_length"].to_numpy()
    pointwise = STATION.pointwise(times)["mean_queue_length"].to_numpy()
    assert lines["exact"] == pytest.approx(exact)
    assert lines["fluid"] == pytest.approx(fluid, abs=1e-12)
    finite = np.isfinite(pointwise)
    assert lines["pointwise"][finite] == pytest.approx(pointwise[finite])
    assert np.isnan(lines["pointwise"][~finite]).all()
    assert f"fluid {np.abs(fluid - exact).max():.3g}" in ax.get_label()
    assert "and inf" in ax.get_label()
    assert mpl.get_backend()


def test_the_room_itself_does_without_matplotlib():
    code = "import sys, queueing.nonstationary; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def followed(scenario, threads, hours, states=900, step=1.0):
    """Mails that wait at some hours: Kolmogorov's equations by trapezoids, a second at a time."""
    job, traffic = scenario.job, scenario.traffic
    service = (job.render.mean_ms + job.smtp.mean_ms + job.ack.mean_ms) / 1000
    tries = sum(job.failure_probability**n for n in range(job.max_attempts))
    n = np.arange(states)
    leave = np.minimum(n, threads) / service
    p, waiting = (n == 0).astype(float), []
    begin = min(hours) - 4  # what was before is forgotten
    times = np.arange(begin * 3600, max(hours) * 3600 + step, step)
    rates = traffic.request_rate(times / 3600) * scenario.mails_per_request * tries
    for t, rate in zip(times, rates, strict=True):
        if t / 3600 in hours:
            waiting.append(p @ np.maximum(n - threads, 0))
        come = np.where(n < states - 1, rate, 0.0)
        flow = -(come + leave) * p
        flow[1:] += come[:-1] * p[:-1]
        flow[:-1] += leave[1:] * p[1:]
        bands = np.array([np.append(0, -leave[1:]), come + leave, np.append(-come[:-1], 0)])
        p = solve_banded((1, 1), bands * step / 2 + [[0], [1], [0]], p + step / 2 * flow)
    return waiting


def test_four_ways_to_ask_for_the_mails_that_wait():
    forge, hours = Scenario.load("mailforge"), [9, 10]
    table = moving.four_ways(forge, threads=41, hours=hours)
    assert table["exact"].to_numpy() == pytest.approx(followed(forge, 41, hours), rel=4e-3)
    loads = forge.traffic.request_rate(hours) / forge.traffic.peak_rate * 41.218075
    steady = [erlang_c(41, a) * a / (41 - a) for a in loads]
    assert table["pointwise"].to_numpy() == pytest.approx(steady, rel=1e-3)
    assert table["fluid"].tolist() == [0, 0]
    assert (table["modified offered load"] < table["pointwise"]).all()  # it is late, on the way up


def test_near_a_load_of_1_neither_the_steady_queue_nor_the_fluid_is_right():
    row = moving.four_ways(Scenario.load("mailforge"), threads=41, hours=[11]).iloc[0]
    assert np.isinf(row["pointwise"])
    assert row["fluid"] < 0.3 * row["exact"] < np.inf


def test_threads_without_a_queue_are_refused():
    forge = Scenario.load("mailforge")
    with pytest.raises(ValueError, match="no workers"):
        moving.moving_threads(dataclasses.replace(forge, base=forge.designs["A"]), 41)
