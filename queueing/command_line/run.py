"""From words to an exit status: bad input in one line, what is finished is never lost."""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from queueing.command_line import handouts
from queueing.command_line.actions import Answer
from queueing.command_line.parser import parser
from queueing.scenario import Scenario

PASSES, FAILS, BAD_INPUT, STOPPED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 passes, 1 fails the contract, 2 bad input."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without "±" gets "?"
    options = parser().parse_args(arguments)
    try:
        if options.command == "handouts":
            return handouts.run(options)
        return _answer(options)
    except KeyboardInterrupt:
        kept = options.command == "handouts"
        told = "; the finished papers are there" if kept else " before anything was finished"
        print(f"queueing: stopped{told}", file=sys.stderr)
        return STOPPED
    except (ValueError, OSError) as error:
        print(f"queueing: {error}", file=sys.stderr)
        return BAD_INPUT


def _answer(options: argparse.Namespace) -> int:
    """Run a command that answers, and print or draw its answer."""
    try:
        if options.figure is not None:
            _check(Path(options.figure))
        answer: Answer = options.run(Scenario.load(options.scenario), options)
        if options.figure is not None:
            Path(options.figure).write_text(answer.svg(), encoding="utf-8")
        _print(answer, as_json=options.json, as_csv=options.csv)
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PASSES if answer.passes else FAILS


def _check(path: Path) -> None:
    """Refuse a figure that cannot be written where it shall go: before a long run, not after."""
    if path.suffix.lower() != ".svg":
        raise ValueError(f"--figure: the name must end in .svg, got {str(path)!r}")
    try:
        new = not path.exists()
        path.touch()
        if new:
            path.unlink()  # nothing is left behind by a run that comes to nothing
    except (OSError, ValueError) as error:
        raise ValueError(f"--figure: {str(path)!r} cannot be written: {error}") from None


def _print(answer: Answer, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print(json.dumps(answer.data, indent=2, allow_nan=False))
    elif as_csv:
        print(answer.table.to_csv(index=False), end="")
    else:
        print(answer.text)
    sys.stdout.flush()
