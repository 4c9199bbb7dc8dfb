"""The retry storm's map: where a station collapses, by chance, and where theory says it can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from queueing.lab.palette import INK, VERMILLION
from queueing.retries import retry_fixed_points
from queueing.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from queueing.retries import RetryPolicy
    from queueing.stations import MMcK

_GOOD = 0.5  # of the jobs served in time: a settled point above is calm, one below a collapse


def storm_map(
    station: MMcK,
    *,
    arrival_rates: Sequence[float],
    timeouts: Sequence[float],
    retries: RetryPolicy,
    horizon: float = 3600.0,
    replications: int = 4,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return a row for each arrival rate and timeout: what chance and theory make of a station.

    `dead_letter_share`, `half_width` and `attempt_rate` are simulated from empty, the first half of
    the `horizon` (s) left out. `calm` and `collapse` say whether theory has a stable fixed point at
    which most jobs, or fewer, are served in time; with both the station is metastable.
    """
    rows = []
    for timeout in timeouts:
        for rate in arrival_rates:
            result = simulate(
                replace(station, arrival_rate=rate),
                retries=retries,
                timeout=timeout,
                horizon=horizon,
                warmup=horizon / 2,
                replications=replications,
                seed=seed,
            )
            dead, points = result.dead_letter_share, _stable(station, rate, timeout, retries)
            rows.append(
                {
                    "arrival_rate": rate,
                    "timeout": timeout,
                    "dead_letter_share": dead.mean,
                    "half_width": dead.half_width,
                    "attempt_rate": result.attempt_rate.mean,
                    "calm": bool((points > _GOOD).any()),
                    "collapse": bool((points <= _GOOD).any()),
                }
            )
    return pd.DataFrame(rows)


def _stable(station: MMcK, rate: float, timeout: float, retries: RetryPolicy) -> np.ndarray:
    """Return the shares of jobs served in time at theory's stable points."""
    table = retry_fixed_points(
        arrival_rate=rate,
        service_rate=station.service_rate,
        servers=station.servers,
        capacity=station.capacity,
        timeout=timeout,
        max_attempts=retries.max_attempts,
    )
    return np.asarray(table.goodput[table.stable] / rate)


def retry_map(ax: Axes, table: pd.DataFrame) -> Axes:
    """Draw a `storm_map`: dead letters per cent in each cell, and theory's two borders over it."""
    dead, calm, collapse = (
        table.pivot_table(index="timeout", columns="arrival_rate", values=name, aggfunc="first")
        for name in ("dead_letter_share", "calm", "collapse")
    )
    rows, columns = dead.shape
    ax.imshow(dead, cmap="Blues", vmin=0, vmax=1.6, origin="lower", aspect="auto")
    for row in range(rows):
        for column in range(columns):
            share = 100 * dead.to_numpy()[row, column]
            ax.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=10, color=INK)
    for border, colour, dash, words in (
        (collapse, VERMILLION, "--", "theory: may collapse, beyond this"),
        (~calm.astype(bool), INK, "-", "theory: must collapse, beyond this"),
    ):
        steps = border.astype(bool).to_numpy()
        ax.plot(*_edges(steps), color=colour, linestyle=dash, linewidth=2.4, label=words)
    ax.set_xticks(range(columns), [f"{rate:g}" for rate in dead.columns])
    ax.set_yticks(range(rows), [f"{timeout:g}" for timeout in dead.index])
    ax.set_xlabel("New jobs a second")
    ax.set_ylabel("Timeout, seconds")
    ax.set_title("Jobs that die, per cent")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False)
    lost = table[table.dead_letter_share > _GOOD]
    both = int((table.calm & table.collapse).sum())
    ax.set_label(
        f"Most jobs die in {len(lost)} of {len(table)} cells, from {lost.arrival_rate.min():g} new "
        f"jobs a second on; in {both} cells theory has a calm and a collapsed point."
    )
    return ax


def _edges(inside: np.ndarray) -> tuple[list[float], list[float]]:
    """Return a line around the cells that are `inside`, row by row, from their left edges on."""
    x, y = [], []
    for row, cells in enumerate(inside):
        first = int(np.argmax(cells)) if cells.any() else cells.size
        x += [first - 0.5, first - 0.5]
        y += [row - 0.5, row + 0.5]
    return x, y
