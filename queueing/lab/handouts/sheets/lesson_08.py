"""08: when trying again makes it worse."""

from queueing import RetryPolicy, exponential_backoff
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.picture import Picture, draw
from queueing.lab.retried import clients, mail_policy
from queueing.lab.retrying import caused, crowd
from queueing.scenario import Scenario
from queueing.simulation.storms import draw_retries

_REFUSED, _SEED = 3000, 1


def _question(scenario: Scenario) -> str:
    return (
        "Our workers try a mail again when the receiving server refuses it, "
        f"{scenario.job.max_attempts} times in all. The customers' programs try a request again "
        "when our API does not answer. Both want to help, and on an ordinary day both do. Then, "
        f"with {scenario.traffic.peak_rate:.0f} requests a second, the processors stand still for "
        "five seconds. One of the two habits now takes the API down and keeps it down, though "
        "nothing is broken any more. Which one, and why?"
    )


def _crowd(scenario: Scenario) -> Picture:
    smooth, job = mail_policy(scenario), scenario.job
    even = exponential_backoff(base=job.backoff_base_s, factor=2)
    sharp = RetryPolicy(max_attempts=job.max_attempts, backoff=even)
    habits = {"no jitter": sharp, "full jitter": smooth}
    return draw(
        crowd, {name: draw_retries(each, _REFUSED, seed=_SEED) for name, each in habits.items()}
    )


SHEET = Sheet(
    lesson="08",
    question=_question,
    able=(
        "say how many attempts and dead letters a policy makes, choose a pause between attempts, "
        "find the states in which a station with retries can settle, and change it so that it "
        "always recovers."
    ),
    formulas=(
        Formula(
            name="Attempts",
            tex=r"E = 1 + p + \dots + p^{m-1} = \frac{1 - p^m}{1 - p}",
            spoken=(
                "the mean number of attempts E is one plus p and so on up to p to the power m "
                "minus one, which is one minus p to the power m, over one minus p"
            ),
            symbols=(
                ("E", "attempts, in the mean"),
                ("p", "probability that an attempt fails"),
                ("m", "attempts at most"),
            ),
            valid=(
                "Each attempt fails anew with the same probability; with probability pᵐ all fail: "
                "a dead letter."
            ),
        ),
        Formula(
            name="Load with retries",
            tex=r"\rho = \frac{\lambda\, E\, S}{n}",
            spoken="the load rho is lambda times E times S over n",
            symbols=(
                (r"\rho", "load; above 1 the queue grows"),
                (r"\lambda", "first attempts a second"),
                ("S", "seconds of an attempt, however it ends"),
                ("n", "threads"),
            ),
            valid="Always in the mean.",
        ),
        Formula(
            name="Exponential backoff",
            tex=r"w_k = b \cdot 2^{k-1}",
            spoken="the pause w k is the base b times two to the power k minus one",
            symbols=(
                ("w_k", "longest pause after attempt k, seconds"),
                ("b", "base, seconds"),
                ("k", "attempts made"),
            ),
            valid="A choice; full jitter draws the pause evenly between 0 and this.",
        ),
        Formula(
            name="Where retries settle",
            tex=r"x = \lambda \left(1 + q(x) + \dots + q(x)^{m-1}\right)",
            spoken=(
                "the attempts x are lambda times the quantity one plus q of x and so on up to q of "
                "x to the power m minus one"
            ),
            symbols=(
                ("x", "attempts a second, first ones and repeated ones"),
                ("q(x)", "probability that one fails where there are so many"),
            ),
            valid=(
                "An approximation: attempts are taken as random, and fail independently; good "
                "where jitter spreads them out."
            ),
        ),
        Formula(
            name="It always recovers",
            tex=r"m\,\lambda \le c\,\mu",
            spoken="m times lambda is at most c times mu",
            symbols=(
                ("c", "processors"),
                (r"\mu", "attempts a second that one of them completes"),
            ),
            valid="A rule, right to a few per cent for a long line; a short line recovers anyway.",
        ),
    ),
    figures=(_crowd, lambda scenario: draw(caused, clients(scenario), width=520, height=220)),
    captions=(
        (
            "Mails that were refused together, and are refused every time: with the same pauses, "
            "and with pauses drawn by chance."
        ),
        (
            "Attempts that are caused by the attempts that are made. Where the curve meets the "
            "diagonal as many are caused as made: ● stable, ○ a tipping point."
        ),
    ),
    rule=lambda _: (
        "Attempts times arrivals should be no more than the servers can do; or else let the line "
        "be no longer than what they can do within the timeout."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (4, "Attempts are work; dead letters."),
        (3, "Backoff and jitter: they spread attempts, they do not make fewer."),
        (5, "Failures that retries cause: the curve, the diagonal, and where they meet."),
        (5, "The board: three ways out of the second state."),
        (4, "Exercises, in pairs."),
        (1, "A longer pause is not enough; the rule of thumb."),
    ),
    screen=(
        (
            "Attempts down, one by one: the upper point comes down the diagonal and is gone; the "
            "number lower left grows."
        ),
        (
            "Room down: the tipping point vanishes. Arrivals above what can be done: some are "
            "turned away, and nothing collapses."
        ),
        (
            "Timeout up: the collapse is gone. Room up as well: it is back, because the line is "
            "again longer than the patience."
        ),
    ),
)
