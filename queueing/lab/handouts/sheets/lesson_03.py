"""03: one line before all servers, or a line before each."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, draw
from queueing.lab.pooled import Pooling, processors
from queueing.lab.pooling import by_servers, spare, still_waiting
from queueing.scenario import Scenario

_PROMISE_S = 0.03  # as the board's, which is not the exercise's


def _question(scenario: Scenario) -> str:
    return (
        f"Before {scenario.title}'s servers stands a load balancer. It does no work of its own: it "
        "only decides which server gets the next request. The servers are alike and equally busy, "
        "so somebody proposes to save it and let every user pick a server at random. Does it "
        "matter who stands in which line?"
    )


def _lines(scenario: Scenario) -> Picture:
    """The board's two plots; its numbers would give the prediction away."""
    case = Pooling(station=processors(scenario), promise=_PROMISE_S)
    panels = [still_waiting(Paper(430, 214, right=104), case)]
    return Picture([panels, [by_servers(Paper(430, 214, right=104), case)]])


SHEET = Sheet(
    lesson="03",
    question=_question,
    able=(
        "say how long a request waits before any number of servers, find the smallest number that "
        "keeps a promise, and tell what sharing a line is worth."
    ),
    formulas=(
        Formula(
            name="Offered load",
            tex=r"a = \lambda S",
            spoken="the offered load a is the arrival rate lambda times the service time S",
            symbols=(
                ("a", "offered load, in Erlang: servers busy in the mean"),
                (r"\lambda", "arrivals a second"),
                ("S", "mean service time, seconds"),
            ),
            valid="Always, as long as there are enough servers.",
        ),
        Formula(
            name="Erlang B",
            tex=r"B(c, a) = \frac{a^c / c!}{\sum_{k=0}^{c} a^k / k!}",
            spoken=(
                "B of c and a is a to the power c over c factorial, divided by the sum over k from "
                "0 to c of a to the power k over k factorial"
            ),
            symbols=(
                ("B", "share of the arrivals that find all servers busy and are lost"),
                ("c", "servers"),
            ),
            valid="Random arrivals, any services; nobody can wait.",
        ),
        Formula(
            name="Erlang C",
            tex=r"C(c, a) = \frac{B}{1 - \rho\,(1 - B)}",
            spoken="C of c and a is B over one minus rho times the quantity one minus B",
            symbols=(
                ("C", "share of the arrivals that have to wait"),
                (r"\rho", "load, a / c"),
            ),
            valid="Random arrivals, exponential services, everybody waits; load below 1.",
        ),
        Formula(
            name="Mean wait",
            tex=r"W_q = \frac{C(c, a)}{c\mu - \lambda}",
            spoken="the mean wait W q is C of c and a over the quantity c times mu minus lambda",
            symbols=(
                ("W_q", "mean wait of all, also of those who do not wait, seconds"),
                (r"\mu", "services a second of one busy server, 1 / S"),
            ),
            valid="As Erlang C.",
        ),
        Formula(
            name="Who waits longer than t",
            tex=r"P(W > t) = C(c, a)\, e^{-(c\mu - \lambda)\,t}",
            spoken=(
                "the probability that the wait is longer than t is C of c and a times e to the "
                "power of minus the quantity c mu minus lambda, times t"
            ),
            symbols=(("t", "a time, seconds"),),
            valid="As Erlang C.",
        ),
        Formula(
            name="A line for each server",
            tex=r"W_q = \frac{\rho}{\mu - \lambda / c}",
            spoken=(
                "with a line each, the mean wait W q is rho over the quantity mu minus "
                "lambda over c"
            ),
            symbols=(),
            valid="Each request picks a line at random.",
        ),
        Formula(
            name="What sharing is worth",
            tex=r"\frac{\text{a line each}}{\text{one line}} = c \cdot \frac{\rho}{C(c, a)}",
            spoken=(
                "the wait with a line each over the wait in one line is c times rho over C of c "
                "and a"
            ),
            symbols=(),
            valid="The same servers and the same load either way.",
        ),
        Formula(
            name="Square-root staffing",
            tex=r"c = a + \beta \sqrt{a}",
            spoken="the number of servers c is a plus beta times the square root of a",
            symbols=((r"\beta", "quality: 1 lets about one request in five wait"),),
            valid="Best for large loads; right to a server or so from 10 Erlang on.",
        ),
    ),
    figures=(_lines, lambda _: draw(spare, height=220, aside=40)),
    captions=(
        (
            "The same processors and the same load, in one line (solid, filled) and with a line "
            "each (dashed, open). Left: who still waits after so long. Right: the wait that 95 of "
            "100 stay within, by the number of processors; it shall be under the dotted line."
        ),
        "What a large pool is worth: the more servers share a line, the busier they may be.",
    ),
    rule=lambda _: (
        "Give a line its load in servers, plus the square root of the load. Then about one request "
        "in five has to wait, whatever the size."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (8, "Erlang B, then C: from who is lost to who waits."),
        (6, "The slider board; one line beside many."),
        (6, "Exercises, in pairs."),
        (2, "Taking turns is not looking; the rule of thumb."),
    ),
    screen=(
        "Service to 29 ms: the wait of the separate lines grows by far more milliseconds.",
        "Arrivals to 370 and servers to 12: at the same load only the one line gets quicker.",
        "Promise to 5 ms: the lower left solves for the servers that either way takes.",
    ),
)
