"""The best of a search by chance: every design meets the same users, failures and luck."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import pandas as pd
from tqdm.auto import tqdm

from queueing.scenario.design import Design
from queueing.scenario.scenario import Scenario
from queueing.scenario.surge import Surge
from queueing.simulation.estimate import Estimate


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Confirmation:
    """Simulated runs of several designs on common random numbers, the cheapest design first.

    The seed is shared, so that `b.p95_ms - a.p95_ms` of two `surges` is a paired difference.
    """

    surges: tuple[Surge, ...]

    @property
    def first(self) -> Surge:
        """The runs of the cheapest design."""
        return self.surges[0]

    def differences(self, number: str) -> tuple[Estimate, ...]:
        """Return by how much each further design differs from the first in a number of a `Surge`.

        `number` is the name of an estimate, as "p95_ms" or "uptime".
        """
        base = getattr(self.first, number)
        return tuple(getattr(surge, number) - base for surge in self.surges[1:])

    def to_frame(self) -> pd.DataFrame:
        """Return a row a design: theory's P95 beside the simulated numbers with their intervals."""
        return pd.DataFrame([_row(surge, self.first) for surge in self.surges])

    def __repr__(self) -> str:
        """Write the estimates and the paired differences, for a terminal."""
        first = self.first
        lines = [
            f"{first.scenario.title}: {len(first.runs)} runs of each design, seed {first.seed}"
        ]
        for surge in self.surges:
            kept = "keeps" if surge.keeps_contract else "breaks"
            lines += [
                surge.design.describe(),
                f"  {kept} the contract in the mean, in {surge.passes.mean:.0%} of the runs",
                f"  P95 {surge.p95_ms} ms, uptime {surge.uptime}, cost {surge.cost} USD a month",
            ]
            if surge is not first:
                lines.append(f"  P95 less the first's: {surge.p95_ms - first.p95_ms} ms")
        return "\n".join(lines)


def confirm(
    scenario: Scenario,
    designs: Sequence[Design],
    *,
    replications: int = 10,
    seed: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Confirmation:
    """Run each design through the surge on one seed; a fresh one if `seed` is None.

    A few runs tell latency and backlog to a hair and next to nothing about uptime: see
    `queueing.scenario.outages`. With `progress` bars on standard error count designs
    and runs. Raises `ValueError` for counts that are none.
    """
    surges: list[Surge] = []
    for design in tqdm(designs, unit="design", disable=not progress):
        surges.append(
            scenario.simulate(
                design,
                replications=replications,
                seed=surges[0].seed if surges else seed,
                executor=executor,
                progress=progress,
            )
        )
    return Confirmation(surges=tuple(surges))


def _row(surge: Surge, first: Surge) -> dict[str, object]:
    p95, more = surge.p95_ms, surge.p95_ms - first.p95_ms
    return {
        "design": surge.design.describe(),
        "cost": surge.cost.mean,
        "p95_ms_theory": surge.scenario.evaluate(surge.design).p95_ms,
        "p95_ms": p95.mean,
        "p95_ms_low": p95.low,
        "p95_ms_high": p95.high,
        "p95_ms_more": more.mean,  # than the first
        "p95_ms_more_low": more.low,
        "p95_ms_more_high": more.high,
        "uptime": surge.uptime.mean,
        "oldest_mail_s": surge.oldest_mail_s.mean,
        "runs_that_pass": surge.passes.mean,
        "keeps_contract": surge.keeps_contract,
    }
