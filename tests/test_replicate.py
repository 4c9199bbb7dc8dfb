"""Replications on executors: the same result anywhere, errors and interruptions as told."""

import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from queueing.simulation.replicate import Stopped, replicate, seeds


def draw(seed: np.random.SeedSequence, _stop: Callable[[], bool]) -> float:
    return float(np.random.default_rng(seed).random())


def test_the_same_seed_gives_the_same_bits_on_any_executor() -> None:
    _, streams = seeds(2026, 6)
    expected = [draw(stream, bool) for stream in seeds(2026, 6)[1]]
    assert replicate(draw, streams) == expected
    with ThreadPoolExecutor(1) as one, ProcessPoolExecutor(2) as two:
        assert replicate(draw, streams, executor=one) == expected
        assert replicate(draw, streams, executor=two) == expected
    assert replicate(draw, seeds(2027, 6)[1]) != expected


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    assert replicate(draw, seeds(1, 8)[1])[:3] == replicate(draw, seeds(1, 3)[1])


def test_a_fresh_seed_is_told() -> None:
    root, streams = seeds(None, 2)
    assert replicate(draw, streams) == replicate(draw, seeds(root, 2)[1])


@pytest.mark.parametrize("seed", [-1, 2.5, True, "7", float("nan")])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0"):
        seeds(seed, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("replications", [0, -3, 1.5, True, None])
def test_replications_are_counted(replications: object) -> None:
    with pytest.raises(ValueError, match="replications must be a whole number of at least 1"):
        seeds(1, replications)  # type: ignore[arg-type]


def test_more_replications_than_anybody_waits_for_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="replications must be at most 1,000,000, got"):
        seeds(1, 10**9)


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(ValueError, match="executor must be one of"):
        replicate(draw, seeds(1, 2)[1], executor=3)  # type: ignore[arg-type]


def test_an_error_arrives_as_it_is_and_stops_the_rest() -> None:
    begun = []

    def fail(seed: np.random.SeedSequence, stop: Callable[[], bool]) -> float:
        begun.append(seed)
        if len(begun) == 1:
            raise ZeroDivisionError("of the task")
        while not stop():
            threading.Event().wait(0.01)
        raise Stopped

    with pytest.raises(ZeroDivisionError, match="of the task"):
        replicate(fail, seeds(1, 50)[1])
    assert len(begun) < 50


def test_an_interruption_keeps_what_is_finished() -> None:
    """The third replication interrupts, as Ctrl-C would; those that run then are told to stop."""
    numbers = iter(range(50))

    def interrupt(_seed: np.random.SeedSequence, stop: Callable[[], bool]) -> int:
        number = next(numbers)
        if number == 2:
            raise KeyboardInterrupt
        if number > 2:
            while not stop():
                threading.Event().wait(0.01)
            raise Stopped
        return number

    assert sorted(replicate(interrupt, seeds(1, 50)[1])) == [0, 1]


def test_an_interruption_before_anything_is_finished_is_passed_on() -> None:
    def interrupt(_seed: np.random.SeedSequence, _stop: Callable[[], bool]) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replicate(interrupt, seeds(1, 3)[1])


class Interrupted(list[np.random.SeedSequence]):
    """Streams of which a thousand are handed out when Ctrl-C comes, two being finished."""

    def __iter__(self):
        for number in range(1000):
            yield np.random.SeedSequence(number)
        assert FINISHED.wait(timeout=30)
        raise KeyboardInterrupt


FINISHED, BEGUN = threading.Event(), []


def two_and_then_slowly(seed: np.random.SeedSequence, stop: Callable[[], bool]) -> float:
    BEGUN.append(seed.entropy)
    if seed.entropy >= 2:
        FINISHED.set()
        for _ in range(3000):
            if stop() or RELEASED.wait(timeout=0.01):
                raise Stopped
    return float(seed.entropy)


RELEASED = threading.Event()


def test_an_interruption_while_runs_are_handed_out_keeps_what_is_finished() -> None:
    """The rest is neither begun nor waited for."""
    with ThreadPoolExecutor(1) as one:
        try:
            assert replicate(two_and_then_slowly, Interrupted(), executor=one) == [0.0, 1.0]
        finally:
            RELEASED.set()
    assert len(BEGUN) == 3
