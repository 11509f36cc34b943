"""Tensors as llama-quantize writes them, to the last bit, and importance matrices."""
import gguf
import numpy as np

import fixtures
from llama_cases import LLAMA, QUANTIZED, imatrix, ours, wide
from suite import case, check

NEED_IMATRIX = {"iq3_xxs", "iq2_xxs", "iq2_xs", "iq2_s", "iq2_m", "iq1_s", "iq1_m", "q2_k_s", "iq3_xs"}


def same_file(mine, theirs):
    mine, theirs = gguf.GGUFReader(mine), gguf.GGUFReader(theirs)
    a, b = ({t.name: t for t in reader.tensors} for reader in (mine, theirs))
    check(set(a) == set(b), f"names {sorted(set(a) ^ set(b))}")
    kinds = {}
    for name, tensor in b.items():
        check(a[name].tensor_type == tensor.tensor_type, f"{name} is {a[name].tensor_type.name}, llama-quantize {tensor.tensor_type.name}")
        differing = int(np.count_nonzero(a[name].data.view(np.uint8) != tensor.data.view(np.uint8)))
        check(differing == 0, f"{name} {tensor.tensor_type.name}: {differing} of {tensor.data.nbytes} bytes differ")
        kinds[tensor.tensor_type.name] = kinds.get(tensor.tensor_type.name, 0) + 1
    for key in ("general.file_type", "general.quantization_version"):
        left, right = (r.get_field(key) for r in (mine, theirs))
        check(right is None or (left is not None and left.contents() == right.contents()), f"{key} is {left and left.contents()}, llama-quantize {right.contents()}")
    return f"{len(b)} tensors bit-equal: " + " ".join(f"{k}:{n}" for k, n in sorted(kinds.items()))


def quantize_case(dtype, importance, pure=False):
    name = dtype + (" with importance matrix" if importance else "") + (", pure" if pure else "")

    @case("bits of llama-quantize", name, LLAMA)
    def run(tools):
        source = ours(tools, "f32")
        mine, theirs = tools.work / "mine.gguf", tools.work / "theirs.gguf"
        more = (["--imatrix", imatrix(tools)] if importance else []) + (["--pure"] if pure else [])
        tools.llama("llama-quantize", *more, source, theirs, dtype, "1")
        tools.ggml4j.ask("save", source, mine, dtype, *([imatrix(tools)] if importance else []), *(["pure"] if pure else []))
        return same_file(mine, theirs)


for dtype in ["f16", "bf16"] + QUANTIZED:
    if dtype not in NEED_IMATRIX:
        quantize_case(dtype, False)
for dtype in QUANTIZED:
    if dtype not in ("q8_0", "tq1_0", "tq2_0", "mxfp4_moe", "q1_0", "q2_0"):
        quantize_case(dtype, True)
for dtype in ("q4_k_m", "q6_k", "q3_k_m", "iq4_nl"):
    quantize_case(dtype, False, True)


@case("bits of llama-quantize", "q4_k_m by the command convert, with --imatrix and --pure", LLAMA)
def command(tools):
    mine, theirs = tools.work / "mine.gguf", tools.work / "theirs.gguf"
    tools.llama("llama-quantize", "--pure", "--imatrix", imatrix(tools), ours(tools, "f32"), theirs, "q4_k_m", "1")
    tools.ggml4j.command("convert", "--model", ours(tools, "f32"), "--output", mine, "--type", "q4_k_m", "--pure", "--imatrix", imatrix(tools))
    return same_file(mine, theirs)


def refused(tools, dtype):
    out = tools.work / "refused.gguf"
    code, _, errors = tools.ggml4j.command("convert", "--model", ours(tools, "f32"), "--output", out, "--type", dtype, code=None)
    check(code in (1, 2) and "imatrix" in errors and not out.exists(), f"exit code {code}, {errors}")
    return errors.strip()


@case("bits of llama-quantize", "types that need an importance matrix are refused without one")
def refusals(tools):
    return [refused(tools, dtype) for dtype in ("iq2_xxs", "iq1_s", "iq2_xs")][0]


def imatrix_case(form, arguments):
    @case("importance matrices", f"llama-imatrix's {form} file and ours", LLAMA + ("text",))
    def run(tools):
        file = ours(tools, "f32")
        source = tools.work / "text.imatrix.txt"
        source.write_text(tools.text.read_text(encoding="utf-8")[:20_000], encoding="utf-8")
        theirs, mine = tools.work / f"theirs.{form}", tools.work / "mine.gguf"
        tools.llama("llama-imatrix", "-m", file, "-f", source, "-o", theirs, "-c", "128", "-b", "128", "-t", "1", "--no-ppl", *arguments)
        tools.ggml4j.command("imatrix", "--model", file, "--output", mine, "--context", "128", source)
        by_ours, by_theirs = tools.work / "by_ours.gguf", tools.work / "by_theirs.gguf"
        # The same file of llama.cpp given to both quantizers
        tools.llama("llama-quantize", "--imatrix", theirs, file, by_theirs, "iq2_xs", "1")
        tools.ggml4j.command("convert", "--model", file, "--output", by_ours, "--type", "iq2_xs", "--imatrix", theirs)
        bits = same_file(by_ours, by_theirs)
        # Ours given to llama-quantize
        tools.llama("llama-quantize", "--imatrix", mine, file, by_theirs, "iq2_xs", "1")
        if form == "dat":
            return bits
        a, b = (matrix(path) for path in (mine, theirs))
        check(set(a) >= set(b), f"missing {sorted(set(b) - set(a))}")
        worst = max(float(np.abs(a[n] - b[n]).max() / np.abs(b[n]).max()) for n in b)
        check(worst < 1e-3, f"sums differ by {worst:.1e}")
        return f"{bits}; sums differ by {worst:.1e}"


def matrix(path):
    found = {}
    tensors = {t.name: t.data.astype(np.float64) for t in gguf.GGUFReader(path).tensors}
    for name, data in tensors.items():
        if name.endswith(".in_sum2"):
            found[name] = data / tensors[name.replace("in_sum2", "counts")]
    return found


imatrix_case("gguf", ["--output-format", "gguf"])
imatrix_case("dat", ["--output-format", "dat"])
