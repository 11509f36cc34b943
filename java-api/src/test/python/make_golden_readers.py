#!/usr/bin/env python3
"""Writes models in the other forms that are read: pytorch_model.bin and llm.c's .bin.

    pip install -r requirements.txt
    python make_golden_readers.py [--models ../resources/golden/models] [--output ../resources/golden/readers]

The weights are those of the golden models, so that the logits are theirs too; where a form rounds weights, transformers
computes the logits of the rounded ones, in expected.json. Layout of llm.c's files: write_model and write_tensors in its
train_gpt2.py; version 1 is float32, 2 has bfloat16 matrices and biases and float32 layer norms, 3 and 4 are the same
with a padded vocabulary, 5 is bfloat16 throughout.
"""

import argparse
import collections
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel

LINEAR = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
IN_LAYER = (
    "ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias",
    "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias",
)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    golden = Path(__file__).resolve().parent.parent / "resources" / "golden"
    arguments.add_argument("--models", type=Path, default=golden / "models")
    arguments.add_argument("--output", type=Path, default=golden / "readers")
    options = arguments.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)

    def weights(name):
        tensors = {}
        for file in sorted((options.models / name).glob("model*.safetensors")):
            tensors.update(load_file(file))
        return collections.OrderedDict(tensors)

    def folder(name, model):
        path = options.output / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        shutil.copyfile(options.models / model / "config.json", path / "config.json")
        return path

    save(weights("untied"), folder("torch-zip", "untied"))
    save(weights("relu-epsilon"), folder("torch-legacy", "relu-epsilon"), legacy=True)
    save(weights("bfloat16"), folder("torch-bfloat16", "bfloat16"))
    save(weights("float16"), folder("torch-float16-legacy", "float16"), legacy=True)
    double = collections.OrderedDict((name, value.double()) for name, value in weights("tiny").items())
    save(double, folder("torch-double", "tiny"))
    save(views(weights("tiny")), folder("torch-views", "tiny"))
    save(views(weights("tiny")), folder("torch-old", "tiny"), legacy=True)
    save_shards(weights("sharded"), folder("torch-sharded", "sharded"))
    (options.output / "torch-refused").mkdir(exist_ok=True)
    save(collections.OrderedDict(a=Evil()), options.output / "torch-refused")
    save(collections.OrderedDict(a=Evil()), options.output / "torch-refused", legacy=True, name="legacy.bin")

    expected = {}
    for version in range(1, 6):
        name = f"llmc-v{version}.bin"
        expected[name] = write_llmc(options.output / name, version, weights("tiny"), options.models / "tiny")
    (options.output / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


class Evil:
    """What a pickle can do: this one would call os.system."""

    def __reduce__(self):
        return (os.system, ("true",))


def save(state, folder, legacy=False, name="pytorch_model.bin"):
    torch.save(state, folder / name, _use_new_zipfile_serialization=not legacy)
    if not legacy:
        with zipfile.ZipFile(folder / name) as archive:
            assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def views(state):
    """A state dict within a checkpoint, with parameters, a shared storage, and elements in an unusual order."""
    state = collections.OrderedDict(state)
    embedding = state["transformer.wte.weight"]
    state["lm_head.weight"] = embedding  # the same storage, as a tied head has it
    for name in list(state):
        if name.endswith("c_attn.weight"):
            state[name] = state[name].t().contiguous().t()
        if name.endswith("c_fc.weight"):
            wide = torch.zeros(state[name].shape[0], state[name].shape[1] + 3)
            wide[:, 2:-1] = state[name]
            state[name] = wide[:, 2:-1]
        if name.endswith("c_fc.bias"):
            state[name] = torch.nn.Parameter(state[name])
    return {"state_dict": state, "epoch": 3, "lr": 1e-4, "done": True, "note": None, "shape": torch.Size([1, 2])}


def save_shards(state, folder, shards=3):
    names = list(state)
    index = {"metadata": {"total_size": sum(value.nbytes for value in state.values())}, "weight_map": {}}
    for shard in range(shards):
        file = f"pytorch_model-{shard + 1:05}-of-{shards:05}.bin"
        part = collections.OrderedDict((name, state[name].clone()) for name in names[shard::shards])
        save(part, folder, name=file)
        index["weight_map"].update({name: file for name in part})
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


def write_llmc(file, version, state, folder):
    config = GPT2Config.from_pretrained(folder)
    state = {name.removeprefix("transformer."): value.float() for name, value in state.items()}
    rounded = {}
    vocabulary = config.vocab_size
    padded = -(-vocabulary // 128) * 128 if version >= 3 else 0
    header = numpy.zeros(256, dtype="<i4")
    header[:8] = [
        20240326, version, config.n_positions, vocabulary, config.n_layer, config.n_head, config.n_embd, padded]
    names = ["wte.weight", "wpe.weight"]
    names += [f"h.{layer}.{part}" for part in IN_LAYER for layer in range(config.n_layer)]
    names += ["ln_f.weight", "ln_f.bias"]
    with open(file, "wb") as out:
        out.write(header.tobytes())
        for name in names:
            half = version == 5 or (version in (2, 4) and "ln_" not in name)
            value = state[name]
            if half:
                value = value.to(torch.bfloat16)
            rounded["transformer." + name] = value.float()
            if name.endswith(LINEAR):
                value = value.t().contiguous()
            if name == "wte.weight" and padded:
                value = torch.nn.functional.pad(value, (0, 0, 0, padded - vocabulary), value=float("nan"))
            out.write((value.view(torch.int16) if half else value).numpy().tobytes())
    model = GPT2LMHeadModel(config).eval()
    model.load_state_dict(rounded, strict=False)
    model.tie_weights()
    prompt = [(7 * i + 3) % vocabulary for i in range(12)]
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0]
    return {"prompt": prompt, "logits": [[round(value, 6) for value in row] for row in logits.tolist()]}


if __name__ == "__main__":
    main()
