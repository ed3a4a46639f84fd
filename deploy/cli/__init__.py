"""The one command line: `gridtokenx`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is still loading ends it as quietly as later."""
    try:
        from deploy.cli.app import main as run  # noqa: PLC0415  # loading takes seconds in which people press Ctrl-C
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


__all__ = ["main"]
