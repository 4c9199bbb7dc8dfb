"""Ctrl-C while the command line loads, which takes a second or two: a line, not a traceback.

Imported before all the rest. Python itself then ends as a stopped program does, status 130.
"""

import sys
from pathlib import Path
from types import TracebackType


def _told(kind: type[BaseException], error: BaseException, where: TracebackType | None, /) -> None:
    """Tell of an error that nobody caught: of Ctrl-C in a line."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("queueing: stopped before it began\n")
    else:
        sys.__excepthook__(kind, error, where)


_PROGRAM = Path(sys.argv[0]).stem if sys.argv else ""  # "-m" as long as a package is loaded by it
if _PROGRAM == "queueing" or (_PROGRAM == "-m" and "queueing" in sys.orig_argv):
    sys.excepthook = _told
