"""A rate that moves, drawn: what the approximations say beside the exact equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from queueing.lab.palette import BLUE, GREEN, INK, VERMILLION
from queueing.nonstationary import MtMc, PiecewiseLinear
from queueing.scenario.plan import expected_attempts, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from queueing.scenario import Scenario

_LINES = {
    "pointwise": (VERMILLION, ":"),
    "modified_offered_load": (BLUE, "--"),
    "fluid": (GREEN, "-."),
}
_CORNERS_AN_HOUR = 12  # of the rate, straight in between


def approximations(
    ax: Axes,
    station: MtMc,
    times: ArrayLike,
    *,
    quantity: str = "mean_number_in_system",
    start: int = 0,
) -> Axes:
    """Draw a quantity of `exact` over time, and by lines what each approximation makes of it.

    An approximation that says `inf` has no line there.
    """
    exact = station.exact(times, start)[quantity]
    errors = station.errors(times, start)
    ax.plot(exact.index, exact, color=INK, linewidth=2.2, label="exact")
    worst = []
    for method, (colour, dash) in _LINES.items():
        off = errors[method, quantity].replace([np.inf, -np.inf], np.nan)
        name = method.replace("_", " ")
        ax.plot(exact.index, exact + off, color=colour, linestyle=dash, label=name)
        worst.append(f"{name} {off.abs().max():.3g}{' and inf' if off.isna().any() else ''}")
    words = quantity.replace("_", " ")
    ax.set_xlabel("Seconds")
    ax.legend()
    ax.set_title(words[0].upper() + words[1:])
    ax.set_label(f"The {words} over time. Farthest from exact: {', '.join(worst)}.")
    return ax


def moving_threads(scenario: Scenario, threads: int) -> MtMc:
    """Return so many threads before the scenario's attempts at mails; their times exponential.

    Raises `ValueError` for a design without a queue, which has no threads.
    """
    made = plan(scenario, scenario.base)
    if made.job is None:
        raise ValueError("a design without a queue has no workers whose threads could be counted")
    traffic = scenario.traffic
    hours = np.linspace(0, traffic.horizon_h, round(_CORNERS_AN_HOUR * traffic.horizon_h) + 1)
    attempts = traffic.request_rate(hours) * made.mails_per_request * expected_attempts(made.job)
    corners = zip((3600 * hours).tolist(), attempts.tolist(), strict=True)
    return MtMc(
        arrival_rate=PiecewiseLinear(list(corners)),
        service_rate=1 / made.attempt_s,
        servers=threads,
    )


def four_ways(scenario: Scenario, *, threads: int, hours: Sequence[float]) -> pd.DataFrame:
    """Return the mails that wait at some hours, in the mean: exactly, and by each approximation."""
    station, times = moving_threads(scenario, threads), 3600 * np.asarray(hours, dtype=float)
    tables = {
        "pointwise": station.pointwise(times),
        "modified offered load": station.modified_offered_load(times),
        "fluid": station.fluid(times),
        "exact": station.exact(times),
    }
    waiting = {name: table["mean_queue_length"].to_numpy() for name, table in tables.items()}
    return pd.DataFrame(waiting, index=pd.Index(hours, name="hour"))
