"""Any station of the theory by chance: a plan in, every customer, estimates out.

The engine knows no station by name: `plan_of` writes one down as a `StationPlan`, and `simulate`
runs that.
"""

from queueing.simulation.station.plan import StationPlan
from queueing.simulation.station.result import SimulationResult
from queueing.simulation.station.simulate import simulate
from queueing.simulation.station.storm import RetryResult
from queueing.simulation.station.translate import plan_of
from queueing.simulation.station.view import SimulatedView

__all__ = [
    "RetryResult",
    "SimulatedView",
    "SimulationResult",
    "StationPlan",
    "plan_of",
    "simulate",
]
