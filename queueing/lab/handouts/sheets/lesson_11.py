"""11: theory hour by hour, and runs by chance."""

from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.nines import Nines
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture, draw
from queueing.lab.surge_figures import latency, uptimes, users
from queueing.scenario import Scenario
from queueing.scenario.outages import outages

_RUNS, _SEED = 4000, 2026
_WANTED = 0.999  # the third nine of lesson 10, for which its design was chosen


def _question(scenario: Scenario) -> str:
    card, contract = scenario.evaluate(scenario.base), scenario.contract
    return (
        f"On paper our design answers 95 of 100 requests within {card.p95_ms:.0f} ms, and its "
        f"uptime is {100 * card.uptime:.2f} %; promised are {contract.p95_ms:g} ms and "
        f"{100 * contract.uptime:g} %. But paper knows means: mean rates, mean services, parts "
        "that are up for a promised share of the time. The sale happens once, and parts break when "
        f"they please. Does the plan survive {scenario.traffic.horizon_h:g} hours of chance?"
    )


def _hours(scenario: Scenario) -> Picture:
    card = scenario.evaluate(scenario.base)
    room = {"right": 130}
    return Picture(
        [[users(Paper(780, 110, bottom=8, **room), card), latency(Paper(780, 150, **room), card)]]
    )


def _lottery(scenario: Scenario) -> Picture:
    """The uptimes of many sales, of another design and another promise than the prediction's."""
    other = next(queue for queue in Nines(scenario).queues if queue != scenario.base.queue)
    many = outages(scenario, scenario.design(queue=other), runs=_RUNS, seed=_SEED)
    return draw(uptimes, many.uptime.values, _WANTED, height=240, aside=36)


SHEET = Sheet(
    lesson="11",
    title=lambda scenario: (
        f"The surge: does the plan survive {scenario.traffic.horizon_h:g} hours of chance?"
    ),
    question=_question,
    able=(
        "say which parts of a plan theory settles hour by hour and which it cannot, read a "
        "simulation with its intervals, tell a mean that passes from a run that passes, and choose "
        "how many runs a question needs."
    ),
    formulas=(
        Formula(
            name="Pointwise stationary",
            tex=(
                r"\text{P95 at time } t \;\approx\; "
                r"\text{P95 of the steady queue with rate } \lambda(t)"
            ),
            spoken=(
                "the ninety fifth percentile at time t is about that of the steady queue with the "
                "rate lambda of t"
            ),
            symbols=(
                ("t", "a time"),
                (r"\lambda(t)", "requests a second at that time"),
            ),
            valid=(
                "The queue forgets faster than the rate moves: requests, but not a backlog, and "
                "never at a load of 1 or more."
            ),
        ),
        Formula(
            name="The fluid",
            tex=r"Q(t) = X(t) - \min_{s \le t} X(s)",
            spoken=("the backlog Q of t is X of t minus the smallest X of s for all s up to t"),
            symbols=(
                ("Q(t)", "what waits at time t"),
                ("X(t)", "inflow less capacity, added up since the start"),
                ("s", "a time up to t"),
            ),
            valid="From an empty basin; good for what piles up, blind for what chance alone makes.",
        ),
        Formula(
            name="Modified offered load",
            tex=r"m'(t) = \lambda(t) - \mu\, m(t)",
            spoken="m prime of t equals lambda of t minus mu times m of t",
            symbols=(
                ("m(t)", "the load that plenty of servers would carry at time t"),
                (r"\lambda(t)", "arrivals a second at that time"),
                (r"\mu", "what a busy server completes a second"),
            ),
            valid="For the load of the moment, where services last as long as the rate moves.",
        ),
        Formula(
            name="Kolmogorov's equations",
            tex=(
                r"p_n'(t) = \lambda(t)\, p_{n-1}(t) + \mu_{n+1}\, p_{n+1}(t) "
                r"- (\lambda(t) + \mu_n)\, p_n(t)"
            ),
            spoken=(
                "p n prime of t equals lambda of t times p n minus one of t, plus mu n plus one "
                "times p n plus one of t, minus the sum of lambda of t and mu n, times p n of t"
            ),
            symbols=(
                ("p_n(t)", "the probability that n are there at time t"),
                (r"\mu_n", "what c servers complete a second, n being there: μ min(n, c)"),
            ),
            valid="Exact for exponential services and Poisson arrivals, at any load.",
        ),
        Formula(
            name="Interval of a mean",
            tex=r"\bar x \pm t_n \frac{s}{\sqrt n}",
            spoken=(
                "x bar plus or minus t n times the standard deviation s over the square root of n"
            ),
            symbols=(
                (r"\bar x", "mean of the runs"),
                ("n", "independent runs"),
                ("s", "standard deviation of the runs"),
                ("t_n", "Student's factor: about 2 for many runs, larger for few"),
            ),
            valid=(
                "95 % confidence; exact for normal values, good for means of many small things, "
                "poor for a few rare ones."
            ),
        ),
    ),
    figures=(_hours, _lottery),
    captions=(
        (
            "What theory says, hour by hour: users above, P95 below, with every part up. The shaded"
            " hours are the peak."
        ),
        (
            "A lottery: thousands of sales, nothing drawn but outages, of the other queue that can "
            "be had. Three nines are kept in the mean: what does that say of one sale?"
        ),
    ),
    rule=lambda _: (
        "If n runs went well, the chance of a bad one may still be as large as 3 / n, with 95 % "
        "confidence. Thirty green runs do not exclude one failure in ten."
    ),
    minutes=(
        (2, "The question and the prediction; collect guesses. Start the long cell."),
        (
            6,
            "Hour by hour: what forgets is steady, what piles up a fluid, the rest equations.",
        ),
        (4, "Chance: a run, many runs, and the interval of their mean."),
        (5, "The board: run the design, then one worker fewer."),
        (3, "Rare things need many runs: the lottery of outages."),
        (4, "Exercises, in pairs."),
        (1, "A mean that passes is not a run that passes; the rule of thumb."),
    ),
    screen=(
        (
            "Run the design as it stands: chance lies on theory's line until a part breaks, and "
            "each run breaks elsewhere."
        ),
        (
            "Workers one fewer, then run: both show the backlog, and chance the larger one, because"
            " workers break too."
        ),
        (
            "Servers one fewer, then run: P95 holds by theory, and jumps for as long as a server "
            "is away."
        ),
    ),
)
