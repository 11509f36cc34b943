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


def llama_case(dtype, digits):
    @case("perplexity", f"{dtype}: llama-perplexity", LLAMA + ("text",))
    def run(tools):
        file, source = ours(tools, dtype), text(tools, 24_000)
        environment = None
        out = tools.run([tools.llama_bin / "llama-perplexity", "-m", file, "-f", source, "-c", "128", "-b", "128", "-t", "1", "-fa", "off",
                         "-ctk", "f32", "-ctv", "f32"], env=exact(tools))
        theirs = float(re.search(r"Final estimate: PPL = ([\d.]+)", out)[1])
        mine = json.loads(tools.ggml4j.command("perplexity", "--model", file, "--method", "chunked", "--context", "128", "--json", source))["perplexity"]
        apart = abs(mine - theirs) / theirs
        check(apart < digits, f"ggml4j {mine:.4f}, llama-perplexity {theirs:.4f}, apart {apart:.1e}")
        return f"ggml4j {mine:.4f}, llama-perplexity {theirs:.4f}, apart {apart:.1e}"


def exact(tools):
    import os

    more = {"LD_PRELOAD": str(tools.exact_cpu)} if tools.exact_cpu else {}
    return {**os.environ, "LD_LIBRARY_PATH": str(tools.llama_bin), **more}


for dtype, limit in (("f32", 5e-5), ("f16", 5e-5), ("q8_0", 5e-3), ("q4_k_m", 5e-3), ("q2_k", 2e-2)):
    llama_case(dtype, limit)


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
        scored = int((labels[:, 1:] != -100).sum())
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
