"""Exit codes: 0 done (a closed pipe too), 1 a claim is wrong or a target missed, 2 any other error, 3 unsupported, 130 Ctrl-C.

An error is one line on stderr. The tables below hold what is told apart; everything else that a command raises is a fault of symdiff
and keeps its traceback.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import ParamSpec

import typer

from symdiff.errors import ClaimWrong, SymdiffError, Unsupported

P = ParamSpec("P")
UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # click's, wherever this version of typer keeps it

MISSED, INTERRUPTED = 1, 130
CODES: tuple[tuple[type[BaseException], int], ...] = ((ClaimWrong, MISSED), (Unsupported, 3), (SymdiffError, 2))


def complain(message: str) -> None:
    """One line on stderr. What a terminal would obey or could not show is written as its escape."""
    line = " ".join(message.split())
    print("error:", "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line), file=sys.stderr)


def silence_stdout() -> None:
    """After a closed pipe: nothing more is written, and Python's own last flush finds an open file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def with_exit_code(command: Callable[P, int | None]) -> Callable[P, None]:
    """A command whose errors are one line and an exit code. It returns its own code, or None for 0."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs) or 0
            sys.stdout.flush()
        except SymdiffError as error:
            complain(str(error))
            code = next(code for kind, code in CODES if isinstance(error, kind))
        except BrokenPipeError:
            silence_stdout()
            code = 0
        except OSError as error:
            complain(f"stdout: {error.strerror or error}")
            silence_stdout()
            code = 2
        except KeyboardInterrupt:
            code = INTERRUPTED
        raise typer.Exit(code)

    return guarded


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the application on arguments and say its exit code; errors of usage are one line too."""
    try:
        code = app(list(arguments), standalone_mode=False, prog_name="symdiff")
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.Abort:
        return INTERRUPTED
    except SystemExit as leaving:  # what typer makes of a pipe that closes while it prints its help
        if isinstance(leaving.__context__, BrokenPipeError):
            silence_stdout()
            return 0
        raise
    except BrokenPipeError:
        silence_stdout()
        return 0
    except Exception as error:
        if not isinstance(error, UsageError):
            raise
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        complain(text)
        return 2
