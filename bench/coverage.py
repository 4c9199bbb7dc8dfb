"""Measure how often the simulation's 95 % intervals cover the exact value.

`make coverage` runs every model a thousand times over, each time from another seed, and counts for
each quantity how many of the thousand intervals hold what the theory says. The table is written to
`bench/coverage.csv`; the command fails if a cell or the mean of all is off.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from queueing import MG1, MM1, ErlangA, MMc, MMcK, lognormal, simulate

TABLE = Path(__file__).parent / "coverage.csv"
MACROS, REPLICATIONS, SEED = 1000, 20, 1_000_000
CELL, MEAN = 2.5, 0.7  # per cent that a cell, and the mean of all cells, may be off 95


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A station, how long each of its replications lasts, and the probability asked of it."""

    name: str
    model: Any
    extent: Mapping[str, float]
    probability: str = "wait_probability"

    def exact(self) -> dict[Any, float]:
        """Return what the theory says of each quantity."""
        names = ("mean_wait", "mean_number_in_system", self.probability)
        values: dict[Any, float] = {name: getattr(self.model, name) for name in names}
        return values | {("wait_ppf", 0.95): float(self.model.wait.ppf(0.95))}


TRIALS = (
    Trial(
        name="M/M/1, rho = 0.5",
        model=MM1(arrival_rate=0.5, service_rate=1),
        extent={"customers": 20_000},
    ),
    Trial(
        name="M/M/1, rho = 0.9",
        model=MM1(arrival_rate=0.9, service_rate=1),
        extent={"customers": 200_000},
    ),
    Trial(
        name="M/M/10, rho = 0.9",
        model=MMc(arrival_rate=9, service_rate=1, servers=10),
        extent={"customers": 100_000},
    ),
    Trial(
        name="M/M/10/15, rho = 0.9",
        model=MMcK(arrival_rate=9, service_rate=1, servers=10, capacity=15),
        extent={"horizon": 2000.0},
        probability="blocking_probability",
    ),
    Trial(
        name="M/M/10+M, rho = 1",
        model=ErlangA(arrival_rate=10, service_rate=1, servers=10, patience_rate=0.5),
        extent={"horizon": 2000.0},
        probability="abandonment_probability",
    ),
    Trial(
        name="M/G/1, lognormal service, rho = 0.7",
        model=MG1(arrival_rate=0.7, service=lognormal(mean=1, scv=2)),
        extent={"customers": 50_000},
    ),
)


def asked(result: Any, what: Any) -> Any:
    """Return a result's estimate of a quantity, or of a pair such as ("wait_ppf", 0.95)."""
    return getattr(result, what[0])(what[1]) if isinstance(what, tuple) else getattr(result, what)


def cells(
    trial: Trial, *, macros: int, replications: int, seed: int, progress: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield a row a quantity: how many of the intervals, in per cent, hold the exact value."""
    exact = trial.exact()
    covered, widths = dict.fromkeys(exact, 0), dict.fromkeys(exact, 0.0)
    for macro in tqdm(range(macros), desc=trial.name, disable=not progress):
        result = simulate(
            trial.model,
            **trial.extent,  # type: ignore[arg-type]
            replications=replications,
            seed=seed + macro,
        )
        for what, value in exact.items():
            estimate = asked(result, what)
            covered[what] += value in estimate
            widths[what] += estimate.half_width / value
    for what, value in exact.items():
        yield {
            "model": trial.name,
            "quantity": "P95 wait" if isinstance(what, tuple) else what,
            "exact": round(value, 6),
            "covered_percent": 100 * covered[what] / macros,
            "half_width_percent": round(100 * widths[what] / macros, 2),
            "each_run": " ".join(f"{name}={length:g}" for name, length in trial.extent.items()),
            "replications": replications,
            "intervals": macros,
        }


def verdict(table: pd.DataFrame) -> list[str]:
    """Return what is off, in words."""
    off = [
        f"{row.model}, {row.quantity}: {row.covered_percent:g} % covered"
        for row in table.itertuples()
        if abs(float(row.covered_percent) - 95) > CELL  # type: ignore[arg-type]
    ]
    mean = float(table["covered_percent"].mean())
    return off + ([f"the mean of all cells is {mean:.2f} %"] if abs(mean - 95) > MEAN else [])


def main() -> int:
    """Run all, write the table, say what is off."""
    began = time.perf_counter()
    rows = [
        row
        for number, trial in enumerate(TRIALS)
        for row in cells(
            trial,
            macros=MACROS,
            replications=REPLICATIONS,
            seed=SEED * (number + 1),
            progress=True,
        )
    ]
    table = pd.DataFrame(rows)
    table.to_csv(TABLE, index=False)
    off = verdict(table)
    sys.stdout.write(
        f"{table.to_string()}\n\n"
        f"mean of {len(table)} cells: {table['covered_percent'].mean():.2f} %, "
        f"{time.perf_counter() - began:.0f} s\n" + "".join(f"OFF: {line}\n" for line in off)
    )
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
