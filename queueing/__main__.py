"""The command line: `python -m queueing evaluate mailforge --servers 4 --workers 5`."""

import sys

if __name__ == "__main__":
    try:
        from queueing.command_line import main
    except KeyboardInterrupt:  # loading takes a second or two
        print("stopped before it began", file=sys.stderr)
        sys.exit(130)
    sys.exit(main())
