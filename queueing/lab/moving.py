"""A rate that moves, drawn: what the approximations say beside the exact equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from queueing.lab.palette import BLUE, GREEN, INK, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from queueing.nonstationary import MtMc

_LINES = {
    "pointwise": (VERMILLION, ":"),
    "modified_offered_load": (BLUE, "--"),
    "fluid": (GREEN, "-."),
}


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
