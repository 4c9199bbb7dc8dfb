"""12: the design board."""

from queueing.lab.handouts.sheet import Sheet
from queueing.lab.layouts import design_picture
from queueing.lab.picture import Picture
from queueing.scenario import Scenario


def _question(scenario: Scenario) -> str:
    contract = scenario.contract
    return (
        "We have sized servers, workers, caches and spares one at a time. Now all of it at once: a "
        f"contract of {contract.p95_ms:g} ms and {100 * contract.uptime:g} %, "
        f"{scenario.traffic.horizon_h:g} hours of traffic, eight components, "
        f"{contract.budget_usd_month:g} USD a month, and a post-mortem at the end. Can you keep "
        "the contract, and for how little?"
    )


def _chatty(scenario: Scenario) -> Picture:
    """The lesson's mistake: the design without stream and sinks, whose events come back."""
    return design_picture(scenario.evaluate(scenario.design(shards=0, sinks=0)))


SHEET = Sheet(
    lesson="12",
    question=_question,
    able=(
        "build a system against a contract, find the part that holds it back, tell a design that "
        "passes on paper from one that survives chance, and say in a sentence why a design failed."
    ),
    formulas=(),
    figures=(_chatty,),
    captions=(
        (
            "A scorecard and its hours: our design without stream and sinks, so that every open and"
            " every click comes back to the servers. Which part is it that counts?"
        ),
    ),
    rule=lambda _: (
        "First take work away from the bottleneck, then buy more of it. More of anything else can "
        "wait."
    ),
    minutes=(
        (3, "The contract and the prediction; collect guesses on the board."),
        (3, "Four questions in their order: uptime, P95, oldest mail, budget."),
        (9, "Build and run, in pairs, on one board each; change hands after a run."),
        (5, "Exercises on the board."),
        (5, "Post-mortem: each pair says in a sentence why its design failed."),
    ),
    screen=(
        (
            "The least design, then one clause after the other: the drawing marks the bottleneck, "
            "and it moves as parts are bought."
        ),
        "Load A and buy servers: P95 stays broken, because the work inside the request stays.",
        "Load E and take away one part after the other: each carries a clause of its own.",
    ),
)
