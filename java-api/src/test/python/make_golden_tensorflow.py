#!/usr/bin/env python3
"""Writes a model as OpenAI published GPT-2: a checkpoint of TensorFlow, hparams.json, encoder.json and vocab.bpe.

    pip install tensorflow-cpu==2.21.0 safetensors numpy python-snappy google-crc32c
    python make_golden_tensorflow.py [--models ../resources/golden/models] [--output ../resources/golden/readers]

The weights are those of the golden model float16, as float32, which is exact, so that the logits are that model's too.
Variables are named and shaped as in src/model.py of OpenAI's gpt-2: linear weights are (1, in, out). A second folder
is a model in two shards, as a later training run saves it, with an optimizer's variables; a third has the index of
the same in blocks compressed with Snappy, as TensorFlow 1 could write it.
"""

import argparse
import json
import os
import shutil
import struct
from pathlib import Path

import google_crc32c
import numpy
import snappy
from safetensors.numpy import load_file

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf  # noqa: E402

PARTS = {"attn.c_attn": "attn/c_attn", "attn.c_proj": "attn/c_proj", "mlp.c_fc": "mlp/c_fc", "mlp.c_proj": "mlp/c_proj"}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    golden = Path(__file__).resolve().parent.parent / "resources" / "golden"
    arguments.add_argument("--models", type=Path, default=golden / "models")
    arguments.add_argument("--output", type=Path, default=golden / "readers")
    options = arguments.parse_args()
    config = json.loads((options.models / "float16" / "config.json").read_text())
    weights = {
        variable(name.removeprefix("transformer.")): shape(name, value.astype(numpy.float32))
        for name, value in load_file(options.models / "float16" / "model.safetensors").items()
    }
    write(options.output / "tensorflow", "model.ckpt", weights, config)
    tiny = json.loads((options.models / "tiny" / "config.json").read_text())
    weights = {
        variable(name.removeprefix("transformer.")): shape(name, value)
        for name, value in load_file(options.models / "tiny" / "model.safetensors").items()
    }
    weights["model/wte/Adam"] = numpy.zeros_like(weights["model/wte"])
    weights["global_step"] = numpy.int64(20)
    write(options.output / "tensorflow-run", "model-20", weights, tiny, sharded=True)
    compress(options.output / "tensorflow-run", options.output / "tensorflow-snappy", "model-20")


def variable(name):
    if name in ("wte.weight", "wpe.weight"):
        return "model/" + name.removesuffix(".weight")
    base, kind = name.rsplit(".", 1)
    if base == "ln_f":
        return "model/ln_f/" + ("g" if kind == "weight" else "b")
    _, layer, part = base.split(".", 2)
    if part in PARTS:
        return f"model/h{layer}/{PARTS[part]}/" + ("w" if kind == "weight" else "b")
    return f"model/h{layer}/{part}/" + ("g" if kind == "weight" else "b")


def shape(name, value):
    linear = value.ndim == 2 and ".h." in name
    return value[numpy.newaxis] if linear else value


def session_of_two_devices():
    return tf.compat.v1.Session(config=tf.compat.v1.ConfigProto(device_count={"CPU": 2}))


def write(folder, prefix, weights, config, sharded=False):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tf.Graph().as_default(), session_of_two_devices() as session:
        variables = []
        for i, (name, value) in enumerate(sorted(weights.items())):
            with tf.device(f"/cpu:{i % 2}" if sharded else None):
                variables.append(tf.compat.v1.Variable(value, name=name, use_resource=False))
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(variables, sharded=sharded)
        saver.save(session, str(folder / prefix), write_meta_graph=False)
    checkpoint = folder / "checkpoint"
    checkpoint.write_text(f'model_checkpoint_path: "{prefix}"\nall_model_checkpoint_paths: "{prefix}"\n')
    reader = tf.train.load_checkpoint(str(folder / prefix))
    for name, value in weights.items():
        assert numpy.array_equal(reader.get_tensor(name), value), name
    vocabulary = config["vocab_size"]
    hparams = dict(
        n_vocab=vocabulary, n_ctx=config["n_positions"], n_embd=config["n_embd"], n_head=config["n_head"],
        n_layer=config["n_layer"])
    (folder / "hparams.json").write_text(json.dumps(hparams) + "\n")
    printable = [chr(c) for c in range(0x21, 0x7F)] + [chr(c) for c in range(0xA1, 0xAD)]
    printable += [chr(c) for c in range(0xAE, 0x180)]
    merges = ["a b", "ab c", "\u0120 a"]
    tokens = printable[: vocabulary - 1 - len(merges)] if vocabulary > 200 else printable[64 : 64 + vocabulary - 4]
    if "\u0120" not in tokens:
        tokens[0] = "\u0120"
    tokens += [merge.replace(" ", "") for merge in merges] + ["<|endoftext|>"]
    assert len(set(tokens)) == vocabulary
    (folder / "encoder.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}) + "\n")
    text = "#version: 0.2\n" + "".join(merge + "\n" for merge in merges)
    (folder / "vocab.bpe").write_text(text, encoding="utf-8")
    print(sorted((file.name, file.stat().st_size) for file in folder.iterdir()))


def compress(source, target, prefix):
    """Copies a checkpoint, with the blocks of its index compressed (LevelDB's table_format.md)."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    index = (source / f"{prefix}.index").read_bytes()
    # the first block is all the data of a small table: it ends where the checksum fits
    size = next(n for n in range(8, len(index)) if index[n + 1 : n + 5] == checksum(index[: n + 1]))
    out = bytearray()
    data_handle = add_block(out, index[:size])
    entry = b"\x00" + varint(1) + varint(len(data_handle)) + b"\xff" + data_handle
    index_handle = add_block(out, entry + struct.pack("<II", 0, 1))
    handles = varint(0) + varint(0) + index_handle
    out += handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    (target / f"{prefix}.index").write_bytes(out)
    reader = tf.train.load_checkpoint(str(target / prefix))  # TensorFlow reads it back
    for name in tf.train.load_checkpoint(str(source / prefix)).get_variable_to_shape_map():
        reader.get_tensor(name)


def add_block(out, content):
    start = len(out)
    stored = snappy.compress(content)
    out += stored + b"\x01" + checksum(stored + b"\x01")
    return varint(start) + varint(len(stored))


def checksum(data):
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


if __name__ == "__main__":
    main()
