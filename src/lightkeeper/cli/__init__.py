"""The command line: one module per command, imported only when it is called."""

from lightkeeper.cli._app import main

__all__ = ["main"]
