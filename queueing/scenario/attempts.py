"""Attempts and dead letters of mails by chance, at a steady peak."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from queueing import checks
from queueing.scenario.design import Design
from queueing.scenario.errors import ScenarioError
from queueing.scenario.scenario import Scenario
from queueing.scenario.translate import engine_plan
from queueing.simulation import engine
from queueing.simulation.estimate import Estimate
from queueing.simulation.replicate import replicate, seeds

_WARM = 1200.0  # seconds until every retry that a mail may still make belongs to a steady run


@dataclass(frozen=True, kw_only=True)
class MailAttempts:
    """What mails came to, each with its interval."""

    attempts: Estimate  # a mail
    dead_letters: Estimate  # share of the mails


def mail_attempts(
    scenario: Scenario,
    design: Design,
    *,
    failure_probability: float,
    minutes: float = 60,
    replications: int = 10,
    seed: int | None = None,
) -> MailAttempts:
    """Return attempts a mail and dead letters if each attempt fails with a probability.

    The event engine runs the mails of the peak alone, all parts up. The workers of the `design`
    have to keep up. Raises `ValueError`, and `ScenarioError` for a design without a queue.
    """
    fails = checks.real("failure_probability", failure_probability, at_least=0, below=1)
    seconds = 60 * checks.real("minutes", minutes, above=0)
    made = engine_plan(scenario, design)
    if made.jobs is None:
        raise ScenarioError("a design without a queue has no mails to try again")
    rate = scenario.traffic.peak_rate * scenario.mails_per_request
    mails = replace(
        made,
        users=engine.Users.steady(request_rate=rate, horizon=_WARM + seconds),
        classes=[engine.RequestClass(name="send", steps=[engine.Step(action="submit")])],
        jobs=replace(made.jobs, failure_probability=fails),
        events=None,
    )
    root, streams = seeds(seed, replications)
    found = np.array(replicate(partial(_ratios, mails), streams))
    return MailAttempts(
        attempts=Estimate.of(found[:, 0].tolist(), seed=root),
        dead_letters=Estimate.of(found[:, 1].tolist(), seed=root),
    )


def _ratios(
    plan: engine.Plan, seed: np.random.SeedSequence, _stop: Callable[[], bool]
) -> tuple[float, float]:
    replication = engine.Replication(plan, seed, failures=False)
    replication.run(_WARM)
    before = replication.outcome().totals
    replication.run(plan.users.horizon)
    after = replication.outcome().totals
    mails, attempts, dead = (
        after[name] - before[name] for name in ("submitted", "attempts", "dead")
    )
    return attempts / mails, dead / mails
