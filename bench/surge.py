"""Measure the event engine against the SimPy model of the same rules, in one run: `make bench`.

A design's last stretch of full traffic, at least 2 % of the surge's hours, is cut into slices; each
begins with an empty system and a warm-up, and is one replication. SimPy and the engine take turns
slice by slice, so that a machine whose speed drifts drifts for both. No part fails: in so short a
stretch a failure would be all there is to see (the tests compare failing parts).
"""

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
import pandas as pd

from bench.agreement import Numbers, Stretch, compare
from bench.parts_simpy import HOUR
from queueing.scenario import Design, Scenario
from queueing.scenario.surge import run
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import never, replicate

SHARE = 0.02  # of the surge's hours, measured on both
WARM_UP_S = 60.0
ENGINE_RUNS = 50  # of a slice, for each of SimPy's
ERROR = 0.01  # that two models of the same rules are told apart at all
TURNS = 10  # of one thread and two; the fastest counts, others may keep the cores busy
BARS = {
    "times SimPy's speed": 75.0,
    "54 h on one core, s": 20.0,
    "two threads over one": 1.8,
    "peak memory, MB": 1024.0,
}
Result = TypeVar("Result")
Seeds = Sequence[np.random.SeedSequence]


def slices(scenario: Scenario, design: Design, number: int) -> list[Stretch]:
    """Return the stretch before the hour with the most users, cut into slices."""
    measured = SHARE * scenario.traffic.horizon_h * HOUR / number
    end = scenario.traffic.peak_h * HOUR
    return [
        Stretch(
            scenario=scenario,
            design=design,
            begin_s=end - (number - place) * measured - WARM_UP_S,
            warm_up_s=WARM_UP_S,
            measured_s=measured,
        )
        for place in range(number)
    ]


def timed(task: Callable[[], Result], clock: Callable[[], float]) -> tuple[float, Result]:
    """Return the seconds that a task takes, and its result."""
    begun = clock()
    result = task()
    return clock() - begun, result


def on_engine(stretch: Stretch, seeds: Seeds) -> list[Numbers]:
    """Run a stretch on the engine, once for each seed, one after the other."""
    return [stretch.by_engine(seed) for seed in seeds]


def race(
    stretches: Sequence[Stretch], seeds: Seeds
) -> tuple[pd.DataFrame, list[Numbers], list[Numbers]]:
    """Let both take turns; return each turn's CPU seconds of one run, and what both measured."""
    turns, peer, ours = [], [], []
    for stretch, seed in zip(stretches, seeds, strict=True):
        streams = seed.spawn(1 + ENGINE_RUNS)
        simpy_s, numbers = timed(partial(stretch.by_simpy, streams[0]), time.process_time)
        peer.append(numbers)
        engine_s, many = timed(partial(on_engine, stretch, streams[1:]), time.process_time)
        ours += many
        turns.append((simpy_s, engine_s / ENGINE_RUNS))
    return pd.DataFrame(turns, columns=["SimPy", "engine"]), peer, ours


def in_threads(plan: engine.Plan, seeds: Seeds, threads: int) -> float:
    """Return the wall seconds of some replications of a plan, in so many threads."""
    with ThreadPoolExecutor(threads) as executor:
        task = partial(replicate, partial(run, plan), seeds, executor=executor)
        return timed(task, time.perf_counter)[0]


def peak_memory(plan: engine.Plan) -> float:
    """Return the most memory (MB) that this process had after one replication of a plan."""
    run(plan, np.random.SeedSequence(1), never)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def memory_alone(plan: engine.Plan) -> float:
    """Return `peak_memory` of a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(peak_memory, plan).result()


def tenth(plan: engine.Plan, peak_s: float) -> engine.Plan:
    """Return a plan whose traffic is the tenth of the horizon before its peak."""
    times, users = np.asarray(plan.users.times), np.asarray(plan.users.users)
    inside = (times <= peak_s) & (times >= peak_s - plan.users.horizon / 10)
    moved = times[inside] - times[inside][0]
    fewer = replace(plan.users, times=moved.tolist(), users=users[inside].tolist())
    return replace(plan, users=fewer)


def measure(scenario: Scenario, name: str, replications: int, seed: int) -> bool:
    """Measure and tell; return whether every bar is met and the two agree."""
    design = scenario.designs[name]
    root = np.random.SeedSequence(seed)
    plan = engine_plan(scenario, design)
    hours = scenario.traffic.horizon_h
    stretches = slices(scenario, design, replications)
    tell(
        f"{scenario.title}, design {name}: {design.describe()}",
        f"Python {platform.python_version()}, NumPy {version('numpy')}, Numba {version('numba')}, "
        f"SimPy {version('simpy')}; {os.cpu_count()} cores, load average {load()}; seed {seed}",
        "",
    )
    short = tenth(plan, scenario.traffic.peak_h * HOUR)
    memory, memory_short = memory_alone(plan), memory_alone(short)
    first_s, _ = timed(partial(stretches[0].by_engine, root), time.perf_counter)
    turns, peer, ours = race(stretches, root.spawn(replications))
    tell(speeds(stretches, turns, first_s).to_string(), "")
    whole = partial(run, plan, root, never)
    wall_s, (cpu_s, done) = timed(partial(timed, whole, time.process_time), time.perf_counter)
    pair = root.spawn(2)
    one, two = zip(
        *((in_threads(short, pair, 1), in_threads(short, pair, 2)) for _ in range(TURNS)),
        strict=True,
    )
    ratio = Estimate.of((turns["SimPy"] / turns["engine"]).tolist())
    reached = {
        "times SimPy's speed": ratio.mean,
        "54 h on one core, s": cpu_s,
        "two threads over one": min(one) / min(two),
        "peak memory, MB": memory,
    }
    notes = {
        "times SimPy's speed": f"{ratio}",
        "54 h on one core, s": f"CPU, {wall_s:.1f} wall; {done.changes / 1e6:,.0f} M changes",
        "two threads over one": f"2 runs of {hours / 10:g} h at the peak, the fastest of {TURNS}",
        "peak memory, MB": f"{memory_short:,.0f} MB for {hours / 10:g} h of the peak",
    }
    met = tell_bars(reached, notes)
    return tell_agreement(compare(peer, ours, error=ERROR), len(peer), len(ours)) and met


def speeds(stretches: Sequence[Stretch], turns: pd.DataFrame, first_s: float) -> pd.DataFrame:
    """Return how fast both are, in CPU seconds; state changes as the engine counts them."""
    requests = sum(stretch.requests for stretch in stretches)
    simulated = sum(stretch.length_s for stretch in stretches)
    changes = sum(stretch.changes(np.random.SeedSequence(1)) for stretch in stretches)
    measured = sum(stretch.measured_s for stretch in stretches) / HOUR
    whole = stretches[0].scenario.traffic.horizon_h
    seconds = turns.sum()
    tell(
        f"{len(stretches)} slices of {stretches[0].measured_s:.0f} s after {WARM_UP_S:g} s of "
        f"warm-up: {measured:.2f} h measured at the peak, {measured / whole:.1%} of {whole:g} h; "
        f"{requests:,.0f} requests",
        f"The engine's first slice, compiled or loaded, took {first_s:.1f} s, not counted below",
        "",
    )
    table = pd.DataFrame(
        {
            "simulated seconds per second": simulated / seconds,
            "requests per second": requests / seconds,
            "state changes per second": changes / seconds,
        }
    ).T
    return table.map("{:,.0f}".format)


def tell_bars(reached: dict[str, float], notes: dict[str, str]) -> bool:
    """Tell what was reached beside the bars; return whether all are met."""
    rows = {}
    for name, bar in BARS.items():
        at_least = name in {"times SimPy's speed", "two threads over one"}
        met = reached[name] >= bar if at_least else reached[name] <= bar
        sign = "≥" if at_least else "≤"
        rows[name] = (f"{reached[name]:,.4g}", f"{sign} {bar:g}", met, notes[name])
    table = pd.DataFrame.from_dict(rows, "index", columns=["reached", "bar", "met", "note"])
    tell(table.to_string(), f"Load average now {load()}", "")
    return bool(table.met.all())


def tell_agreement(table: pd.DataFrame, peer: int, ours: int) -> bool:
    """Tell what both measured; return whether they agree."""
    inside, agree = table["inside"], table["agrees"]
    shown = table[["SimPy", "engine"]].map(lambda one: f"{one.mean:.4g} ± {one.half_width:.2g}")
    shown["engine's mean"] = np.where(inside, "inside", "outside")
    tell(
        f"{peer} replications of SimPy, {ours} of the engine; ± half widths of 95 % intervals",
        shown.to_string(),
        f"{inside.sum()} of {len(inside)} inside; about {0.05 * len(inside):.0f} may lie outside "
        "by chance",
        f"All differences together, at an error of {ERROR:.0%}: "
        + (
            "the models agree" if agree.all() else f"told apart by {', '.join(agree[~agree].index)}"
        ),
    )
    return bool(agree.all())


def load() -> str:
    """Return how busy the machine has been in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def tell(*lines: str) -> None:
    """Print lines at once, so that a long measurement shows where it is."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Read the command line and measure; 0 if every bar is met."""
    parser = argparse.ArgumentParser(prog="python -m bench.surge", description=__doc__)
    parser.add_argument("--design", default="E", help="a named design of MailForge (E)")
    parser.add_argument("--replications", type=int, default=8, help="slices of the stretch (8)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    scenario = Scenario.load("mailforge")
    if given.design not in scenario.designs:
        parser.error(f"no design {given.design!r}; there are {', '.join(scenario.designs)}")
    if given.replications < 2:
        parser.error("an interval needs at least 2 replications")
    return 0 if measure(scenario, given.design, given.replications, given.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
