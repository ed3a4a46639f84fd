"""The one command line: `gridtokenx`."""

from deploy.cli.app import main

__all__ = ["main"]
