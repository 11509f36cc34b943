#!/usr/bin/env python3
"""Writes what transformers' generate makes of the golden models with guidance, prompt lookup, and with many options at once.

    pip install -r requirements.txt
    python make_golden_generation.py [--output ../resources/golden/generation]

A case is kept only if its ids stay the same when the logits are disturbed, so that no test depends on a near tie.
"""

import argparse
import json
import random
from pathlib import Path

import torch
import transformers
from transformers import GPT2LMHeadModel, LogitsProcessor, LogitsProcessorList

RESOURCES = Path(__file__).resolve().parent.parent / "resources" / "golden"
MODELS = ["odd", "tiny", "untied", "relu-epsilon"]
CASES_OF_EACH = 12


class Noise(LogitsProcessor):
    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids, scores):
        return scores + 2e-4 * torch.randn(scores.shape, generator=self.generator)


def guidance(rng, vocabulary, limit):
    options = dict(guidance_scale=rng.choice([0.0, 0.5, 1.5, 2.0, 3.0, -0.5]), max_new_tokens=rng.randint(1, 10))
    if rng.random() < 0.7:
        options["negative_prompt_ids"] = ids(rng, vocabulary, rng.randint(1, 6))
    if rng.random() < 0.3:
        options["repetition_penalty"] = 1.3
    return options


def lookup(rng, vocabulary, limit):
    options = dict(prompt_lookup_num_tokens=rng.randint(1, 8), max_new_tokens=rng.randint(2, limit - 14))
    if rng.random() < 0.5:
        options["max_matching_ngram_size"] = rng.randint(1, 4)
    if rng.random() < 0.4:
        options["no_repeat_ngram_size"] = rng.randint(2, 4)
    if rng.random() < 0.4:
        options["eos_token_id"] = ids(rng, vocabulary, 2)
    return options


def mixed(rng, vocabulary, limit):
    options = dict(max_new_tokens=rng.randint(4, 12), eos_token_id=ids(rng, vocabulary, rng.randint(1, 2)))
    every = dict(
        num_beams=lambda: rng.randint(2, 4),
        sequence_bias=lambda: [[ids(rng, vocabulary, 1), 2.5], [ids(rng, vocabulary, 2), -3.0]],
        encoder_repetition_penalty=lambda: rng.choice([0.8, 1.4]),
        repetition_penalty=lambda: rng.choice([0.9, 1.3]),
        no_repeat_ngram_size=lambda: rng.randint(2, 3),
        encoder_no_repeat_ngram_size=lambda: rng.randint(1, 3),
        bad_words_ids=lambda: [ids(rng, vocabulary, 1), ids(rng, vocabulary, 2)],
        min_new_tokens=lambda: 3,
        forced_eos_token_id=lambda: options["eos_token_id"][0],
        exponential_decay_length_penalty=lambda: [rng.randint(0, 3), rng.choice([1.05, 1.3])],
        suppress_tokens=lambda: ids(rng, vocabulary, 5),
        begin_suppress_tokens=lambda: ids(rng, vocabulary, 8),
        renormalize_logits=lambda: True,
        remove_invalid_values=lambda: True,
    )
    for name in every:
        if rng.random() < 0.4:
            options[name] = every[name]()
    return options


def ids(rng, vocabulary, count):
    return [rng.randrange(vocabulary) for _ in range(count)]


def generate(model, prompt, options, noise=None):
    options = dict(options)
    negative = options.pop("negative_prompt_ids", None)
    eos = options.pop("eos_token_id", None)
    torch.manual_seed(0)
    output = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        negative_prompt_ids=None if negative is None else torch.tensor([negative]),
        do_sample=False,
        eos_token_id=eos,
        pad_token_id=0,
        logits_processor=LogitsProcessorList([] if noise is None else [Noise(noise)]),
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    new = output.sequences[0, len(prompt):].tolist()
    score = None if getattr(output, "sequences_scores", None) is None else output.sequences_scores[0].item()
    for i, token in enumerate(new):
        if eos is not None and token in eos:
            return new[: i + 1], score
    return new, score


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--output", type=Path, default=RESOURCES / "generation")
    output = arguments.parse_args().output
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    cases = []
    for name in MODELS:
        rng = random.Random(name)
        model = GPT2LMHeadModel.from_pretrained(RESOURCES / "models" / name, dtype=torch.float32).eval()
        model.generation_config.eos_token_id = None
        vocabulary, limit = model.config.vocab_size, model.config.n_positions
        for kind in (guidance, lookup, mixed):
            kept = 0
            while kept < CASES_OF_EACH:
                prompt = ids(rng, vocabulary, rng.randint(1, 6))
                if kind is lookup:  # so that there is something to find
                    prompt = (prompt * 3)[:12]
                options = kind(rng, vocabulary, limit)
                try:
                    new, score = generate(model, prompt, options)
                    stable = all(generate(model, prompt, options, noise)[0] == new for noise in range(4))
                except ValueError as error:  # options that exclude each other
                    print(f"{name}: {error}")
                    continue
                if stable and (score is None or abs(score) < 1e6):
                    cases.append(dict(model=name, prompt=prompt, options=options, ids=new) | ({} if score is None else dict(score=score)))
                    kept += 1
    output.mkdir(parents=True, exist_ok=True)
    head = dict(versions=dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__))
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (output / "golden.json").write_text(f'{{"versions": {json.dumps(head["versions"])},\n "cases": [\n{lines}\n]}}\n')
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
