"""One core, many, processes, a cluster: the same bits; an error with its cause; what is finished.

Workers import this file by its name, so what they are to run stands at its top.
"""

import os
import threading
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from queueing.backpressure import BacklogAutoscaler, BoundedQueue
from queueing.nonstationary import MtMc
from queueing.retries import RetryPolicy, exponential_backoff
from queueing.simulation import simulate
from queueing.simulation.replicate import replicate, seeds
from queueing.stations import MMc, MMcK, PriorityMMc

LINE = MMc(arrival_rate=8, service_rate=1, servers=10)
POLICY = RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=1, factor=2, jitter="full"))
RULE = BacklogAutoscaler(target_per_worker=3, minimum=1, maximum=3, interval=5, boot_time=4)
CASES = {
    "customers": (LINE, {"customers": 3000}, "mean_wait"),
    "a horizon": (LINE, {"horizon": 300}, "mean_queue_length"),
    "classes": (
        PriorityMMc(arrival_rates=[3, 4], service_rate=1, servers=10),
        {"customers": 2000},
        "mean_wait",
    ),
    "retries": (
        MMcK(arrival_rate=8, service_rate=1, servers=10, capacity=30),
        {"horizon": 300, "retries": POLICY, "timeout": 3},
        "goodput",
    ),
    "a bounded queue": (
        LINE,
        {"customers": 3000, "backpressure": BoundedQueue(capacity=12)},
        "shed",
    ),
    "workers by the backlog": (
        LINE.with_servers(4),
        {"horizon": 500, "backpressure": RULE},
        "mean_wait",
    ),
}


def values(name, **how):
    """Every replication's value, as it stands in memory."""
    model, run, quantity = CASES[name]
    estimates = np.atleast_1d(
        getattr(simulate(model, seed=2026, replications=5, **run, **how), quantity)
    )
    return b"".join(np.array(each.values).tobytes() for each in estimates)


def fails(seed, _stop):
    if seed.spawn_key == (1,):
        message = "told by the worker"
        raise ZeroDivisionError(message)
    return os.getpid()


def rate_that_breaks(time):
    if np.any(np.asarray(time) > 7):
        message = "the rate of second 7 was lost"
        raise LookupError(message)
    return 3.0


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("name", CASES)
def test_the_same_bits_on_one_core_on_many_and_in_processes(name, processes):
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(4) as four:
        alone = values(name, executor=one)
        assert values(name, executor=four) == alone
        assert values(name) == alone
    assert values(name, executor=processes) == alone
    model, run, quantity = CASES[name]
    other = simulate(model, seed=2027, replications=5, **run)
    first = np.atleast_1d(getattr(other, quantity))[0]
    assert np.array(first.values).tobytes() not in alone


def test_a_worker_s_error_arrives_with_its_cause(processes):
    with pytest.raises(ZeroDivisionError, match="told by the worker") as found:
        replicate(fails, seeds(1, 4)[1], executor=processes)
    assert "raise ZeroDivisionError(message)" in str(found.value.__cause__)


def test_an_error_of_the_model_s_own_arrives_too():
    broken = MtMc(arrival_rate=rate_that_breaks, service_rate=1, servers=5)
    with pytest.raises(LookupError, match="the rate of second 7 was lost"):
        simulate(broken, horizon=10, seed=1)


class Some(Executor):
    """Does the first few tasks at once, and then is told to cancel the rest."""

    def __init__(self, most):
        self.left = most

    def submit(self, function, *given):
        future = Future()
        if self.left > 0:
            future.set_result(function(*given))
        else:
            future.cancel()
        self.left -= 1
        return future


@pytest.mark.parametrize("name", CASES)
def test_who_cancels_keeps_what_is_finished(name):
    model, run, quantity = CASES[name]
    part = simulate(model, seed=3, replications=9, executor=Some(4), **run)
    assert part.replications == 4
    assert part.ending.startswith("interrupted, 4 ")
    first = np.atleast_1d(getattr(part, quantity))[0]
    assert first.replications == 4
    assert first.half_width > 0


def test_who_cancels_before_anything_is_finished_is_told():
    with pytest.raises(CancelledError):
        simulate(LINE, customers=100, seed=1, executor=Some(0))


def test_an_executor_that_shuts_down_is_not_waited_for():
    begun, over = threading.Event(), threading.Event()

    def wait(seed, _stop):
        if seed.spawn_key != (0,):
            begun.set()
            over.wait(20)
        return seed.spawn_key

    def shut_down(pool):
        begun.wait(20)
        pool.shutdown(wait=False, cancel_futures=True)
        over.set()

    pool = ThreadPoolExecutor(1)
    stopper = threading.Thread(target=shut_down, args=(pool,))
    stopper.start()
    assert (0,) in replicate(wait, seeds(1, 9)[1], executor=pool)
    stopper.join()


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the dask extra is not installed")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    )
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_the_same_bits_on_a_cluster(name, cluster):
    assert values(name, executor=cluster.get_executor()) == values(name)


@pytest.mark.filterwarnings("ignore")
def test_an_error_of_a_cluster_s_worker_arrives(cluster):
    with pytest.raises(ZeroDivisionError, match="told by the worker") as found:
        replicate(fails, seeds(1, 4)[1], executor=cluster.get_executor())
    assert any(frame.name == "fails" for frame in found.traceback)
