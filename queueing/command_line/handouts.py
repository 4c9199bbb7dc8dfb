"""`python -m queueing handouts`: the lessons on paper."""

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queueing.scenario import Scenario
from queueing.scenario.wording import many

if TYPE_CHECKING:
    from collections.abc import Iterable

    from queueing.lab.handouts.build import Made

_STATUS = """\
exit status:
  0  all is there     1  some papers could not be made, the others were     2  bad input
  130  stopped by Ctrl-C: the papers that were finished are there"""

_EXAMPLES = """\
examples:
  queueing handouts
  queueing handouts --scenario mine.toml --paper letter
  queueing handouts --lesson 03 --lesson 08 --output ~/class
  queueing handouts --lesson 03 --seed 7
  queueing handouts --nbgrader ~/course"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those that there are."""
    command = commands.add_parser(
        "handouts",
        help="put the lessons on paper, for students and for teachers",
        description=textwrap.dedent("""\
            Put the lessons on paper: a PDF of each for students and one for teachers, a booklet of
            each kind, a sheet of every formula and a worksheet of the design board; all of it as
            HTML as well. The numbers are the scenario's. What has not changed is left alone."""),
        epilog=f"{_EXAMPLES}\n\n{_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scenario = command.add_mutually_exclusive_group()
    told = "the name of a scenario that comes with the kit, or a .toml file (mailforge)"
    scenario.add_argument("scenario", nargs="?", default="mailforge", help=told)
    scenario.add_argument("--scenario", dest="own", metavar="FILE.toml", help="the same")
    command.add_argument(
        "--lesson",
        action="append",
        default=[],
        metavar="03",
        help="only this lesson, without booklets and sheets; may be given several times",
    )
    command.add_argument("--paper", choices=["a4", "letter"], default="a4", help="its size (a4)")
    command.add_argument(
        "--output",
        type=Path,
        default=Path("build/handouts"),
        metavar="FOLDER",
        help="where to write (build/handouts)",
    )
    command.add_argument(
        "--seed", metavar="N", help="variants A, B and C for a class, each with numbers of its own"
    )
    command.add_argument(
        "--nbgrader",
        type=Path,
        metavar="FOLDER",
        help="write the exercises as an nbgrader assignment into FOLDER/source, and no papers",
    )
    command.add_argument(
        "--overwrite",
        action="store_true",
        help="with --nbgrader: write over notebooks there that were changed since, or made from "
        "other numbers; without it nothing is written then",
    )
    command.set_defaults(command="handouts")


def run(options: argparse.Namespace) -> int:
    """Make the handouts, say what was made, and return the exit status."""
    if options.overwrite and options.nbgrader is None:
        raise ValueError("--overwrite is for --nbgrader; papers are made anew where they changed")
    scenario = Scenario.load(options.own or options.scenario)
    make = _papers if options.nbgrader is None else _assignment
    failures = [
        failure
        for letter, each in _scenarios(scenario, options.seed)
        for failure in make(each, letter, options)
    ]
    for failure in failures:
        print(f"queueing: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _scenarios(scenario: Scenario, seed: Any) -> "Iterable[tuple[str, Scenario]]":
    """Return the scenario under no letter, or its variants under theirs."""
    if seed is None:
        return [("", scenario)]
    from queueing.lab.handouts.variants import variants  # noqa: PLC0415

    print("drawing the variants, and trying every exercise in them: a minute", file=sys.stderr)
    return variants(scenario, int(seed) if seed.isdecimal() else seed).items()


def _papers(scenario: Scenario, letter: str, options: argparse.Namespace) -> list[str]:
    """Make the papers, say what was made, and return what could not be."""
    from queueing.lab.handouts.build import build  # noqa: PLC0415, pictures take long to load

    made = build(
        scenario,
        options.output,
        lessons=options.lesson,
        paper=options.paper,
        variant=letter,
        progress=sys.stderr.isatty(),
    )
    print(_told(made, options.output))
    return made.failures


def _assignment(scenario: Scenario, letter: str, options: argparse.Namespace) -> list[str]:
    """Write the assignment, say where, and return which exercises are not in it."""
    from queueing.lab.handouts.nbgrader import export  # noqa: PLC0415

    written = export(
        scenario,
        options.nbgrader,
        lessons=options.lesson,
        variant=letter,
        overwrite=options.overwrite,
    )
    print(f"{written.folder}: {many(len(written.notebooks), 'notebook')}")
    return list(written.left_out)


def _told(made: "Made", folder: Path) -> str:
    if not made.written and not made.failures:
        return f"{folder}: nothing has changed, {len(made.kept)} files are as they should be"
    return f"{folder}: {len(made.written)} files written, {len(made.kept)} left as they were"
