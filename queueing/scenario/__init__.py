"""The scenario: what was promised, what comes, what can be bought, what a design does with it."""

from queueing.scenario.design import Design
from queueing.scenario.errors import ScenarioError
from queueing.scenario.guided import GuidedRun
from queueing.scenario.postmortem import Postmortem
from queueing.scenario.scenario import Scenario
from queueing.scenario.scorecard import Scorecard
from queueing.scenario.search import Search
from queueing.scenario.trace import Trace

__all__ = [
    "Design",
    "GuidedRun",
    "Postmortem",
    "Scenario",
    "ScenarioError",
    "Scorecard",
    "Search",
    "Trace",
]
