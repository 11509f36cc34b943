"""Small GPT-2s of every configuration, and the forms in which they are found."""
import json

import torch
import transformers
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(1)

TEXTS = [
    "Once upon a time there was a king's daughter, who'd 3 golden balls.",
    "def f(x):\n\treturn  x ** 2   # héllo wörld\r\n",
    "日本語 и русский, emoji: 👩‍👩‍👧 \U0001f600\u00a0\u200b end  ",
    "<|endoftext|>The sea<|endoftext|>",
    "",
    " ",
    "a" * 300 + "\n\n\n" + "1234567890" * 5,
]


def config(**more):
    defaults = dict(vocab_size=1003, n_positions=77, n_embd=80, n_layer=3, n_head=5, n_ctx=77, bos_token_id=1002, eos_token_id=1002)
    if "n_positions" in more:
        more.setdefault("n_ctx", more["n_positions"])
    return GPT2Config(**{**defaults, **more})


def gpt2_vocabulary(**more):
    """A narrow model with GPT-2's own vocabulary."""
    return config(**{**dict(vocab_size=50257, n_positions=128, n_embd=64, n_layer=2, n_head=4, bos_token_id=50256, eos_token_id=50256), **more})


def model(seed, configuration):
    """Random weights, vectors too, of a size that makes logits of about 1."""
    torch.manual_seed(seed)
    made = GPT2LMHeadModel(configuration).eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if weight.dim() == 1:
                weight.copy_(torch.randn_like(weight) * 0.1 + (1.0 if "ln_" in name and name.endswith("weight") else 0.0))
            else:
                weight.copy_(torch.randn_like(weight) * 1.2 / configuration.n_embd**0.5)
    return made


def ids(configuration, count=None, seed=5):
    generator = torch.Generator().manual_seed(seed)
    count = count or min(configuration.n_positions, 60)
    return torch.randint(0, configuration.vocab_size, (count,), generator=generator).tolist()


def logits(made, tokens):
    with torch.no_grad():
        return made(torch.tensor([tokens])).logits[0].float().numpy()


def reference(folder, tokens):
    """transformers' logits of a folder, in float32, whatever it is stored in."""
    made, info = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    missing = [name for name in info["missing_keys"]]
    assert not missing, f"transformers misses {missing}"
    return logits(made.eval(), tokens)


def state(made, dtype=torch.float32, prefix=True, head=None, buffers=None):
    """A state dictionary as files have it.

    head: None leaves lm_head.weight out where it is tied. buffers: dtype of the causal masks that old files hold, or None.
    """
    tied = made.config.tie_word_embeddings
    result = {}
    for name, weight in made.state_dict().items():
        if name == "lm_head.weight" and tied and head is None:
            continue
        weight = weight.detach().to(dtype).clone()
        result[name if prefix or name.startswith("lm_head") else name.removeprefix("transformer.")] = weight
    if buffers is not None:
        n = made.config.n_positions
        for layer in range(made.config.n_layer):
            stem = ("transformer." if prefix else "") + f"h.{layer}.attn."
            result[stem + "bias"] = torch.tril(torch.ones(n, n)).view(1, 1, n, n).to(buffers)
            result[stem + "masked_bias"] = torch.tensor(-1e4).to(dtype)
    return result


def write_config(folder, made, drop=(), **more):
    values = {**made.config.to_dict(), **more}
    for key in drop:
        values.pop(key, None)
    (folder / "config.json").write_text(json.dumps(values, indent=2))


def save_safetensors(folder, tensors, shards=1):
    if shards == 1:
        save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})
        return
    save_shards(folder, tensors, shards, "model", ".safetensors", "model.safetensors.index.json",
                lambda part, file: save_file({k: v.contiguous() for k, v in part.items()}, file, metadata={"format": "pt"}))


def save_torch(folder, tensors, shards=1, zipped=True):
    write = lambda part, file: torch.save(part, file, _use_new_zipfile_serialization=zipped)
    if shards == 1:
        write(tensors, folder / "pytorch_model.bin")
    else:
        save_shards(folder, tensors, shards, "pytorch_model", ".bin", "pytorch_model.bin.index.json", write)


def save_shards(folder, tensors, shards, stem, suffix, index, write):
    names = list(tensors)
    places = {}
    for i in range(shards):
        file = f"{stem}-{i + 1:05d}-of-{shards:05d}{suffix}"
        part = {name: tensors[name] for name in names[i::shards]}
        places.update(dict.fromkeys(part, file))
        write(part, folder / file)
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    (folder / index).write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": places}, indent=2))
