"""The peers' answers to the questions of `bench.theory`, as JSON, in an environment of their own.

LINE, pyworkforce and Ciw want other versions of what this kit is tested with. Each answer is
(question, peer, value, seconds).
"""

import contextlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import ciw
import line_solver as line
import numpy as np
from pyworkforce.queuing import ErlangC

Answer = tuple[str, str, float, float]

CIW_SECONDS = 20_000.0  # of the clock of its model, the first tenth left out
CIW_SEED = 1
LONG_S = 5.0  # an answer that takes longer needs no warming up


def timed(question: str, peer: str, answer: Callable[[], float]) -> Answer:
    """Ask once to warm up, if that is short, and for the answer and its time; nan for a refusal."""
    try:
        for _ in ("warm", "timed"):
            start = time.perf_counter()
            value = answer()
            seconds = time.perf_counter() - start
            if seconds > LONG_S:
                break
    except Exception as error:  # noqa: BLE001, whatever a peer raises is its refusal
        print(f"{peer}: {question}: {error}", file=sys.stderr)
        return question, peer, float("nan"), float("nan")
    return question, peer, float(value), seconds


def open_station(arrival_rate: float, service_rate: float, servers: int) -> "line.Network":
    """Return M/M/c as a LINE model."""
    model = line.Network("M/M/c")
    source, sink = line.Source(model, "source"), line.Sink(model, "sink")
    queue = line.Queue(model, "queue", line.SchedStrategy.FCFS)
    customers = line.OpenClass(model, "customers")
    source.setArrival(customers, line.Exp(arrival_rate))
    queue.setService(customers, line.Exp(service_rate))
    queue.setNumberOfServers(servers)
    model.link(line.Network.serialRouting(source, queue, sink))
    return model


def closed_network(population: int) -> "line.Network":
    """Return users who think for 14 s, four servers of 20 ms and one of 6 ms."""
    model = line.Network("closed")
    thinking = line.Delay(model, "thinking")
    users = line.ClosedClass(model, "users", population, thinking)
    thinking.setService(users, line.Exp(1 / 14))
    queues = []
    for seconds, servers in ((0.020, 4), (0.006, 1)):
        queue = line.Queue(model, f"{servers} servers", line.SchedStrategy.FCFS)
        queue.setService(users, line.Exp(1 / seconds))
        queue.setNumberOfServers(servers)
        queues.append(queue)
    model.link(line.Network.serialRouting(thinking, *queues))
    return model


def response(solver: type, model: "line.Network", row: int = 1, **options: str) -> float:
    """Return LINE's mean response time at a station."""
    return float(solver(model, **options).avg_table().RespT.iloc[row])


def percentile(solver: type, model: "line.Network") -> float:
    """Return LINE's 95th percentile of the response time at its queue."""
    answers, _ = solver(model).perct_resp_t([95])
    return float(answers[0]["values"][0])


def simulated(arrival_rate: float, service_rate: float, servers: int) -> np.ndarray:
    """Return the times in system that Ciw draws in one run."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(arrival_rate)],
        service_distributions=[ciw.dists.Exponential(service_rate)],
        number_of_servers=[servers],
    )
    ciw.seed(CIW_SEED)
    run = ciw.Simulation(network)
    run.simulate_until_max_time(CIW_SECONDS / service_rate / servers)
    warm = CIW_SECONDS / service_rate / servers / 10
    records = (record for record in run.get_all_records() if record.arrival_date > warm)
    return np.array([record.exit_date - record.arrival_date for record in records])


def answers() -> Iterator[Answer]:
    """Ask every question of every peer that takes it."""
    for rate, servers in ((9, 10), (95, 100)):
        question = f"M/M/{servers}, mean time in system"
        model = open_station(rate, 1, servers)
        yield timed(question, "LINE MVA", lambda: response(line.SolverMVA, model))  # noqa: B023
        yield timed(question, "LINE NC", lambda: response(line.SolverNC, model))  # noqa: B023
        yield timed(question, "Ciw", lambda: simulated(rate, 1, servers).mean())  # noqa: B023
    question, model = "M/M/10, P95 of the time in system", open_station(9, 1, 10)
    yield timed(question, "LINE MVA", lambda: percentile(line.SolverMVA, model))
    yield timed(question, "Ciw", lambda: float(np.quantile(simulated(9, 1, 10), 0.95)))
    for rate in (9, 12):
        station = ErlangC(transactions=rate, aht=1, asa=1, interval=1)
        yield timed(
            f"M/M/10 at load {rate / 10:g}, wait probability",
            "pyworkforce",
            lambda: station.waiting_probability(10),  # noqa: B023
        )
    for population in (50, 500):
        question, model = f"{population} users who think, mean time at four servers", None
        for name, solver in (("MVA", line.SolverMVA), ("NC", line.SolverNC)):
            yield timed(
                question,
                f"LINE {name}, exact",
                lambda: response(solver, closed_network(population), method="exact"),  # noqa: B023
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        found = list(answers())
    json.dump(found, sys.stdout)
