"""Boards: controls over one living picture, its static twin and its words.

A board draws with one function from the values of its controls. The living picture, the SVG that
is stored with a notebook and printed in a handout, and the alternative text all come from it.
"""

import asyncio
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import ipywidgets as widgets

from queueing.lab.controls import Choice, Control, Number, Switch
from queueing.lab.layouts import design_picture
from queueing.lab.picture import Picture, bundle
from queueing.lab.sizing import Sizing
from queueing.scenario import Scenario, ScenarioError

_REMEMBERED = 1000  # pictures, about 16 kB each
_PAUSE, _BREATH = 0.5, 0.01  # seconds: while a notebook runs on, and between two looks


class Board:
    """Controls, a button that puts them back, and the picture that `draw` makes of their values.

    `draw` takes the values by the controls' names. Where it raises `ScenarioError` the board says
    so in words and keeps the last picture. While nobody turns anything it draws what the next turn
    of a control may show.
    """

    def __init__(self, controls: Sequence[Control], draw: Callable[..., Picture]) -> None:
        self.controls = {control.name: control for control in controls}
        self._draw = draw
        self._drawn: dict[tuple[int, ...], Picture | str] = {}
        self._ahead: asyncio.TimerHandle | None = None
        self._resetting = False
        self._last, self._step = self.values, dict.fromkeys(self.controls, 0)
        self.refusal = ""
        self.picture = self._first()
        self.view = widgets.HTML(self.picture.inline, layout=widgets.Layout(width="auto"))
        self.reset_button = widgets.Button(
            description="Reset",
            tooltip="Put every control back to where it began",
            layout=widgets.Layout(width="72px"),
        )
        self.reset_button.on_click(lambda _: self.reset())
        for control in controls:
            control.observe(self._turned)
        numbers = [control for control in controls if isinstance(control, Number)]
        for number in numbers:
            number.make_room(max(len(each.number.description) for each in numbers))
        switches = [control.box for control in controls if isinstance(control, Switch | Choice)]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 24px")
        columns = [
            widgets.VBox([number.box for number in numbers]),
            widgets.VBox(switches),
            self.reset_button,
        ]
        panel = widgets.HBox(columns, layout=wrap)
        self.box = widgets.VBox([panel, self.view], layout=widgets.Layout(grid_gap="10px"))

    @property
    def values(self) -> dict[str, int]:
        """What the controls are set to, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def reset(self) -> None:
        """Put every control back to where it began."""
        self._all_at_once(control.reset for control in self.controls.values())

    def set(self, values: Mapping[str, int]) -> None:
        """Turn several controls at once."""
        self._all_at_once(partial(self.controls[name].set, value) for name, value in values.items())

    def _all_at_once(self, turns: Iterable[Callable[[], None]]) -> None:
        self._resetting = True
        try:
            for turn in turns:
                turn()
        finally:
            self._resetting = False
        self._turned()

    def _first(self) -> Picture:
        drawn = self._of(self.values)
        if isinstance(drawn, str):
            raise ScenarioError(drawn)
        return drawn

    def _turned(self) -> None:
        """Show what belongs to the values after a control has moved."""
        if self._resetting:
            return
        values = self.values
        drawn = self._of(values)
        if isinstance(drawn, str):
            self.refusal = f"This cannot be built: {drawn}."
        else:
            self.picture, self.refusal = drawn, ""
        self._show()
        self._step = {name: value - self._last[name] for name, value in values.items()}
        self._last = values
        self._look_ahead(_BREATH)

    def _show(self) -> None:
        self.view.value = refused(self.refusal) + self.picture.inline

    def _of(self, values: dict[str, int]) -> Picture | str:
        """Return the picture of some values, or why there is none; each is drawn once."""
        key = tuple(values.values())
        if key not in self._drawn:
            if len(self._drawn) >= _REMEMBERED:
                self._drawn.clear()
            try:
                self._drawn[key] = self._draw(**values)
            except ScenarioError as error:
                self._drawn[key] = str(error)
        return self._drawn[key]

    def _look_ahead(self, pause: float) -> None:
        """Draw a neighbour after a pause, then the next; a turn in between starts afresh."""
        if self._ahead:
            self._ahead.cancel()
        with suppress(RuntimeError):  # no loop, as in a test: then nobody waits either
            self._ahead = asyncio.get_running_loop().call_later(pause, self._draw_ahead)

    def _draw_ahead(self) -> None:
        for near in self._neighbours():
            if tuple(near.values()) not in self._drawn:
                drawn = self._of(near)
                if isinstance(drawn, Picture):
                    drawn.inline  # noqa: B018 - it is kept once it has been asked for
                self._look_ahead(_BREATH)
                return

    def _neighbours(self) -> list[dict[str, int]]:
        """Return the values that one turn may lead to, the way just taken first."""
        here = self.values
        near = [
            here | {name: value}
            for name, control in self.controls.items()
            for value in control.neighbours
        ]
        return sorted(
            near,
            key=lambda there: sum((here[name] - there[name]) * self._step[name] for name in here),
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        self._look_ahead(_PAUSE)
        return bundle(self.box, self.picture, f"{self.refusal} {self.picture.alternative}".strip())


def sizing_board(scenario: Scenario) -> Board:
    """Return the board of the first lesson: servers, workers, a cache, a stream with its sink."""
    base, sizing = scenario.base, Sizing(scenario)
    cache = base.cache or next(iter(scenario.catalogue["redis"]))
    shards, sinks = max(base.shards, 1), max(base.sinks, 1)

    def draw(*, servers: int, workers: int, cached: bool, stream: bool) -> Picture:
        design = scenario.design(
            servers=servers,
            workers=workers,
            cache=cache if cached else None,
            shards=shards if stream else 0,
            sinks=sinks if stream else 0,
        )
        return design_picture(sizing.card(design), sizing.advice(design))

    slots, threads = (scenario.catalogue.the(part).slots for part in ("server", "worker"))
    return Board(
        [
            Number(
                "servers",
                "Servers",
                start=base.servers,
                low=1,
                high=sizing.most,
                unit=f"machines of {slots} slots",
            ),
            Number(
                "workers",
                "Workers",
                start=base.workers,
                low=0,
                high=sizing.most,
                unit=f"machines of {threads} threads",
            ),
            Switch("cached", "Cache (Redis)", start=base.cache is not None),
            Switch("stream", "Stream and sink", start=base.shards > 0),
        ],
        draw,
    )


def refused(reason: str) -> str:
    """Return why something cannot be built, as a warning; nothing where there is no reason."""
    if not reason:
        return ""
    return (
        '<p role="alert" style="line-height:1.5;margin:0 0 10px;padding:6px 12px;'
        'border-left:4px solid #D55E00"><strong>✗ '
        f"{html.escape(reason)}</strong> The picture is still that of the last design.</p>"
    )
