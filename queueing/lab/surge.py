"""Theory beside chance for a whole run: the picture, the table, the board that runs it."""

import asyncio
import html
import itertools
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from queueing.lab import surge_figures as figures
from queueing.lab import words
from queueing.lab.boards import Board
from queueing.lab.controls import Number
from queueing.lab.figures import headline, scorecard
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, bundle
from queueing.lab.sizing import Sizing
from queueing.lab.tables import Table
from queueing.scenario import Design, Scenario, Scorecard
from queueing.scenario.beside import beside
from queueing.scenario.hourly import p95_by_hour_ms
from queueing.scenario.surge import STEP_S, Run, Surge, run
from queueing.scenario.translate import engine_plan
from queueing.simulation.replicate import Stopped, seeds

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


_ROWS_AN_HOUR = round(3600 / STEP_S)
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
    `cancel` ends them within an hour of theirs. What was found stays with its design.
    """

    def __init__(self, scenario: Scenario, *, replications: int = 4, seed: int = 2026) -> None:
        self.scenario, self.seed = scenario, seed
        self.surges: dict[Design, Surge] = {}
        self._sizing, self._finished = Sizing(scenario), _Finished()
        self._stop, self._thread = threading.Event(), threading.Thread()
        self._rows = itertools.count(1)
        self._by_hour: dict[int, pd.Series[float]] = {}
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
        self.runs = Number("runs", "Runs", start=replications, low=2, high=20, unit="times over")
        hours = f"{scenario.traffic.horizon_h:g} hours"
        self.run_button = _button(f"Run the {hours}", "Simulate every request of this design")
        self.cancel_button = _button("Cancel", "Stop the runs that are under way")
        self.cancel_button.disabled = True
        self.progress = widgets.IntProgress(
            value=0,
            min=0,
            max=1,
            tooltip="Hours simulated so far",
            layout=widgets.Layout(width="160px"),
        )
        self.status = widgets.HTML(_status("Nothing has been run yet."))
        self.run_button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self.cancel())
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 12px")
        row = [self.runs.box, self.run_button, self.cancel_button, self.progress, self.status]
        panel, view = self.board.box.children
        gap = widgets.Layout(grid_gap="10px")
        self.box = widgets.VBox([panel, widgets.HBox(row, layout=wrap), view], layout=gap)

    @property
    def design(self) -> Design:
        """What the sliders are set to."""
        servers, workers = (self.board.controls[name].value for name in ("servers", "workers"))
        return self.scenario.design(servers=servers, workers=workers)

    @property
    def picture(self) -> Picture:
        """What is shown."""
        return self.board.picture

    def start(self) -> None:
        """Run the design that is set, in a thread of its own, unless something runs already."""
        if self._thread.is_alive():
            return
        design, count = self.design, self.runs.value
        self._stop.clear()
        self._rows = itertools.count(1)
        self.progress.max = count * math.ceil(self.scenario.traffic.horizon_h)
        self.progress.value = 0
        self.run_button.disabled, self.cancel_button.disabled = True, False
        self.status.value = _status(f"Running {words.design(design)}, {count} times.")
        loop = None
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
        tell = partial(_tell, loop)
        self._thread = threading.Thread(target=self._run, args=(design, count, tell), daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Stop what is running; runs that are finished are kept if there are two or more."""
        self._stop.set()

    def wait(self) -> None:
        """Wait until nothing runs."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self, design: Design, count: int, tell: Callable[..., None]) -> None:
        """Run in the thread; every word to the page goes by `tell`."""
        try:
            task = partial(run, engine_plan(self.scenario, design), stop=partial(self._asked, tell))
            root, streams = seeds(self.seed, count)
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                futures = [pool.submit(task, stream) for stream in streams]
            finished = [made for future in futures if (made := _result(future)) is not None]
        except Exception as error:  # noqa: BLE001, whatever it is, the page must say so
            tell(self._done, f"The run failed: {error}")
            return
        if len(finished) < 2:
            tell(self._done, "Stopped; nothing was finished that could be kept.")
            return
        surge = Surge(
            scenario=self.scenario,
            design=design,
            runs=tuple(finished),
            seed=root,
            stopped_early=len(finished) < count,
        )
        self.surges[design] = surge
        early = "Stopped early. " if surge.stopped_early else ""
        tell(self._done, f"{early}{words.many(len(finished), 'run')} of {words.design(design)}.")

    def _asked(self, tell: Callable[..., None]) -> bool:
        """Tell a run whether to stop; it asks after every row of its timeline."""
        rows = next(self._rows)
        if rows % _ROWS_AN_HOUR == 0:
            tell(self._step, rows // _ROWS_AN_HOUR)
        return self._stop.is_set()

    def _step(self, hours: int) -> None:
        self.progress.value = max(self.progress.value, hours)

    def _done(self, told: str) -> None:
        self.run_button.disabled, self.cancel_button.disabled = False, True
        self.status.value = _status(told)
        self._finished.set(self._finished.value + 1)

    def _draw(self, *, servers: int, workers: int, finished: int) -> Picture:
        del finished  # it only says that there may be more to see
        design = self.scenario.design(servers=servers, workers=workers)
        card = self._sizing.card(design)
        if servers not in self._by_hour:  # the workers do not move it
            self._by_hour[servers] = p95_by_hour_ms(card)
        return board_picture(card, self.surges.get(design), self._by_hour[servers])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self.box, self.picture)


def surge_board(scenario: Scenario) -> SurgeBoard:
    """Return the board of the eleventh lesson."""
    return SurgeBoard(scenario)


def _result(future: "Future[Run]") -> Run | None:
    try:
        return future.result()
    except Stopped:
        return None


def _tell(
    loop: asyncio.AbstractEventLoop | None, call: Callable[..., None], *arguments: Any
) -> None:
    """Call back in the kernel's own thread where it has a loop, else here."""
    if loop is None or loop.is_closed():
        call(*arguments)
    else:
        loop.call_soon_threadsafe(call, *arguments)


def _button(label: str, tooltip: str) -> Any:
    return widgets.Button(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))


def _status(told: str) -> str:
    return f'<span role="status" style="line-height:1.5">{html.escape(told)}</span>'
