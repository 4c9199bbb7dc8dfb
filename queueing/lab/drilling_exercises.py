"""The exercises of 13_interview_drills: a timeout, a fan-out, and a whiteboard that is wrong."""

from dataclasses import replace

from queueing.lab import words
from queueing.lab.drilled import Drill, attempt_law, duplicates_a_day, mail_drill
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.house import sending
from queueing.scenario import Scenario

_ALLOWED = 1000  # duplicates a day
_FAN_OUT = 3
_OLDEST_S = 30.0  # for a notification
_RARE = 0.999


def _percentile(scenario: Scenario, a_day: float) -> float:
    """The timeout that so many attempts a day outlast, seconds."""
    late = a_day / (86400 * sending(scenario).arrival_rate)
    return float(attempt_law(scenario).ppf(1 - late))


def fan_out(scenario: Scenario) -> Drill:
    """Return the mails as notifications: one for each of a few subscribers, none of them old."""
    mails = mail_drill(scenario)
    jobs = _FAN_OUT * mails.jobs_per_request
    return replace(mails, jobs_per_request=jobs, oldest_s=_OLDEST_S)


def _trial(scenario: Scenario) -> tuple[Drill, float, float]:
    """Return a worker too few to keep up, how fast its line grows, and what the whiteboard says."""
    mails = mail_drill(scenario)
    short = mails.with_workers(max(mails.least - 1, 1))
    return short, short.attempt_rate - short.capacity, mails.jobs * mails.attempt_s


def _timeout_solution(scenario: Scenario) -> str:
    rate, timeout = sending(scenario).arrival_rate, _percentile(scenario, _ALLOWED)
    percentile = float(attempt_law(scenario).ppf(_RARE))
    return (
        f"{rate:.1f} attempts a second are {86400 * rate / 1e6:.2f} million a day. {_ALLOWED:,} of "
        f"them are a share of {_ALLOWED / 86400 / rate:.2g}, and the attempts' law has that much "
        f"beyond {timeout:.1f} s. At the P99.9, {percentile:.1f} s, there would be "
        f"{duplicates_a_day(scenario, percentile):,.0f}."
    )


def _fan_out_solution(scenario: Scenario) -> str:
    case = fan_out(scenario)
    fewest = case.with_workers(case.fewest)
    late = words.duration(fewest.oldest_in_repair_s)
    aged = (
        f"With {case.fewest} one away leaves the oldest waiting {late}"
        if fewest.oldest_in_repair_s
        else f"With {case.fewest} one may be away and the others keep up"
    )
    return (
        f"{case.jobs:.1f} jobs a second × {case.attempts:.3f} × {case.attempt_s:.3g} s = "
        f"{case.erlangs:.1f} Erlang: {case.least} workers keep up, and {case.fewest} start in "
        f"time. {aged}, and {case.oldest_s:g} s are allowed: buy {case.bought}."
    )


def _factor_solution(scenario: Scenario) -> str:
    short, growth, board = _trial(scenario)
    return (
        f"{words.many(short.workers, 'worker')} do {short.capacity:.2f} attempts a second, and "
        f"{growth:.2f} more a second stay: {short.attempt_rate:.2f} come, for {short.jobs:.2f} "
        f"mails. The quotient is {short.attempts:.4f}, the attempts a mail: the whiteboard forgot "
        f"that some fail and come again. Its {board:.1f} Erlang are {short.erlangs:.1f} in truth."
    )


def _factor_question(scenario: Scenario) -> str:
    short, growth, board = _trial(scenario)
    return (
        f"A diagnosis. The whiteboard says: {short.jobs:.2f} mails a second × "
        f"{short.attempt_s:.3f} s = {board:.1f} Erlang. For a trial only "
        f"{words.many(short.workers, 'worker')} of {short.threads} threads run at the peak, and "
        f"the log shows the queue growing by {3600 * growth:,.0f} attempts an hour. By which "
        "factor is the whiteboard's work too small?"
    )


EXERCISES = (
    Exercise(
        key="13-predict",
        title="Predict",
        prediction=True,
        question=lambda scenario: (
            f"An interviewer says: {mail_drill(scenario).users:,.0f} users, each asks something "
            f"every {mail_drill(scenario).round_s:.0f} seconds, and "
            f"{100 * scenario.mails_per_request:g} requests in a hundred send a mail. Sending "
            f"takes {mail_drill(scenario).attempt_s:.2f} seconds, and "
            f"{100 * scenario.job.failure_probability:g} % of the attempts fail and are made "
            "again. How many threads are busy sending, in the mean?"
        ),
        unit="threads",
        answer=lambda scenario: mail_drill(scenario).erlangs,
        solution=lambda scenario: (
            f"{mail_drill(scenario).requests:.0f} requests a second make "
            f"{mail_drill(scenario).jobs:.1f} mails and "
            f"{mail_drill(scenario).attempt_rate:.1f} attempts a second; times "
            f"{mail_drill(scenario).attempt_s:.3f} s they keep "
            f"{mail_drill(scenario).erlangs:.1f} threads busy. That number buys the workers; the "
            "users alone buy nothing."
        ),
        near_misses=(
            NearMiss(
                lambda scenario: mail_drill(scenario).users,
                "These are the users. Most of them think, most requests send no mail, and a mail "
                "takes less than a second.",
            ),
            NearMiss(
                lambda scenario: mail_drill(scenario).jobs,
                "So many mails come a second. Times the seconds that each of them takes, and the "
                "attempts, it would be threads.",
            ),
        ),
    ),
    Exercise(
        key="13-timeout",
        title="Exercise 1: how long to wait for a worker",
        question=lambda _: (
            f"A design. Not more than {_ALLOWED:,} mails a day of the peak may be handed out a "
            "second time because their attempt outlasted the visibility timeout. How short may "
            "the timeout be?"
        ),
        unit="s",
        tolerance=0.02,
        answer=lambda scenario: _percentile(scenario, _ALLOWED),
        solution=_timeout_solution,
        near_misses=(
            NearMiss(
                lambda scenario: float(attempt_law(scenario).ppf(_RARE)),
                "That is the P99.9. One attempt in a thousand outlasts it, and there are millions "
                "of attempts a day.",
            ),
            NearMiss(
                lambda scenario: _percentile(scenario, 24 * _ALLOWED),
                "With that there are as many in an hour as should be in a day.",
            ),
        ),
        hints=(
            "How many attempts are there in a day? Which share of them may be late?",
            "The time that a share is beyond is a percentile: attempt_law(forge).ppf(…).",
            "Or try timeouts with duplicates_a_day(forge, …) until the number fits.",
        ),
    ),
    Exercise(
        key="13-fan-out",
        title="Exercise 2: one click, several notifications",
        question=lambda scenario: (
            f"A design. Now each mail becomes a notification to {_FAN_OUT} subscribers, each a job "
            f"that takes {fan_out(scenario).attempt_s:.3f} s an attempt and fails as often as a "
            f"mail. 95 % should start within {fan_out(scenario).promise_s:g} s, and nobody may "
            f"wait longer than {_OLDEST_S:g} s, also while one worker is away for "
            f"{words.duration(fan_out(scenario).repair_s)}. How many workers do you buy?"
        ),
        unit="workers",
        tolerance=0.0,
        answer=lambda scenario: fan_out(scenario).bought,
        solution=_fan_out_solution,
        near_misses=(
            NearMiss(
                lambda scenario: fan_out(scenario).least,
                "So many keep up with the steady stream. Now one of them fails.",
            ),
            NearMiss(
                lambda scenario: replace(mail_drill(scenario), oldest_s=_OLDEST_S).bought,
                "That is enough for the mails. What does the fan-out do to the demand?",
            ),
        ),
        hints=(
            "Go the seven steps; the fan-out multiplies the jobs of a request.",
            "How many threads are busy, and how many workers is that? Now take one away.",
            "In a repair of R seconds the oldest gets R × (1 − what is left / what comes) old.",
        ),
    ),
    Exercise(
        key="13-factor",
        title="Exercise 3: the whiteboard and the log",
        question=_factor_question,
        unit="times",
        tolerance=0.005,
        answer=lambda scenario: mail_drill(scenario).attempts,
        solution=_factor_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _trial(scenario)[0].load,
                "That is what comes over what the workers of the trial can do. Put it over what "
                "the whiteboard said.",
            ),
            NearMiss(
                lambda scenario: _trial(scenario)[0].capacity / _trial(scenario)[0].jobs,
                "So many times the mails the workers of the trial do. More than that comes: the "
                "queue grows.",
            ),
        ),
        hints=(
            "How many attempts a second can the workers of the trial make?",
            "What comes is that and what stays in the queue.",
            "Put it over the mails a second. Which factor of the drill is it?",
        ),
    ),
)
