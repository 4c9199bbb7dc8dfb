"""The design board on paper: what was promised, what can be bought, and rounds to be filled in."""

from collections.abc import Iterator, Sequence

from queueing.lab.handouts.press import Paper
from queueing.lab.handouts.text import array, words
from queueing.lab.handouts.typeset import document
from queueing.lab.tables import component_table, contract_table
from queueing.scenario import Scenario
from queueing.scenario.catalogue import Part
from queueing.scenario.plan import CPU, DATABASE, WORKERS, plan

TITLE = "The design board on paper"
ROUNDS, FIRST = 8, 4  # rounds in all, and those whose counts stand beside the components
ROUND_COLUMNS = ("Round", "What we changed, and why", "P95, ms", "Uptime, %", "USD", "Oldest mail")
RULES = (
    (
        "Fill in a design: how many of each component, and which variant. Add up the bill; what "
        "is paid by use comes on top."
    ),
    (
        "Work out the loads: busy places over the places that you have. A station above 1 cannot "
        "keep up; to be quick it must be well below 1."
    ),
    (
        "Guess which promises break. Then ask the board (notebook 12, or the teacher's screen) "
        "and write down what it says."
    ),
    (
        "Change one thing, write down why, and play the next round. Whoever keeps every promise "
        "with the smallest bill has won."
    ),
)
_COUNTED = tuple(f"Round {number + 1}" for number in range(FIRST))
COMPONENT_COLUMNS = ("Component", "What it does", "USD a month each", *_COUNTED)
LOAD_COLUMNS = ("Station", "Busy at the peak", "Places of one", *_COUNTED)
_NARROW = ", ".join(["13.5mm"] * FIRST)


def worksheet(scenario: Scenario, paper: Paper) -> str:
    """Return the document of the worksheet."""
    told = f"{scenario.title}: build it, add it up, and be judged by the contract."
    parts = [
        f"#sheet-title({words(TITLE)}, {words(told)})",
        "#v(4pt)",
        f"#enum(spacing: 5pt, body-indent: 2mm, ..{array([words(rule) for rule in RULES])})",
        _heading("The contract"),
        _table("(26mm, 34mm, 1fr)", ("Clause", "Promise", "Meaning"), contract(scenario)),
        _heading("The components"),
        _table(f"(23mm, 1fr, 46mm, {_NARROW})", COMPONENT_COLUMNS, components(scenario)),
        _heading("The loads at the peak"),
        _table(f"(30mm, 1fr, 25mm, {_NARROW})", LOAD_COLUMNS, loads(scenario)),
        _heading("The rounds"),
        _table(
            "(14mm, 1fr, 19mm, 21mm, 19mm, 25mm)",
            ROUND_COLUMNS,
            [(str(number + 1), *[""] * 5) for number in range(ROUNDS)],
            height="(auto, 17mm)",
        ),
    ]
    return document(TITLE, "", paper, parts)


def contract(scenario: Scenario) -> list[tuple[str, ...]]:
    """Return the clauses: name, promise, meaning."""
    return [tuple(map(str, row)) for row in contract_table(scenario).rows]


def components(scenario: Scenario) -> list[tuple[str, ...]]:
    """Return the components: name, role, variants with prices, and cells to fill in; the bill."""
    names = [str(row[0]) for row in component_table(scenario).rows]
    rows = []
    for name, component in zip(names, scenario.catalogue, strict=True):
        parts = scenario.catalogue[component]
        prices = "; ".join(_price(part, named=len(parts) > 1) for part in parts.values())
        rows.append((name, next(iter(parts.values())).role, prices, *[""] * FIRST))
    return [*rows, ("The bill", "USD a month, all together", "", *[""] * FIRST)]


def loads(scenario: Scenario) -> list[tuple[str, ...]]:
    """Return the stations: busy places at the peak, places of one, and cells to fill in.

    Cache, database and queue are the scenario's own; without a cache the database has more to do.
    """
    made, catalogue, rate = (
        plan(scenario, scenario.base),
        scenario.catalogue,
        scenario.traffic.peak_rate,
    )
    places = {
        CPU: ("Servers' processors", catalogue.the("server").vcpus),
        DATABASE: ("Database", catalogue.find("postgres", scenario.base.database).slots),
        WORKERS: ("Workers' threads", catalogue.the("worker").slots),
    }
    rows = []
    for station, (name, places_of_one) in places.items():
        if seconds := made.work.get(station):
            busy = f"{rate:.1f} requests/s × {1000 * seconds:.1f} ms = {rate * seconds:.2f}"
            rows.append((name, busy, str(places_of_one), *[""] * FIRST))
    return rows


def _price(part: Part, *, named: bool) -> str:
    price = f"{part.price_usd_month:,.2f}" if part.price_usd_month else "by use"
    return f"{part.variant}: {price}" if named else price


def _heading(told: str) -> str:
    return f"#heading(level: 2, {words(told)})"


def _table(
    columns: str, head: Sequence[str], rows: Sequence[Sequence[str]], height: str = "auto"
) -> str:
    cells: Iterator[str] = (array([words(cell) for cell in row]) for row in rows)
    names = array([words(name) for name in head])
    return f"#ruled({columns}, {names}, {array([*cells])}, height: {height})"
