"""The same stretch of the surge on the engine and on the SimPy model, in the same terms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench.parts_simpy import HOUR
from bench.surge_simpy import SurgeModel
from queueing.scenario import Design, Scenario
from queueing.scenario.plan import CPU, DATABASE, SINK, SLOTS, WORKERS, plan
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.simulation.estimate import Estimate

MINUTE = 60.0
BUSY = {  # the engine's names of resources, by the plan's
    SLOTS: "slots",
    CPU: "processors",
    DATABASE: DATABASE,
    WORKERS: "workers",
    SINK: "sinks",
}
RATES = ("submitted", "attempts", "delivered", "consumed")
Numbers = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of a scenario's traffic, begun with an empty system, measured after a warm-up."""

    scenario: Scenario
    design: Design
    begin_s: float
    warm_up_s: float
    measured_s: float
    users_factor: float = 1.0  # more of them, for a negative control
    failures: bool = False

    @property
    def length_s(self) -> float:
        """Warm-up and measurement together."""
        return self.warm_up_s + self.measured_s

    @property
    def users(self) -> tuple[list[float], list[float]]:
        """Seconds since the beginning, and the users then, minute by minute."""
        seconds = np.linspace(0, self.length_s, max(2, round(self.length_s / MINUTE) + 1))
        users = self.scenario.traffic.users((self.begin_s + seconds) / HOUR)
        return seconds.tolist(), (self.users_factor * users).tolist()

    @property
    def requests(self) -> float:
        """Requests that come, in the mean."""
        seconds, users = self.users
        return float(np.trapezoid(users, seconds)) / self.cycle_s

    @property
    def cycle_s(self) -> float:
        """Seconds from one request of a user to the next."""
        traffic = self.scenario.traffic
        return traffic.think_time_s + traffic.nominal_response_s

    @cached_property
    def engine_plan(self) -> engine.Plan:
        """What the engine runs."""
        whole = engine_plan(self.scenario, self.design)
        seconds, users = self.users
        return replace(whole, users=replace(whole.users, times=seconds, users=users))

    def by_engine(
        self, seed: np.random.SeedSequence, changed: engine.Plan | None = None
    ) -> Numbers:
        """Run one replication on the engine; of a plan `changed` for a negative control."""
        run = engine.Replication(changed or self.engine_plan, seed, failures=self.failures)
        run.run(self.warm_up_s)
        run.forget()
        before = run.outcome().totals
        run.run(self.length_s)
        done = run.outcome()
        ended = sum(int(done.counts[name].sum()) for name in ("served", "shed", "failed"))
        return {
            "mean response, ms": 1000 * done.mean_response(),
            "P95 response, ms": 1000 * done.response(0.95),
            **{
                f"P95 {kind.name}, ms": 1000 * done.response(0.95, kind=kind.name)
                for kind in run.plan.classes
            },
            "requests/s": ended / self.measured_s,
            "lost, %": 100 * (1 - done.answered()),
            **{f"{name} busy": done.busy(resource) for name, resource in BUSY.items()},
            **{f"{name}/s": (done.totals[name] - before[name]) / self.measured_s for name in RATES},
            "mail median, s": done.delivered_within(0.5),
            "mail P90, s": done.delivered_within(0.9),
        }

    def changes(self, seed: np.random.SeedSequence) -> int:
        """Return the state changes of one replication, as the engine counts them."""
        run = engine.Replication(self.engine_plan, seed, failures=self.failures)
        run.run(self.length_s)
        return int(run.outcome().totals["changes"])

    def by_simpy(self, seed: np.random.SeedSequence) -> Numbers:
        """Run one replication on the SimPy model."""
        seconds, users = self.users
        model = SurgeModel(
            plan(self.scenario, self.design),
            [(time, number / self.cycle_s) for time, number in zip(seconds, users, strict=True)],
            deadline_s=self.scenario.contract.deadline_s,
            seed=seed,
            failures=self.failures,
        )
        model.run(self.warm_up_s)
        model.forget()
        model.run(self.length_s)
        measured = model.measured
        tallies = {kind.name: measured.requests[kind.name] for kind in model.plan.classes}
        every = np.concatenate([tally.response_times for tally in tallies.values()])
        ended = every.size + sum(tally.shed + tally.failed for tally in tallies.values())
        in_time = every.size - sum(tally.late for tally in tallies.values())
        hooks = measured.requests["web-hook"].response_times
        counted = {
            "submitted": measured.submitted,
            "attempts": measured.attempts,
            "delivered": len(measured.delivery_times),
            "consumed": measured.consumed + len(hooks),
        }
        return {
            "mean response, ms": 1000 * float(every.mean()),
            "P95 response, ms": 1000 * float(np.quantile(every, 0.95)),
            **{
                f"P95 {name}, ms": 1000 * float(np.quantile(tally.response_times, 0.95))
                for name, tally in tallies.items()
            },
            "requests/s": ended / self.measured_s,
            "lost, %": 100 * (1 - in_time / ended),
            **{f"{name} busy": measured.busy[name] / self.measured_s for name in BUSY},
            **{f"{name}/s": counted[name] / self.measured_s for name in RATES},
            "mail median, s": float(np.quantile(measured.delivery_times, 0.5)),
            "mail P90, s": float(np.quantile(measured.delivery_times, 0.9)),
        }


def compare(
    peer: Sequence[Mapping[str, float]], ours: Sequence[Mapping[str, float]], *, error: float
) -> pd.DataFrame:
    """Return both sides' estimates as a table, a row a number.

    `inside`: the engine's mean lies in the 95 % interval of SimPy's replications. `agrees`: the
    difference of the means is 0 within Welch's interval, so wide that for two models of the same
    rules any row at all is outside with a probability of at most `error` (Bonferroni).
    """
    rows = {}
    for name in peer[0]:
        mine, theirs = _values(ours, name), _values(peer, name)
        if not any(mine) and not any(theirs):
            continue  # nothing to see: no sinks, nobody lost
        rows[name] = (Estimate.of(theirs), Estimate.of(mine), theirs, mine)
    confidence = 1 - error / len(rows)
    table = pd.DataFrame(
        {
            name: {
                "SimPy": theirs,
                "engine": mine,
                "inside": mine.mean in theirs,
                "agrees": 0
                in Estimate.of(a, confidence=confidence) - Estimate.of(b, confidence=confidence),
            }
            for name, (theirs, mine, a, b) in rows.items()
        }
    ).T
    return table.astype({"inside": bool, "agrees": bool})


def _values(runs: Iterable[Mapping[str, float]], name: str) -> list[float]:
    return [float(run[name]) for run in runs]
