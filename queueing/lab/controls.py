"""Controls: what a student turns. Each has a name, a unit, a range and a value to come back to."""

import html
import json
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

_PIXELS = {"name": 60, "number": 128, "slider": 172}
_LETTERS, _LETTER = 8, 10  # that a name has room for, and the pixels of one more


class Number:
    """A whole number from `low` to `high`: a box with a name, and a slider that moves with it."""

    def __init__(
        self, name: str, label: str, *, start: int, low: int, high: int, unit: str
    ) -> None:
        self.name, self._start = name, start
        style = {"description_width": f"{_PIXELS['name']}px"}
        self.number = widgets.BoundedIntText(
            value=start,
            min=low,
            max=high,
            description=label,
            style=style,
            layout=widgets.Layout(width=f"{_PIXELS['number']}px"),
        )
        self.slider = widgets.IntSlider(
            value=start,
            min=low,
            max=high,
            readout=False,
            layout=widgets.Layout(width=f"{_PIXELS['slider']}px"),
        )
        widgets.link((self.slider, "value"), (self.number, "value"))
        self.box = widgets.HBox(
            [self.number, self.slider, widgets.HTML(_range(label, f"{low} to {high} {unit}"))],
            layout=widgets.Layout(align_items="center"),
        )

    @property
    def value(self) -> int:
        """What it is set to."""
        return int(self.slider.value)

    @property
    def neighbours(self) -> list[int]:
        """What one turn may set it to."""
        near = (self.value + 1, self.value - 1)
        return [value for value in near if self.slider.min <= value <= self.slider.max]

    def make_room(self, letters: int) -> None:
        """Widen the place of the name for one of so many letters."""
        more = _LETTER * max(letters - _LETTERS, 0)
        self.number.style.description_width = f"{_PIXELS['name'] + more}px"
        self.number.layout.width = f"{_PIXELS['number'] + more}px"

    def reset(self) -> None:
        """Go back to the first value."""
        self.slider.value = self._start

    def set(self, value: int) -> None:
        """Turn it, beyond its range if need be."""
        for widget in (self.slider, self.number):
            widget.max = max(widget.max, value)
        self.slider.value = value

    def allow(self, *, allowed: bool) -> None:
        """Let it be turned, or not."""
        self.slider.disabled = self.number.disabled = not allowed

    def observe(self, react: Callable[[], None]) -> None:
        """Call back after each change."""
        self.slider.observe(lambda _: react(), "value")


class Switch:
    """A part that is there or not."""

    def __init__(self, name: str, label: str, *, start: bool) -> None:
        self.name, self._start = name, start
        self.box = widgets.Checkbox(
            value=start, description=label, indent=False, layout=widgets.Layout(width="auto")
        )

    @property
    def value(self) -> bool:
        """Whether it is there."""
        return bool(self.box.value)

    @property
    def neighbours(self) -> list[bool]:
        """What one turn may set it to."""
        return [not self.value]

    def reset(self) -> None:
        """Go back to the first value."""
        self.box.value = self._start

    def set(self, value: int) -> None:
        """Turn it."""
        self.box.value = bool(value)

    def allow(self, *, allowed: bool) -> None:
        """Let it be turned, or not."""
        self.box.disabled = not allowed

    def observe(self, react: Callable[[], None]) -> None:
        """Call back after each change."""
        self.box.observe(lambda _: react(), "value")


class Choice:
    """One of several, each with its words; its value is a number from 0."""

    def __init__(
        self,
        name: str,
        label: str,
        options: Sequence[tuple[str, Any]],
        *,
        start: int = 0,
        label_width: str = f"{_PIXELS['name']}px",
    ) -> None:
        self.name, self._start = name, start
        self.options = [value for _, value in options]
        self.box = widgets.Dropdown(
            options=[(told, number) for number, (told, _) in enumerate(options)],
            value=start,
            description=label,
            style={"description_width": label_width},
            layout=widgets.Layout(width="300px"),
        )

    def add(self, told: str, option: Any) -> None:
        """Offer one more."""
        self.options.append(option)
        self.box.options = [*self.box.options, (told, len(self.options) - 1)]

    @property
    def value(self) -> int:
        """Which one it is."""
        return int(self.box.value)

    @property
    def neighbours(self) -> list[int]:
        """What one turn may set it to."""
        return [
            near for near in (self.value + 1, self.value - 1) if near in range(len(self.options))
        ]

    def reset(self) -> None:
        """Go back to the first value."""
        self.box.value = self._start

    def set(self, value: int) -> None:
        """Turn it."""
        self.box.value = value

    def allow(self, *, allowed: bool) -> None:
        """Let it be turned, or not."""
        self.box.disabled = not allowed

    def observe(self, react: Callable[[], None]) -> None:
        """Call back after each change."""
        self.box.observe(lambda _: react(), "value")


Control = Number | Switch | Choice


def group_name(told: str) -> str:
    """Return what makes the box it is in a group with a name: each exercise has its own Check."""
    return _on_page(
        "(function f(e,n){const g=e.closest('.widget-vbox');g?(g.setAttribute('role','group'),"
        f"g.setAttribute('aria-label',{json.dumps(told)})):n&&setTimeout(f,200,e,n-1)}})(this,25)"
    )


def _range(label: str, told: str) -> str:
    """Return the range in words; on the page it also gives the slider beside it its name.

    A slider of ipywidgets has no accessible name (ipywidgets issue 2650), and Python cannot give it
    one. This can, from inside the page; where a page forbids it, the box beside has the name still.
    """
    name = json.dumps(label)
    script = (
        "(function f(e,n){const h=e.closest('.widget-hbox')?.querySelector('[role=slider]');"
        f"h?h.setAttribute('aria-label',{name}):n&&setTimeout(f,200,e,n-1)}})(this,25)"
    )
    return f'<span style="opacity:0.72;white-space:nowrap">{html.escape(told)}</span>' + _on_page(
        script
    )


def _on_page(script: str) -> str:
    """Return what runs a script inside the page, once it is there; it is not seen."""
    return f'<img src="data:," alt="" hidden onerror="{html.escape(script)}">'
