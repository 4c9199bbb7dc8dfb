"""What may be written on the command line, and the pages that `--help` prints."""

import argparse
import textwrap
from collections.abc import Iterable

from queueing.command_line import actions, handouts
from queueing.command_line.parts import COUNTS, SWITCHES, VARIANTS
from queueing.scenario import loading

_STATUS = """\
exit status:
  0  the contract is kept     1  it is broken     2  bad input     130  stopped by Ctrl-C"""

_PAGES = {
    "evaluate": (
        "judge a design by theory",
        """\
        Judge a design by theory: P95, uptime, cost and backlog against the contract, what stands
        behind them, and how good each number is here.""",
        ["mailforge --workers 4", 'mailforge --design "E with 3 servers" --figure three.svg'],
    ),
    "simulate": (
        "run a design through the surge by chance",
        """\
        Run a design through the surge, every request, and set the intervals beside the theory. The
        design passes if the means of all runs keep the contract; the share of runs that do is told
        as well. Ctrl-C keeps the runs that are finished.""",
        [
            "mailforge --replications 5 --seed 1",
            "mine.toml --workers 4 --maximum-workers 8 --csv > runs.csv",
        ],
    ),
    "search": (
        "rank every design on a grid",
        """\
        Rank every design on a grid: which pass, the cheapest, the frontier of cost against P95, and
        what binds. An option narrows the grid to its values: one, several with commas, or a range.
        It passes if some design does.""",
        ["mailforge", "mailforge --servers 2-8 --workers 4,5,6 --queue sqs --csv"],
    ),
    "compare": (
        "set designs side by side",
        """\
        Set designs side by side, all named ones or those that are listed; with --replications by
        chance as well, with the same customers for each, so that differences show early. It passes
        if every design does.""",
        [
            'mailforge A C E "E with 4 workers"',
            'mailforge E "E with 4 to 8 workers" --replications 4 --seed 1',
        ],
    ),
    "postmortem": (
        "say what went wrong, with evidence and a remedy",
        """\
        Say what went wrong, in which hour, by which evidence, what would have helped and what it
        costs; for a design that passes, what nearly broke. By theory, or of runs by chance.""",
        ["mailforge --workers 4", "mailforge --design A --json"],
    ),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each leaves its action in `run`."""
    whole = argparse.ArgumentParser(
        prog="queueing",
        description="MailForge Lab: an e-mail platform under a surge, judged and searched.\n"
        f"Scenarios that come with the kit: {', '.join(loading.shipped())}.",
        epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name, (short, description, examples) in _PAGES.items():
        command = commands.add_parser(
            name,
            help=short,
            description=textwrap.dedent(description),
            epilog="\n".join(
                ["examples:", *(f"  queueing {name} {each}" for each in examples), "", _STATUS]
            ),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument(
            "scenario", help="the name of a scenario that comes with the kit, or a .toml file"
        )
        command.set_defaults(run=getattr(actions, name), command=name)
        if name == "compare":
            command.add_argument("designs", nargs="*", metavar="DESIGN", help="a named design")
        else:
            _add_parts(command, grid=name == "search")
        if name in {"simulate", "compare", "postmortem"}:
            _add_chance(command, required=name == "simulate")
        _add_output(command)
    handouts.add(commands)
    return whole


def number(word: str) -> float | int | str:
    """Return a number as it was meant; what is none, or not whole, is refused by name later."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def numbers(words: str) -> list[float | int | str]:
    """Return the values of a grid: "4", "4,5,6", "2-8", or both at once.

    >>> numbers("2-4,8"), numbers("4-2")
    ([2, 3, 4, 8], [2, 3, 4])
    """
    return [value for word in words.split(",") for value in _span(word.strip())]


def switches(words: str) -> list[bool | str]:
    """Return the values of a grid of yes and no."""
    known: dict[str, bool] = {"yes": True, "no": False, "true": True, "false": False}
    return [known.get(word.strip().lower(), word) for word in words.split(",")]


def names(words: str) -> list[str]:
    """Return names that commas part."""
    return [word.strip() for word in words.split(",")]


def _span(word: str) -> Iterable[float | int | str]:
    first, dash, last = word.partition("-")
    if dash and first.isdecimal() and last.isdecimal() and len(first) <= 6 >= len(last):
        low, high = sorted((int(first), int(last)))
        return range(low, high + 1)
    return [number(word)]


def _add_parts(command: argparse.ArgumentParser, *, grid: bool) -> None:
    parts = command.add_argument_group(
        "the grid" if grid else "the design",
        "Values to try, such as 4, 4,5,6 or 2-8."
        if grid
        else "Changes of the scenario's own design, or of the one named with --design.",
    )
    if not grid:
        parts.add_argument(
            "--design", metavar="NAME", help='a named design, such as "E with 4 workers"'
        )
    for option, meaning in COUNTS.items():
        kind = numbers if grid else number
        parts.add_argument(_flag(option), type=kind, metavar="N", help=_percent(meaning))
    for option, meaning in VARIANTS.items():
        parts.add_argument(
            _flag(option), type=names if grid else str, metavar="VARIANT", help=_percent(meaning)
        )
    for option, meaning in SWITCHES.items():
        if grid:
            parts.add_argument(_flag(option), type=switches, metavar="yes,no", help=meaning)
        else:
            parts.add_argument(_flag(option), action=argparse.BooleanOptionalAction, help=meaning)


def _add_chance(command: argparse.ArgumentParser, *, required: bool) -> None:
    chance = command.add_argument_group("chance")
    chance.add_argument(
        "--replications",
        type=number,
        default=5 if required else None,
        metavar="N",
        help="independent runs (5)" if required else "runs by chance as well, so many",
    )
    chance.add_argument(
        "--seed", type=number, metavar="N", help="a whole number: the same seed, the same runs"
    )
    if required:
        chance.add_argument(
            "--closed", action="store_true", help="users think and wait, instead of an open rate"
        )


def _add_output(command: argparse.ArgumentParser) -> None:
    output = command.add_argument_group("output")
    form = output.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON for programs")
    form.add_argument("--csv", action="store_true", help="print a table with commas")
    output.add_argument("--figure", metavar="OUT.svg", help="draw a figure as well")


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def _percent(meaning: str) -> str:
    return meaning.replace("%", "%%")
