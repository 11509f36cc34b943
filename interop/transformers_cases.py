"""transformers, safetensors and torch write, ggml4j reads; and the reverse."""
import itertools

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2LMHeadModel
from transformers.activations import ACT2FN

import fixtures
from suite import case, check, difference

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
LIMIT = 2e-5

TRAINED_ACTIVATIONS = ("prelu", "xielu")
# name: (configuration, what else)
CONFIGURATIONS = {
    "3 layers, 5 heads of 16, vocabulary 1003, 77 positions": dict(),
    "n_inner 200": dict(n_inner=200),
    "one layer, one head, width 8": dict(n_layer=1, n_head=1, n_embd=8, vocab_size=61, n_positions=33, bos_token_id=60, eos_token_id=60),
    "head size 7": dict(n_head=3, n_embd=21),
    "head size 128": dict(n_head=2, n_embd=256),
    "scale_attn_by_inverse_layer_idx": dict(scale_attn_by_inverse_layer_idx=True),
    "scale_attn_weights false": dict(scale_attn_weights=False),
    "reorder_and_upcast_attn": dict(reorder_and_upcast_attn=True, scale_attn_by_inverse_layer_idx=True),
    "layer_norm_epsilon 1e-2": dict(layer_norm_epsilon=1e-2),
    "separate head": dict(tie_word_embeddings=False),
    **{f"activation {name}": dict(activation_function=name)
       for name in ACT2FN if name not in TRAINED_ACTIVATIONS},
}


def configuration_case(name, values):
    @case("transformers to ggml4j", name)
    def run(tools):
        configuration = fixtures.config(**values)
        made = fixtures.model(1, configuration)
        folder = tools.folder("configuration")
        made.save_pretrained(folder)
        tokens = fixtures.ids(configuration, configuration.n_positions)
        expected = fixtures.reference(folder, tokens)
        whole = difference(tools.ggml4j.logits(folder, tokens), expected, LIMIT)
        steps = difference(tools.ggml4j.logits(folder, tokens, "step"), expected, LIMIT, "by the cache")
        return f"{whole}, {steps}"


for name, values in CONFIGURATIONS.items():
    configuration_case(name, values)


@case("transformers to ggml4j", "activations with weights of their own are refused by name")
def activations(tools):
    for name in TRAINED_ACTIVATIONS:
        folder = tools.folder("activation")
        fixtures.model(1, fixtures.config(activation_function=name)).save_pretrained(folder)
        message = tools.ggml4j.refusal("describe", folder)
        check(f"activation_function is {name}" in message and "trained weight" in message, message)
    return ", ".join(TRAINED_ACTIVATIONS)


def storage_case(form, dtype, prefix, separate, shards, buffers):
    parts = [form, dtype, "with prefix" if prefix else "without prefix", "separate head" if separate else "tied"]
    parts += [f"{shards} shards"] if shards > 1 else []
    parts += [f"{str(buffers).removeprefix('torch.')} masks"] if buffers is not None else []

    @case("transformers to ggml4j", ", ".join(parts))
    def run(tools):
        made = fixtures.model(2, fixtures.config(tie_word_embeddings=not separate))
        tensors = fixtures.state(made, DTYPES[dtype], prefix, buffers=buffers)
        folder = tools.folder(" ".join(parts))
        fixtures.write_config(folder, made)
        if form == "safetensors":
            fixtures.save_safetensors(folder, tensors, shards)
        else:
            fixtures.save_torch(folder, tensors, shards, zipped=form == "zip")
        # transformers' own reading of these numbers: a model loaded from the same tensors
        made.load_state_dict({k if k.startswith(("transformer.", "lm_head")) else "transformer." + k: v.float()
                              for k, v in tensors.items() if not k.endswith((".attn.bias", ".masked_bias"))}, strict=False)
        tokens = fixtures.ids(made.config)
        return difference(tools.ggml4j.logits(folder, tokens), fixtures.logits(made, tokens), LIMIT)


for form, dtype, prefix, separate in itertools.product(("safetensors", "zip", "legacy"), DTYPES, (True, False), (False, True)):
    storage_case(form, dtype, prefix, separate, 1, None)
for form in ("safetensors", "zip", "legacy"):
    for buffers in (torch.float32, torch.float16, torch.uint8, torch.bool):
        storage_case(form, "f32", True, False, 1, buffers)
    for dtype in DTYPES:
        storage_case(form, dtype, True, True, 4, torch.float32 if form != "safetensors" else None)


@case("transformers to ggml4j", "save_pretrained in shards of 200 kB")
def shards(tools):
    made = fixtures.model(3, fixtures.config())
    folder = tools.folder("save_pretrained_shards")
    made.save_pretrained(folder, max_shard_size="200KB")
    check((folder / "model.safetensors.index.json").exists(), "transformers wrote no index")
    tokens = fixtures.ids(made.config)
    return difference(tools.ggml4j.logits(folder, tokens), fixtures.logits(made, tokens), LIMIT)


@case("transformers to ggml4j", "a state dictionary with shared storage, tied head and views")
def shared(tools):
    made = fixtures.model(4, fixtures.config())
    folder = tools.folder("shared")
    fixtures.write_config(folder, made)
    tensors = dict(made.state_dict())
    flat = torch.randn(100_000)
    length = tensors["transformer.h.0.mlp.c_fc.weight"].numel()
    with torch.no_grad():  # rows of a larger storage, and a transposed view
        flat[7 : 7 + length] = tensors["transformer.h.0.mlp.c_fc.weight"].flatten()
    tensors["transformer.h.0.mlp.c_fc.weight"] = flat[7 : 7 + length].view(80, 320)
    turned = tensors["transformer.h.1.attn.c_proj.weight"].t().contiguous().t()
    check(not turned.is_contiguous(), "not a view")
    tensors["transformer.h.1.attn.c_proj.weight"] = turned
    expected = fixtures.logits(made, fixtures.ids(made.config))
    measured = []
    for zipped in (True, False):
        torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        measured.append(difference(tools.ggml4j.logits(folder, fixtures.ids(made.config)), expected, LIMIT))
    return "; ".join(measured)


@case("transformers to ggml4j", "parameters, an ordered dictionary with metadata, as nn.Module.state_dict gives it")
def parameters(tools):
    made = fixtures.model(5, fixtures.config())
    folder = tools.folder("parameters")
    fixtures.write_config(folder, made)
    expected = fixtures.logits(made, fixtures.ids(made.config))
    measured = []
    for tensors in (made.state_dict(), {k: torch.nn.Parameter(v) for k, v in made.state_dict().items()}):
        for zipped in (True, False):
            torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
            measured.append(difference(tools.ggml4j.logits(folder, fixtures.ids(made.config)), expected, LIMIT))
    return "; ".join(measured)


@case("transformers to ggml4j", "a pickle that runs code is refused")
def hostile(tools):
    class Call:
        def __reduce__(self):
            return (open, (str(tools.work / "ran"), "w"))

    made = fixtures.model(5, fixtures.config())
    folder = tools.folder("hostile")
    fixtures.write_config(folder, made)
    messages = []
    for zipped in (True, False):
        torch.save({**fixtures.state(made), "x": Call()}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        message = tools.ggml4j.refusal("describe", folder)
        check("open" in message and not (tools.work / "ran").exists(), message)
        messages.append(message)
    return messages[0][-160:]


def ours_case(dtype, values, name):
    @case("ggml4j to transformers", f"{dtype}, {name}", )
    def run(tools):
        made = fixtures.model(6, fixtures.gpt2_vocabulary(**values))
        source, target = tools.folder("source"), tools.folder("ours " + dtype + name)
        made.save_pretrained(source)
        tools.ggml4j.ask("tokenizer", source)
        tools.ggml4j.command("convert", "--model", source, "--output", target, "--type", dtype)
        tensors = load_file(target / "model.safetensors")
        for key, weight in fixtures.state(made, DTYPES[dtype], prefix=False).items():
            found = tensors.get(key, tensors.get("transformer." + key))
            check(found is not None, f"{key} is missing")
            check(found.dtype == weight.dtype and torch.equal(found, weight), f"{key} is not torch's rounding")
        with safe_open(target / "model.safetensors", "pt") as file:
            check(file.metadata() == {"format": "pt"}, f"metadata {file.metadata()}")
        tokens = fixtures.ids(made.config)
        expected = fixtures.reference(target, tokens)
        measured = difference(tools.ggml4j.logits(target, tokens), expected, LIMIT)
        loaded, info = GPT2LMHeadModel.from_pretrained(target, output_loading_info=True)
        check(not any(info[k] for k in info), f"transformers says {info}")
        check(loaded.dtype == DTYPES[dtype], f"transformers loads {loaded.dtype}")
        for key, value in made.config.to_dict().items():
            other = loaded.config.to_dict().get(key)
            check(other == value or key in ("dtype", "_name_or_path", "transformers_version"), f"{key} is {other}, was {value}")
        return f"{len(tensors)} tensors bit-equal, {measured}"


for dtype in DTYPES:
    ours_case(dtype, {}, "tied")
ours_case("f32", dict(tie_word_embeddings=False), "separate head")
ours_case("f32", dict(n_inner=100, activation_function="relu", scale_attn_by_inverse_layer_idx=True), "odd")


def same_tokens(tools, model, tokenizer):
    count = 0
    for text in fixtures.TEXTS:
        theirs = tokenizer(text)["input_ids"]
        ours = tools.ggml4j.encode(model, text)
        check(ours == theirs, f"{text[:20]!r} is {ours[:12]}, transformers {theirs[:12]}")
        if theirs:
            decoded = tokenizer.decode(theirs, clean_up_tokenization_spaces=False)
            check(tools.ggml4j.decode(model, theirs) == decoded, f"{theirs[:12]} decoded differently from {decoded[:20]!r}")
        count += len(theirs)
    return f"{count} tokens of {len(fixtures.TEXTS)} texts equal"


@case("ggml4j to transformers", "the tokenizer of a saved folder")
def tokenizer(tools):
    made = fixtures.model(6, fixtures.gpt2_vocabulary())
    source, target = tools.folder("source"), tools.folder("tokenizer")
    made.save_pretrained(source)
    tools.ggml4j.ask("tokenizer", source)
    tools.ggml4j.ask("save", source, target, "f16")
    loaded = AutoTokenizer.from_pretrained(target)
    check("GPT2" in type(loaded).__name__, type(loaded).__name__)
    check(loaded.eos_token_id == 50256 and len(loaded) == 50257, f"end {loaded.eos_token_id} of {len(loaded)}")
    return type(loaded).__name__ + ", " + same_tokens(tools, target, loaded)


@case("ggml4j to transformers", "a folder from a GGUF file: logits and tokenizer")
def from_gguf(tools):
    made = fixtures.model(6, fixtures.gpt2_vocabulary())
    source, file, target = tools.folder("source"), tools.work / "from.gguf", tools.folder("from_gguf")
    made.save_pretrained(source)
    tools.ggml4j.ask("tokenizer", source)
    tools.ggml4j.command("convert", "--model", source, "--output", file, "--type", "f32")
    tools.ggml4j.command("convert", "--model", file, "--output", target, "--type", "f32")
    tokens = fixtures.ids(made.config)
    measured = difference(fixtures.reference(target, tokens), fixtures.logits(made, tokens), LIMIT)
    return measured + ", " + same_tokens(tools, target, AutoTokenizer.from_pretrained(target))


@case("transformers to ggml4j", "a tokenizer of its own vocabulary, saved in each form")
def own_tokenizer(tools):
    import tokenizers
    from transformers import GPT2Tokenizer

    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator(fixtures.TEXTS * 20, vocab_size=600, min_frequency=2, special_tokens=["<|endoftext|>", "<pad>"])
    raw = tools.folder("tokenizer_raw")
    trained.save_model(str(raw))
    loaded = GPT2Tokenizer.from_pretrained(raw)
    loaded.add_special_tokens({"pad_token": "<pad>", "additional_special_tokens": ["<user>"]})
    loaded.add_tokens([" golden balls", "wörld"])
    saved = tools.folder("tokenizer_saved")
    loaded.save_pretrained(saved)
    measured = [f"{sorted(p.name for p in folder.iterdir())}: {same_tokens(tools, folder, AutoTokenizer.from_pretrained(folder) if folder is saved else GPT2Tokenizer.from_pretrained(folder))}"
                for folder in (raw, saved)
                if not fixtures.write_config(folder, fixtures.model(1, fixtures.config()))
                and not fixtures.save_safetensors(folder, fixtures.state(fixtures.model(1, fixtures.config())))]
    return "; ".join(measured)


def published_size_case(name, layers, heads, width, large):
    @case("transformers to ggml4j", f"GPT-2 {name}, F32 and F16", large=large)
    def run(tools):
        torch.set_num_threads(2)
        configuration = fixtures.gpt2_vocabulary(n_positions=1024, n_layer=layers, n_head=heads, n_embd=width)
        made = fixtures.model(9, configuration)
        folder = tools.folder("size " + name)
        tokens = fixtures.ids(configuration, 64)
        measured = []
        for dtype in ("f32", "f16"):
            made.to(DTYPES[dtype]).save_pretrained(folder)
            expected = fixtures.logits(made.float(), tokens)
            measured.append(difference(tools.ggml4j.logits(folder, tokens), expected, 5e-5, dtype))
        (folder / "model.safetensors").unlink()
        torch.set_num_threads(1)
        return ", ".join(measured)


published_size_case("124M", 12, 12, 768, False)
published_size_case("355M", 24, 16, 1024, True)
published_size_case("774M", 36, 20, 1280, True)
published_size_case("1558M", 48, 25, 1600, True)
