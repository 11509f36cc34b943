#!/usr/bin/env python3
"""Writes the golden model files: small GPT-2s with odd configurations, and what PyTorch and transformers make of them.

    pip install -r requirements.txt
    python make_golden_models.py [--output ../resources/golden/models] [--only NAME]

Everything is seeded and runs in one thread, so a second run writes the same bytes. Each number that a test compares is
checked before it is written: float32 against float64, cached decoding against the whole sequence, the padded batch
against each sequence alone, and generated ids against the same search with disturbed scores, so that a test never
depends on a near tie. The layout of the files is described in ../resources/golden/README.md.
"""

import argparse
import copy
import json
import platform
import shutil
from pathlib import Path

import numpy
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, LogitsProcessor, LogitsProcessorList
from transformers.activations import ACT2FN
from transformers.optimization import get_linear_schedule_with_warmup

MODELS = {
    # name: (seed, configuration, how the file is stored, everything or only the essentials)
    "odd": (11, dict(n_layer=3, n_head=5, n_embd=80, n_inner=200, vocab_size=1003, n_positions=77), {}, True),
    "tiny": (12, dict(n_layer=1, n_head=1, n_embd=8, vocab_size=61, n_positions=33), {}, False),
    "inner-gelu": (
        13,
        dict(n_layer=2, n_head=4, n_embd=36, n_inner=100, vocab_size=131, n_positions=50, activation_function="gelu"),
        {},
        True,
    ),
    "relu-epsilon": (
        14,
        dict(
            n_layer=2, n_head=2, n_embd=32, vocab_size=193, n_positions=40, activation_function="relu",
            layer_norm_epsilon=1e-3,
        ),
        # as the published gpt2 file: no "transformer." before the names, and the causal masks stored as buffers
        dict(prefix="", causal_masks=True),
        False,
    ),
    "untied": (
        15,
        dict(n_layer=2, n_head=3, n_embd=24, vocab_size=151, n_positions=45, tie_word_embeddings=False),
        {},
        True,
    ),
    "inverse-layer": (
        16,
        dict(
            n_layer=4, n_head=2, n_embd=24, vocab_size=101, n_positions=32, activation_function="tanh",
            scale_attn_by_inverse_layer_idx=True,
        ),
        {},
        False,
    ),
    "unscaled-silu": (
        17,
        dict(
            n_layer=2, n_head=6, n_embd=30, vocab_size=89, n_positions=36, activation_function="silu",
            scale_attn_weights=False, reorder_and_upcast_attn=True,
        ),
        {},
        False,
    ),
    "float16": (18, dict(n_layer=2, n_head=2, n_embd=32, vocab_size=211, n_positions=40), dict(dtype="float16"), False),
    "bfloat16": (
        19,
        dict(n_layer=2, n_head=4, n_embd=32, vocab_size=197, n_positions=40, activation_function="quick_gelu"),
        dict(dtype="bfloat16"),
        False,
    ),
    "sharded": (
        20,
        dict(n_layer=3, n_head=3, n_embd=24, vocab_size=103, n_positions=41, activation_function="gelu_pytorch_tanh"),
        dict(max_shard_size="30KB"),
        False,
    ),
    # a function that has no kernel of ours
    "mish": (21, dict(n_layer=2, n_head=2, n_embd=16, vocab_size=71, n_positions=36, activation_function="mish"), {}, False),
}
ACTIVATIONS = [name for name in ACT2FN if name not in ("prelu", "xielu")]  # these two have trained weights
FULL_GRADIENT_LIMIT, FULL_GRADIENT_STRIDE = 6000, 7
GRADIENT_SAMPLES = 256
FINAL_SAMPLES = 64


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    resources = Path(__file__).resolve().parent.parent / "resources" / "golden"
    arguments.add_argument("--output", type=Path, default=resources / "models")
    arguments.add_argument("--only", choices=["activations", *MODELS])
    options = arguments.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    versions = dict(
        torch=torch.__version__.split("+")[0],
        transformers=transformers.__version__,
        safetensors=safetensors.__version__,
        numpy=numpy.__version__,
        python=platform.python_version(),
    )
    print(versions)
    for name in [options.only] if options.only else ["activations", *MODELS]:
        if name == "activations":
            write_activations(options.output.parent / name)
        else:
            write_model(options.output / name, name, versions)


# ---------------------------------------------------------------- models


def write_model(folder, name, versions):
    seed, settings, storage, complete = MODELS[name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_model(folder, random_model(seed, settings), settings, storage)
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    # eager attention cannot reorder and upcast in float64
    twin = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float64, attn_implementation="sdpa").eval()

    golden = dict(versions=versions, seed=seed, parameters=model.num_parameters())
    tensors = {}
    golden["logits"] = write_logits(model, twin, seed, tensors)
    golden["generation"] = generation_cases(model, twin, seed, complete)
    golden["training"] = write_training(folder, model, seed, complete, tensors)

    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "golden.safetensors")
    for file in folder.glob("*.safetensors"):
        file.chmod(0o644)
    (folder / "golden.json").write_text(to_json(golden))
    size = sum(file.stat().st_size for file in folder.iterdir())
    noise = {key: value for key, value in golden["logits"].items() if key.startswith("noise")}
    print(f"{name}: {golden['parameters']} parameters, {size} bytes, logits std {tensors['logits'].std():.2f}, {noise}")


def random_model(seed, settings):
    """Every weight is random, biases and layer norms too, and large enough that a wrong term shows in the logits."""
    vocabulary = settings["vocab_size"]
    config = GPT2Config(
        bos_token_id=vocabulary - 1, eos_token_id=vocabulary - 1, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        **settings,
    )
    model = GPT2LMHeadModel(config)
    generator = torch.Generator().manual_seed(seed)
    for parameter_name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        if ".ln_" in parameter_name and parameter_name.endswith("weight"):
            values = 1 + 0.25 * values
        elif "wte" in parameter_name or "lm_head" in parameter_name:
            values = 0.3 * values
        elif parameter_name.endswith("bias"):
            values = 0.15 * values
        else:
            values = 0.2 * values
        parameter.data = values
    model.tie_weights()
    return model.eval()


def save_model(folder, model, settings, storage):
    dtype = getattr(torch, storage.get("dtype", "float32"))
    model = copy.deepcopy(model).to(dtype)
    if "max_shard_size" in storage:
        model.save_pretrained(folder, max_shard_size=storage["max_shard_size"])
        (folder / "generation_config.json").unlink(missing_ok=True)
        return
    prefix = storage.get("prefix", "transformer.")
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[name.replace("transformer.", prefix)] = parameter.data.contiguous()
    if storage.get("causal_masks"):
        positions = settings["n_positions"]
        for layer in range(settings["n_layer"]):
            mask = torch.ones(positions, positions).tril().view(1, 1, positions, positions)
            tensors[f"{prefix}h.{layer}.attn.bias"] = mask.clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.architectures = ["GPT2LMHeadModel"]
    model.config.dtype = dtype
    model.config.save_pretrained(folder)


def canonical(name):
    return name.removeprefix("transformer.")


def to_json(value):
    """Readable JSON: lists of numbers stand on one line."""

    def lay(item, indent):
        if isinstance(item, dict):
            inner = ",\n".join(f"{indent}  {json.dumps(key)}: {lay(child, indent + '  ')}" for key, child in item.items())
            return "{\n" + inner + "\n" + indent + "}"
        if isinstance(item, list) and item and isinstance(item[0], dict):
            return "[" + ", ".join(lay(child, indent) for child in item) + "]"
        return json.dumps(item)

    return lay(value, "") + "\n"


# ---------------------------------------------------------------- logits


def write_logits(model, twin, seed, tensors):
    config = model.config
    generator = torch.Generator().manual_seed(seed + 100)

    def tokens(*shape):
        return torch.randint(0, config.vocab_size, shape, generator=generator)

    with torch.no_grad():
        prompt = tokens(1, 16)
        logits = model(prompt).logits[0]
        noise = (logits - twin(prompt).logits[0]).abs().max().item()
        decoded = cached_logits(model, prompt)
        check(f"cached decode {(decoded - logits).abs().max():.1e}", (decoded - logits).abs().max() < 1e-4)
        sdpa = copy.deepcopy(model)
        sdpa.set_attn_implementation("sdpa")
        check("sdpa attention", (sdpa(prompt).logits[0] - logits).abs().max() < 1e-4)

        full = tokens(1, config.n_positions)
        full_logits = model(full).logits[0, -1]
        noise_full = (full_logits - twin(full).logits[0, -1]).abs().max().item()

        lengths = [3, 11, 7]
        sequences = [tokens(1, length) for length in lengths]
        padded, mask = left_pad(sequences, config.eos_token_id)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        batch_logits = model(padded, attention_mask=mask, position_ids=positions).logits[:, -1]
        for row, sequence in enumerate(sequences):
            alone = model(sequence).logits[0, -1]
            check("padded row alone", (alone - batch_logits[row]).abs().max() < 1e-4)
        generated = model.generate(
            padded, attention_mask=mask, generation_config=plain(max_new_tokens=1, pad_token_id=config.eos_token_id),
            return_dict_in_generate=True, output_logits=True,
        )
        check("generate's padded logits", (generated.logits[0] - batch_logits).abs().max() < 1e-4)

    tensors["logits"] = logits
    tensors["full_logits"] = full_logits
    tensors["batch_logits"] = batch_logits
    return dict(
        prompt=prompt[0].tolist(),
        full_prompt=full[0].tolist(),
        batch=padded.tolist(),
        batch_attention_mask=mask.tolist(),
        noise=noise,
        noise_full=noise_full,
    )


def cached_logits(model, prompt):
    """The first three tokens at once, the rest one by one through the cache."""
    rows = []
    output = model(prompt[:, :3], use_cache=True)
    rows.extend(output.logits[0])
    for position in range(3, prompt.shape[1]):
        output = model(prompt[:, position : position + 1], past_key_values=output.past_key_values, use_cache=True)
        rows.append(output.logits[0, 0])
    return torch.stack(rows)


def left_pad(sequences, pad):
    width = max(sequence.shape[1] for sequence in sequences)
    padded = torch.full((len(sequences), width), pad)
    mask = torch.zeros(len(sequences), width, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        padded[row, width - sequence.shape[1] :] = sequence
        mask[row, width - sequence.shape[1] :] = 1
    return padded, mask


# ---------------------------------------------------------------- generation


class Disturb(LogitsProcessor):
    """Adds a little noise: a search whose outcome changes under it is too close to a tie for a test."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids, scores):
        return scores + 3e-4 * torch.randn(scores.shape, generator=self.generator)


def plain(**options):
    return GenerationConfig(**(dict(do_sample=False, num_beams=1, use_cache=True) | options))


def generation_cases(model, twin, seed, complete):
    config = model.config
    limit = config.n_positions
    longest = min(30, limit)
    single = [7]
    several = [3, 9, 6]
    # name, prompt lengths, options; "eos" is replaced by a token that the search meets on its way
    cases = [
        ("greedy", single, dict(max_length=longest)),
        ("greedy to the last position", single, dict(max_length=limit)),
        ("greedy with eos", single, dict(max_length=longest, eos_token_id="eos")),
        ("greedy batch with eos", several, dict(max_new_tokens=14, eos_token_id="eos")),
        ("beam 3", single, dict(max_length=20, num_beams=3, num_return_sequences=3)),
        ("beam 4 with eos", single, dict(max_length=20, num_beams=4, num_return_sequences=4, eos_token_id="eos")),
    ]
    if complete:
        beam = dict(max_new_tokens=16, num_beams=4, num_return_sequences=2, eos_token_id="eos")
        cases += [
            ("greedy repetition penalty", single, dict(max_length=longest, repetition_penalty=1.3)),
            ("greedy no repeat ngram", single, dict(max_length=longest, no_repeat_ngram_size=2)),
            ("greedy both penalties batch", several, dict(max_new_tokens=14, repetition_penalty=1.2, no_repeat_ngram_size=3)),
            ("greedy min new tokens", single, dict(max_length=longest, eos_token_id="eos", min_new_tokens=12)),
            ("greedy min length", single, dict(max_length=longest, eos_token_id="eos", min_length=16)),
            ("greedy forced eos", single, dict(max_length=20, forced_eos_token_id=5)),
            ("greedy bad words", single, dict(max_length=longest, bad_words_ids="bad")),
            ("beam 1 of 3 one token", single, dict(max_new_tokens=1, num_beams=3, num_return_sequences=1)),
            ("beam 4 early stopping", single, beam | dict(early_stopping=True)),
            ("beam 4 early stopping never", single, beam | dict(early_stopping="never")),
            ("beam 4 length penalty 2", single, beam | dict(length_penalty=2.0)),
            ("beam 4 length penalty 0", single, beam | dict(length_penalty=0.0)),
            ("beam 4 length penalty -1", single, beam | dict(length_penalty=-1.0)),
            ("beam 4 length penalty 2 never", single, beam | dict(length_penalty=2.0, early_stopping="never")),
            ("beam 4 length penalty 0.5 early stopping", single, beam | dict(length_penalty=0.5, early_stopping=True)),
            ("beam 3 batch", several, dict(max_new_tokens=12, num_beams=3, num_return_sequences=2, eos_token_id="eos")),
            (
                "beam 3 batch early stopping",
                several,
                dict(max_new_tokens=12, num_beams=3, num_return_sequences=3, eos_token_id="eos", early_stopping=True),
            ),
            ("beam 5 two eos", single, beam | dict(num_beams=5, num_return_sequences=5, eos_token_id="two")),
            ("beam 4 repetition penalty", single, beam | dict(repetition_penalty=1.3)),
            ("beam 4 no repeat ngram", single, beam | dict(no_repeat_ngram_size=2)),
            ("beam 4 min length", single, beam | dict(min_length=14)),
            ("beam 4 bad words", single, beam | dict(bad_words_ids="bad")),
            ("beam 3 to the last position", single, dict(max_length=limit, num_beams=3, num_return_sequences=2)),
        ]
    return [robust_case(model, twin, seed * 1000 + index, *case) for index, case in enumerate(cases)]


def robust_case(model, twin, seed, name, lengths, options):
    for attempt in range(200):
        generator = torch.Generator().manual_seed(seed * 1000 + attempt)
        vocabulary = model.config.vocab_size
        sequences = [torch.randint(0, vocabulary, (1, length), generator=generator) for length in lengths]
        pad = vocabulary - 1
        prompt, mask = left_pad(sequences, pad)
        filled = fill(model, prompt, mask, options, pad)
        if filled is None:
            continue
        result = search(model, prompt, mask, filled, pad)
        others = [search(twin, prompt, mask, filled, pad)]
        others += [search(model, prompt, mask, filled, pad, Disturb(trial)) for trial in range(4)]
        if any(other["sequences"] != result["sequences"] for other in others):
            continue
        if "eos_token_id" in filled and not shows_eos(filled, result, prompt.shape[1]):
            continue
        drift = abs(numpy.array(others[0].get("sequences_scores", [0])) - numpy.array(result.get("sequences_scores", [0])))
        check(f"{name}: scores in float64", drift.max() < 1e-4)
        return dict(name=name, prompts=prompt.tolist(), attention_mask=mask.tolist(), options=filled, **result)
    raise AssertionError(f"{name}: no prompt without a near tie in 200")


def fill(model, prompt, mask, options, pad):
    """Puts tokens that the free-running search meets in the place of "eos", "two" and "bad"."""
    free = {key: value for key, value in options.items() if not isinstance(value, str) or key == "early_stopping"}
    width = prompt.shape[1]
    met = [row[width:] for row in search(model, prompt, mask, free, pad)["sequences"]]
    # not in the prompt: an eos there would be met at once, and not at the very beginning
    candidates = [token for row in met for token in row[4:-2] if token != pad]
    if not candidates and len(met[0]) > 1:
        return None
    filled = dict(options)
    for key, value in options.items():
        if value == "eos":
            filled[key] = candidates[len(candidates) // 2]
        elif value == "two":
            if len(set(candidates)) < 2:
                return None
            filled[key] = sorted(set(candidates))[:2]
        elif value == "bad":
            first = met[0]
            filled[key] = [[first[0]], [first[2], first[3]], first[5:8]]
    return filled


def shows_eos(options, result, width):
    eos = options["eos_token_id"]
    eos = set(eos if isinstance(eos, list) else [eos])
    return any(eos & set(row[width:]) for row in result["sequences"])


def search(model, prompt, mask, options, pad, disturb=None):
    with torch.no_grad():
        output = model.generate(
            prompt, attention_mask=mask, generation_config=plain(pad_token_id=pad, **options),
            logits_processor=LogitsProcessorList([disturb] if disturb else []),
            return_dict_in_generate=True, output_scores=True, output_logits=True,
        )
    result = dict(sequences=output.sequences.tolist())
    if options.get("num_beams", 1) > 1:
        result["sequences_scores"] = output.sequences_scores.tolist()
    else:
        # log-probability of each chosen token under the model, before any processor
        chosen = output.sequences[:, prompt.shape[1] :]
        log_probs = torch.stack(output.logits, 1).log_softmax(-1).gather(2, chosen.unsqueeze(-1)).squeeze(-1)
        ends = [generated_length(row, options.get("eos_token_id")) for row in chosen.tolist()]
        result["log_probabilities"] = [row[:end] for row, end in zip(log_probs.tolist(), ends)]
    return result


def generated_length(tokens, eos):
    return tokens.index(eos) + 1 if eos in tokens else len(tokens)


# ---------------------------------------------------------------- training


def write_training(folder, model, seed, complete, tensors):
    config = model.config
    generator = torch.Generator().manual_seed(seed + 200)
    pad = config.eos_token_id
    length = min(19, config.n_positions)
    batches = [random_batch(generator, config.vocab_size, 3, length, pad) for _ in range(5)]
    training = dict(
        batches=[{key: value.tolist() for key, value in batch.items()} for batch in batches],
        gradients=[],
        runs=[],
    )
    for case in ["masked", "lab"] if complete else ["masked"]:
        training["gradients"].append(write_gradients(folder, case, batches[0], tensors))

    adamw = dict(optimizer="adamw", beta1=0.9, beta2=0.999, epsilon=1e-6, weight_decay=0.0)
    schedule = dict(learning_rate=1e-3, warmup_steps=10, total_steps=50, clip_norm=1.0, accumulation=1, padding="masked")
    runs = [dict(name="adamw", steps=50) | adamw | schedule]
    if complete:
        runs += [
            dict(name="adamw weight decay", steps=50) | adamw | schedule | dict(weight_decay=0.01),
            dict(name="adamw lab padding", steps=20) | adamw | schedule | dict(padding="lab"),
            dict(name="adamw warmup then constant", steps=15) | adamw | schedule | dict(total_steps=None),
            dict(name="adamw accumulation of means", steps=20) | adamw | schedule | dict(accumulation=2, accumulation_weight="micro_batch"),
            dict(name="adamw accumulation of tokens", steps=20) | adamw | schedule | dict(accumulation=2, accumulation_weight="token"),
            dict(name="adamw no clipping", steps=10) | adamw | schedule | dict(clip_norm=0.0),
            dict(name="sgd", steps=20, optimizer="sgd", momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0) | schedule | dict(learning_rate=0.05),
            dict(name="sgd momentum", steps=20, optimizer="sgd", momentum=0.9, dampening=0.0, nesterov=False, weight_decay=0.0) | schedule | dict(learning_rate=0.02),
            dict(name="sgd nesterov weight decay", steps=20, optimizer="sgd", momentum=0.9, dampening=0.0, nesterov=True, weight_decay=0.01) | schedule | dict(learning_rate=0.02),
        ]
    for run in runs:
        result, final = train(folder, run, batches, torch.float32)
        exact, _ = train(folder, run, batches, torch.float64)
        noise = max(abs(a - b) / abs(b) for a, b in zip(result["losses"], exact["losses"]))
        check(f"{run['name']}: losses in float64 {noise:.1e}", noise < 1e-5)
        training["runs"].append(run | result | dict(noise=noise))
        for name, values in final.items():
            flat = values.reshape(-1)
            tensors[f"runs/{run['name']}/{name}"] = flat[:: -(-flat.numel() // FINAL_SAMPLES)].clone()
    return training


def random_batch(generator, vocabulary, rows, length, pad):
    """Rows padded on the right, one of them not at all; a stretch of labels in the second row is ignored."""
    tokens = torch.randint(0, vocabulary - 1, (rows, length), generator=generator)
    mask = torch.ones(rows, length, dtype=torch.long)
    ends = torch.randint(length // 2, length, (rows,), generator=generator)
    for row in range(1, rows):
        tokens[row, ends[row] :] = pad
        mask[row, ends[row] :] = 0
    labels = tokens.masked_fill(mask == 0, -100)
    labels[1, 2:5] = -100
    return dict(input_ids=tokens, attention_mask=mask, labels=labels)


def trained_model(folder, dtype):
    attention = "eager" if dtype == torch.float32 else "sdpa"
    return GPT2LMHeadModel.from_pretrained(folder, dtype=dtype, attn_implementation=attention).train()


def loss_of(model, batch, padding):
    if padding == "lab":
        return model(input_ids=batch["input_ids"], labels=batch["input_ids"]).loss, batch["input_ids"]
    return model(**batch).loss, batch["labels"]


def label_count(labels):
    return int((labels[:, 1:] != -100).sum())


def write_gradients(folder, case, batch, tensors):
    def run(dtype):
        model = trained_model(folder, dtype)
        loss, labels = loss_of(model, batch, case)
        loss.backward()
        return loss.item(), {canonical(name): parameter.grad for name, parameter in model.named_parameters()}, labels

    loss, gradients, labels = run(torch.float32)
    exact_loss, exact, _ = run(torch.float64)
    noise, strides = 0.0, {}
    for name, gradient in gradients.items():
        noise = max(noise, ((gradient - exact[name]).norm() / exact[name].norm()).item())
        if case == "masked":
            strides[name] = FULL_GRADIENT_STRIDE if gradient.numel() > FULL_GRADIENT_LIMIT else 1
        else:
            strides[name] = -(-gradient.numel() // GRADIENT_SAMPLES)
        tensors[f"gradients/{case}/{name}"] = gradient.reshape(-1)[:: strides[name]].clone()
    check(f"gradients {case} in float64 {noise:.1e}", noise < 1e-4)
    return dict(
        name=case,
        batch={key: value.tolist() for key, value in (batch | dict(labels=labels)).items() if case != "lab" or key != "attention_mask"},
        loss=loss,
        label_count=label_count(labels),
        norm=torch.stack([gradient.norm() for gradient in gradients.values()]).norm().item(),
        norms={name: gradient.norm().item() for name, gradient in gradients.items()},
        strides=strides,
        noise=noise,
    )


def train(folder, run, batches, dtype):
    model = trained_model(folder, dtype)
    rate = run["learning_rate"]
    if run["optimizer"] == "adamw":
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=rate, betas=(run["beta1"], run["beta2"]), eps=run["epsilon"],
            weight_decay=run["weight_decay"],
        )
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), lr=rate, momentum=run["momentum"], dampening=run["dampening"],
            nesterov=run["nesterov"], weight_decay=run["weight_decay"],
        )
    if run["total_steps"] is None:
        schedule = transformers.get_constant_schedule_with_warmup(optimizer, run["warmup_steps"])
    else:
        schedule = get_linear_schedule_with_warmup(optimizer, run["warmup_steps"], run["total_steps"])
    losses, norms, rates = [], [], []
    count = run["accumulation"]
    for step in range(run["steps"]):
        micro = [batches[(step * count + part) % len(batches)] for part in range(count)]
        labels = [label_count(batch["input_ids"] if run["padding"] == "lab" else batch["labels"]) for batch in micro]
        total = 0.0
        for batch, labelled in zip(micro, labels):
            weight = labelled / sum(labels) if run.get("accumulation_weight") == "token" else 1 / count
            loss = loss_of(model, batch, run["padding"])[0] * weight
            loss.backward()
            total += loss.item()
        losses.append(total)
        if run["clip_norm"] > 0:
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), run["clip_norm"]).item())
        else:
            norms.append(torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm().item())
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    final = {canonical(name): parameter.data for name, parameter in model.named_parameters()}
    return dict(losses=losses, gradient_norms=norms, learning_rates=rates), final


# ---------------------------------------------------------------- activations


def write_activations(folder):
    """Each activation function and its derivative on a grid, computed in float64 and rounded to float32."""
    folder.mkdir(parents=True, exist_ok=True)
    positive = torch.tensor([1e-30, 1e-6, 1e-3, 14.5, 17.0, 19.875, 20.0, 20.125, 25.0, 30.0, 50.0, 100.0])
    grid = torch.cat([torch.linspace(-12, 12, 385), positive, -positive])
    tensors = dict(x=grid)
    for name in ACTIVATIONS:
        x = grid.double().requires_grad_()
        y = ACT2FN[name](x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        tensors[name] = y.detach().float()
        tensors[name + ".gradient"] = gradient.float()
    save_file(tensors, folder / "activations.safetensors")


def check(what, holds):
    if not holds:
        raise AssertionError(what)


if __name__ == "__main__":
    main()
