"""One command of `ptlab`, run in this process."""

import re

from ptlab.cli import main


def unwrapped(text):
    """A message as it was before it was broken into lines for a terminal."""
    return re.sub(r"\n +", " ", text)


def ptlab(capsys, *args):
    """Exit status, stdout and stderr of one command; the messages of stderr on a line each."""
    try:
        status = main(args)
    except SystemExit as exit_:  # argparse ends this way
        status = exit_.code
    out, err = capsys.readouterr()
    return status, out, unwrapped(err)
