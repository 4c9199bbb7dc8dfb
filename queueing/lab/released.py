"""What telemetry does in time: the minutes after a release, and a backlog that moves house."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from queueing.lab import words
from queueing.lab.palette import GREY, PURPLE, VERMILLION
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.streamed import Streams, backlogs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from queueing.scenario import Design, Scenario

    Ax = TypeVar("Ax", Axes, Paper)


def released(ax: Ax, scenario: Scenario, course: pd.DataFrame) -> Ax:
    """Draw the users' P95 by the minute after web-hooks began, over runs, beside theory."""
    promise = scenario.contract.p95_ms
    last = float(course.index[-1] + course.index[0])
    mean, low, high = course.mean(axis=1), course.min(axis=1), course.max(axis=1)
    top = 1.1 * max(float(high.max()), promise)
    ax.set_xlim(0, last)
    ax.set_ylim(0, top)
    ticks = range(0, int(last) + 1, 10)
    labels: list[str] = [f"{tick}" for tick in ticks]
    ax.set_xticks(list(ticks), [*labels[:-1], f"{labels[-1]} min"])
    heights = [part * promise for part in (0, 0.5, 1, 1.5, 2) if part * promise <= top]
    ax.set_yticks(heights, [f"{height:g}" for height in heights])
    ax.set_title("The users' P95 in ms, by minutes after the first mail with web-hooks")
    ax.axhline(promise, linestyle="--", linewidth=1.2, alpha=0.8)
    ax.text(1.01 * last, promise, "promised", va="center", fontsize=12)
    delay, events = scenario.tracking.hook_delay_mean_s / 60, scenario.tracking.events_per_mail
    minutes = np.linspace(0, last, 121)
    curve = Streams(scenario).curve
    come = events * -np.expm1(-minutes / delay)
    ax.plot(minutes, np.interp(come, curve[0], curve[1]), color=GREY, linestyle="-.", linewidth=2)
    for minute, least, most in zip(course.index, low, high, strict=True):
        ax.plot([minute, minute], [least, most], color=VERMILLION, linewidth=1.6, alpha=0.6)
        ax.text(minute, mean[minute], "●", ha="center", va="center", fontsize=12, color=VERMILLION)
    broken = mean.index[mean > promise]
    ax.text(0.05 * last, 0.96 * top, "●", ha="center", va="center", color=VERMILLION)
    ax.text(0.08 * last, 0.96 * top, "by chance: mean, least and most of the runs", va="center")
    ax.plot([0.03 * last, 0.07 * last], [0.88 * top] * 2, color=GREY, linestyle="-.", linewidth=2)
    ax.text(0.08 * last, 0.88 * top, "theory", va="center")
    first = f"above the promise from minute {broken[0]:g} on" if broken.size else "always kept"
    ax.set_label(
        f"The users' P95 after the first mail with web-hooks: {mean.iloc[0]:.0f} ms at minute "
        f"{course.index[0]:g}, {mean.iloc[-1]:.0f} ms at minute {course.index[-1]:g}; {first}."
    )
    return ax


def backlog_picture(scenario: Scenario, designs: Mapping[str, Design]) -> Picture:
    """Return the age of what waits before workers and sinks under some designs, side by side."""
    tables = {name: backlogs(scenario, design) for name, design in designs.items()}
    oldest = [float(table[["mails_s", "events_s"]].to_numpy().max()) for table in tables.values()]
    top = max(max(oldest) / 3600, 1.0)
    return Picture(
        [[ages(Paper(372, 220, right=16), name, table, top)] for name, table in tables.items()]
    )


def ages(ax: Ax, name: str, table: pd.DataFrame, top: float) -> Ax:
    """Draw the age of the oldest mail and the oldest event that wait, up to `top` hours."""
    hours = table.index.to_numpy(dtype=float)
    ax.set_xlim(0, hours[-1])
    ax.set_ylim(0, 1.35 * top)
    ticks = list(range(0, int(hours[-1]) + 1, 12))
    labels: list[str] = [f"{tick}" for tick in ticks]
    ax.set_xticks(ticks, [*labels[:-1], f"hour {labels[-1]}"])
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50) if top / step <= 5 or step == 50)
    heights = [step * number for number in range(int(top / step) + 1)]
    ax.set_yticks(heights, [f"{height:g} h" for height in heights])
    ax.set_title(name)
    told = []
    lines = (("mail", PURPLE, "-"), ("event", VERMILLION, "--"))
    for row, (kind, colour, dash) in enumerate(lines):
        age = table[f"{kind}s_s"] / 3600
        ax.plot(hours, age, color=colour, linestyle=dash, linewidth=2.2)
        y = (1.27 - 0.13 * row) * top
        ax.plot([1, 0.12 * hours[-1]], [y, y], color=colour, linestyle=dash, linewidth=2.2)
        oldest = 3600 * float(age.max())
        told.append(f"oldest {kind} {words.duration(oldest)}" if oldest else f"no {kind} waits")
        ax.text(0.14 * hours[-1], y, told[-1], va="center", fontsize=12)
    ax.set_label(f"{name}: {', '.join(told)}.")
    return ax
