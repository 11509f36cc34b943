#!/usr/bin/env python3
"""Generation with transformers: tokens per second over all sequences, prompt included in the time, as JSON.

    python pytorch_generate.py --model DIR [--sequences 1 --prompt 16 --tokens 112 --threads 2 --dtype f32]
"""

import argparse
import time

import measure

START = time.perf_counter()
measure.clean_environment()

import torch
import pytorch_work


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--sequences", type=int, default=1)
    arguments.add_argument("--prompt", type=int, default=16)
    arguments.add_argument("--tokens", type=int, default=112)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    options = arguments.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(42)
    model = pytorch_work.load(options.model, options.dtype).eval()
    prompt = torch.randint(0, model.config.vocab_size - 1, (1, options.prompt))

    def generate(count):
        return pytorch_work.generate(model, prompt, options.sequences, count, sample=options.sequences > 1)

    generate(1)
    first = time.perf_counter() - START
    generate(8)
    speeds = [options.sequences * options.tokens / generate(options.tokens) for _ in range(options.runs)]
    measure.report(
        peer="transformers",
        what="generate",
        versions=pytorch_work.versions(),
        options=vars(options),
        tokens_per_second=measure.summary(speeds),
        launch_to_first_token_s=round(first, 3),
        peak_memory_mib=measure.peak_memory_mib(),
        machine=measure.machine(),
    )


if __name__ == "__main__":
    main()
