"""Writes optimizers.json beside it: what PyTorch's optimizers and schedulers do, for the tests to compare with.

Run by hand where PyTorch is installed: `python tests/training/reference/optimizers.py`. The tests themselves need no PyTorch.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch

STEPS = 100
KEPT = (1, 2, 10, 50, 100)  # after how many steps the weights are kept
DATA = json.loads(Path(__file__).with_name("problem.json").read_text(encoding="utf-8"))

# our spec -> the rate, and PyTorch's optimizer
OPTIMIZERS = {
    "sgd": (0.5, lambda p, lr: torch.optim.SGD(p, lr)),
    "momentum": (0.1, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    "momentum:beta=0.5": (0.3, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.5)),
    "nesterov": (0.1, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True)),
    "adagrad": (0.1, torch.optim.Adagrad),
    "adagrad:eps=0.001": (0.2, lambda p, lr: torch.optim.Adagrad(p, lr, eps=0.001)),
    "rmsprop": (0.01, torch.optim.RMSprop),
    "rmsprop:alpha=0.9,eps=1e-06": (0.02, lambda p, lr: torch.optim.RMSprop(p, lr, alpha=0.9, eps=1e-6)),
    "adam": (0.01, torch.optim.Adam),
    "adam:beta1=0.8,beta2=0.9,eps=0.001": (0.05, lambda p, lr: torch.optim.Adam(p, lr, betas=(0.8, 0.9), eps=0.001)),
    "adamw": (0.01, torch.optim.AdamW),
    "adamw:decay=0.3": (0.02, lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.3)),
    "sgd l2:0.1": (0.5, lambda p, lr: torch.optim.SGD(p, lr, weight_decay=0.1)),
    "adam l2:0.1": (0.01, lambda p, lr: torch.optim.Adam(p, lr, weight_decay=0.1)),
}
LOSSES = [
    1.0,
    0.9,
    0.95,
    0.9,
    0.89995,
    0.91,
    0.92,
    0.7,
    0.71,
    0.72,
    0.73,
    0.74,
    0.75,
    0.76,
    0.77,
    0.78,
    0.6,
    0.61,
    0.62,
    0.63,
    0.64,
    0.65,
    0.5,
]


def plateau(o, **settings):
    return torch.optim.lr_scheduler.ReduceLROnPlateau(o, eps=0.0, **settings)


# our spec -> PyTorch's scheduler
SCHEDULES = {
    "constant": lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0),
    "step:steps=7,gamma=0.5": lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5),
    "step:steps=10": lambda o: torch.optim.lr_scheduler.StepLR(o, 10),
    "exponential:0.93": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.93),
    "cosine:steps=60": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 60),
    "cosine:steps=60,least=0.02": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 60, eta_min=0.02),
    "warmup:steps=5": lambda o: torch.optim.lr_scheduler.LinearLR(o),
    "warmup:steps=20,start=0.1": lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.1, total_iters=20),
    "one-cycle:steps=60": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.5, total_steps=60, cycle_momentum=False),
    "one-cycle:steps=60,rise=0.4,div=10,final=100": lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, 0.5, total_steps=60, pct_start=0.4, div_factor=10, final_div_factor=100, cycle_momentum=False
    ),
    "warmup:steps=20,start=0.1+exponential:0.93": lambda o: torch.optim.lr_scheduler.ChainedScheduler(
        [torch.optim.lr_scheduler.LinearLR(o, 0.1, total_iters=20), torch.optim.lr_scheduler.ExponentialLR(o, 0.93)], optimizer=o
    ),
    "plateau:patience=2": lambda o: plateau(o, patience=2),
    "plateau:patience=1,factor=0.5,cooldown=2": lambda o: plateau(o, patience=1, factor=0.5, cooldown=2),
    "plateau:patience=0,factor=0.5,threshold=0.05,least=0.1": lambda o: plateau(o, patience=0, factor=0.5, threshold=0.05, min_lr=0.1),
}


def training(rate, make):
    """The loss before each step, and the weights after some of them."""
    W1, W2 = (torch.tensor(DATA[name], dtype=torch.float64, requires_grad=True) for name in ("W1", "W2"))
    x, t = (torch.tensor(DATA[name], dtype=torch.float64) for name in ("x", "t"))
    optimizer = make([W1, W2], rate)
    losses, weights = [], {}
    for k in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = ((torch.sigmoid(W2 @ torch.sigmoid(W1 @ x + DATA["b1"]) + DATA["b2"]) - t) ** 2).sum() / 2
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        if k in KEPT:
            weights[k] = {"W1": W1.tolist(), "W2": W2.tolist()}
    return {"rate": rate, "losses": losses, "weights": weights}


def rates(make):
    """The rate of each of 60 steps, from 0.5."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.5)
    scheduler = make(optimizer)
    found = []
    with_loss = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
    for k in range(len(LOSSES) if with_loss else 60):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if with_loss:
            scheduler.step(LOSSES[k])
        elif k < 59:
            scheduler.step()
    return found


if __name__ == "__main__":
    found = {
        "made with": {"torch": torch.__version__, "python": platform.python_version()},
        "optimizers": {spec: training(*row) for spec, row in OPTIMIZERS.items()},
        "plateau losses": LOSSES,
        "rates": {spec: rates(make) for spec, make in SCHEDULES.items()},
    }
    Path(__file__).with_name("optimizers.json").write_text(json.dumps(found, indent=None) + "\n", encoding="utf-8")
