"""The design board: briefing, build, run and post-mortem as a game on one page."""

import threading
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from queueing.lab import architecture, figures, stages, words
from queueing.lab.building import BuildPanel
from queueing.lab.cheapest import nearest
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, bundle
from queueing.lab.running import Runner, button, page_loop, status, tell_page
from queueing.lab.shelf import Shelf
from queueing.lab.shelf_panel import ShelfPanel
from queueing.lab.surge import surge_picture
from queueing.scenario import Design, Scenario, ScenarioError
from queueing.scenario.design import FIELDS
from queueing.scenario.guided import STAGES, GuidedRun, smallest
from queueing.scenario.neighbours import Nearest, differences

_WHERE = "The design board, where every player begins: the least that can be built."
_RESTORED = "As you left it, but by theory: runs by chance are not kept, go back to run again."


class DesignBoard:
    """One player's game against the contract; where it stands outlives the kernel.

    `replications` and `seed` are those of the runs; `path` is the file that keeps designs.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        replications: int = 4,
        seed: int = 2026,
        path: Path | None = None,
    ) -> None:
        self.scenario, self.shelf = scenario, Shelf(scenario, path)
        self.runner = Runner(
            scenario, lambda: self.game.design, self._ran, replications=replications, seed=seed
        )
        self.game = self._restored()
        surges = self.runner.surges
        self.panel = BuildPanel(scenario, self.game.design, surges, self._turned)
        self.shelf_panel = ShelfPanel(
            self.shelf, self.panel.sizing, surges, lambda: self.panel.design, self.take
        )
        self._search, self._offered = threading.Thread(), dict[Design, Any]()
        self.line, self.news = widgets.HTML(), widgets.HTML(status(""))
        self.text, self.result = widgets.HTML(), widgets.HTML()
        self.back_button = button("Back", "Go one stage back")
        self.next_button = button("Next", "Go on to the next stage")
        self.next_button.button_style = "primary"
        self.theory_button = button("Take theory's word", "Go on without a run by chance")
        self.theory_button.layout.align_self = "flex-start"
        self.remedies = widgets.VBox(layout=widgets.Layout(align_items="flex-start"))
        self.back_button.on_click(lambda _: self.back())
        self.next_button.on_click(lambda _: self.next())
        self.theory_button.on_click(lambda _: self.by_theory())
        self.body = widgets.VBox(layout=widgets.Layout(grid_gap="10px"))
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 12px")
        moves = widgets.HBox([self.back_button, self.next_button, self.news], layout=wrap)
        page = widgets.Layout(grid_gap="10px")
        self.box = widgets.VBox([self.line, moves, self.body], layout=page)
        self._show()
        if self.game.at == "post-mortem":
            self._say(_RESTORED)

    # Moves

    def next(self) -> None:
        """Go on to the next stage, or say what has to be done first."""
        try:
            self.game = self._built().next()
        except ScenarioError as error:
            self._say(f"Not yet: {error}.")
            return
        self._arrive()

    def back(self) -> None:
        """Go one stage back."""
        self.game = self.game.back()
        self._arrive()

    def by_theory(self) -> None:
        """Take what theory says for the result of the run."""
        self.game = self.game.ran(self.panel.sizing.card(self.game.design))
        self._show()

    def take(self, design: Design) -> None:
        """Go to the stage of building, with a design to start from."""
        if self.game.at != "build":  # whatever was pressed goes from the page
            self.next_button.focus()
        while self.game.at != "build":
            at_run = self.game.at == "run"
            self.game = self.game.back() if at_run else self.game.next()
        self.panel.show(design)
        self._arrive()

    def wait(self) -> None:
        """Wait until nothing runs and nothing is searched."""
        self.runner.wait()
        if self._search.ident is not None:
            self._search.join()

    def _restored(self) -> GuidedRun:
        """Return the game as it was left; a run is not kept, theory stands in at a post-mortem."""
        stage, design = self.shelf.left_at or ("briefing", None)
        game = GuidedRun.start(self.scenario, design)
        if stage not in STAGES:
            return game
        while game.at != stage and (game.at != "build" or game.stage.ready):
            if game.at == "run":
                game = game.ran(game.judged)
            game = game.next()
        return game

    def _built(self) -> GuidedRun:
        """Return the game with what the controls say, where it is being built."""
        if self.game.at != "build":
            return self.game
        if self.panel.refusal:
            raise ScenarioError("build something that can be built")
        return self.game.build(**{name: getattr(self.panel.design, name) for name in FIELDS})

    def _arrive(self) -> None:
        """Show the stage that was reached; what is known of its run already is its result."""
        surge = self.runner.surges.get(self.game.design)
        if self.game.at == "run" and surge is not None:
            self.game = self.game.ran(surge)
        self._say("")
        self._show()
        self._keep()

    def _turned(self) -> None:
        """React to a change of the design, also to one that Next has overtaken on its way here."""
        self.shelf_panel.outdated()
        if self.game.at != "run":
            self._keep()
            return
        self.game = self.game.back()
        self.next()
        if self.game.at == "build":  # what has come late cannot be run
            self._show()

    def _ran(self) -> None:
        """React to a run that has ended: its result belongs to its own design alone."""
        surge = self.runner.surges.get(self.game.design)
        if self.game.at == "run" and surge is not None:
            self.game = self.game.ran(surge)
            self._show()
        elif self.game.at != "run":
            self._say("A run has ended; it is kept with its design.")
        self.panel.refresh()

    def _keep(self) -> None:
        design = self.panel.design if self.game.at == "build" else self.game.design
        self.shelf.leave(self.game.at, design)

    # The page

    def _say(self, told: str) -> None:
        self.news.value = status(told)

    def _show(self) -> None:
        """Put on the page what belongs to the stage."""
        at = self.game.at
        self.line.value = stages.line_of_stages(at)
        names = list(stages.TITLES.values())
        number = STAGES.index(at)
        self.back_button.disabled = number == 0
        self.back_button.description = f"Back: {names[max(number - 1, 0)]}"
        self.next_button.description = f"Next: {names[number + 1] if number < 3 else 'Build again'}"
        show = {
            "briefing": self._show_briefing,
            "build": self._show_build,
            "run": self._show_run,
            "post-mortem": self._show_postmortem,
        }[at]
        self.body.children = [self.text, *show()]

    def _show_briefing(self) -> list[Any]:
        self.text.value = stages.briefing(self.game)
        return []

    def _show_build(self) -> list[Any]:
        stage = self.game.stage
        self.text.value = stages.told(stage, stage.text[0])
        return [self.panel.box, self.shelf_panel.box]

    def _show_run(self) -> list[Any]:
        stage, card = self.game.stage, self.panel.sizing.card(self.game.design)
        self.text.value = stages.told(stage, *stage.text)
        self.result.value = stages.result(card, self.game.result)
        return [self.runner.box, self.theory_button, self.result, self.shelf_panel.box]

    def _show_postmortem(self) -> list[Any]:
        game = self.game
        told = game.postmortem
        closing = game.stage.text[-1]
        self.text.value = stages.told(game.stage, closing)
        self.result.value = stages.findings(told, game.rounds)
        offers = dict.fromkeys(one.instead for one in told if one.broken and one.instead)
        self._offered = {design: self._offer(design) for design in offers}
        self.remedies.children = list(self._offered.values())
        if not game.passed:
            self._look_around(game.design)
        return [self.remedies, self.result, self.shelf_panel.box]

    def _offer(self, design: Design) -> Any:
        """Return a button that builds another design."""
        more = self._cost(design) - self._cost(self.game.design)
        changes = words.listed(list(differences(self.game.design, design)))
        told = f"Build with {changes}: {more:+,.2f} USD a month"
        offer = button(told, "Take this change to the stage of building")
        offer.layout.height = "auto"
        offer.on_click(lambda _: self.take(design))
        return offer

    def _cost(self, design: Design) -> float:
        return self.panel.sizing.card(design).cost

    def _look_around(self, design: Design) -> None:
        """Search the whole grid for the nearest design that passes, in a thread of its own."""
        self._say("Looking for the nearest design that keeps the contract …")
        tell = partial(tell_page, page_loop())

        def search() -> None:
            try:
                tell(self._found, nearest(self.scenario, design))
            except ScenarioError as error:  # such as a grid that is too large
                tell(self._say, f"There is no search for a better design: {error}.")

        self._search = threading.Thread(target=search, daemon=True)
        self._search.start()

    def _found(self, found: Nearest) -> None:
        """Offer the nearest design, if the post-mortem that asked for it is still on the table."""
        if self.game.at != "post-mortem" or found.start != self.game.design:
            return
        if found.design is None:
            self._say("No design of the whole grid keeps this contract.")
        elif not found.changes:
            self._say("By theory this design passes: it was chance that broke it.")
        else:
            self._say(f"The nearest design that keeps the contract: {found}.")
            self._offered = {found.design: self._offer(found.design)} | self._offered
            self.remedies.children = list(self._offered.values())

    @property
    def picture(self) -> Picture:
        """The static twin: where every player begins, whatever was played since."""
        card = self.panel.sizing.card(smallest(self.scenario))
        width, height = figures.scorecard_size(card)
        bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
        hours = surge_picture(card, width=760).columns[0]
        return Picture([[architecture.paper(card), *hours], [figures.scorecard(bare, card)]])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self.box, self.picture, f"{_WHERE} {self.picture.alternative}")


def design_board(scenario: Scenario) -> DesignBoard:
    """Return the whole game on one page: `design_board(forge)`."""
    return DesignBoard(scenario)
