"""No recursion: chains of 100,000 nodes and more build, hash, digest, pickle, substitute and are dropped."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap

import pytest

import symdiff as sd
from symdiff.expr.leaves import var
from symdiff.expr.traverse import bind_sizes, node_count, size_names, substitute, use_counts, variables

DEPTH = 100_000


@pytest.fixture(scope="module")
def chain():
    x, w = var("x"), var("w")
    e = x
    for k in range(DEPTH // 3 + 1):
        e = sd.tanh(w * e) + 0.5 if k % 2 else sd.exp(-e) - w
    assert node_count(e) >= DEPTH
    return e


def test_a_chain_is_the_same_object_when_built_again(chain):
    again, w = var("x"), var("w")
    for k in range(DEPTH // 3 + 1):
        again = sd.tanh(w * again) + 0.5 if k % 2 else sd.exp(-again) - w
    assert again is chain


def test_a_chain_walks(chain):
    assert [v.name for v in variables(chain)] == ["w", "x"]
    assert use_counts(chain)[var("x")] == 1 and size_names(chain) == set()
    assert len(chain.digest) == 16 and len(repr(chain)) <= 200
    assert bind_sizes([chain], {"n": 3}) == [chain]


def test_a_chain_pickles(chain):
    assert pickle.loads(pickle.dumps(chain)) is chain


def test_a_chain_is_substituted_in(chain):
    there = substitute(chain, {var("x"): var("u")})
    assert there is not chain and substitute(there, {var("u"): var("x")}) is chain


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_chain_of_a_million_nodes_is_dropped_without_a_crash():
    code = """
        import gc
        import symdiff as sd
        from symdiff.expr import pool
        e = x = sd.var("x")
        before = len(pool.POOL)
        for _ in range(1_000_000):
            e = sd.sin(e)
        assert len(pool.POOL) == before + 1_000_000
        del e
        gc.collect()
        print(len(pool.POOL) - before)
    """
    assert in_a_fresh_process(code).split() == ["0"]


def test_a_chain_left_to_the_end_of_the_process_is_dropped_without_a_crash():
    code = """
        import symdiff as sd
        e = sd.var("x")
        for _ in range(60_000):
            e = e * 2 + 1
    """
    assert in_a_fresh_process(code) == ""
