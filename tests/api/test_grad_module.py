"""`symdiff.grad` is the function however it is reached; its doctests run here, because pytest would put the module in its place."""

from __future__ import annotations

import doctest
import subprocess
import sys

import pytest


def test_doctests_of_the_grad_module() -> None:
    import symdiff.grad  # noqa: F401

    result = doctest.testmod(sys.modules["symdiff.grad"])
    assert result.attempted > 10 and result.failed == 0


@pytest.mark.parametrize("first", ["import symdiff.grad", "from symdiff import grad", "import symdiff", "from symdiff.grad import grad"])
def test_either_import_gives_the_function(first: str) -> None:
    code = f"{first}\nimport symdiff, symdiff.grad\nfrom symdiff import grad\nx = symdiff.var('x')\n"
    code += "assert symdiff.grad is grad and callable(symdiff.grad)\nassert symdiff.grad(x * x, x).shape == ()\n"
    subprocess.run([sys.executable, "-c", code], check=True)
