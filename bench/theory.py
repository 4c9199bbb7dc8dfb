"""Measure the theory beside its peers on the same questions, the exact value in between.

The exact values come from sums of positive terms at 60 digits, which no program here uses. The
peers (LINE, pyworkforce, Ciw) answer in an environment of their own, whose Python is the argument:
`python -m bench.theory .cache/peers/bin/python`.
"""

import json
import subprocess
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

import mpmath as mp
import pandas as pd

from queueing import ClosedNetwork, MMc, erlang_c

BAR = 1e-8  # of our own relative error


def exact_wait_probability(load: float, servers: int) -> mp.mpf:
    """Return Erlang's C from its definition; 1 where the servers cannot keep up."""
    if load >= servers:
        return mp.mpf(1)
    a = mp.mpf(load)
    waiting = a**servers / mp.factorial(servers) * servers / (servers - a)
    return waiting / (mp.fsum(a**k / mp.factorial(k) for k in range(servers)) + waiting)


def exact_response(rate: float, servers: int) -> mp.mpf:
    """Return the mean time in system of M/M/c with a service of one second."""
    return 1 + exact_wait_probability(rate, servers) / (servers - mp.mpf(rate))


def exact_percentile(rate: float, servers: int, p: float) -> mp.mpf:
    """Return the time t in system with P(T <= t) = p in M/M/c with a service of one second."""
    waits, spare = exact_wait_probability(rate, servers), servers - mp.mpf(rate)

    def later(t: mp.mpf) -> mp.mpf:  # service alone, or an exponential wait before it
        both = (1 + t) * mp.exp(-t) if spare == 1 else None
        if both is None:
            both = (spare * mp.exp(-t) - mp.exp(-spare * t)) / (spare - 1)
        return (1 - waits) * mp.exp(-t) + waits * both

    return mp.findroot(lambda t: later(t) - (1 - mp.mpf(p)), (1, 20), solver="anderson")


def exact_closed(population: int) -> mp.mpf:
    """Return the mean time at four servers of 20 ms, before one of 6 ms, thinking for 14 s.

    Buzen's convolution of three load-dependent stations.
    """
    sizes = range(population + 1)
    think = [mp.mpf(14) ** n / mp.factorial(n) for n in sizes]
    single = [mp.mpf("0.006") ** n for n in sizes]
    four = [mp.mpf(1)]
    for n in sizes[1:]:
        four.append(four[-1] * mp.mpf("0.020") / min(n, 4))
    rest = _convolved(think, single)
    whole = mp.fsum(four[n] * rest[population - n] for n in sizes)
    number = mp.fsum(n * four[n] * rest[population - n] for n in sizes) / whole
    one_less = mp.fsum(four[n] * rest[population - 1 - n] for n in range(population))
    return number / (one_less / whole)


def _convolved(first: list[mp.mpf], second: list[mp.mpf]) -> list[mp.mpf]:
    return [mp.fsum(first[k] * second[n - k] for k in range(n + 1)) for n in range(len(first))]


def closed_response(population: int) -> float:
    """Return the same from the kit."""
    network = ClosedNetwork(
        population=population,
        think_time=14,
        visits=[1, 1],
        service_times=[0.020, 0.006],
        servers=[4, 1],
    )
    return float(network.mean_number_in_system[0] / network.throughput)


def _station(rate: float, servers: int) -> MMc:
    return MMc(arrival_rate=rate, service_rate=1, servers=servers)


QUESTIONS: dict[str, tuple[Callable[[], mp.mpf], Callable[[], float]]] = {
    "M/M/10, mean time in system": (
        lambda: exact_response(9, 10),
        lambda: _station(9, 10).mean_time_in_system,
    ),
    "M/M/100, mean time in system": (
        lambda: exact_response(95, 100),
        lambda: _station(95, 100).mean_time_in_system,
    ),
    "M/M/10, P95 of the time in system": (
        lambda: exact_percentile(9, 10, 0.95),
        lambda: float(_station(9, 10).time_in_system.ppf(0.95)),
    ),
    "M/M/10 at load 0.9, wait probability": (
        lambda: exact_wait_probability(9, 10),
        lambda: float(erlang_c(10, 9)),
    ),
    "M/M/10 at load 1.2, wait probability": (
        lambda: exact_wait_probability(12, 10),
        lambda: float(erlang_c(10, 12)),
    ),
    "50 users who think, mean time at four servers": (
        lambda: exact_closed(50),
        lambda: closed_response(50),
    ),
    "500 users who think, mean time at four servers": (
        lambda: exact_closed(500),
        lambda: closed_response(500),
    ),
}


def timed(answer: Callable[[], float]) -> float:
    """Return the seconds of one answer, the best of five rounds."""
    timer = timeit.Timer(answer)
    number, _ = timer.autorange()
    return min(timer.repeat(5, number)) / number


def table(peers: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Return a row for every answer: value, relative error, seconds, and seconds over ours."""
    rows = []
    for question, (exact, ours) in QUESTIONS.items():
        truth, seconds = exact(), timed(ours)
        answers = [("this kit", ours(), seconds)]
        answers += [(peer, value, took) for asked, peer, value, took in peers if asked == question]
        rows += [
            {
                "question": question,
                "exact": float(truth),
                "program": program,
                "answer": value,
                "relative error": float(abs(value / truth - 1)),
                "seconds": took,
                "times our time": took / seconds,
            }
            for program, value, took in answers
        ]
    return pd.DataFrame(rows)


def main(peers_python: str) -> int:
    """Ask, print the table and return 1 if an answer of ours misses the bar."""
    mp.mp.dps = 60
    script = Path(__file__).with_name("theory_peers.py")
    found = subprocess.run(  # noqa: S603, our own script
        [peers_python, str(script)], stdout=subprocess.PIPE, text=True, check=True
    )
    rows = table([tuple(row) for row in json.loads(found.stdout)])
    shown = rows.drop(columns="question").groupby(rows["question"], sort=False)
    for question, answers in shown:
        print(f"\n{question}: exact {answers['exact'].iloc[0]:.12g}")
        print(answers.drop(columns="exact").to_string(index=False, float_format="{:.4g}".format))
    worst = rows.loc[rows["program"] == "this kit", "relative error"].max()
    print(f"\nOur largest relative error is {worst:.1e}; the bar is {BAR:g}.")
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
