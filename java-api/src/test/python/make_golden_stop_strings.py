#!/usr/bin/env python3
"""Writes where transformers' StopStringCriteria ends random sequences of tokens.

    pip install -r requirements.txt
    python make_golden_stop_strings.py [--output ../resources/golden/stop_strings]

The vocabulary is byte-level as GPT-2's, with pieces that cut characters in two. The layout is described in the README.md
beside the file.
"""

import argparse
import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast, StopStringCriteria
from transformers.convert_slow_tokenizer import bytes_to_unicode

CASES = 600
TEXTS = ["a", "b", "c", "ab", "bc", "abc", "cab", "aab", "ba", " ", " a", "\n", "\n\n", "a\n", "\nb", "xabcx", "bca\n",
         "é", "€", "aé", "é\n", "😀"]


def pieces():
    encoded = [text.encode() for text in TEXTS]
    # Every byte of the characters that have several, alone and in pairs.
    for text in ["é", "€", "😀"]:
        data = text.encode()
        encoded += [data[i:i + 1] for i in range(len(data))] + [data[i:i + 2] for i in range(len(data) - 1)]
    return sorted(set(encoded))


def main(output):
    rng = random.Random(20261124)
    vocabulary = pieces()
    letters = bytes_to_unicode()
    tokens = {"".join(letters[b] for b in piece): i for i, piece in enumerate(vocabulary)}
    backend = Tokenizer(models.BPE(vocab=tokens, merges=[]))
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend)
    cases = []
    while len(cases) < CASES:
        ids = [rng.randrange(len(vocabulary)) for _ in range(rng.randint(2, 24))]
        strings = ["".join(rng.choice("aabbc\n é€😀") for _ in range(rng.randint(1, 5)))
                   for _ in range(rng.randint(1, 3))]
        criteria = StopStringCriteria(tokenizer=tokenizer, stop_strings=strings)
        ends = [i for i in range(1, len(ids)) if criteria(torch.tensor([ids[: i + 1]]), None).item()]
        # Half of the random cases never end; some of them are enough.
        if ends or rng.random() < 0.2:
            cases.append({"ids": ids, "stop_strings": strings, "matches": ends})
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "golden.json", "w") as file:
        file.write('{"vocabulary": ' + json.dumps([list(piece) for piece in vocabulary]) + ',\n "cases": [\n')
        file.write(",\n".join(json.dumps(case) for case in cases))
        file.write("\n]}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path,
                        default=Path(__file__).parent.parent / "resources" / "golden" / "stop_strings")
    main(parser.parse_args().output)
