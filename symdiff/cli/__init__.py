"""The command line: one file a command, results on stdout, progress and errors on stderr, exit codes in exits.py."""

from symdiff.cli.app import main

__all__ = ["main"]
