#!/usr/bin/env python3
"""Writes a GPT-2 with random weights (initialized as GPT-2, with a seed) as a Hugging Face folder, with GPT-2's tokenizer.

    python make_model.py OUTPUT --vocabulary LLAMA_CPP/models/ggml-vocab-gpt-2.gguf [--size gpt2|gpt2-medium|gpt2-large|gpt2-xl]

Speed does not depend on what the weights are, so peers are compared without a download.
"""

import argparse
import json
from pathlib import Path

import torch
from gguf import GGUFReader
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

SIZES = {
    "gpt2": dict(n_layer=12, n_head=12, n_embd=768),
    "gpt2-medium": dict(n_layer=24, n_head=16, n_embd=1024),
    "gpt2-large": dict(n_layer=36, n_head=20, n_embd=1280),
    "gpt2-xl": dict(n_layer=48, n_head=25, n_embd=1600),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--vocabulary", type=Path, required=True)
    arguments.add_argument("--size", choices=SIZES, default="gpt2")
    arguments.add_argument("--seed", type=int, default=42)
    options = arguments.parse_args()
    torch.manual_seed(options.seed)
    # llama.cpp's converter reads n_ctx, which the published files contain and new ones do not
    model = GPT2LMHeadModel(GPT2Config(n_ctx=1024, **SIZES[options.size]))
    model.save_pretrained(options.output)
    write_tokenizer(options.vocabulary, options.output)
    print(f"{options.output}: {model.num_parameters()} parameters, wte std {model.transformer.wte.weight.std():.4f}")


def write_tokenizer(vocabulary, output):
    fields = GGUFReader(vocabulary).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    (output / "vocab.json").write_text(
        json.dumps({token: index for index, token in enumerate(tokens)}, ensure_ascii=False), encoding="utf-8"
    )
    (output / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    tokenizer = GPT2Tokenizer(vocab=str(output / "vocab.json"), merges=str(output / "merges.txt"))
    tokenizer.save_pretrained(output)
    text = "Hello world, it's 2 o'clock; naïve café 日本\n\n  indented"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.encode("Hello world") == [15496, 995], tokenizer.encode("Hello world")


if __name__ == "__main__":
    main()
