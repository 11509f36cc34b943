#!/usr/bin/env python3
"""llama.cpp on a GGUF file: prompt and decode speed, several sequences at once, and the time to the first token, as JSON.

    python llama_cpp.py --bin LLAMA_CPP_BUILD/bin --model FILE.gguf ... [--threads 2 --runs 3]

One line for each file. prompt and decode come from llama-bench (512 and 128 tokens), sequences from llama-batched-bench
(a prompt of 16 tokens shared by all sequences, 112 tokens each; decode speed over all sequences), first_token is the
wall time of llama-completion for one token, file in the disk cache.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import measure

measure.clean_environment()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=Path, required=True)
    arguments.add_argument("--model", type=Path, nargs="+", required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--sequences", type=int, nargs="*", default=[1, 5, 8])
    arguments.add_argument("--prompt", type=int, default=16)
    arguments.add_argument("--tokens", type=int, default=112)
    options = arguments.parse_args()
    for model in options.model:
        measure.report(
            peer="llama.cpp",
            model=model.name,
            threads=options.threads,
            **bench(options, model),
            sequences={str(count): batched(options, model, count) for count in options.sequences},
            first_token_s=first_token(options, model),
            machine=measure.machine(),
        )


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def bench(options, model):
    rows = json.loads(
        run(options.bin / "llama-bench", "-m", model, "-t", options.threads, "-r", options.runs, "-p", 512, "-n", 128, "-o", "json")
    )
    result = dict(build=f"{rows[0]['build_commit']} ({rows[0]['build_number']})")
    for row in rows:
        result["prompt" if row["n_prompt"] else "decode"] = measure.summary(row["samples_ts"])
    return result


def batched(options, model, count):
    speeds = []
    for _ in range(options.runs):
        output = run(
            options.bin / "llama-batched-bench", "-m", model, "-t", options.threads, "-tb", options.threads, "-c", 4096,
            "-npp", options.prompt, "-ntg", options.tokens, "-npl", count, "-pps", "--output-format", "jsonl",
        )
        row = next(json.loads(line) for line in output.splitlines() if line.startswith("{"))
        speeds.append(row["speed_tg"])
    return measure.summary(speeds)


def first_token(options, model):
    times = []
    for _ in range(options.runs + 1):
        start = time.perf_counter()
        run(
            options.bin / "llama-completion", "-m", model, "-t", options.threads, "-p", "Once upon a time", "-n", 1,
            "-no-cnv", "--no-warmup", "--no-display-prompt",
        )
        times.append(time.perf_counter() - start)
    return round(sorted(times[1:])[len(times[1:]) // 2], 3)


if __name__ == "__main__":
    main()
