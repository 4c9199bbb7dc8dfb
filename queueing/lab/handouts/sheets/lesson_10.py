"""10: what a nine costs."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.nines import Nines, month_minutes
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.uptime import frontier, minutes_of, parts
from queueing.scenario import Scenario

_WANTED = 0.999


def _question(scenario: Scenario) -> str:
    promised, month = scenario.contract.uptime, month_minutes(scenario)
    allowed, left = (minutes_of(month * (1 - uptime)) for uptime in (promised, _WANTED))
    return (
        f"We have promised that {100 * promised:g} % of all requests are answered, which allows "
        f"{allowed} of downtime a month. A customer wants {100 * _WANTED:g} %, a third nine: "
        f"{left}. The first proposal on the table is the obvious one: more servers, one more "
        "machine for every doubt. Which part is it that has to become better, and what does that "
        "cost?"
    )


def _frontier(scenario: Scenario) -> Picture:
    """The board's frontier; its own words would give the last exercise away."""
    nines = Nines(scenario)
    paper = frontier(Paper(780, 270, right=110), nines, scenario.base)
    told = (
        f"{len(nines.cards)} designs by cost and downtime a month. The frontier, from cheap to "
        f"dear, goes down in {len(nines.frontier)} steps: flat pieces, where money buys nothing, "
        "and steep ones. Rings are other designs, crosses break P95 or the mails; the diamond is "
        "our own design."
    )
    return Picture([[paper]], words=told)


def _rule(scenario: Scenario) -> str:
    month = month_minutes(scenario)
    told = ", ".join(
        f"{100 * uptime:g} % allow {minutes_of(month * (1 - uptime))}"
        for uptime in (0.99, 0.999, 0.9999)
    )
    return f"Each nine is a tenth of the downtime. A month: {told}."


SHEET = Sheet(
    lesson="10",
    question=_question,
    able=(
        "multiply the uptimes of parts in series, say what a spare is worth, find the weakest part "
        "of a design, and read a frontier of cost and downtime."
    ),
    formulas=(
        Formula(
            name="A chain of parts",
            tex=r"A = A_1 \cdot A_2 \cdots A_n",
            spoken="the availability A is A one times A two and so on, times A n",
            symbols=(
                ("A", "availability: share of the time in which a thing is up"),
                ("A_1", "availability of the first part, and so on"),
            ),
            valid="Every part is needed, and they fail independently of each other.",
        ),
        Formula(
            name="A spare",
            tex=(
                r"P(\text{at least } k \text{ of } n) = "
                r"\sum_{j=k}^{n} \binom{n}{j} A^j (1 - A)^{n-j}"
            ),
            spoken=(
                "the probability that at least k of n are up is the sum over j from k to n of n "
                "choose j, times A to the power j, times one minus A to the power n minus j"
            ),
            symbols=(
                ("n", "parts that there are"),
                ("k", "parts that are needed"),
                ("j", "parts that happen to be up"),
            ),
            valid="Parts that are alike, fail independently, and have a repairer each.",
        ),
        Formula(
            name="Failures and repairs",
            tex=r"A = \frac{1/\lambda}{1/\lambda + 1/\mu}",
            spoken=(
                "the availability A is one over lambda, divided by the sum of one over lambda and "
                "one over mu"
            ),
            symbols=(
                (r"\lambda", "failures an hour while it works"),
                (r"\mu", "repairs an hour while it is away"),
            ),
            valid="In the long run, whatever the laws of the two times.",
        ),
    ),
    figures=(
        lambda scenario: Picture(
            [[parts(Paper(600, 200, left=16, right=104), scenario, scenario.base)]]
        ),
        _frontier,
    ),
    captions=(
        "Our design, part by part: where its downtime comes from, the worst first.",
        (
            "Each mark is a design. ● is the frontier: nothing cheaper is down less. ○ are others "
            "(× if they break P95 or let mails grow old), ◆ is ours."
        ),
    ),
    rule=_rule,
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (4, "A chain is worse than its weakest part; a spare is worth a hundred."),
        (3, "The weakest part, in minutes a month."),
        (5, "The board: bars, then the steps of the frontier."),
        (4, "Exercises, in pairs."),
        (1, "Money for the part that is already good; the rule of thumb."),
    ),
    screen=(
        (
            "Servers down to what is needed, then up: the bar of the servers shrinks with the first"
            " spare, and then another part is the worst and stays so."
        ),
        (
            "Allowed down, minute by minute: the cheapest design jumps from step to step, and stays"
            " on a step for long."
        ),
        "Second database off: the diamond moves to the left and far up.",
    ),
)
