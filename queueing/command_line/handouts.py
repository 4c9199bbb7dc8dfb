"""`python -m queueing handouts`: the lessons on paper."""

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from queueing.scenario import Scenario

if TYPE_CHECKING:
    from queueing.lab.handouts.build import Made

_STATUS = """\
exit status:
  0  all is there     1  some papers could not be made, the others were     2  bad input
  130  stopped by Ctrl-C: the papers that were finished are there"""

_EXAMPLES = """\
examples:
  queueing handouts
  queueing handouts --scenario mine.toml --paper letter
  queueing handouts --lesson 03 --lesson 08 --output ~/class"""


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
    command.set_defaults(command="handouts")


def run(options: argparse.Namespace) -> int:
    """Make the handouts, say what was made, and return the exit status."""
    from queueing.lab.handouts.build import build  # noqa: PLC0415, pictures take long to load

    made = build(
        Scenario.load(options.own or options.scenario),
        options.output,
        lessons=options.lesson,
        paper=options.paper,
        progress=sys.stderr.isatty(),
    )
    print(_told(made, options.output))
    for failure in made.failures:
        print(f"queueing: {failure}", file=sys.stderr)
    return 1 if made.failures else 0


def _told(made: "Made", folder: Path) -> str:
    if not made.written and not made.failures:
        return f"{folder}: nothing has changed, {len(made.kept)} files are as they should be"
    return f"{folder}: {len(made.written)} files written, {len(made.kept)} left as they were"
