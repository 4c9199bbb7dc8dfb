"""The shelf on the page: load, save, delete and compare designs by name, and take files away."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from queueing.lab import stages
from queueing.lab.files import downloads, links
from queueing.lab.running import button, status
from queueing.lab.shelf import LONGEST_NAME, Shelf
from queueing.lab.sizing import Sizing
from queueing.scenario import Design, ScenarioError
from queueing.scenario.surge import Surge

_NOW = "as built now"


class ShelfPanel:
    """Buttons and lists over a `Shelf`.

    `design` tells what is built now, `load` takes a design to the board, `surges` are the runs.
    """

    def __init__(
        self,
        shelf: Shelf,
        sizing: Sizing,
        surges: dict[Design, Surge],
        design: Callable[[], Design],
        load: Callable[[Design], None],
    ) -> None:
        self.shelf, self._sizing, self._surges = shelf, sizing, surges
        self._design, self._load = design, load
        auto = widgets.Layout(width="auto")
        wide = {"description_width": "initial"}
        self.names = widgets.Dropdown(description="Design", style=wide, layout=auto)
        self.load_button = button("Load", "Build this design")
        self.name = widgets.Text(
            description="Name", placeholder="of your own", style=wide, layout=auto
        )
        self.save_button = button("Save", "Keep what is built now under this name")
        self.delete_button = button("Delete", "Forget the chosen design, if it is your own")
        self.chosen = widgets.SelectMultiple(
            description="Compare",
            rows=6,
            style=wide,
            layout=widgets.Layout(width="320px"),
            tooltip="Choose several with Shift or Ctrl",
        )
        self.compare_button = button("Compare", "Show the chosen designs beside what is built now")
        self.files_button = button("Files", "Prepare CSV, PNG and TOML to download")
        self.news = widgets.HTML(status(""))
        self.table, self.files = widgets.HTML(), widgets.HTML()
        self.load_button.on_click(lambda _: self.load())
        self.save_button.on_click(lambda _: self.save())
        self.delete_button.on_click(lambda _: self.delete())
        self.compare_button.on_click(lambda _: self.compare())
        self.files_button.on_click(lambda _: self.prepare())
        self._list()
        self.box = self._page()

    def load(self) -> None:
        """Build the chosen design."""
        name = self.names.value
        self._load(self.shelf.designs[name])
        self._say(f"Loaded {name}: {self.shelf.designs[name].describe()}.")

    def save(self) -> None:
        """Keep what is built now."""
        name = " ".join(self.name.value.split())
        known = name in self.shelf.own
        try:
            self.shelf.save(name, self._design())
        except ScenarioError as error:
            self._say(f"Not saved: {error}.")
            return
        self._list(name)
        self._say(f"{'Replaced' if known else 'Saved'} {name}.")

    def delete(self) -> None:
        """Forget the chosen design."""
        name = self.names.value
        try:
            self.shelf.delete(name)
        except ScenarioError as error:
            self._say(f"Not deleted: {error}.")
            return
        self._list()
        self._say(f"Deleted {name}.")

    def compare(self) -> None:
        """Show the chosen designs beside what is built now."""
        cards = {name: self._sizing.card(design) for name, design in self._compared().items()}
        table = stages.compared(cards)
        self.table.value = f'<div style="line-height:1.4">{table.spaced}</div>'

    def prepare(self) -> None:
        """Offer the files of what is built now."""
        design = self._design()
        card, compared = self._sizing.card(design), self._compared()
        self.files.value = links(downloads(card, self._surges.get(design), compared))

    def outdated(self) -> None:
        """Take away what was told of another design than the one that is built now."""
        self.table.value = self.files.value = ""
        self._say("")

    def _compared(self) -> dict[str, Design]:
        designs = self.shelf.designs
        return {_NOW: self._design()} | {name: designs[name] for name in self.chosen.value}

    def _list(self, name: str | None = None) -> None:
        """List what is on the shelf, the design of a name chosen."""
        names = list(self.shelf.designs)
        here = name or (self.names.value if self.names.value in names else None)
        compared = [each for each in self.chosen.value if each in names]
        self.names.options = self.chosen.options = names
        self.names.value = here or next(iter(names), None)
        self.chosen.value = compared
        self.names.disabled = not names

    def _say(self, told: str) -> None:
        self.news.value = status(told)

    def _page(self) -> Any:
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 10px")
        first = [self.names, self.load_button, self.delete_button, self.name, self.save_button]
        second = [self.chosen, self.compare_button, self.files_button, self.files]
        head = widgets.HTML("<strong>Shelf of designs</strong>")
        rows = [widgets.HBox(first, layout=wrap), widgets.HBox(second, layout=wrap)]
        return widgets.VBox([head, rows[0], self.news, rows[1], self.table])


__all__ = ["LONGEST_NAME", "ShelfPanel"]
