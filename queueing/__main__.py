"""The command line: `python -m queueing evaluate mailforge --servers 4 --workers 5`."""

import argparse
import json
import sys
from collections.abc import Sequence

from queueing.scenario import Design, Scenario, ScenarioError, report
from queueing.scenario.design import build
from queueing.scenario.errors import nearest

PASSES, FAILS, BAD_INPUT = 0, 1, 2

_COUNTS = {
    "servers": "servers",
    "workers": "worker instances",
    "shards": "shards of the stream",
    "sinks": "sinks",
    "maximum_workers": 'the backlog adds workers up to this number, or "none"',
}
_SWITCHES = {
    "load_balancer": "with or without one",
    "priority": "transactional mails before the others, or all in one line",
}
_VARIANTS = {
    "database": 'variant of Postgres, such as "single-AZ"',
    "cache": 'variant of Redis, or "none"',
    "queue": '"sqs", "on redis" or "none" (send inside the request)',
}
_STATUS = "Exit status: 0 the design passes, 1 it fails the contract, 2 bad input."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 passes, 1 fails the contract, 2 bad input."""
    options = _parser().parse_args(arguments)
    try:
        scenario = Scenario.load(options.scenario)
        return int(options.run(scenario, _design(scenario, options), options))
    except ValueError as error:
        print(f"queueing: {error}", file=sys.stderr)
        return BAD_INPUT


def _evaluate(scenario: Scenario, design: Design, options: argparse.Namespace) -> int:
    card = scenario.evaluate(design)
    print(json.dumps(report.data(card), indent=2) if options.json else report.text(card))
    return PASSES if card.passes else FAILS


def _simulate(scenario: Scenario, design: Design, options: argparse.Namespace) -> int:
    surge = scenario.simulate(
        design,
        replications=options.replications,
        seed=options.seed,
        closed=options.closed,
        progress=not options.json and sys.stderr.isatty(),
    )
    card = scenario.evaluate(design)
    told = report.surge_data(surge) if options.json else report.surge_text(card, surge)
    print(json.dumps(told, indent=2) if options.json else told)
    return PASSES if surge.keeps_contract else FAILS


def _design(scenario: Scenario, options: argparse.Namespace) -> Design:
    """Return the design that the options describe: the scenario's own, or a named one, changed."""
    base = _named(scenario, options.design) if options.design else scenario.base
    given = {name: getattr(options, name) for name in (*_COUNTS, *_VARIANTS, *_SWITCHES)}
    changes = {name: value for name, value in given.items() if value is not None}
    return build(scenario.catalogue, base, changes)


def _named(scenario: Scenario, name: str) -> Design:
    if name not in scenario.designs:
        raise ScenarioError(f"--design: no design {name!r}; {nearest(name, scenario.designs)}")
    return scenario.designs[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="queueing", description="MailForge Lab on the command line.", epilog=_STATUS
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    evaluate = _command(
        commands,
        "evaluate",
        "judge a design by theory",
        "Judge a design by theory: P95, uptime, cost and backlog against the contract.",
    )
    evaluate.set_defaults(run=_evaluate)
    simulate = _command(
        commands,
        "simulate",
        "run a design through the surge by chance",
        "Run a design through the surge, every request, and set the intervals beside the theory. "
        "The design passes if the means of all runs keep the contract; the share of runs that do "
        "is told as well.",
    )
    simulate.set_defaults(run=_simulate)
    simulate.add_argument(
        "--replications", type=_number, default=5, metavar="N", help="independent runs (5)"
    )
    simulate.add_argument(
        "--seed", type=_number, metavar="N", help="a whole number: the same seed, the same run"
    )
    simulate.add_argument(
        "--closed", action="store_true", help="users think and wait, instead of an open rate"
    )
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    short: str,
    description: str,
) -> argparse.ArgumentParser:
    """Add a command that takes a scenario and a design."""
    command = commands.add_parser(
        name,
        help=short,
        description=description,
        epilog="Options change the scenario's own design, or the one named with --design. "
        + _STATUS,
    )
    command.add_argument(
        "scenario", help="a shipped scenario (mailforge, guided-queues-and-workers) or a .toml file"
    )
    command.add_argument(
        "--design", metavar="NAME", help='start from a named design, such as "E with 4 workers"'
    )
    for option, meaning in _COUNTS.items():
        command.add_argument(_flag(option), type=_number, metavar="N", help=meaning)
    for option, meaning in _VARIANTS.items():
        command.add_argument(f"--{option}", metavar="VARIANT", help=meaning)
    for option, meaning in _SWITCHES.items():
        command.add_argument(_flag(option), action=argparse.BooleanOptionalAction, help=meaning)
    command.add_argument("--json", action="store_true", help="print JSON for programs")
    return command


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def _number(word: str) -> float | int | str:
    """Return a number as it was meant; what is none, or not whole, is refused by name later."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


if __name__ == "__main__":
    sys.exit(main())
