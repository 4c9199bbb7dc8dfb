"""Independent replications of a run, on any executor: the same on one core and on many."""

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Protocol, TypeVar

import numpy as np
from tqdm.auto import tqdm

from queueing import checks

Result_co = TypeVar("Result_co", covariant=True)
Result = TypeVar("Result")

_MOST_REPLICATIONS = 1_000_000  # a seed each, made before the first begins


class Stopped(Exception):  # noqa: N818, nothing went wrong
    """A replication was told to stop before its end."""


class Task(Protocol[Result_co]):
    """A replication: a seed in, a result out; it asks `stop` now and then and raises `Stopped`."""

    def __call__(self, seed: np.random.SeedSequence, stop: Callable[[], bool]) -> Result_co:
        """Run."""


def never() -> bool:
    """Tell a task that it need not stop."""
    return False


def seeds(seed: int | None, replications: int) -> tuple[int, list[np.random.SeedSequence]]:
    """Return the seed (a fresh one for None) and a stream of its own for each replication.

    Raises `ValueError` for a seed that is no whole number >= 0, and for no replication or more than
    a million.

    >>> seeds(True, 3)
    Traceback (most recent call last):
    ...
    ValueError: seed must be a whole number of at least 0, got True
    """
    count = checks.whole("replications", replications, at_most=_MOST_REPLICATIONS)
    chosen = np.random.SeedSequence().entropy if seed is None else seed
    root = checks.whole("seed", chosen, at_least=0, at_most=math.inf)  # type: ignore[arg-type]
    return root, np.random.SeedSequence(root).spawn(count)


def replicate(
    task: Task[Result],
    streams: Sequence[np.random.SeedSequence],
    *,
    executor: Executor | None = None,
    progress: bool = False,
) -> list[Result]:
    """Return a task's results, in the order of the streams.

    Without an executor threads use all cores, which is fast where the task lets go of the
    interpreter. An interruption (Ctrl-C), or an executor that is told to cancel, keeps what is
    finished, unless nothing is. A task's error is raised as it is, with what its worker says of it
    as its cause.
    """
    if executor is not None:
        if not callable(getattr(executor, "submit", None)):
            raise ValueError(
                "executor must be one of concurrent.futures or like them, with a submit, "
                f"got {executor!r}"
            )
        return _collect(executor, task, streams, never, progress=progress)
    stop = threading.Event()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            return _collect(pool, task, streams, stop.is_set, progress=progress)
        finally:
            stop.set()


def _collect(
    executor: Executor,
    task: Task[Result],
    streams: Sequence[np.random.SeedSequence],
    stop: Callable[[], bool],
    *,
    progress: bool,
) -> list[Result]:
    """Hand out all and wait for them; on an interruption or an error cancel the rest."""
    futures: list[Future[Result]] = []
    try:
        for stream in streams:  # of a million the last wait long for their turn: it may end here
            futures.append(executor.submit(task, stream, stop))  # noqa: PERF401
        for future in _watched(futures, progress=progress):
            future.result()
    except BaseException as error:
        for future in reversed(futures):  # the last first: what is cancelled must not be begun
            future.cancel()
        finished = [
            f.result() for f in futures if f.done() and not f.cancelled() and not f.exception()
        ]
        if isinstance(error, KeyboardInterrupt | CancelledError) and finished:
            return finished
        raise
    return [future.result() for future in futures]


def _watched(futures: list[Future[Result]], *, progress: bool) -> Iterator[Future[Result]]:
    """Yield futures as they finish, with a progress bar if it is wanted.

    An executor that is shut down leaves cancelled futures of which `as_completed` never hears.
    """
    over: SimpleQueue[Future[Result]] = SimpleQueue()
    for future in futures:
        future.add_done_callback(over.put)
    for _ in tqdm(futures, unit="run", disable=not progress):
        yield over.get()
