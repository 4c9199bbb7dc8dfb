"""The figure of the approximations says what the table of their errors says."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing.lab import moving
from queueing.nonstationary import MtMc, Sinusoid

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
