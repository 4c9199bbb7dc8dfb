"""Theory beside chance for a whole run: the picture, the table, the board that runs it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from queueing.lab import surge_figures as figures
from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.figures import headline, scorecard
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, bundle
from queueing.lab.running import Runner
from queueing.lab.sizing import Sizing
from queueing.lab.tables import Table
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.beside import beside
from queueing.scenario.hourly import p95_by_hour_ms
from queueing.scenario.surge import Surge

if TYPE_CHECKING:
    import pandas as pd

_ASIDE, _INSIDE = 118, 8  # pixels at the right for labels; below a panel that has another under it


def surge_picture(card: Scorecard, surge: Surge | None = None, width: float = 430) -> Picture:
    """Return the hours of a design by theory and, where it was run, by chance."""
    return Picture([[*_panels(card, surge, width)]])


def board_picture(
    card: Scorecard, surge: Surge | None = None, by_hour: "pd.Series[float] | None" = None
) -> Picture:
    """Return what the board shows: the verdict and the numbers beside the hours.

    `by_hour` is theory's P95 over the hours where it is known already.
    """
    bare = Paper(410, 432, left=0, right=0, top=0, bottom=0)
    if surge is None:
        told = "Chance has not been asked yet: run the hours."
        left = scorecard(bare, card, told)
    else:
        left = scorecard(bare, card, _chance_told(surge))
    return Picture([[left], _panels(card, surge, 430, by_hour=by_hour)])


def readme_picture(scenario: Scenario, *, replications: int = 4, seed: int = 2026) -> Picture:
    """Return the hours of the scenario's own design with one worker less, by theory and by chance.

    Runs the whole traffic `replications` times; the same seed gives the same picture.
    """
    design = scenario.design(workers=scenario.base.workers - 1)
    card = scenario.evaluate(design)
    surge = scenario.simulate(design, replications=replications, seed=seed)
    title = (
        f"{_NUMBERS.get(design.workers, design.workers)} workers: every number of the API is green"
    )
    text = (
        f"Every request of {scenario.traffic.horizon_h:g} hours, {replications} times over: P95 "
        f"{surge.p95_ms.mean:.0f} ms (theory {card.p95_ms:.0f}), promised "
        f"{scenario.contract.p95_ms:g}. Yet {words.count(surge.worst_backlog.mean)} mails pile up "
        f"(theory {words.count(card.worst_backlog)}), and the oldest waits "
        f"{words.duration(surge.oldest_mail_s.mean)} (theory "
        f"{words.duration(card.oldest_mail_s)}). One worker more, and theory says "
        f"{words.duration(scenario.evaluate(scenario.base).oldest_mail_s)}."
    )
    head = headline(Paper(800, 92, left=0, right=0, top=0, bottom=0), title, text, 104)
    panels = _panels(card, surge, 800, aside=150)
    return Picture([[head, *panels]], words=f"{title}. {text}")


def beside_table(card: Scorecard, surge: Surge) -> Table:
    """Return theory beside chance: number, theory, chance with its interval, inside or why not."""
    table, promise = beside(card, surge), f"{len(surge.runs)} runs"
    rows = []
    for name, row in table.iterrows():
        number, _, unit = str(name).partition(", ")
        half = (row["high"] - row["low"]) / 2
        scale, shown = (100.0, "%") if number == "uptime" else (1.0, unit)
        digits = 3 if number == "uptime" else 0 if row["high"] >= 1000 else 1
        theory, simulated, error = (
            f"{scale * value:,.{digits}f}" for value in (row["theory"], row["simulated"], half)
        )
        inside = "✓ inside" if row["inside"] else f"✗ outside: {row['reason']}"
        rows.append(
            (f"{number}, {shown}" if shown else number, theory, f"{simulated} ± {error}", inside)
        )
    columns = ("number", "theory", "chance", "theory in the interval of chance?")
    return Table(f"Theory beside chance ({promise}, intervals of 95 %)", columns, rows)


_NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six"}


def _panels(
    card: Scorecard,
    surge: Surge | None,
    width: float,
    *,
    aside: float = _ASIDE,
    by_hour: "pd.Series[float] | None" = None,
) -> list[Paper]:
    inner = {"right": aside, "bottom": _INSIDE}
    return [
        figures.key(
            Paper(width, 26, left=0, right=0, top=2, bottom=0), len(surge.runs) if surge else 0
        ),
        figures.users(Paper(width, 84, **inner), card, surge),
        figures.latency(Paper(width, 104, **inner), card, surge, by_hour),
        figures.backlog(Paper(width, 104, **inner), card, surge),
        figures.oldest(Paper(width, 122, right=aside), card, surge),
    ]


def _chance_told(surge: Surge) -> str:
    runs = len(surge.runs)
    keep = round(runs * surge.passes.mean)
    return (
        f"Chance, {words.many(runs, 'run')}: P95 {surge.p95_ms.mean:.1f} ± "
        f"{surge.p95_ms.half_width:.1f} ms; uptime "
        f"{100 * surge.uptime.mean:.2f} %; oldest mail {words.duration(surge.oldest_mail_s.mean)} "
        f"in the mean. {keep} of {runs} kept the whole contract."
    )


class _Finished:
    """A control that nobody turns: the number of the last run that was finished, at first 0."""

    name = "finished"

    def __init__(self) -> None:
        self.value = 0
        self._react: Callable[[], None] = lambda: None

    @property
    def neighbours(self) -> list[int]:
        """What one turn may set it to: nobody turns it."""
        return []

    def reset(self) -> None:
        """Stay: what was run was run."""

    def observe(self, react: Callable[[], None]) -> None:
        """Call back after each change."""
        self._react = react

    def set(self, value: int) -> None:
        """Change, and tell."""
        self.value = value
        self._react()


class SurgeBoard:
    """Servers and workers by theory at once, and by chance when asked: "Run the 54 hours".

    The runs go on in a thread, one a core, and the kernel stays free: sliders move meanwhile, and
    Cancel ends them within an hour of theirs. What was found stays with its design.
    """

    def __init__(self, scenario: Scenario, *, replications: int = 4, seed: int = 2026) -> None:
        self.scenario = scenario
        self._sizing, self._finished = Sizing(scenario), _Finished()
        self._by_hour: dict[int, pd.Series[float]] = {}
        self.runner = Runner(
            scenario, lambda: self.design, self._count, replications=replications, seed=seed
        )
        most = self._sizing.most
        base = scenario.base
        self.board = Board(
            [
                Number("servers", "Servers", start=base.servers, low=1, high=most, unit="machines"),
                Number("workers", "Workers", start=base.workers, low=0, high=most, unit="machines"),
                self._finished,  # type: ignore[list-item]
            ],
            self._draw,
        )
        panel, view = self.board.box.children
        gap = widgets.Layout(grid_gap="10px")
        self.box = widgets.VBox([panel, self.runner.box, view], layout=gap)

    @property
    def design(self) -> Design:
        """What the sliders are set to."""
        servers, workers = (self.board.controls[name].value for name in ("servers", "workers"))
        return self.scenario.design(servers=servers, workers=workers)

    @property
    def picture(self) -> Picture:
        """What is shown."""
        return self.board.picture

    def _count(self) -> None:
        self._finished.set(self._finished.value + 1)

    def _draw(self, *, servers: int, workers: int, finished: int) -> Picture:
        del finished  # it only says that there may be more to see
        design = self.scenario.design(servers=servers, workers=workers)
        card = self._sizing.card(design)
        if servers not in self._by_hour:  # the workers do not move it
            self._by_hour[servers] = p95_by_hour_ms(card)
        return board_picture(card, self.runner.surges.get(design), self._by_hour[servers])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self.box, self.picture)


def surge_board(scenario: Scenario) -> SurgeBoard:
    """Return the board of the eleventh lesson."""
    return SurgeBoard(scenario)
