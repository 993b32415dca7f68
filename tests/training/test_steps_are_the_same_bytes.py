"""The generated steps and the printed formulas do not depend on the order of hashes."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
from hashlib import sha256
from symdiff.cli.derive_update import Choices, derive_update, listing, page
from symdiff.training import METHODS, UPDATES, mazur, training_step, xor
texts = []
for net in (mazur(), xor()):
    texts += [training_step(net, update=u, optimizer="adam", penalty="elastic", clip="norm:1").source for u in UPDATES]
    texts += [training_step(net, optimizer=name, rate_schedule="warmup:steps=5+plateau").source for name in METHODS]
    for u in UPDATES:
        found = derive_update(net, Choices(u, optimizer="adam", schedule="one-cycle:steps=9"))
        texts += page(found, 100) + listing(found, "latex")
print(sha256("\\n".join(texts).encode()).hexdigest(), len(texts))
"""


def test_same_bytes_under_any_hash_seed():
    def digest(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True).stdout

    one, other = digest("1"), digest("7")
    assert one == other and int(one.split()[1]) > 50
