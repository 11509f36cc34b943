#!/usr/bin/env python3
"""Writes perplexities as Hugging Face's guide and llama-perplexity compute them.

    pip install -r requirements.txt
    python make_golden_perplexity.py --llama FOLDER [--output ../resources/golden/perplexity]

FOLDER holds llama-perplexity and llama-quantize, built for the CPU. "strided" follows
https://huggingface.co/docs/transformers/perplexity over the golden models; "chunked" and "divergence" are what
llama-perplexity prints for text.txt and the bundled model, or one made from it by llama-quantize: plain weights, where
it rounds no activations to 8 bits, and a smaller one to compare with.
"""

import argparse
import json
import random
import re
import subprocess
import tempfile
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel

RESOURCES = Path(__file__).parent.parent / "resources"
MAIN_RESOURCES = Path(__file__).parent.parent.parent / "main" / "resources"
BUNDLED = MAIN_RESOURCES / "io" / "github" / "ggml4j" / "io" / "bundled.gguf"
STRIDED = [  # model, tokens, context, stride
    ("odd", 300, 77, 40),
    ("odd", 300, 77, 77),
    ("odd", 231, 77, 77),
    ("odd", 50, 77, 38),
    ("odd", 155, 77, 77),
    ("untied", 100, 20, 7),
    ("inner-gelu", 100, 32, 16),
    ("float16", 100, 32, 1),
]
CHUNKED = [(64, None), (128, None), (64, "F32"), (128, "F32"), (255, "F32"), (128, "F16")]  # context, weights
DIVERGENCE = ("Q4_0", 128)  # type, context


def strided(model, tokens, context, stride):
    """The guide's loop; returns its perplexity and number of tokens, and the standard error of the perplexity."""
    nll_sum, n_tokens, previous, losses = 0.0, 0, 0, []
    for begin in range(0, len(tokens), stride):
        end = min(begin + context, len(tokens))
        target_length = end - previous
        input_ids = torch.tensor([tokens[begin:end]])
        target_ids = input_ids.clone()
        target_ids[:, :-target_length] = -100
        with torch.no_grad():
            output = model(input_ids, labels=target_ids)
        each = torch.nn.functional.cross_entropy(output.logits[0, :-1].double(), target_ids[0, 1:], reduction="none")
        each = each[target_ids[0, 1:] != -100]
        if len(each) > 0:  # else the guide's sum is not a number
            num_loss_tokens = (target_ids != -100).sum().item() - 1
            nll_sum += each.mean().item() * num_loss_tokens
            n_tokens += num_loss_tokens
            losses.append(each)
            assert abs(each.mean().item() - output.loss.item()) < 1e-4 * output.loss.item()
        previous = end
        if end == len(tokens):
            break
    losses = torch.cat(losses)
    perplexity = torch.tensor(nll_sum / n_tokens, dtype=torch.float64).exp().item()
    error = perplexity * (losses.var(unbiased=False) / (len(losses) - 1)).sqrt().item()
    return {"perplexity": perplexity, "tokens": n_tokens, "standard_error": error}


def strided_cases():
    for name, count, context, stride in STRIDED:
        model = GPT2LMHeadModel.from_pretrained(RESOURCES / "golden" / "models" / name, dtype=torch.float32).eval()
        rng = random.Random(f"{name} {count} {context} {stride}")
        tokens = [rng.randrange(model.config.vocab_size) for _ in range(count)]
        result = strided(model, tokens, context, stride)
        yield {"model": name, "ids": tokens, "context": context, "stride": stride, **result}


def run(llama, *arguments):
    done = subprocess.run(
        [llama / "llama-perplexity", "-t", "1", "-fa", "off", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def chunked_cases(llama, text):
    for context, weights in CHUNKED:
        with tempfile.TemporaryDirectory() as folder:
            model = BUNDLED if weights is None else made(llama, weights, folder)
            output = run(llama, "-m", model, "-f", text, "-c", str(context), "-ctk", "f32", "-ctv", "f32")
        estimate = re.search(r"Final estimate: PPL = ([0-9.]+) \+/- ([0-9.]+)", output)
        windows = re.search(r"over (\d+) chunks", output)
        yield {
            "context": context,
            "weights": weights or "Q5_0",
            "windows": int(windows[1]),
            "perplexity": float(estimate[1]),
            "standard_error": float(estimate[2]),
        }


def made(llama, kind, folder):
    path = Path(folder) / f"{kind}.gguf"
    subprocess.run(
        [llama / "llama-quantize", "--allow-requantize", BUNDLED, path, kind, "1"], capture_output=True, check=True
    )
    return path


def divergence(llama, text):
    kind, context = DIVERGENCE
    with tempfile.TemporaryDirectory() as folder:
        other, base = made(llama, kind, folder), Path(folder) / "base.bin"
        common = ["-f", text, "-c", str(context), "-ctk", "f32", "-ctv", "f32"]
        run(llama, "-m", BUNDLED, *common, "--kl-divergence-base", base)
        output = run(llama, "-m", other, *common, "--kl-divergence-base", base, "--kl-divergence")
    names = {
        "perplexity": r"Mean PPL\(Q\) +: +([-0-9.]+) ± +([0-9.]+)",
        "base_perplexity": r"Mean PPL\(base\) +: +([-0-9.]+) ± +([0-9.]+)",
        "log_perplexity_ratio": r"Mean ln\(PPL\(Q\)/PPL\(base\)\) +: +([-0-9.]+) ± +([0-9.]+)",
        "divergence": r"Mean +KLD: +([-0-9.]+) ± +([0-9.]+)",
        "divergence_median": r"Median +KLD: +([-0-9.]+)()",
        "divergence_99": r"99.0% +KLD: +([-0-9.]+)()",
        "divergence_max": r"Maximum KLD: +([-0-9.]+)()",
        "probability_change_95": r"95.0% +Δp: +([-0-9.]+)()",
        "rms_probability_change": r"RMS Δp +: +([-0-9.]+) ± +([0-9.]+)",
        "same_top": r"Same top p: +([-0-9.]+) ± +([0-9.]+)",
    }
    values = {"type": kind, "context": context}
    for name, pattern in names.items():
        found = re.search(pattern, output)
        values[name] = float(found[1])
        if found[2]:
            values[name + "_error"] = float(found[2])
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=RESOURCES / "golden" / "perplexity")
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = options.output / "text.txt"
    golden = {
        "strided": list(strided_cases()),
        "chunked": list(chunked_cases(options.llama, text)),
        "divergence": divergence(options.llama, text),
    }
    (options.output / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
