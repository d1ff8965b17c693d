"""The command line: the only room that prints."""

from gogooku3.cli.app import main

__all__ = ["main"]
