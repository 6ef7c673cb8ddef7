"""One command of `ptlab`, run in this process."""

from ptlab.cli import main


def ptlab(capsys, *args):
    """Exit status, stdout and stderr of one command."""
    try:
        status = main(args)
    except SystemExit as exit_:  # argparse ends this way
        status = exit_.code
    out, err = capsys.readouterr()
    return status, out, err
