"""Writes the golden merges of Hugging Face's BpeTrainer with the ByteLevel pre-tokenizer and its alphabet.

    python make_golden_bpe.py BOOKS_FOLDER OUTPUT_FOLDER

BOOKS_FOLDER has the plain texts of Project Gutenberg named below. From each the first 100,000 characters are used.

cases.json   for each case: texts, options, and the tokens by id and merges of the trained tokenizer
books.txt    the texts of the books, separated by U+000C; the case "books" uses them
books.merges and books.tokens  its merges and tokens, one a line
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

END = "<|endoftext|>"
BOOKS = ["carroll-alice.txt", "burgess-busterbrown.txt", "bryant-stories.txt"]


def train(texts, vocab_size, min_frequency=0, special_tokens=(END,)):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    assert [model["vocab"][token] for token in tokens] == list(range(len(tokens)))
    return tokens, [" ".join(merge) for merge in model["merges"]]


def case(name, texts, **options):
    tokens, merges = train(texts, **options)
    return {"name": name, "texts": texts, "options": options, "tokens": tokens, "merges": merges}


def random_text(rng, alphabet, length):
    return "".join(rng.choice(alphabet) for _ in range(length))


def cases():
    repeated = ["a" * n for n in (1, 2, 3, 5, 8, 13, 21, 34, 55)] + ["ab" * 30, "aab" * 20, "x" * 200]
    unicode = [
        "na\u00efve caf\u00e9 \u00c5ngstr\u00f6m \u4f60\u597d\u4e16\u754c \u4f60\u597d \U0001f600\U0001f600\U0001f680 e\u0301",
        "\u0645\u0631\u062d\u0628\u0627 \u0645\u0631\u062d\u0628\u0627  \u00a0\u2003\u3000x \U0001d54f\U0001d54f 12\u0663\u0664 \u00bd\u00bd",
        "don't can't we'll they've I'm he'd 'tis\n\n\tdon't   \r\n",
    ] * 3
    yield case("repeated", repeated, vocab_size=400)
    yield case("repeated, min_frequency 2", repeated, vocab_size=400, min_frequency=2)
    yield case("unicode", unicode, vocab_size=400)
    yield case("unicode, min_frequency 4", unicode, vocab_size=400, min_frequency=4)
    yield case("ties", ["abcd efgh ijkl mnop", "dcba hgfe"], vocab_size=300)
    yield case("one token more than the bytes", ["hello hello"], vocab_size=258)
    yield case("fewer tokens than bytes", ["hello hello"], vocab_size=10)
    yield case("no text", [], vocab_size=300)
    yield case("empty texts", ["", "", " "], vocab_size=300)
    yield case("no special tokens", ["the cat the cat"], vocab_size=280, special_tokens=[])
    yield case("several special tokens", ["the cat" + END + "the cat"], vocab_size=300, special_tokens=["<pad>", END, "<s>"])
    yield case("special tokens that merges produce", ["the cat the then"] * 2, vocab_size=280, special_tokens=["the", "e", END])
    for seed in range(40):
        rng = random.Random(seed)
        alphabet = ["a", "ab", "abc ", "aabb\u00e9 \u4f60"][seed % 4]
        texts = [random_text(rng, alphabet, rng.randrange(1, 300)) for _ in range(rng.randrange(1, 8))]
        yield case(f"random {seed}", texts, vocab_size=257 + rng.randrange(400), min_frequency=rng.choice([0, 0, 2, 5]))


def main(books, output):
    output.mkdir(parents=True, exist_ok=True)
    (output / "cases.json").write_text(json.dumps(list(cases()), indent=0) + "\n")
    texts = [(books / name).read_text(encoding="utf-8").replace("\f", " ")[:100_000] for name in BOOKS]
    (output / "books.txt").write_text("\f".join(texts), encoding="utf-8", newline="")
    tokens, merges = train(texts, 8000)
    (output / "books.tokens").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    (output / "books.merges").write_text("\n".join(merges) + "\n", encoding="utf-8")
    print(len(merges), "merges of the books")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
