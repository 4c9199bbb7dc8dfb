"""05: the way of a request, and the slot that it holds meanwhile."""

from queueing import littles_law, mixture
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.journey import Journey, stages, total
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, draw
from queueing.lab.request_figures import tails
from queueing.lab.request_path import by_class
from queueing.scenario import Scenario

_MORE_S = 0.1  # inside the request, for the rule of thumb


def _question(scenario: Scenario) -> str:
    return (
        "We have promised that at the peak 95 of 100 requests are answered within "
        f"{scenario.contract.p95_ms:g} ms. The first plan does everything inside the request: it "
        "renders the mail, talks to the receiving server until that has taken it, and only then "
        f"answers the user. With {scenario.traffic.peak_rate:.0f} requests a second it is far too "
        "slow, and the first proposal is to buy servers. How many servers keep the promise?"
    )


def _lookups(scenario: Scenario) -> Picture:
    """The tails of hits, of misses and of both, for the class whose misses cost the most."""
    cached = {
        name: kind.cache_hit_ratio
        for name, kind in scenario.classes.items()
        if kind.cache_hit_ratio is not None
    }
    name = max(cached, key=lambda name: total(stages(scenario, name, "miss").values()).mean())
    laws = {lookup: total(stages(scenario, name, lookup).values()) for lookup in ("hit", "miss")}
    both = mixture([(cached[name], laws["hit"]), (1 - cached[name], laws["miss"])])
    return draw(tails, {**laws, f"all {name}": both}, height=240, aside=24)


def _classes(scenario: Scenario) -> Picture:
    paper = Paper(430, 232, left=58, right=84, top=26)
    return Picture([[by_class(paper, Journey(scenario, scenario.base))]])


def _rule(scenario: Scenario) -> str:
    here = Journey(scenario, scenario.base)
    slots = littles_law(rate=here.rate, time=_MORE_S)
    each = scenario.catalogue.the("server").slots
    return (
        "Busy slots are requests a second times seconds held. Here every 100 ms more inside the "
        f"request take {slots:.1f} slots, all of {slots / each:.1f} servers."
    )


SHEET = Sheet(
    lesson="05",
    title=lambda scenario: f"How many servers keep P95 under {scenario.contract.p95_ms:g} ms?",
    question=_question,
    able=(
        "add up the times along a request's way, mix those of hits and misses, say how many slots "
        "are busy and what with, and tell what servers can shorten from what they cannot."
    ),
    formulas=(
        Formula(
            name="Means add up",
            tex=r"E[T] = E[T_1] + \dots + E[T_n]",
            spoken="the mean of T is the mean of T one plus and so on, up to the mean of T n",
            symbols=(
                ("T", "time of the whole way"),
                ("T_1", "time of the first stage, and so on"),
            ),
            valid="Always.",
        ),
        Formula(
            name="Variances add up",
            tex=r"\mathrm{Var}[T] = \mathrm{Var}[T_1] + \dots + \mathrm{Var}[T_n]",
            spoken=(
                "the variance of T is the variance of T one plus and so on, up to the variance of "
                "T n"
            ),
            symbols=((r"\mathrm{Var}", "mean of the squared distance from the mean"),),
            valid="The stages are independent. Percentiles never add up.",
        ),
        Formula(
            name="A mixture averages tails",
            tex=r"P(T > t) = h\, P(T_\text{hit} > t) + (1 - h)\, P(T_\text{miss} > t)",
            spoken=(
                "the probability that T is longer than t is h times that of a hit, plus one minus "
                "h times that of a miss"
            ),
            symbols=(
                ("h", "share of the lookups that hit"),
                ("t", "a time, seconds"),
                (r"T_\text{hit}", "time of a request that hits, seconds"),
                (r"T_\text{miss}", "time of a request that misses, seconds"),
            ),
            valid="Always; means are averaged likewise, percentiles are not.",
        ),
        Formula(
            name="Busy slots",
            tex=r"N = \lambda H",
            spoken="the number of busy slots N is lambda times the time H that a slot is held",
            symbols=(
                ("N", "slots busy, in the mean"),
                (r"\lambda", "requests a second"),
                ("H", "seconds that a request holds its slot, in the mean, waits inside included"),
            ),
            valid="Little's law: always, as long as nobody is turned away.",
        ),
    ),
    figures=(_lookups, _classes),
    captions=(
        (
            "Share that takes longer than so many milliseconds, in powers. P95 is where a curve "
            "passes 5 %: the mixture follows the hits at first and the misses in the end."
        ),
        (
            "Where the time of each class goes in the mean (bars), and its P95 against the promise."
            " A P95 of all may keep what a class does not."
        ),
    ),
    rule=_rule,
    minutes=(
        (3, "The question and the prediction; collect guesses on the board."),
        (4, "Stage after stage: means and variances add up, percentiles do not."),
        (4, "Hits and misses: a mixture averages tails."),
        (4, "Slots: held until the reply, through everything behind it."),
        (5, "The board: what servers can shorten, and what they cannot."),
        (4, "Exercises, in pairs."),
        (1, "Answer first, talk later; the rule of thumb."),
    ),
    screen=(
        (
            "Cache hits down: the waits grow in classes that never ask the cache, for all wait for "
            "the same database, whatever the servers. Then switch on the larger one."
        ),
        (
            "Send by queue off, and servers up: processors idle, slots full, and the dotted floor "
            "lies above what may be late."
        ),
        (
            "Users up: more servers are needed, and the class that is slow by its own work stays "
            "slow with any number."
        ),
    ),
)
