"""The fifth lesson's figures that stand alone: tails that average, servers that do not help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab.journey import P95, Journeys, inside
from queueing.lab.palette import BLUE, GREEN, INK, PURPLE, VERMILLION
from queueing.lab.pooling import milliseconds, sample_aside, ticks_across

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from queueing.distributions import Distribution
    from queueing.lab.paper import Paper
    from queueing.scenario import Scenario
    from queueing.simulation.estimate import Estimate

    Ax = TypeVar("Ax", Axes, Paper)

_STYLES = ((BLUE, "--", 2.2), (PURPLE, "-.", 2.2), (GREEN, ":", 2.2), (VERMILLION, "-", 1.1))
_LEAST = 0.004  # share of late requests at the foot of the tails
_MOST, _STEP = 40, 6  # servers, and how far apart those are that are worked out
_SCALE = (50, 100, 200, 500, 1000, 2000, 5000)  # ms


def tails(ax: Ax, laws: Mapping[str, Distribution], limit_ms: float | None = None) -> Ax:
    """Draw the share that takes longer than t, by law, in powers; P95 is where it passes 5 %.

    The last of the laws is the mixture of the others, and drawn as such: in ink, unbroken.
    """
    longest = 1000 * max(float(law.ppf(1 - _LEAST)) for law in laws.values())
    times, foot = np.linspace(0, longest, 101), math.log10(_LEAST)
    ax.set_xlim(0, longest)
    ax.set_ylim(foot, 0)
    ticks_across(ax, longest, "ms")
    marks = [0.01, 1 - P95, 0.2, 1.0]
    ax.set_yticks([math.log10(mark) for mark in marks], [f"{100 * mark:.0f} %" for mark in marks])
    ax.set_title("Share that takes longer than so many milliseconds")
    level = math.log10(1 - P95)
    ax.axhline(level, linestyle=":", alpha=0.8)
    if limit_ms is not None:
        ax.plot([limit_ms, limit_ms], [foot, 0], linestyle=":", linewidth=1.2, alpha=0.8)
        ax.text(limit_ms, 0, f" {limit_ms:g} ms promised", va="top", fontsize=11, alpha=0.72)
    told: list[str] = []
    styles = [*_STYLES[: len(laws) - 1], (INK, "-", 2.6)]
    for row, ((name, law), style) in enumerate(zip(laws.items(), styles, strict=True)):
        colour, dash, wide = style
        heights = np.log10(np.maximum(law.sf(times / 1000), _LEAST / 10))
        shown = heights >= foot
        ax.plot(times[shown], heights[shown], color=colour, linestyle=dash, linewidth=wide)
        p95 = float(law.ppf(P95))
        ax.text(1000 * p95, level, "●", ha="center", va="center", fontsize=12, color=colour)
        told.append(f"{name} {milliseconds(p95)}")
        y = 0.04 * foot + 0.085 * row * foot
        sample = [0.68 * longest, 0.73 * longest]
        ax.plot(sample, [y, y], color=colour, linestyle=dash, linewidth=wide)
        ax.text(0.745 * longest, y, f"{name}: P95 {milliseconds(p95)}", va="center", fontsize=12)
    ax.set_label(f"P95, where 5 % take longer: {', '.join(told)}.")
    return ax


def by_number(ax: Ax, scenario: Scenario, drawn: Mapping[int, Estimate]) -> Ax:
    """Draw P95 by number of servers, mails sent by queue and inside the request, and the promise.

    `drawn` has simulated values, ms, of designs that send inside the request.
    """
    limit, right = scenario.contract.p95_ms, 1.015 * _MOST
    ax.set_xlim(0, _MOST)
    ax.set_ylim(math.log10(_SCALE[0]), math.log10(_SCALE[-1]))
    marks: list[float] = [*range(0, _MOST + 1, 10)]
    ax.set_xticks(marks, [*(f"{mark:g}" for mark in marks[:-1]), f"{_MOST} servers"])
    ax.set_yticks([math.log10(mark) for mark in _SCALE], [f"{mark:,}" for mark in _SCALE])
    ax.set_title("P95 by number of servers, ms")
    ax.axhline(math.log10(limit), linestyle=":", linewidth=1.4)
    ax.text(right, math.log10(limit) + 0.09, f"promised: {limit:g}", va="center", fontsize=12)
    told: list[str] = []
    for name, design, colour, dashed, down in (
        ("by queue", scenario.base, BLUE, False, 0.11),
        ("inside", inside(scenario), PURPLE, True, 0.0),
    ):
        counts, heights = _curve(Journeys(scenario, design, _MOST))
        ax.plot(counts, heights, color=colour, linestyle="--" if dashed else "-", linewidth=2.2)
        told.append(f"{name}: {10 ** heights[-1]:,.0f}")
        place = right, heights[-1] - down
        sample_aside(ax, place, told[-1], gap=0.04 * _MOST, color=colour, dashed=dashed)
    for count, estimate in drawn.items():
        height = math.log10(estimate.mean)
        ax.text(count, height, "●", ha="center", va="center", fontsize=13, color=PURPLE)
    if drawn:
        count, height = max(drawn), math.log10(drawn[max(drawn)].mean)
        ax.text(count, height + 0.16, "● simulated", ha="right", va="center", fontsize=12)
    ax.set_label(f"P95 with {_MOST} servers, ms: {', '.join(told)}. Promised are {limit:g}.")
    return ax


def _curve(journeys: Journeys) -> tuple[list[int], list[float]]:
    """Return numbers of servers, the first ones all, and the logarithm of P95 in ms."""
    least = journeys.least
    counts = sorted({*range(least, least + 4), *range(least, journeys.most, _STEP), journeys.most})
    return counts, [math.log10(1000 * journeys[count].card.peak.p95_s) for count in counts]
