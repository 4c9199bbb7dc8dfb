"""Pictures: papers in columns, shown live in the page's colours or alone as an SVG file."""

import html
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ipywidgets as widgets

from queueing.lab.paper import Paper

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
_PRINTED, _LARGER = "Libertinus Serif, serif", 1.15
_DISC = re.compile(
    r'<text x="([-\d.]+)" y="([-\d.]+)" text-anchor="middle"(?: fill="([^"]*)")? '
    r'font-size="([\d.]+)">([●○])</text>'
)
_GAP, _BORDER = 40, 24  # pixels between columns, and around a picture that stands alone
_ALONE = (  # paper and ink that change together: legible on any page, and in print
    "svg{color:#1b1b1f;background:#fff}"
    "@media (prefers-color-scheme:dark){svg{color:#e6e6e6;background:#16181d}}"
)
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Picture:
    """Papers from top to bottom in columns from left to right, as many beside each other as fit."""

    columns: Sequence[Sequence[Paper]]
    words: str = ""  # the alternative text, where the papers' own would repeat one another
    _shown: list[Any] = field(default_factory=list, repr=False)

    @property
    def alternative(self) -> str:
        """What the picture shows, in words."""
        return self.words or " ".join(filter(None, map(_alternative, self.columns)))

    @cached_property
    def inline(self) -> str:
        """HTML that lives in a page: its colour of text, its font, its width."""
        style = (
            "color:var(--jp-ui-font-color1, currentColor);"
            f"font-family:var(--jp-ui-font-family, {_FONT});font-variant-numeric:tabular-nums;"
            f"display:flex;flex-wrap:wrap;gap:16px {_GAP}px;line-height:normal"
        )
        columns = "".join(
            _column(papers, self.words or _alternative(papers)) for papers in self.columns
        )
        return f'<div style="{html.escape(style)}">{columns}</div>'

    @cached_property
    def svg(self) -> str:
        """An SVG that stands alone, as a file or an output that was stored."""
        return self._alone(_FONT, border=_BORDER, style=f"<style>{_ALONE}</style>\n")

    @cached_property
    def printed(self) -> str:
        """An SVG for paper: black ink, no ground, no border, in the face of the text around it.

        That face runs narrower than a screen's and looks smaller, so it is set a little larger.
        """
        svg = _DISC.sub(_disc, self._alone(_PRINTED, border=0, style=""))
        return re.sub(
            r'font-size="([\d.]+)"', lambda size: f'font-size="{_LARGER * float(size[1]):g}"', svg
        )

    def _alone(self, font: str, *, border: float, style: str) -> str:
        width = sum(map(_width, self.columns)) + _GAP * (len(self.columns) - 1) + 2 * border
        height = max(map(_height, self.columns)) + 2 * border
        x, parts = float(border), []
        for papers in self.columns:
            parts.append(f'<g transform="translate({x:g},{border:g})">{_stack(papers)}</g>')
            x += _width(papers) + _GAP
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" '
            f'aria-label="{html.escape(self.alternative)}" fill="currentColor" '
            f'font-family="{html.escape(font)}" font-size="12">{style}'
            + "\n".join(parts)
            + "\n</svg>\n"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if not self._shown:  # the page asks for the widget after this, so it has to stay alive
            self._shown.append(widgets.HTML(self.inline))
        return bundle(self._shown[0], self)


def bundle(widget: Any, picture: Picture, text: str = "") -> dict[str, Any]:
    """Return what Jupyter shows: the living widget, its static twin, its words."""
    words = "\n".join(textwrap.wrap(text or picture.alternative, 92))
    living = widget._repr_mimebundle_()
    return {WIDGET: living[WIDGET], "image/svg+xml": picture.svg, "text/plain": words}


def draw(
    figure: Callable[..., Any],
    *subjects: Any,
    width: float = 780,
    height: float = 270,
    aside: float = 110,
) -> Picture:
    """Return a picture of one figure, with room aside for labels: `draw(figures.surge, forge)`."""
    paper = Paper(width, height, right=aside)
    figure(paper, *subjects)
    return Picture([[paper]])


def _disc(mark: re.Match[str]) -> str:
    """Return a disc or a ring in place of the letter that marks a point: ink that a print shows."""
    x, y, colour, size, letter = mark.groups()
    paint, size = colour or "currentColor", float(size)
    fill = paint if letter == "●" else "none"
    return (
        f'<circle cx="{x}" cy="{float(y) - 0.35 * size:.1f}" r="{0.3 * size:.1f}" fill="{fill}" '
        f'stroke="{paint}" stroke-width="1.4"/>'
    )


def _column(papers: Sequence[Paper], alternative: str) -> str:
    width, height = _width(papers), _height(papers)
    style = f"flex:1 1 {0.8 * width:g}px;min-width:0;max-width:{1.1 * width:g}px;height:auto"
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" style="{style}" '
        f'aria-label="{html.escape(alternative)}" fill="currentColor" font-size="12">'
        f"{_stack(papers)}</svg>"
    )


def _stack(papers: Sequence[Paper]) -> str:
    y, parts = 0.0, []
    for paper in papers:
        inside = paper.markup()
        parts.append(f'<g transform="translate(0,{y:g})">\n{inside}\n</g>' if y else inside)
        y += paper.height
    return "\n".join(parts)


def _width(papers: Sequence[Paper]) -> float:
    return max(paper.width for paper in papers)


def _height(papers: Sequence[Paper]) -> float:
    return sum(paper.height for paper in papers)


def _alternative(papers: Sequence[Paper]) -> str:
    return " ".join(filter(None, (paper.get_label() for paper in papers)))
