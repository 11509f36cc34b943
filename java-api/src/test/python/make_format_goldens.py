"""Writes the small model files that the tests of the file formats read.

Needs torch, transformers and safetensors (pip), and gguf as it stands in the pinned llama.cpp
release, whose folder is LLAMA_CPP. Run from the folder java-api:
    PYTHONPATH=$LLAMA_CPP/gguf-py python src/test/python/make_format_goldens.py src/test/resources/golden/formats

All models are one and the same tiny GPT-2, so that a test can compare them with each other;
expected.json holds the sum of each weight in double precision.
"""

import json
import pathlib
import shutil
import sys

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

out = pathlib.Path(sys.argv[1])
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)

SIZES = dict(n_layer=2, n_head=3, n_embd=12, n_inner=20, n_positions=9, vocab_size=23)
IDS = dict(bos_token_id=22, eos_token_id=22)


def model(cls=GPT2LMHeadModel, **more):
    torch.manual_seed(7)
    made = cls(GPT2Config(**SIZES, **IDS, **more))
    for name, parameter in made.named_parameters():
        if parameter.dim() == 1:  # biases are zero and gains one by default: nothing to compare
            torch.nn.init.normal_(parameter, 0.5, 0.1)
    return made


tiny = model()
tiny.save_pretrained(out / "f32")
model().save_pretrained(out / "sharded", max_shard_size="3KB")
model().to(torch.float16).save_pretrained(out / "f16")
model().to(torch.bfloat16).save_pretrained(out / "bf16")
model(tie_word_embeddings=False).save_pretrained(out / "untied")

# As old checkpoints are: no prefix, causal masks among the weights, a sparse config.json.
old = out / "old"
old.mkdir()
weights = {k.removeprefix("transformer."): v.clone() for k, v in tiny.state_dict().items()}
del weights["lm_head.weight"]
for i in range(SIZES["n_layer"]):
    weights[f"h.{i}.attn.bias"] = torch.ones(1, 1, 9, 9, dtype=torch.uint8).tril()
    weights[f"h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
save_file(weights, old / "model.safetensors", metadata={"format": "pt"})
config = dict(
    SIZES, **IDS, n_ctx=9, layer_norm_epsilon=1e-5, architectures=["GPT2LMHeadModel"],
    task_specific_params={"text-generation": {"do_sample": True, "max_length": 50}})
(old / "config.json").write_text(json.dumps(config))

expected = {
    name.removeprefix("transformer."): float(value.double().sum())
    for name, value in tiny.state_dict().items()
    if name != "lm_head.weight"
}
(out / "expected.json").write_text(json.dumps(expected, indent=1))

# Every dtype, a scalar and an empty tensor, with metadata; laid out by the reference library.
types = dict(
    b=torch.bool, u8=torch.uint8, i8=torch.int8, i16=torch.int16, i32=torch.int32, i64=torch.int64,
    u16=torch.uint16, u32=torch.uint32, u64=torch.uint64, f16=torch.float16, bf16=torch.bfloat16,
    f32=torch.float32, f64=torch.float64)
tensors = {name: torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype) for name, dtype in types.items()}
tensors["scalar"] = torch.tensor(2.5)
tensors["empty"] = torch.zeros(3, 0)
tensors["gr\u00fc\u00dfe \u732b \U0001f600 \"\\"] = torch.tensor([1.0])
save_file(tensors, out / "types.safetensors", metadata={"format": "pt"})

# config.json as the library prints it, for several settings.
configs = {
    "gpt2": GPT2Config(),
    "medium": GPT2Config(n_embd=1024, n_layer=24, n_head=16),
    "odd": GPT2Config(
        n_layer=3, n_head=5, n_embd=80, n_inner=77, vocab_size=1003, n_positions=77,
        activation_function="relu", layer_norm_epsilon=1e-6, resid_pdrop=0.0, embd_pdrop=0.25,
        attn_pdrop=1e-7, tie_word_embeddings=False, scale_attn_by_inverse_layer_idx=True,
        reorder_and_upcast_attn=True, bos_token_id=None, eos_token_id=1, pad_token_id=2,
        label2id={"gut": 0, "schlecht \u2603": 1}, extra={"deep": [1, 2.5, None, [], {}]}),
}
for name, value in configs.items():
    (out / f"config-{name}.json").write_text(value.to_json_string())

# The same model as GGUF, in the names that llama.cpp uses.
NAMES = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
PARTS = {
    "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


def gguf_name(name):
    base, kind = name.rsplit(".", 1)
    if base.startswith("h."):
        _, layer, part = base.split(".", 2)
        return f"blk.{layer}.{PARTS[part]}.{kind}"
    return f"{NAMES[base]}.{kind}"


def write_gguf(path, quantize):
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_block_count(SIZES["n_layer"])
    writer.add_context_length(SIZES["n_positions"])
    writer.add_embedding_length(SIZES["n_embd"])
    writer.add_feed_forward_length(SIZES["n_inner"])
    writer.add_head_count(SIZES["n_head"])
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    tokens = [chr(ord("a") + i) for i in range(20)] + ["ab", "\u0120a", "<|endoftext|>"]
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 22 + [gguf.TokenType.CONTROL])
    writer.add_token_merges(["a b", "\u0120 a"])
    writer.add_bos_token_id(22)
    writer.add_eos_token_id(22)
    for name, value in tiny.state_dict().items():
        if name == "lm_head.weight":
            continue
        name = name.removeprefix("transformer.")
        array = value.numpy()
        if array.ndim == 2 and "." in name and name.startswith("h."):
            array = np.ascontiguousarray(array.T)
        writer.add_tensor(gguf_name(name), quantize(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_gguf(out / "f32.gguf", lambda a: a)
write_gguf(out / "f16.gguf", lambda a: a.astype(np.float16) if a.ndim == 2 else a)

# Every metadata type, and one tensor of each quantized type that the gguf package can write.
writer = gguf.GGUFWriter(out / "types.gguf", "test")
writer.add_custom_alignment(64)
writer.add_uint8("u8", 255)
writer.add_int8("i8", -128)
writer.add_uint16("u16", 65535)
writer.add_int16("i16", -32768)
writer.add_uint32("u32", 4294967295)
writer.add_int32("i32", -2147483648)
writer.add_uint64("u64", 18446744073709551615)
writer.add_int64("i64", -9223372036854775808)
writer.add_float32("f32", 0.1)
writer.add_float64("f64", 0.1)
writer.add_bool("bool", True)
writer.add_string("string", "gr\u00fc\u00dfe \u732b \U0001f600")
writer.add_array("strings", ["a", "", "\u732b"])
writer.add_array("ints", [1, -2, 3])
writer.add_array("floats", [0.5, -1.5])
writer.add_array("flags", [True, False])
rng = np.random.default_rng(3)
sizes = {}
for quantized in gguf.GGMLQuantizationType:
    block, size = gguf.GGML_QUANT_SIZES[quantized]
    sizes[quantized.name] = [int(quantized), block, size]
    if block > 1:
        raw = rng.integers(0, 256, (2, size), dtype=np.uint8)
        writer.add_tensor(f"t.{quantized.name}", raw, raw_dtype=quantized)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
(out / "ggml_types.json").write_text(json.dumps(sizes, indent=1))
for path in out.rglob("generation_config.json"):
    path.unlink()
