"""`python -m ptlab`: the command line."""

import sys

from ptlab.cli import main

sys.exit(main())
