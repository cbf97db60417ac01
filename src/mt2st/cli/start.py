"""The first lines of ``mt2st``, which load nothing yet: Ctrl-C ends the program in one line from here on."""

import sys

_INTERRUPTED = 130  # 128 and SIGINT, as in `main`, which may not be there yet


def start() -> int:
    """Load the command line and run it; return the exit code.

    To load it takes a third of a second on a slow disk, long enough to be interrupted in.
    """
    try:
        from mt2st.cli.main import main

        return main()
    except KeyboardInterrupt:
        print("mt2st: interrupted", file=sys.stderr)
        return _INTERRUPTED
