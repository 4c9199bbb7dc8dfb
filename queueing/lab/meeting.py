"""What a random moment meets: services end to end, and each counted by how long it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab.palette import GREY, INK, PURPLE
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.pooling import ticks_across
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from queueing.lab.mixed import Mixed

    Ax = TypeVar("Ax", Axes, Paper)
    Floats = NDArray[np.float64]

SHORT, SLOW = GREY, PURPLE


@dataclass(frozen=True)
class Met:
    """What random moments find: the share of slow services, and the seconds still to go."""

    slow: Estimate
    left: Estimate


def meet(
    case: Mixed, *, services: int = 20_000, looks: int = 20_000, replications: int = 20, seed: int
) -> Met:
    """Return what random moments find of services that a server never stops doing."""
    root, streams = seeds(seed, replications)
    found = []
    for stream in streams:
        dice = np.random.default_rng(stream)
        slow, ends = _work_through(case, services, dice)
        moments = dice.uniform(0, ends[-1], looks)
        hit = np.searchsorted(ends, moments, side="right")
        found.append((slow[hit].mean(), (ends[hit] - moments).mean()))
    shares, left = np.transpose(found).tolist()
    return Met(Estimate.of(shares, seed=root), Estimate.of(left, seed=root))


def strip_picture(case: Mixed, seed: int) -> Picture:
    """Return services end to end as a picture."""
    return Picture([[strip(Paper(780, 140, left=12, right=20), case, seed=seed)]])


def strip(ax: Ax, case: Mixed, services: int = 40, looks: int = 20, *, seed: int) -> Ax:
    """Draw services end to end, the slow ones dark, and random moments that look in from below."""
    dice = np.random.default_rng(seed)
    slow, ends = _work_through(case, services, dice)
    ends *= 1000
    longest = float(ends[-1])
    moments = np.sort(dice.uniform(0, longest, looks))
    hit = slow[np.searchsorted(ends, moments, side="right")]
    ax.set_xlim(0, longest)
    ax.set_ylim(0, 2.2)
    ticks_across(ax, longest, "ms")
    ax.set_yticks([], [])
    ax.set_title(f"{services} services end to end; below, {looks} moments at random")
    for number, (is_slow, end) in enumerate(zip(slow.tolist(), ends.tolist(), strict=True)):
        start = float(ends[number - 1]) if number else 0.0
        colour, alpha = (SLOW, 0.85) if is_slow else (SHORT, (0.2, 0.42)[number % 2])
        ax.barh(1.5, end - start, 0.9, start, color=colour, alpha=alpha)
    for moment, is_slow in zip(moments.tolist(), hit.tolist(), strict=True):
        if is_slow:
            ax.text(moment, 0.76, "▲", ha="center", va="center", fontsize=14, color=SLOW)
        else:
            ax.text(moment, 0.76, "△", ha="center", va="center", fontsize=14)
    told = f"▲ {hit.sum()} of the {looks} moments meet a {case.name}, △ the others another service"
    ax.text(0, 0.24, told, va="center", fontsize=12)
    ax.set_label(
        f"{slow.sum()} of {services} services are {case.name}s, yet {hit.sum()} of {looks} random "
        f"moments fall into one."
    )
    return ax


def meeting_picture(case: Mixed) -> Picture:
    """Return the services by their length, and below the same as a random moment meets them."""
    return Picture(
        [
            [
                lengths(Paper(780, 150, left=12, right=20), case),
                lengths(Paper(780, 170, left=12, right=20), case, met=True),
            ]
        ]
    )


def lengths(ax: Ax, case: Mixed, *, met: bool = False) -> Ax:
    """Draw how services are spread over their lengths; `met` counts each by its length."""
    longest = 1000 * min(3 * max(case.slow, case.short), 12 * case.mean_service)
    edges = np.linspace(0, longest, 101)
    middles = (edges[1:] + edges[:-1]) / 2
    weights = (1 - case.share, case.share)
    short, slow = (
        -weight * np.diff(np.asarray(law.sf(edges / 1000)))
        for weight, law in zip(weights, case.kinds, strict=True)
    )
    mean, part = 1000 * case.mean_service, case.share
    if met:
        short, slow = short * middles / mean, slow * middles / mean
        mean, part = mean * (1 + case.scv), case.slow_parts["work"]
    top = 1.15 * float((short + slow).max())
    ax.set_xlim(0, longest)
    ax.set_ylim(0, top)
    ticks_across(ax, longest, "ms")
    ax.set_yticks([], [])
    what = "What a random moment meets" if met else "Services"
    ax.set_title(f"{what}, by length")
    ax.fill_between(middles, short + slow, color=SHORT, alpha=0.3, linewidth=0)
    ax.fill_between(middles, slow, color=SLOW, alpha=0.7, linewidth=0)
    ax.plot(middles, short + slow, color=INK, linewidth=1.6)
    ax.plot([mean, mean], [0, top], linestyle="--", linewidth=1.4)
    ax.text(mean + 0.008 * longest, 0.86 * top, f"mean {mean:.1f} ms", fontsize=12)
    told = f"{case.name}s {100 * part:.0f} %"
    ax.text(0.57 * longest, 0.2 * top, told, fontsize=12, fontweight="600", color=SLOW)
    ax.set_label(
        f"{what}: {100 * part:.0f} % are {case.name}s, and the mean length is {mean:.1f} ms."
    )
    return ax


def _work_through(
    case: Mixed, services: int, dice: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats]:
    """Return which of some services are slow, and when each ends if one follows the other."""
    slow = dice.random(services) < case.share
    short_law, slow_law = case.kinds
    times = np.where(slow, slow_law.rvs(services, dice), short_law.rvs(services, dice))
    return slow, np.cumsum(times)
