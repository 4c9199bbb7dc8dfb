"""The exercises of 01_littles_law: inside, through, and for how long."""

from queueing import littles_law
from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.fresh import staffing
from queueing.lab.house import capacity, sending
from queueing.scenario import Scenario

_INSIDE_S = 1.3  # about as long as a mail is inside, in the first exercise
_SLOWED = 0.8  # of the peak's requests still come when answers have become slow


def _mails(scenario: Scenario) -> float:
    """Mails a second at the peak."""
    return scenario.traffic.peak_rate * scenario.mails_per_request


def _counted(scenario: Scenario) -> float:
    """Mails that are counted inside, a round number."""
    return round(_INSIDE_S * _mails(scenario), -1)


def _waiting(scenario: Scenario) -> float:
    """Users who wait for an answer at a moment of the peak."""
    traffic = scenario.traffic
    return littles_law(rate=traffic.peak_rate, time=traffic.nominal_response_s)


def _workers(scenario: Scenario) -> int:
    """One worker too few for the promise."""
    return staffing(scenario).workers


def _leaves(scenario: Scenario) -> float:
    """Attempts a second that those workers make."""
    return capacity(scenario, _workers(scenario))


def _users(scenario: Scenario) -> float:
    """Users at the peak."""
    return float(scenario.traffic.users(scenario.traffic.peak_h))


def _slowed(scenario: Scenario) -> float:
    """Requests a second when answers are slow, a round number."""
    return round(_SLOWED * scenario.traffic.peak_rate, -1)


def _round_s(scenario: Scenario) -> float:
    """Seconds that a user's round then takes, thinking and waiting."""
    return _users(scenario) / _slowed(scenario)


def _slow_s(scenario: Scenario) -> float:
    """Seconds that an answer then takes."""
    return _round_s(scenario) - scenario.traffic.think_time_s


def _predict_solution(scenario: Scenario) -> str:
    traffic = scenario.traffic
    share = traffic.nominal_response_s / (traffic.think_time_s + traffic.nominal_response_s)
    return (
        f"{traffic.peak_rate:.1f} requests a second × {traffic.nominal_response_s:g} s = "
        f"{_waiting(scenario):.1f} are being answered at any moment. The other users think: of a "
        f"user's round, waiting takes {100 * share:.1f} %."
    )


def _users_solution(scenario: Scenario) -> str:
    traffic, rate = scenario.traffic, _slowed(scenario)
    return (
        f"N / X = {_users(scenario):,.0f} / {rate:.0f} = {_round_s(scenario):.2f} s is the whole "
        f"round of a user. {traffic.think_time_s:g} s of it are thinking, so an answer takes "
        f"{_slow_s(scenario):.2f} s. Fewer requests are no sign of rest: the users are waiting."
    )


EXERCISES = (
    Exercise(
        key="01-predict",
        title="Predict",
        prediction=True,
        question=lambda scenario: (
            f"At the peak MailForge has {_users(scenario):,.0f} users. Each asks, is "
            f"answered after {1000 * scenario.traffic.nominal_response_s:.0f} ms, thinks for "
            f"{scenario.traffic.think_time_s:g} s, and asks again (all in the mean). Look at one "
            "moment: how many of them are waiting for an answer?"
        ),
        unit="users",
        answer=_waiting,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                _users,
                "All of them are there, but nearly all of them think: who reads an answer "
                "waits for none.",
            ),
            NearMiss(
                lambda scenario: scenario.traffic.peak_rate,
                "That is how many ask in a second. An answer takes far less than a second, so "
                "most of them are through.",
            ),
        ),
    ),
    Exercise(
        key="01-inside",
        title="Exercise 1: how long, without a clock",
        question=lambda scenario: (
            f"On a slow day the log counts {_mails(scenario):.1f} mails a second. Now and then "
            "somebody counts the mails inside, in the queue or with a worker: "
            f"{_counted(scenario):.0f} in the mean. No mail carries a time stamp. How long is a "
            "mail inside, in the mean?"
        ),
        unit="s",
        answer=lambda scenario: littles_law(number=_counted(scenario), rate=_mails(scenario)),
        solution=lambda scenario: (
            f"W = L / λ = {_counted(scenario):.0f} / {_mails(scenario):.1f} = "
            f"{_counted(scenario) / _mails(scenario):.2f} s."
        ),
        near_misses=(
            NearMiss(
                lambda scenario: _mails(scenario) / _counted(scenario),
                "You divided the wrong way round: mails a second by mails is no time.",
            ),
            NearMiss(
                lambda scenario: _mails(scenario) * _counted(scenario),
                "You multiplied. L is the product of the other two; the time is one of those.",
            ),
        ),
        hints=(
            "Which of L, λ and W are given?",
            "In code: littles_law(number=…, rate=…).",
        ),
    ),
    Exercise(
        key="01-alarm",
        title="Exercise 2: an alarm",
        question=lambda scenario: (
            f"A design. No mail may wait longer than "
            f"{words.duration(scenario.contract.freshness_s)}. {_workers(scenario)} workers make "
            f"{_leaves(scenario):.1f} attempts at sending a second when they have no rest, and "
            f"{sending(scenario).arrival_rate:.1f} a second come. How many attempts may wait in "
            "the queue at most before an alarm must ring?"
        ),
        unit="attempts",
        tolerance=0.005,
        answer=lambda scenario: littles_law(
            rate=_leaves(scenario), time=scenario.contract.freshness_s
        ),
        solution=lambda scenario: (
            f"A mail that joins the queue waits until all before it are gone: "
            f"{_leaves(scenario):.2f} a second × {scenario.contract.freshness_s:.0f} s = "
            f"{_leaves(scenario) * scenario.contract.freshness_s:,.0f} attempts. How fast new ones "
            "come does not matter to it: they stand behind."
        ),
        near_misses=(
            NearMiss(
                lambda scenario: sending(scenario).arrival_rate * scenario.contract.freshness_s,
                "You took the rate at which they come. Who stands in line moves on as fast as they "
                "leave at the front.",
            ),
            NearMiss(
                lambda scenario: _leaves(scenario) * scenario.contract.freshness_s / 60,
                "Minutes times a rate per second: take both in seconds.",
            ),
        ),
        hints=(
            "Think of the mail that joins last. What must happen before its turn comes?",
            "The longest wait in seconds times what leaves in a second.",
        ),
    ),
    Exercise(
        key="01-users",
        title="Exercise 3: fewer requests than usual",
        question=lambda scenario: (
            f"A diagnosis. All {_users(scenario):,.0f} users are there, and think "
            f"{scenario.traffic.think_time_s:g} s as ever. Yet the log counts only "
            f"{_slowed(scenario):.0f} requests a second instead of "
            f"{scenario.traffic.peak_rate:.0f}. How long does an answer take?"
        ),
        unit="s",
        answer=_slow_s,
        solution=_users_solution,
        near_misses=(
            NearMiss(
                _round_s,
                "That is a user's whole round. Which part of it is waiting?",
            ),
            NearMiss(
                lambda scenario: scenario.traffic.nominal_response_s,
                "So long did it take before. Then there would be as many requests as ever.",
            ),
            NearMiss(
                lambda scenario: _slow_s(scenario) - scenario.traffic.nominal_response_s,
                "So much longer does it take than before. Add what it took then.",
            ),
        ),
        hints=(
            "Draw the house round all users: nobody comes and nobody goes, N are always inside.",
            "N = X (R + Z). Which of them are given?",
        ),
    ),
)
