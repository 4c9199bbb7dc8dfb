"""Runs of whole surges in a thread: the page stays free, and what is finished is kept."""

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
from typing import Any

import ipywidgets as widgets

from queueing.lab import words
from queueing.lab.controls import Number
from queueing.scenario import Design, Scenario
from queueing.scenario.surge import STEP_S, Run, Surge, run
from queueing.scenario.translate import engine_plan
from queueing.simulation.replicate import Stopped, seeds

_ROWS_AN_HOUR = round(3600 / STEP_S)


class Runner:
    """Buttons to run a design by chance and to cancel, a bar, and words on how it goes.

    `design` tells what to run when the button is pressed; what comes of it is kept in `surges`
    under that very design, whatever was turned meanwhile. `finished` is called after each run.
    """

    def __init__(
        self,
        scenario: Scenario,
        design: Callable[[], Design],
        finished: Callable[[], None],
        *,
        replications: int = 4,
        seed: int = 2026,
    ) -> None:
        self.scenario, self.seed = scenario, seed
        self.surges: dict[Design, Surge] = {}
        self._design, self._finished = design, finished
        self._stop, self._thread = threading.Event(), threading.Thread()
        self._rows = itertools.count(1)
        self.runs = Number("runs", "Runs", start=replications, low=2, high=20, unit="times over")
        hours = f"{scenario.traffic.horizon_h:g} hours"
        self.run_button = button(f"Run the {hours}", "Simulate every request of this design")
        self.cancel_button = button("Cancel", "Stop the runs that are under way")
        self.cancel_button.disabled = True
        self.progress = widgets.IntProgress(
            value=0,
            min=0,
            max=1,
            tooltip="Hours simulated so far",
            layout=widgets.Layout(width="160px"),
        )
        self.status = widgets.HTML(status("Nothing has been run yet."))
        self.run_button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self.cancel())
        row = [self.runs.box, self.run_button, self.cancel_button, self.progress, self.status]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 12px")
        self.box = widgets.HBox(row, layout=wrap)

    @property
    def running(self) -> bool:
        """Whether something runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Run the design that is set, in a thread of its own, unless something runs already."""
        if self.running:
            return
        design, count = self._design(), self.runs.value
        self._stop.clear()
        self._rows = itertools.count(1)
        self.progress.max = count * math.ceil(self.scenario.traffic.horizon_h)
        self.progress.value = 0
        self.run_button.disabled, self.cancel_button.disabled = True, False
        self.cancel_button.focus()  # a button that is disabled would lose the keyboard
        self.status.value = status(f"Running {words.design(design)}, {count} times.")
        tell = partial(tell_page, page_loop())
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
            told = (
                "one run was finished, and an interval needs two" if finished else "none finished"
            )
            tell(self._done, f"Stopped: {told}, so nothing is kept.")
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
        if self._stop.is_set():
            self.run_button.focus()
        self.status.value = status(told)
        self._finished()


def page_loop() -> asyncio.AbstractEventLoop | None:
    """Return the kernel's own loop; None where there is none, as in a test."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


def tell_page(
    loop: asyncio.AbstractEventLoop | None, call: Callable[..., None], *arguments: Any
) -> None:
    """Call back in the kernel's own thread where it has a loop, else here."""
    if loop is None or loop.is_closed():
        call(*arguments)
    else:
        loop.call_soon_threadsafe(call, *arguments)


def button(label: str, tooltip: str) -> Any:
    """Return a button as wide as its label."""
    return widgets.Button(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))


def status(told: str) -> str:
    """Return words that a screen reader says when they change."""
    style = "display:inline-block;line-height:1.5"
    return f'<span role="status" style="{style}">{html.escape(told)}</span>'


def _result(future: "Future[Run]") -> Run | None:
    try:
        return future.result()
    except Stopped:
        return None
