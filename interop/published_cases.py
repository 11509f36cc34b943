"""Folders that look like the published ones: their files, names, types and the oddities of their configurations."""
import json
import struct

import numpy as np
import torch
from transformers import AutoTokenizer

import fixtures
from suite import case, check, difference
from transformers_cases import DTYPES, LIMIT, same_tokens

# What the published config.json files have beside the sizes
COMMON = dict(activation_function="gelu_new", architectures=["GPT2LMHeadModel"], attn_pdrop=0.1, bos_token_id=50256, embd_pdrop=0.1,
              eos_token_id=50256, initializer_range=0.02, layer_norm_epsilon=1e-05, model_type="gpt2", resid_pdrop=0.1,
              summary_activation=None, summary_first_dropout=0.1, summary_proj_to_labels=True, summary_type="cls_index",
              summary_use_proj=True, vocab_size=50257)
TASK = dict(task_specific_params={"text-generation": {"do_sample": True, "max_length": 50}})
TOKENIZER_CONFIG = {"model_max_length": 1024}
SPECIAL = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}


def small(tools, **more):
    return tools.once(("small", *more.items()), lambda: fixtures.model(31, fixtures.gpt2_vocabulary(**more)))


def sizes(made):
    c = made.config
    return dict(n_ctx=c.n_positions, n_embd=c.n_embd, n_head=c.n_head, n_layer=c.n_layer, n_positions=c.n_positions)


def tokenizer_files(tools, folder, names, merges_as_lists=False):
    """Some of the files that GPT-2's tokenizer comes in, the oldest forms where there are several."""

    def make():
        source = tools.folder("gpt2 tokenizer")
        tools.ggml4j.ask("tokenizer", source)
        return source

    source = tools.once("gpt2 tokenizer", make)
    for name in names:
        if name in ("vocab.json", "merges.txt"):
            (folder / name).write_bytes((source / name).read_bytes())
        elif name == "tokenizer.json":
            vocabulary = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
            merges = [line for line in (source / "merges.txt").read_text(encoding="utf-8").split("\n") if line and not line.startswith("#version")]
            (folder / name).write_text(json.dumps({
                "version": "1.0", "truncation": None, "padding": None,
                "added_tokens": [{"id": 50256, "special": True, "content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}],
                "normalizer": None,
                "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
                "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False},
                "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
                "model": {"dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                          "vocab": vocabulary, "merges": [m.split(" ") for m in merges] if merges_as_lists else merges},
            }, ensure_ascii=merges_as_lists), encoding="utf-8")
        elif name == "tokenizer_config.json":
            (folder / name).write_text(json.dumps(TOKENIZER_CONFIG))
        elif name == "special_tokens_map.json":
            (folder / name).write_text(json.dumps(SPECIAL))


def prove(tools, folder, made, tokenizer=True, limit=LIMIT):
    ids = fixtures.ids(made.config)
    measured = difference(tools.ggml4j.logits(folder, ids), fixtures.logits(made, ids), limit)
    tools.ggml4j.command("summary", "--model", folder)
    if tokenizer:
        measured += ", " + same_tokens(tools, folder, AutoTokenizer.from_pretrained(folder))
    return measured


@case("published", "gpt2: safetensors without prefix, float32 masks, tokenizer in both forms")
def gpt2(tools):
    made, folder = small(tools), tools.folder("gpt2")
    (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), **TASK}))
    tensors = {k: v for k, v in fixtures.state(made, prefix=False, buffers=torch.float32).items() if "masked_bias" not in k}
    fixtures.save_safetensors(folder, tensors)
    (folder / "generation_config.json").write_text(json.dumps({"bos_token_id": 50256, "eos_token_id": 50256, "transformers_version": "4.26.0.dev0", "_from_model_config": True}))
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"))
    return prove(tools, folder, made)


@case("published", "gpt2 before safetensors: legacy pytorch_model.bin without prefix, vocab.json and merges.txt alone")
def gpt2_old(tools):
    made, folder = small(tools), tools.folder("gpt2-old")
    (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), **TASK}))
    fixtures.save_torch(folder, {k: v for k, v in fixtures.state(made, prefix=False, buffers=torch.float32).items() if "masked_bias" not in k}, zipped=False)
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt"))
    return prove(tools, folder, made)


@case("published", "gpt2-medium, gpt2-large and gpt2-xl: n_special, predict_special_tokens, output_past")
def gpt2_medium(tools):
    made, folder = small(tools), tools.folder("gpt2-medium")
    (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), **TASK, "n_special": 0, "predict_special_tokens": True, "output_past": True}))
    fixtures.save_safetensors(folder, fixtures.state(made, prefix=False, buffers=torch.float32))
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"))
    return prove(tools, folder, made)


@case("published", "distilgpt2: prefix, masks, labels in the configuration")
def distilgpt2(tools):
    made, folder = small(tools), tools.folder("distilgpt2")
    (folder / "config.json").write_text(json.dumps({"_num_labels": 1, **COMMON, **sizes(made), **TASK, "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}))
    fixtures.save_safetensors(folder, fixtures.state(made, buffers=torch.float32))
    (folder / "generation_config.json").write_text(json.dumps({"_from_model_config": True, "bos_token_id": 50256, "eos_token_id": 50256, "transformers_version": "4.21.0.dev0"}))
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"))
    return prove(tools, folder, made)


@case("published", "DialoGPT: float16 pytorch_model.bin with lm_head.weight and float16 masks, no tokenizer.json")
def dialogpt(tools):
    made, folder = small(tools), tools.folder("DialoGPT")
    (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), "task_specific_params": {"conversational": {"max_length": 1000}}}))
    tensors = fixtures.state(made, torch.float16, head=True, buffers=torch.float16)
    half = fixtures.model(31, made.config)
    half.load_state_dict({k: v.float() for k, v in tensors.items() if not k.endswith((".attn.bias", "masked_bias"))})
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer_config.json"))
    measured = []
    for zipped in (False, True):
        fixtures.save_torch(folder, tensors, zipped=zipped)
        measured.append(prove(tools, folder, half))
    (folder / "generation_config.json").write_text(json.dumps({"_from_model_config": True, "bos_token_id": 50256, "eos_token_id": 50256, "transformers_version": "4.27.0.dev0"}))
    return "; ".join(measured + [prove(tools, folder, half, False)])


@case("published", "microsoft's medium_ft.pkl: lm_head.decoder.weight")
def dialogpt_original(tools):
    made, folder = small(tools), tools.folder("DialoGPT-original")
    (folder / "config.json").write_text(json.dumps({"initializer_range": 0.02, "layer_norm_epsilon": 1e-05, **sizes(made), "vocab_size": 50257}))
    tensors = fixtures.state(made, torch.float16, head=True)
    tensors["lm_head.decoder.weight"] = tensors.pop("lm_head.weight")
    fixtures.save_torch(folder, tensors, zipped=False)
    half = fixtures.model(31, made.config)
    half.load_state_dict({k: v.float() for k, v in tensors.items() if "decoder" not in k}, strict=False)
    return prove(tools, folder, half, False)


@case("published", "Xenova and onnx-community: a folder with ONNX files alone is refused by name; its tokenizer reads")
def onnx(tools):
    made, folder = small(tools), tools.folder("onnx")
    (folder / "config.json").write_text(json.dumps({"_name_or_path": "gpt2", **COMMON, **sizes(made), "n_inner": None, **TASK, "use_cache": True,
                                                    "reorder_and_upcast_attn": False, "scale_attn_by_inverse_layer_idx": False, "scale_attn_weights": True,
                                                    "transformers_version": "4.30.0.dev0"}))
    (folder / "onnx").mkdir(exist_ok=True)
    (folder / "onnx" / "model.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    (folder / "quantize_config.json").write_text("{}")
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer.json", "special_tokens_map.json"), merges_as_lists=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"add_prefix_space": False, **SPECIAL, "clean_up_tokenization_spaces": True, "model_max_length": 1024, "tokenizer_class": "GPT2Tokenizer"}))
    message = tools.ggml4j.refusal("describe", folder)
    check("onnx" in message.lower(), message)
    mine = tools.ggml4j.command("tokenize", "--model", folder, stdin=fixtures.TEXTS[0])
    theirs = AutoTokenizer.from_pretrained(folder)(fixtures.TEXTS[0])["input_ids"]
    check(mine.split() == [str(i) for i in theirs], f"{mine}, transformers {theirs}")
    return message[:200]


@case("published", "safetensors beside ONNX, TensorFlow, Flax and Rust files, special tokens as objects")
def everything(tools):
    made, folder = small(tools), tools.folder("everything")
    (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), **TASK, "torch_dtype": "float32"}))
    fixtures.save_safetensors(folder, fixtures.state(made))
    for name in ("tf_model.h5", "flax_model.msgpack", "rust_model.ot", "64.tflite", "pytorch_model.bin"):
        (folder / name).write_bytes(b"not looked at")
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer.json"), merges_as_lists=True)
    token = {"content": "<|endoftext|>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    (folder / "special_tokens_map.json").write_text(json.dumps({**dict.fromkeys(SPECIAL, token), "pad_token": "<|endoftext|>"}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": {"50256": {**token, "special": True}}, "bos_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": True, "eos_token": "<|endoftext|>", "errors": "replace", "model_max_length": 1024, "pad_token": "<|endoftext|>",
        "tokenizer_class": "GPT2Tokenizer", "unk_token": "<|endoftext|>"}))
    return prove(tools, folder, made)


@case("published", "a model with further heads: GPT2DoubleHeadsModel, classifiers")
def heads(tools):
    made, folder = small(tools), tools.folder("heads")
    measured = []
    for extra in ({"multiple_choice_head.summary.weight": torch.ones(1, 64), "multiple_choice_head.summary.bias": torch.ones(1)}, {"score.weight": torch.ones(2, 64)}):
        for save in (fixtures.save_safetensors, fixtures.save_torch):
            for path in list(folder.iterdir()):
                path.unlink()
            (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), "architectures": ["GPT2ForSequenceClassification"], "num_labels": 2}))
            save(folder, {**fixtures.state(made), **extra})
            measured.append(prove(tools, folder, made, False))
    return "; ".join(measured)


@case("published", "a vocabulary padded to 50304, as nanoGPT trains, and one with added tokens")
def padded(tools):
    measured = []
    for vocabulary, added in ((50304, []), (50259, ["<pad>", "<|user|>"])):
        made, folder = small(tools, vocab_size=vocabulary), tools.folder(f"padded {vocabulary}")
        (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), "vocab_size": vocabulary}))
        fixtures.save_safetensors(folder, fixtures.state(made))
        tokenizer_files(tools, folder, ("vocab.json", "merges.txt", "tokenizer_config.json"))
        if added:
            (folder / "added_tokens.json").write_text(json.dumps({t: 50257 + i for i, t in enumerate(added)}))
        measured.append(prove(tools, folder, made))
        gguf = tools.work / "padded.gguf"
        tools.ggml4j.command("convert", "--model", folder, "--output", gguf, "--type", "f32")
        ids = fixtures.ids(made.config)
        measured.append("as GGUF " + difference(tools.ggml4j.logits(gguf, ids), fixtures.logits(made, ids), LIMIT))
        if tools.llama_bin and tools.llama_source:
            measured.append("llama.cpp's " + difference(tools.llama_logits(gguf, ids), fixtures.logits(made, ids), tools.exact_limit))
    return "; ".join(measured)


@case("published", "a tokenizer that is not GPT-2's kind: the model loads, the tokenizer is refused by name")
def bert(tools):
    made, folder = small(tools), tools.folder("bert")
    (folder / "config.json").write_text(json.dumps({**COMMON, **sizes(made), "tokenizer_class": "BertTokenizer", "gradient_checkpointing": False}))
    fixtures.save_torch(folder, fixtures.state(made, buffers=torch.uint8))
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\nhello\n")
    measured = prove(tools, folder, made, False)
    message = tools.ggml4j.refusal("encode", folder, folder / "vocab.txt")
    check("tokenizer.json" in message, message)
    return f"{measured}; {message[:160]}"


@case("published", "OpenAI's TensorFlow folder", needs=("tf_python",))
def openai(tools):
    made, folder = small(tools), tools.folder("124M")
    c = made.config
    (folder / "hparams.json").write_text(json.dumps({"n_vocab": c.vocab_size, "n_ctx": c.n_positions, "n_embd": c.n_embd, "n_head": c.n_head, "n_layer": c.n_layer}))
    variables = {}
    for name, weight in fixtures.state(made).items():
        parts = name.removeprefix("transformer.").split(".")
        value = weight.numpy()
        if parts[0] in ("wte", "wpe"):
            variables["model/" + parts[0]] = value
            continue
        parts = ["h" + parts[1]] + parts[2:] if parts[0] == "h" else parts
        norm = parts[-2].startswith("ln_")
        kind = ("g" if norm else "w") if parts[-1] == "weight" else "b"
        variables["model/" + "/".join(parts[:-1] + [kind])] = value[None] if kind == "w" else value
    np.savez(tools.work / "variables.npz", **{k.replace("/", "|"): v for k, v in variables.items()})
    script = """
import sys, numpy, tensorflow as tf
tf.compat.v1.disable_eager_execution()
values = {k.replace("|", "/"): v for k, v in numpy.load(sys.argv[1]).items()}
with tf.compat.v1.Session() as session:
    for name, value in values.items():
        tf.compat.v1.get_variable(name, initializer=value)
    session.run(tf.compat.v1.global_variables_initializer())
    tf.compat.v1.train.Saver().save(session, sys.argv[2] + "/model.ckpt")
"""
    tools.run([tools.tf_python, "-c", script, tools.work / "variables.npz", folder])
    tokenizer_files(tools, folder, ("vocab.json", "merges.txt"))
    (folder / "vocab.json").rename(folder / "encoder.json")
    (folder / "merges.txt").rename(folder / "vocab.bpe")
    measured = prove(tools, folder, made, False)
    found = tools.ggml4j.encode(folder, fixtures.TEXTS[0])
    check(found[:3] == [7454, 2402, 257], f"tokens {found[:3]}")
    return f"{measured}, files {sorted(p.name for p in folder.iterdir())}"


def llmc_case(version, dtype, padded):
    @case("published", f"llm.c's .bin, version {version}")
    def run(tools):
        made = small(tools)
        c = made.config
        full = (c.vocab_size + 127) // 128 * 128 if padded else c.vocab_size
        file = tools.work / f"llmc-{version}.bin"
        tensors = {k.removeprefix("transformer."): v for k, v in fixtures.state(made).items()}
        layers = lambda stem, turn: torch.stack([tensors[f"h.{i}.{stem}"].t() if turn else tensors[f"h.{i}.{stem}"] for i in range(c.n_layer)])
        order = [torch.cat([tensors["wte.weight"], torch.zeros(full - c.vocab_size, c.n_embd)]), tensors["wpe.weight"]]
        for part in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"):
            order += [layers(part + ".weight", ".c_" in part), layers(part + ".bias", False)]
        order += [tensors["ln_f.weight"], tensors["ln_f.bias"]]
        header = [20240326, version, c.n_positions, c.vocab_size, c.n_layer, c.n_head, c.n_embd] + ([full] if padded else [])
        with open(file, "wb") as out:
            out.write(struct.pack("<256i", *header, *[0] * (256 - len(header))))
            for tensor in order:
                stored = tensor.contiguous().to(DTYPES[dtype])
                out.write((stored.view(torch.int16) if dtype == "bf16" else stored).numpy().tobytes())
        other = fixtures.model(31, c)
        other.load_state_dict({k: v.to(DTYPES[dtype]).float() for k, v in other.state_dict().items()})
        ids = fixtures.ids(c)
        measured = difference(tools.ggml4j.logits(file, ids), fixtures.logits(other, ids), LIMIT)
        mine = tools.ggml4j.encode(file, fixtures.TEXTS[0])
        check(mine[:3] == [7454, 2402, 257], f"tokens {mine[:3]}")
        return measured


llmc_case(1, "f32", False)
llmc_case(3, "f32", True)
llmc_case(5, "bf16", True)
