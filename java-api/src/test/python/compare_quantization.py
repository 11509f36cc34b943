#!/usr/bin/env python3
"""Compares quantized GGUF files of ggml4j and of llama.cpp's llama-quantize, tensor by tensor, bit by bit.

    compare_quantization.py --ggml4j ./ggml4j --llama-quantize BIN/llama-quantize MODEL-f32.gguf \
        [--imatrix FILE] [--types q4_k_m,q6_k] [--pure] [--tensor-type ffn_down=nvfp4] [--jobs-threads 2]

Both start from the same F32 file. Prints a line for each type; exit code 1 when any differs. Needs the package gguf.
Not run in CI: it takes llama.cpp's tools, and minutes for a large model.
The package must be as new as llama.cpp itself (PYTHONPATH=LLAMA_CPP/gguf-py).
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile
import time

from gguf import GGUFReader

TYPES = """f32 f16 bf16 q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0 iq4_nl iq4_xs mxfp4_moe q3_k_l q3_k_m
q3_k_s iq3_m iq3_s iq3_xs iq3_xxs q2_k q2_k_s iq2_m iq2_s iq2_xs iq2_xxs q2_0 iq1_m iq1_s tq2_0 tq1_0 q1_0""".split()


def run(command):
    began = time.monotonic()
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return result.returncode, result.stdout, time.monotonic() - began


def read(path):
    reader = GGUFReader(path)
    keys = {key: reader.get_field(key) for key in ("general.file_type", "general.quantization_version")}
    return ({t.name: (t.tensor_type.name, t.data.tobytes()) for t in reader.tensors},
            {key: None if field is None else field.contents() for key, field in keys.items()})


def compare(ours, theirs):
    (a, our_keys), (b, their_keys) = read(ours), read(theirs)
    wrong = sorted(set(a) ^ set(b))
    for name in sorted(set(a) & set(b)):
        if a[name][0] != b[name][0]:
            wrong.append(f"{name}: {a[name][0]}, expected {b[name][0]}")
        elif a[name][1] != b[name][1]:
            differing = sum(x != y for x, y in zip(a[name][1], b[name][1]))
            wrong.append(f"{name} {a[name][0]}: {differing} of {len(b[name][1])} bytes differ")
    if our_keys["general.file_type"] != their_keys["general.file_type"]:
        wrong.append(f"file type {our_keys}, expected {their_keys}")
    counts = collections.Counter(kind for kind, _ in b.values() if kind != "F32")
    return wrong, " ".join(f"{kind}:{n}" for kind, n in sorted(counts.items()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--ggml4j", required=True, help="command that starts ggml4j")
    parser.add_argument("--llama-quantize", required=True)
    parser.add_argument("--imatrix")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--pure", action="store_true")
    parser.add_argument("--tensor-type", action="append", default=[])
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    extra = ["--pure"] if options.pure else []
    for choice in options.tensor_type:
        extra += ["--tensor-type", choice]
    if options.imatrix:
        extra += ["--imatrix", options.imatrix]
    failed = 0
    for kind in options.types.split(","):
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = os.path.join(folder, "ours.gguf"), os.path.join(folder, "theirs.gguf")
            b = run([options.llama_quantize, *extra, options.model, theirs, kind, options.threads])
            a = run([*options.ggml4j.split(), "convert", "--model", options.model, "--output", ours, "--type", kind,
                     "--device", "cpu", "--threads", options.threads, *(extra if kind not in ("f32", "f16", "bf16")
                                                                        else [])])
            if a[0] != 0 or b[0] != 0:
                both = a[0] != 0 and b[0] != 0
                failed += not both
                print(f"{kind:10} {'refused by both' if both else 'FAILED'}: ggml4j {a[0]} ({a[1].strip()[-160:]}),"
                      f" llama-quantize {b[0]}", flush=True)
                continue
            wrong, counts = compare(ours, theirs)
            failed += bool(wrong)
            print(f"{kind:10} {'DIFFERENT' if wrong else 'equal'} {os.path.getsize(ours):,} bytes, {counts};"
                  f" {a[2]:.1f} s, llama-quantize {b[2]:.1f} s", flush=True)
            for line in wrong[:5]:
                print("    " + line, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
