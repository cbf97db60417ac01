"""``python -m mt2st``: the command line, where the ``mt2st`` script is not on the path."""

import sys

from mt2st.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
