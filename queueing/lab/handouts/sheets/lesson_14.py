"""14: a queue of one's own, from its log."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.picture import Picture, draw
from queueing.lab.traced import dispersion_by_window, read_trace, trace_picture
from queueing.scenario import Scenario, Trace
from queueing.scenario.wording import duration

_OWN, _REPORTS, _DEPARTURES = "reports", "report-requests", "jfk-departures"


def _question(_: Scenario) -> str:
    promised = duration(Scenario.load(_OWN).contract.freshness_s)
    return (
        "So far the traffic came from a formula and every service time from a table. Your queue "
        "has neither; it has a log. Here is such a queue: an office asks for reports, a worker "
        "renders each and mails it, and no report may wait longer than "
        f"{promised}. From a log of {Trace.load(_REPORTS).number:,} requests alone: how many "
        "workers does it need?"
    )


def _airport(_: Scenario) -> Picture:
    return draw(dispersion_by_window, read_trace(Trace.load(_DEPARTURES)), height=210)


SHEET = Sheet(
    lesson="14",
    question=_question,
    able=(
        "write a scenario file of your own, read rate, variability and services off a trace, say "
        "whether Poisson is believable, size the queue, and check the answer with your own traffic "
        "in place of a formula."
    ),
    formulas=(
        Formula(
            name="Rate",
            tex=r"\lambda = \frac{n}{T}",
            spoken="the rate lambda is the number of arrivals n over the time T that was watched",
            symbols=(
                (r"\lambda", "arrivals a second, in the mean"),
                ("n", "arrivals: of the whole trace here, expected in a window further down"),
                ("T", "time that was watched, seconds"),
            ),
            valid="Always; a mean is rarely what a queue meets, so take it hour by hour, too.",
        ),
        Formula(
            name="Index of dispersion",
            tex=r"I = \frac{\text{variance of the counts}}{\text{mean of the counts}}",
            spoken="the index of dispersion I is the variance of the counts over their mean",
            symbols=(("I", "index of dispersion of the counts in windows of one length"),),
            valid=(
                "1 for Poisson arrivals at a steady rate. A rate that moves raises it as well: "
                "compare neighbouring windows only."
            ),
        ),
        Formula(
            name="How random the rate is",
            tex=r"I = 1 + v\,n \qquad\text{and}\qquad v = \frac{I - 1}{n}",
            spoken=(
                "the index I is one plus v times n, and so v is the quantity I minus one, over n"
            ),
            symbols=(
                ("v", "variance of the rate's factor, whose mean is 1; its root is the swing"),
            ),
            valid=(
                "Poisson around a rate that keeps its factor through the window and draws it anew "
                "for the next."
            ),
        ),
    ),
    figures=(_airport, lambda _: trace_picture(Trace.load(_REPORTS))),
    captions=(
        (
            "Variance over mean by the length of the window: a week of departures from New York's "
            "JFK. Where does the line leave the band, and what moves there?"
        ),
        (
            "The reports: above the rate with what chance may add, below variance over mean. No "
            "clock explains where this line goes."
        ),
    ),
    rule=lambda _: (
        "Where bursts last longer than what was promised, buy for the peak plus twice the swing."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses. Start the long cell."),
        (4, "Two files: what differs, and what came; rate and services."),
        (5, "Is Poisson believable? Windows, and their neighbours."),
        (3, "How random the rate is; theory is too kind."),
        (5, "The board: shorter bursts, more traffic."),
        (4, "Exercises, in pairs."),
        (1, "No hour is the mean of the day; the rule of thumb."),
    ),
    screen=(
        "Bursts to 0: what is left is Poisson, and fewer workers are enough.",
        (
            "Window down: the same swing in shorter bursts. They are over before much has piled "
            "up, and fewer workers ride them out."
        ),
        (
            "Rate to twice as much: it takes about twice the workers. Growth does not smooth a "
            "rate that is random."
        ),
    ),
)
