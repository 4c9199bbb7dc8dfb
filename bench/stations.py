"""Measure the simulation of a station: beside drawing its numbers alone, SimPy and cimba.

All work on one core and in turns, so that a machine whose speed drifts drifts for all; CPU seconds
count. The peers answer in an environment of their own, whose Python is the argument:
`python -m bench.stations .cache/peers/bin/python`.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from queueing import MMc
from queueing.retries import RetryPolicy, exponential_backoff
from queueing.simulation.replicate import never
from queueing.simulation.station import attempts, plan_of, storm
from queueing.simulation.station.run import Extent, run

CUSTOMERS = 20_000_000
TURNS = 5
BLOCK = 32_768  # exponentials that are drawn at a time, as many as stay in the cache
LOAD = 0.9
BARS = {
    "M/M/10 over drawing": ("at most", 3.0),
    "M/M/50 over drawing": ("at most", 4.0),
    "SimPy over M/M/10": ("at least", 200.0),
    "cimba over M/M/10": ("at least", 5.0),
    "events a second with retries, M": ("at least", 5.0),
    "first call, warm, s": ("at most", 1.5),
}
_FIRST = """
import time
from queueing import MMc, simulate
begun = time.perf_counter()
simulate(MMc(arrival_rate=9, service_rate=1, servers=10), customers=1000, replications=2, seed=1)
print(time.perf_counter() - begun)
"""


def spent(task: Callable[[], object]) -> float:
    """Return the CPU seconds of a task."""
    begun = time.process_time()
    task()
    return time.process_time() - begun


def draw(seed: int) -> None:
    """Draw two exponentials a customer with NumPy, block after block."""
    rng = np.random.default_rng(seed)
    for _ in range(CUSTOMERS // BLOCK):
        rng.standard_exponential(BLOCK)
        rng.standard_exponential(BLOCK)


def ours(servers: int, seed: int) -> None:
    """Simulate M/M/c: waits, percentiles and all that `simulate` keeps; a warm-up is given."""
    line = MMc(arrival_rate=LOAD * servers, service_rate=1, servers=servers)
    extent = Extent(customers=CUSTOMERS, warmup=CUSTOMERS // 20)
    run(plan_of(line), extent, np.random.SeedSequence(seed), never)


def events_a_second(seed: int) -> float:
    """Return millions of events: attempts, ends of service, customers who give up."""
    case = storm.Storm(
        plan=plan_of(MMc(arrival_rate=5, service_rate=1, servers=10)),
        retries=RetryPolicy(max_attempts=3, backoff=exponential_backoff(base=1, factor=2)),
        timeout=3,
        horizon=400_000,
        warmup=0,
        steps=100,
    )
    begun = time.process_time()
    counts = storm.run(case, np.random.SeedSequence(seed), never)[-1]
    seconds = time.process_time() - begun
    served = counts[attempts.ATTEMPTS] - counts[attempts.REFUSED]
    gave_up = served - counts[attempts.GOOD]
    return float(counts[attempts.ATTEMPTS] + served + gave_up) / seconds / 1e6


class Peers:
    """SimPy and cimba, waiting for their turns in a process of their own."""

    def __init__(self, python: str) -> None:
        script = Path(__file__).with_name("stations_peers.py")
        self._process = subprocess.Popen(  # noqa: S603, our own script
            [python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, name: str) -> float:
        """Return a peer's CPU seconds a customer."""
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise RuntimeError("the peers have no pipe to answer through")
        asked.write(name + "\n")
        asked.flush()
        return float(json.loads(answers.readline())[0])

    def close(self) -> None:
        """Let them end."""
        self._process.communicate()


def first_call() -> float:
    """Return the seconds of a session's first call; an earlier one has filled the cache."""
    command = [sys.executable, "-c", _FIRST]
    times = [
        float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603
        for _ in range(3)
    ]
    return min(times[1:])


def turns(peers: Peers, number: int = TURNS) -> pd.DataFrame:
    """Let all take turns; return what was reached, a row a turn."""
    for servers in (10, 50):
        ours(servers, 0)  # compile, or load what was compiled
    events_a_second(0)
    rows = []
    for turn in range(1, number + 1):
        drawing, ten = spent(lambda: draw(turn)), spent(lambda: ours(10, turn))  # noqa: B023
        again, fifty = spent(lambda: draw(turn)), spent(lambda: ours(50, turn))  # noqa: B023
        each = ten / CUSTOMERS
        rows.append(
            {
                "M/M/10 over drawing": ten / drawing,
                "M/M/50 over drawing": fifty / again,
                "SimPy over M/M/10": peers.ask("simpy") / each,
                "cimba over M/M/10": peers.ask("cimba") / each,
                "events a second with retries, M": events_a_second(turn),
                "M/M/10, ns a customer": 1e9 * each,
            }
        )
    return pd.DataFrame(rows)


def main(peers_python: str) -> int:
    """Measure, tell and return 1 if a bar is missed by the median turn."""
    peers = Peers(peers_python)
    table = turns(peers)
    peers.close()
    table["first call, warm, s"] = first_call()
    shown = table.agg(["median", "min", "max"]).T
    missed = []
    for name, (side, bar) in BARS.items():
        reached = shown.loc[name, "median"]
        shown.loc[name, "bar"] = f"{side} {bar:g}"
        if (reached > bar) if side == "at most" else (reached < bar):
            missed.append(name)
    print(f"{CUSTOMERS:,} customers, {len(table)} turns, load average {os.getloadavg()[0]:.1f}")
    print(shown.to_string(float_format="{:.3g}".format))
    print(f"Missed: {', '.join(missed)}" if missed else "Every bar is met.")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
