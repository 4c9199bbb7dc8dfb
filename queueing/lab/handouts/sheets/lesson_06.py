"""06: how many workers, and how old a mail may get."""

from queueing.lab.fresh import standstill
from queueing.lab.freshness import came_and_sent, late_picture
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.picture import Picture, draw
from queueing.scenario import Scenario
from queueing.scenario.wording import duration

_STOOD_MIN = 20  # not the ten of the prediction


def _question(scenario: Scenario) -> str:
    mails = scenario.traffic.requests * scenario.mails_per_request
    fresh = duration(scenario.contract.freshness_s)
    return (
        "Our users have their answer as soon as the mail is in the queue. From then on nobody "
        f"stands there and waits; the mail does. No mail may wait longer than {fresh}, not even "
        f"the unluckiest of {float(f'{mails:.2g}'):,.0f}, and one of the "
        f"{scenario.base.workers} workers looks superfluous on the bill. How many workers keep "
        "that promise, and what does it take to catch up once there is a backlog?"
    )


def _standing(scenario: Scenario) -> Picture:
    stop = standstill(scenario, minutes=_STOOD_MIN)
    return draw(came_and_sent, stop, scenario.contract.freshness_s, height=230)


SHEET = Sheet(
    lesson="06",
    question=_question,
    able=(
        "turn a rate of jobs into a number of workers, tell the age of the oldest mail from the "
        "depth of a queue, say how long a backlog takes to be gone and how sure that is, and say "
        "who gains and who pays when some mails go first."
    ),
    formulas=(
        Formula(
            name="Offered load of jobs",
            tex=r"a = \lambda\, E\, S",
            spoken=(
                "the offered load a is the rate of mails lambda times the attempts E times the "
                "time of an attempt S"
            ),
            symbols=(
                ("a", "offered load, in Erlang: threads busy in the mean"),
                (r"\lambda", "what comes a second: mails here, attempts from here on"),
                ("E", "attempts a mail, in the mean"),
                ("S", "seconds that an attempt keeps a thread busy"),
            ),
            valid="Always in the mean, as long as the threads keep up.",
        ),
        Formula(
            name="Depth and age",
            tex=r"Q = \lambda\, w",
            spoken="the backlog Q is lambda times the age w of the oldest",
            symbols=(("Q", "attempts that wait"), ("w", "age of the oldest of them, seconds")),
            valid="A steady rate, first come first served.",
        ),
        Formula(
            name="Drain time",
            tex=r"\text{drain time} = \frac{Q}{c\mu - \lambda}",
            spoken=(
                "the drain time is the backlog Q over what is left over, the quantity c mu minus "
                "lambda"
            ),
            symbols=(
                ("c", "threads of all workers"),
                (r"\mu", "attempts that a thread makes a second, 1 / S"),
            ),
            valid="More can be done than comes. Exact in the mean while all threads are busy.",
        ),
        Formula(
            name="After a standstill",
            tex=r"\text{drain time} = D \cdot \frac{\rho}{1 - \rho}",
            spoken="the drain time is the standstill D times rho over one minus rho",
            symbols=(("D", "length of the standstill, seconds"), (r"\rho", "load, a / c")),
            valid="A steady rate before and after; load below 1.",
        ),
        Formula(
            name="How sure the drain time is",
            tex=r"\frac{Q\,(\lambda + c\mu)}{(c\mu - \lambda)^3}",
            spoken=(
                "the variance of the drain time is Q times the quantity lambda plus c mu, over the "
                "cube of the quantity c mu minus lambda"
            ),
            symbols=(),
            valid="Random arrivals, exponential times, all threads busy until the backlog is gone.",
        ),
        Formula(
            name="Cobham",
            tex=r"W_k = \frac{C}{c\mu} \cdot \frac{1}{(1 - \sigma_{k-1})(1 - \sigma_k)}",
            spoken=(
                "the mean wait of class k is C over c mu, times one over the product of one minus "
                "sigma k minus one and one minus sigma k"
            ),
            symbols=(
                ("W_k", "mean wait of class k, seconds; class 1 goes first"),
                ("C", "Erlang's probability that all threads are busy"),
                (r"\sigma_k", "load of the classes 1 to k together"),
            ),
            valid=(
                "Random arrivals, the same exponential times for all classes, no interruption; the "
                "load up to the class is below 1."
            ),
        ),
        Formula(
            name="Conservation law",
            tex=r"\sum_k \lambda_k W_k",
            spoken="the sum over all classes k of lambda k times W k, the same in any order",
            symbols=((r"\lambda_k", "arrivals of class k, a second"),),
            valid=(
                "The same whatever the order, if times are alike for all classes, no thread rests "
                "while somebody waits, and nobody knows which will be short."
            ),
        ),
    ),
    figures=(_standing, late_picture),
    captions=(
        (
            "The workers stand still, then work on. Upright, the gap is how many wait; across, it "
            "is the age of the one being sent. In the grey time the promise is broken."
        ),
        (
            "One worker too few, and one more who starts by one alarm or another. Each time it is "
            "the same worker."
        ),
    ),
    rule=lambda _: (
        "After a standstill it takes ρ / (1 − ρ) times as long again until all is clear: as long "
        "for workers who are busy half of the time, four times as long at 80 %, nine times at 90 %."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (4, "Mails times attempts times seconds; the cliff at a load of 1."),
        (5, "A standstill: the gap read upright and across, and how it drains."),
        (4, "Who goes first, and who pays for it."),
        (5, "The board: help that comes early, and help that comes late."),
        (3, "Exercises, in pairs."),
        (1, "Scale on the depth, not on the API's alarm; the rule of thumb."),
    ),
    screen=(
        (
            "Added to 1, and the hour from late to early: the earlier it starts, the younger the "
            "oldest mail and the sooner all is clear."
        ),
        (
            "First upwards: those who go first never notice the missing worker, the others grow "
            "older; the hour at which all is clear stays."
        ),
        (
            "Enough workers, then SMTP up by single steps: nothing happens for a while, then the "
            "edge of the cliff."
        ),
    ),
)
