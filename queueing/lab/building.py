"""Building: the eight components as controls, and beside them what theory says of the design."""

import asyncio
import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from queueing.lab import architecture
from queueing.lab.boards import Board, refused
from queueing.lab.controls import Choice, Control, Number, Switch
from queueing.lab.figures import scorecard, scorecard_size
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.sizing import Sizing
from queueing.lab.surge import surge_picture
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.guided import Component, GuidedRun
from queueing.scenario.surge import Surge

_HITS = (None, 0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)  # of a cache; None is the scenario's own
_PAUSE = 0.15  # seconds without a turn, after which the hours are drawn as well
_NEEDS_QUEUE = ("workers", "priority", "most", "attempts")
_GAP = "4px 28px"


class BuildPanel(Board):
    """The controls of a design; turned, they show architecture and scorecard, then the hours.

    `surges` are the runs by chance that are known already; `turned` is called after each change.
    """

    def __init__(
        self,
        scenario: Scenario,
        design: Design,
        surges: dict[Design, Surge],
        turned: Callable[[], None],
    ) -> None:
        self.scenario, self.design = scenario, design
        self.sizing = Sizing(scenario)
        self._surges = surges
        self._tell: Callable[[], None] = lambda: None
        self._hours_to_come: asyncio.TimerHandle | None = None
        self.plan, self.hours = (
            widgets.HTML(layout=widgets.Layout(width="auto")),
            widgets.HTML(layout=widgets.Layout(flex="1 1 340px", min_width="0")),
        )
        super().__init__(_controls(scenario), self._drawn_of)
        self.view.layout = widgets.Layout(flex="1 1 340px", min_width="0")
        self.headings = {part.component: widgets.HTML() for part in self._components()}
        self.more = widgets.ToggleButton(
            value=False,
            description="Finer settings",
            tooltip="Priority, autoscaling, attempts, hits of the cache",
            layout=widgets.Layout(width="auto", align_self="flex-start"),
        )
        self._fine = widgets.VBox(layout=widgets.Layout(display="none"))
        self.more.observe(lambda _: self._unfold(), "value")
        self.box = self._page()
        self.show(design)
        self._tell = turned

    @property
    def card(self) -> Scorecard:
        """The scorecard of the design."""
        return self.sizing.card(self.design)

    def show(self, design: Design) -> None:
        """Turn the controls to a design."""
        self.set(self._values_of(design))

    def refresh(self) -> None:
        """Draw the hours again, with what chance has found meanwhile."""
        self.hours.value = surge_picture(self.card, self._surges.get(self.design)).inline

    def _turned(self) -> None:
        super()._turned()
        if not self.refusal and not self._resetting:
            self._tell()

    def _show(self) -> None:
        if not self.refusal:
            self.design = self._design_of(self.values)
        self.view.value = refused(self.refusal) + Picture(self.picture.columns[:1]).inline
        self.plan.value = Picture(self.picture.columns[1:]).inline
        with_queue = self.values["queue"] > 0
        for name in _NEEDS_QUEUE:
            self.controls[name].allow(allowed=with_queue)
        self.controls["hits"].allow(allowed=self.values["cache"] > 0)
        for part in self._components():
            self.headings[part.component].value = _heading(part)
        if self._hours_to_come:
            self._hours_to_come.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a test: nobody waits
            self.refresh()
        else:
            self._hours_to_come = loop.call_later(_PAUSE, self.refresh)

    def _drawn_of(self, **values: int) -> Picture:
        card = self.sizing.card(self._design_of(values))
        width, height = scorecard_size(card)
        bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
        return Picture([[scorecard(bare, card)], [architecture.paper(card)]])

    def _components(self) -> tuple[Component, ...]:
        return GuidedRun(scenario=self.scenario, design=self.design).components

    # From controls to a design and back

    def _design_of(self, values: dict[str, int]) -> Design:
        """Return what the controls say; raises `ScenarioError` for what cannot be built."""
        options = {
            name: control.options[values[name]]
            for name, control in self.controls.items()
            if isinstance(control, Choice)
        }
        hits = options.pop("hits")
        changes: dict[str, Any] = {
            "servers": values["servers"],
            "load_balancer": bool(values["load_balancer"]),
            "workers": 0,
            "shards": values["shards"],
            "sinks": values["sinks"],
            "priority": False,
            "maximum_workers": None,
            "max_attempts": None,
            "hit_ratio": hits if options["cache"] else None,
            **options,
        }
        if options["queue"]:
            attempts = values["attempts"]
            changes |= {
                "workers": values["workers"],
                "priority": bool(values["priority"]),
                "maximum_workers": values["most"] or None,
                "max_attempts": None if attempts == self.scenario.job.max_attempts else attempts,
            }
        return self.scenario.design(**changes)

    def _values_of(self, design: Design) -> dict[str, int]:
        counts = {name: getattr(design, name) for name in ("servers", "shards", "sinks")}
        return counts | {
            "load_balancer": int(design.load_balancer),
            "workers": max(design.workers, 1),
            "priority": int(design.priority),
            "most": design.maximum_workers or 0,
            "attempts": design.max_attempts or self.scenario.job.max_attempts,
            **{name: self._number(name, getattr(design, name)) for name in _VARIANTS},
            "hits": self._number("hits", design.hit_ratio),
        }

    def _number(self, name: str, chosen: object) -> int:
        """Return which option of a list it is, a new one where it is none of them."""
        control = self.controls[name]
        assert isinstance(control, Choice)  # noqa: S101, for the types: these are lists
        if chosen not in control.options:
            control.add(_share(chosen), chosen)
        return control.options.index(chosen)

    # The page

    def _page(self) -> Any:
        groups = [
            widgets.VBox([self.headings[part.component], *self._of_part(part.component)])
            for part in self._components()
        ]
        for name in (*_VARIANTS, "hits"):
            self.controls[name].box.layout.width = "auto"  # the column's: names and prices are long
        self._fine.children = [self.controls[name].box for name in _FINE]
        column = widgets.VBox(
            [*groups, self.more, self._fine, self.reset_button],
            layout=widgets.Layout(
                flex="1 1 350px", max_width="400px", min_width="0", grid_gap="8px"
            ),
        )
        wrap = {"flex_flow": "row wrap", "grid_gap": _GAP, "min_width": "0"}
        found = widgets.HBox(
            [self.view, self.hours], layout=widgets.Layout(flex="4 1 340px", **wrap)
        )
        below = widgets.HBox([column, found], layout=widgets.Layout(**wrap))
        return widgets.VBox([self.plan, below], layout=widgets.Layout(grid_gap="12px"))

    def _of_part(self, component: str) -> list[Any]:
        return [self.controls[name].box for name in _SHOWN[component]]

    def _unfold(self) -> None:
        self._fine.layout.display = "" if self.more.value else "none"


_VARIANTS = ("database", "cache", "queue")
_FINE = ("priority", "most", "attempts", "hits")
_SHOWN = {
    "server": ("servers",),
    "postgres": ("database",),
    "queue": ("queue",),
    "worker": ("workers",),
    "lb": ("load_balancer",),
    "redis": ("cache",),
    "stream": ("shards",),
    "analytics": ("sinks",),
}


def _controls(scenario: Scenario) -> list[Control]:
    """Return a control for each choice of a design."""
    catalogue, most = scenario.catalogue, max(12, 2 * scenario.base.servers)
    workers = max(20, 3 * scenario.base.workers)
    slots, threads = (catalogue.the(part).slots for part in ("server", "worker"))
    return [
        Number("servers", "Servers", start=1, low=1, high=most, unit=f"of {slots} slots each"),
        Choice("database", "Postgres", _for_sale(scenario, "postgres")),
        Choice("queue", "Queue", [("none", None), *_for_sale(scenario, "queue")]),
        Number("workers", "Workers", start=1, low=1, high=workers, unit=f"of {threads} threads"),
        Switch("load_balancer", "Load balancer", start=False),
        Choice("cache", "Redis", [("none", None), *_for_sale(scenario, "redis")]),
        Number("shards", "Shards", start=0, low=0, high=6, unit="(0 is no stream)"),
        Number("sinks", "Sinks", start=0, low=0, high=6, unit="(0 is none)"),
        Switch("priority", "Transactional mails first", start=False),
        Number("most", "Up to", start=0, low=0, high=2 * workers, unit="workers (0 is off)"),
        Number(
            "attempts",
            "Attempts",
            start=scenario.job.max_attempts,
            low=1,
            high=max(10, scenario.job.max_attempts),
            unit="at sending a mail",
        ),
        Choice("hits", "Hits", [(_share(hits), hits) for hits in _HITS]),
    ]


def _for_sale(scenario: Scenario, component: str) -> list[tuple[str, str]]:
    return [
        (f"{name}: {_price(part.price_usd_month)}", name)
        for name, part in scenario.catalogue[component].items()
    ]


def _price(usd: float) -> str:
    return f"{usd:,.2f} USD" if usd else "by use"


def _share(hits: object) -> str:
    return "as measured" if hits is None else f"{100 * float(str(hits)):g} % of the lookups"


def _heading(part: Component) -> str:
    """Return a component's name, its role and, where there is one variant only, its price."""
    prices = list(part.variants.values())
    each = f" · {_price(prices[0])} a month each" if len(prices) == 1 else " · USD a month"
    return (
        '<div style="line-height:1.35"><strong>'
        f"{html.escape(part.name)}</strong> {html.escape(part.kind + each)}<br>"
        f'<span style="opacity:0.72;font-size:0.92em">{html.escape(part.role)}</span></div>'
    )
