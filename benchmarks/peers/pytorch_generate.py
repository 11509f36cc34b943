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
import transformers
from transformers import GPT2LMHeadModel


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
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    dtype = dict(f32=torch.float32, bf16=torch.bfloat16)[options.dtype]
    model = GPT2LMHeadModel.from_pretrained(options.model, dtype=dtype).eval()
    prompt = torch.randint(0, model.config.vocab_size - 1, (1, options.prompt))

    def generate(count):
        output = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=options.sequences > 1, max_new_tokens=count,
            num_return_sequences=options.sequences, eos_token_id=None, pad_token_id=0,
        )
        assert output.shape == (options.sequences, options.prompt + count), output.shape

    generate(1)
    first = time.perf_counter() - START
    generate(8)
    speeds = []
    for _ in range(options.runs):
        start = time.perf_counter()
        generate(options.tokens)
        speeds.append(options.sequences * options.tokens / (time.perf_counter() - start))
    measure.report(
        peer="transformers",
        what="generate",
        versions=dict(torch=torch.__version__, transformers=transformers.__version__),
        options=vars(options),
        tokens_per_second=measure.summary(speeds),
        launch_to_first_token_s=round(first, 3),
        peak_memory_mib=measure.peak_memory_mib(),
        machine=measure.machine(),
    )


if __name__ == "__main__":
    main()
