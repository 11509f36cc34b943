#!/usr/bin/env python3
"""Writes the beam searches of transformers' generate over a model that is a table of logits.

    pip install -r requirements.txt
    python make_golden_beams.py [--output ../resources/golden/beams]

The logits after a token are a row of a random table, so that any other implementation of generate can use the same
"model". Options are drawn at random, so that combinations are met that nobody would think of. Cases whose outcome
hangs on a near tie are left out: each must stay the same when the table is disturbed, and scores must differ.
"""

import argparse
import json
import random
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.modeling_outputs import CausalLMOutputWithCrossAttentions

VOCAB = 14
CASES = 300


class TableModel(GPT2LMHeadModel):
    """Logits are looked up by the last token."""

    table = torch.zeros(VOCAB, VOCAB)

    def forward(self, input_ids=None, past_key_values=None, **kwargs):
        return CausalLMOutputWithCrossAttentions(logits=self.table[input_ids])


def draw_options(rng):
    beams = rng.randint(2, 6)
    options = {
        "num_beams": beams,
        "num_return_sequences": rng.randint(1, beams),
        "max_new_tokens": rng.randint(1, 12),
        "length_penalty": rng.choice([1.0, 1.0, 0.0, 2.0, 0.5, -1.0]),
        "early_stopping": rng.choice([False, True, "never"]),
    }
    eos = rng.sample(range(VOCAB), rng.choice([0, 1, 1, 1, 2]))
    if eos:
        options["eos_token_id"] = eos
    if rng.random() < 0.3:
        options["repetition_penalty"] = rng.choice([0.8, 1.3, 1.8])
    if rng.random() < 0.3:
        options["no_repeat_ngram_size"] = rng.choice([2, 3])
    if eos and rng.random() < 0.3:
        options["min_new_tokens"] = rng.randint(1, options["max_new_tokens"])
    if rng.random() < 0.2:
        options["bad_words_ids"] = [[rng.randrange(VOCAB)], [rng.randrange(VOCAB), rng.randrange(VOCAB)]]
    return options


def run(model, table, prompt, options):
    model.table = table
    output = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        pad_token_id=VOCAB,
        use_cache=False,
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    sequences = []
    for row, score in zip(output.sequences.tolist(), output.sequences_scores.tolist()):
        ids = row[len(prompt):]
        sequences.append({"ids": ids[: ids.index(VOCAB)] if VOCAB in ids else ids, "score": score})
    return sequences


def main(folder):
    rng = random.Random(20261124)
    config = GPT2Config(vocab_size=VOCAB, n_positions=64, n_embd=4, n_layer=1, n_head=1, eos_token_id=None,
                        bos_token_id=None)
    model = TableModel(config)
    model.generation_config.eos_token_id = None
    model.eval()
    tables = [torch.randn(VOCAB, VOCAB, generator=torch.Generator().manual_seed(i)) * 2 for i in range(6)]
    cases = []
    while len(cases) < CASES:
        table = rng.randrange(len(tables))
        prompt = [rng.randrange(VOCAB) for _ in range(rng.randint(1, 5))]
        options = draw_options(rng)
        sequences = run(model, tables[table], prompt, options)
        noise = torch.Generator().manual_seed(len(cases))
        stable = all(
            [s["ids"] for s in run(model, tables[table] + 1e-4 * torch.randn(VOCAB, VOCAB, generator=noise), prompt,
                                   options)] == [s["ids"] for s in sequences]
            for _ in range(4))
        scores = [s["score"] for s in sequences]
        distinct = all(a - b > 1e-5 for a, b in zip(scores, scores[1:]))
        if stable and distinct and scores[-1] > -1e6:
            cases.append({"table": table, "prompt": prompt, "options": options, "sequences": sequences})
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "golden.json", "w") as f:
        f.write('{"tables": ' + json.dumps([t.tolist() for t in tables]) + ',\n "cases": [\n')
        f.write(",\n".join(json.dumps(c) for c in cases))
        f.write("\n]}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "resources" / "golden" / "beams")
    main(parser.parse_args().output)
