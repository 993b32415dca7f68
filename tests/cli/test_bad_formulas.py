"""Bad formulas on the command line: one line on stderr, the code 2 (3: unsupported), nothing on stdout, with and without --json."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHAPES = "X:n,d w:d y:n lam A:n,n z:0"
LONG = "a" * 10_000

BAD = [
    ("sum(w", 2, "'(' is never closed (column 4)"),
    ("sum(w))", 2, "')' closes nothing (column 7)"),
    ("sum(w)^2", 2, "write ** for a power"),
    ("", 2, "the formula is empty"),
    ("sum(ww)", 2, "there is no name 'ww' (did you mean 'w'?)"),
    ("sume(w)", 2, "there is no function 'sume' (did you mean 'sum'?)"),
    ("__import__('os').system('true')", 2, "only functions by name can be called"),
    ("sum(w.shape)", 2, "the attribute .shape is not known; the only one is .T"),
    ("w.__class__", 2, "the attribute .__class__ is not known"),
    ("(" * 100_000 + "w" + ")" * 100_000, 2, "at most 20000 can be read"),
    ("+".join(["w"] * 100_000), 2, "at most 20000 can be read"),
    ("-" * 9_000 + "w", 2, "nested too deeply"),
    ("[" * 90 + "lam" + "]" * 90, 2, "axes"),
    ("exp(" * 3_000 + "lam" + ")" * 3_000, 2, "nested more than 100 deep"),
    (f"sum({LONG})", 2, "there is no name 'aaaa"),
    ("sum(X @ y)", 2, "the last dim of X, 'd', must equal the first of y, 'n' (column 7)"),
    ("X @ w + w", 2, "do not broadcast"),
    ("max(z)", 2, "an axis of (0,) is empty and has no max"),
    ("nan*lam", 2, "there is no name 'nan'"),
    ("1j*lam", 2, "real numbers only"),
    ("1e999*lam", 2, "too large for a float"),
    ("slogdet(A)", 2, "several expressions"),
    ("\x1b[31msum(w)", 2, "never closed"),
    ("sum(w[w > 0])", 3, "np.where(mask, a, b)"),
    ("norm(X, 3)", 3, "norm: the order 3 over 2 axes"),
    ("matrix_power(A, 0.5)", 3, "the exponent is a whole number, not 0.5"),
]
SHAPES_DIFFER = ("sum(X @ y)", "X @ w + w", "max(z)")
IDS = [text[:20].encode("ascii", "replace").decode().replace("\x1b", "ESC") for text, _, _ in BAD]


def check(answer, code, said):
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1 and answer.err.endswith("\n")
    assert said in answer.err and len(answer.err) < 1_000
    assert answer.err.rstrip("\n").isprintable()


@pytest.mark.parametrize("more", [(), ("--hessian", "--json")], ids=" ".join)
@pytest.mark.parametrize(("text", "code", "said"), BAD, ids=IDS)
def test_a_bad_loss_is_one_line(symdiff, text, code, said, more):
    check(symdiff("derive", "--loss", text, "--wrt", "w", "--shape", SHAPES, *more), code, said)


@pytest.mark.parametrize("more", [(), ("--json",)], ids=" ".join)
@pytest.mark.parametrize(("text", "code", "said"), BAD, ids=IDS)
def test_a_bad_claim_or_part_is_one_line(symdiff, text, code, said, more):
    ask = ("check", "--loss", "sum(w**2)", "--wrt", "w", "--shape", SHAPES, *more)
    claimed = symdiff(*ask, "--claim", text)
    if text in SHAPES_DIFFER:  # shapes that do not fit are a mistake like others, with its diagnosis
        assert (claimed.code, claimed.err) == (1, "")
        assert ('"ok": false' if more else "wrong") in claimed.out
    else:
        check(claimed, code, said)
    if text:
        check(symdiff(*ask, "--claim", "2*w", "--let", f"P={text}"), code, said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shape", "w:n w:d"), "'w' is given two shapes, (n,) and (d,)"),
        (("--shape", "w:n n"), "'n' is both a dim and a name"),
        (("--shape", "w: n"), "write 'w:n'"),
        (("--shape", "w:n:d"), "is no shape of a variable"),
        (("--shape", "w:-1"), "a whole number from 0 on"),
        (("--shape", "w:2.5"), "a whole number, a name such as 'n'"),
        (("--shape", "1w:n"), "is no shape of a variable"),
        (("--shape", "w:n", "--let", "w=2"), "'w' is given twice"),
        (("--shape", "w:n", "--let", "1a=2"), "is no name"),
        (("--shape", "w:n", "--assume", "v:positive"), "which has no shape"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=" ".join)
def test_bad_shapes_and_names_are_one_line(symdiff, options, said, more):
    check(symdiff("derive", "--loss", "sum(w)", "--wrt", "w", *options, *more), 2, said)


@pytest.mark.parametrize(("text", "code"), [("(" * 9_000, 2), ("sum(w[w > 0])", 3), ("sum(ŵ)", 2)], ids=lambda v: str(v)[:8])
def test_a_process_ends_without_a_traceback(text, code):
    done = subprocess.run(
        [sys.executable, "cli.py", "derive", "--loss", text, "--wrt", "w", "--shape", SHAPES, "--json"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
