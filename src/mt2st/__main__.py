"""``python -m mt2st``: the command line, where the ``mt2st`` script is not on the path."""

import sys

from mt2st.cli.start import start

if __name__ == "__main__":
    sys.exit(start())
