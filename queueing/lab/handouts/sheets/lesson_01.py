"""01: how many are inside, from the rate and the time."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.house import House, Office
from queueing.lab.little import by_users, staircases
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, draw
from queueing.scenario import Scenario

_CAME, _SENDINGS = (0, 2, 3, 9, 10), (4, 3, 5, 2, 2)  # the notebook's quiet morning, seconds


def _question(scenario: Scenario) -> str:
    mails = scenario.traffic.peak_rate * scenario.mails_per_request
    return (
        "A mail comes in, waits in the queue, is sent by a worker, and is gone. The log knows that "
        f"{mails:.1f} come in a second at the peak. Nobody has counted how many are inside, and no "
        "mail carries a time stamp. How many are in the house right now, and how long does each "
        "stay?"
    )


def _users(scenario: Scenario) -> Picture:
    """The board's lower plot, with words of its own."""
    think = scenario.traffic.think_time_s
    office = Office(users=8, think=think, service=3, threads=2, promise=5)
    paper = by_users(Paper(560, 216, right=88), office)
    told = (
        "Mean time inside by the number of users. Users who wait for their mail and mails that "
        f"come anyway take the same as long as few come; {office.most_open} users whose mails come "
        f"anyway keep a mean of {office.promise:g} s, and {office.most} who wait for theirs. "
        "Beyond that the open curve shoots up, the closed one climbs evenly."
    )
    return Picture([[paper]], words=told)


SHEET = Sheet(
    lesson="01",
    question=_question,
    able=(
        "get any one of rate, number and time from the other two, tell users who wait for their "
        "answer from mails that come anyway, and read the depth of a queue as a time."
    ),
    formulas=(
        Formula(
            name="Little's law",
            tex=r"L = \lambda W",
            spoken="the mean number inside L is the arrival rate lambda times the mean time W",
            symbols=(
                ("L", "number inside, in the mean"),
                (r"\lambda", "arrivals a second"),
                ("W", "time inside, in the mean, seconds"),
            ),
            valid=(
                "In the long run for any house, any order and any kind of chance, if what comes in "
                "goes out again; exactly from an empty house to the next."
            ),
        ),
        Formula(
            name="Interactive response time law",
            tex=r"X = \frac{N}{R + Z}",
            spoken=(
                "the throughput X is the number of users N over the response time R plus the think "
                "time Z"
            ),
            symbols=(
                ("X", "answers a second"),
                ("N", "users, all of them"),
                ("R", "seconds that a user waits for an answer, in the mean"),
                ("Z", "seconds that a user thinks, in the mean"),
            ),
            valid="A closed system: nobody comes or leaves, each user asks one thing at a time.",
        ),
    ),
    figures=(
        lambda _: draw(staircases, House.of(_CAME, services=_SENDINGS), height=240, aside=24),
        _users,
    ),
    captions=(
        (
            "Five mails and one worker. Cut upright, the area between the staircases is the heads "
            "of each second; cut across, the stay of each mail."
        ),
        (
            "A small office by the number of its users: who wait for their mail (closed, solid) and"
            " mails that come anyway (open, dashed). The mean shall stay under the dotted line."
        ),
    ),
    rule=lambda _: (
        "Depth divided by what leaves in a second is the age at which the mail that joins now will "
        "be sent."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (5, "Count heads by hand, upright and across; the area, then the law."),
        (3, "Users who think: a closed system brakes itself, an open one does not."),
        (4, "The board: the two bars that never differ, then the users that it bears."),
        (4, "Exercises, in pairs."),
        (1, "Rates hide what depth adds up; the rule of thumb."),
    ),
    screen=(
        "Dice up, one by one: another day each time, other numbers, and the two bars stay alike.",
        "Users to 20: the closed line climbs slowly, the open one has left the figure.",
        "Promise up, then a third thread: the users that are borne, lower left, grow.",
    ),
)
