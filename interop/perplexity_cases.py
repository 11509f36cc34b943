"""Perplexity as llama-perplexity and as transformers compute it."""
import json
import math
import re

import torch

import fixtures
from llama_cases import LLAMA, ours, wide
from suite import case, check


def text(tools, size):
    file = tools.work / "perplexity.txt"
    file.write_text(tools.text.read_text(encoding="utf-8")[:size].rstrip("\n"), encoding="utf-8")
    return file


def llama_case(dtype, limit):
    @case("perplexity", f"{dtype}: llama-perplexity", LLAMA + ("text",))
    def run(tools):
        return compare(tools, ours(tools, dtype), text(tools, 24_000), 128, limit)


def compare(tools, file, source, context, limit):
    out = tools.run([tools.llama_bin / "llama-perplexity", "-m", file, "-f", source, "-c", str(context), "-b", str(context), "-t", "1",
                     "-fa", "off", "-ctk", "f32", "-ctv", "f32"], env=tools.llama_environment())
    theirs = float(re.search(r"Final estimate: PPL = ([\d.]+)", out)[1])
    mine = json.loads(tools.ggml4j.command("perplexity", "--model", file, "--method", "chunked", "--context", context, "--json", source))["perplexity"]
    apart = abs(mine - theirs) / theirs
    text = f"ggml4j {mine:.4f}, llama-perplexity {theirs:.4f}, apart {apart:.1e}"
    check(apart < limit, text)
    return text


for dtype, limit in (("f32", 5e-5), ("f16", 5e-5), ("q8_0", 5e-3), ("q4_k_m", 5e-3), ("q2_k", 2e-2)):
    llama_case(dtype, limit)


def bundled(tools, dtype):
    """The model that comes with ggml4j, as it is trained: its figures are those of a language model."""

    def make():
        whole, file = tools.work / "bundled-f32.gguf", tools.work / f"bundled-{dtype}.gguf"
        tools.ggml4j.ask("save", "bundled", whole, "f32")
        if dtype != "f32":
            tools.ggml4j.ask("save", whole, file, dtype)
        return file

    return tools.once("bundled " + dtype, make)


def bundled_case(dtype, limit):
    @case("perplexity", f"the bundled model, {dtype}: llama-perplexity", LLAMA + ("text",))
    def run(tools):
        return compare(tools, bundled(tools, dtype), text(tools, 40_000), 256, limit)


for dtype, limit in (("f32", 5e-5), ("f16", 5e-5), ("q8_0", 5e-4), ("q5_0", 1e-3), ("q4_k_m", 1e-3)):
    bundled_case(dtype, limit)


@case("perplexity", "f32: transformers, strided as in Hugging Face's guide", ("text",))
def strided(tools):
    folder, made = wide(tools)
    source = text(tools, 12_000)
    from transformers import AutoTokenizer

    tokens = torch.tensor([AutoTokenizer.from_pretrained(folder)(source.read_text(encoding="utf-8"))["input_ids"]])
    context, stride, total, count, last = 128, 64, 0.0, 0, 0
    for begin in range(0, tokens.size(1), stride):
        end = min(begin + context, tokens.size(1))
        fresh = end - last
        window, labels = tokens[:, begin:end], tokens[:, begin:end].clone()
        labels[:, :-fresh] = -100
        with torch.no_grad():
            loss = made(window, labels=labels).loss
        scored = int((labels != -100).sum()) - 1  # as the guide counts, in every window
        total += loss.item() * scored
        count += scored
        last = end
        if end == tokens.size(1):
            break
    theirs = math.exp(total / count)
    mine = json.loads(tools.ggml4j.command("perplexity", "--model", folder, "--method", "strided", "--context", context, "--stride", stride, "--json", source))["perplexity"]
    apart = abs(mine - theirs) / theirs
    check(apart < 5e-6, f"ggml4j {mine:.6f}, transformers {theirs:.6f}, apart {apart:.1e}")
    return f"ggml4j {mine:.6f}, transformers {theirs:.6f}, apart {apart:.1e} over {count} tokens"
