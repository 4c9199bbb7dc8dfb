"""The exercises of the course, in one place for notebooks and handouts."""

from queueing.lab.crowding_exercises import EXERCISES as CROWDING
from queueing.lab.design_exercises import EXERCISES as DESIGNING
from queueing.lab.drilling_exercises import EXERCISES as DRILLS
from queueing.lab.exercises import Exercise
from queueing.lab.freshness_exercises import EXERCISES as FRESHNESS
from queueing.lab.little_exercises import EXERCISES as LITTLE
from queueing.lab.own_exercises import EXERCISES as OWN
from queueing.lab.pooling_exercises import EXERCISES as POOLING
from queueing.lab.request_exercises import EXERCISES as REQUESTS
from queueing.lab.retrying_exercises import EXERCISES as RETRYING
from queueing.lab.single_exercises import EXERCISES as SINGLE
from queueing.lab.starting_exercises import EXERCISES as STARTING
from queueing.lab.streaming_exercises import EXERCISES as STREAMING
from queueing.lab.surge_exercises import EXERCISES as SURGE
from queueing.lab.uptime_exercises import EXERCISES as UPTIME
from queueing.lab.variability_exercises import EXERCISES as VARIABILITY

_LESSONS = (  # in the course's order
    STARTING,
    LITTLE,
    SINGLE,
    POOLING,
    VARIABILITY,
    REQUESTS,
    FRESHNESS,
    CROWDING,
    RETRYING,
    STREAMING,
    UPTIME,
    SURGE,
    DESIGNING,
    DRILLS,
    OWN,
)
EXERCISES = {exercise.key: exercise for lesson in _LESSONS for exercise in lesson}


def exercise(key: str) -> Exercise:
    """Return an exercise of the register; raises `ValueError` that names those there are."""
    if key not in EXERCISES:
        raise ValueError(f"no exercise {key!r}; there are {', '.join(EXERCISES)}")
    return EXERCISES[key]


def judged(lesson: str = "") -> list[str]:
    """Return the keys of the exercises that are judged, of a lesson ("03") or of the course."""
    return [
        key for key, each in EXERCISES.items() if key.startswith(lesson) and not each.prediction
    ]
