#!/usr/bin/env python3
"""Makes src/test/resources/golden/quantization from llama.cpp's llama-quantize.

    make_golden_quantization.py BIN/llama-quantize

layouts.txt: which type each matrix gets, for models of several depths and widths, with and without an importance
matrix. One line each: model, importance, file type, then embedding and head, then for each layer the types of
attn_qkv, attn_output, ffn_up and ffn_down; N* stands for N equal layers.

bits.txt: SHA-256 of all tensors of a small model, whose weights come from a formula that the test repeats. One line
each: variant, file type, hash; "refused" where llama-quantize refuses. ggml's quantizers are plain C: they give the
same bits on every x86-64 processor.

Needs the packages numpy and gguf, the latter as new as llama.cpp itself (PYTHONPATH=LLAMA_CPP/gguf-py).
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
from gguf import GGUFReader, GGUFWriter

TYPES = """f32 f16 bf16 q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0 iq4_nl iq4_xs mxfp4_moe q3_k_l q3_k_m
q3_k_s iq3_m iq3_s iq3_xs iq3_xxs q2_k q2_k_s iq2_m iq2_s iq2_xs iq2_xxs q2_0 iq1_m iq1_s tq2_0 tq1_0 q1_0""".split()

# (layers, width, inner width, tied)
MODELS = [(2, 256, 256, True), (12, 256, 256, True), (16, 256, 256, True), (25, 256, 256, True), (48, 256, 256, True),
          (12, 256, 256, False), (2, 96, 384, True), (2, 48, 192, False), (2, 320, 1280, True)]
BITS_MODEL = (1, 32, 256, False)
VOCABULARY, POSITIONS = 96, 16
HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "resources", "golden", "quantization")


def specs(layers, c, inner, tied):
    """GGUF names and row-major shapes in the order of the model."""
    yield "token_embd.weight", (VOCABULARY, c)
    yield "position_embd.weight", (POSITIONS, c)
    for i in range(layers):
        b = f"blk.{i}."
        yield b + "attn_norm.weight", (c,)
        yield b + "attn_norm.bias", (c,)
        yield b + "attn_qkv.weight", (3 * c, c)
        yield b + "attn_qkv.bias", (3 * c,)
        yield b + "attn_output.weight", (c, c)
        yield b + "attn_output.bias", (c,)
        yield b + "ffn_norm.weight", (c,)
        yield b + "ffn_norm.bias", (c,)
        yield b + "ffn_up.weight", (inner, c)
        yield b + "ffn_up.bias", (inner,)
        yield b + "ffn_down.weight", (c, inner)
        yield b + "ffn_down.bias", (c,)
    yield "output_norm.weight", (c,)
    yield "output_norm.bias", (c,)
    if not tied:
        yield "output.weight", (VOCABULARY, c)


def mix(x):
    """splitmix64's finalizer."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def numbers(tensor, count):
    """The sum of four uniform numbers, centred: nearly normal, and exact in every language."""
    x = mix((np.uint64(tensor) << np.uint64(32)) + np.arange(count, dtype=np.uint64))
    total = sum(((x >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.int64) for k in range(4))
    return ((total - 2 * 65535) / 65536.0 * 0.05).astype(np.float32)


def importances(tensor, count):
    x = mix((np.uint64(tensor + 1000) << np.uint64(32)) + np.arange(count, dtype=np.uint64))
    return ((x >> np.uint64(44)).astype(np.float64) / 65536.0).astype(np.float32)


def write_model(path, model, zeros):
    layers, c, inner, tied = model
    writer = GGUFWriter(path, "gpt2")
    writer.add_block_count(layers)
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(c)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_file_type(0)
    for k, (name, shape) in enumerate(specs(*model)):
        count = int(np.prod(shape))
        data = np.zeros(count, np.float32) if zeros else numbers(k, count)
        writer.add_tensor(name, data.reshape(shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_importances(path, model):
    writer = GGUFWriter(path, "gpt2")
    writer.add_string("general.type", "imatrix")
    writer.add_array("imatrix.datasets", ["formula"])
    writer.add_uint32("imatrix.chunk_count", 3)
    writer.add_uint32("imatrix.chunk_size", 512)
    for k, (name, shape) in enumerate(specs(*model)):
        if name.startswith("blk.") and len(shape) == 2:
            writer.add_tensor(name + ".in_sum2", importances(k, shape[1]))
            writer.add_tensor(name + ".counts", np.array([7], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def layout(tool, model, path, importance, kind):
    command = [tool, "--dry-run", *(["--imatrix", importance] if importance else []), path, kind]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        return "refused"
    types = {}
    current = None
    for line in result.stdout.splitlines():
        found = re.search(r"\[ *\d+/ *\d+\] (\S+) +- \[.*type = +(\w+),", line)
        if found:
            current = found.group(1)
            types[current] = found.group(2)
        to = re.search(r"-> +[\d.]+ MiB \((\w+)\)", line)
        if to:
            types[current] = to.group(1)
    layers = []
    for i in range(model[0]):
        parts = [types[f"blk.{i}.{part}.weight"] for part in ("attn_qkv", "attn_output", "ffn_up", "ffn_down")]
        layers.append(",".join(parts).upper())
    groups = []
    for one in layers:
        if groups and groups[-1][1] == one:
            groups[-1][0] += 1
        else:
            groups.append([1, one])
    head = "" if model[3] else "," + types["output.weight"].upper()
    return " ".join([types["token_embd.weight"].upper() + head, *(f"{n}*{one}" for n, one in groups)])


def digest(path):
    sha = hashlib.sha256()
    for tensor in sorted(GGUFReader(path).tensors, key=lambda t: t.name):
        sha.update(f"{tensor.name} {tensor.tensor_type.name}\n".encode())
        sha.update(tensor.data.tobytes())
    return sha.hexdigest()


def main():
    tool = sys.argv[1]
    os.makedirs(GOLDEN, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path, importance = os.path.join(folder, "model.gguf"), os.path.join(folder, "imatrix.gguf")
        out = os.path.join(folder, "out.gguf")
        with open(os.path.join(GOLDEN, "layouts.txt"), "w") as file:
            for model in MODELS:
                write_model(path, model, True)
                write_importances(importance, model)
                for kind in TYPES:
                    plain, weighted = (layout(tool, model, path, i, kind) for i in (None, importance))
                    name = "x".join(map(str, model[:3])) + (" tied" if model[3] else " untied")
                    file.write(f"{name} - {kind} {plain}\n")
                    if weighted != plain:
                        file.write(f"{name} importance {kind} {weighted}\n")
        write_model(path, BITS_MODEL, False)
        write_importances(importance, BITS_MODEL)
        variants = {"mixed": [], "pure": ["--pure"], "importance": ["--imatrix", importance],
                    "pure-importance": ["--pure", "--imatrix", importance]}
        with open(os.path.join(GOLDEN, "bits.txt"), "w") as file:
            cases = [(variant, kind, options) for variant, options in variants.items() for kind in TYPES]
            for kind in ("mxfp4", "nvfp4"):
                cases.append((f"ffn_down={kind}", "q8_0", ["--tensor-type", f"ffn_down={kind}"]))
            for variant, kind, options in cases:
                if variant != "mixed" and kind in ("f32", "f16", "bf16"):
                    continue
                result = subprocess.run([tool, *options, path, out, kind, "1"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
                file.write(f"{variant} {kind} {digest(out) if result.returncode == 0 else 'refused'}\n")


if __name__ == "__main__":
    main()
