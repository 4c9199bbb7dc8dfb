"""09: telemetry beside the users, or behind a wall."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.released import backlog_picture
from queueing.lab.streamed import Streams, events_per_second, noisier
from queueing.lab.streaming_lanes import LANES, lanes
from queueing.scenario import Scenario

_LOUD = 20  # events a mail: so many that one sink is too few


def _question(scenario: Scenario) -> str:
    return (
        "Every mail that we deliver talks back: delivered, opened, clicked, bounced. At the peak "
        f"that makes {events_per_second(scenario):.0f} events a second, where the users make "
        f"{scenario.traffic.peak_rate:.0f} requests. Somebody let them in by the door that was "
        "there already, as small requests to the servers and a row each in the database. At the "
        "next sale the users' answers are slow, though not one user more came than was planned. "
        "Who is eating the database, and how does one keep it for the users?"
    )


def _isolated(scenario: Scenario) -> Picture:
    base, streams = scenario.base, Streams(scenario)
    events = round(scenario.tracking.events_per_mail)
    flow = streams.flow(
        events, shards=max(base.shards, 1), sinks=max(base.sinks, 1), workers=max(base.workers, 1)
    )
    return Picture([[lanes(Paper(*LANES, left=0, right=0, top=0, bottom=0), streams, flow)]])


def _moved(scenario: Scenario) -> Picture:
    enough = max(scenario.base.workers, 3)
    designs = {
        f"{number} workers": scenario.design(workers=number) for number in (enough - 2, enough)
    }
    return backlog_picture(noisier(scenario, _LOUD), designs)


SHEET = Sheet(
    lesson="09",
    question=_question,
    able=(
        "count the events of a peak, say what they do to those who share a database with them, "
        "size a stream and the sinks that read it, follow mails from one station to the next, and "
        "see where a backlog moves to."
    ),
    formulas=(
        Formula(
            name="Events multiply",
            tex=r"\lambda_e = k \lambda",
            spoken="the rate of events lambda e is k times the rate of mails lambda",
            symbols=(
                (r"\lambda_e", "events a second"),
                ("k", "events a mail"),
                (r"\lambda", "mails delivered a second"),
            ),
            valid="Always in the mean.",
        ),
        Formula(
            name="A shared database",
            tex=r"\rho = \frac{\lambda_u S_u + \lambda_e S_e}{c}",
            spoken=("the load rho is lambda u times S u plus lambda e times S e, all of it over c"),
            symbols=(
                (r"\rho", "load of the database"),
                (r"\lambda_u", "requests of the users a second"),
                ("S_u", "seconds of the database for a request"),
                ("S_e", "seconds of the database for an event"),
                ("c", "things that it works on at once"),
            ),
            valid="Always in the mean, below 1; above, it cannot keep up.",
        ),
        Formula(
            name="Shards and sinks",
            tex=r"x = \min(\lambda_e,\; n r,\; m q)",
            spoken="x is the smallest of lambda e, n times r, and m times q",
            symbols=(
                ("x", "events a second that move on"),
                ("n", "shards"),
                ("r", "records a second of one shard"),
                ("m", "sinks"),
                ("q", "records a second of one sink"),
            ),
            valid=(
                "In the long run, with room enough for what waits. Where only one sink may read a "
                "shard, less moves on."
            ),
        ),
    ),
    figures=(_isolated, _moved),
    captions=(
        (
            "Above, the way of mails and events; below, that of the users; between them the "
            "bulkhead. The bars are loads, 1 is full."
        ),
        (
            "Loud mails before one sink. Left, with two workers fewer, the mails grow old; right, "
            "with enough workers, something else does."
        ),
    ),
    rule=lambda _: (
        "Go along the way and write down how many events a second each house can pass. The "
        "smallest number is what you have."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (4, "Count the events; what they do to a shared database."),
        (4, "Bulkheads; shards against sinks: the narrowest decides."),
        (4, "One house after the other: Burke, and houses that are too full."),
        (5, "The board: away with stream and sinks, then louder mails."),
        (4, "Exercises, in pairs."),
        (1, "Backlogs move house; the rule of thumb."),
    ),
    screen=(
        (
            "Shards and sinks to 0: the events go to the servers, and the database becomes the "
            "fullest box."
        ),
        "Events up, step by step: first the sinks are too full, and the users notice nothing.",
        "Sinks to 0 with many events: the workers read the stream, and the mails grow older.",
    ),
)
