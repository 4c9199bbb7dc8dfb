"""The command line: evaluate, simulate, search, compare, postmortem, handouts."""

from queueing.command_line.run import BAD_INPUT, FAILS, PASSES, STOPPED, main

__all__ = ["BAD_INPUT", "FAILS", "PASSES", "STOPPED", "main"]
