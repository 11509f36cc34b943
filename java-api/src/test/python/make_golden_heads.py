#!/usr/bin/env python3
"""Writes models whose config.json ties the head to the embeddings while the weights say something else.

    pip install -r requirements.txt
    python make_golden_heads.py [--output ../resources/golden/heads]

Each folder is loaded by transformers, whose logits and whose decision (tied or not) go into expected.json:
from_pretrained ties only what has the same values, and ties wte to the head where wte alone is missing.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

PROMPT = [1, 17, 60, 3, 3, 42]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    golden = Path(__file__).resolve().parent.parent / "resources" / "golden"
    arguments.add_argument("--output", type=Path, default=golden / "heads")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    shutil.rmtree(options.output, ignore_errors=True)

    config = GPT2Config(vocab_size=61, n_positions=16, n_embd=8, n_layer=1, n_head=2, initializer_range=0.5,
                        bos_token_id=60, eos_token_id=60, tie_word_embeddings=False)
    weights = {name: value.clone().contiguous() for name, value in GPT2LMHeadModel(config).state_dict().items()}
    weights["transformer.ln_f.bias"] = torch.randn(8)
    config.tie_word_embeddings = True
    wte, head = "transformer.wte.weight", "lm_head.weight"
    same = dict(weights)
    same[head] = weights[wte].clone()
    only_head = {name: value for name, value in weights.items() if name != wte}
    first = {name: value for name, value in weights.items() if name != head}

    expected = {
        "differs": write(options.output / "differs", config, lambda path: safetensors(path, weights)),
        "differs-bin": write(options.output / "differs-bin", config, lambda path: torch_bin(path, weights)),
        "differs-sharded": write(options.output / "differs-sharded", config,
                                 lambda path: sharded(path, first, {head: weights[head]})),
        "only-head": write(options.output / "only-head", config, lambda path: safetensors(path, only_head)),
        "same": write(options.output / "same", config, lambda path: safetensors(path, same)),
        "same-bin": write(options.output / "same-bin", config, lambda path: torch_bin(path, {**weights, head: weights[wte]})),
    }
    (options.output / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def write(path, config, weights):
    path.mkdir(parents=True)
    (path / "config.json").write_text(config.to_json_string(use_diff=False))
    weights(path)
    model = GPT2LMHeadModel.from_pretrained(path).eval()
    with torch.no_grad():
        logits = model(torch.tensor([PROMPT])).logits[0]
    tied = model.lm_head.weight.data_ptr() == model.transformer.wte.weight.data_ptr()
    return {"prompt": PROMPT, "tied": tied, "logits": logits.tolist()}


def safetensors(path, weights):
    save_file(weights, path / "model.safetensors", {"format": "pt"})


def torch_bin(path, weights):
    torch.save(weights, path / "pytorch_model.bin")


def sharded(path, *parts):
    index = {}
    for i, part in enumerate(parts):
        name = f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors"
        save_file(part, path / name, {"format": "pt"})
        index.update({key: name for key in part})
    size = sum(value.nbytes for part in parts for value in part.values())
    (path / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": index}, indent=1))


if __name__ == "__main__":
    main()
