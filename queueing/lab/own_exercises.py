"""The exercises of 14_your_own_system: from counts to bursts, from bursts to workers."""

import math

from queueing.lab import words
from queueing.lab.bursts import KEPT, Bursts, bursts
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.remembered import remembered
from queueing.lab.traced import amount, span
from queueing.scenario import Scenario

_SWING, _WINDOW_S = 0.3, 1800.0  # bursts of a scenario that has none of its own
_INDEX = 5  # variance over mean, in the diagnosis


@remembered
def _bursts(scenario: Scenario) -> Bursts:
    """The scenario's own bursts, or those of the lesson."""
    own = bool(scenario.traffic.rate_scv)
    window, scv = (None, None) if own else (_WINDOW_S, _SWING**2)
    return bursts(scenario, scenario.base, window_s=window, scv=scv)


def _enough(scenario: Scenario) -> int:
    """Workers that are enough by theory."""
    return _bursts(scenario).fewest_if_poisson or 1


def _kept(scenario: Scenario) -> float:
    """Runs of a hundred in which they are enough."""
    return 100 * _bursts(scenario).kept(_enough(scenario))


def _swing(scenario: Scenario) -> str:
    case = _bursts(scenario)
    return f"± {100 * math.sqrt(case.scv):.0f} %, anew every {span(case.window_s)}"


def _promise(scenario: Scenario) -> str:
    return words.duration(scenario.contract.freshness_s)


def _counted(scenario: Scenario) -> float:
    """Requests in a second of the peak."""
    return scenario.traffic.peak_rate


def _random(scenario: Scenario) -> float:
    """The swing of the rate behind the counts, per cent."""
    return 100 * math.sqrt((_INDEX - 1) / _counted(scenario))


def _predict_question(scenario: Scenario) -> str:
    case, enough = _bursts(scenario), _enough(scenario)
    waited = words.duration(case.mails.oldest_s(enough))
    return (
        f"Theory, which takes arrivals as Poisson, says that {enough} workers are enough: no mail "
        f"waits longer than {waited}, promised are {_promise(scenario)}. In truth the rate of the "
        f"requests swings around its plan: {_swing(scenario)}. Of 100 such runs, in how many do "
        "the same workers keep the promise?"
    )


def _predict_solution(scenario: Scenario) -> str:
    case, enough, kept = _bursts(scenario), _enough(scenario), _kept(scenario)
    shown = f"{kept:.0f}" if kept >= 10 else f"{kept:.2g}"
    return (
        f"At the peak {enough} workers run at {case.load(enough):.2f} in the mean. A burst of that "
        f"size puts them beyond 1 again and again, for {span(case.window_s)} at a time, and what "
        f"is left over then waits: {shown} of 100 runs keep {_promise(scenario)}."
    )


def _random_solution(scenario: Scenario) -> str:
    mean = _counted(scenario)
    return (
        f"The index is 1 + v n, with n = {amount(mean)} requests in a window: v = ({_INDEX} - 1) / "
        f"{amount(mean)} = {amount((_INDEX - 1) / mean)}, and its root is {_random(scenario):.1f} "
        "%. The 1 is the chance that Poisson arrivals have with a rate that stands still; only "
        "what is beyond it is the rate's."
    )


def _workers_solution(scenario: Scenario) -> str:
    case = _bursts(scenario)
    needed = case.fewest or 1
    fewer, enough = (100 * case.kept(workers) for workers in (needed - 1, needed))
    return (
        f"Theory says {case.fewest_if_poisson}, at a load of "
        f"{case.load(case.fewest_if_poisson or 1):.2f} when the rate is highest. In drawn runs "
        f"{needed - 1} workers keep {_promise(scenario)} in {fewer:.0f} of 100, {needed} workers "
        f"in {enough:.0f}. The spare is not for the mean of the peak but for its bursts."
    )


EXERCISES = (
    Exercise(
        key="14-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="runs of 100",
        answer=lambda scenario: float(round(_kept(scenario))),
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda _: 100.0,
                "Theory leaves room for the chance of Poisson arrivals. It knows nothing of a rate "
                "that swings.",
            ),
            NearMiss(
                lambda _: 0.0,
                "Some runs are lucky: no burst lasts long enough, or comes when it hurts.",
            ),
        ),
    ),
    Exercise(
        key="14-swing",
        title="Exercise 1: chance, or the rate",
        question=lambda scenario: (
            "A diagnosis. In a steady part of the peak the log counts the requests second by "
            f"second: {amount(_counted(scenario))} in the mean, and the variance of the counts is "
            f"{_INDEX} times that. Poisson counts would vary less, so the rate itself is random "
            "from second to second. By how many per cent does it swing: what is the standard "
            "deviation of its factor?"
        ),
        unit="%",
        answer=_random,
        solution=_random_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 100 * math.sqrt(_INDEX / _counted(scenario)),
                "So much do the counts swing. Poisson counts swing too, with a rate that stands "
                "still: take their part out first.",
            ),
            NearMiss(
                lambda scenario: 100 * math.sqrt(1 / _counted(scenario)),
                "So much would the counts swing if the rate stood still. What is beyond that?",
            ),
            NearMiss(
                lambda scenario: 100 * (_INDEX - 1) / _counted(scenario),
                "That is v, the square of the swing. Take its root.",
            ),
        ),
        hints=(
            "Variance over mean is the index of dispersion: I = 1 + v n.",
            "Solve for v. The swing is its root, in per cent.",
        ),
    ),
    Exercise(
        key="14-workers",
        title="Exercise 2: workers for a rate that swings",
        question=lambda scenario: (
            f"A design. Users come as planned for {scenario.title}, but their rate swings: "
            f"{_swing(scenario)}. How many workers keep every mail within {_promise(scenario)} in "
            f"{100 * KEPT:.0f} of 100 runs?"
        ),
        unit="workers",
        tolerance=0.0,
        answer=lambda scenario: float(_bursts(scenario).fewest or math.inf),
        solution=_workers_solution,
        near_misses=(
            NearMiss(
                lambda scenario: float(_enough(scenario)),
                "So many are enough if arrivals are Poisson. Now the rate itself is random.",
            ),
            NearMiss(
                lambda scenario: float(_bursts(scenario).fewest_by_the_mean),
                "You took the mean rate of the whole run. At the peak far more comes.",
            ),
        ),
        hints=(
            "bursts(forge, forge.base, window_s=..., scv=...); the SCV is the swing's square.",
            "Ask it for kept(workers), the share of the runs, for one number after the other.",
        ),
    ),
)
