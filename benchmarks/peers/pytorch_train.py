#!/usr/bin/env python3
"""Training steps of GPT-2 with PyTorch and transformers: tokens per second and peak resident memory, as JSON.

    python pytorch_train.py --model DIR [--batch-size 8 --length 128 --threads 2 --steps 6 --dtype f32]

What a step is, and what is checked before it counts, stands in pytorch_work.py.
"""

import argparse

import measure

measure.clean_environment()

import torch
import pytorch_work


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
    model = pytorch_work.load(options.model, attention=options.attention)
    speeds, losses = pytorch_work.train(
        model, options.batch_size, options.length, options.steps, options.warmup,
        autocast=options.dtype == "bf16", fused=options.fused,
    )
    measure.report(
        peer="pytorch",
        what="train",
        versions=pytorch_work.versions(),
        options=vars(options),
        tokens_per_second=measure.summary(speeds),
        peak_memory_mib=measure.peak_memory_mib(),
        losses=[round(loss, 4) for loss in losses],
        machine=measure.machine(),
    )


if __name__ == "__main__":
    main()
