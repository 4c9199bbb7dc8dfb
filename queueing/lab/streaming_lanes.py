"""Two lanes: the way of the mails and their events, and below it the users' path."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from queueing.lab import words
from queueing.lab.palette import BLUE, GREY, SYMBOLS, VERMILLION, verdict_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from queueing.lab.paper import Paper
    from queueing.lab.streamed import Flow, Stage, Streams

    Ax = TypeVar("Ax", Axes, Paper)

LANES = (430, 222)  # pixels
_BOX = (112, 52)
_PLACES = (0, 159, 318)  # where the boxes of a lane begin
_UPPER, _LOWER = 24, 128  # pixels from the top to the boxes of a lane

WAYS = {
    "sinks": "away to the sinks",
    "workers": "read by the workers",
    "servers": "as web-hooks at the users' servers",
}


def lanes(ax: Ax, streams: Streams, flow: Flow) -> Ax:
    """Draw the way of mails and events above, the users' path below, and what lies between."""
    width, height = LANES
    ax.set_xlim(-2, width + 2)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    mails = f"Mails, {words.count(flow.mails)} a second, and their events"
    ax.text(0, 15, mails, fontsize=13, fontweight="bold")
    kept = flow.p95_ms <= streams.scenario.contract.p95_ms
    users = f"Users, {words.count(streams.scenario.traffic.peak_rate)} requests a second"
    ax.text(0, 199, users, fontsize=13, fontweight="bold")
    told = f"{SYMBOLS[kept]} P95 {flow.p95_ms:,.0f} ms"
    ax.text(
        width, 199, told, ha="right", fontsize=13, fontweight="600", color=verdict_colour(kept=kept)
    )
    places = dict(zip(("workers", "stream", "sinks"), _PLACES, strict=True))
    for stage in flow.way:
        _box(ax, places[stage.name], _UPPER, stage, fullest=stage is flow.bottleneck)
    for left, stage in zip(_PLACES[1:], flow.path, strict=True):
        _box(ax, left, _LOWER, stage, fullest=stage is flow.bottleneck)
    middle = _LOWER + _BOX[1] / 2
    _arrow(ax, 0, _PLACES[1], middle, "")
    _arrow(ax, _PLACES[1] + _BOX[0], _PLACES[2], middle, "")
    _events(ax, flow)
    stages = ", ".join(f"{stage.name} {stage.load:.2f}" for stage in (*flow.way, *flow.path))
    apart = "nothing between them" if flow.route == "servers" else "a bulkhead between them"
    ax.set_label(
        f"{mails}, {WAYS[flow.route]}; {users.lower()}; {apart}. Loads (1 is full): {stages}. "
        f"The fullest: {flow.bottleneck.name}."
    )
    return ax


def _box(ax: Ax, left: float, top: float, stage: Stage, *, fullest: bool) -> None:
    """Draw a part with its load as a bar and a number; words say if it is the fullest, or full."""
    wide, high = _BOX
    right, low = left + wide, top + high
    ax.plot(
        [left, right, right, left, left],
        [top, top, low, low, top],
        linewidth=2.4 if fullest else 1.2,
        alpha=1 if fullest else 0.6,
    )
    colour = VERMILLION if stage.full or fullest else GREY
    share = min(stage.load, 1.0)
    ax.barh(low - 5, share * (wide - 8), 6, left + 4, color=colour, alpha=0.7)
    ax.text(left + 8, top + 17, stage.name, fontsize=13, fontweight="600")
    ax.text(right - 8, top + 36, f"{stage.load:.2f}", ha="right", fontsize=13)
    told = "✗ too full" if stage.full else "▲ fullest" if fullest else ""
    ax.text(left + 8, top + 36, told, fontsize=11)


def _arrow(ax: Ax, start: float, end: float, y: float, told: str) -> None:
    ax.plot([start, end - 6], [y, y], linewidth=1.6)
    ax.text(end - 6, y, "▶", ha="center", va="center", fontsize=11)
    ax.text((start + end) / 2 - 2, y - 7, told, ha="center", fontsize=11)


def _events(ax: Ax, flow: Flow) -> None:
    """Draw where the events go from the workers."""
    rate, middle = words.count(flow.events), _UPPER + _BOX[1] / 2
    wide, high = _BOX
    behind: float = _PLACES[0] + wide
    border = (_UPPER + high + _LOWER) / 2 + 4
    if flow.route == "servers":
        at = _PLACES[1] + wide / 2
        ax.plot([behind, at, at], [middle, middle, _LOWER - 8], linewidth=1.6)
        ax.text(at, _LOWER - 7, "▼", ha="center", va="center", fontsize=11)
        ax.text(at + 10, middle + 4, f"{rate} web-hooks a second", fontsize=12)
        ax.text(at + 10, middle + 22, "no bulkhead", fontsize=12, alpha=0.72)
        return
    ax.plot([0, LANES[0]], [border, border], linestyle="--", linewidth=1.6, color=BLUE)
    ax.text(LANES[0], border - 5, "bulkhead", ha="right", fontsize=11, alpha=0.72)
    for stage in flow.way[1:]:
        end = _PLACES[1] if stage.name == "stream" else _PLACES[2]
        _arrow(ax, behind, end, middle, f"{words.count(stage.rate)}/s")
        behind = end + wide
    if flow.route == "workers":
        start, back, low = _PLACES[1] + wide / 2, wide / 2, _UPPER + high
        ax.plot([start, start, back, back], [low, low + 13, low + 13, low + 7], linewidth=1.6)
        ax.text(back, low + 6, "▲", ha="center", va="center", fontsize=11)
        ax.text(start + 8, low + 15, "read by the workers", fontsize=11)
