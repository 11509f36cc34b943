#!/usr/bin/env python3
"""Writes what transformers' logits processors make of given logits: each alone, and together in generate's own order.

    pip install -r requirements.txt
    python make_golden_processors.py [--output ../resources/golden/processors]

The list of processors of every case is built by transformers itself from a GenerationConfig, as generate() does. Logits
are seeded; a set of them is kept only when every case removes the same tokens in float64 and under a small disturbance,
so that no test hangs on a sum that is just at its threshold. The layout is described in the README.md beside the files.
"""

import argparse
import json
import math
import platform
from pathlib import Path

import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

EOS, OTHER_EOS, PAD, BOS = 5, 40, 96, 3
OFF = dict(do_sample=False, num_beams=1, temperature=1.0, top_k=0, top_p=1.0, typical_p=1.0, repetition_penalty=1.0)
SAMPLE = dict(do_sample=True)

# Four sequences with repeats: a plain one, one whose last tokens stood there before, a constant one, one padded on the left.
INPUT_IDS = [
    [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 12, 13],
    [7, 8, 9, 30, 7, 8, 9, 31, 7, 8, 9, 30],
    [21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21],
    [PAD, PAD, PAD, PAD, 50, 51, 52, 5, 50, 51, 52, 5],
]
ATTENTION_MASK = [[1] * 12, [1] * 12, [1] * 12, [0] * 4 + [1] * 8]
PROMPT_LENGTH = 9

CASES = [
    # name, which logits, options
    *[(f"temperature {t}", "small", SAMPLE | dict(temperature=t)) for t in (0.1, 0.7, 1.5)],
    *[(f"top_k {k}", "small", SAMPLE | dict(top_k=k)) for k in (1, 5, 50, 97, 200)],
    *[(f"top_k {k} ties", "ties", SAMPLE | dict(top_k=k)) for k in (1, 4, 10)],
    *[(f"top_k {k} large", "large", SAMPLE | dict(top_k=k)) for k in (40,)],
    *[(f"top_p {p}", "small", SAMPLE | dict(top_p=p)) for p in (0.01, 0.3, 0.9, 0.999)],
    *[(f"top_p {p} large", "large", SAMPLE | dict(top_p=p)) for p in (0.5, 0.95)],
    *[(f"min_p {p}", "small", SAMPLE | dict(min_p=p)) for p in (0.02, 0.1, 0.5, 1.0)],
    *[(f"min_p {p} large", "large", SAMPLE | dict(min_p=p)) for p in (0.05,)],
    *[(f"typical_p {p}", "small", SAMPLE | dict(typical_p=p)) for p in (0.05, 0.2, 0.9, 0.99)],
    *[(f"typical_p {p} large", "large", SAMPLE | dict(typical_p=p)) for p in (0.3, 0.95)],
    *[(f"repetition_penalty {p}", "small", dict(repetition_penalty=p)) for p in (0.5, 1.2, 2.0)],
    ("repetition_penalty 1.3 large", "large", dict(repetition_penalty=1.3)),
    *[(f"no_repeat_ngram_size {n}", "small", dict(no_repeat_ngram_size=n)) for n in (1, 2, 3, 4, 12, 13)],
    ("bad_words one token", "small", dict(bad_words_ids=[[4], [60], [61]])),
    ("bad_words sequences", "small", dict(bad_words_ids=[[12, 13, 70], [13, 71], [8, 9, 30, 72], [21, 21], [99 - 9, 1], [12, 70]])),
    ("bad_words mixed", "small", dict(bad_words_ids=[[4], [13, 71], [9, 30, 4], [5, 73], [51, 52, 5, 74], [20, 12, 13, 75]])),
    ("bad_words eos alone is allowed", "small", dict(bad_words_ids=[[EOS], [60]], eos_token_id=EOS)),
    ("min_length not reached", "small", dict(min_length=13, eos_token_id=EOS)),
    ("min_length reached", "small", dict(min_length=12, eos_token_id=EOS)),
    ("min_length two eos", "small", dict(min_length=20, eos_token_id=[EOS, OTHER_EOS])),
    ("min_new_tokens not reached", "small", dict(min_new_tokens=4, eos_token_id=EOS)),
    ("min_new_tokens reached", "small", dict(min_new_tokens=3, eos_token_id=EOS)),
    ("forced_eos at the end", "small", dict(max_length=13, forced_eos_token_id=EOS)),
    ("forced_eos before the end", "small", dict(max_length=14, forced_eos_token_id=EOS)),
    ("forced_eos two", "small", dict(max_length=13, forced_eos_token_id=[EOS, OTHER_EOS])),
    ("forced_bos at the beginning", "small", dict(forced_bos_token_id=BOS, length=1)),
    ("forced_bos later", "small", dict(forced_bos_token_id=BOS, length=2)),
    # together, in generate's order
    ("the usual", "small", SAMPLE | dict(temperature=0.8, top_k=40, top_p=0.9)),
    ("the usual large", "large", SAMPLE | dict(temperature=0.7, top_k=50, top_p=0.95)),
    ("hot and narrow", "small", SAMPLE | dict(temperature=1.7, top_k=10, top_p=0.7, min_p=0.05)),
    ("typical after top_k", "small", SAMPLE | dict(top_k=20, typical_p=0.6)),
    ("min_p after top_p", "large", SAMPLE | dict(temperature=1.3, top_p=0.9, min_p=0.03)),
    ("everything", "small", SAMPLE | dict(
        repetition_penalty=1.2, no_repeat_ngram_size=3, bad_words_ids=[[4], [13, 71]], min_new_tokens=5, eos_token_id=EOS,
        temperature=0.9, top_k=30, top_p=0.9, min_p=0.01, typical_p=0.95)),
    ("everything large", "large", SAMPLE | dict(
        repetition_penalty=1.1, no_repeat_ngram_size=2, bad_words_ids=[[400], [13, 71]], min_length=20, eos_token_id=EOS,
        temperature=1.2, top_k=100, top_p=0.95, min_p=0.01, typical_p=0.9)),
    ("penalties and lengths", "small", dict(
        repetition_penalty=1.4, no_repeat_ngram_size=2, bad_words_ids=[[60]], min_length=20, min_new_tokens=8, eos_token_id=EOS)),
    ("forced eos after the penalties", "small", dict(
        repetition_penalty=1.4, min_length=20, eos_token_id=EOS, max_length=13, forced_eos_token_id=EOS)),
    # beam search with sampling keeps at least 2 tokens (one for each eos and one more)
    ("beams top_k 1", "small", SAMPLE | dict(num_beams=3, top_k=1)),
    ("beams top_p 0.01", "small", SAMPLE | dict(num_beams=3, top_p=0.01)),
    ("beams min_p 1", "small", SAMPLE | dict(num_beams=3, min_p=1.0)),
    ("beams typical_p 0.01", "small", SAMPLE | dict(num_beams=3, typical_p=0.01)),
    ("beams two eos", "small", SAMPLE | dict(num_beams=3, top_p=0.01, eos_token_id=[EOS, OTHER_EOS])),
]
# Beyond the usual ones.
EXTRA_CASES = [
    ("sequence_bias", "small", dict(sequence_bias=[[[4], -2.5], [[13, 71], 3.0], [[9, 30, 72], -10.0], [[72], 1.0]])),
    ("epsilon_cutoff", "small", SAMPLE | dict(epsilon_cutoff=0.01)),
    ("eta_cutoff", "small", SAMPLE | dict(eta_cutoff=0.02)),
    ("suppress_tokens", "small", dict(suppress_tokens=[1, 2, 60])),
    ("begin_suppress_tokens", "small", dict(begin_suppress_tokens=[1, 2, 60], length=PROMPT_LENGTH)),
    ("begin_suppress_tokens later", "small", dict(begin_suppress_tokens=[1, 2, 60])),
    ("remove_invalid_values", "invalid", dict(remove_invalid_values=True)),
    ("renormalize_logits", "small", SAMPLE | dict(temperature=0.8, top_k=10, renormalize_logits=True)),
    ("exponential_decay_length_penalty", "small", dict(exponential_decay_length_penalty=(1, 1.3), eos_token_id=EOS)),
]
# Options that came later, over logits of their own, so that the logits of the cases above stay what they were.
LATER_CASES = [
    *[(f"top_h {h}", "later", SAMPLE | dict(top_h=h)) for h in (0.1, 0.4, 0.8)],
    *[(f"top_h {h} large", "later large", SAMPLE | dict(top_h=h)) for h in (0.3, 0.9)],
    ("top_h before top_k", "later", SAMPLE | dict(temperature=1.4, top_h=0.7, top_k=6, top_p=0.9)),
    *[(f"encoder_repetition_penalty {p}", "later", dict(encoder_repetition_penalty=p)) for p in (0.7, 1.5)],
    ("encoder and other repetition penalty", "later", dict(encoder_repetition_penalty=1.5, repetition_penalty=1.2)),
    *[(f"encoder_no_repeat_ngram_size {n}", "later", dict(encoder_no_repeat_ngram_size=n)) for n in (1, 2, 3)],
    ("encoder and other n-grams", "later", dict(encoder_no_repeat_ngram_size=2, no_repeat_ngram_size=3)),
    *[(f"epsilon_cutoff {e}", "later", SAMPLE | dict(epsilon_cutoff=e)) for e in (0.0009, 0.03, 0.9)],
    *[(f"epsilon_cutoff {e} large", "later large", SAMPLE | dict(epsilon_cutoff=e)) for e in (0.0003, 0.004)],
    *[(f"eta_cutoff {e}", "later", SAMPLE | dict(eta_cutoff=e)) for e in (0.0009, 0.05, 0.9)],
    *[(f"eta_cutoff {e} large", "later large", SAMPLE | dict(eta_cutoff=e)) for e in (0.0003, 0.1)],
    ("cutoffs together", "later", SAMPLE | dict(temperature=1.2, typical_p=0.9, epsilon_cutoff=0.01, eta_cutoff=0.3)),
    ("beams epsilon_cutoff", "later", SAMPLE | dict(num_beams=3, epsilon_cutoff=0.9)),
    ("beams eta_cutoff two eos", "later", SAMPLE | dict(num_beams=3, eta_cutoff=0.9, eos_token_id=[EOS, OTHER_EOS])),
    ("decay not yet", "later", dict(exponential_decay_length_penalty=(3, 1.3), eos_token_id=EOS)),
    ("decay two eos", "later", dict(exponential_decay_length_penalty=(0, 1.7), eos_token_id=[EOS, OTHER_EOS])),
    ("decay after minimum", "later", dict(exponential_decay_length_penalty=(0, 1.7), min_new_tokens=9, eos_token_id=EOS)),
    ("decay below 1", "later", dict(exponential_decay_length_penalty=(1, 0.5), eos_token_id=EOS)),
    ("suppress and bias", "later", dict(suppress_tokens=[4, 33], sequence_bias=[[[4], 9.0], [[13, 34], 2.5], [[33], -1.0]])),
    ("begin_suppress_tokens after forced_bos", "later", dict(begin_suppress_tokens=[1, 60], forced_bos_token_id=BOS, length=2)),
    ("begin_suppress_tokens at forced_bos", "later", dict(begin_suppress_tokens=[1, 60], forced_bos_token_id=BOS, length=1)),
    ("renormalize_logits greedy", "later", dict(renormalize_logits=True, repetition_penalty=1.3, suppress_tokens=[2])),
    ("renormalize_logits after filters", "later", SAMPLE | dict(temperature=0.6, top_p=0.8, renormalize_logits=True)),
    ("all of them", "later", SAMPLE | dict(
        sequence_bias=[[[4], -2.5], [[13, 71], 3.0]], encoder_repetition_penalty=1.2, repetition_penalty=1.3,
        no_repeat_ngram_size=3, encoder_no_repeat_ngram_size=4, bad_words_ids=[[60], [13, 70]], min_new_tokens=2, eos_token_id=EOS,
        remove_invalid_values=True, exponential_decay_length_penalty=(1, 1.1), suppress_tokens=[8, 9], temperature=1.1, top_h=0.95,
        top_k=40, top_p=0.97, min_p=0.001, typical_p=0.98, epsilon_cutoff=0.0005, eta_cutoff=0.0004, renormalize_logits=True)),
]
ALL_CASES = CASES + EXTRA_CASES + LATER_CASES


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    resources = Path(__file__).resolve().parent.parent / "resources" / "golden"
    arguments.add_argument("--output", type=Path, default=resources / "processors")
    output = arguments.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=4, vocab_size=97, n_positions=16)).eval()

    logits = {}
    tensors, cases = {}, []
    for name, kind, options in ALL_CASES:
        if kind not in logits:
            logits[kind] = sound_logits(model, kind)
            tensors[f"logits/{kind}"] = logits[kind]
        options = dict(options)
        length = options.pop("length", len(INPUT_IDS[0]))
        rows = len(logits[kind])
        processors, keep = build(model, options, length, rows)
        scores = apply(processors, length, logits[kind])
        tensors[f"scores/{name}"] = scores
        cases.append(
            dict(
                name=name,
                extra=any(name == extra[0] for extra in EXTRA_CASES),
                logits=kind,
                rows=rows,
                length=length,
                prompt_length=min(PROMPT_LENGTH, length),
                options=options,
                processors=[type(processor).__name__ for processor in processors],
                min_tokens_to_keep=keep,
                kept=torch.isfinite(scores).sum(-1).tolist(),
            )
        )
        print(f"{name}: {cases[-1]['processors']} keeps {cases[-1]['kept']}")

    save_file({key: value.contiguous() for key, value in tensors.items()}, output / "golden.safetensors")
    (output / "golden.safetensors").chmod(0o644)
    versions = dict(
        torch=torch.__version__.split("+")[0], transformers=transformers.__version__, safetensors=safetensors.__version__,
        python=platform.python_version(),
    )
    head = dict(versions=versions, input_ids=INPUT_IDS, attention_mask=ATTENTION_MASK)
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    lines.append(' "cases": [\n' + ",\n".join("  " + json.dumps(case) for case in cases) + "\n ]")
    (output / "golden.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def build(model, options, length, rows):
    config = GenerationConfig(**(OFF | dict(max_length=100) | options))
    mask = torch.tensor(ATTENTION_MASK)[:rows, :length]
    model._prepare_special_tokens(config, kwargs_has_attention_mask=True)
    processors = model._get_logits_processor(
        config, input_ids_seq_length=min(PROMPT_LENGTH, length), device="cpu",
        model_kwargs=dict(attention_mask=mask), encoder_input_ids=torch.tensor(INPUT_IDS)[:rows, : min(PROMPT_LENGTH, length)],
    )
    keep = max([getattr(processor, "min_tokens_to_keep", 1) for processor in processors], default=1)
    return processors, keep


def apply(processors, length, scores):
    input_ids = torch.tensor(INPUT_IDS)[: len(scores), :length]
    return processors(input_ids, scores.clone())


def sound_logits(model, kind):
    """Logits for which every case keeps the same tokens in float64 and when they are disturbed."""
    if kind == "ties":
        return torch.randint(-3, 6, (4, 97), generator=torch.Generator().manual_seed(1)).float()
    for seed in range(100):
        logits = random_logits(kind, seed)
        if kind == "invalid" or all(sound(model, logits, dict(options)) for _, k, options in ALL_CASES if k == kind):
            print(f"{kind} logits: seed {seed}")
            return logits
    raise AssertionError(f"no {kind} logits without a near tie")


def random_logits(kind, seed):
    generator = torch.Generator().manual_seed(seed)
    if kind.startswith("later"):
        generator.manual_seed(1000 + seed)
    if kind.endswith("large"):
        return 3 * torch.randn(2, 1003, generator=generator) - 1
    # ordinary, flat, one token far ahead, sharp
    logits = torch.randn(4, 97, generator=generator)
    logits = logits * torch.tensor([[1.6], [0.5], [2.0], [3.0]])
    logits[2, 33] = 25.0
    if kind == "invalid":
        logits[0, 3], logits[1, 4], logits[2, 5] = math.nan, math.inf, -math.inf
    return logits


def sound(model, logits, options):
    length = options.pop("length", len(INPUT_IDS[0]))

    def kept(scores):
        processors, _ = build(model, options, length, len(scores))
        return torch.isfinite(apply(processors, length, scores))

    expected = kept(logits)
    noise = [1e-5 * torch.randn(logits.shape, generator=torch.Generator().manual_seed(trial)) for trial in range(5)]
    others = [logits.double()] + [logits + part for part in noise]
    return all(torch.equal(kept(other), expected) for other in others)


if __name__ == "__main__":
    main()
