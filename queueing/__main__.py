"""The command line: `python -m queueing evaluate mailforge --servers 4 --workers 5`."""

import sys

from queueing.command_line import main

if __name__ == "__main__":
    sys.exit(main())
