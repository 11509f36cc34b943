"""llama.cpp converts, ggml4j reads; ggml4j writes GGUF, llama.cpp computes and writes text."""
import json
import re

import numpy as np
import torch

import fixtures
from suite import case, check, difference

LLAMA = ("llama_bin", "llama_source")
FLOATS = ("f32", "f16", "bf16")
# llama.cpp rounds activations to the type of the weights, and we do not
ROUNDING = dict(f32=0, f16=2e-3, bf16=2e-2)
# Types that llama.cpp computes with; the width of the model, 256, is a block of each
QUANTIZED = """q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0 iq4_nl iq4_xs q3_k_l q3_k_m q3_k_s iq3_m iq3_s
iq3_xs iq3_xxs q2_k q2_k_s iq2_m iq2_s iq2_xs iq2_xxs iq1_m iq1_s tq2_0 tq1_0 mxfp4_moe q2_0 q1_0""".split()


def wide(tools):
    """A model whose rows are blocks of every type, with GPT-2's tokenizer."""

    def make():
        made = fixtures.model(21, fixtures.gpt2_vocabulary(n_embd=256, n_head=4, n_layer=2))
        folder = tools.folder("wide")
        made.save_pretrained(folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "n_ctx": config["n_positions"]}))
        tools.ggml4j.ask("tokenizer", folder)
        return folder, made

    return tools.once("wide", make)


def tokens(tools):
    return fixtures.ids(wide(tools)[1].config)


def converted(tools, dtype):
    def make():
        file = tools.work / f"converted-{dtype}.gguf"
        tools.run([tools.python, tools.llama_source / "convert_hf_to_gguf.py", wide(tools)[0], "--outtype", dtype, "--outfile", file])
        return file

    return tools.once("converted " + dtype, make)


def ours(tools, dtype):
    def make():
        file = tools.work / f"ours-{dtype}.gguf"
        more = [imatrix(tools)] if dtype in ("iq3_xxs", "iq2_xxs", "iq2_xs", "iq2_s", "iq2_m", "iq1_s", "iq1_m", "q2_k_s", "iq3_xs") else []
        tools.ggml4j.ask("save", wide(tools)[0], file, dtype, *more)
        return file

    return tools.once("ours " + dtype, make)


def imatrix(tools):
    def make():
        source, file = tools.work / "imatrix.txt", tools.work / "imatrix.gguf"
        source.write_text(" ".join(fixtures.TEXTS[:3]) * 60)
        tools.ggml4j.command("imatrix", "--model", wide(tools)[0], "--output", file, "--context", "128", source)
        return file

    return tools.once("imatrix", make)


def converter_case(dtype):
    @case("transformers to llama.cpp's converter to ggml4j", dtype, LLAMA)
    def run(tools):
        file = converted(tools, dtype)
        made = wide(tools)[1]
        ids = tokens(tools)
        found = tools.ggml4j.logits(file, ids)
        by_llama = difference(found, tools.llama_logits(file, ids), tools.exact_limit + ROUNDING[dtype], "from llama.cpp, logits")
        exact = difference(found, fixtures.logits(made, ids), dict(f32=2e-5, f16=2e-3, bf16=2e-2)[dtype], "from transformers, logits")
        return f"{by_llama}; {exact}"


for dtype in FLOATS:
    converter_case(dtype)


@case("transformers to llama.cpp's converter to ggml4j", "the tokenizer", LLAMA)
def converted_tokenizer(tools):
    from transformers import AutoTokenizer
    from transformers_cases import same_tokens

    return same_tokens(tools, converted(tools, "f16"), AutoTokenizer.from_pretrained(wide(tools)[0]))


def ours_case(dtype):
    @case("ggml4j to llama.cpp", f"{dtype}: logits", LLAMA)
    def run(tools):
        file = ours(tools, dtype)
        ids = tokens(tools)
        limit = tools.exact_limit + ROUNDING[dtype] if dtype in FLOATS else 5e-2
        whole = difference(tools.ggml4j.logits(file, ids), tools.llama_logits(file, ids), limit)
        return whole + f"; {file.stat().st_size:,} bytes"


for dtype in FLOATS + tuple(QUANTIZED):
    ours_case(dtype)


def dequantized_case(dtype):
    @case("ggml4j to the package gguf", f"{dtype}: logits of the dequantized weights in transformers")
    def run(tools):
        import gguf

        file = ours(tools, dtype)
        made = fixtures.model(21, wide(tools)[1].config)
        names = {"token_embd": "wte", "position_embd": "wpe", "output_norm": "ln_f", "output": "lm_head", "attn_norm": "ln_1", "attn_qkv": "attn.c_attn",
                 "attn_output": "attn.c_proj", "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"}
        weights = {}
        for tensor in gguf.GGUFReader(file).tensors:
            stem, kind = tensor.name.rsplit(".", 1)
            match = re.fullmatch(r"blk\.(\d+)\.(\w+)", stem)
            name = f"transformer.h.{match[1]}.{names[match[2]]}" if match else "transformer." + names[stem]
            data = torch.from_numpy(np.array(gguf.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32))
            weights[f"{name}.{kind}".replace("transformer.lm_head", "lm_head")] = data.t() if ".c_" in name and kind == "weight" else data
        head = weights.pop("lm_head.weight", None)
        made.load_state_dict(weights, strict=False)
        ids = tokens(tools)
        expected = fixtures.logits(made, ids)
        if head is not None:
            with torch.no_grad():
                expected = (made.transformer(torch.tensor([ids])).last_hidden_state[0] @ head.t()).numpy()
        return difference(tools.ggml4j.logits(file, ids), expected, 2e-5 if dtype in FLOATS else 5e-2)


for dtype in ("f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "q3_k_m", "q2_k", "iq4_xs", "iq3_s", "iq2_s", "iq1_m", "tq2_0"):
    dequantized_case(dtype)


@case("ggml4j to llama.cpp", "metadata as the converter writes it", LLAMA)
def metadata(tools):
    import gguf

    def values(file):
        reader = gguf.GGUFReader(file)
        return {k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.")}

    mine, theirs = values(ours(tools, "f16")), values(converted(tools, "f16"))
    # What the converter guesses from names, and the unknown token, which byte-level BPE has no use for
    missing = [k for k in theirs if k not in mine and not k.startswith(("general.size", "general.sampling", "general.finetune", "general.basename", "tokenizer.ggml.unknown"))]
    different = [k for k in theirs if k in mine and mine[k] != theirs[k] and k not in ("general.name",)]
    check(not missing and not different,
          f"missing {missing}, different {[(k, str(mine[k])[:60], str(theirs[k])[:60]) for k in different]}")
    return f"{len(mine)} keys, all of the converter's that matter equal; ours alone: {sorted(set(mine) - set(theirs))}"


@case("ggml4j to llama.cpp", "tensors as the converter writes them", LLAMA)
def converter_tensors(tools):
    import gguf

    for dtype in FLOATS:
        mine = {t.name: t for t in gguf.GGUFReader(ours(tools, dtype)).tensors}
        theirs = {t.name: t for t in gguf.GGUFReader(converted(tools, dtype)).tensors}
        check(set(mine) == set(theirs), f"{dtype}: {sorted(set(mine) ^ set(theirs))}")
        for name, tensor in theirs.items():
            other = mine[name]
            check(other.tensor_type == tensor.tensor_type, f"{dtype}: {name} is {other.tensor_type.name}, the converter's {tensor.tensor_type.name}")
            check(np.array_equal(other.data, tensor.data), f"{dtype}: {name} has other bits")
    return f"{len(mine)} tensors in each of {', '.join(FLOATS)} equal"


def text_case(dtype):
    @case("ggml4j to llama.cpp", f"{dtype}: greedy text of llama-completion", LLAMA)
    def run(tools):
        file = ours(tools, dtype)
        prompt = "Once upon a time there was a king"
        text = tools.run([tools.llama_bin / "llama-completion", "-m", file, "-p", prompt, "-n", "16", "--temp", "0", "-no-cnv",
                          "--no-warmup", "-t", "1", "--seed", "1", "--no-display-prompt", "-lv", "1", "-c", "128"], env=tools.llama_environment())
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        mine = tools.ggml4j.command("generate", "--model", file, "--prompt", prompt, "--max-new-tokens", "16", "--greedy", "--json")
        return compare_text(text, mine, prompt)


def compare_text(theirs, mine, prompt):
    continued = json.loads(mine.splitlines()[0])["text"]
    continued = continued[len(prompt):] if continued.startswith(prompt) else continued
    start = continued.strip()[:20]
    check(start and start in theirs, f"ggml4j {continued!r}, llama.cpp {theirs[-200:]!r}")
    return f"both write {continued.strip()[:40]!r}"


for dtype in ("f32", "f16", "q8_0", "q4_k_m"):
    text_case(dtype)


@case("ggml4j to llama.cpp", "tokens of llama-tokenize", LLAMA)
def tokenize(tools):
    file = ours(tools, "f16")
    count = 0
    for text in fixtures.TEXTS:
        if not text:
            continue
        source = tools.work / "tokenize.txt"
        source.write_bytes(text.encode())
        out = tools.run([tools.llama_bin / "llama-tokenize", "-m", file, "-f", source, "--ids", "--no-bos", "--log-disable"])
        theirs = json.loads(re.search(r"\[[\d, ]*\]", out)[0])
        mine = tools.ggml4j.encode(file, text)
        check(mine == theirs, f"{text[:20]!r} is {mine[:12]}, llama.cpp {theirs[:12]}")
        count += len(theirs)
    return f"{count} tokens equal"


@case("llama.cpp to ggml4j", "a file of llama-quantize", LLAMA)
def quantized_by_llama(tools):
    file = tools.work / "llama-q4_k_m.gguf"
    tools.llama("llama-quantize", converted(tools, "f32"), file, "q4_k_m", "1")
    ids = tokens(tools)
    measured = difference(tools.ggml4j.logits(file, ids), tools.ggml4j.logits(ours(tools, "q4_k_m"), ids), 0)
    return f"as ours: {measured}"


@case("llama.cpp to ggml4j", "an old file: version 2, no tokenizer.ggml.pre, output.weight beside token_embd.weight", LLAMA)
def old(tools):
    import gguf

    reader = gguf.GGUFReader(converted(tools, "f16"))
    file = tools.work / "old.gguf"
    writer = gguf.GGUFWriter(file, "gpt2")
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "tokenizer.ggml.pre"):
            continue
        inner = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        if tensor.name == "token_embd.weight":
            writer.add_tensor("output.weight", tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    data = bytearray(file.read_bytes())
    data[4:8] = (2).to_bytes(4, "little")
    file.write_bytes(data)
    ids = tokens(tools)
    measured = difference(tools.ggml4j.logits(file, ids), tools.ggml4j.logits(converted(tools, "f16"), ids), 0)
    theirs = tools.ggml4j.encode(converted(tools, "f16"), fixtures.TEXTS[2])
    check(tools.ggml4j.encode(file, fixtures.TEXTS[2]) == theirs, "other tokens")
    return measured


@case("llama.cpp to ggml4j", "version 1 and big-endian are refused by name", LLAMA)
def refused(tools):
    good = converted(tools, "f16").read_bytes()[:4096]
    messages = []
    for name, change in (("version 1", good[:4] + (1).to_bytes(4, "little") + good[8:]), ("big-endian", good[:4] + (3).to_bytes(4, "big") + good[8:])):
        file = tools.work / "refused.gguf"
        file.write_bytes(change)
        messages.append(f"{name}: {tools.ggml4j.refusal('describe', file)}")
        check("version" in messages[-1] or "endian" in messages[-1], messages[-1])
    return "; ".join(messages)
