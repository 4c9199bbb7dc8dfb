"""Whether an exercise still makes sense under a scenario that nobody had in mind."""

import math
import re

from queueing.lab.exercises import Exercise
from queueing.scenario import Scenario

UNASKABLE = {"cannot be asked", "has no finite answer"}  # the faults that leave nothing to ask


def faults(exercise: Exercise, scenario: Scenario) -> set[str]:
    """Return in which ways an exercise makes no sense under a scenario; none is good."""
    try:
        question, right = exercise.question(scenario), exercise.answer(scenario)
        missed = [value(scenario) for value, _ in exercise.near_misses]
        told = f"{question} {exercise.solution(scenario)}"
    except (ArithmeticError, LookupError, ValueError):
        return {"cannot be asked"}
    if not math.isfinite(right):
        return {"has no finite answer"}
    found = {
        "has no finite near miss": not all(map(math.isfinite, missed)),
        "takes a near miss for the answer": any(
            exercise.missed(scenario, right) for value in missed if math.isfinite(value)
        ),
        "tells of numbers that are none": bool(re.search(r"\b(nan|inf)\b", told)),
        "asks with a negative number": bool(re.search(r"(?<![\w)])[-\u2212]\d", question)),
        "asks with a number that is 0": bool(re.search(r"(?<![\d.,])0(?![\d.,])", question)),
    }
    if not exercise.prediction:
        shown = exercise.shown(right)
        typed = {exercise.judge(scenario, text).verdict for text in (str(right), shown)}
        found["judges its answer wrong"] = typed != {"right"}
        figures = re.findall(r"\d[\d,]*(?:\.\d+)?", " ".join((question, *exercise.hints)))
        found["gives its answer away"] = shown.split()[0] in figures
    return {fault for fault, there in found.items() if there}
