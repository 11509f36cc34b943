"""Writes schedules.json: the factors of transformers' schedules. Run with transformers and torch installed:
python make_golden_schedules.py"""
import json
import pathlib

import torch
import transformers
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

OUT = pathlib.Path(__file__).parent.parent / "resources/golden/schedules.json"


def factors(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    out = []
    for _ in range(steps):
        out.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return out


cases = []
for warmup, total in [(0, 10), (1, 10), (3, 10), (10, 10), (12, 10), (50, 100), (0, 1)]:
    steps = total + 3
    cases.append(dict(name="constant", warmup=warmup, total=total,
                      factors=factors(lambda o: get_constant_schedule_with_warmup(o, warmup), steps)))
    cases.append(dict(name="linear", warmup=warmup, total=total,
                      factors=factors(lambda o: get_linear_schedule_with_warmup(o, warmup, total), steps)))
    # Past its end the cosine of Hugging Face rises again; a training never gets there.
    cases.append(dict(name="cosine", warmup=warmup, total=total,
                      factors=factors(lambda o: get_cosine_schedule_with_warmup(o, warmup, total), total + 1)))
out = dict(transformers=transformers.__version__, cases=cases)
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
