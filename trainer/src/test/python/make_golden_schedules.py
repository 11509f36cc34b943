"""Writes schedules.json: the factors of transformers' schedules. Run with transformers and torch installed:
python make_golden_schedules.py"""
import json
import pathlib

import torch
import transformers
from transformers import get_scheduler

OUT = pathlib.Path(__file__).parent.parent / "resources/golden/schedules.json"
RATE = 5e-5
PAIRS = [(0, 10), (1, 10), (3, 10), (10, 10), (12, 10), (50, 100), (0, 1)]

# Each type of lr_scheduler_type that ggml4j has, with lr_scheduler_kwargs.
TYPES = [
    ("linear", {}),
    ("cosine", {}),
    ("cosine", {"num_cycles": 1.5}),
    ("cosine_with_restarts", {}),
    ("cosine_with_restarts", {"num_cycles": 3}),
    ("cosine_with_min_lr", {"min_lr": 1e-6}),
    ("cosine_with_min_lr", {"min_lr_rate": 0.1, "num_cycles": 0.75}),
    ("polynomial", {}),
    ("polynomial", {"lr_end": 1e-5, "power": 2.5}),
    ("constant", {}),
    ("constant_with_warmup", {}),
    ("inverse_sqrt", {}),
    ("inverse_sqrt", {"timescale": 7}),
    ("warmup_stable_decay", {"num_decay_steps": 4}),
    ("warmup_stable_decay", {"num_decay_steps": 3, "warmup_type": "cosine", "decay_type": "linear", "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", {"num_decay_steps": 5, "num_stable_steps": 2, "warmup_type": "1-sqrt", "decay_type": "1-sqrt"}),
]

# torch.optim.lr_scheduler.ReduceLROnPlateau: factors after each metric.
METRICS = [5, 4, 3.9999, 3.9998, 4.1, 4.2, 3.5, 3.6, 3.7, 3.8, 3.9, float("nan"), 3.4, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]
PLATEAUS = [
    {},
    {"patience": 1},
    {"patience": 0, "factor": 0.5},
    {"patience": 1, "cooldown": 2, "threshold": 0.5, "threshold_mode": "abs"},
    {"patience": 0, "mode": "max", "factor": 0.3, "min_lr": 1e-6},
    {"patience": 0, "factor": 0.01, "eps": 1e-7},
    {"patience": 1, "mode": "max", "threshold_mode": "abs", "threshold": 0.01},
]


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)


def factors(name, kwargs, warmup, total):
    steps = optimizer()
    scheduler = get_scheduler(name, steps, warmup, total, kwargs)
    out = []
    # Past its end a cosine rises again; a training never gets there.
    past = 0 if name.startswith("cosine") else 2
    for _ in range(total + 1 + past):
        out.append(scheduler.get_last_lr()[0] / RATE)
        steps.step()
        try:
            scheduler.step()
        except ZeroDivisionError:  # polynomial at the end of a training that is all warmup
            break
    return out


def plateau(kwargs):
    steps = optimizer()
    scheduler = get_scheduler("reduce_lr_on_plateau", steps, scheduler_specific_kwargs=kwargs)
    out = []
    for metric in METRICS:
        scheduler.step(metric)
        out.append(steps.param_groups[0]["lr"] / RATE)
    return out


cases = [
    dict(name=name, arguments={k: str(v) for k, v in kwargs.items()}, warmup=warmup, total=total,
         factors=factors(name, kwargs, warmup, total))
    for name, kwargs in TYPES for warmup, total in PAIRS
    # transformers ignores the warmup of constant; ggml4j refuses it
    if not (name == "constant" and warmup > 0)
]
plateaus = [dict(arguments={k: str(v) for k, v in kwargs.items()}, factors=plateau(kwargs)) for kwargs in PLATEAUS]
out = dict(transformers=transformers.__version__, learning_rate=RATE, cases=cases,
           metrics=["NaN" if m != m else m for m in METRICS], plateaus=plateaus)
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
