"""00: a contract as numbers, users as a load, and what is about to be bought."""

from queueing.lab import figures
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.picture import draw
from queueing.scenario import Scenario


def _question(scenario: Scenario) -> str:
    hours = scenario.traffic.horizon_h
    return (
        f"{scenario.title} sends e-mail for others. A sale begins, the users multiply, and for "
        f"{hours:g} hours the contract counts: answers stay fast, the platform stays up, the bill "
        "stays small. Does the design that we are about to buy keep that promise?"
    )


def _rule(_: Scenario) -> str:
    return (
        "A station that runs a few per cent over 1 for a day ends the day that many per cent of a "
        "day late."
    )


SHEET = Sheet(
    lesson="00",
    question=_question,
    able=(
        "read a contract as numbers, turn users into the load of a machine, size the platform on "
        "a board, and say why a row of green numbers may hide a broken promise."
    ),
    formulas=(
        Formula(
            name="From users to requests",
            tex=r"\lambda = \frac{N}{Z + R}",
            spoken="the arrival rate lambda is the number of users N over the sum of Z and R",
            symbols=(
                (r"\lambda", "requests a second"),
                ("N", "users"),
                ("Z", "seconds that a user thinks"),
                ("R", "seconds that a user waits for an answer"),
            ),
            valid="Always in the mean: each user has one request at a time.",
        ),
        Formula(
            name="Offered load",
            tex=r"a = \lambda S",
            spoken="the offered load a is lambda times the service time S",
            symbols=(
                ("a", "offered load, in Erlang: places busy in the mean"),
                ("S", "seconds that a job keeps a place busy"),
            ),
            valid="Always, as long as there are enough places.",
        ),
        Formula(
            name="Load",
            tex=r"\rho = \frac{a}{c}",
            spoken="the load rho is the offered load a over the number of places c",
            symbols=(
                (r"\rho", "load: share of the places that is asked for"),
                ("c", "places: slots, threads, processors"),
            ),
            valid="Below 1 the station keeps up; above 1 it cannot, and its queue grows.",
        ),
    ),
    figures=(lambda scenario: draw(figures.surge, scenario, height=240),),
    captions=(
        "The shaded hours are the peak: there the promise on the time of an answer is judged.",
    ),
    rule=_rule,
    minutes=(
        (4, "The contract; the prediction, guesses collected."),
        (5, "From users to requests, from requests to load."),
        (5, "The board: workers to 4, then the stream and sink."),
        (4, "Exercises, in pairs."),
        (2, "The common mistake: watching only what users see."),
    ),
    screen=(
        "Workers to 4: every row of the interface stays green, and mails pile up for hours.",
        "Stream and sink off: the events return as requests, and the servers fill up.",
        "Servers to 3: the time of an answer holds, the uptime does not.",
    ),
)
