#!/usr/bin/env python3
"""Training steps of GPT-2 with PyTorch and transformers: tokens per second and peak resident memory, as JSON.

    python pytorch_train.py --model DIR [--batch-size 8 --length 128 --threads 2 --steps 6 --dtype f32]

A step is forward, backward, clipping to norm 1, AdamW and the learning rate schedule, with the model's own dropout
(0.1), on random tokens. Before it counts, the first loss must be that of an untrained model and later ones lower.
"""

import argparse
import math
import time

import measure

measure.clean_environment()

import torch
import transformers
from transformers import GPT2LMHeadModel, get_linear_schedule_with_warmup


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--batch-size", type=int, default=8)
    arguments.add_argument("--length", type=int, default=128)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--steps", type=int, default=6)
    arguments.add_argument("--warmup", type=int, default=4, help="steps before the clock counts")
    arguments.add_argument("--dtype", choices=["f32", "bf16"], default="f32", help="bf16: autocast")
    arguments.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    arguments.add_argument("--fused", action="store_true", help="the fused AdamW")
    options = arguments.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(42)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = GPT2LMHeadModel.from_pretrained(
        options.model, dtype=torch.float32, attn_implementation=options.attention
    ).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=3e-5, eps=1e-6, weight_decay=0.0, fused=options.fused or None
    )
    schedule = get_linear_schedule_with_warmup(optimizer, 1, 1000)
    tokens = torch.randint(0, model.config.vocab_size, (options.batch_size, options.length))
    losses, speeds = [], []
    for step in range(options.warmup + options.steps):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bf16"):
            loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if step >= options.warmup:
            speeds.append(tokens.numel() / (time.perf_counter() - start))
    expected = math.log(model.config.vocab_size)
    assert abs(losses[0] - expected) < 1 and losses[-1] < losses[0], (losses, expected)
    measure.report(
        peer="pytorch",
        what="train",
        versions=dict(torch=torch.__version__, transformers=transformers.__version__),
        options=vars(options),
        tokens_per_second=measure.summary(speeds),
        peak_memory_mib=measure.peak_memory_mib(),
        losses=[round(loss, 4) for loss in losses],
        machine=measure.machine(),
    )


if __name__ == "__main__":
    main()
