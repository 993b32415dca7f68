"""The floors of the code: an import of our own package only ever points down, and heavy libraries load when they are used.

The table below is the whole architecture. Each import in symdiff/ is read from the source, wherever it stands.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from symdiff.expr import nodes

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "symdiff"

# From the bottom up. Floors in one row are neighbours, which never import each other.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("expr",),
    ("rules",),
    ("calculus", "rewrite", "printing", "lowering"),
    ("api",),
    ("grad",),
    ("training",),
    ("report",),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
HEIGHT = {floor: height for height, row in enumerate(FLOORS) for floor in row}

# Third-party packages that may be imported only inside a function: `import symdiff` must not pay for them.
LAZY = ("sympy", "mpmath", "scipy", "matplotlib", "numba", "typer", "click", "rich", "tensorboardX", "safetensors", "opt_einsum")
# Floors that `import symdiff` does not load may import these at the top.
TOP_LEVEL_ALLOWED = {"cli": ("typer", "click", "rich")}

FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> str:
    """The floor of a dotted module name of ours: symdiff.expr.node is on 'expr', symdiff itself on '__init__'."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path: Path) -> list[tuple[str, bool, int]]:
    """(module, inside a function, line) of every import. `from symdiff import cli` counts as symdiff.cli where that is a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module_of(path).split(".")[: None if path.name == "__init__.py" else -1]
    inner = {
        node
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in inner, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
                if node.level
                else node.module
            )
            assert base is not None
            for alias in node.names:
                module = f"{base}.{alias.name}"
                target = ROOT.joinpath(*module.split("."))
                is_module = target.with_suffix(".py").exists() or target.is_dir()
                found.append((module if is_module else base, node in inner, node.lineno))
    return found


def ours(module: str) -> bool:
    return module.split(".")[0] == "symdiff"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path):
    module = module_of(path)
    floor = floor_of(module)
    assert floor in HEIGHT, f"{module} is on no floor of the table"
    for target, inside, line in imports_of(path):
        if not ours(target):
            continue
        where = f"{path.relative_to(ROOT)}:{line} imports {target}"
        assert not inside, f"{where} inside a function; our own modules are imported at the top"
        below = floor_of(target)
        assert below in HEIGHT, f"{where}, which is on no floor of the table"
        assert below == floor or HEIGHT[below] < HEIGHT[floor], f"{where}: {below} is not below {floor}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_heavy_libraries_are_imported_where_they_are_used(path):
    allowed = TOP_LEVEL_ALLOWED.get(floor_of(module_of(path)), ())
    for target, inside, line in imports_of(path):
        top = target.split(".")[0]
        if top in LAZY and top not in allowed:
            assert inside or in_type_checking(path, line), f"{path.relative_to(ROOT)}:{line} imports {target} at the top"


def in_type_checking(path: Path, line: int) -> bool:
    """Whether the line stands in an `if TYPE_CHECKING:` block, which never runs."""
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") and node.lineno < line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@pytest.mark.parametrize("path", [p for p in FILES if floor_of(module_of(p)) == "expr"], ids=module_of)
def test_expr_knows_nothing_but_numpy_and_the_standard_library(path):
    for target, _, line in imports_of(path):
        top = target.split(".")[0]
        assert ours(target) or top == "numpy" or top in sys.stdlib_module_names, f"{path.relative_to(ROOT)}:{line} imports {target}"


# What stands behind the walk that makes a Program of nodes: the Program itself, its passes, and the backends that write it out.
BEHIND_THE_WALK = ("program", "passes", "builder", "operations", "binding", "helpers", "kernels", "layout", "text", "numpy", "numba")
NODES = {name for name, value in vars(nodes).items() if isinstance(value, type) and issubclass(value, nodes.Expr)}


@pytest.mark.parametrize(
    "path", [p for p in FILES if floor_of(module_of(p)) == "lowering" and p.stem.startswith(BEHIND_THE_WALK)], ids=module_of
)
def test_passes_and_backends_read_programs_never_nodes(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symdiff.expr.node"):
            named = {alias.name for alias in node.names} & NODES
            assert not named, (
                f"{path.relative_to(ROOT)}:{node.lineno}: a pass or a backend reads the Program, not {', '.join(sorted(named))}"
            )


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_import_symdiff_loads_no_heavy_library():
    loaded = json.loads(run_python("import sys, json, symdiff; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"))
    assert "symdiff" in loaded and not set(LAZY) & set(loaded)


def test_the_table_names_the_floors_that_exist():
    found = {floor_of(module_of(path)) for path in FILES}
    assert {"errors", "expr"} <= found <= set(HEIGHT)


@pytest.mark.parametrize(
    "code", ["from symdiff import grad", "import symdiff.grad; grad = symdiff.grad", "import symdiff; symdiff.grad; grad = symdiff.grad"]
)
def test_grad_is_the_function_however_it_is_imported(code):
    shown = run_python(f"{code}\nimport symdiff as sd\nx = sd.var('x')\nprint(callable(grad), grad is sd.grad, grad(x, x).value)")
    assert shown.split() == ["True", "True", "1"]


@pytest.mark.slow
def test_a_users_program_passes_strict_typing(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import symdiff as sd\n"
        "import symdiff.grad\n"
        "from symdiff import grad, var\n"
        "x = var('x', shape=('n',))\n"
        "loss: sd.Expr = sd.sum((x - 1) ** 2)\n"
        "one: sd.Expr = symdiff.grad(loss, x)\n"
        "many: list[sd.Expr] = grad(loss, [x])\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", str(program)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_folder_is_a_package_that_is_installed():
    assert {p.parent for p in FILES} == {p.parent for p in FILES if p.name == "__init__.py"}
