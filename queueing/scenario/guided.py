"""A guided run: briefing, build, run, post-mortem; what each stage shows, and when it goes on.

Nothing here draws: a board shows a `Stage` and asks a `GuidedRun` for the next one. Every number in
a text is the scenario's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, Self

import numpy as np
import pandas as pd

from queueing.scenario.catalogue import Part
from queueing.scenario.design import Design, build
from queueing.scenario.errors import ScenarioError
from queueing.scenario.postmortem import Postmortem
from queueing.scenario.scenario import Scenario
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.surge import Surge
from queueing.scenario.wording import duration, many

StageName = Literal["briefing", "build", "run", "post-mortem"]
STAGES: tuple[StageName, ...] = ("briefing", "build", "run", "post-mortem")
_LATER = (
    "Sending, rendering and statistics compete for the same machines. Slow work that need not be "
    "done before the reply can go to a queue, and workers do it later: the answer is quick even "
    "when the work takes its time."
)
_RECEIPT = (
    "A quick answer is a receipt, not a delivery: whoever moves work behind the reply has to watch "
    "how old it gets there."
)
_RULES = (
    "Eight components, each with a role and a price. Two servers need a load balancer, a queue "
    "needs workers, a stream needs a reader."
)
_TWO_WAYS = (
    "Theory answers at once; chance runs every request, with outages, as often as you ask it."
)
_POINTS = 109  # of the shape of the traffic
_COMPONENTS = {  # a name for people, what it is in two words, its fields in a design
    "server": ("Server", "answers requests", ("servers",)),
    "postgres": ("Postgres", "main data store", ("database",)),
    "queue": ("Queue", "buffer of jobs", ("queue", "priority", "max_attempts")),
    "worker": ("Worker", "does the jobs", ("workers", "maximum_workers")),
    "lb": ("LB", "load balancer", ("load_balancer",)),
    "redis": ("Redis", "cache in memory", ("cache", "hit_ratio")),
    "stream": ("Stream", "durable events", ("shards",)),
    "analytics": ("Analytics", "sink of metrics", ("sinks",)),
}


class Clause(NamedTuple):
    """A row of the contract: 95 % of the answers, within 140 ms, in words."""

    clause: str
    promise: str
    meaning: str


class Component(NamedTuple):
    """One of the eight components: its role, what the catalogue sells, and what was chosen."""

    component: str
    name: str
    kind: str
    role: str
    variants: Mapping[str, float]  # USD a month for one
    fields: tuple[str, ...]  # of a design
    chosen: str
    bought: bool


class Step(NamedTuple):
    """Something to be done at a stage, and whether it is."""

    what: str
    done: bool


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is shown at a stage: paragraphs, what the player does, the steps that lead on.

    `shows` names what of the run belongs beside the text: its contract, traffic, components,
    judged (the scorecard so far), result or postmortem.
    """

    name: StageName
    title: str
    text: tuple[str, ...]
    shows: tuple[str, ...]
    task: str
    steps: tuple[Step, ...]

    @property
    def ready(self) -> bool:
        """Whether the next stage may begin."""
        return all(step.done for step in self.steps)


@dataclass(frozen=True, kw_only=True, eq=False)
class GuidedRun:
    """One player's way through a scenario: a value; every move makes a new one.

    >>> game = GuidedRun.start(Scenario.load("mailforge"))
    >>> game.stage.name, game.next().stage.name
    ('briefing', 'build')
    """

    scenario: Scenario
    design: Design
    at: StageName = "briefing"
    result: Scorecard | Surge | None = None
    rounds: tuple[Postmortem, ...] = ()  # the post-mortems so far

    @classmethod
    def start(cls, scenario: Scenario, design: Design | None = None) -> Self:
        """Return a run at its briefing; without a design the player starts from the least."""
        return cls(scenario=scenario, design=design or smallest(scenario))

    @property
    def stage(self) -> Stage:
        """What is shown now."""
        return {
            "briefing": self._briefing,
            "build": self._build,
            "run": self._run,
            "post-mortem": self._postmortem,
        }[self.at]()

    @cached_property
    def contract(self) -> tuple[Clause, ...]:
        """The rows of the contract."""
        promise = self.scenario.contract
        return (
            Clause(
                "Uptime",
                f"at least {100 * promise.uptime:g} %",
                f"of the requests are answered within {duration(promise.deadline_s)}",
            ),
            Clause(
                "P95 latency",
                f"at most {promise.p95_ms:g} ms",
                "for 95 % of the requests that arrive at the peak",
            ),
            Clause(
                "Budget",
                f"at most {promise.budget_usd_month:,.0f} USD a month",
                "for all parts, used or not",
            ),
            Clause(
                "Oldest mail",
                f"at most {duration(promise.freshness_s)}",
                "is what any mail waits for a worker (the kit's own clause)",
            ),
        )

    @cached_property
    def traffic(self) -> pd.DataFrame:
        """The shape of the traffic: users and requests per second by hour."""
        traffic = self.scenario.traffic
        hours = np.linspace(0, traffic.horizon_h, _POINTS)
        return pd.DataFrame(
            {"users": traffic.users(hours), "requests_per_s": traffic.request_rate(hours)},
            index=pd.Index(hours, name="hour"),
        )

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The eight components, with the roles that the catalogue tells."""
        catalogue = self.scenario.catalogue
        rows = []
        for component, (name, kind, fields) in _COMPONENTS.items():
            chosen = getattr(self.design, fields[0])
            parts = catalogue[component]
            rows.append(
                Component(
                    component=component,
                    name=name,
                    kind=kind,
                    role=_role(parts, chosen),
                    variants={variant: part.price_usd_month for variant, part in parts.items()},
                    fields=fields,
                    chosen=_chosen(chosen, next(iter(parts.values())).unit),
                    bought=bool(chosen),
                )
            )
        return tuple(rows)

    @cached_property
    def judged(self) -> Scorecard:
        """What theory says of the design so far."""
        return self.scenario.evaluate(self.design)

    @cached_property
    def postmortem(self) -> Postmortem:
        """What the run has taught; raises `ScenarioError` before there was one."""
        if self.result is None:
            raise ScenarioError("there is no post-mortem before the run")
        return self.scenario.postmortem(self.result)

    @property
    def passed(self) -> bool:
        """Whether the run kept the contract."""
        if isinstance(self.result, Surge):
            return self.result.keeps_contract
        return self.result is not None and self.result.passes

    @property
    def finished(self) -> bool:
        """Whether the contract is kept and the post-mortem on the table."""
        return self.at == "post-mortem" and self.passed

    # Moves

    def next(self) -> Self:
        """Return the run at its next stage; after the post-mortem it is built anew.

        Raises `ScenarioError` that says what is to be done first.
        """
        missing = [step.what for step in self.stage.steps if not step.done]
        if missing:
            raise ScenarioError(f"first: {missing[0]}")
        following = STAGES[(STAGES.index(self.at) + 1) % len(STAGES)]
        if self.at == "post-mortem":
            return replace(self, at="build", result=None, rounds=(*self.rounds, self.postmortem))
        return replace(self, at=following)

    def back(self) -> Self:
        """Return the run one stage earlier, the design as it is; the briefing is the first."""
        before = STAGES[max(STAGES.index(self.at) - 1, 0)]
        return replace(self, at=before, result=self.result if before == "run" else None)

    def build(self, **changes: float | bool | str | None) -> Self:
        """Return the run with a changed design; what was run before is of another design.

        Raises `ScenarioError` for what cannot be built, and outside the stage of building.
        """
        if self.at != "build":
            raise ScenarioError(f"building is for the stage 'build', this is {self.at!r}")
        design = build(self.scenario.catalogue, self.design, changes)
        return replace(self, design=design, result=None)

    def ran(self, result: Scorecard | Surge) -> Self:
        """Return the run with its result, by theory or by chance.

        Raises `ScenarioError` for the result of another design, and outside the stage of running.
        """
        if self.at != "run":
            raise ScenarioError(f"running is for the stage 'run', this is {self.at!r}")
        if result.design != self.design:
            raise ScenarioError("the result is of another design than the one that was built")
        return replace(self, result=result)

    # Stages

    def _briefing(self) -> Stage:
        traffic, mails = self.scenario.traffic, self.scenario.mails_per_request
        story = (
            f"{traffic.course} The run lasts {traffic.horizon_h:g} hours. At the peak that is "
            f"{traffic.peak_rate:,.0f} "
            f"requests and {traffic.peak_rate * mails:,.0f} mails a second."
        )
        return Stage(
            name="briefing",
            title=self.scenario.title,
            text=tuple(filter(None, (self.scenario.description, _LATER, _RECEIPT, story))),
            shows=("contract", "traffic", "components"),
            task="Read the contract, look at the traffic, and guess which part will be the "
            "tightest.",
            steps=(),
        )

    def _build(self) -> Stage:
        least = smallest(self.scenario)
        cost, budget = self.judged.cost, self.scenario.contract.budget_usd_month
        return Stage(
            name="build",
            title="Build",
            text=(
                _RULES,
                f"So far: {self.design.describe()}.",
                f"It costs {cost:,.2f} of {budget:,.0f} USD a month.",
            ),
            shows=("components", "contract"),
            task="Choose what is bought, and how many.",
            steps=(
                Step("change the least of all designs", self.design != least),
                Step(
                    "change the design after the last run",
                    not self.rounds or self.rounds[-1].design != self.design,
                ),
            ),
        )

    def _run(self) -> Stage:
        return Stage(
            name="run",
            title=f"Run the {self.scenario.traffic.horizon_h:g} hours",
            text=(
                f"Round {len(self.rounds) + 1}: {self.design.describe()}.",
                _TWO_WAYS,
                "Before you look: which clause is the tightest, and at what hour?",
            ),
            shows=("contract", "traffic", "result"),
            task="Predict, then run.",
            steps=(Step("run the design", self.result is not None),),
        )

    def _postmortem(self) -> Stage:
        told = self.postmortem
        closing = (
            "The contract is kept. Can it be kept for less?"
            if self.passed
            else "Take the first sentence, mend it, and run again."
        )
        return Stage(
            name="post-mortem",
            title="Post-mortem",
            text=(told.verdict, *(finding.sentence for finding in told), closing),
            shows=("contract", "result", "postmortem"),
            task=f"Read {many(len(told), 'finding')}, and build again.",
            steps=(),
        )


def smallest(scenario: Scenario) -> Design:
    """Return the least that can be built: one server and the cheapest database.

    >>> smallest(Scenario.load("mailforge")).describe()
    '1 server, no load balancer, Postgres t3.medium single-AZ 50 GB, no Redis, \
no queue (sends inside the request), 0 workers, no stream, no sink'
    """
    databases = scenario.catalogue["postgres"]
    return Design(
        servers=1,
        load_balancer=False,
        database=min(databases, key=lambda name: databases[name].price_usd_month),
        cache=None,
        queue=None,
        workers=0,
        shards=0,
        sinks=0,
    )


def _role(parts: Mapping[str, Part], chosen: object) -> str:
    """Return the role of the variant that was chosen, or of the first."""
    if isinstance(chosen, str):
        return parts[chosen].role
    return next(iter(parts.values())).role


def _chosen(value: object, unit: str) -> str:
    if value is None or value is False or value == 0:
        return "none"
    if value is True:
        return "one"
    return value if isinstance(value, str) else many(int(str(value)), unit)
