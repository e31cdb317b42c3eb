"""`python -m simulst` is the command line."""

import sys

from simulst.cli import main

if __name__ == "__main__":
    sys.exit(main())
