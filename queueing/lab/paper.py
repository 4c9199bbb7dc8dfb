"""Paper: the few words of matplotlib's Axes that the figures use, written down as SVG.

A board redraws at every key press; matplotlib's own SVG takes longer than the eye forgives, these
few words take a millisecond. Whatever draws on a Paper draws on matplotlib's Axes as well, with
the same calls. What is black takes the colour of the page's text: light, dark or printed.
"""

import html
import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from queueing.lab.palette import INK

Floats = NDArray[np.float64]
Across = Literal["left", "center", "right"]
Upright = Literal["top", "center", "bottom", "baseline"]

_ANCHOR = {"left": "start", "center": "middle", "right": "end"}
_DROP = {"top": 0.8, "center": 0.35, "bottom": -0.2, "baseline": 0.0}  # of the font's size
_DASHES = {"-": "", "--": "6 3", "-.": "7 3 2 3", ":": "1.5 3"}
_FAINT = 0.14  # opacity of the lines at the ticks
_MUTED = 0.72  # opacity of words beside the matter
_ROOM = 14  # pixels below the base line from which the ticks get their labels
_HAIR = 0.1  # pixels
_MARKS = {  # paths from the middle of a mark, `h` half its size
    "o": "m-{h} 0a{h} {h} 0 1 0 {d} 0a{h} {h} 0 1 0-{d} 0z",
    "x": "m-{h}-{h}l{d} {d}m0-{d}l-{d} {d}",
    "D": "m0-{d}l{d} {d}l-{d} {d}l-{d}-{d}z",
}


class Paper:
    """A drawing area of `width` x `height` pixels, with margins for ticks and a title."""

    def __init__(
        self,
        width: float,
        height: float,
        *,
        left: float = 54,
        right: float = 12,
        top: float = 26,
        bottom: float = 22,
    ) -> None:
        self.width, self.height = width, height
        self._box = (left, top, width - left - right, height - top - bottom)
        self._x, self._y = (0.0, 1.0), (0.0, 1.0)
        self._x_ticks: list[tuple[float, str]] = []
        self._y_ticks: list[tuple[float, str]] = []
        self._title = self._label = ""
        self._framed = True
        self._marks: list[Callable[[], str]] = []  # drawn at the end, when the limits are known

    # What matplotlib's Axes understand too

    def set_xlim(self, left: float, right: float) -> None:
        """Set the values at the left and right edges."""
        self._x = (left, right)

    def set_ylim(self, bottom: float, top: float) -> None:
        """Set the values at the lower and upper edges."""
        self._y = (bottom, top)

    def set_xticks(self, ticks: Sequence[float], labels: Sequence[str]) -> None:
        """Set the values that are written below."""
        self._x_ticks = list(zip(ticks, labels, strict=True))

    def set_yticks(self, ticks: Sequence[float], labels: Sequence[str]) -> None:
        """Set the values that are written at the left, with a faint line each."""
        self._y_ticks = list(zip(ticks, labels, strict=True))

    def set_title(self, label: str, *, loc: Across = "left") -> None:
        """Write a title above."""
        self._title = label if loc == "left" else ""

    def set_axis_off(self) -> None:
        """Draw neither ticks nor base line."""
        self._framed = False

    def set_label(self, label: str) -> None:
        """Say in words what the picture shows: its alternative text."""
        self._label = label

    def get_label(self) -> str:
        """Return the alternative text."""
        return self._label

    def plot(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        color: str | None = None,
        linewidth: float = 2.0,
        linestyle: str = "-",
        alpha: float = 1.0,
    ) -> None:
        """Draw a line through the points."""
        self._mark(
            lambda: _tag(
                "polyline",
                points=_points(self._path(x, y)),
                fill="none",
                stroke=_paint(color),
                stroke_width=_n(linewidth),
                stroke_dasharray=_DASHES[linestyle],
                stroke_linejoin="round",
                stroke_opacity=_share(alpha),
            )
        )

    def scatter(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        s: float = 20.0,
        color: str | None = None,
        marker: str = "o",
        alpha: float = 1.0,
    ) -> None:
        """Draw a mark at each point: a disc "o", a cross "x", a diamond "D"; `s` is its square."""

        def marks() -> str:
            across, down = self._u(np.asarray(x, dtype=float)), self._v(np.asarray(y, dtype=float))
            half = math.sqrt(s) / 2 * 4 / 3  # a point is 4/3 pixels
            outline = _MARKS[marker].format(h=_n(half), d=_n(2 * half))
            places = (f"M{_n(u)} {_n(v)}{outline}" for u, v in zip(across, down, strict=True))
            stroked = marker == "x"
            return _tag(
                "path",
                d="".join(places),
                fill="none" if stroked else _paint(color),
                fill_opacity="" if stroked else _share(alpha),
                stroke=_paint(color) if stroked else "",
                stroke_opacity=_share(alpha) if stroked else "",
            )

        self._mark(marks)

    def fill_between(
        self,
        x: ArrayLike,
        y1: ArrayLike,
        y2: ArrayLike = 0.0,
        *,
        color: str | None = None,
        alpha: float = 1.0,
        linewidth: float = 0.0,
    ) -> None:
        """Fill the area from the points down to `y2`, a height or one for each point."""

        def area() -> str:
            line = self._path(x, y1)
            if np.ndim(y2):
                ends = self._path(x, y2)[::-1]
            else:
                base = self._v(y2)
                ends = np.array([[line[-1, 0], base], [line[0, 0], base]])
            points = _points(np.concatenate([line, ends]))
            return _tag(
                "polygon",
                points=points,
                fill=_paint(color),
                fill_opacity=_share(alpha),
                stroke=_paint(color) if linewidth else "",
                stroke_width=_n(linewidth) if linewidth else "",
            )

        self._mark(area)

    def axhline(
        self,
        y: float,
        *,
        color: str | None = None,
        linewidth: float = 1.0,
        linestyle: str = "-",
        alpha: float = 1.0,
    ) -> None:
        """Draw a line from edge to edge."""
        left, _, width, _ = self._box
        style: dict[str, Any] = {"color": color, "linewidth": linewidth, "linestyle": linestyle}
        self._mark(
            lambda: _line((left, self._v(y)), (left + width, self._v(y)), alpha=alpha, **style)
        )

    def axvspan(
        self,
        xmin: float,
        xmax: float,
        *,
        color: str | None = None,
        alpha: float = 1.0,
        linewidth: float = 0.0,
    ) -> None:
        """Shade from one value to another, over the whole height."""
        del linewidth  # a Paper draws no edge; matplotlib must be told so
        _, top, _, height = self._box

        def band() -> str:
            start, end = self._u(xmin), self._u(xmax)
            return _rect((start, top), end - start, height, color=color, alpha=alpha)

        self._mark(band)

    def barh(
        self,
        y: float,
        width: float,
        height: float = 0.8,
        left: float = 0.0,
        *,
        color: str | None = None,
        alpha: float = 1.0,
    ) -> None:
        """Draw a bar around `y`, from `left` on."""

        def bar() -> str:
            edges = sorted((self._v(y - height / 2), self._v(y + height / 2)))
            start, end = self._u(left), self._u(left + width)
            size = end - start, edges[1] - edges[0]
            return _rect((start, edges[0]), *size, color=color, alpha=alpha)

        self._mark(bar)

    def text(
        self,
        x: float,
        y: float,
        s: str,
        *,
        ha: Across = "left",
        va: Upright = "baseline",
        color: str | None = None,
        fontsize: float = 12,
        fontweight: str = "normal",
        alpha: float = 1.0,
    ) -> None:
        """Write words at a point; the words' side named by `ha` and `va` lies there."""
        self._mark(
            lambda: _words(
                self._u(x),
                self._v(y) + _DROP[va] * fontsize,
                s,
                anchor=_ANCHOR[ha],
                fill=color or "",
                font_size=_n(fontsize),
                font_weight="" if fontweight == "normal" else fontweight,
                fill_opacity=_share(alpha),
            )
        )

    # What becomes of it

    def markup(self) -> str:
        """Return all that was drawn as SVG elements, from (0, 0) to (width, height)."""
        frame = [*self._frame()] if self._framed else []
        title = (
            _words(0, 15, self._title, font_size="13", font_weight="bold") if self._title else ""
        )
        return "\n".join([*frame, *(mark() for mark in self._marks), title])

    def _frame(self) -> Iterable[str]:
        left, top, width, height = self._box
        for value, label in self._y_ticks:
            v = self._v(value)
            yield _line((left, v), (left + width, v), alpha=_FAINT)
            yield _words(left - 7, v + 4, label, anchor="end", font_size="11", fill_opacity=_MUTED)
        yield _line((left, top + height), (left + width, top + height), alpha=0.5)
        for value, label in self._x_ticks:
            u, v = self._u(value), top + height
            yield _line((u, v), (u, v + 4), alpha=0.5)
            if self.height - v > _ROOM:
                yield _words(u, v + 16, label, anchor="middle", font_size="11", fill_opacity=_MUTED)

    def _mark(self, mark: Callable[[], str]) -> None:
        self._marks.append(mark)

    def _u(self, x: Any) -> Any:
        low, high = self._x
        return self._box[0] + (x - low) / (high - low) * self._box[2]

    def _v(self, y: Any) -> Any:
        low, high = self._y
        return self._box[1] + (high - y) / (high - low) * self._box[3]

    def _path(self, x: ArrayLike, y: ArrayLike) -> Floats:
        u = self._u(np.asarray(x, dtype=float))
        v = self._v(np.clip(np.asarray(y, dtype=float), min(self._y), max(self._y)))
        return _thinned(np.column_stack([u, v]))


def _thinned(points: Floats) -> Floats:
    """Return the points without those that the line through the others passes by a hair.

    From each point that is kept runs the cone of directions that miss none of the points since.
    """
    if not len(points):
        return points
    u, v = points[:, 0].tolist(), points[:, 1].tolist()
    if any(after <= before for before, after in pairwise(u)):  # not a function of x: as it is
        return points
    kept, low, high = [0], -math.inf, math.inf
    for i in range(1, len(points)):
        ahead, rise = u[i] - u[kept[-1]], v[i] - v[kept[-1]]
        if not low <= rise / ahead <= high:
            kept.append(i - 1)
            ahead, rise = u[i] - u[i - 1], v[i] - v[i - 1]
            if ahead <= 0:
                return points
            low, high = -math.inf, math.inf
        low, high = max(low, (rise - _HAIR) / ahead), min(high, (rise + _HAIR) / ahead)
    return points[[*kept, len(points) - 1]]


def _n(value: float) -> str:
    """Return a length to a tenth of a pixel, as short as it can be written."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")  # and never -0.0


def _share(value: float) -> str:
    return "" if value >= 1 else f"{value:g}"


def _paint(color: str | None) -> str:
    return "currentColor" if color in {None, INK} else str(color)


def _points(points: Floats) -> str:
    return " ".join(f"{_n(u)},{_n(v)}" for u, v in points.tolist())


def _line(
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    color: str | None = None,
    linewidth: float = 1.0,
    linestyle: str = "-",
    alpha: float = 1.0,
) -> str:
    return _tag(
        "line",
        x1=_n(start[0]),
        y1=_n(start[1]),
        x2=_n(end[0]),
        y2=_n(end[1]),
        stroke=_paint(color),
        stroke_width=_n(linewidth),
        stroke_dasharray=_DASHES[linestyle],
        stroke_opacity=_share(alpha),
    )


def _rect(
    corner: tuple[float, float], width: float, height: float, *, color: str | None, alpha: float
) -> str:
    size = {"width": _n(max(width, 0.0)), "height": _n(max(height, 0.0))}
    x, y = (_n(value) for value in corner)
    return _tag("rect", x=x, y=y, **size, fill=_paint(color), fill_opacity=_share(alpha))


def _words(x: float, y: float, words: str, *, anchor: str = "", **attributes: Any) -> str:
    side = "" if anchor == "start" else anchor
    told = html.escape(words, quote=False)
    return _tag("text", told, x=_n(x), y=_n(y), text_anchor=side, **attributes)


def _tag(name: str, inside: str = "", **attributes: Any) -> str:
    """Return an element; attributes that are empty are left out."""
    told = "".join(
        f' {key.replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{told}>{inside}</{name}>" if inside else f"<{name}{told}/>"
