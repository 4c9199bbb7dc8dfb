"""04: why one slow template hurts everyone."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.judged import errors_picture
from queueing.lab.mixed import requests, slower
from queueing.lab.picture import draw
from queueing.lab.variability import blame
from queueing.scenario import Scenario

_PRETTIER = 1.75  # times as long as before a slow request keeps its processor


def _question(scenario: Scenario) -> str:
    mix, classes = requests(scenario), scenario.classes
    most = max(classes, key=lambda name: (name != mix.name, classes[name].share))
    slow = round(1000 * _PRETTIER * mix.slow, -1)
    before, after = (
        made.evaluate(made.base).class_p95_ms[most] for made in (scenario, slower(scenario, slow))
    )
    return (
        f"On Thursday a designer makes the {mix.name} of a newsletter prettier. It now keeps a "
        f"processor busy for {slow:.0f} ms instead of {1000 * mix.slow:.0f}; only "
        f"{100 * mix.share:.0f} % of the requests are {mix.name}s. On Friday the {most} requests "
        f"are slow as well: 95 of 100 used to be answered within {before:.0f} ms, now it is "
        f"{after:.0f}, though nobody has touched a line of them. Why does one slow template hurt "
        "everyone, and what helps: a faster template, or a lane of its own?"
    )


def _rule(scenario: Scenario) -> str:
    weights = {
        name: kind.share * (1 + kind.cpu.scv) * kind.cpu.mean_ms**2
        for name, kind in scenario.classes.items()
    }
    return (
        "For each kind of request multiply its share by the square of its time, and by 1 plus its "
        "own cs². The largest product is what everybody waits for; begin there. Here it is that of "
        f"{max(weights, key=lambda name: weights[name])}."
    )


SHEET = Sheet(
    lesson="04",
    question=_question,
    able=(
        "say how long a wait is from three numbers, tell which kind of request causes it, estimate "
        "it for several servers and know by how much the estimate is off, and choose between a "
        "lane and a shorter job."
    ),
    formulas=(
        Formula(
            name="What is left of a service",
            tex=r"R = \frac{E[S^2]}{2S} = \frac{1 + c_s^2}{2}\, S",
            spoken=(
                "what is left R is the mean of the squares of the services over two S, which is "
                "one plus c s squared, over two, times S"
            ),
            symbols=(
                ("R", "what is left, in the mean, of the service that an arrival runs into"),
                ("S", "mean service time, seconds"),
                ("E[S^2]", "mean of the squares of the services"),
                ("c_s^2", "squared coefficient of variation of the services"),
            ),
            valid="A busy server that is looked at in at random moments.",
        ),
        Formula(
            name="Pollaczek and Khinchine",
            tex=r"W_q = \frac{\rho}{1 - \rho} \cdot \frac{1 + c_s^2}{2} \cdot S",
            spoken=(
                "the mean wait W q is rho over one minus rho, times one plus c s squared over two, "
                "times S"
            ),
            symbols=(
                ("W_q", "mean wait, seconds"),
                (r"\rho", "load: share of the time in which a server is busy"),
            ),
            valid="Exact for random arrivals, one server and any services; load below 1.",
        ),
        Formula(
            name="Who makes them wait",
            tex=r"W_q = \frac{\lambda\, E[S^2]}{2\,(1 - \rho)}",
            spoken=(
                "the mean wait W q is lambda times the mean of the squares of the services, over "
                "two times the quantity one minus rho"
            ),
            symbols=((r"\lambda", "arrivals a second"),),
            valid="The same formula; each kind adds its share times the mean of its squares.",
        ),
        Formula(
            name="Kingman",
            tex=r"W_q \approx \frac{\rho}{1 - \rho} \cdot \frac{c_a^2 + c_s^2}{2} \cdot S",
            spoken=(
                "the mean wait W q is about rho over one minus rho, times c a squared plus c s "
                "squared over two, times S"
            ),
            symbols=(("c_a^2", "squared coefficient of variation of the times between arrivals"),),
            valid=(
                "One server; good when it is busy. At half load with even arrivals it says nearly "
                "twice the truth."
            ),
        ),
        Formula(
            name="Allen and Cunneen",
            tex=r"W_q \approx \frac{C(c, a)}{c\mu - \lambda} \cdot \frac{c_a^2 + c_s^2}{2}",
            spoken=(
                "the mean wait W q is about C of c and a, over the quantity c mu minus lambda, "
                "times c a squared plus c s squared over two"
            ),
            symbols=(
                ("C", "Erlang's probability that all servers are busy"),
                ("c", "servers"),
                ("a", "offered load, in Erlang"),
                (r"\mu", "services a second of one busy server, 1 / S"),
            ),
            valid=(
                "Several servers; good when they are busy. Half idle it says too much for cs² above"
                " 1, and too little below."
            ),
        ),
    ),
    figures=(
        lambda scenario: draw(blame, requests(scenario), height=150, aside=20),
        lambda scenario: errors_picture(requests(scenario).servers),
    ),
    captions=(
        (
            "The slow kind counts once among the requests, by its time in the work, and by the "
            "square of its time in the waiting. All stand in the same line."
        ),
        (
            "How far the rule is off the exact mean wait, by the load, for services of any spread: "
            "on the left Allen and Cunneen's, on the right Whitt's. Random arrivals."
        ),
    ),
    rule=_rule,
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (5, "Look in at random moments: the inspection paradox, and what is left."),
        (5, "Three factors of a wait; who causes it."),
        (3, "Kingman, Allen and Cunneen, and how far they are off."),
        (4, "The board: one template turned slower."),
        (4, "Exercises, in pairs."),
        (1, "A lane or a shorter job; the rule of thumb."),
    ),
    screen=(
        (
            "Each takes upwards: the bar of the requests stays as it is, those of work and waiting "
            "grow, and the wait of all with them."
        ),
        "Fewer slow ones, but slower, so that the work shrinks: all wait longer all the same.",
        (
            "One processor: rule and truth are the same line. Many processors, half idle: the rule "
            "leaves the exact curve, where there is hardly any wait to be wrong about."
        ),
    ),
)
