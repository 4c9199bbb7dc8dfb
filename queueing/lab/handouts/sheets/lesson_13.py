"""13: seven steps on a whiteboard."""

from queueing.lab.drilled import mail_drill
from queueing.lab.drilling import options, outage
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.scenario import Scenario


def _question(scenario: Scenario) -> str:
    return (
        "Somebody draws a rectangle on a whiteboard and says: "
        f'"We have {mail_drill(scenario).users:,.0f} users, and we send their mails. Build it." '
        "Then a look at the watch. There is no notebook in the room, there are five minutes and a "
        "pen. How many machines is that, what do they cost, and what happens when one of them "
        "breaks?"
    )


def _numbers_of_workers(scenario: Scenario) -> Picture:
    paper = Paper(430, 216, left=0, right=0, top=0, bottom=0)
    return Picture([[options(paper, mail_drill(scenario))]])


def _outage(scenario: Scenario) -> Picture:
    return Picture([[outage(Paper(430, 200, left=72, right=14), mail_drill(scenario))]])


SHEET = Sheet(
    lesson="13",
    question=_question,
    able=(
        "go from users to workers in seven steps by hand, say how far the result can be trusted, "
        "and do it for three systems that are asked for again and again: e-mail, asynchronous "
        "jobs, notifications."
    ),
    formulas=(
        Formula(
            name="Handed out twice",
            tex=r"\text{duplicates a second} = \lambda \, (1 - F(v))",
            spoken=(
                "the duplicates a second are lambda times the quantity one minus F of the timeout v"
            ),
            symbols=(
                (r"\lambda", "attempts a second"),
                ("F(v)", "share of the attempts that take no longer than v"),
                ("v", "visibility timeout, seconds"),
            ),
            valid="Always in the mean; workers that die add theirs.",
        ),
        Formula(
            name="After an outage",
            tex=r"\frac{\lambda D}{c\mu - \lambda}",
            spoken=(
                "the time to work off an outage is lambda times its length D, over the spare rate "
                "c mu minus lambda"
            ),
            symbols=(
                ("D", "length of the outage, seconds"),
                ("c", "threads of all workers"),
                (r"\mu", "attempts that a thread makes a second"),
            ),
            valid="More can be done than comes; jobs come as ever during the outage.",
        ),
        Formula(
            name="Lines that take turns",
            tex=r"\frac{2}{c\mu - \lambda}",
            spoken="the wait beside a crowd is two over the spare rate c mu minus lambda",
            symbols=(),
            valid=(
                "In the mean, for a sender of one job, while somebody else's crowd waits; random "
                "arrivals, exponential attempts."
            ),
        ),
    ),
    figures=(_numbers_of_workers, _outage),
    captions=(
        "The same drill for other numbers of workers. Which column is the first to complain?",
        (
            "All workers away, and then back: what waits, and for how long. The slope on the right "
            "is the spare rate."
        ),
    ),
    rule=lambda _: (
        "For a Erlang take a + √a threads, and then 3 / (cμ − λ) for the wait that 95 of 100 stay "
        "within."
    ),
    minutes=(
        (3, "The rectangle and the prediction; collect guesses on the board."),
        (5, "Seven steps by hand, with two digits; where to say about."),
        (4, "Jobs: the timeout, the attempts, the outage."),
        (3, "Notifications: whose crowd it is, and lines in turn."),
        (4, "The board, after a guess for each step."),
        (5, "Exercises, in pairs, one with a pen and one with a watch."),
        (1, "Boxes before numbers; the rule of thumb."),
    ),
    screen=(
        (
            "Workers down by one, then up: too few shows in the load and in the repair, and the "
            "tail says nothing until it has no end."
        ),
        (
            "Users up by single steps, from few: catching up after an outage takes long before the "
            "tail does."
        ),
        "Jobs and Round far up: the steps by hand first, then the board.",
    ),
)
