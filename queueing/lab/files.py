"""Files to take away: a design's numbers as CSV, its picture as PNG, itself as TOML."""

import base64
import html
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from queueing.lab import architecture, figures, surge_figures
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.comparison import side_by_side
from queueing.scenario.surge import Surge

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DOTS = 144  # an inch
_HEIGHTS = (84, 104, 104, 104)  # pixels of the hours' panels
_BETWEEN = 46  # pixels, for the hours below and the next title
_KEY, _GAP, _WIDE, _ASIDE = 26, 70, 300, 150  # pixels: key, left of the hours, hours, right


class Download(NamedTuple):
    """A file: its name, its kind, what is in it."""

    name: str
    kind: str
    content: bytes

    def link(self) -> str:
        """Return a link that holds the whole file, so that it works without a server."""
        data = base64.b64encode(self.content).decode("ascii")
        return (
            f'<a download="{html.escape(self.name)}" '
            f'href="data:{self.kind};base64,{data}">{html.escape(self.name)}</a>'
        )


def downloads(
    card: Scorecard, surge: Surge | None, compared: Mapping[str, Design]
) -> tuple[Download, ...]:
    """Return all files of a design, and of those that are compared."""
    found = [
        Download("scorecard.csv", "text/csv", card.to_frame().to_csv().encode()),
        Download("hours.csv", "text/csv", card.timeline.to_csv(float_format="%.6g").encode()),
        Download("design.toml", "text/plain", card.design.to_toml().encode()),
        Download("picture.png", "image/png", png(card, surge)),
    ]
    if surge is not None:
        table = surge.to_frame().to_csv(float_format="%.6g")
        found.insert(1, Download("chance.csv", "text/csv", table.encode()))
    if compared:
        found.append(Download("compared.csv", "text/csv", compared_csv(card.scenario, compared)))
    return tuple(found)


def compared_csv(scenario: Scenario, designs: Mapping[str, Design]) -> bytes:
    """Return some designs side by side, a row a design."""
    return side_by_side(scenario, designs).T.rename_axis("design").to_csv().encode()


def links(files: Iterable[Download]) -> str:
    """Return links to files, as a list."""
    items = "".join(f"<li>{file.link()}</li>" for file in files)
    return f'<ul style="margin:4px 0;line-height:1.5">{items}</ul>'


def png(card: Scorecard, surge: Surge | None = None) -> bytes:
    """Return architecture, scorecard and hours of a design as a PNG: the board's own figures."""
    import matplotlib as mpl  # noqa: PLC0415, it takes a second
    from cycler import cycler  # noqa: PLC0415

    with mpl.rc_context(
        {
            "axes.prop_cycle": cycler(color=["black"]),  # as on the board: theory has no colour
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
        }
    ):
        return _png(card, surge)


def _png(card: Scorecard, surge: Surge | None) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    wide, high = architecture.SIZE
    card_wide, card_high = figures.scorecard_size(card)
    hours = _KEY + sum(_HEIGHTS) + _BETWEEN * len(_HEIGHTS)
    width, height = card_wide + _GAP + _WIDE + _ASIDE, high + max(card_high, hours) + 60
    page = Figure(figsize=(width / 72, height / 72))
    FigureCanvasAgg(page)

    def add(left: float, top: float, across: float, down: float) -> "Axes":
        place = left / width, 1 - (top + down) / height, across / width, down / height
        return page.add_axes(place)

    architecture.architecture(add(20, 20, wide, high), card)
    figures.scorecard(add(20, high + 40, card_wide, card_high), card)
    left, top = card_wide + _GAP, high + 40.0
    surge_figures.key(add(left, top, _WIDE + _ASIDE, _KEY), len(surge.runs) if surge else 0)
    top += 2 * _KEY
    draws = (
        surge_figures.users,
        surge_figures.latency,
        surge_figures.backlog,
        surge_figures.oldest,
    )
    for draw, down in zip(draws, _HEIGHTS, strict=True):
        ax = add(left, top, _WIDE, down)
        draw(ax, card, surge)
        ax.spines[["top", "right", "left"]].set_visible(False)
        top += down + _BETWEEN
    made = io.BytesIO()
    page.savefig(made, format="png", dpi=_DOTS)
    return made.getvalue()
