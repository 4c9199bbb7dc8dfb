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
}
_VARIANTS = {
    "database": 'variant of Postgres, such as "single-AZ"',
    "cache": 'variant of Redis, or "none"',
    "queue": '"sqs", "on redis" or "none" (send inside the request)',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 passes, 1 fails the contract, 2 bad input."""
    options = _parser().parse_args(arguments)
    try:
        return _evaluate(options)
    except ScenarioError as error:
        print(f"queueing: {error}", file=sys.stderr)
        return BAD_INPUT


def _evaluate(options: argparse.Namespace) -> int:
    scenario = Scenario.load(options.scenario)
    base = _named(scenario, options.design) if options.design else scenario.base
    given = {name: getattr(options, name) for name in (*_COUNTS, *_VARIANTS, "load_balancer")}
    changes = {name: value for name, value in given.items() if value is not None}
    card = scenario.evaluate(build(scenario.catalogue, base, changes))
    print(json.dumps(report.data(card), indent=2) if options.json else report.text(card))
    return PASSES if card.passes else FAILS


def _named(scenario: Scenario, name: str) -> Design:
    if name not in scenario.designs:
        raise ScenarioError(f"--design: no design {name!r}; {nearest(name, scenario.designs)}")
    return scenario.designs[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="queueing",
        description="MailForge Lab on the command line.",
        epilog="Exit status: 0 the design passes, 1 it fails the contract, 2 bad input.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    evaluate = commands.add_parser(
        "evaluate",
        help="judge a design by theory",
        description="Judge a design by theory: P95, uptime, cost and backlog against the contract.",
        epilog="Options change the scenario's own design, or the one named with --design. "
        "Exit status: 0 the design passes, 1 it fails the contract, 2 bad input.",
    )
    evaluate.add_argument(
        "scenario", help="a shipped scenario (mailforge, guided-queues-and-workers) or a .toml file"
    )
    evaluate.add_argument(
        "--design", metavar="NAME", help='start from a named design, such as "E with 4 workers"'
    )
    for name, meaning in _COUNTS.items():
        evaluate.add_argument(f"--{name}", type=_number, metavar="N", help=meaning)
    for name, meaning in _VARIANTS.items():
        evaluate.add_argument(f"--{name}", metavar="VARIANT", help=meaning)
    evaluate.add_argument(
        "--load-balancer", action=argparse.BooleanOptionalAction, help="with or without one"
    )
    evaluate.add_argument("--json", action="store_true", help="print JSON for programs")
    return parser


def _number(word: str) -> float | int | str:
    """Return a number as it was meant; what is none, or not whole, the design refuses by name."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


if __name__ == "__main__":
    sys.exit(main())
