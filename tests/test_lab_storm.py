"""The storm's map: its cells are runs, its borders are theory's, its label tells what it finds."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing.lab import storm_maps as storm
from queueing.retries import RetryPolicy, exponential_backoff, retry_fixed_points
from queueing.simulation import simulate
from queueing.stations import MMcK

STATION = MMcK(arrival_rate=1, service_rate=1, servers=10, capacity=50)
RETRIES = RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=1, factor=2))


@pytest.fixture(scope="module")
def table():
    return storm.storm_map(
        STATION,
        arrival_rates=[3, 5, 7.5, 9.5],
        timeouts=[2, 3],
        retries=RETRIES,
        horizon=1200,
        replications=3,
        seed=1,
    )


def test_cells_are_runs_and_borders_are_the_fixed_points(table):
    row = table[(table.arrival_rate == 7.5) & (table.timeout == 3)].iloc[0]
    station = MMcK(arrival_rate=7.5, service_rate=1, servers=10, capacity=50)
    run = {"horizon": 1200, "warmup": 600, "replications": 3, "seed": 1}
    result = simulate(station, retries=RETRIES, timeout=3, **run)
    assert row.dead_letter_share == result.dead_letter_share.mean
    assert row.half_width == result.dead_letter_share.half_width
    points = retry_fixed_points(
        arrival_rate=7.5, service_rate=1, servers=10, capacity=50, timeout=3, max_attempts=3
    )
    assert points.stable.tolist() == [True, False, True]
    assert row.calm
    assert row.collapse


def test_where_theory_knows_one_state_the_run_is_in_it(table):
    only_calm = table[table.calm & ~table.collapse]
    only_collapse = table[table.collapse & ~table.calm]
    assert len(only_collapse) >= 2
    assert (only_collapse.dead_letter_share > 0.5).all()
    assert (only_calm.dead_letter_share < 0.5).all()
    assert table[table.arrival_rate == 3].dead_letter_share.max() < 0.1


def test_the_picture_says_what_the_table_says(table):
    ax = Figure().subplots()
    assert storm.retry_map(ax, table) is ax
    written = [text.get_text() for text in ax.texts]
    shares = table.sort_values(["timeout", "arrival_rate"]).dead_letter_share
    assert written == [f"{100 * share:.0f}" for share in shares]
    dead = int((table.dead_letter_share > 0.5).sum())
    assert f"Most jobs die in {dead} of 8 cells" in ax.get_label()
    both = int((table.calm & table.collapse).sum())
    assert f"in {both} cells theory has a calm and a collapsed point" in ax.get_label()
    border = next(line for line in ax.lines if "must" in line.get_label())
    calm = table.pivot_table(
        index="timeout", columns="arrival_rate", values="calm", aggfunc="first"
    ).astype(bool)
    assert np.asarray(border.get_xdata())[::2] + 0.5 == pytest.approx(calm.sum(axis=1).tolist())
