"""The command line from a clone: `python cli.py derive --net mazur`. Everything else is in symdiff/cli."""

import sys


def missing():
    """The packages symdiff needs that this Python cannot import (or the Python itself, if it is too old)."""
    if sys.version_info < (3, 11):  # noqa: UP036
        return ["Python 3.11 or later"]
    from importlib.util import find_spec

    return [name for name in ("numpy", "sympy", "typer", "rich") if find_spec(name) is None]


if __name__ == "__main__":
    lacks = missing()
    if lacks:
        python = "python3" if sys.version_info >= (3, 11) else "python3.11"
        install = python + " -m venv .venv && .venv/bin/pip install -e . && .venv/bin/python cli.py"
        print("error: this Python lacks " + ", ".join(lacks) + "; in the clone, type: " + install, file=sys.stderr)
        sys.exit(2)
    try:
        from symdiff.cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()
