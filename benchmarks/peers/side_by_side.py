#!/usr/bin/env python3
"""Compares ggml4j with llama.cpp and PyTorch: the same work, alternating in one run; prints a table.

    python side_by_side.py --gguf F32.gguf F16.gguf ... [--folder MODEL_DIR] [--llama-bin LLAMA_CPP_BUILD/bin]
                           [--rounds 5 --threads 2 --what decode sequences prompt train] [--json OUT]

Ours is the command `ggml4j bench` of this checkout, which checks results before it times them. The folder is for training
beside PyTorch; without it, or without --llama-bin, the peer is left out. In every round each side runs in a process of its
own, and the order alternates, so that a slow moment of the machine meets both. A ratio is that of the medians; its spread
is that of the rounds' own ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

measure.clean_environment()

ROOT = Path(__file__).resolve().parents[2]
PROMPT, TOKENS = 16, 128


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gguf", type=Path, nargs="*", default=[])
    arguments.add_argument("--folder", type=Path, help="Hugging Face folder of the model that is trained")
    arguments.add_argument("--llama-bin", type=Path)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--sequences", type=int, default=5)
    arguments.add_argument("--what", nargs="+", default=["decode", "sequences", "prompt", "train"])
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    run(ROOT / "ggml4j", "version")  # builds ggml4j if needed
    results = []
    for model in options.gguf:
        for what in options.what:
            if what != "train":
                results.append(compare(options, f"{what} {model.stem}", *sides(options, what, model)))
    if options.folder and "train" in options.what:
        results.append(compare(options, "train 8x128 f32", *training(options)))
    if options.json:
        options.json.write_text(json.dumps(dict(machine=measure.machine(), threads=options.threads, results=results), indent=1))


def ours(options, what, model, *settings):
    """Speeds of all runs and peak resident memory in MiB."""
    command = [ROOT / "ggml4j", "bench", "--model", model, "--device", "cpu", "--threads", options.threads, "--only", what, *settings, "--json"]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"{' '.join(map(str, command))}\nfailed")
        output.seek(0)
        result = json.load(output)["results"][0]
    return result["runs"], usage.ru_maxrss // 1024


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def sides(options, what, model):
    count = options.sequences if what == "sequences" else 1
    if what == "prompt":
        mine = lambda: ours(options, "prompt", model, "--prompt-length", 512, "--runs", 3)
        theirs = lambda: bench(options, model, "-p", 512, "-n", 0)
    else:
        what = "batch" if count > 1 else "decode"
        mine = lambda: ours(options, what, model, "--sequences", count, "--new-tokens", TOKENS, "--runs", 2)
        theirs = lambda: batched(options, model, count) if count > 1 else bench(options, model, "-p", 0, "-n", TOKENS)
    return mine, (theirs if options.llama_bin else None)


def bench(options, model, *work):
    rows = json.loads(run(options.llama_bin / "llama-bench", "-m", model, "-t", options.threads, "-r", 2, *work, "-o", "json"))
    return rows[0]["samples_ts"], None


def batched(options, model, count):
    output = run(
        options.llama_bin / "llama-batched-bench", "-m", model, "-t", options.threads, "-tb", options.threads, "-c", 2048,
        "-npp", PROMPT, "-ntg", TOKENS, "-npl", count, "-pps", "--output-format", "jsonl",
    )
    return [json.loads(line)["speed_tg"] for line in output.splitlines() if line.startswith("{")], None


def training(options):
    def theirs():
        script = Path(__file__).with_name("pytorch_train.py")
        result = json.loads(run(sys.executable, script, "--model", options.folder, "--threads", options.threads, "--steps", 4))
        return result["tokens_per_second"]["runs"], result["peak_memory_mib"]

    sizes = ["--batch-size", 8, "--max-sequence-length", 128]
    return (lambda: ours(options, "training", options.folder, *sizes, "--runs", 7)), theirs


def compare(options, name, mine, theirs):
    rounds = dict(ours=[], peer=[])
    memory = dict(ours=[], peer=[])
    for index in range(options.rounds):
        turns = [("ours", mine), ("peer", theirs)]
        for side, measured in turns if index % 2 == 0 else reversed(turns):
            if measured is not None:
                speeds, peak = measured()
                rounds[side].append(statistics.median(speeds))
                memory[side].append(peak)
    result = dict(what=name, ours=measure.summary(rounds["ours"]))
    line = f"{name:32s} ours {result['ours']['median']:8.1f} ({result['ours']['lowest']}-{result['ours']['highest']}) tok/s"
    if theirs is not None:
        ratios = sorted(a / b for a, b in zip(rounds["ours"], rounds["peer"]))
        result["peer"] = measure.summary(rounds["peer"])
        result["ratio"] = round(result["ours"]["median"] / result["peer"]["median"], 3)
        result["ratios"] = [round(ratio, 3) for ratio in ratios]
        line += f"   peer {result['peer']['median']:8.1f} ({result['peer']['lowest']}-{result['peer']['highest']})"
        line += f"   ratio {result['ratio']:.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        if memory["peer"][0] is not None:
            result["peak_memory_mib"] = dict(ours=max(memory["ours"]), peer=max(memory["peer"]))
            line += f"   peak {max(memory['ours'])} / {max(memory['peer'])} MiB"
    print(line, flush=True)
    return result


if __name__ == "__main__":
    main()
