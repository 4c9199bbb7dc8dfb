"""07: what a full line should say."""

from dataclasses import replace

from queueing.backpressure import BoundedQueue
from queueing.lab.crowded import flash, rush, rush_hour
from queueing.lab.crowding import boots, crowded_case, through_rush
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.picture import Picture, draw
from queueing.scenario import Scenario
from queueing.simulation.rushes import draw_rush

_SEED = 2026
_RISE_S, _SHOWN_S = 300, 2700
_BOOTS_MIN = (1, 3, 15)


def _question(scenario: Scenario) -> str:
    line = rush(scenario)
    return (
        "Another provider is down, and for some minutes its customers come to us: "
        f"{line.arrival_rate:.0f} requests a second, where our processors can do "
        f"{line.servers * line.service_rate:.0f}. The line before them has a last place, and it is "
        'taken. "Give it more room," somebody says, "then we need not turn anybody away." What '
        "should a full queue say: no, wait outside, or make room for somebody who matters more?"
    )


def _rush(scenario: Scenario) -> Picture:
    case = crowded_case(scenario)
    places = case.largest or case.room
    told = BoundedQueue(capacity=case.station.servers + places, when_full="reject")
    lines = {"no last place": None, f"{places} places": told}
    during = rush_hour(scenario)
    runs = {name: draw_rush(during, line, seed=_SEED) for name, line in lines.items()}
    return draw(through_rush, runs, height=240, aside=24)


def _boots(scenario: Scenario) -> Picture:
    steep = replace(flash(scenario, rise=_RISE_S), horizon=_SHOWN_S)
    cases = {f"boot of {minutes} min": steep.booting(60 * minutes) for minutes in _BOOTS_MIN}
    return draw(boots, cases, scenario.contract.freshness_s, height=240, aside=80)


SHEET = Sheet(
    lesson="07",
    question=_question,
    able=(
        "say whom a full line turns away and how long the others wait, find the room that a "
        "promise has, choose between turning away, holding and dropping, and tell a queue that "
        "copes from one that hides its failure."
    ),
    formulas=(
        Formula(
            name="Who is turned away",
            tex=r"P_K = P(\text{all busy}) \cdot \frac{\rho^m}{1 + \rho + \dots + \rho^m}",
            spoken=(
                "P K is the probability that all are busy, times rho to the power m over the sum "
                "of one, rho and so on up to rho to the power m"
            ),
            symbols=(
                ("P_K", "share of the arrivals that find the last place taken"),
                (r"\rho", "load: what comes over what can be done; it may exceed 1"),
                ("m", "places in line"),
            ),
            valid="Random arrivals, exponential services, nobody comes again (M/M/c/K).",
        ),
        Formula(
            name="What the last place is worth",
            tex=r"\frac{m}{c\mu}",
            spoken="m over c mu seconds of wait",
            symbols=(
                ("c", "servers"),
                (r"\mu", "services a second of one busy server"),
            ),
            valid="In the mean, first come first served; the line before it is full.",
        ),
        Formula(
            name="What no room can help",
            tex=r"\text{turned away} \ge 1 - \frac{1}{\rho}",
            spoken="the share turned away is at least one minus one over rho",
            symbols=(),
            valid="In the long run, whatever the room and the order; it says something above 1.",
        ),
        Formula(
            name="Token bucket",
            tex=r"r\,t + b",
            spoken="at most r times t plus b are let in",
            symbols=(
                ("r", "tokens a second"),
                ("t", "length of any span of time, seconds"),
                ("b", "tokens that the bucket holds"),
            ),
            valid="Always, for any arrivals; it does not know whether servers are busy.",
        ),
        Formula(
            name="Gradient limit",
            tex=r"L \leftarrow 0.8\,L + 0.2\,\Big(\frac{R_0}{R}\,L + \sqrt{L}\Big)",
            spoken=(
                "the limit L becomes eight tenths of L plus two tenths of the quantity R zero over "
                "R times L plus the square root of L"
            ),
            symbols=(
                ("L", "requests that may be inside"),
                ("R", "time that a request takes now, seconds"),
                ("R_0", "the shortest time known, seconds"),
            ),
            valid=(
                "A rule and not a law: it keeps the line short, and turns away a few more than "
                "must be."
            ),
        ),
        Formula(
            name="Backlog of a worker",
            tex=r"\text{acceptable backlog of a worker} = \frac{T\,n}{S}",
            spoken="the acceptable backlog of a worker is the target age T times n over S",
            symbols=(
                ("T", "target age, seconds"),
                ("n", "threads of a worker"),
                ("S", "seconds of an attempt"),
            ),
            valid=(
                "All threads busy. To order workers by it helps where the load rises more slowly "
                "than a worker boots."
            ),
        ),
    ),
    figures=(_rush, _boots),
    captions=(
        (
            "Minutes with a rush in them (grey), drawn request by request. A line without a last "
            "place refuses nobody; how many are answered in time?"
        ),
        (
            "The same rule with workers that boot quickly or slowly, while mails rise (grey). Look "
            "at the worst age, and at what follows when the backlog is gone."
        ),
    ),
    rule=lambda _: (
        "A line should have no more places than what the servers complete within the promised "
        "wait, less one and a half times the root of it."
    ),
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (5, "A place is a time; room takes up chance, not overload."),
        (4, "Three things to say; who can be held, and who cannot."),
        (3, "Buckets, limits, and workers that follow a backlog."),
        (5, "The board: room down, then the three ways."),
        (4, "Exercises, in pairs."),
        (1, "The queue that never says no; the rule of thumb."),
    ),
    screen=(
        (
            "Room down, far below where it begins: hardly more are turned away, and the wait "
            "shrinks. Near no room at all the share begins to move."
        ),
        "Arrivals down to an ordinary day, then room down: a little of it is enough for everybody.",
        (
            "A full line: drop the lowest, and the sends no longer notice the rush. Hold outside, "
            "and room stops to matter: all wait without end."
        ),
    ),
)
